"""What the headers of DICOM files say about the place of every slice."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterable, List, Optional, Tuple

import numpy as np

from ..errors import InputError

# What may tell apart several volumes of one series, the most telling first.
MARKS = (
    "TemporalPositionIdentifier",
    "TriggerTime",
    "EchoTime",
    "EchoNumbers",
    "DiffusionBValue",
    "InversionTime",
    "FlipAngle",
    "ImageType",
    "AcquisitionNumber",
    "AcquisitionTime",
    "ContentTime",
    "AcquisitionDateTime",
    "SeriesTime",
)
TAGS = (
    *MARKS,
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "SeriesDescription",
    "InstanceNumber",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "SliceThickness",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
)


@dataclass(frozen=True, eq=False)
class DicomSlice:
    """One slice, in a file of its own or as a frame of a file with several.

    Attributes:
        size: columns and rows.
        spacing: distance of the columns and of the rows in mm.
        position: center of the first voxel, LPS mm.
        axes: (2, 3) unit vectors (LPS) along the rows and along the columns of voxels.
        number: the instance number, None where the file has none.
        marks: values that may tell several volumes of one series apart.
    """

    path: Path
    frame: int
    series: str
    instance: str
    description: str
    size: Tuple[int, int]
    spacing: Tuple[float, float]
    position: np.ndarray
    axes: np.ndarray
    number: Optional[int]
    marks: Dict[str, str] = field(default_factory=dict)


def is_dicom(path: Path) -> bool:
    """Whether a file is DICOM by its first bytes, or a folder holds such a file."""
    if path.is_dir():
        return any(is_dicom(file) for file in sorted(path.iterdir()) if file.is_file())
    try:
        with open(path, "rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def read_headers(files: Iterable[Path]) -> Tuple[List[DicomSlice], int]:
    """The slices of those files that are DICOM images, and the number of the other files.

    Raises:
        InputError: a DICOM image does not say where in space it lies.
    """
    slices, others = [], 0
    for file in files:
        found = _slices_of(file)
        slices += found
        others += not found
    return slices, others


def _slices_of(file: Path) -> List[DicomSlice]:
    import pydicom  # here, since other files need it not
    from pydicom.errors import BytesLengthException, InvalidDicomError

    damage = (  # as the values of a damaged header raise it
        *(BytesLengthException, ValueError, NotImplementedError, TypeError),
        *(AttributeError, LookupError, ArithmeticError),
    )
    try:
        header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=list(TAGS))
    except (InvalidDicomError, OSError, EOFError, *damage):  # no DICOM file
        return []
    try:
        return _slices_in(file, header)
    except damage as error:
        raise InputError(f"{file} has a damaged DICOM header; export it again, or remove it.") from error


def _slices_in(file: Path, header) -> List[DicomSlice]:
    if "Rows" not in header or "Columns" not in header:
        return []
    frames = header.get("PerFrameFunctionalGroupsSequence")
    if frames:
        shared = header.get("SharedFunctionalGroupsSequence") or ()
        return [_slice(file, header, number, (frame, *shared)) for number, frame in enumerate(frames)]
    if int(header.get("NumberOfFrames") or 1) > 1:
        raise InputError(f"{file} holds several frames without saying where they lie; give one file per slice.")
    return [_slice(file, header, 0, (header,))]


def _slice(file: Path, header, frame: int, groups) -> DicomSlice:
    position = _numbers(groups, "PlanePositionSequence", "ImagePositionPatient")
    cosines = _numbers(groups, "PlaneOrientationSequence", "ImageOrientationPatient")
    spacing = _numbers(groups, "PixelMeasuresSequence", "PixelSpacing")
    if position is None or cosines is None or spacing is None:
        raise InputError(
            f"{file} does not say where in space it lies (image position, orientation or pixel spacing are "
            "missing), so it cannot be part of a volume; remove it or give a volume file."
        )
    number = header.get("InstanceNumber")
    return DicomSlice(
        path=file,
        frame=frame,
        series=str(header.get("SeriesInstanceUID", "")),
        instance=f"{header.get('SOPInstanceUID', '')}/{frame}",
        description=str(header.get("SeriesDescription", "")),
        size=(int(header.Columns), int(header.Rows)),
        spacing=(float(spacing[1]), float(spacing[0])),
        position=np.array(position, dtype=np.float64),
        axes=np.array(cosines, dtype=np.float64).reshape(2, 3),
        number=frame if header.get("PerFrameFunctionalGroupsSequence") else None if number is None else int(number),
        marks=_marks(header, groups),
    )


def _numbers(groups, sequence: str, name: str):
    """A value of a slice: from the functional groups of its frame or of all frames, or from the file itself."""
    for group in groups:
        items = group.get(sequence)
        holder = items[0] if items else group
        if holder.get(name):
            return [float(value) for value in holder.get(name)]
    return None


def _marks(header, groups) -> Dict[str, str]:
    marks = {name: str(header.get(name)) for name in MARKS if header.get(name) is not None}
    for content in groups[0].get("FrameContentSequence") or ():
        for name in ("TemporalPositionIndex", "FrameAcquisitionNumber", "FrameAcquisitionDateTime"):
            if content.get(name) is not None:
                marks[name] = str(content.get(name))
    for echo in groups[0].get("MREchoSequence") or ():
        marks["EchoTime"] = str(echo.get("EffectiveEchoTime"))
    return marks
