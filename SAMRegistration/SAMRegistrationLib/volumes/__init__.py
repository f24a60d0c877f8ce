"""Volumes and label maps: read from files, checked, and brought to intensities in [0, 1]."""

from .checks import check_volume
from .labels import as_structures, read_labels
from .loaded import LoadedVolume
from .modality import MODALITIES, PERCENTILES, guess_modality, intensity_window, modality_of_values, normalize
from .pairing import with_numbers_of
from .reading import load_image, load_volume, read_image, read_volume
from .segments import SEGMENTATION_ENDING, is_segmentation_file, write_segmentation
from .structures import Labels, NamedMask, StructureMask, StructureMasks, holding, name_key

__all__ = [
    "MODALITIES",
    "PERCENTILES",
    "SEGMENTATION_ENDING",
    "Labels",
    "LoadedVolume",
    "NamedMask",
    "StructureMask",
    "StructureMasks",
    "as_structures",
    "check_volume",
    "guess_modality",
    "holding",
    "intensity_window",
    "is_segmentation_file",
    "load_image",
    "load_volume",
    "modality_of_values",
    "name_key",
    "normalize",
    "read_image",
    "read_labels",
    "read_volume",
    "with_numbers_of",
    "write_segmentation",
]
