"""DICOM Segmentation objects, whose frames are slices of single segments with places of their own.

SimpleITK reads neither the places nor the segments of the frames, and not every voxel; pydicom, where it is installed,
reads all of them.
"""

from pathlib import Path
from typing import Iterator, List, NamedTuple, Union

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..geometry.grid import Grid
from .structure_masks import NamedMask, StructureMasks

SEGMENTATION_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
_SAME = 1e-5  # of the height of all slices, by which two places of one slice may differ
_OFF = 0.05  # of the distance of two slices by which a frame may be off its place on the grid


class _Frame(NamedTuple):
    """The segment of a frame, and the center of its first voxel in LPS mm."""

    segment: int
    position: np.ndarray


def is_dicom_segmentation(path: Union[str, Path]) -> bool:
    """Whether a file, or the only file of a folder, is a DICOM Segmentation object."""
    path = _file(Path(path))
    if path is None:
        return False
    with open(path, "rb") as file:
        start = file.read(1024)
    return start[128:132] == b"DICM" and any(name.encode() in start for name in SEGMENTATION_CLASSES)


def lost_its_places(image: sitk.Image) -> bool:
    """Whether an image is a DICOM Segmentation object as SimpleITK reads it: frames without places and segments."""
    key = "0008|0016"
    return key in image.GetMetaDataKeys() and image.GetMetaData(key).strip(" \0") in SEGMENTATION_CLASSES


def read_dicom_segmentation(path: Union[str, Path]) -> StructureMasks:
    """The segments of a DICOM Segmentation object with their names, also where they overlap.

    Raises:
        InputError: pydicom is not installed, the segments are no binary masks, or the frames lie on no regular grid.
    """
    header = _header(path)
    kind = str(header.get("SegmentationType", ""))
    if kind != "BINARY":
        raise InputError(
            f"{path} is a DICOM segmentation of the type {kind or 'unknown'}, but only BINARY can be read; convert it "
            "to .seg.nrrd or .nii.gz."
        )
    try:
        frames = [_frame(header, group) for group in header.PerFrameFunctionalGroupsSequence]
        grid, slices = _grid(header, frames, path)
        names = {int(item.SegmentNumber): str(item.SegmentLabel) for item in header.SegmentSequence}
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is a DICOM segmentation whose frames do not say where they are ({error}).") from error
    voxels = _voxels(path)
    if len(voxels) != len(frames):
        raise InputError(f"{path} is a DICOM segmentation of {len(frames)} frames, but holds {len(voxels)}.")
    return StructureMasks.of_masks(_masks(names, frames, slices, voxels, grid), grid)


def _file(path: Path):
    files = [entry for entry in path.iterdir() if entry.is_file()] if path.is_dir() else [path]
    return files[0] if len(files) == 1 and files[0].is_file() else None


def _header(path: Union[str, Path]):
    try:
        import pydicom
    except ImportError as error:
        raise InputError(
            f"{path} is a DICOM segmentation, which is read with pydicom only; install pydicom, or convert it to "
            ".seg.nrrd or .nii.gz."
        ) from error
    damage = (pydicom.errors.InvalidDicomError, pydicom.errors.BytesLengthException, OSError, EOFError, ValueError)
    try:
        return pydicom.dcmread(_file(Path(path)), stop_before_pixels=True)
    except damage as error:
        raise InputError(f"{path} is a DICOM segmentation that cannot be read ({error}).") from error


def _voxels(path: Union[str, Path]) -> np.ndarray:
    """The frames (n, rows, columns). (SimpleITK errs where a frame of single bits ends within a byte.)"""
    import pydicom

    try:
        data = pydicom.dcmread(_file(Path(path)))
        return data.pixel_array.reshape(-1, int(data.Rows), int(data.Columns))
    except (AttributeError, NotImplementedError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise InputError(f"{path} is a DICOM segmentation whose voxels cannot be read.") from error


def _frame(header, group) -> _Frame:
    position = _in_groups(header, group, "PlanePositionSequence").ImagePositionPatient
    segment = _in_groups(header, group, "SegmentIdentificationSequence").ReferencedSegmentNumber
    return _Frame(int(segment), np.array(position, dtype=np.float64))


def _in_groups(header, group, name: str):
    """The item of a functional group of a frame, or the one that all frames share."""
    return (group if name in group else header.SharedFunctionalGroupsSequence[0])[name].value[0]


def _grid(header, frames: List[_Frame], path):
    """The grid of all frames, and the slice of each."""
    group = header.PerFrameFunctionalGroupsSequence[0]
    orientation = np.array(_in_groups(header, group, "PlaneOrientationSequence").ImageOrientationPatient, dtype=float)
    measures = _in_groups(header, group, "PixelMeasuresSequence")
    along_i, along_j = orientation[:3], orientation[3:]
    normal = np.cross(along_i, along_j)
    positions = np.array([frame.position for frame in frames])
    heights = positions @ normal
    steps = np.diff(np.unique(heights))
    steps = steps[steps > _SAME * np.ptp(heights)]
    step = float(measures.get("SpacingBetweenSlices", np.median(steps) if len(steps) else measures.SliceThickness))
    first = positions[heights.argmin()]
    slices = np.round((heights - heights.min()) / step).astype(int)
    expected = first + slices[:, None] * step * normal
    if np.abs(positions - expected).max() > _OFF * step:
        raise InputError(
            f"{path} is a DICOM segmentation whose slices lie at uneven distances; convert it to .seg.nrrd or .nii.gz."
        )
    between_rows, between_columns = (float(value) for value in measures.PixelSpacing)
    size = (int(header.Columns), int(header.Rows), int(slices.max()) + 1)
    direction = np.stack([along_i, along_j, normal], axis=1)
    return Grid(size, (between_columns, between_rows, step), tuple(first.tolist()), tuple(direction.ravel())), slices


def _masks(names, frames: List[_Frame], slices, voxels: np.ndarray, grid: Grid) -> Iterator[NamedMask]:
    for number in sorted({frame.segment for frame in frames}):
        mask = np.zeros(grid.shape, bool)
        for frame, place, pixels in zip(frames, slices, voxels):
            if frame.segment == number:
                mask[place] |= pixels != 0
        yield NamedMask(number, names.get(number, ""), mask)
