"""Volumes and label maps whose axes are not at right angles, with the truth told in physical space."""

from typing import Sequence, Tuple

import numpy as np
import SimpleITK as sitk
from SAMRegistrationLib.geometry.grid import Grid
from unit.phantoms import voxel_centers

DEGREES = 27.0


def sheared_grid(size=(48, 48, 40), spacing=(1.0, 1.1, 1.3), degrees=DEGREES, angles=(0.3, -0.2, 0.5)) -> Grid:
    """An oblique anisotropic grid whose third axis leans by `degrees` towards the first one."""
    rotation = np.reshape(sitk.Euler3DTransform((0.0, 0.0, 0.0), *angles).GetMatrix(), (3, 3))
    lean = np.radians(degrees)
    directions = rotation @ np.array([[1, 0, np.sin(lean)], [0, 1, 0], [0, 0, np.cos(lean)]])
    return Grid(size, spacing, (-20.0, 11.0, 5.0), tuple(directions.ravel().tolist()))


def balls(grid: Grid, *spheres: Tuple[Sequence[float], float]) -> sitk.Image:
    """A label map of balls (center as LPS mm from the middle of the grid, radius in mm), numbered from 1."""
    array, points = np.zeros(grid.shape, np.uint8), voxel_centers(grid)
    for label, (center, radius) in enumerate(spheres, start=1):
        distance = np.linalg.norm(points - grid.center - center, axis=1).reshape(grid.shape)
        array[distance < radius] = label
    return grid.image(array)


def ball_ml(radius: float) -> float:
    """Volume of a ball in milliliters."""
    return 4 / 3 * np.pi * radius**3 / 1000


def surface_points(mask: np.ndarray, grid: Grid) -> np.ndarray:
    """LPS points (N, 3) of the voxels of a mask (z, y, x) with a face neighbor outside it, found one by one."""
    padded = np.pad(mask.astype(bool), 1)
    marked = np.argwhere(padded)
    steps = np.concatenate([np.eye(3, dtype=int), -np.eye(3, dtype=int)])
    outside = [not all(padded[tuple(place + step)] for step in steps) for place in marked]
    return grid.index_to_physical((marked[outside] - 1)[:, ::-1])
