"""DICOM series whose slices lie at known places, written by pydicom."""

from pathlib import Path
from typing import Callable, List, Optional, Sequence

import numpy as np
import pydicom
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

CT, PET, MR = (f"1.2.840.10008.5.1.4.1.1.{number}" for number in ("2", "128", "4"))
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
ROWS = np.array([0.98, 0.17, 0.1])
ROWS /= np.linalg.norm(ROWS)
COLUMNS = np.cross([-0.12, -0.05, 1.0], ROWS)
COLUMNS /= np.linalg.norm(COLUMNS)
NORMAL = np.cross(ROWS, COLUMNS)
SIZE = (40, 36)  # columns, rows
SPACING = (1.1, 1.3)  # of columns, of rows, mm
FIRST = np.array([-20.0, 15.0, 30.0])


def intensity(points: np.ndarray) -> np.ndarray:
    """A smooth function of LPS points (..., 3) in mm, which interpolation hardly changes."""
    x, y, z = np.moveaxis(points, -1, 0)
    return 200 * np.sin(x / 9.0) + 150 * np.cos(y / 11.0) + 180 * np.sin(z / 13.0 + x / 40.0) + 600


def places(count: int, step: Sequence[float]) -> np.ndarray:
    """First voxels of slices with one step, LPS mm, (count, 3)."""
    return FIRST + np.arange(count)[:, None] * np.asarray(step)


def write_series(
    folder: Path,
    positions: np.ndarray,
    change: Optional[Callable[[pydicom.Dataset, int], None]] = None,
    prefix: str = "slice",
    numbers: Optional[Sequence[int]] = None,
    values: Callable[[np.ndarray], np.ndarray] = intensity,
    sop_class: str = CT,
) -> List[Path]:
    """Write one slice for every position; the voxels are `values` of their places, rounded.

    Args:
        positions: (n, 3) centers of the first voxels, LPS mm.
        change: alters the data set of the slice with an index before it is written.
        numbers: instance numbers; default: 1, 2, ...
    """
    folder.mkdir(parents=True, exist_ok=True)
    series, study = generate_uid(), generate_uid()
    paths = []
    for index, position in enumerate(positions):
        dataset = _slice(position, values, sop_class)
        dataset.SeriesInstanceUID, dataset.StudyInstanceUID = series, study
        dataset.InstanceNumber = index + 1 if numbers is None else numbers[index]
        if change is not None:
            change(dataset, index)
        paths.append(folder / f"{prefix}{index:03d}.dcm")
        dataset.save_as(paths[-1], enforce_file_format=True)
    return paths


def _slice(position: np.ndarray, values, sop_class: str) -> pydicom.Dataset:
    column, row = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    points = position + column[..., None] * SPACING[0] * ROWS + row[..., None] * SPACING[1] * COLUMNS
    dataset = empty(sop_class)
    dataset.Rows, dataset.Columns = SIZE[::-1]
    dataset.ImagePositionPatient = [f"{value:.8g}" for value in position]
    dataset.ImageOrientationPatient = [f"{value:.9g}" for value in (*ROWS, *COLUMNS)]
    dataset.PixelSpacing = [SPACING[1], SPACING[0]]
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0
    dataset.PixelData = np.round(values(points)).astype(np.int16).tobytes()
    return dataset


def empty(sop_class: str) -> pydicom.Dataset:
    """A data set with what every image has, without size, place and voxels."""
    dataset = pydicom.Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = sop_class
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.Modality = {CT: "CT", PET: "PT"}.get(sop_class, "MR")
    dataset.PatientName, dataset.PatientID = "Nobody^Made", "0"
    dataset.SeriesDescription = "made"
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 1
    return dataset


def write_enhanced(path: Path, positions: np.ndarray, values=intensity) -> None:
    """Write all slices as frames of one enhanced multi-frame file."""
    slices = [_slice(position, values, ENHANCED_MR) for position in positions]
    dataset = empty(ENHANCED_MR)
    dataset.SeriesInstanceUID, dataset.StudyInstanceUID = generate_uid(), generate_uid()
    dataset.Rows, dataset.Columns, dataset.NumberOfFrames = *SIZE[::-1], len(slices)
    shared, measures, orientation = (pydicom.Dataset() for _ in range(3))
    measures.PixelSpacing, measures.SliceThickness = [SPACING[1], SPACING[0]], 2.0
    orientation.ImageOrientationPatient = slices[0].ImageOrientationPatient
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [orientation]
    dataset.SharedFunctionalGroupsSequence = [shared]
    frames = []
    for one in slices:
        frame, plane = pydicom.Dataset(), pydicom.Dataset()
        plane.ImagePositionPatient = one.ImagePositionPatient
        frame.PlanePositionSequence = [plane]
        frames.append(frame)
    dataset.PerFrameFunctionalGroupsSequence = frames
    dataset.PixelData = b"".join(one.PixelData for one in slices)
    dataset.save_as(path, enforce_file_format=True)
