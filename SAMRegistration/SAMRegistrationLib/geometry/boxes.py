"""The part of a volume that matters: around what is marked, and where one grid meets another."""

from typing import List, Optional, Tuple

import numpy as np
import SimpleITK as sitk

from .grid import Grid
from .transforms import displacement_image

NODES = 48


def marked_bounds(mask: np.ndarray) -> Optional[List[Tuple[int, int]]]:
    """First and last index of what is marked along each axis of an array; None without any."""
    bounds, part = [], mask
    for axis in range(mask.ndim):
        others = tuple(other for other in range(mask.ndim) if other != axis)
        marked = np.flatnonzero(part.any(axis=others))
        if marked.size == 0:
            return None
        bounds.append((int(marked[0]), int(marked[-1])))
        part = part[(slice(None),) * axis + (slice(marked[0], marked[-1] + 1),)]
    return bounds


def box_of(bounds) -> tuple:
    """The index of the part of an array within the bounds (first, last) of its axes."""
    return tuple(slice(low, high + 1) for low, high in bounds)


def cut_to_marked(mask: np.ndarray, grid: Grid) -> Optional[Tuple[np.ndarray, Grid]]:
    """What an array (z, y, x) on `grid` marks and a voxel around it, with its grid; None where nothing is marked."""
    bounds = marked_bounds(mask)
    if bounds is None:
        return None
    bounds = [(max(low - 1, 0), min(high + 1, n - 1)) for (low, high), n in zip(bounds, mask.shape)]
    part = mask[box_of(bounds)]
    return part, grid.crop([low for low, _ in reversed(bounds)], part.shape[::-1])


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
    vectors = sitk.GetArrayFromImage(displacement_image(transform, coarse)).reshape(-1, 3)
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
