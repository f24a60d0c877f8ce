"""Slices of a volume in the three anatomical planes, in the radiological convention and with physical aspect."""

from dataclasses import dataclass, replace
from typing import List, Optional, Tuple

import numpy as np
import SimpleITK as sitk

from ..geometry.grid import Grid
from .canvas import resize

LONGEST_SIDE_PIXELS = 360


@dataclass(frozen=True)
class Plane:
    """One slice of volumes that were brought into LPS order by :func:`upright`.

    Attributes:
        name: axial, coronal or sagittal (the nearest one, for an oblique volume).
        axis: array axis (0 z, 1 y, 2 x) that the slice is perpendicular to.
        index: number of the slice along that axis.
        shape: (rows, columns) of its picture in pixels, with the physical aspect.
        pixel_mm: edge of a pixel of the picture.
        letters: directions at the left, right, top and bottom of the picture.
    """

    name: str
    axis: int
    index: int
    shape: Tuple[int, int]
    pixel_mm: float
    letters: Tuple[str, str, str, str]

    def cut(self, array: np.ndarray) -> np.ndarray:
        """The slice (rows, columns) of an array (z, y, x), anterior or superior on top, as a picture of `shape`."""
        return self.picture(np.take(array, self.index, self.axis))

    def picture(self, piece: np.ndarray) -> np.ndarray:
        """A slice (rows, columns) as it lies in the array, turned the right way up and brought to `shape`."""
        return resize(piece if self.axis == 0 else piece[::-1], self.shape)

    def slab(self, grid: Grid) -> Grid:
        """The one-voxel-thick part of `grid` that the slice shows."""
        start, size = [0, 0, 0], list(grid.size)
        start[2 - self.axis], size[2 - self.axis] = self.index, 1
        return grid.crop(start, size)


_PLANES = (
    ("axial", 0, ("R", "L", "A", "P")),
    ("coronal", 1, ("R", "L", "S", "I")),
    ("sagittal", 2, ("A", "P", "S", "I")),
)


def upright(image: sitk.Image, interpolator: int = sitk.sitkLinear, outside: float = 0.0) -> sitk.Image:
    """The image with its axes flipped and permuted so that i, j, k run nearest to left, posterior, superior.

    Where its axes are sheared it is resampled at right angles, with `outside` where it does not reach.
    """
    grid = Grid.of(image)
    if not grid.is_orthogonal:
        reference, identity = grid.orthogonal().empty_image(), sitk.Transform(3, sitk.sitkIdentity)
        image = sitk.Resample(image, reference, identity, interpolator, outside, image.GetPixelID())
    return sitk.DICOMOrient(image, "LPS")


def planes_of(image: sitk.Image, labels: Optional[np.ndarray]) -> List[Plane]:
    """Three planes through what is to be seen of an upright image.

    That is where most marked voxels of `labels` (z, y, x) are, or, without labels, the middle of what is brighter than
    the mean.
    """
    array = sitk.GetArrayViewFromImage(image)
    spacing = np.array(image.GetSpacing()[::-1])
    extent = np.array(array.shape) * spacing
    pixel_mm = float(extent.max() / LONGEST_SIDE_PIXELS)
    planes = []
    for name, axis, letters in _PLANES:
        rows, columns = (other for other in range(3) if other != axis)
        shape = tuple(max(2, round(extent[side] / pixel_mm)) for side in (rows, columns))
        if labels is not None and labels.any():
            index = int(np.argmax(_counts(labels, axis)))
        else:
            cumulated = np.cumsum(_counts(array > array.mean(), axis))
            index = int(np.searchsorted(cumulated, cumulated[-1] / 2))
        planes.append(Plane(name, axis, index, shape, pixel_mm, letters))
    return planes


def plane_with_most(plane: Plane, mask: np.ndarray) -> Plane:
    """The same plane moved to the slice with most voxels of a mask (z, y, x)."""
    return replace(plane, index=int(np.argmax(_counts(mask, plane.axis))))


def _counts(mask: np.ndarray, axis: int) -> np.ndarray:
    return np.count_nonzero(mask, axis=tuple(other for other in range(3) if other != axis))
