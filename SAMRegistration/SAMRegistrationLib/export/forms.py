"""A result in the forms that are asked for, a folder for each."""

from pathlib import Path
from typing import List, Optional, Sequence

import SimpleITK as sitk

from ..choices import EXPORTS
from ..errors import InputError
from ..files import PathLike, require_writable_folder
from ..inside import inside
from ..job import Job
from .conventions import write_ants, write_elastix, write_fsl
from .dicom_registration import write_dicom_registration
from .dicom_segmentation import write_dicom_segmentation
from .dicom_series import write_dicom_series
from .dicom_source import DicomSource, read_source
from .pdf import write_pdf
from .saved import SavedResult


def write_forms(
    result: SavedResult,
    forms: Sequence[str],
    folder: PathLike,
    fixed: Optional[DicomSource] = None,
    moving: Optional[DicomSource] = None,
    moving_volume: Optional[sitk.Image] = None,
    job: Optional[Job] = None,
) -> List[Path]:
    """Write a result into a folder for each form.

    Args:
        forms: of :data:`..choices.EXPORTS`.
        fixed, moving: the DICOM series of the volumes; None where they are of another kind.
        moving_volume: needed for "fsl".

    Returns:
        The files.

    Raises:
        InputError: a form cannot hold the result, or something that it needs is missing.
        PackageError: a package is not installed that writes it.
        Canceled: through `job`; forms that were written before stay.
    """
    folder, job = require_writable_folder(folder), job or Job()
    chosen = [form for form in EXPORTS if form in forms]  # the series comes before the structures that belong to it
    written = []
    for number, form in enumerate(chosen):
        job.update(number / len(chosen), "Writing")
        own = inside(folder, form)
        if form == "ants":
            names = write_ants(result, own)
        elif form == "elastix":
            names = write_elastix(result, own)
        elif form == "fsl":
            if moving_volume is None:
                raise InputError("FSL counts along the axes of both volumes; give the moving one too.")
            names = write_fsl(result, moving_volume, own)
        elif form == "dicom":
            names = write_dicom_series(result, own, moving, fixed)
        elif form == "dicom-registration":
            names = write_dicom_registration(result, own, fixed, moving)
        elif form == "dicom-seg":
            names = write_dicom_segmentation(result, own, fixed or _series(own.parent / "dicom", chosen))
        else:
            names = ["report.pdf"]
            write_pdf(result, own / names[0])
        written += [own / name for name in names]
    job.update(1.0, "Done")
    return written


def _series(folder: Path, chosen: Sequence[str]) -> DicomSource:
    """The series of the warped volume, which structures belong to where the fixed volume is no DICOM."""
    source = read_source(folder) if "dicom" in chosen else None
    if source is None:
        raise InputError(
            "Structures in DICOM belong to a series; give that of the fixed volume, or write the warped volume too "
            "(dicom dicom-seg)."
        )
    return source
