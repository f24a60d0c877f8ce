"""Takes the folds out of a velocity field."""

import torch
import torch.nn.functional as F

from ..geometry import dense, separable
from ..geometry.grid import Grid
from ..geometry.transforms import continued

LEAST_JACOBIAN = 0.02
SIGMA = 0.5  # voxels, of the smoothing of a round
REACH = 2  # voxels around a fold that are smoothed
ROUNDS = 100


def unfolded(velocity: torch.Tensor, grid: Grid) -> torch.Tensor:
    """The velocity (1, 3, D, H, W), in voxels of `grid`, smoothed where its flow squeezes voxels to almost nothing.

    A flow does not fold, but its sampled displacement can. Smoothing is repeated until the Jacobian determinant on the
    grid is at least LEAST_JACOBIAN; elsewhere the velocity is returned as it is. The flow is that of the resulting
    transform, in which the velocity is continued beyond the grid.
    """
    smooth = separable.gaussian(velocity.shape[2:], [SIGMA] * 3, velocity)
    for _ in range(ROUNDS):
        squeezed = (_jacobian(velocity, grid) < LEAST_JACOBIAN).to(velocity)[None, None]
        if not squeezed.any():
            break
        near = F.max_pool3d(squeezed, 2 * REACH + 1, stride=1, padding=REACH)
        weight = separable.apply(smooth, near)
        velocity = velocity + weight * (separable.apply(smooth, velocity) - velocity)
    return velocity


def _jacobian(velocity: torch.Tensor, grid: Grid) -> torch.Tensor:
    faded, _ = continued(velocity, grid)
    displacement = dense.integrate(faded, dense.integration_steps(faded))
    own = [slice((larger - n) // 2, (larger + n) // 2) for larger, n in zip(faded.shape[2:], velocity.shape[2:])]
    return dense.jacobian(displacement[(slice(None), slice(None), *own)])
