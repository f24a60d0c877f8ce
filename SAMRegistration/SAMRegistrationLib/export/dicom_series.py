"""The warped volume as a DICOM series on the grid of the fixed volume."""

from datetime import datetime
from pathlib import Path
from typing import List, Optional, Tuple

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..files import PathLike, whole_files
from ..image_files import has_right_angles
from .dicom_source import (
    DicomSource,
    code,
    new_dataset,
    references_to,
    require_one_patient,
    write_dataset,
)
from .saved import SavedResult

CT_IMAGE, MR_IMAGE = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
CLASSES = {"ct": (CT_IMAGE, "CT"), "mr": (MR_IMAGE, "MR")}
LARGEST = 32767  # that a pixel of 16 bits with a sign holds
FINE_ENOUGH = 256  # range of values above which whole numbers tell them apart
OF_THE_IMAGE = (  # what a viewer shows of the acquisition, which resampling does not change
    "BodyPartExamined",
    "KVP",
    "ScanningSequence",
    "SequenceVariant",
    "ScanOptions",
    "MRAcquisitionType",
    "RepetitionTime",
    "EchoTime",
    "EchoTrainLength",
    "MagneticFieldStrength",
)
TYPE_2 = {CT_IMAGE: ("KVP", "AcquisitionNumber"), MR_IMAGE: ("ScanOptions", "RepetitionTime", "EchoTime")}
TYPE_2_TOO = {MR_IMAGE: ("EchoTrainLength", "MRAcquisitionType")}
UNKNOWN_SEQUENCE = {"ScanningSequence": "RM", "SequenceVariant": "NONE"}  # "research mode" in the standard's words


def write_dicom_series(
    result: SavedResult,
    folder: PathLike,
    moving: Optional[DicomSource] = None,
    fixed: Optional[DicomSource] = None,
    frame_of_reference: str = "",
) -> List[str]:
    """Write the warped volume as a series of slices.

    Patient and study are those of the moving series, whose voxels it shows and whose instances it names as its source;
    its coordinates are those of the fixed series. Without them the patient is left empty and the study is new.

    Args:
        frame_of_reference: UID of the coordinates where there is no fixed series; "" for a new one.

    Returns:
        The names of the files.

    Raises:
        InputError: the series are of different patients, or the axes of the volume are not at right angles.
    """
    from pydicom.uid import generate_uid

    require_one_patient(moving, fixed)
    if not has_right_angles(result.warped):
        raise InputError("DICOM slices need axes at right angles; resample the fixed volume to a regular grid first.")
    kind, modality = _class_of(result, moving)
    data = new_dataset(moving, kind, modality, "Registered by SAMRegistration")
    _describe(data, kind, moving)
    data.FrameOfReferenceUID = (fixed and fixed.frame_of_reference) or frame_of_reference or generate_uid()
    data.PositionReferenceIndicator = ""
    pixels, slope, intercept = _pixels(sitk.GetArrayViewFromImage(result.warped))
    if kind == CT_IMAGE or (slope, intercept) != (1.0, 0.0):
        data.RescaleSlope, data.RescaleIntercept = f"{slope:.10g}", f"{intercept:.10g}"
        data.RescaleType = "HU" if kind == CT_IMAGE else "US"
    grid = result.fixed_grid
    direction = np.reshape(grid.direction, (3, 3))
    data.Rows, data.Columns = pixels.shape[1:]
    data.PixelSpacing = [f"{grid.spacing[1]:.10g}", f"{grid.spacing[0]:.10g}"]
    data.SliceThickness = data.SpacingBetweenSlices = f"{grid.spacing[2]:.10g}"
    data.ImageOrientationPatient = [f"{value:.10f}" for value in (*direction[:, 0], *direction[:, 1])]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
    names = [f"warped-{number:04d}.dcm" for number in range(1, len(pixels) + 1)]
    earlier = [path.name for path in Path(folder).glob("warped-[0-9]*.dcm")]
    with whole_files(folder, replaces=earlier) as staging:
        for number, (name, plane) in enumerate(zip(names, pixels)):
            data.SOPInstanceUID, data.InstanceNumber = generate_uid(), number + 1
            position = grid.index_to_physical([[0, 0, number]])[0]
            data.ImagePositionPatient = [f"{value:.9g}" for value in position]
            data.PixelData = np.ascontiguousarray(plane, dtype="<i2").tobytes()
            write_dataset(data, staging / name)
    return names


def _class_of(result: SavedResult, moving: Optional[DicomSource]) -> Tuple[str, str]:
    """The class and the modality: those of the source where it holds classic CT or MR slices, else as was guessed."""
    if moving is not None:
        header = moving.headers[0]
        kind = str(header.SOPClassUID)
        return (kind if kind in (CT_IMAGE, MR_IMAGE) else SECONDARY_CAPTURE), str(header.get("Modality", "OT"))
    modality = result.summary.get("facts", {}).get("moving_modality", "")
    return CLASSES.get(modality, (SECONDARY_CAPTURE, "OT"))


def _describe(data, kind: str, moving: Optional[DicomSource]) -> None:
    now = datetime.now()
    data.ImageType = ["DERIVED", "SECONDARY", "AXIAL"] if kind == CT_IMAGE else ["DERIVED", "SECONDARY", "OTHER"]
    data.ContentDate, data.ContentTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    data.SeriesDate, data.SeriesTime = data.ContentDate, data.ContentTime
    data.DerivationDescription = "Resampled by a deformable registration"
    data.DerivationCodeSequence = [code("113085", "DCM", "Spatial resampling")]
    if kind == SECONDARY_CAPTURE:
        data.ConversionType = "WSD"
    for name in (*TYPE_2.get(kind, ()), *TYPE_2_TOO.get(kind, ())):
        setattr(data, name, None)
    for name, value in UNKNOWN_SEQUENCE.items() if kind == MR_IMAGE else ():
        setattr(data, name, value)
    if moving is None:
        return
    for name in OF_THE_IMAGE:
        if name in moving.headers[0]:
            data[name] = moving.headers[0][name]
    sources = references_to(moving)
    for source in sources:
        source.PurposeOfReferenceCodeSequence = [code("121322", "DCM", "Source image for image processing operation")]
    data.SourceImageSequence = sources


def _pixels(values: np.ndarray) -> Tuple[np.ndarray, float, float]:
    """Whole numbers of 16 bits, and the slope and intercept that give the values back."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if max(abs(low), abs(high)) <= LARGEST and high - low >= FINE_ENOUGH:
        return np.round(np.nan_to_num(values, nan=low)).astype(np.int16), 1.0, 0.0
    slope = (high - low) / (2 * LARGEST) or 1.0
    slope = float(f"{slope:.10g}")
    intercept = float(f"{(high + low) / 2:.10g}")
    scaled = np.clip(np.round((np.nan_to_num(values, nan=low) - intercept) / slope), -LARGEST - 1, LARGEST)
    return scaled.astype(np.int16), slope, intercept
