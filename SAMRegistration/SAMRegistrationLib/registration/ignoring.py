"""Regions that do not pull: their content is replaced by their surroundings, and they count as not imaged."""

from typing import Optional, Sequence

import numpy as np
import SimpleITK as sitk
import torch

from ..errors import InputError
from ..geometry.boxes import box_of, marked_bounds
from ..geometry.grid import Grid
from ..volumes import StructureMasks

WIDTHS = (1.5, 3.0, 6.0, 12.0, 24.0, 48.0)  # voxels: Gaussian surroundings, tried from narrow to wide
ENOUGH = 1e-2  # share of known voxels in the surroundings
IDENTITY = sitk.Transform(3, sitk.sitkIdentity)


def filled(image: sitk.Image, region: Optional[StructureMasks]) -> sitk.Image:
    """The image without what it shows in a region: a smooth continuation of what is around.

    Means over Gaussian surroundings of the known voxels, the narrowest that hold enough of them (normalized
    convolution; Knutsson and Westin, CVPR 1993). The type of the voxels stays.

    Args:
        region: on any grid in the space of the image; None gives the image itself.
    """
    if region is None:
        return image
    grid = Grid.of(image)
    unknown = region.warped(IDENTITY, grid).marked()
    bounds = marked_bounds(unknown)
    if bounds is None:
        return image
    margin = int(2 * WIDTHS[2])
    box = box_of([(max(a - margin, 0), min(b + margin, n - 1)) for (a, b), n in zip(bounds, unknown.shape)])
    array = sitk.GetArrayFromImage(image)
    array[box] = _continued(array[box], unknown[box])
    return grid.image(array)


def heeded(region: Optional[StructureMasks], grid: Grid, transform: sitk.Transform) -> Optional[torch.Tensor]:
    """Where a volume may pull on the working grid: 0 in a region and 1 elsewhere, (1, 1, D, H, W).

    Args:
        region: in the space of the volume; None gives None, for everywhere.
        transform: maps points of `grid` into the space of the volume.

    Raises:
        InputError: nothing is left that pulls.
    """
    if region is None:
        return None
    mask = region.grid.image(region.marked().astype(np.float32))
    share = sitk.Resample(mask, grid.empty_image(), transform, sitk.sitkLinear, 0.0, sitk.sitkFloat32)
    free = sitk.GetArrayViewFromImage(share) == 0
    if not free.any():
        raise InputError("The regions to be ignored cover all that is shown, so that nothing is left to register by.")
    return torch.from_numpy(free.astype(np.float32))[None, None]


def _continued(array: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    told = ~unknown & ~np.isnan(array)
    values, known = np.where(told, array, 0).astype(np.float32), told.astype(np.float32)
    left, result = unknown.copy(), array.copy()
    for width in WIDTHS:
        sums, shares = (_smoothed(part, [width] * 3) for part in (values, known))
        found = left & (shares > ENOUGH)
        result[found] = sums[found] / shares[found]
        left &= ~found
        if not left.any():
            return result
    result[left] = array[told].mean() if told.any() else 0
    return result


def _smoothed(array: np.ndarray, sigmas: Sequence[float]) -> np.ndarray:
    image = sitk.GetImageFromArray(array)
    for axis, sigma in enumerate(sigmas):
        if image.GetSize()[axis] >= 4:
            image = sitk.RecursiveGaussian(image, sigma, False, sitk.RecursiveGaussianImageFilter.ZeroOrder, axis)
    return sitk.GetArrayFromImage(image)
