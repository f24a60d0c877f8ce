"""The places where a deformation folds, and a pattern that shows them without color."""

from dataclasses import dataclass
from typing import List, Tuple

import numpy as np
import SimpleITK as sitk

from ..geometry.grid import Grid

MOST_FOLDS = 200
_FINEST, _PERIOD = 0.5, 2.0  # in the grid's unit of length
_MOST_VOXELS = 8_000_000


@dataclass(frozen=True)
class Fold:
    """Connected voxels whose Jacobian determinant is not positive.

    Attributes:
        volume_mm3: of these voxels.
        smallest_jacobian: of them.
        position: center of the voxel that has it, LPS mm.
    """

    volume_mm3: float
    smallest_jacobian: float
    position: Tuple[float, float, float]


def find_folds(jacobian: sitk.Image) -> List[Fold]:
    """The folds of a Jacobian map (see :func:`.deformation.jacobian_image`), the largest first, at most MOST_FOLDS.

    Voxels that touch by a corner belong together.
    """
    values = sitk.GetArrayViewFromImage(jacobian)
    labels = sitk.GetArrayFromImage(sitk.ConnectedComponent(jacobian <= 0, True))
    where = np.flatnonzero(labels)
    if where.size == 0:
        return []
    order = np.lexsort((values.ravel()[where], labels.ravel()[where]))
    where = where[order]
    _, first, counts = np.unique(labels.ravel()[where], return_index=True, return_counts=True)
    grid = Grid.of(jacobian)
    worst = where[first]
    places = grid.index_to_physical(np.stack(np.unravel_index(worst, values.shape), -1)[:, ::-1])
    largest = np.argsort(-counts, kind="stable")[:MOST_FOLDS]
    return [
        Fold(float(counts[n] * grid.voxel_volume), float(values.ravel()[worst[n]]), tuple(places[n].tolist()))
        for n in largest
    ]


def hatching(marked: np.ndarray, grid: Grid) -> Tuple[np.ndarray, Grid]:
    """Oblique stripes where a mask (z, y, x) on `grid` is marked; uint8 on a finer grid over the marked part.

    The stripes are planes in space, about 2 mm apart in volumes of the human body, so that every slice through them is
    hatched.
    """
    where = np.argwhere(marked)
    if where.size == 0:
        return np.zeros(grid.shape, np.uint8), grid
    start, end = where.min(0), where.max(0) + 1
    part = marked[tuple(slice(a, b) for a, b in zip(start, end))]
    part_grid = grid.crop(start[::-1].tolist(), part.shape[::-1])
    unit = grid.length_unit
    factors = [max(1, round(spacing / (_FINEST * unit))) for spacing in grid.spacing]
    while np.prod(factors) * part.size > _MOST_VOXELS and max(factors) > 1:
        factors = [max(1, factor - 1) for factor in factors]
    fine = Grid(
        tuple(n * f for n, f in zip(part_grid.size, factors)),
        tuple(s / f for s, f in zip(part_grid.spacing, factors)),
        tuple(part_grid.index_to_physical([[(1 - f) / (2 * f) for f in factors]])[0].tolist()),
        part_grid.direction,
    )
    for axis, factor in enumerate(reversed(factors)):
        part = np.repeat(part, factor, axis)
    period = max(_PERIOD * unit, 2 * max(fine.spacing))
    steps = fine.axes.sum(0) / (np.sqrt(3) * period)
    i, j, k = (step * np.arange(n) for step, n in zip(steps, fine.size))
    phase = k[:, None, None] + j[None, :, None] + i[None, None, :]
    return ((part > 0) & (phase % 1 < 0.5)).astype(np.uint8), fine
