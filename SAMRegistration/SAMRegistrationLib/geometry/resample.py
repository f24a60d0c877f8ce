"""Volumes and label maps through a transform.

Every transform here maps points of the target grid to points of the source image (LPS mm), as a resampler needs it.
"""

from typing import Optional

import numpy as np
import SimpleITK as sitk

from ..job import Job
from .boxes import cut_to_marked, marked_bounds
from .grid import Grid

VOXELS_AT_ONCE = 2_000_000
NODES = 48


def warp_volume(
    volume: sitk.Image,
    transform: sitk.Transform,
    grid: Grid,
    outside: Optional[float] = None,
    job: Optional[Job] = None,
) -> sitk.Image:
    """A scalar volume brought onto `grid`, linearly interpolated, a few slices at a time.

    Args:
        outside: what fills places outside the volume; None: its smallest value.

    Raises:
        Canceled: `job` was canceled, which is noticed after every few slices.
    """
    job = job or Job()
    outside = float(np.nanmin(sitk.GetArrayViewFromImage(volume))) if outside is None else outside
    slices = max(1, VOXELS_AT_ONCE // (grid.size[0] * grid.size[1]))
    slabs = []
    for first in range(0, grid.size[2], slices):
        job.check()
        slab = grid.crop((0, 0, first), (*grid.size[:2], min(slices, grid.size[2] - first))).empty_image()
        warped = sitk.Resample(volume, slab, transform, sitk.sitkLinear, outside, volume.GetPixelID())
        slabs.append(sitk.GetArrayFromImage(warped))
    return grid.image(np.concatenate(slabs))


def warp_mask(mask: sitk.Image, transform: sitk.Transform, grid: Grid, job: Optional[Job] = None) -> np.ndarray:
    """A mask, 1 inside and 0 outside, brought onto `grid` with a smooth border: (z, y, x), uint8.

    Raises:
        Canceled: `job` was canceled, which is noticed after every few slices.
    """
    result = np.zeros(grid.shape, np.uint8)
    box = meeting_box(grid, Grid.of(mask), transform)
    if box is not None:
        share = warp_volume(sitk.Cast(mask, sitk.sitkFloat32), transform, _part(grid, box), 0.0, job)
        result[box] = sitk.GetArrayViewFromImage(share) >= 0.5
    return result


def warp_labels(labels: sitk.Image, transform: sitk.Transform, grid: Grid, smooth: bool = False) -> sitk.Image:
    """A label map brought onto `grid`.

    Args:
        smooth: interpolate every label's mask linearly and keep the strongest, which gives smoother surfaces than the
            nearest voxel; background competes like any label.

    Returns:
        An image of the pixel type of `labels`.
    """
    if not smooth:
        return _warp_marked(labels, transform, grid)
    array = sitk.GetArrayViewFromImage(labels)
    strongest = np.zeros(grid.shape, dtype=np.float32)
    result = np.zeros(grid.shape, dtype=array.dtype)
    for label in np.unique(array):
        mask = sitk.Cast(sitk.Equal(labels, int(label)), sitk.sitkFloat32)
        outside = 1.0 if label == 0 else 0.0
        share = sitk.GetArrayFromImage(
            sitk.Resample(mask, grid.empty_image(), transform, sitk.sitkLinear, outside, sitk.sitkFloat32)
        )
        wins = share > strongest
        result[wins], strongest[wins] = label, share[wins]
    return grid.image(result)


def _warp_marked(labels: sitk.Image, transform: sitk.Transform, grid: Grid) -> sitk.Image:
    array = sitk.GetArrayViewFromImage(labels)
    result = np.zeros(grid.shape, array.dtype)
    marked, own = cut_to_marked(array, Grid.of(labels)) or (None, None)
    box = None if marked is None else meeting_box(grid, own, transform)
    if box is not None:
        part = _part(grid, box).empty_image()
        warped = sitk.Resample(own.image(marked), part, transform, sitk.sitkNearestNeighbor, 0, labels.GetPixelID())
        result[box] = sitk.GetArrayViewFromImage(warped)
    return grid.image(result)


def _part(grid: Grid, box) -> Grid:
    """The part of a grid at an index (z, y, x) of its arrays."""
    return grid.crop([part.start for part in reversed(box)], [part.stop - part.start for part in reversed(box)])


def meeting_box(grid: Grid, source: Grid, transform: sitk.Transform) -> Optional[tuple]:
    """The index (z, y, x) of a part of an array on `grid` outside of which `transform` leads beyond `source`.

    The transform is sampled on a coarse grid. Next to a sample it is taken to differ from it by no more than any two
    neighboring samples differ.

    Args:
        transform: maps points of `grid` to points of `source` (LPS mm).

    Returns:
        Three slices, or None where `transform` leads beyond `source` everywhere.
    """
    coarse = grid.with_size([min(n, NODES) for n in grid.size])
    k, j, i = np.indices(coarse.shape).reshape(3, -1)
    field = sitk.TransformToDisplacementField(
        transform, sitk.sitkVectorFloat64, coarse.size, coarse.origin, coarse.spacing, coarse.direction
    )
    vectors = sitk.GetArrayFromImage(field).reshape(-1, 3)
    places = source.physical_to_index(coarse.index_to_physical(np.stack([i, j, k], -1)) + vectors)
    lattice = places.reshape(*coarse.shape, 3)
    reach = sum(np.abs(np.diff(lattice, axis=axis)).reshape(-1, 3).max(axis=0, initial=0) for axis in range(3))
    near = np.all((places > -0.5 - reach) & (places < np.asarray(source.size) - 0.5 + reach), axis=1)
    bounds = marked_bounds(near.reshape(coarse.shape))
    if bounds is None:
        return None
    return tuple(
        slice(low * n // m, -(-(high + 1) * n // m)) for (low, high), n, m in zip(bounds, grid.shape, coarse.shape)
    )
