"""The part of a volume that matters: around what is marked."""

from typing import List, Optional, Tuple

import numpy as np

from .grid import Grid


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
