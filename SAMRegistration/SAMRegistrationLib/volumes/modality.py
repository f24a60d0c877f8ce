"""What kind of image a volume is, and its intensities in [0, 1]."""

from typing import Tuple

import numpy as np
import SimpleITK as sitk

from ..geometry.grid import Grid

MODALITIES = ("ct", "mr", "other")
CT_WINDOW = (-200.0, 300.0)
PERCENTILES = (0.5, 99.5)


def guess_modality(image: sitk.Image) -> str:
    """ "ct" where values look like Hounsfield units (air near -1000), otherwise "mr"."""
    return modality_of_values(sitk.GetArrayViewFromImage(image)[::2, ::2, ::2])


def modality_of_values(values: np.ndarray) -> str:
    """As :func:`guess_modality`, from a representative part of the voxels."""
    low, high = np.percentile(values, [1, 99.5])
    return "ct" if -4000 < low < -150 and 100 < high < 5000 else "mr"


def intensity_window(image: sitk.Image, modality: str) -> Tuple[float, float]:
    """The values that become 0 and 1: a soft tissue window for CT, percentiles for everything else."""
    if modality == "ct":
        return CT_WINDOW
    array = sitk.GetArrayViewFromImage(image)
    low, high = np.percentile(array, PERCENTILES)
    if low == high:
        low, high = float(array.min()), float(array.max())
    return float(low), float(high)


def normalize(image: sitk.Image, modality: str) -> sitk.Image:
    """The volume as float32 in [0, 1]; see :func:`intensity_window`."""
    low, high = intensity_window(image, modality)
    array = sitk.GetArrayViewFromImage(image).astype(np.float32)
    array -= low
    array /= max(high - low, 1e-12)
    return Grid.of(image).image(np.clip(array, 0, 1, out=array))
