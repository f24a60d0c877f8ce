"""Voxel grids in physical space.

Frame: LPS, millimetres, as in ITK. Indices are continuous and ordered (i, j, k) = (x, y, z); arrays are (z, y, x).
"""

from dataclasses import dataclass
from typing import Sequence, Tuple

import numpy as np
import SimpleITK as sitk

Vector = Tuple[float, float, float]


@dataclass(frozen=True)
class Grid:
    """Size, spacing (mm), origin (LPS mm) and direction (row-major 3x3) of a volume.

    Example:
        >>> grid = Grid((10, 20, 30), (1.0, 1.0, 2.5))
        >>> grid.index_to_physical([[1, 1, 1]]).tolist()
        [[1.0, 1.0, 2.5]]
    """

    size: Tuple[int, int, int]
    spacing: Vector = (1.0, 1.0, 1.0)
    origin: Vector = (0.0, 0.0, 0.0)
    direction: Tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

    @classmethod
    def of(cls, image: sitk.Image) -> "Grid":
        """The grid of a 3D image."""
        return cls(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())

    @property
    def shape(self) -> Tuple[int, int, int]:
        """Shape (z, y, x) of an array on this grid."""
        return self.size[::-1]

    @property
    def axes(self) -> np.ndarray:
        """Columns: the physical step (LPS mm) of one voxel along each index axis, that is direction x spacing; 3x3."""
        return np.asarray(self.direction, dtype=np.float64).reshape(3, 3) * np.asarray(self.spacing, dtype=np.float64)

    @property
    def voxel_volume(self) -> float:
        """Volume of a voxel in cubic millimetres."""
        return float(np.prod(self.spacing))

    @property
    def center(self) -> np.ndarray:
        """Physical center of the volume (LPS mm)."""
        return self.index_to_physical([(np.asarray(self.size) - 1) / 2])[0]

    def index_to_physical(self, indices: Sequence[Sequence[float]]) -> np.ndarray:
        """Continuous indices (N, 3) ordered (i, j, k) to LPS millimetres (N, 3)."""
        return np.asarray(indices, dtype=np.float64).reshape(-1, 3) @ self.axes.T + np.asarray(self.origin)

    def physical_to_index(self, points: Sequence[Sequence[float]]) -> np.ndarray:
        """LPS millimetres (N, 3) to continuous indices (N, 3) ordered (i, j, k)."""
        offsets = np.asarray(points, dtype=np.float64).reshape(-1, 3) - np.asarray(self.origin)
        return offsets @ np.linalg.inv(self.axes).T

    def contains(self, points: Sequence[Sequence[float]]) -> np.ndarray:
        """Which of the LPS points (N, 3) lie inside the volume, voxel borders included; bool (N,)."""
        index = self.physical_to_index(points)
        return np.all((index >= -0.5) & (index <= np.asarray(self.size) - 0.5), axis=1)

    def corners(self) -> np.ndarray:
        """The eight outermost voxel centers in LPS millimetres, (8, 3)."""
        last = np.asarray(self.size) - 1
        return self.index_to_physical([[i, j, k] * last for i in (0, 1) for j in (0, 1) for k in (0, 1)])

    def crop(self, start: Sequence[int], size: Sequence[int]) -> "Grid":
        """The part that starts at index `start` (i, j, k; may be negative) with `size` voxels."""
        origin = tuple(self.index_to_physical([start])[0])
        return Grid(tuple(int(n) for n in size), self.spacing, origin, self.direction)

    def with_spacing(self, spacing: Sequence[float]) -> "Grid":
        """A grid over the same physical extent (voxel borders included) with about the given spacing in mm.

        The number of voxels is rounded up, so that nothing of the extent is lost; the spacing is kept exactly.
        """
        spacing = np.asarray(spacing, dtype=np.float64)
        size = np.maximum(np.ceil(np.asarray(self.size) * np.asarray(self.spacing) / spacing - 1e-6).astype(int), 1)
        direction = np.asarray(self.direction).reshape(3, 3)
        origin = self.center - direction @ (spacing * (size - 1) / 2)
        return Grid(tuple(int(n) for n in size), tuple(spacing), tuple(origin), self.direction)

    def with_size(self, size: Sequence[int]) -> "Grid":
        """A grid of `size` voxels (i, j, k) over exactly the same physical extent, voxel borders included."""
        spacing = np.asarray(self.spacing) * np.asarray(self.size) / np.asarray(size)
        origin = self.center - np.asarray(self.direction).reshape(3, 3) @ (spacing * (np.asarray(size) - 1) / 2)
        return Grid(tuple(int(n) for n in size), tuple(spacing), tuple(origin), self.direction)

    def image(self, array: np.ndarray) -> sitk.Image:
        """A SimpleITK image on this grid from an array (z, y, x), or (z, y, x, components) as a vector image.

        Raises:
            ValueError: the array's shape is not that of the grid.
        """
        if array.shape[:3] != self.shape:
            raise ValueError(f"Array of shape {array.shape} does not fit a grid of shape {self.shape}.")
        image = sitk.GetImageFromArray(np.ascontiguousarray(array), isVector=array.ndim == 4)
        image.SetSpacing(self.spacing)
        image.SetOrigin(self.origin)
        image.SetDirection(self.direction)
        return image

    def matches(self, other: "Grid", tolerance: float = 1e-3) -> bool:
        """Whether both grids put every voxel at the same place, within `tolerance` of a voxel."""
        if self.size != other.size:
            return False
        distance = np.abs(self.physical_to_index(other.corners()) - self.physical_to_index(self.corners()))
        return bool(distance.max() <= tolerance)

    def empty_image(self, pixel_type: int = sitk.sitkUInt8) -> sitk.Image:
        """An image of zeros on this grid, as reference for resampling."""
        image = sitk.Image(self.size, pixel_type)
        image.SetSpacing(self.spacing)
        image.SetOrigin(self.origin)
        image.SetDirection(self.direction)
        return image
