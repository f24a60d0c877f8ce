"""From prompted slices to a volume: slice by slice outward, each slice prompted by its neighbour's mask."""

from collections import OrderedDict
from functools import partial
from typing import Callable, Dict, List, Optional, Tuple

import numpy as np

from ..errors import InputError
from ..job import Job
from .planes import SlicePlane, plane_at, slice_of, voxel_at
from .prompts import BOX, POSITIVE, Structure
from .regions import shape_between
from .slice_clicks import clicks_in_plane
from .slice_segmenter import SliceSegmenter, fingerprint
from .spread import spread
from .walk import Masks, Walk


class Propagator:
    """Extends one structure through the volume, or corrections through one imported mask of it.

    Every stretch between prompted slices is remembered.

    A stretch depends on nothing but the masks of the prompted slices at its ends, so a later correction computes
    only the stretches that touch the corrected slice again.
    """

    REMEMBERED = 64
    TELLING = 0.04

    def __init__(self, segmenter: SliceSegmenter, walk: Optional[Walk] = None):
        self._segmenter = segmenter
        self._walk = Walk() if walk is None else walk
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
        each correcting the mask found so far on its slice.

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
        if imported is None and not any(anchor.any() for anchor in anchors.values()):
            raise InputError(f"Click at least once inside {structure.name} before it is extended to the volume.")
        rejected: Dict[int, float] = {}
        passes = len(corrections) + 1
        for number, index in enumerate(corrections):
            plane = SlicePlane(axis, index)
            base = bases.get(plane)
            if base is None:
                part = job.part(number / passes, (number + 1) / passes)
                base = slice_of(self._fill(axis, anchors, rejected, imported, part), plane).astype(bool)
            corrected = self._anchor(structure, plane, base, job)
            if base.any() or corrected.any():
                anchors[index] = corrected
            if base.any() and not corrected.any():
                rejected[index] = float(np.median(slice_of(self._segmenter.volume, plane)[base]))
        return self._fill(axis, anchors, rejected, imported, job.part((passes - 1) / passes, 1.0))

    def main_axis(self, structure: Structure) -> int:
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

    def _fill(
        self, axis: int, anchors: Masks, rejected: Dict[int, float], imported: Optional[np.ndarray], job: Job
    ) -> np.ndarray:
        volume = np.zeros(self._segmenter.grid.shape, dtype=np.uint8) if imported is None else imported.copy()
        if imported is None:
            _write(volume, axis, {**self._extended(axis, anchors, rejected, job), **anchors})
        else:
            self._spread(axis, anchors, volume, job)
        job.update(1.0, "extended to the volume")
        return volume

    def _extended(self, axis: int, anchors: Masks, rejected: Dict[int, float], job: Job) -> Masks:
        size, ends = self._segmenter.grid.size[axis], sorted(anchors)
        found: Masks = {}
        for low, high in zip([None, *ends], [*ends, None]):
            marks = [None if end is None else fingerprint(anchors[end]) for end in (low, high)]
            first, last = 0 if low is None else low + 1, size if high is None else high
            part = job.part(first / size, last / size)
            work = partial(self._walked, axis, low, high, anchors, part)
            stretch = self._remembered((axis, low, high, *marks), work)
            for start, end in ((low, high), (high, low)):
                if start is not None and end in rejected and anchors[start].any():
                    stretch = self._cut(axis, stretch, anchors[start], start, end, rejected[end])
            found.update(stretch)
        return found

    def _cut(self, axis: int, stretch: Masks, anchor: np.ndarray, start: int, end: int, rejected: float) -> Masks:
        """A stretch without the slices before `end` that resemble the intensity rejected there more than the anchor's.

        Where both intensities are alike they tell nothing, and the stretch stays.
        """
        own = float(np.median(slice_of(self._segmenter.volume, SlicePlane(axis, start))[anchor]))
        kept = dict(stretch)
        if abs(own - rejected) < self.TELLING:
            return kept
        for index in sorted(kept, key=lambda index: abs(index - end)):
            value = float(np.median(slice_of(self._segmenter.volume, SlicePlane(axis, index))[kept[index]]))
            if abs(value - rejected) >= abs(value - own):
                break
            del kept[index]
        return kept

    def _spread(self, axis: int, anchors: Masks, volume: np.ndarray, job: Job) -> None:
        done: Tuple = ()
        for number, (index, mask) in enumerate(anchors.items()):
            job.update(number / len(anchors), f"slice {index + 1} of {self._segmenter.grid.size[axis]}")
            done = (*done, index, fingerprint(mask))
            work = partial(spread, self._segmenter, SlicePlane(axis, index), mask, volume, job)
            found = self._remembered((axis, *done), work)
            _write(volume, axis, {**found, index: mask})

    def _remembered(self, key: tuple, work: Callable[[], Masks]) -> Masks:
        if key not in self._stretches:
            self._stretches[key] = work()
            while len(self._stretches) > self.REMEMBERED:
                self._stretches.popitem(last=False)
        self._stretches.move_to_end(key)
        return self._stretches[key]

    def _walked(self, axis: int, low: Optional[int], high: Optional[int], anchors: Masks, job: Job) -> Masks:
        """The masks strictly between two prompted slices, or from one to the border of the volume (None)."""
        size = self._segmenter.pixel_size(SlicePlane(axis, 0))
        bounded = all(end is not None and anchors[end].any() for end in (low, high))

        def between(index: int) -> np.ndarray:
            return shape_between(anchors[low], anchors[high], (index - low) / (high - low), size)

        first = -1 if low is None else low
        last = self._segmenter.grid.size[axis] if high is None else high
        shape = between if bounded else None
        up, down = {}, {}
        if low is not None:
            up = self._from(axis, low, range(low + 1, last), anchors, shape, job.part(0.0, 0.5))
        if high is not None:
            down = self._from(axis, high, range(high - 1, first, -1), anchors, shape, job.part(0.5, 1.0))
        result = {**down, **up}
        for index in set(up) & set(down):
            t = (index - low) / (high - low)
            result[index] = shape_between(up[index], down[index], t, size) > 0
        return result

    def _from(self, axis: int, start: int, indices: range, anchors: Masks, shape, job: Job) -> Masks:
        return self._walk.run(self._segmenter, SlicePlane(axis, start), anchors[start], indices, shape, job)

    def _anchor(self, structure: Structure, plane: SlicePlane, base: Optional[np.ndarray], job: Job) -> np.ndarray:
        job.check()
        return self._segmenter.predict(plane, clicks_in_plane(structure, self._segmenter.grid, plane), base).mask


def _write(volume: np.ndarray, axis: int, masks: Masks) -> None:
    for index, mask in masks.items():
        slice_of(volume, SlicePlane(axis, index))[...] = mask
