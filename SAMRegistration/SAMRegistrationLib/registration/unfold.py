"""Takes the folds out of a velocity field."""

from typing import Tuple

import torch
import torch.nn.functional as F

from ..geometry import dense, separable
from ..geometry.grid import Grid
from ..geometry.transforms import continued

LEAST_JACOBIAN = 0.02
SIGMA = 0.5  # voxels, of the smoothing of a round; twice as much after every look at the whole field
REACH = 2  # voxels around a fold that are smoothed
ROUNDS = 10  # in the windows around the folds, between two looks at the whole field
LOOKS = 6


def unfolded(velocity: torch.Tensor, grid: Grid) -> torch.Tensor:
    """The velocity (1, 3, D, H, W), in voxels of `grid`, smoothed where its flow squeezes voxels to almost nothing.

    A flow does not fold, but its sampled displacement can, also between two voxels. Smoothing is repeated until the
    Jacobian determinant of the interpolated displacement is at least LEAST_JACOBIAN around every voxel; elsewhere the
    velocity is returned as it is. The flow is that of the resulting transform, in which the velocity is continued
    beyond the grid.
    """
    for look in range(LOOKS):
        displacement = _displacement(velocity, grid)
        squeezed = _squeezed(displacement)
        if not squeezed.any():
            break
        window, inside = _surroundings(squeezed, displacement)
        velocity = velocity.clone()
        velocity[window] = _smoothed_until_open(velocity[window], squeezed[window[2:]], inside, SIGMA * 2**look)
    return velocity


def _smoothed_until_open(
    velocity: torch.Tensor, squeezed: torch.Tensor, inside: torch.Tensor, sigma: float
) -> torch.Tensor:
    smooth = separable.gaussian(velocity.shape[2:], [sigma] * 3, velocity)
    for _ in range(ROUNDS):
        near = F.max_pool3d(squeezed.to(velocity)[None, None], 2 * REACH + 1, stride=1, padding=REACH)
        weight = separable.apply(smooth, near)
        velocity = velocity + weight * (separable.apply(smooth, velocity) - velocity)
        squeezed = inside & _squeezed(dense.integrate(velocity, dense.integration_steps(velocity)))
        if not squeezed.any():
            break
    return velocity


def _displacement(velocity: torch.Tensor, grid: Grid) -> torch.Tensor:
    faded, _ = continued(velocity, grid)
    displacement = dense.integrate(faded, dense.integration_steps(faded))
    own = [slice((larger - n) // 2, (larger + n) // 2) for larger, n in zip(faded.shape[2:], velocity.shape[2:])]
    return displacement[(slice(None), slice(None), *own)]


def _squeezed(displacement: torch.Tensor) -> torch.Tensor:
    """Voxels (D, H, W) of which almost nothing is left."""
    return dense.least_jacobian(displacement) < LEAST_JACOBIAN


def _surroundings(squeezed: torch.Tensor, displacement: torch.Tensor) -> Tuple[Tuple[slice, ...], torch.Tensor]:
    """The window around squeezed voxels that holds whatever flows past them, and where in it that flow is known.

    A voxel's path is at most as long as the longest displacement, so one such length around the voxels is touched by
    their smoothing, and paths from there stay within another one.
    """
    window, known = [], torch.ones((), dtype=torch.bool, device=squeezed.device)
    for axis, n in enumerate(squeezed.shape):
        others = [other for other in range(3) if other != axis]
        places = torch.nonzero(squeezed.amax(dim=others)).flatten()
        margin = int(torch.ceil(displacement[0, axis].abs().max())) + REACH + 2
        first, last = int(places[0]), int(places[-1])
        start, stop = max(first - 2 * margin, 0), min(last + 1 + 2 * margin, n)
        index = torch.arange(start, stop, device=squeezed.device)
        near = (index >= max(first - margin, 1)) & (index <= min(last + margin, n - 2))
        known = known & near.view([-1 if other == axis else 1 for other in range(3)])
        window.append(slice(start, stop))
    return (slice(None), slice(None), *window), known
