"""Label images: a tumor inside an organ, numbers of every size and type, and images that are no label maps."""

import gzip
import struct
from pathlib import Path
from typing import Dict, Sequence

import numpy as np
import SimpleITK as sitk
from SAMRegistrationLib.geometry.grid import Grid

ORGAN, TUMOR = "organ", "tumor"
RADII_MM = {ORGAN: 16.0, TUMOR: 9.0}
TUMOR_OFFSET_MM = np.array([4.0, -3.0, 2.0])  # from the center of the organ
SHIFT_MM = np.array([5.0, -4.0, 6.0])  # from a point of the fixed image to that of the moving image


def oblique(size=(48, 44, 26), spacing=(1.1, 1.3, 2.4), angles=(0.4, -0.3, 0.7), origin=(12.0, -40.0, 7.5)) -> Grid:
    """A rotated grid with unequal sizes and spacings."""
    rotation = sitk.Euler3DTransform((0.0, 0.0, 0.0), *angles)
    return Grid(size, spacing, origin, tuple(rotation.GetMatrix()))


def points(grid: Grid) -> np.ndarray:
    """Centers of the voxels, (D, H, W, 3), LPS mm."""
    k, j, i = np.indices(grid.shape)
    return grid.index_to_physical(np.stack([i, j, k], -1).reshape(-1, 3)).reshape(*grid.shape, 3)


def ball(grid: Grid, center: Sequence[float], radius: float) -> np.ndarray:
    """Voxels whose centers are within `radius` mm of a point (LPS mm): (z, y, x), bool."""
    return np.linalg.norm(points(grid) - np.asarray(center), axis=-1) <= radius


def organ_with_tumor(grid: Grid, center: Sequence[float]) -> Dict[str, np.ndarray]:
    """The masks of an organ around `center` (LPS mm) and of a tumor in it; the tumor belongs to both."""
    center = np.asarray(center)
    return {
        ORGAN: ball(grid, center, RADII_MM[ORGAN]),
        TUMOR: ball(grid, center + TUMOR_OFFSET_MM, RADII_MM[TUMOR]),
    }


def volume(grid: Grid, center: Sequence[float], seed: int = 0) -> sitk.Image:
    """An image of the organ with its tumor in a body, with noise."""
    masks = organ_with_tumor(grid, center)
    values = np.where(ball(grid, center, 26.0), 60.0, 0.0)
    values[masks[ORGAN]], values[masks[TUMOR]] = 120.0, 180.0
    values += np.random.default_rng(seed).normal(0, 3, grid.shape)
    return grid.image(values.astype(np.float32))


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """By counting voxels."""
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))


def numbered(grid: Grid, numbers: Sequence[int], kind, gap: int = 6) -> sitk.Image:
    """Cubes side by side along the first axis, one for each number, in voxels of a type of numpy."""
    labels = np.zeros(grid.shape, kind)
    for order, number in enumerate(numbers):
        labels[8:14, 8:16, 4 + gap * order : 8 + gap * order] = number
    return grid.image(labels)


def with_a_voxel(image: sitk.Image, value: float, kind=np.float32) -> sitk.Image:
    """The image in another type, with one voxel of another value."""
    array = sitk.GetArrayFromImage(image).astype(kind)
    array[0, 0, 0] = value
    return Grid.of(image).image(array)


def write_nifti_with_names(path: Path, image: sitk.Image, names: Dict[int, str], order: str = "<") -> Path:
    """A NIfTI-1 file of 16-bit labels with the table of names that TotalSegmentator writes, made byte by byte."""
    entries = "".join(
        f'<Label Key="{label}" Red="0.5" Green="0.25" Blue="1.0" Alpha="1"><![CDATA[{name}]]></Label>\n'
        for label, name in names.items()
    )
    xml = f'<?xml version="1.0" encoding="UTF-8"?> <CaretExtension><VolumeInformation Index="0"><LabelTable>\n{entries}'
    data = f"{xml}</LabelTable></VolumeInformation></CaretExtension>\n      ".encode()
    data += bytes(-(len(data) + 8) % 16)
    grid = Grid.of(image)
    axes = np.diag([-1.0, -1.0, 1.0]) @ np.c_[grid.axes, grid.origin]  # RAS
    header = bytearray(348)
    struct.pack_into(f"{order}i", header, 0, 348)
    struct.pack_into(f"{order}8h", header, 40, 3, *grid.size, 1, 1, 1, 1)
    struct.pack_into(f"{order}hh", header, 70, 512, 16)
    struct.pack_into(f"{order}8f", header, 76, 1.0, *grid.spacing, 0, 0, 0, 0)
    struct.pack_into(f"{order}f", header, 108, 352 + 8 + len(data))
    struct.pack_into(f"{order}hh", header, 252, 0, 2)
    struct.pack_into(f"{order}12f", header, 280, *axes.ravel())
    header[344:348] = b"n+1\0"
    voxels = sitk.GetArrayFromImage(image).astype(f"{order}u2").tobytes()
    content = bytes(header) + b"\1\0\0\0" + struct.pack(f"{order}ii", 8 + len(data), 0) + data + voxels
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path
