"""Landmarks as guides: after every step the velocity is changed so that it carries each point to its counterpart.

A smooth velocity is added whose mean along the path of every point is the displacement that is missing at its end: the
one of least norm in the space of a kernel (kernel interpolation; Joshi and Miller, IEEE Trans. Image Processing 9,
2000), here with paths in place of points, so that points may move farther than the kernel is wide. The kernel is a sum
of Gaussians, of which the wide ones reach what lies between landmarks and the narrow ones tell close ones apart.
"""

from typing import List, Optional, Tuple

import numpy as np
import torch

from ..geometry import dense, separable
from ..geometry.flow_points import centers, extent, from_physical, sampled, trajectories
from ..geometry.grid import Grid

REACHES = (1 / 6, 1 / 12, 1 / 24)  # sigmas of the kernel, shares of the mean edge of the grid
NARROWEST = 1.5  # voxels of the velocity's grid
SOFTENING = 1e-3  # of the kernel's matrix; landmarks at one place share what they ask for
STEEPEST = 0.5  # slope of what one step adds, voxels per voxel
PLACES_AT_ONCE = 128
MOST_PLACES = 5  # along the path of a point
TOLERANCE = 0.25  # finest voxels
ROUNDS = 20  # at the end, at most
LEAST_JACOBIAN = 0.05  # of the deformation, below which landmarks are not followed any farther
HALVINGS = 3
SMOOTHINGS = 20


