"""What pulls on the field during refinement: each term turns the warped state into a vector per voxel.

The images' is a force, the negative gradient of a loss with respect to the displacement; the masks' is a displacement.
Both are (1, 3, D, H, W), channels (z, y, x).
"""

from typing import Callable, Optional

import torch

from ..geometry import dense, separable

FULLY_COVERED = 0.99
FADING = 0.1  # of the steepest border's square slope; what is flatter counts as away from a border


class ImageTerm:
    """Compares moving channels, warped, with fixed channels through a loss.

    The chain rule through the warp is written out: gradient of the loss with respect to the warped channels, times the
    spatial gradient of those channels. That is the derivative for a deformation applied before the current one.

    Args:
        loss: ``loss(fixed, warped) -> scalar tensor``, or with `coverage` ``loss(fixed, warped, weight=...)``.
        fixed, moving: (1, C, D, H, W) channels on the working grid.
        fixed_coverage, moving_coverage: (1, 1, D, H, W), 1 where the volume was imaged; where it was not, and next to
            it, nothing pulls. None where it covers the whole working grid.
    """

    def __init__(
        self,
        loss: Callable,
        fixed: torch.Tensor,
        moving: torch.Tensor,
        fixed_coverage: Optional[torch.Tensor] = None,
        moving_coverage: Optional[torch.Tensor] = None,
    ):
        self._loss = loss
        self._fixed = fixed
        self._moving = moving
        self._fixed_coverage = fixed_coverage
        self._moving_coverage = moving_coverage

    def at(self, shape) -> "ImageTerm":
        """The same term on a coarser grid of the same extent."""
        if tuple(shape) == tuple(self._fixed.shape[2:]):
            return self
        shrink = separable.shrink(self._fixed.shape[2:], shape, self._fixed)
        channels = (self._fixed, self._moving, self._fixed_coverage, self._moving_coverage)
        return ImageTerm(self._loss, *(None if c is None else separable.apply(shrink, c) for c in channels))

    def force(self, displacement: torch.Tensor) -> torch.Tensor:
        """The force at a displacement (1, 3, D, H, W) in voxels of this term's grid."""
        warped = dense.warp(self._moving, displacement).requires_grad_(True)
        with torch.enable_grad():
            (pull,) = torch.autograd.grad(self._loss(self._fixed, warped, **self._weight(displacement)), warped)
        slopes = torch.stack(torch.gradient(warped.detach(), dim=(2, 3, 4)), dim=1)
        return -(pull[:, None] * slopes).sum(dim=2)

    def _weight(self, displacement: torch.Tensor) -> dict:
        covered = self._fixed_coverage
        if self._moving_coverage is not None:
            moved = dense.warp(self._moving_coverage, displacement, padding="zeros")
            covered = moved if covered is None else covered * moved
        if covered is None:
            return {}
        surroundings = separable.box_mean(covered.shape[2:], (2, 2, 2), covered)
        return {"weight": (separable.apply(surroundings, covered) > FULLY_COVERED).to(covered)}


class MaskTerm:
    """Brings the borders of moving masks, warped, to those of fixed masks.

    Where a border is d voxels off, the masks differ by d times their slope. Multiplied by the slope and divided by its
    square, both summed over surroundings, the difference gives back the displacement that is missing. Source: Lucas
    and Kanade, IJCAI 1981. It needs no scale: the size of a structure and the number of them do not matter.

    Args:
        fixed, moving: (1, K, D, H, W) masks in [0, 1] on the working grid, the same structures in both.
        fixed_coverage, moving_coverage: (1, 1, D, H, W), 1 where borders pull and 0 where not; None for everywhere.
    """

    def __init__(
        self,
        fixed: torch.Tensor,
        moving: torch.Tensor,
        fixed_coverage: Optional[torch.Tensor] = None,
        moving_coverage: Optional[torch.Tensor] = None,
    ):
        self._fixed = fixed
        self._moving = moving
        self._fixed_coverage = fixed_coverage
        self._moving_coverage = moving_coverage

    def at(self, shape) -> "MaskTerm":
        """The same term on a coarser grid of the same extent."""
        if tuple(shape) == tuple(self._fixed.shape[2:]):
            return self
        shrink = separable.shrink(self._fixed.shape[2:], shape, self._fixed)
        parts = (self._fixed, self._moving, self._fixed_coverage, self._moving_coverage)
        return MaskTerm(*(None if part is None else separable.apply(shrink, part) for part in parts))

    def missing(self, displacement: torch.Tensor, surroundings: separable.Matrices) -> torch.Tensor:
        """The displacement that is missing, in voxels of this term's grid; it fades away from the borders.

        Args:
            displacement: (1, 3, D, H, W) in voxels of this term's grid.
            surroundings: smooths, and may sample on another grid; the result is on that.
        """
        warped = dense.warp(self._moving, displacement)
        slopes = torch.stack(torch.gradient(warped, dim=(2, 3, 4)), dim=1)
        if self._fixed_coverage is not None:
            slopes = slopes * (self._fixed_coverage > FULLY_COVERED)[:, None]
        if self._moving_coverage is not None:
            slopes = slopes * (dense.warp(self._moving_coverage, displacement) > FULLY_COVERED)[:, None]
        pull = ((self._fixed - warped)[:, None] * slopes).sum(dim=2)
        steepness = slopes.square().sum(dim=(1, 2))[:, None]
        collected = separable.apply(surroundings, torch.cat([pull, steepness], dim=1))
        pull, steepness = collected[:, :3], collected[:, 3:]
        return pull / (steepness + FADING * steepness.amax()).clamp_min(torch.finfo(pull.dtype).tiny)
