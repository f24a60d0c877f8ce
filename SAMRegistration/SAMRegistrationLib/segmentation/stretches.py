"""The slices between prompted slices, propagated from both ends and remembered."""

from collections import OrderedDict
from functools import partial
from typing import Any, Callable, Dict, Optional

import numpy as np

from ..job import Job
from .anchors import Anchors, intensity_ranges
from .planes import SlicePlane, slice_of
from .regions import shape_between
from .slice_propagation import Carried, CarriedMask, IntensityRange, SlicePropagation
from .slice_segmenter import SliceSegmenter, fingerprint

_MIN_CONTRAST = 0.04  # of [0, 1]: intensities that differ less do not tell two tissues apart


class MaskMemory:
    """The results used last, by key."""

    LIMIT = 64

    def __init__(self):
        self._kept: OrderedDict[tuple, Any] = OrderedDict()

    def get(self, key: tuple, compute: Callable[[], Any]) -> Any:
        """The result of `key`, computed when it is not known."""
        if key not in self._kept:
            self._kept[key] = compute()
            while len(self._kept) > self.LIMIT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


class Stretches:
    """Masks of all slices between and beyond prompted slices.

    A stretch depends on nothing but the masks of the prompted slices at its ends, so a later correction computes
    only the stretches that touch the corrected slice again.
    """

    def __init__(self, segmenter: SliceSegmenter, propagation: SlicePropagation):
        self._segmenter = segmenter
        self._propagation = propagation
        self._memory = MaskMemory()

    def between(self, axis: int, anchors: Anchors, job: Job) -> Carried:
        """Masks by slice across `axis`, some of them empty; the prompted slices themselves are not included.

        Raises:
            Canceled: the job was canceled.
        """
        size, ends = self._segmenter.grid.size[axis], sorted(anchors)
        ranges = intensity_ranges(anchors, self._segmenter.volume, axis)
        found: Carried = {}
        for low, high in zip([None, *ends], [*ends, None]):
            first, last = 0 if low is None else low + 1, size if high is None else high
            marks = [
                None if end is None else (fingerprint(anchors[end].mask), anchors[end].extent, ranges.get(end))
                for end in (low, high)
            ]
            work = partial(self._stretch, axis, low, high, anchors, ranges, job.part(first / size, last / size))
            stretch = self._memory.get((axis, low, high, *marks), work)
            for start, end in ((low, high), (high, low)):
                if start in ranges and end is not None and anchors[end].rejected is not None:
                    stretch = self._without_rejected(axis, stretch, anchors, start, end)
            found.update(stretch)
        return found

    def _stretch(
        self,
        axis: int,
        low: Optional[int],
        high: Optional[int],
        anchors: Anchors,
        ranges: Dict[int, IntensityRange],
        job: Job,
    ) -> Carried:
        """The masks strictly between two prompted slices, or from one to the border of the volume (None)."""
        size = self._segmenter.pixel_size(SlicePlane(axis, 0))
        first = -1 if low is None else low
        last = self._segmenter.grid.size[axis] if high is None else high
        if low is None and anchors[high].extent is not None:
            first = anchors[high].extent[0] - 1
        if high is None and anchors[low].extent is not None:
            last = anchors[low].extent[1] + 1
        between = partial(_between, low, high, anchors, size) if low in ranges and high in ranges else None
        directions = []
        for start, indices, part in (
            (low, range(first + 1, last), job.part(0.0, 0.5)),
            (high, range(last - 1, first, -1), job.part(0.5, 1.0)),
        ):
            found: Carried = {}
            if start in ranges:
                plane, mask = SlicePlane(axis, start), anchors[start].mask
                found = self._propagation.run(self._segmenter, plane, mask, ranges[start], indices, between, part)
            directions.append(found)
        up, down = directions
        result = {**down, **up}
        for index in set(up) & set(down):
            t = (index - low) / (high - low)
            result[index] = _joined(up[index], down[index], t, size)
        return result

    def _without_rejected(self, axis: int, stretch: Carried, anchors: Anchors, start: int, end: int) -> Carried:
        """A stretch without the slices before `end` that resemble the intensity rejected there more than the anchor's.

        Where both intensities are alike they tell nothing, and the stretch stays.
        """
        rejected, kept = anchors[end].rejected, dict(stretch)
        own = self._median(axis, start, anchors[start].mask)
        if abs(own - rejected) < _MIN_CONTRAST:
            return kept
        shown = [index for index, carried in kept.items() if carried.mask.any()]
        for index in sorted(shown, key=lambda index: abs(index - end)):
            value = self._median(axis, index, kept[index].mask)
            if abs(value - rejected) >= abs(value - own):
                break
            del kept[index]
        return kept

    def _median(self, axis: int, index: int, mask: np.ndarray) -> float:
        return float(np.median(slice_of(self._segmenter.volume, SlicePlane(axis, index))[mask]))


def _between(low: int, high: int, anchors: Anchors, size, index: int) -> np.ndarray:
    return shape_between(anchors[low].mask, anchors[high].mask, (index - low) / (high - low), size)


def _joined(up: CarriedMask, down: CarriedMask, t: float, size) -> CarriedMask:
    """What two directions give together; a direction in which the structure ended says nothing."""
    unsure = up.unsure | down.unsure | (up.mask ^ down.mask)
    if not (up.mask.any() and down.mask.any()):
        return CarriedMask(up.mask | down.mask, unsure)
    return CarriedMask(shape_between(up.mask, down.mask, t, size) > 0, unsure)
