"""From prompted slices to a volume: slice by slice outward, each slice prompted by its neighbour's mask."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple

import numpy as np

from ..errors import InputError
from ..job import Job
from .derive import clicks_from_mask
from .planes import SlicePlane, plane_at, slice_of, voxel_at
from .prompts import BOX, POSITIVE, Structure
from .slice_clicks import clicks_in_plane
from .slice_segmenter import SliceMask, SliceSegmenter, fingerprint

Slices = Dict[int, SliceMask]


@dataclass(frozen=True)
class StopRule:
    """When a structure is taken to have ended, from one slice to the next.

    Attributes:
        score: lowest predicted intersection over union of a mask.
        shrink: smallest area as a fraction of the neighbour's.
        grow: largest area as a multiple of the neighbour's.
        common: lowest part of the smaller of both masks that lies in the other.
        pixels: smallest area in pixels.
        contrast: largest change of the median intensity (of [0, 1]) that is no reason to stop.
        spread: the same in standard deviations of the intensity within the neighbour's mask; the larger one counts.
    """

    score: float = 0.5
    shrink: float = 0.1
    grow: float = 3.0
    common: float = 0.6
    pixels: int = 5
    contrast: float = 0.08
    spread: float = 2.0

    def allows(self, new: np.ndarray, old: np.ndarray, score: float, values: np.ndarray, before: np.ndarray) -> bool:
        """Whether mask `new` can be the continuation of `old`.

        Args:
            new, old: bool (H, W), the mask and its neighbour's.
            score: of the new mask.
            values, before: (H, W) intensities in [0, 1] of the slice and of its neighbour.
        """
        area, neighbour = np.count_nonzero(new), np.count_nonzero(old)
        if score < self.score or area < self.pixels or not self.shrink * neighbour <= area <= self.grow * neighbour:
            return False
        if np.count_nonzero(new & old) < self.common * min(area, neighbour):
            return False
        inside = before[old]
        change = abs(float(np.median(values[new])) - float(np.median(inside)))
        return change <= max(self.contrast, self.spread * float(inside.std()))


class Propagator:
    """Extends one structure through the volume and remembers every stretch between prompted slices.

    A stretch depends on nothing but the masks of the prompted slices at its ends, so a later correction computes
    only the stretches that touch the corrected slice again.
    """

    REMEMBERED = 64

    def __init__(self, segmenter: SliceSegmenter, rule: Optional[StopRule] = None):
        self._segmenter = segmenter
        self._rule = StopRule() if rule is None else rule
        self._stretches: OrderedDict[tuple, Slices] = OrderedDict()

    def run(
        self,
        structure: Structure,
        imported: Optional[np.ndarray],
        bases: Dict[SlicePlane, np.ndarray],
        job: Job,
    ) -> np.ndarray:
        """The mask, uint8 (z, y, x), of a structure in the whole volume.

        Slices whose prompts started the structure come first; corrections follow in the order in which they were set,
        each correcting the mask found so far on its slice.

        Args:
            structure: with its prompts.
            imported: mask (z, y, x) from elsewhere that the prompts correct, or None.
            bases: masks that corrections were made on, where they are known.

        Raises:
            InputError: there is nothing to start from.
            Cancelled: the job was cancelled.
        """
        axis = self._main_axis(structure)
        starts, corrections = self._prompted(structure, axis)
        anchors = {index: self._anchor(structure, SlicePlane(axis, index), None, job) for index in starts}
        if imported is None and not any(anchor.mask.any() for anchor in anchors.values()):
            raise InputError(f"Click at least once inside {structure.name} before it is extended to the volume.")
        passes = len(corrections) + 1
        for number, index in enumerate(corrections):
            plane = SlicePlane(axis, index)
            base = bases.get(plane)
            if base is None:
                part = job.part(number / passes, (number + 1) / passes)
                base = slice_of(self._fill(axis, anchors, imported, part), plane).astype(bool)
            corrected = self._anchor(structure, plane, base, job)
            if base.any() or corrected.mask.any():
                anchors[index] = corrected
        return self._fill(axis, anchors, imported, job.part((passes - 1) / passes, 1.0))

    def _main_axis(self, structure: Structure) -> int:
        """The axis across whose planes most prompts were set; of equals, the one of largest spacing."""
        grid = self._segmenter.grid
        axes = [plane_at(grid, prompt.points[0], prompt.normal).axis for prompt in structure.prompts]
        return max(range(3), key=lambda axis: (axes.count(axis), round(grid.spacing[axis], 6), axis))

    def _prompted(self, structure: Structure, axis: int) -> Tuple[List[int], List[int]]:
        """Slices to start from, and slices that correct what arrives there, both in the order of their first prompt.

        Points set in a view along the slices, not in them, say too little to start from, so they correct.
        """
        grid = self._segmenter.grid
        starts: Dict[int, bool] = {}
        for prompt in structure.prompts:
            here = plane_at(grid, prompt.points[0], prompt.normal).axis == axis
            if here or prompt.kind != BOX:
                index = voxel_at(grid, prompt.points[0])[axis]
                starts[index] = starts.get(index, False) or (here and not prompt.correction)
        if not any(starts.values()):
            positive = [p for p in structure.prompts if p.kind == POSITIVE and not p.correction]
            starts.update({voxel_at(grid, p.points[0])[axis]: True for p in positive})
        return [i for i, start in starts.items() if start], [i for i, start in starts.items() if not start]

    def _fill(self, axis: int, anchors: Slices, imported: Optional[np.ndarray], job: Job) -> np.ndarray:
        grid = self._segmenter.grid
        volume = np.zeros(grid.shape, dtype=np.uint8) if imported is None else imported.copy()
        slices = dict(anchors)
        if imported is None:
            ends = sorted(anchors)
            pairs = list(zip([None, *ends], [*ends, None]))
            done = 0
            for low, high in pairs:
                length = (grid.size[axis] if high is None else high) - (-1 if low is None else low) - 1
                part = job.part(done / grid.size[axis], (done + length) / grid.size[axis])
                slices.update(self._stretch(axis, low, high, anchors, part))
                done += length
        for index, result in slices.items():
            slice_of(volume, SlicePlane(axis, index))[...] = result.mask
        job.update(1.0, "extended to the volume")
        return volume

    def _stretch(self, axis: int, low: Optional[int], high: Optional[int], anchors: Slices, job: Job) -> Slices:
        marks = [None if end is None else fingerprint(anchors[end].mask) for end in (low, high)]
        key = (axis, low, high, *marks)
        if key not in self._stretches:
            up = {} if low is None else self._walk(axis, low, 1, high, anchors[low], job.part(0, 0.5))
            down = {} if high is None else self._walk(axis, high, -1, low, anchors[high], job.part(0.5, 1))
            self._stretches[key] = _reconciled(low, high, up, down)
            while len(self._stretches) > self.REMEMBERED:
                self._stretches.popitem(last=False)
        self._stretches.move_to_end(key)
        return self._stretches[key]

    def _walk(self, axis: int, start: int, step: int, stop: Optional[int], anchor: SliceMask, job: Job) -> Slices:
        """Slices from `start` (not included) in steps of `step` until `stop` (not included) or the structure's end."""
        size = self._segmenter.grid.size[axis]
        stop = (size if step > 0 else -1) if stop is None else stop
        indices = range(start + step, stop, step)
        found: Slices = {}
        current = anchor
        for number, index in enumerate(indices):
            if not current.mask.any():
                break
            job.update(number / len(indices), f"slice {index + 1} of {size}")
            self._segmenter.prefetch([SlicePlane(axis, ahead) for ahead in indices[number + 1 : number + 3]])
            current = self._next(SlicePlane(axis, index), SlicePlane(axis, index - step), current, job)
            if current is None:
                break
            found[index] = current
        return found

    def _next(self, plane: SlicePlane, previous: SlicePlane, neighbour: SliceMask, job: Job) -> Optional[SliceMask]:
        parts = []
        values, before = (slice_of(self._segmenter.volume, where) for where in (plane, previous))
        for clicks, old in clicks_from_mask(neighbour.mask, self._segmenter.pixel_size(plane)):
            part = self._segmenter.continuation(plane, clicks, old, job)
            if self._rule.allows(part.mask, old, part.score, values, before):
                parts.append(part)
        if not parts:
            return None
        return SliceMask(np.max([part.logits for part in parts], axis=0), min(part.score for part in parts))

    def _anchor(self, structure: Structure, plane: SlicePlane, base: Optional[np.ndarray], job: Job) -> SliceMask:
        job.check()
        return self._segmenter.predict(plane, clicks_in_plane(structure, self._segmenter.grid, plane), base)


def _reconciled(low: Optional[int], high: Optional[int], up: Slices, down: Slices) -> Slices:
    """Both walks through a stretch as one; where both found something the nearer end counts more."""
    result = {**down, **up}
    for index in set(up) & set(down):
        t = (index - low) / (high - low)
        logits = (1 - t) * np.clip(up[index].logits, -8, 8) + t * np.clip(down[index].logits, -8, 8)
        result[index] = SliceMask(logits, min(up[index].score, down[index].score))
    return result