class LandmarkGuide:
    """Pulls the velocity of a registration to landmarks.

    Args:
        fixed, targets: points (N, 3) in LPS mm in fixed space: where landmarks are, and where the deformation shall
            bring them.
        grid: the working grid.
        stiffness: factor of the reaches.
        tolerance: finest voxels to which :meth:`settle` meets landmarks.
    """

    def __init__(
        self,
        fixed: np.ndarray,
        targets: np.ndarray,
        grid: Grid,
        stiffness: float = 1.0,
        tolerance: float = TOLERANCE,
    ):
        self._lengths = torch.from_numpy(extent(grid)).float()
        self._points, self._targets = (
            torch.from_numpy(from_physical(points, grid)).float() for points in (fixed, targets)
        )
        self._shape = grid.shape
        self._tolerance = tolerance * float(min(grid.spacing))
        edge = float(np.prod(extent(grid)) ** (1 / 3))
        self._reaches = [share * edge * stiffness for share in REACHES]

    def __call__(self, velocity: torch.Tensor) -> torch.Tensor:
        """The velocity (1, 3, d, h, w; voxels of its own grid over the extent of the working grid), a step nearer."""
        return velocity + self._addition(velocity)

    def settle(self, velocity: torch.Tensor) -> torch.Tensor:
        """The velocity that meets landmarks to the tolerance, or as near as the deformation can without folding.

        Args:
            velocity: on the grid on which it is turned into the result.
        """
        state = _Flow(velocity, self._on(velocity))
        for _ in range(SMOOTHINGS):
            if state.least_jacobian >= LEAST_JACOBIAN:
                break
            smooth = separable.gaussian(velocity.shape[2:], [1.0] * 3, velocity)
            state = _Flow(separable.apply(smooth, state.velocity), self._on(velocity))
        for _ in range(ROUNDS):
            if state.farthest <= self._tolerance:
                break
            better = self._nearer(state)
            if better is None:
                break
            state = better
        return state.velocity

    def _nearer(self, state: "_Flow") -> Optional["_Flow"]:
        addition = self._addition(state.velocity, state.missing)
        for halving in range(HALVINGS):
            found = _Flow(state.velocity + addition * 0.5**halving, self._on(addition))
            if found.least_jacobian >= LEAST_JACOBIAN and found.farthest < state.farthest:
                return found
        return None

    def _on(self, like: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return tuple(part.to(like) for part in (self._points, self._targets, self._lengths))

    def _addition(self, velocity: torch.Tensor, missing: Optional[torch.Tensor] = None) -> torch.Tensor:
        """What is added to a velocity for displacements (N, 3) in mm that are missing; None finds them."""
        points, targets, lengths = self._on(velocity)
        paths = trajectories(velocity, points, lengths)
        missing = targets - paths[-1] if missing is None else missing
        shape = velocity.shape[2:]
        spacing = lengths / torch.tensor(shape, device=lengths.device)
        sigmas = [torch.clamp(spacing * NARROWEST, min=reach) for reach in self._reaches]
        places = _places(paths, sigmas[-1])
        coefficients = _coefficients(places, missing, sigmas)
        addition = _field(places, coefficients, sigmas, centers(shape, lengths)) / spacing.view(1, 3, 1, 1, 1)
        steepest = torch.stack([slope.abs().max() for slope in torch.gradient(addition, dim=(2, 3, 4))]).max()
        return addition * (STEEPEST / steepest.clamp_min(STEEPEST))


class _Flow:
    """What a velocity does: displacements (N, 3) in mm that landmarks still miss, the longest, the least Jacobian."""

    def __init__(self, velocity: torch.Tensor, landmarks: Tuple[torch.Tensor, torch.Tensor, torch.Tensor]):
        points, targets, lengths = landmarks
        self.velocity = velocity
        displacement = dense.integrate(velocity, dense.integration_steps(velocity))
        spacing = lengths / torch.tensor(velocity.shape[2:], device=lengths.device)
        self.missing = targets - points - sampled(displacement, points, lengths) * spacing
        self.farthest = float(self.missing.norm(dim=1).max())
        self.least_jacobian = float(dense.jacobian(displacement).min())


def _places(paths: torch.Tensor, sigmas: torch.Tensor) -> torch.Tensor:
    """Places (N, S, 3) along paths (T, N, 3), at most a sigma apart where MOST_PLACES allow."""
    steps = ((paths[1:] - paths[:-1]) / sigmas).norm(dim=2).sum(0).max()
    count = int(min(MOST_PLACES, 1 + np.ceil(float(steps))))
    chosen = np.linspace(0, len(paths) - 1, count).round().astype(int) if count > 1 else [0]
    return paths[torch.as_tensor(chosen, device=paths.device)].transpose(0, 1)


def _coefficients(places: torch.Tensor, missing: torch.Tensor, sigmas: List[torch.Tensor]) -> torch.Tensor:
    """The weights (N, 3) of the kernels of N paths for which the means along the paths are `missing` (N, 3)."""
    n, count, _ = places.shape
    flat = places.reshape(-1, 3).double()
    kernel = sum(torch.exp(-0.5 * torch.cdist(flat / sigma, flat / sigma).square()) for sigma in sigmas) / len(sigmas)
    means = kernel.view(n, count, n, count).mean(dim=(1, 3))
    softened = means + SOFTENING * torch.eye(n, dtype=means.dtype, device=means.device)
    return torch.linalg.solve(softened, missing.double()).float()


def _field(places, coefficients, sigmas, axes) -> torch.Tensor:
    """The sum of the kernels at the voxel centers `axes`: (1, 3, d, h, w) in mm."""
    count = places.shape[1]
    flat = places.reshape(-1, 3)
    weights = coefficients.repeat_interleave(count, dim=0) / (count * len(sigmas))
    total = None
    for sigma in sigmas:
        z, y, x = (
            torch.exp(-0.5 * ((axis[None] - flat[:, number, None]) / sigma[number]) ** 2)
            for number, axis in enumerate(axes)
        )
        for rows in torch.arange(len(flat)).split(PLACES_AT_ONCE):
            planes = weights[rows, :, None, None] * y[rows, None, :, None] * x[rows, None, None, :]
            part = z[rows].T @ planes.reshape(len(rows), -1)
            total = part if total is None else total + part
    return total.view(len(axes[0]), 3, len(axes[1]), len(axes[2])).transpose(0, 1)[None].contiguous()
