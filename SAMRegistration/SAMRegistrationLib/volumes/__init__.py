"""Volumes and label maps: read from files, checked, and brought to intensities in [0, 1]."""

from .checks import check_volume
from .labels import as_structures, read_labels
from .loaded import LoadedVolume
from .missing import imaged, without_nan
from .modality import NAMES, guess_modality, modality_of_values, without_missing
from .pairing import with_numbers_of
from .reading import load_image, load_volume, read_image, read_volume
from .segments import SEGMENTATION_ENDING, is_segmentation_file, write_segmentation
from .structure_masks import Labels, NamedMask, StructureMask, StructureMasks, holding, name_key
from .windows import PERCENTILES, SOFT_TISSUE_WINDOW, holds_hounsfield_units, intensity_window, normalize, pair_windows

__all__ = [
    "NAMES",
    "PERCENTILES",
    "SEGMENTATION_ENDING",
    "SOFT_TISSUE_WINDOW",
    "Labels",
    "LoadedVolume",
    "NamedMask",
    "StructureMask",
    "StructureMasks",
    "as_structures",
    "check_volume",
    "guess_modality",
    "holding",
    "holds_hounsfield_units",
    "imaged",
    "intensity_window",
    "is_segmentation_file",
    "load_image",
    "load_volume",
    "modality_of_values",
    "name_key",
    "normalize",
    "pair_windows",
    "read_image",
    "read_labels",
    "read_volume",
    "with_numbers_of",
    "without_missing",
    "without_nan",
    "write_segmentation",
]
