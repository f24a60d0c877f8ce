"""Volumes and label maps: read from files, checked, and brought to intensities in [0, 1]."""

from .checks import check_volume
from .labels import label_values, read_labels
from .missing import imaged, without_nan
from .modality import MODALITIES, NAMES, guess_modality, modality_of_values, without_missing
from .reading import read_volume
from .windows import PERCENTILES, holds_hounsfield_units, intensity_window, normalize, pair_windows

__all__ = [
    "MODALITIES",
    "NAMES",
    "PERCENTILES",
    "check_volume",
    "guess_modality",
    "holds_hounsfield_units",
    "imaged",
    "intensity_window",
    "label_values",
    "modality_of_values",
    "normalize",
    "pair_windows",
    "read_labels",
    "read_volume",
    "without_missing",
    "without_nan",
]
