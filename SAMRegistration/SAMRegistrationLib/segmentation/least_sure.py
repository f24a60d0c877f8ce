"""Where a structure that was extended to the volume is least sure: the places where the next click pays most."""

from typing import List

import numpy as np

from ..geometry.grid import Grid
from .planes import SlicePlane, pixel_size, slice_of, to_world
from .prompts import Vector
from .regions import components, deepest, depth

PLACES = 8
APART = 3


def least_sure_places(unsure: np.ndarray, grid: Grid, axis: int, most: int = PLACES) -> List[Vector]:
    """Places (LPS mm) in slices at least APART slices from one another, the most worthwhile first.

    A connected region of unsure pixels is worth the sum of their depths in it: a wide one counts more than a seam of
    the same area along a border, which no click is needed for.

    Args:
        unsure: bool (z, y, x), where the answers of the model differ.
        axis: the axis across whose slices the user looks.
    """
    size, found = pixel_size(grid, axis), []
    for index in range(grid.size[axis]):
        plane = SlicePlane(axis, index)
        worth = [(float(depth(part, size).sum()), part) for part in components(slice_of(unsure, plane))]
        if worth:
            value, part = max(worth, key=lambda pair: pair[0])
            found.append((value, index, tuple(to_world(grid, plane, [deepest(part, size)])[0])))
    chosen: List[tuple] = []
    for entry in sorted(found, reverse=True):
        if len(chosen) < most and all(abs(entry[1] - other[1]) >= APART for other in chosen):
            chosen.append(entry)
    return [place for _value, _index, place in chosen]
