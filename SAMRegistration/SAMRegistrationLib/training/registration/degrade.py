"""Simulated errors of masks: borders beside the true ones by a share of the structure's size, missing structures."""

from dataclasses import dataclass
from typing import Tuple

import SimpleITK as sitk
import torch
import torch.nn.functional as F

from ...geometry.boxes import marked_bounds
from ..random_stream import RandomStream

HALVINGS = 10  # of the interval in which the size of the error is looked for


@dataclass(frozen=True)
class Degradation:
    """How far masks are from the true structures.

    Attributes:
        missing: probability, per structure and image, of there being no mask.
        lowest, highest: Dice of a mask and its structure, drawn evenly between them for every structure and image.
    """

    missing: float = 0.04
    lowest: float = 0.87
    highest: float = 0.98


def degrade_masks(masks: torch.Tensor, how: Degradation, stream: RandomStream) -> torch.Tensor:
    """Masks (1, K, D, H, W) of 0 and 1 with random errors of their own for every structure; empty ones stay empty."""
    return torch.cat([_degrade(masks[:, k : k + 1], how, stream) for k in range(masks.shape[1])], dim=1)


def _degrade(mask: torch.Tensor, how: Degradation, stream: RandomStream) -> torch.Tensor:
    """With d the depth below the border and e a random field, the mask becomes d + s e > 0: the largest s by which the
    Dice is still the one drawn makes errors of the same share for structures of every size."""
    if not bool(mask.any()):
        return mask
    if stream.happens(how.missing):
        return torch.zeros_like(mask)
    wanted = stream.uniform(how.lowest, how.highest)
    around = _around(mask)
    inside = mask[around] > 0
    depth = _depth(inside)
    error = _error(depth, stream)
    low, high = 0.0, 2 * float(depth.max())
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if _overlap(inside, depth + middle * error > 0) < wanted:
            high = middle
        else:
            low = middle
    degraded = torch.zeros_like(mask)
    degraded[around] = (depth + low * error > 0).to(mask.dtype)
    return degraded


def _around(mask: torch.Tensor) -> Tuple[slice, ...]:
    """The structure's box with half its shortest side around it, as far as the volume reaches."""
    bounds = marked_bounds(mask[0, 0].numpy() > 0)
    margin = 2 + min(stop + 1 - start for start, stop in bounds) // 2
    box = (slice(max(start - margin, 0), stop + 1 + margin) for start, stop in bounds)
    return (slice(None), slice(None), *box)


def _depth(inside: torch.Tensor) -> torch.Tensor:
    """Voxels from each voxel's center to the border, positive inside."""
    image = sitk.GetImageFromArray(inside[0, 0].to(torch.uint8).numpy())
    distance = sitk.SignedMaurerDistanceMap(image, insideIsPositive=True, squaredDistance=False, useImageSpacing=False)
    return torch.from_numpy(sitk.GetArrayFromImage(distance))[None, None] + 0.5


def _error(depth: torch.Tensor, stream: RandomStream) -> torch.Tensor:
    """A field like `depth`: growth or shrinkage, a shift, and rough borders, in random shares."""
    radius = float(depth.max())
    grown, shifted, rough, ragged = (stream.uniform(0, 1) for _ in range(4))
    direction = F.normalize(stream.normal(3), dim=0)
    slopes = torch.stack([_slope(depth, axis) for axis in (2, 3, 4)])
    error = grown * float(stream.normal(1)) + 2 * shifted * torch.einsum("a,a...->...", direction, slopes)
    for share, scale in ((rough, stream.uniform(0.5, 1.5) * radius), (ragged, 1.0)):
        error = error + share * stream.smooth(1, depth.shape[2:], max(scale, 1.0))
    return error


def _slope(volume: torch.Tensor, axis: int) -> torch.Tensor:
    return torch.gradient(volume, dim=axis)[0] if volume.shape[axis] > 1 else torch.zeros_like(volume)


def _overlap(a: torch.Tensor, b: torch.Tensor) -> float:
    return 2 * float((a & b).sum()) / float(a.sum() + b.sum())
