"""Structures without a fixed label list: each has a code vector, the same in both images.

The mask encoder sees sum_k mask_k(x) * code_k, so it knows structures by their codes alone, whatever their number and
order. Codes are rows of orthogonal matrices: up to `code_size` structures are exactly orthogonal, more are as far
apart as independent random directions. Training draws them anew for every pair (:func:`random_codes`); otherwise
they come from a fixed table, given out in an order that depends on where the structures lie and not on how they are
numbered (:func:`canonical_order`), so relabeling the structures gives the same field, bit for bit.
"""

from typing import Optional, Tuple

import numpy as np
import torch


def random_codes(count: int, size: int, rng) -> torch.Tensor:
    """Codes (count, size) for `count` structures: unit rows of random orthogonal matrices, times sqrt(size).

    Args:
        rng: a numpy Generator or RandomState.
    """
    blocks = []
    for _ in range(max(-(-count // size), 1)):
        orthogonal, triangular = np.linalg.qr(rng.standard_normal((size, size)))
        blocks.append(orthogonal * np.sign(np.diag(triangular)))
    codes = np.concatenate(blocks)[:count] * np.sqrt(size)
    return torch.from_numpy(codes.astype(np.float32))


def default_codes(count: int, size: int) -> torch.Tensor:
    """The fixed table (count, size); a longer table starts with the shorter one."""
    return random_codes(count, size, np.random.RandomState(0))  # whose stream numpy keeps unchanged over versions


def paired_structures(fixed_masks: torch.Tensor, moving_masks: torch.Tensor) -> torch.Tensor:
    """Which structures have voxels in both images, bool (B, K), of two masks (B, K, D, H, W)."""
    return (fixed_masks.flatten(2).amax(2) > 0) & (moving_masks.flatten(2).amax(2) > 0)


def canonical_order(fixed_masks: torch.Tensor, moving_masks: torch.Tensor) -> torch.Tensor:
    """Permutation (B, K) that sorts structures by centroid (z, y, x), then volume, in the fixed, then moving image.

    It does not depend on the order in which the structures are given. Structures that one of the images lacks come
    last, so that they do not change the places of the others.
    """
    keys = torch.cat([_position_keys(fixed_masks), _position_keys(moving_masks)], dim=2)
    keys = keys.masked_fill(keys.isinf().any(2, keepdim=True), float("inf")).cpu().numpy()
    orders = [np.lexsort(sample.T[::-1]) for sample in keys]
    return torch.from_numpy(np.stack(orders)).to(fixed_masks.device)


def code_images(
    fixed_masks: torch.Tensor, moving_masks: torch.Tensor, size: int, codes: Optional[torch.Tensor] = None
) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Masks (B, K, D, H, W) of both images as code images (B, size, D, H, W), and which samples have a structure.

    A structure that one of the images lacks cannot be matched and is left out of both.

    Args:
        codes: (K, size) or (B, K, size); None gives out the fixed table in canonical order.

    Returns:
        fixed code image, moving code image, bool (B,): whether any structure is in both images.
    """
    paired = paired_structures(fixed_masks, moving_masks)
    if codes is None:
        order = canonical_order(fixed_masks, moving_masks)
        paired = paired.gather(1, order)
        fixed_masks, moving_masks = _reorder(fixed_masks, order), _reorder(moving_masks, order)
        codes = default_codes(paired.shape[1], size)
    codes = codes.to(fixed_masks).expand(len(paired), -1, -1) * paired[..., None].to(fixed_masks)
    fixed, moving = (torch.einsum("bkdhw,bkc->bcdhw", masks, codes) for masks in (fixed_masks, moving_masks))
    return fixed, moving, paired.any(dim=1)


def _reorder(masks: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    return torch.stack([sample[permutation] for sample, permutation in zip(masks, order)])


def _position_keys(masks: torch.Tensor) -> torch.Tensor:
    """Centroid (z, y, x) and volume of each structure in voxels, (B, K, 4), rounded to 1e-4; absent ones come last."""
    volume = masks.sum(dim=(2, 3, 4), dtype=torch.float64)
    centroid = []
    for axis in (2, 3, 4):
        others = tuple(other for other in (2, 3, 4) if other != axis)
        profile = masks.sum(dim=others, dtype=torch.float64)
        position = torch.arange(masks.shape[axis], dtype=torch.float64, device=masks.device)
        centroid.append((profile * position).sum(-1) / volume)
    keys = torch.stack([*centroid, volume], dim=2)
    absent = (volume <= 0)[..., None]
    return torch.where(absent, torch.full_like(keys, float("inf")), (keys * 1e4).round())
