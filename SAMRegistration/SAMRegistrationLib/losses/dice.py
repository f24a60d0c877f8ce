"""Dice loss of masks."""

from typing import Optional

import torch


def soft_dice(a: torch.Tensor, b: torch.Tensor, present: Optional[torch.Tensor] = None) -> torch.Tensor:
    """1 - 2 sum(a b) / (sum(a^2) + sum(b^2)), mean over present structures, then over the batch.

    With squares in the denominator equal masks cost nothing, interpolated borders included. Source: Milletari et
    al., V-Net, 3DV 2016.

    Args:
        a, b: (B, K, D, H, W) in [0, 1], for example the fixed and the warped moving mask.
        present: bool (B, K), structures that count; None counts those with voxels in both.

    Returns:
        A scalar in [0, 1]; 0 where no structure counts.
    """
    common = (a * b).flatten(2).sum(2)
    size = a.square().flatten(2).sum(2) + b.square().flatten(2).sum(2)
    if present is None:
        present = (a.flatten(2).amax(2) > 0) & (b.flatten(2).amax(2) > 0)
    loss = 1 - 2 * common / size.clamp_min(torch.finfo(size.dtype).tiny)
    return mean_over_present(loss, present)


def mean_over_present(values: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
    """Mean of `values` (B, K) over the structures with `present` (B, K), then over the batch; 0 for none."""
    kept = torch.where(present, values, torch.zeros_like(values))
    return (kept.sum(1) / present.sum(1).clamp_min(1)).mean()
