"""Intensities in [0, 1]."""

from typing import List, Optional, Tuple

import numpy as np
import SimpleITK as sitk

from ..geometry.grid import Grid
from .missing import imaged
from .modality import without_missing

Window = Tuple[float, float]
# HU. The registration network was trained with CT_WINDOW, wider than SOFT_TISSUE_WINDOW so that fat and contrast agent
# keep their contrast. SOFT_TISSUE_WINDOW, which the click model was trained with, is the usual one of the abdomen,
# level 40 and width 400, as in Ma et al., Segment anything in medical images, Nature Communications 15:654, 2024.
CT_WINDOW, LUNG_WINDOW, SOFT_TISSUE_WINDOW = (-200.0, 300.0), (-1000.0, 200.0), (-160.0, 240.0)
PERCENTILES = (0.5, 99.5)
FAT = -50.0  # HU; every CT has values below, of fat, lung or air
FEW = 1e-3
LUNG = 0.1  # share of soft tissue in all tissue below which a CT shows lung only


def intensity_window(image: sitk.Image, modality: str) -> Window:
    """The values that become 0 and 1: those of tissue for CT, percentiles for everything else.

    A CT that holds lung and hardly any soft tissue gets the window of lung. One whose values are no Hounsfield units
    (see :func:`holds_hounsfield_units`) gets percentiles.
    """
    if modality == "ct":
        window = _ct_window(without_missing(sitk.GetArrayViewFromImage(image)[::2, ::2, ::2]))
        if window is not None:
            return window
    array, seen = sitk.GetArrayViewFromImage(image), imaged(image)
    array = array if seen is None else array[seen]
    low, high = np.percentile(array, PERCENTILES)
    if low == high:
        low, high = float(array.min()), float(array.max())
    return float(low), float(high)


def pair_windows(images: List[sitk.Image], modalities: List[str]) -> List[Window]:
    """The windows of a pair; where both are CT and one shows lung only, both get what holds lung and soft tissue."""
    windows = [intensity_window(image, modality) for image, modality in zip(images, modalities)]
    if set(windows) == {CT_WINDOW, LUNG_WINDOW}:
        return [(LUNG_WINDOW[0], CT_WINDOW[1])] * 2
    return windows


def holds_hounsfield_units(image: sitk.Image) -> bool:
    """Whether the values of a volume can be those of a CT: some lie below water, and a window of tissue holds some."""
    return _ct_window(without_missing(sitk.GetArrayViewFromImage(image)[::2, ::2, ::2])) is not None


def normalize(image: sitk.Image, modality: str, window: Optional[Window] = None) -> sitk.Image:
    """The volume as float32 in [0, 1]; `window`, or else :func:`intensity_window`, becomes 0 and 1; NaN becomes 0."""
    low, high = intensity_window(image, modality) if window is None else window
    array = sitk.GetArrayViewFromImage(image)
    array = array - low if array.dtype == np.float64 else array.astype(np.float32) - np.float32(low)
    array = (array / ((high - low) or 1.0)).astype(np.float32)
    np.clip(array, 0, 1, out=array)
    return Grid.of(image).image(np.nan_to_num(array, copy=False))


def _ct_window(values: np.ndarray) -> Optional[Window]:
    if values.size == 0 or np.count_nonzero(values < FAT) <= FEW * values.size:
        return None
    soft = np.count_nonzero((values > CT_WINDOW[0]) & (values < CT_WINDOW[1]))
    lung = np.count_nonzero((values > -950) & (values <= CT_WINDOW[0]))
    if soft + lung <= FEW * values.size:
        return None
    return CT_WINDOW if soft > LUNG * (soft + lung) else LUNG_WINDOW
