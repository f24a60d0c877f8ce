"""What pulls on the field during refinement: each term turns the warped state into a force per voxel.

A force is the negative gradient of a loss with respect to the displacement, (1, 3, D, H, W), channels (z, y, x).
"""

from typing import Callable, Optional

import torch

from ..geometry import dense, separable

FULLY_COVERED = 0.99


class ImageTerm:
    """Compares moving channels, warped, with fixed channels through a loss.

    The chain rule through the warp is written out: gradient of the loss with respect to the warped channels, times the
    spatial gradient of those channels. That is the derivative for a deformation applied before the current one.

    Args:
        loss: ``loss(fixed, warped) -> scalar tensor``, or with `coverage` ``loss(fixed, warped, weight=...)``.
        fixed, moving: (1, C, D, H, W) channels on the working grid.
        coverage: (1, 1, D, H, W), 1 where the moving volume was imaged; where it was not, and next to it, nothing
            pulls. None where it covers the whole working grid.
    """

    def __init__(
        self, loss: Callable, fixed: torch.Tensor, moving: torch.Tensor, coverage: Optional[torch.Tensor] = None
    ):
        self._loss = loss
        self._fixed = fixed
        self._moving = moving
        self._coverage = coverage

    def at(self, shape) -> "ImageTerm":
        """The same term on a coarser grid of the same extent."""
        if tuple(shape) == tuple(self._fixed.shape[2:]):
            return self
        shrink = separable.shrink(self._fixed.shape[2:], shape, self._fixed)
        channels = (self._fixed, self._moving, self._coverage)
        return ImageTerm(self._loss, *(None if c is None else separable.apply(shrink, c) for c in channels))

    def force(self, displacement: torch.Tensor) -> torch.Tensor:
        """The force at a displacement (1, 3, D, H, W) in voxels of this term's grid."""
        warped = dense.warp(self._moving, displacement).requires_grad_(True)
        with torch.enable_grad():
            (pull,) = torch.autograd.grad(self._loss(self._fixed, warped, **self._weight(displacement)), warped)
        slopes = torch.stack(torch.gradient(warped.detach(), dim=(2, 3, 4)), dim=1)
        return -(pull[:, None] * slopes).sum(dim=2)

    def _weight(self, displacement: torch.Tensor) -> dict:
        if self._coverage is None:
            return {}
        covered = dense.warp(self._coverage, displacement, padding="zeros")
        surroundings = separable.box_mean(covered.shape[2:], (2, 2, 2), covered)
        return {"weight": (separable.apply(surroundings, covered) > FULLY_COVERED).to(covered)}


class FieldTerm:
    """A loss of the displacement itself, such as the distance between contours; its gradient comes from autograd.

    Args:
        loss: ``loss(displacement) -> scalar tensor`` for a field in voxels of the working grid.
        shape: (D, H, W) of the working grid.
    """

    def __init__(self, loss: Callable, shape, level_shape: Optional[tuple] = None):
        self._loss = loss
        self._shape = tuple(shape)
        self._level_shape = tuple(level_shape or shape)

    def at(self, shape) -> "FieldTerm":
        """The same term for fields on a coarser grid of the same extent."""
        return FieldTerm(self._loss, self._shape, shape)

    def force(self, displacement: torch.Tensor) -> torch.Tensor:
        """The force at a displacement (1, 3, D, H, W) in voxels of this term's grid."""
        displacement = displacement.detach().requires_grad_(True)
        with torch.enable_grad():
            field = displacement
            if self._level_shape != self._shape:
                field = dense.resize_field(displacement, self._shape)
            (pull,) = torch.autograd.grad(self._loss(field), displacement)
        return -pull
