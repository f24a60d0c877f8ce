"""Results of a registration in the forms that other programs read: DICOM, ANTs, FSL, elastix, PDF."""

from .conventions import write_ants, write_elastix, write_fsl
from .dicom_registration import write_dicom_registration
from .dicom_segmentation import write_dicom_segmentation
from .dicom_series import write_dicom_series
from .dicom_source import DicomSource, read_source, source_of
from .forms import write_forms
from .pdf import write_pdf
from .saved import SavedResult, read_saved

__all__ = [
    "DicomSource",
    "SavedResult",
    "read_saved",
    "read_source",
    "source_of",
    "write_ants",
    "write_dicom_registration",
    "write_dicom_segmentation",
    "write_dicom_series",
    "write_elastix",
    "write_forms",
    "write_fsl",
    "write_pdf",
]
