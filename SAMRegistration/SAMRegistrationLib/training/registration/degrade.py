"""Simulated errors of masks: dilation, erosion, holes, shifts, rough borders, missing structures."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from ...geometry.dense import identity_grid
from ..random_stream import RandomStream
from .appearance import blur


@dataclass(frozen=True)
class Degradation:
    """Probabilities, per structure and image, and sizes in voxels."""

    missing: float = 0.08
    grow_or_shrink: float = 0.4
    shift: float = 0.25
    holes: float = 0.15
    rough: float = 0.4
    largest: int = 2


def degrade_masks(masks: torch.Tensor, how: Degradation, stream: RandomStream) -> torch.Tensor:
    """Masks (1, K, D, H, W) with random errors of their own for every structure; empty ones stay empty."""
    return torch.cat([_degrade(masks[:, k : k + 1], how, stream) for k in range(masks.shape[1])], dim=1)


def dilate(mask: torch.Tensor, radius: int) -> torch.Tensor:
    """Binary dilation of (B, C, D, H, W) by a cube of 2 radius + 1 voxels."""
    return F.max_pool3d(mask, 2 * radius + 1, stride=1, padding=radius)


def erode(mask: torch.Tensor, radius: int) -> torch.Tensor:
    """Binary erosion by a cube; outside the volume counts as inside the structure."""
    return 1 - dilate(1 - mask, radius)


def _degrade(mask: torch.Tensor, how: Degradation, stream: RandomStream) -> torch.Tensor:
    if not bool(mask.any()):
        return mask
    if stream.happens(how.missing):
        return torch.zeros_like(mask)
    if stream.happens(how.rough):
        mask = _roughen(mask, stream)
    if stream.happens(how.grow_or_shrink):
        radius = stream.integer(1, how.largest)
        changed = dilate(mask, radius) if stream.happens(0.5) else erode(mask, radius)
        mask = changed if bool(changed.any()) else mask
    if stream.happens(how.shift):
        mask = _shift(mask, [stream.integer(-how.largest, how.largest) for _ in range(3)])
    if stream.happens(how.holes) and bool(mask.any()):
        mask = _with_holes(mask, stream)
    return mask


def _roughen(mask: torch.Tensor, stream: RandomStream) -> torch.Tensor:
    noise = stream.smooth(1, mask.shape[2:], stream.uniform(3.0, 8.0))
    rough = (blur(mask, 1.0) + stream.uniform(0.1, 0.25) * noise > 0.5).to(mask.dtype)
    rough = rough * dilate(mask, 2)
    return rough if bool(rough.any()) else mask


def _shift(mask: torch.Tensor, offsets) -> torch.Tensor:
    moved = torch.zeros_like(mask)
    source, target = [slice(None)] * 2, [slice(None)] * 2
    for offset, size in zip(offsets, mask.shape[2:]):
        source.append(slice(max(-offset, 0), size - max(offset, 0)))
        target.append(slice(max(offset, 0), size - max(-offset, 0)))
    moved[tuple(target)] = mask[tuple(source)]
    return moved


def _with_holes(mask: torch.Tensor, stream: RandomStream) -> torch.Tensor:
    inside = mask[0, 0].nonzero()
    grid = identity_grid(mask.shape[2:], mask)
    for _ in range(stream.integer(1, 3)):
        center = inside[stream.integer(0, len(inside) - 1)].to(mask.dtype).view(1, 3, 1, 1, 1)
        hole = (grid - center).norm(dim=1, keepdim=True) < stream.uniform(1.0, 3.0)
        mask = mask * ~hole
    return mask
