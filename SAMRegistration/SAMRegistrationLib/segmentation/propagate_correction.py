"""A correction of an imported mask, carried to the neighboring slices as long as it applies there too."""

import numpy as np

from ..job import Job
from .candidates import Clicks
from .planes import SlicePlane, slice_of
from .regions import component_at, components, deepest, signed_distance
from .slice_propagation import Masks
from .slice_segmenter import SliceSegmenter

_SMALLEST = 4


def propagate_correction(
    segmenter: SliceSegmenter, plane: SlicePlane, corrected: np.ndarray, imported: np.ndarray, job: Job
) -> Masks:
    """Corrected masks (bool) of the slices around `plane`, which itself is not included.

    In every next slice the middle of what still differs is clicked for the user; where the model agrees, the change is
    taken over, as far as it lies near the change of the slice before. It ends where nothing changes any more.

    Args:
        plane: the slice that the user corrected.
        corrected: its mask (bool) after the correction.
        imported: mask (z, y, x) from elsewhere.

    Raises:
        Canceled: the job was canceled.
    """
    result: Masks = {}
    for step in (1, -1):
        before, after = slice_of(imported, plane).astype(bool), corrected
        index = plane.index + step
        while 0 <= index < segmenter.grid.size[plane.axis]:
            job.check()
            here = SlicePlane(plane.axis, index)
            base = slice_of(imported, here).astype(bool)
            new = _carried(segmenter, here, base, before, after)
            if np.array_equal(new, base):
                break
            result[index] = new
            before, after = base, new
            index += step
    return result


def _carried(segmenter, plane: SlicePlane, base: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    size = segmenter.pixel_size(plane)
    reach = segmenter.grid.spacing[plane.axis] + 2 * max(size)
    new = base.copy()
    for change, positive in ((after & ~before, True), (before & ~after, False)):
        for part in components(change):
            todo = part & (base != positive)
            if np.count_nonzero(todo) < _SMALLEST:
                continue
            pixel = deepest(todo, size)
            wanted = segmenter.suggestion(plane, base, Clicks(((*pixel, positive),)))
            changed = component_at((wanted != base) & (signed_distance(part, size) > -reach), pixel)
            new[changed] = positive
    return new
