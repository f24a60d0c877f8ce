"""Patients and studies of DICOM series that results refer to; nothing of them is made up."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, List, Optional, Sequence

import numpy as np

from .. import __version__
from ..errors import InputError
from ..files import PathLike, require_usable_path, shown
from ..geometry.grid import Grid
from ..volumes.dicom_headers import is_dicom, read_headers

PATIENT = ("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex")
STUDY = (
    "StudyInstanceUID",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyDescription",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
)
EMPTY = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyID", "StudyDate", "StudyTime")
EMPTY_TOO = ("AccessionNumber", "ReferringPhysicianName")


@dataclass(frozen=True)
class DicomSource:
    """A series.

    Attributes:
        headers: of its instances, without their pixels, in the order of their file names.
    """

    headers: List[Any]

    @property
    def frame_of_reference(self) -> str:
        """The UID of the space that its coordinates belong to; "" where it says none."""
        return str(self.headers[0].get("FrameOfReferenceUID", ""))

    def has_corners(self, grid: Grid) -> bool:
        """Whether its first and last slices begin at corners of a grid, as those of a volume that was read from it do.

        Headers of several slices, which say no place for all of them, fit any grid.
        """
        places = [header.ImagePositionPatient for header in self.headers if "ImagePositionPatient" in header]
        if len(places) < len(self.headers):
            return True
        places, corners = np.array(places, dtype=float), grid.corners()
        along = places @ grid.normal(2)
        ends = places[[along.argmin(), along.argmax()]]
        distances = np.linalg.norm(ends[:, None] - corners, axis=2).min(axis=1)
        return bool(distances.max() < min(grid.spacing) / 2)

    @property
    def patient(self) -> str:
        """The identifier of its patient."""
        return str(self.headers[0].get("PatientID", ""))


def read_source(path: PathLike) -> Optional[DicomSource]:
    """The series that a volume was read from; None where that is no DICOM series.

    Raises:
        InputError: there is no such file or folder.
    """
    path = require_usable_path(path)
    if not path.exists():
        raise InputError(f"There is no file or folder {shown(path)}.")
    if not is_dicom(path):
        return None
    folder, chosen = (path, None) if path.is_dir() else (path.parent, path)
    slices, _ = read_headers(sorted(file for file in folder.iterdir() if file.is_file()))
    series = next((one.series for one in slices if one.path == chosen), slices[0].series if slices else "")
    files = list(dict.fromkeys(one.path for one in slices if one.series == series))
    return source_of(files)


def source_of(files: Sequence[PathLike]) -> DicomSource:
    """The series of which these files are the instances."""
    import pydicom

    return DicomSource([pydicom.dcmread(file, stop_before_pixels=True) for file in files])


def require_one_patient(*sources: Optional[DicomSource]) -> None:
    """Refuse series of different patients: results of them belong to no single one.

    Raises:
        InputError: as it says.
    """
    patients = {source.patient for source in sources if source is not None}
    if len(patients) > 1:
        raise InputError("The series are of different patients, so that a result in DICOM would belong to neither.")


def new_dataset(source: Optional[DicomSource], kind: str, modality: str, description: str):
    """A data set with patient and study of a source, or with empty ones and a study of its own; a series of its own.

    Args:
        kind: UID of the class of the object.
    """
    import pydicom
    from pydicom.uid import generate_uid

    data = pydicom.Dataset()
    for name in (*EMPTY, *EMPTY_TOO):
        setattr(data, name, "")
    data.StudyInstanceUID = generate_uid()
    header = None if source is None else source.headers[0]
    for name in (*PATIENT, *STUDY):
        if header is not None and name in header:
            data[name] = header[name]
    data.SOPClassUID, data.SOPInstanceUID = kind, generate_uid()
    data.SeriesInstanceUID, data.SeriesNumber = generate_uid(), None
    data.Modality, data.SeriesDescription = modality, description
    data.Manufacturer, data.ManufacturerModelName = "SAMRegistration", "SAMRegistration"
    data.SoftwareVersions, data.DeviceSerialNumber = __version__, "0"
    data.SpecificCharacterSet = "ISO_IR 192"
    return data


def references_to(source: DicomSource):
    """References to all instances of a source."""
    import pydicom

    found = []
    for header in source.headers:
        reference = pydicom.Dataset()
        reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = header.SOPClassUID, header.SOPInstanceUID
        found.append(reference)
    return found


def write_dataset(data, path: Path) -> None:
    """Write a DICOM file, explicit VR, little endian."""
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian

    meta = pydicom.dataset.FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = data.SOPClassUID, data.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = pydicom.dataset.FileDataset(str(path), data, file_meta=meta, preamble=b"\0" * 128)
    if int(pydicom.__version__.split(".")[0]) < 3:
        file.is_little_endian, file.is_implicit_VR = True, False
        file.save_as(path, write_like_original=False)
    else:
        file.save_as(path, enforce_file_format=True)


def code(value: str, scheme: str, meaning: str):
    """A coded concept."""
    import pydicom

    concept = pydicom.Dataset()
    concept.CodeValue, concept.CodingSchemeDesignator, concept.CodeMeaning = value, scheme, meaning
    return concept
