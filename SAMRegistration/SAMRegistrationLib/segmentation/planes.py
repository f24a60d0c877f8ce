"""The slices of a volume: its three families of grid planes, whatever its orientation.

World coordinates are LPS millimeters. A slice is an array (rows, columns); its pixels are addressed (column, row),
pixel centers at integers.
"""

from typing import NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ..errors import InputError
from ..geometry.grid import Grid
from ..quantities import number_text


class SlicePlane(NamedTuple):
    """One grid plane: the voxels whose index along `axis` (0, 1, 2 = i, j, k) is `index`."""

    axis: int
    index: int


def axis_normal(grid: Grid, axis: int) -> np.ndarray:
    """Unit normal (LPS) of the grid planes across index axis `axis`."""
    return grid.normal(axis)


def nearest_axis(grid: Grid, normal: Optional[Sequence[float]]) -> int:
    """The index axis whose grid planes are closest in angle to a view with this normal (LPS).

    None stands for the planes of highest resolution: those across the axis of largest spacing (the last such axis).

    Raises:
        InputError: the normal has no direction.
    """
    if normal is None:
        spacing = np.round(np.asarray(grid.spacing) / max(grid.spacing), 6)
        return int(np.flatnonzero(spacing == spacing.max())[-1])
    normal = np.asarray(normal, dtype=np.float64)
    if normal.shape != (3,) or not np.isfinite(normal).all() or not np.any(normal):
        raise InputError("The view plane has no direction; give its normal as three numbers.")
    cosines = [abs(float(axis_normal(grid, axis) @ normal)) for axis in range(3)]
    return int(np.argmax(np.round(cosines, 9)))


def voxel_at(grid: Grid, position: Sequence[float]) -> Tuple[int, int, int]:
    """Index (i, j, k) of the voxel that contains an LPS position.

    Raises:
        InputError: the position is outside the volume, or is not three finite numbers.
    """
    position = np.asarray(position, dtype=np.float64)
    if position.shape != (3,) or not np.isfinite(position).all():
        raise InputError("A click needs three finite coordinates in millimeters.")
    if not grid.contains([position])[0]:
        where = ", ".join(number_text(value, 1) for value in position)
        raise InputError(f"The click at ({where}) mm LPS is outside the volume; click inside the image.")
    last = np.asarray(grid.size) - 1
    index = np.clip(np.floor(grid.physical_to_index([position])[0] + 0.5).astype(int), 0, last)
    return tuple(int(value) for value in index)


def plane_at(grid: Grid, position: Sequence[float], normal: Optional[Sequence[float]]) -> SlicePlane:
    """The grid plane through the voxel at `position` (LPS) that is closest to a view with `normal` (LPS).

    Raises:
        InputError: the position is outside the volume.
    """
    axis = nearest_axis(grid, normal)
    return SlicePlane(axis, voxel_at(grid, position)[axis])


def in_plane_axes(axis: int) -> Tuple[int, int]:
    """Index axes along the (columns, rows) of a slice across `axis`."""
    return {0: (1, 2), 1: (0, 2), 2: (0, 1)}[axis]


def slice_shape(grid: Grid, axis: int) -> Tuple[int, int]:
    """(Rows, columns) of the slices across `axis`."""
    column_axis, row_axis = in_plane_axes(axis)
    return grid.size[row_axis], grid.size[column_axis]


def to_pixels(grid: Grid, axis: int, positions: Sequence[Sequence[float]]) -> np.ndarray:
    """LPS positions (N, 3) as continuous (column, row) pixels (N, 2) of the slices across `axis`."""
    return grid.physical_to_index(positions)[:, list(in_plane_axes(axis))]


def to_world(grid: Grid, plane: SlicePlane, pixels: Sequence[Sequence[float]]) -> np.ndarray:
    """(column, row) pixels (N, 2) of a slice as LPS positions (N, 3)."""
    pixels = np.asarray(pixels, dtype=np.float64).reshape(-1, 2)
    indices = np.full((len(pixels), 3), float(plane.index))
    indices[:, list(in_plane_axes(plane.axis))] = pixels
    return grid.index_to_physical(indices)


def pixel_size(grid: Grid, axis: int) -> Tuple[float, float]:
    """(Height, width) in mm of a pixel of the slices across `axis`."""
    column_axis, row_axis = in_plane_axes(axis)
    return float(grid.spacing[row_axis]), float(grid.spacing[column_axis])


def slice_of(volume: np.ndarray, plane: SlicePlane) -> np.ndarray:
    """View (rows, columns) of the slice `plane` of an array (z, y, x)."""
    index = [slice(None)] * 3
    index[2 - plane.axis] = plane.index
    return volume[tuple(index)]
