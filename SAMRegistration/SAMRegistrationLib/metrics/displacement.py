"""How far a transform moves the points of a grid, in millimeters."""

from typing import Optional

import numpy as np
import SimpleITK as sitk

from ..geometry.grid import Grid
from ..geometry.transforms import displacement_image
from ..job import Job

VOXELS_AT_ONCE = 500_000


def displacement_magnitude(
    transform: sitk.Transform, grid: Grid, linear: Optional[sitk.Transform] = None, job: Optional[Job] = None
) -> sitk.Image:
    """Distance in mm between where `transform` and `linear` bring every voxel center of `grid`, a float32 image.

    Args:
        transform: maps LPS millimeters to LPS millimeters.
        linear: what the deformation was added to, such as :attr:`..registration.RegistrationResult.linear`; None
            measures how far points move altogether.

    Raises:
        Canceled: `job` was canceled.
    """
    job, slabs = job or Job(), []
    slices = max(1, VOXELS_AT_ONCE // (grid.size[0] * grid.size[1]))
    for first in range(0, grid.size[2], slices):
        job.check()
        slab = grid.crop((0, 0, first), (*grid.size[:2], min(slices, grid.size[2] - first)))
        moved = sitk.GetArrayFromImage(displacement_image(transform, slab))
        if linear is not None:
            moved -= sitk.GetArrayFromImage(displacement_image(linear, slab))
        slabs.append(np.linalg.norm(moved, axis=-1).astype(np.float32))
    return grid.image(np.concatenate(slabs))
