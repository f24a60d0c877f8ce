"""What pulls on the field during refinement: each term turns the warped state into a force per voxel.

A force is the negative gradient of a loss with respect to the displacement, (1, 3, D, H, W), channels (z, y, x).
"""

from typing import Callable, Optional

import torch

from ..geometry import dense, separable


class ImageTerm:
    """Compares moving channels, warped, with fixed channels through a loss.

    The chain rule through the warp is written out: gradient of the loss with respect to the warped channels, times the
    spatial gradient of those channels. That is the derivative for a deformation applied before the current one.

    Args:
        loss: ``loss(fixed, warped) -> scalar tensor``.
        fixed, moving: (1, C, D, H, W) channels on the working grid.
    """

    def __init__(self, loss: Callable, fixed: torch.Tensor, moving: torch.Tensor):
        self._loss = loss
        self._fixed = fixed
        self._moving = moving

    def at(self, shape) -> "ImageTerm":
        """The same term on a coarser grid of the same extent."""
        if tuple(shape) == tuple(self._fixed.shape[2:]):
            return self
        shrink = separable.shrink(self._fixed.shape[2:], shape, self._fixed)
        return ImageTerm(self._loss, separable.apply(shrink, self._fixed), separable.apply(shrink, self._moving))

    def force(self, displacement: torch.Tensor) -> torch.Tensor:
        """The force at a displacement (1, 3, D, H, W) in voxels of this term's grid."""
        warped = dense.warp(self._moving, displacement).requires_grad_(True)
        with torch.enable_grad():
            (pull,) = torch.autograd.grad(self._loss(self._fixed, warped), warped)
        slopes = torch.stack(torch.gradient(warped.detach(), dim=(2, 3, 4)), dim=1)
        return -(pull[:, None] * slopes).sum(dim=2)


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
