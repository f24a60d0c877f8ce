"""Prototype learning: the features of a structure are alike, differ from other structures', and agree between images.

Source: Xu et al., IPMI 2025, in words and figure; the formulas follow supervised contrast with class means as in
Snell et al., Prototypical Networks, NeurIPS 2017.

Features (B, C, d, h, w) are those of one level of the network: they start at the masks' first voxel and their stride s,
a power of two, is found from the sizes, d = ceil(D / s). Masks are (B, K, D, H, W) in [0, 1]; a channel
for the background is made by :func:`with_background`.
"""

from typing import Tuple

import torch
import torch.nn.functional as F

from ..errors import InputError
from .dice import mean_over_present


def prototypes(features: torch.Tensor, masks: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
    """p_k = sum_i w_ik f_i / sum_i w_ik, w_ik the share of coarse voxel i that structure k fills.

    Returns:
        prototypes (B, K, C) and which structures have voxels, bool (B, K).
    """
    return _means(features, _shares(masks, features))


def prototype_contrast(features: torch.Tensor, masks: torch.Tensor, tau: float = 0.1) -> torch.Tensor:
    """-mean_i log( exp(cos(f_i, p_y(i)) / tau) / sum_j exp(cos(f_i, p_j) / tau) ), mean over the batch.

    A coarse voxel counts for each structure by the share that the structure fills, and only structures with voxels
    stand in the denominator. It pulls features to their own prototype and pushes them off the others. With fewer than
    two structures there is nothing to tell apart and it is 0.
    """
    weights = _shares(masks, features)
    means, present = _means(features, weights)
    cosine = torch.einsum("bkc,bci->bki", F.normalize(means, dim=2), F.normalize(features.flatten(2), dim=1))
    logits = (cosine / tau).masked_fill(~present[..., None], -torch.inf)
    logits = torch.where(present.any(1)[:, None, None], logits, torch.zeros_like(logits))
    cost = -(logits.log_softmax(dim=1).masked_fill(~present[..., None], 0.0)) * weights
    return (cost.flatten(1).sum(1) / weights.flatten(1).sum(1).clamp_min(1e-6)).mean()


def prototype_alignment(
    features_a: torch.Tensor, masks_a: torch.Tensor, features_b: torch.Tensor, masks_b: torch.Tensor
) -> torch.Tensor:
    """1 - cos(p_k^a, p_k^b), mean over the structures present in both images, then over the batch."""
    means_a, present_a = prototypes(features_a, masks_a)
    means_b, present_b = prototypes(features_b, masks_b)
    return mean_over_present(1 - F.cosine_similarity(means_a, means_b, dim=2), present_a & present_b)


def with_background(masks: torch.Tensor, margin: int = 6) -> torch.Tensor:
    """The masks and one more channel (B, K + 1, D, H, W): what no structure marks within `margin` voxels of one.

    What lies further off is left out, so that it does not outweigh the structures.
    """
    marked = masks.sum(dim=1, keepdim=True).clamp(max=1)
    near = marked
    for axis in range(3):
        window, padding = [1, 1, 1], [0, 0, 0]
        window[axis], padding[axis] = 2 * margin + 1, margin
        near = F.max_pool3d(near, window, stride=1, padding=padding)
    return torch.cat([masks, near - marked], dim=1)


def _means(features: torch.Tensor, weights: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
    total = weights.sum(2)
    means = torch.einsum("bki,bci->bkc", weights, features.flatten(2)) / total.clamp_min(1e-6)[..., None]
    return means, total > 0


def _shares(masks: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
    """Share of each coarse voxel that each structure fills, (B, K, d * h * w)."""
    sizes, coarse = masks.shape[2:], features.shape[2:]
    stride = 1
    while any(-(-size // stride) > few for size, few in zip(sizes, coarse)):
        stride *= 2
    if any(-(-size // stride) != few for size, few in zip(sizes, coarse)):
        raise InputError(f"Features of size {tuple(coarse)} are no coarse level of masks of size {tuple(sizes)}.")
    missing = [few * stride - size for size, few in zip(sizes, coarse)]
    padded = F.pad(masks.to(features.dtype), [amount for axis in reversed(missing) for amount in (0, axis)])
    shares = F.avg_pool3d(padded.flatten(0, 1)[:, None], stride)
    return shares.reshape(*masks.shape[:2], coarse.numel())
