"""Regularity of a transform: its Jacobian determinant on a grid, folding and the spread of volume change."""

from dataclasses import asdict, dataclass
from typing import Dict, Optional

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..geometry.grid import Grid
from ..job import Job

INTERIOR_MARGIN = 2
SMALLEST_JACOBIAN = 1e-9
VOXELS_AT_ONCE, SLICES_AT_ONCE = 500_000, 4


@dataclass(frozen=True)
class DeformationStatistics:
    """Regularity of a transform on a grid; the Jacobian determinant (no unit) includes an affine part.

    Attributes:
        sd_log_jacobian: standard deviation of log J over the interior of the grid, J clipped to at least 1e-9.
        sd_log_jacobian_learn2reg: the form of Learn2Reg's evaluation, standard deviation of log(J + 3), J + 3 clipped
            to [1e-9, 1e9], over the interior; about a quarter of the first on smooth transforms.
        folded_fraction: share of all voxels where J <= 0.
        folded_voxels: their number.
        smallest_jacobian: smallest J of all voxels.
        largest_jacobian: largest J of all voxels.
    """

    sd_log_jacobian: float
    sd_log_jacobian_learn2reg: float
    folded_fraction: float
    folded_voxels: int
    smallest_jacobian: float
    largest_jacobian: float

    def as_dict(self) -> Dict[str, float]:
        """The attributes by name."""
        return asdict(self)


def jacobian_image(transform: sitk.Transform, grid: Grid, job: Optional[Job] = None) -> sitk.Image:
    """Jacobian determinant of `transform` at every voxel of `grid`, as a float32 image.

    The transform maps LPS millimeters to LPS millimeters. It is sampled at the voxel centers; the derivatives are
    central differences (one-sided on the border) of the mapped points, divided by the physical steps of the grid,
    direction included. (ITK's own displacement field filter leaves the direction out.)

    Raises:
        InputError: the grid has fewer than two voxels along an axis.
        Canceled: `job` was canceled.
    """
    job = job or Job()
    if min(grid.size) < 2:
        raise InputError(f"A Jacobian needs at least two voxels along every axis, but the grid has {grid.size}.")
    slices = max(SLICES_AT_ONCE, VOXELS_AT_ONCE // (grid.size[0] * grid.size[1]))
    slabs = []
    for first in range(0, grid.size[2], slices):
        job.check()
        slabs.append(_slab_determinant(transform, grid, first, min(first + slices, grid.size[2])))
    return grid.image(np.concatenate(slabs))


def _slab_determinant(transform: sitk.Transform, grid: Grid, first: int, end: int) -> np.ndarray:
    """Determinants (end - first, H, W) of the slices [first, end), from one slice more on each side."""
    below, above = max(first - 1, 0), min(end + 1, grid.size[2])
    slab = grid.crop((0, 0, below), (grid.size[0], grid.size[1], above - below))
    field = sitk.TransformToDisplacementField(
        transform, sitk.sitkVectorFloat64, slab.size, slab.origin, slab.spacing, slab.direction
    )
    displacement = sitk.GetArrayViewFromImage(field)
    columns = [  # d(mapped point) / d(index along i, j, k): the grid's own step plus the change of the displacement
        np.gradient(displacement, axis=array_axis) + grid.axes[:, index_axis]
        for index_axis, array_axis in enumerate((2, 1, 0))
    ]
    determinant = np.einsum("...a,...a->...", columns[0], np.cross(columns[1], columns[2])) / np.linalg.det(grid.axes)
    return determinant[first - below : end - below].astype(np.float32)


def deformation_statistics(jacobian: sitk.Image) -> DeformationStatistics:
    """Folding and spread of volume change from a Jacobian map as made by :func:`jacobian_image`.

    The interior leaves out two voxels at every border, fewer along an axis with fewer than five voxels.
    """
    values = sitk.GetArrayViewFromImage(jacobian)
    margins = [min(INTERIOR_MARGIN, (size - 1) // 2) for size in values.shape]
    interior = values[tuple(slice(margin, size - margin) for margin, size in zip(margins, values.shape))]
    folded = int(np.count_nonzero(values <= 0))
    return DeformationStatistics(
        sd_log_jacobian=float(np.log(np.maximum(interior, SMALLEST_JACOBIAN)).std(dtype=np.float64)),
        sd_log_jacobian_learn2reg=float(np.log(np.clip(interior + 3, 1e-9, 1e9)).std(dtype=np.float64)),
        folded_fraction=folded / values.size,
        folded_voxels=folded,
        smallest_jacobian=float(values.min()),
        largest_jacobian=float(values.max()),
    )
