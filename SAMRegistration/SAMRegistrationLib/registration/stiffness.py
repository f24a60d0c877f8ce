"""How smooth a deformation is, by one number.

A stiffness above 1 looks at wider surroundings in every step, and smooths the velocity once more at the end, so that
what a network predicted is bound by it as well. Measured on a phantom with known waves, this keeps more of their
accuracy than to smooth more after every step, and the standard deviation of log J falls steadily.
"""

from dataclasses import replace

import torch

from ..geometry import separable
from ..geometry.flow_points import extent
from ..geometry.grid import Grid
from .refine import RefineOptions

SIGMA = 2.0  # of the smoothing at the end, in the finest voxels of the working grid, at a stiffness of the root of 2


def stiffened(refinement: RefineOptions, stiffness: float, smoothness: float = 1.0) -> RefineOptions:
    """The refinement whose steps look at wider surroundings.

    Args:
        smoothness: of the similarity, a factor on all that is smoothed; above 1 no step looks at narrower surroundings,
            since images of different kinds do not agree in the finest detail.
    """
    surroundings = smoothness * stiffness**0.5
    return replace(
        refinement,
        force_sigma=refinement.force_sigma * surroundings,
        narrow_sigma=refinement.narrow_sigma * surroundings,
        narrow_steps=0 if smoothness > 1 else refinement.narrow_steps,
        velocity_sigma=refinement.velocity_sigma * smoothness,
    )


def smoothed(velocity: torch.Tensor, grid: Grid, stiffness: float) -> torch.Tensor:
    """A velocity (1, 3, d, h, w) over the extent of the working grid `grid`; the same for a stiffness up to 1."""
    if stiffness <= 1:
        return velocity
    sigma, shape = SIGMA * min(grid.spacing) * (stiffness**2 - 1) ** 0.5, velocity.shape[2:]
    sigmas = [sigma * n / length for n, length in zip(shape, extent(grid))]
    return separable.apply(separable.gaussian(shape, sigmas, velocity), velocity)
