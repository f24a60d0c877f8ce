"""How rough a displacement field is, as losses: fields (B, 3, D, H, W) in voxels, channels (z, y, x)."""

from typing import Sequence

import torch


def diffusion(field: torch.Tensor, spacing: Sequence[float] = (1.0, 1.0, 1.0)) -> torch.Tensor:
    """Mean squared gradient of the displacement: the sum over the nine derivatives, in millimeters per millimeter.

    Args:
        spacing: of the grid in mm, (z, y, x).
    """
    scaled = _millimeters(field, spacing)
    return sum(_slope(scaled, axis, spacing).square().sum(1).mean() for axis in range(3))


def _millimeters(field: torch.Tensor, spacing: Sequence[float]) -> torch.Tensor:
    return field * torch.tensor(list(spacing), dtype=field.dtype, device=field.device).view(1, 3, 1, 1, 1)


def _slope(volume: torch.Tensor, axis: int, spacing: Sequence[float]) -> torch.Tensor:
    return torch.diff(volume, dim=2 + axis) / spacing[axis]
