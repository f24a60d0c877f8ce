"""What the header of a NIfTI file says that a reader does not tell: its length, and its two placements in space."""

import gzip
import zlib
from pathlib import Path
from typing import List, Tuple

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..geometry.frames import RAS_LPS
from ..geometry.grid import Grid

ENDINGS = (".nii", ".nii.gz")
HEADER = 348
APART = 0.1  # voxels by which the two placements may differ without a note
SHEARED = 1e-3  # largest cosine between two axes that are at right angles


def check_nifti(path: Path) -> None:
    """Refuse a NIfTI-1 file that is not whole or that ITK cannot place in space.

    Raises:
        InputError: it is truncated, damaged, of another version or compression than its name says, or sheared.
    """
    start = _start(path)
    if start[:2] == b"\x1f\x8b" and path.name.lower().endswith(".nii"):
        raise InputError(f"{path} is compressed although its name ends in .nii; rename it to end in .nii.gz.")
    if len(start) < HEADER:
        raise InputError(
            f"{path} cannot be read as an image: it is not whole, its header breaks off; copy or export it again."
        )
    order = _byte_order(start, path)
    sizes = np.frombuffer(start, order + "i2", 8, 40)
    voxel_bytes = int(np.frombuffer(start, order + "i2", 1, 72)[0]) // 8
    offset = float(np.frombuffer(start, order + "f4", 1, 108)[0])
    if not 0 <= offset < 2**31:
        raise InputError(f"{path} cannot be read as an image: its header is damaged; copy or export it again.")
    expected = int(offset) + voxel_bytes * int(np.prod(sizes[1 : 1 + max(int(sizes[0]), 1)].astype(np.int64)))
    if _length(path, expected) < expected:
        raise InputError(
            f"{path} cannot be read as an image: it is not whole, fewer than its {expected} bytes are "
            "there; copy it again."
        )
    code, affine = _sform(start, order)
    if code > 0 and _sheared(affine) and not _qform_code(start, order):
        raise InputError(
            f"{path} cannot be read as an image: its axes are not at right angles (the sform is sheared); resample "
            "it to a regular grid first."
        )


def placement_notes(path: Path, image: sitk.Image) -> List[str]:
    """Sentences about a file whose two placements, sform and qform, disagree, or that has none."""
    start = _start(path)
    order = _byte_order(start, path)
    code, sform = _sform(start, order)
    if not code and not _qform_code(start, order):
        return [f"{path} does not say how it lies in space; its axes are taken for left, posterior and superior."]
    if not code or not _qform_code(start, order):
        return []
    grid = Grid.of(image)
    unit = {1: 1e3, 2: 1.0, 3: 1e-3}.get(start[123] & 7, 1.0)
    corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) * (np.asarray(grid.size) - 1)
    apart = []
    for affine in (sform, _qform(start, order)):
        placed = (RAS_LPS @ affine)[:3] @ np.c_[corners, np.ones(8)].T * unit
        apart.append(np.abs(grid.physical_to_index(placed.T) - corners).max())
    if max(apart) <= APART:
        return []
    taken, other = ("sform", "qform") if apart[0] < apart[1] else ("qform", "sform")
    return [
        f"{path} is placed in space in two ways that differ by up to {max(apart):.1f} voxels; its {taken} was taken, "
        f"not its {other}."
    ]


def _start(path: Path) -> bytes:
    with open(path, "rb") as file:
        magic = file.read(2)
    if magic != b"\x1f\x8b" or not path.name.lower().endswith(".gz"):
        with open(path, "rb") as file:
            return file.read(HEADER)
    try:
        with gzip.open(path) as file:
            return file.read(HEADER)
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(
            f"{path} cannot be read as an image: it is not whole, its compressed data break off; copy or "
            "export it again."
        ) from error


def _byte_order(start: bytes, path: Path) -> str:
    for order in "<>":
        length = int(np.frombuffer(start, order + "i4", 1)[0])
        if length == HEADER:
            return order
        if length == 540:
            raise InputError(f"{path} is a NIfTI-2 file, which cannot be read; save it as NIfTI-1 or as .nrrd.")
    raise InputError(
        f"{path} cannot be read as an image: its header is damaged, or it is of another format than NIfTI."
    )


def _length(path: Path, expected: int) -> int:
    """Bytes in the file, decompressed; the trailer of a gzip file tells them, the whole file only if need be."""
    with open(path, "rb") as file:
        if file.read(2) != b"\x1f\x8b":
            return path.stat().st_size
        file.seek(-4, 2)
        if int.from_bytes(file.read(4), "little") == expected % 2**32:
            return expected
    total = 0
    try:
        with gzip.open(path) as file:
            while part := file.read(1 << 24):
                total += len(part)
    except (EOFError, OSError, zlib.error):
        return -1
    return total


def _sform(start: bytes, order: str) -> Tuple[int, np.ndarray]:
    rows = np.frombuffer(start, order + "f4", 12, 280).reshape(3, 4).astype(np.float64)
    return int(np.frombuffer(start, order + "i2", 1, 254)[0]), np.vstack([rows, [0, 0, 0, 1]])


def _qform_code(start: bytes, order: str) -> int:
    return int(np.frombuffer(start, order + "i2", 1, 252)[0])


def _qform(start: bytes, order: str) -> np.ndarray:
    """The affine matrix of the quaternion; source: the NIfTI-1 standard, method 2."""
    pixdim = np.frombuffer(start, order + "f4", 8, 76).astype(np.float64)
    b, c, d, *offset = np.frombuffer(start, order + "f4", 6, 256).astype(np.float64)
    a = np.sqrt(max(0.0, 1 - b * b - c * c - d * d))
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    scale = pixdim[1:4] * [1, 1, -1 if pixdim[0] < 0 else 1]
    return np.vstack([np.c_[rotation * scale, offset], [0, 0, 0, 1]])


def _sheared(affine: np.ndarray) -> bool:
    axes = affine[:3, :3] / np.maximum(np.linalg.norm(affine[:3, :3], axis=0), 1e-30)
    return bool(np.abs(axes.T @ axes - np.eye(3)).max() > SHEARED)
