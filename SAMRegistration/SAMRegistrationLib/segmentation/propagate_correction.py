"""A correction of a mask, carried to the neighboring slices as long as it applies there too."""

from typing import Dict, Optional

import numpy as np

from ..job import Job
from .candidates import Clicks
from .planes import SlicePlane, slice_of
from .regions import component_at, components, deepest, signed_distance
from .slice_propagation import IntensityRange, Masks, StopRule
from .slice_segmenter import SliceSegmenter

_SMALLEST = 4
_RULE = StopRule(min_pixels=1)


def propagate_correction(
    segmenter: SliceSegmenter,
    plane: SlicePlane,
    corrected: np.ndarray,
    found: np.ndarray,
    job: Job,
    reach: Optional[int] = None,
) -> Masks:
    """Corrected masks (bool) of the slices around `plane`, which itself is not included.

    In every next slice the middle of what still differs is clicked for the user; where the model agrees, the change is
    taken over, as far as it lies near the change of the slice before and has, more or less, its size and the
    intensities of what was corrected. It ends where nothing changes any more.

    Args:
        plane: the slice that the user corrected.
        corrected: its mask (bool) after the correction.
        found: mask (z, y, x) before the correction.
        reach: how many slices are looked at on each side; None for as many as there are.

    Raises:
        Canceled: the job was canceled.
    """
    result: Masks = {}
    ranges = _intensities(slice_of(segmenter.volume, plane), slice_of(found, plane).astype(bool), corrected)
    for step in (1, -1):
        before, after = slice_of(found, plane).astype(bool), corrected
        size, index = segmenter.grid.size[plane.axis], plane.index + step
        while 0 <= index < size and (reach is None or abs(index - plane.index) <= reach):
            job.check()
            here = SlicePlane(plane.axis, index)
            base = slice_of(found, here).astype(bool)
            new = _carried(segmenter, here, base, before, after, ranges)
            if np.array_equal(new, base):
                break
            result[index] = new
            before, after = base, new
            index += step
    return result


def _changes(before: np.ndarray, after: np.ndarray) -> Dict[bool, np.ndarray]:
    """What came into a mask (True) and what left it (False)."""
    return {True: after & ~before, False: before & ~after}


def _intensities(values: np.ndarray, before: np.ndarray, after: np.ndarray) -> Dict[bool, IntensityRange]:
    changes = _changes(before, after)
    return {positive: IntensityRange.of(values, change) for positive, change in changes.items() if change.any()}


def _carried(
    segmenter: SliceSegmenter,
    plane: SlicePlane,
    base: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    ranges: Dict[bool, IntensityRange],
) -> np.ndarray:
    values = slice_of(segmenter.volume, plane)
    size = segmenter.pixel_size(plane)
    reach = segmenter.grid.spacing[plane.axis] + 2 * max(size)
    new = base.copy()
    for positive, change in _changes(before, after).items():
        for part in components(change):
            todo = part & (base != positive)
            if np.count_nonzero(todo) < _SMALLEST:
                continue
            pixel = deepest(todo, size)
            wanted = segmenter.suggestion(plane, base, Clicks(((*pixel, positive),)))
            changed = component_at((wanted != base) & (signed_distance(part, size) > -reach), pixel)
            alike = ranges[positive].fraction_of(values[changed]) if changed.any() and positive in ranges else 0.0
            if _RULE.allows(changed, part, 1.0, alike):
                new[changed] = positive
    return new
