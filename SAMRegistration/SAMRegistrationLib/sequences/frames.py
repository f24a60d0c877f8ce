"""The frames of a sequence in files, read one at a time."""

import re
from pathlib import Path
from typing import List, Optional, Tuple

import SimpleITK as sitk

from ..errors import InputError
from ..files import PathLike, require_usable_path, shown
from ..image_files import ENDINGS
from ..volumes import check_volume, load_volume


class Frames:
    """Volumes of one sequence; a frame is read when it is asked for, and not kept.

    Attributes:
        path: the file or folder.
        times: of the frames in seconds from the first; None where nothing tells them.
        names: of the frames: file names, or numbers.
    """

    def __init__(self, path: Path, names: List[str], times: Optional[List[float]] = None):
        self.path, self.names, self.times = path, names, times

    def __len__(self) -> int:
        return len(self.names)

    def read(self, number: int) -> sitk.Image:
        """A frame as float32.

        Raises:
            InputError: it cannot be read or used.
        """
        raise NotImplementedError

    def stamp(self, number: int) -> List[object]:
        """What changes when the file of a frame does: the frame, and size and time of change of its file."""
        return [number, self.names[number], *_stamp(self.path)]


class _Files(Frames):
    def __init__(self, path: Path, files: List[Path]):
        super().__init__(path, [file.name for file in files])
        self._files = files

    def read(self, number: int) -> sitk.Image:
        return load_volume(self._files[number]).image

    def stamp(self, number: int) -> List[object]:
        return [number, self.names[number], *_stamp(self._files[number])]


class _FourDimensional(Frames):
    """A file with a fourth axis."""

    def __init__(self, path: Path, reader: sitk.ImageFileReader):
        self._size = reader.GetSize()
        step = reader.GetSpacing()[3]
        super().__init__(path, *_numbered(self._size[3], step))

    def read(self, number: int) -> sitk.Image:
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(self.path))
        reader.SetOutputPixelType(sitk.sitkFloat32)
        reader.SetExtractIndex((0, 0, 0, number))
        reader.SetExtractSize((*self._size[:3], 0))
        return _usable(_executed(reader, self.path), f"Frame {number} of {self.path}")


class _ListAxis(Frames):
    """A file of 3D Slicer (.seq.nrrd, .nrrd) whose voxels hold a value for every frame."""

    def __init__(self, path: Path, count: int):
        super().__init__(path, *_numbered(count, None))
        self._all: Optional[sitk.Image] = None

    def read(self, number: int) -> sitk.Image:
        if self._all is None:
            reader = sitk.ImageFileReader()
            reader.SetFileName(str(self.path))
            self._all = _executed(reader, self.path)
        frame = sitk.VectorIndexSelectionCast(self._all, number, sitk.sitkFloat32)
        return _usable(frame, f"Frame {number} of {self.path}")


def open_frames(path: PathLike) -> Frames:
    """The frames of a sequence.

    Args:
        path: a folder with a volume file for every frame, in the order of the numbers in their names, or with a folder
            of DICOM slices for every frame; or a file with a fourth axis, as NIfTI has it, or with a list axis, as 3D
            Slicer writes it. The times are taken from the file.

    Raises:
        InputError: missing, unreadable, or fewer than two frames.
    """
    path = require_usable_path(path)
    if not path.exists():
        raise InputError(f"There is no file or folder {shown(path)}.")
    if path.is_dir():
        frames = _Files(path, _volumes_in(path))
    else:
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        try:
            reader.ReadImageInformation()
        except RuntimeError as error:
            raise InputError(f"{shown(path)} cannot be read as a sequence; give 4D NIfTI or a folder.") from error
        if reader.GetDimension() == 4:
            frames = _FourDimensional(path, reader)
        else:
            frames = _ListAxis(path, reader.GetNumberOfComponents() if reader.GetDimension() == 3 else 1)
    if len(frames) < 2:
        raise InputError(f"{shown(path)} holds no sequence, but a single volume; a sequence has two frames at least.")
    return frames


def _volumes_in(folder: Path) -> List[Path]:
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    files = [entry for entry in entries if entry.is_file() and entry.name.lower().endswith(ENDINGS)]
    files = [file for file in files if not file.name.lower().endswith(".img")]  # the voxels of a .hdr
    chosen = files or [entry for entry in entries if entry.is_dir()]
    if not chosen:
        raise InputError(f"The folder {shown(folder)} holds no volume files and no folders with DICOM slices.")
    return sorted(chosen, key=lambda entry: _natural(entry.name))


def _natural(name: str) -> List[Tuple[int, str]]:
    """A key that puts frame2 before frame10."""
    return [(int(part), "") if part.isdigit() else (-1, part.casefold()) for part in re.split(r"(\d+)", name)]


def _numbered(count: int, step: Optional[float]) -> Tuple[List[str], Optional[List[float]]]:
    names = [str(number) for number in range(count)]
    return names, [number * step for number in range(count)] if step else None


def _stamp(path: Path) -> Tuple[int, int]:
    about = path.stat()
    return about.st_size, about.st_mtime_ns


def _executed(reader: sitk.ImageFileReader, path: Path) -> sitk.Image:
    try:
        return reader.Execute()
    except RuntimeError as error:
        raise InputError(f"The voxels of {shown(path)} cannot be read; the file is damaged or not whole.") from error


def _usable(image: sitk.Image, name: str) -> sitk.Image:
    check_volume(image, name)
    return image
