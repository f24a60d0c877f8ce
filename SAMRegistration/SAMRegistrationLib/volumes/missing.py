"""Voxels without a measured value: NaN, and the padding that scanners and programs put outside the field of view."""

from typing import Optional

import numpy as np
import SimpleITK as sitk

from ..geometry.grid import Grid

BELOW_AIR = -1300.0  # HU; air with noise stays above, so no scan of any kind needs lower values than padding has
FEWEST, SMALLEST_SHARE = 10, 1e-3  # voxels that have the value of the padding, at least
GAP = 0.25  # smallest distance of the padding to what was imaged, as a share of the spread of that


def padding_limit(values: np.ndarray) -> Optional[float]:
    """The value at and below which voxels are padding, such as -2000 and -32768; None without any.

    Padding is one low value in many voxels, far below all others. What lies between it and them, as after resampling,
    belongs to it as far as it is out of their range.

    Args:
        values: a representative part of the voxels, of any shape; NaN counts for nothing.
    """
    lowest = np.nanmin(values)
    if not lowest < BELOW_AIR:
        return None
    number, rest = np.count_nonzero(values == lowest), values[values > lowest]
    if rest.size == 0 or number < max(FEWEST, SMALLEST_SHARE * values.size):
        return None
    low, tenth, most, high = np.percentile(rest, [5, 10, 90, 95]).astype(np.float64)
    if low - lowest < GAP * (most - tenth):
        return None
    return float(max(lowest, low - (high - low)))


def imaged(image: sitk.Image) -> Optional[np.ndarray]:
    """Which voxels (z, y, x) of a volume are neither NaN nor padding, bool; None where all are."""
    array = sitk.GetArrayViewFromImage(image)
    limit = padding_limit(array[::2, ::2, ::2])
    missing = np.isnan(array) if array.dtype.kind == "f" else np.zeros(array.shape, bool)
    if limit is not None:
        missing |= array <= limit
    return ~missing if missing.any() else None


def without_nan(image: sitk.Image) -> sitk.Image:
    """The volume with its lowest value in place of NaN; the same image where there is none."""
    array = sitk.GetArrayViewFromImage(image)
    if array.dtype.kind != "f" or not np.isnan(array).any():
        return image
    return Grid.of(image).image(np.where(np.isnan(array), np.nanmin(array), array))
