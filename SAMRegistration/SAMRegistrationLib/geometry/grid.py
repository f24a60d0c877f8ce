"""Voxel grids in physical space.

Frame: LPS, millimeters, as in ITK. Indices are continuous and ordered (i, j, k) = (x, y, z); arrays are (z, y, x).
"""

from dataclasses import dataclass
from typing import Sequence, Tuple

import numpy as np
import SimpleITK as sitk

Vector = Tuple[float, float, float]
RIGHT_ANGLE = 1e-3  # largest cosine between two axes that are taken to be at right angles
BODY = 5.0, 50.0  # mean of voxel and extent, in mm, of volumes of the human body


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
        """The grid of a 3D image; the spacing takes up columns of its direction that are not of length 1."""
        spacing, direction = image.GetSpacing(), image.GetDirection()
        lengths = np.linalg.norm(np.reshape(direction, (3, 3)), axis=0)
        if np.abs(lengths - 1).max() > 1e-6 and lengths.min() > 0:
            spacing = tuple((np.asarray(spacing) * lengths).tolist())
            direction = tuple((np.reshape(direction, (3, 3)) / lengths).ravel().tolist())
        return cls(image.GetSize(), spacing, image.GetOrigin(), direction)

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
        """Volume of a voxel in cubic millimeters, whatever the angles between the axes."""
        return float(np.prod(self.spacing) * abs(np.linalg.det(np.reshape(self.direction, (3, 3)))))

    @property
    def volume(self) -> float:
        """Volume of all voxels in cubic millimeters."""
        return self.voxel_volume * float(np.prod(self.size))

    @property
    def length_unit(self) -> float:
        """The power of ten by which lengths that suit the human body, in mm, are multiplied to suit this grid.

        It is 1 where the geometric mean of the voxel's edge and the diagonal lies within BODY, as that of dental and
        of whole body scans does, and 0.001 for the same volume with voxels of a thousandth.
        """
        diagonal = np.linalg.norm(np.asarray(self.spacing) * np.asarray(self.size))
        mean = np.sqrt(np.cbrt(self.voxel_volume) * diagonal)
        return float(10.0 ** np.floor(np.log10(mean / BODY[0]) + 1e-9))

    @property
    def is_orthogonal(self) -> bool:
        """Whether the axes are at right angles, as they are unless the header or a transform shears them."""
        directions = np.reshape(self.direction, (3, 3))
        return bool(np.abs(directions.T @ directions - np.eye(3)).max() <= RIGHT_ANGLE)

    def normal(self, axis: int) -> np.ndarray:
        """Unit normal (LPS) of the planes of voxels across an index axis; on the side to which the index grows."""
        if self.is_orthogonal:
            return np.reshape(self.direction, (3, 3))[:, axis]
        row = np.linalg.inv(self.axes)[axis]
        return row / np.linalg.norm(row)

    @property
    def center(self) -> np.ndarray:
        """Physical center of the volume (LPS mm)."""
        return self.index_to_physical([(np.asarray(self.size) - 1) / 2])[0]

    def index_to_physical(self, indices: Sequence[Sequence[float]]) -> np.ndarray:
        """Continuous indices (N, 3) ordered (i, j, k) to LPS millimeters (N, 3)."""
        return np.asarray(indices, dtype=np.float64).reshape(-1, 3) @ self.axes.T + np.asarray(self.origin)

    def physical_to_index(self, points: Sequence[Sequence[float]]) -> np.ndarray:
        """LPS millimeters (N, 3) to continuous indices (N, 3) ordered (i, j, k)."""
        offsets = np.asarray(points, dtype=np.float64).reshape(-1, 3) - np.asarray(self.origin)
        return offsets @ np.linalg.inv(self.axes).T

    def contains(self, points: Sequence[Sequence[float]]) -> np.ndarray:
        """Which of the LPS points (N, 3) lie inside the volume, voxel borders included; bool (N,)."""
        index = self.physical_to_index(points)
        return np.all((index >= -0.5) & (index <= np.asarray(self.size) - 0.5), axis=1)

    def corners(self) -> np.ndarray:
        """The eight outermost voxel centers in LPS millimeters, (8, 3)."""
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

    def orthogonal(self) -> "Grid":
        """This grid, or where its axes are sheared the smallest one of nearest orientation that encloses it.

        Its spacing is the distance of the planes of voxels.
        """
        if self.is_orthogonal:
            return self
        left, _, right = np.linalg.svd(np.reshape(self.direction, (3, 3)))
        directions = left @ right
        last = np.asarray(self.size) - 0.5
        borders = [[(-0.5, end)[far] for end, far in zip(last, corner)] for corner in np.ndindex(2, 2, 2)]
        places = self.index_to_physical(borders) @ directions
        spacing = 1 / np.linalg.norm(np.linalg.inv(self.axes), axis=1)
        size = np.ceil(np.ptp(places, axis=0) / spacing - 1e-6).astype(int)
        middle = (places.min(axis=0) + places.max(axis=0)) / 2
        origin = directions @ (middle - spacing * (size - 1) / 2)
        return Grid(tuple(size.tolist()), *(tuple(part.ravel().tolist()) for part in (spacing, origin, directions)))

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
