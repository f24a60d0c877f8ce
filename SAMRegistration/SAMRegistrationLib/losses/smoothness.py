"""How rough a displacement field is, as losses: fields (B, 3, D, H, W) in voxels, channels (z, y, x)."""

from typing import Sequence

import torch


def diffusion(field: torch.Tensor, spacing: Sequence[float] = (1.0, 1.0, 1.0)) -> torch.Tensor:
    """Mean squared gradient of the displacement: the sum over the nine derivatives, in millimetres per millimetre.

    Args:
        spacing: of the grid in mm, (z, y, x).
    """
    scaled = _millimetres(field, spacing)
    return sum(_slope(scaled, axis, spacing).square().sum(1).mean() for axis in range(3))


def bending(field: torch.Tensor, spacing: Sequence[float] = (1.0, 1.0, 1.0)) -> torch.Tensor:
    """Mean bending energy: the sum over all squared second derivatives, per millimetre squared.

    Source: Rueckert et al., IEEE Transactions on Medical Imaging 18 (1999) 712-721.

    Args:
        spacing: of the grid in mm, (z, y, x).
    """
    scaled = _millimetres(field, spacing)
    slopes = [_slope(scaled, axis, spacing) for axis in range(3)]
    total = 0.0
    for first in range(3):
        for second in range(first, 3):
            times = 1.0 if first == second else 2.0
            total = total + times * _slope(slopes[first], second, spacing).square().sum(1).mean()
    return total


def _millimetres(field: torch.Tensor, spacing: Sequence[float]) -> torch.Tensor:
    return field * torch.tensor(list(spacing), dtype=field.dtype, device=field.device).view(1, 3, 1, 1, 1)


def _slope(volume: torch.Tensor, axis: int, spacing: Sequence[float]) -> torch.Tensor:
    return torch.diff(volume, dim=2 + axis) / spacing[axis]
