"""Volumes and label maps: read from files, checked, and brought to intensities in [0, 1]."""

from .checks import check_volume
from .labels import label_values, read_labels
from .modality import MODALITIES, PERCENTILES, guess_modality, intensity_window, modality_of_values, normalize
from .reading import read_image, read_volume

__all__ = [
    "MODALITIES",
    "PERCENTILES",
    "check_volume",
    "guess_modality",
    "intensity_window",
    "label_values",
    "modality_of_values",
    "normalize",
    "read_image",
    "read_labels",
    "read_volume",
]
