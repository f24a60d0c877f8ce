"""Volumes and label maps through a transform.

Every transform here maps points of the target grid to points of the source image (LPS mm), as a resampler needs it.
"""

import numpy as np
import SimpleITK as sitk

from .grid import Grid


def warp_volume(volume: sitk.Image, transform: sitk.Transform, grid: Grid) -> sitk.Image:
    """A scalar volume brought onto `grid`, linearly interpolated; its smallest value fills what lies outside."""
    outside = float(sitk.GetArrayViewFromImage(volume).min())
    return sitk.Resample(volume, grid.empty_image(), transform, sitk.sitkLinear, outside, volume.GetPixelID())


def warp_labels(labels: sitk.Image, transform: sitk.Transform, grid: Grid, smooth: bool = False) -> sitk.Image:
    """A label map brought onto `grid`.

    Args:
        smooth: interpolate every label's mask linearly and keep the strongest, which gives smoother surfaces than the
            nearest voxel; background competes like any label.

    Returns:
        An image of the pixel type of `labels`.
    """
    if not smooth:
        return sitk.Resample(labels, grid.empty_image(), transform, sitk.sitkNearestNeighbor, 0, labels.GetPixelID())
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
