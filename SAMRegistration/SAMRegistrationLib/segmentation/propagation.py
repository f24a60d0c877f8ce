"""From prompted slices to a volume: slice by slice outward, each slice prompted by its neighbour's mask."""

from collections import OrderedDict
from functools import partial
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from ..errors import InputError
from ..job import Job
from .planes import SlicePlane, plane_at, slice_of, voxel_at
from .prompts import BOX, POSITIVE, Structure
from .propagate_correction import propagate_correction
from .regions import shape_between
from .slice_clicks import clicks_in_plane
from .slice_propagation import IntensityRange, Masks, SlicePropagation
from .slice_segmenter import SliceSegmenter, fingerprint


class Anchor(NamedTuple):
    """A prompted slice.

    Attributes:
        mask: bool (H, W).
        asked: whether the user said that the structure is there, by a positive point or a box.
        rejected: median intensity of what the user removed as a whole, or None.
        extent: first and last slice of the structure before a correction that only takes away, or None; such a
            correction does not make the structure longer.
    """

    mask: np.ndarray
    asked: bool
    rejected: Optional[float] = None
    extent: Optional[Tuple[int, int]] = None


Anchors = Dict[int, Anchor]


class Propagator:
    """Extends one structure through the volume, or corrections through one imported mask of it.

    Every stretch between prompted slices is remembered.

    A stretch depends on nothing but the masks of the prompted slices at its ends, so a later correction computes
    only the stretches that touch the corrected slice again.
    """

    REMEMBERED = 64
    MIN_CONTRAST = 0.04

    def __init__(self, segmenter: SliceSegmenter, propagation: Optional[SlicePropagation] = None):
        self._segmenter = segmenter
        self._propagation = SlicePropagation() if propagation is None else propagation
        self._stretches: OrderedDict[tuple, Masks] = OrderedDict()

    def run(
        self,
        structure: Structure,
        imported: Optional[np.ndarray],
        bases: Dict[SlicePlane, np.ndarray],
        job: Job,
    ) -> np.ndarray:
        """The mask, uint8 (z, y, x), of a structure in the whole volume.

        Slices whose prompts started the structure come first; corrections follow in the order in which they were set,
        each correcting the mask found so far on its slice. One that takes away nothing, as a click beside a mask, does
        not say that the mask is right: such a slice remains as it was found, unless the click is not kept in the end.

        Args:
            structure: with its prompts.
            imported: mask (z, y, x) from elsewhere that the prompts correct, or None.
            bases: masks that corrections were made on, where they are known.

        Raises:
            InputError: there is nothing to start from.
            Cancelled: the job was cancelled.
        """
        axis = self.main_axis(structure)
        starts, corrections = self._prompted(structure, axis)
        anchors = {index: self._anchor(structure, SlicePlane(axis, index), None, job) for index in starts}
        if imported is None and not any(anchor.mask.any() for anchor in anchors.values()):
            raise InputError(f"Click at least once inside {structure.name} before it is extended to the volume.")
        passes, idle = len(corrections) + 1, []
        for number, index in enumerate(corrections):
            plane = SlicePlane(axis, index)
            before = self._fill(axis, anchors, imported, job.part(number / passes, (number + 1) / passes))
            base = bases.get(plane, slice_of(before, plane).astype(bool))
            anchor = self._anchor(structure, plane, base, job)
            if base.any() and not anchor.mask.any():
                values = slice_of(self._segmenter.volume, plane)[base]
                anchor = anchor._replace(rejected=float(np.median(values)))
            if base.any() and not anchor.asked:
                anchor = anchor._replace(extent=_extent(before, axis))
            if anchor.asked or not np.array_equal(anchor.mask, base):
                anchors[index] = anchor
            else:
                idle.append(SlicePlane(axis, index))
        volume = self._fill(axis, anchors, imported, job.part((passes - 1) / passes, 1.0))
        for plane in idle:
            found = slice_of(volume, plane).astype(bool)
            anchor = self._anchor(structure, plane, found, job)
            if not np.array_equal(anchor.mask, found):
                anchors[plane.index] = anchor
                volume = self._fill(axis, anchors, imported, job)
        return volume

    def main_axis(self, structure: Structure) -> int:
        """The axis across whose planes most prompts were set; of equals, the one of largest spacing."""
        grid = self._segmenter.grid
        axes = [plane_at(grid, prompt.points[0], prompt.normal).axis for prompt in structure.prompts]
        spacing = np.round(np.asarray(grid.spacing) / max(grid.spacing), 6)
        return max(range(3), key=lambda axis: (axes.count(axis), spacing[axis], axis))

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

    def _fill(self, axis: int, anchors: Anchors, imported: Optional[np.ndarray], job: Job) -> np.ndarray:
        volume = np.zeros(self._segmenter.grid.shape, dtype=np.uint8) if imported is None else imported.copy()
        if imported is None:
            masks = {index: anchor.mask for index, anchor in anchors.items()}
            _write(volume, axis, {**self._extended(axis, anchors, job), **masks})
        else:
            self._corrected(axis, anchors, volume, job)
        job.update(1.0, "extended to the volume")
        return volume

    def _extended(self, axis: int, anchors: Anchors, job: Job) -> Masks:
        size, ends = self._segmenter.grid.size[axis], sorted(anchors)
        ranges = {index: self._intensities(axis, index, anchors) for index in anchors if anchors[index].mask.any()}
        found: Masks = {}
        for low, high in zip([None, *ends], [*ends, None]):
            first, last = 0 if low is None else low + 1, size if high is None else high
            marks = [
                None if end is None else (fingerprint(anchors[end].mask), anchors[end].extent, ranges.get(end))
                for end in (low, high)
            ]
            work = partial(
                self._propagated_stretch, axis, low, high, anchors, ranges, job.part(first / size, last / size)
            )
            stretch = self._remembered((axis, low, high, *marks), work)
            for start, end in ((low, high), (high, low)):
                if start in ranges and end is not None and anchors[end].rejected is not None:
                    stretch = self._cut(axis, stretch, anchors, start, end)
            found.update(stretch)
        return found

    def _intensities(self, axis: int, index: int, anchors: Anchors) -> IntensityRange:
        """Intensities of the structure on the nearest slice where the user said that it is there."""
        asked = [other for other, anchor in anchors.items() if anchor.asked and anchor.mask.any()]
        nearest = min(asked or [index], key=lambda other: (abs(other - index), other))
        return IntensityRange.of(slice_of(self._segmenter.volume, SlicePlane(axis, nearest)), anchors[nearest].mask)

    def _cut(self, axis: int, stretch: Masks, anchors: Anchors, start: int, end: int) -> Masks:
        """A stretch without the slices before `end` that resemble the intensity rejected there more than the anchor's.

        Where both intensities are alike they tell nothing, and the stretch stays.
        """
        rejected, kept = anchors[end].rejected, dict(stretch)
        own = float(np.median(slice_of(self._segmenter.volume, SlicePlane(axis, start))[anchors[start].mask]))
        if abs(own - rejected) < self.MIN_CONTRAST:
            return kept
        for index in sorted(kept, key=lambda index: abs(index - end)):
            value = float(np.median(slice_of(self._segmenter.volume, SlicePlane(axis, index))[kept[index]]))
            if abs(value - rejected) >= abs(value - own):
                break
            del kept[index]
        return kept

    def _corrected(self, axis: int, anchors: Anchors, volume: np.ndarray, job: Job) -> None:
        done: Tuple = ()
        for number, (index, (mask, *_)) in enumerate(anchors.items()):
            job.update(number / len(anchors), f"slice {index + 1} of {self._segmenter.grid.size[axis]}")
            done = (*done, index, fingerprint(mask))
            work = partial(propagate_correction, self._segmenter, SlicePlane(axis, index), mask, volume, job)
            found = self._remembered((axis, *done), work)
            _write(volume, axis, {**found, index: mask})

    def _remembered(self, key: tuple, work: Callable[[], Masks]) -> Masks:
        if key not in self._stretches:
            self._stretches[key] = work()
            while len(self._stretches) > self.REMEMBERED:
                self._stretches.popitem(last=False)
        self._stretches.move_to_end(key)
        return self._stretches[key]

    def _propagated_stretch(
        self, axis: int, low, high, anchors: Anchors, ranges: Dict[int, IntensityRange], job: Job
    ) -> Masks:
        """The masks strictly between two prompted slices, or from one to the border of the volume (None)."""
        size = self._segmenter.pixel_size(SlicePlane(axis, 0))
        first = -1 if low is None else low
        last = self._segmenter.grid.size[axis] if high is None else high
        if low is None and anchors[high].extent is not None:
            first = anchors[high].extent[0] - 1
        if high is None and anchors[low].extent is not None:
            last = anchors[low].extent[1] + 1
        between = None
        if low in ranges and high in ranges:
            between = partial(_between, low, high, anchors, size)
        directions = []
        for start, indices, part in (
            (low, range(first + 1, last), job.part(0.0, 0.5)),
            (high, range(last - 1, first, -1), job.part(0.5, 1.0)),
        ):
            direction: Masks = {}
            if start in ranges:
                plane = SlicePlane(axis, start)
                direction = self._propagation.run(
                    self._segmenter, plane, anchors[start].mask, ranges[start], indices, between, part
                )
            directions.append(direction)
        up, down = directions
        result = {**down, **up}
        for index in set(up) & set(down):
            result[index] = shape_between(up[index], down[index], (index - low) / (high - low), size) > 0
        return result

    def _anchor(self, structure: Structure, plane: SlicePlane, base: Optional[np.ndarray], job: Job) -> Anchor:
        job.check()
        clicks = clicks_in_plane(structure, self._segmenter.grid, plane)
        mask = self._segmenter.predict(plane, clicks, base).mask
        return Anchor(mask, any(group.asks_for_something for group in clicks))


def _between(low: int, high: int, anchors: Anchors, size, index: int) -> np.ndarray:
    return shape_between(anchors[low].mask, anchors[high].mask, (index - low) / (high - low), size)


def _extent(volume: np.ndarray, axis: int) -> Tuple[int, int]:
    used = np.flatnonzero(volume.any(axis=tuple(other for other in range(3) if other != 2 - axis)))
    return int(used[0]), int(used[-1])


def _write(volume: np.ndarray, axis: int, masks: Masks) -> None:
    for index, mask in masks.items():
        slice_of(volume, SlicePlane(axis, index))[...] = mask
