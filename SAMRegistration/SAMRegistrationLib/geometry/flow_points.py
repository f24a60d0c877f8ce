"""Points that drift through a stationary velocity field on a grid.

Points are (N, 3) in millimeters along the array axes (z, y, x), measured from the corner where the grid begins, that is
from the border of its first voxel. So a point has the same numbers on every grid of the same extent.
"""

from typing import Sequence, Tuple

import numpy as np
import torch

from . import dense
from .grid import Grid

STEPS = 8  # of unit time, each of fourth order


def from_physical(points: Sequence[Sequence[float]], grid: Grid) -> np.ndarray:
    """LPS points (N, 3) in the frame of a grid."""
    return ((grid.physical_to_index(points) + 0.5) * grid.spacing)[:, ::-1].copy()


def extent(grid: Grid) -> np.ndarray:
    """Length of a grid in mm along (z, y, x)."""
    return (np.asarray(grid.size) * np.asarray(grid.spacing))[::-1].copy()


def sampled(field: torch.Tensor, points: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """A field (1, C, D, H, W) over the extent `lengths` (3,) at points (N, 3): (N, C)."""
    shape = torch.tensor(field.shape[2:], dtype=points.dtype, device=points.device)
    index = points * (shape / lengths) - 0.5
    values = dense.sample(field, index.T[None, :, :, None, None])
    return values[0, :, :, 0, 0].T


def trajectories(velocity: torch.Tensor, points: torch.Tensor, lengths: torch.Tensor, steps: int = STEPS):
    """Where points are at times 0, 1 / steps, ..., 1: (steps + 1, N, 3); the classical Runge-Kutta method.

    Args:
        velocity: (1, 3, d, h, w) in voxels of its own grid, which covers `lengths` (3,) in mm.
        points: (N, 3).
    """
    spacing = lengths / torch.tensor(velocity.shape[2:], dtype=points.dtype, device=points.device)

    def speed(places: torch.Tensor) -> torch.Tensor:
        return sampled(velocity, places, lengths) * spacing

    found, h = [points], 1.0 / steps
    for _ in range(steps):
        x = found[-1]
        k1 = speed(x)
        k2 = speed(x + h / 2 * k1)
        k3 = speed(x + h / 2 * k2)
        k4 = speed(x + h * k3)
        found.append(x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4))
    return torch.stack(found)


def centers(shape: Sequence[int], lengths: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Coordinates of the voxel centers along each axis of a grid of `shape` over `lengths`."""
    return tuple((torch.arange(n).to(length) + 0.5) * (length / n) for n, length in zip(shape, lengths))
