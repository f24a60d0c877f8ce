"""Losses of click training: focal and Dice on masks, squared error of the expected IoU, and the clicks themselves."""

import torch
from torch.nn import functional as F


def mask_loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Loss (...,) of logits (..., H, W) against masks in [0, 1]: 20 times focal (Lin et al., 2017) plus Dice."""
    probability = torch.sigmoid(logits)
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    focal = (entropy * (probability - target).square()).mean((-2, -1))
    shared = (probability * target).sum((-2, -1))
    dice = 1 - (2 * shared + 1) / (probability.sum((-2, -1)) + target.sum((-2, -1)) + 1)
    return 20 * focal + dice


def quality_loss(quality: torch.Tensor, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Squared error (...,) of the expected IoU `quality` against the IoU of logits > 0 with target > 0.5."""
    with torch.no_grad():
        predicted, wanted = logits > 0, target > 0.5
        shared = (predicted & wanted).sum((-2, -1))
        union = (predicted | wanted).sum((-2, -1)).clamp(min=1)
    return (quality - shared / union).square()


def click_loss(logits: torch.Tensor, points: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of logits (N, s, s) at the clicks (N, P, 2), given in pixels of twice that resolution."""
    side = logits.shape[-1]
    place = (points / 2).long().clamp(0, side - 1)
    at_click = logits.flatten(1).gather(1, place[..., 1] * side + place[..., 0])
    chosen = labels >= 0
    return F.binary_cross_entropy_with_logits(at_click[chosen], labels[chosen].to(logits))
