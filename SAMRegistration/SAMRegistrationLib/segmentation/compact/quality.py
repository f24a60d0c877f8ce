"""How good a mask is expected to be, from what lies inside it, around it, and at its border."""

import torch
from torch import nn
from torch.nn import functional as F

BORDER = 2
STATISTICS = 4
QUALITY_TRUST = 8.0
CHOICE_TRUST = 4.0


class QualityHead(nn.Module):
    """Expected IoU of candidate masks.

    SAM reads it from one token that hardly differs between pictures; here each candidate is looked at.

    Args:
        channels: of the features that are looked at.
        dim: channels of the tokens.
    """

    def __init__(self, channels: int, dim: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(looks(channels, dim), dim),
            nn.ReLU(),
            nn.Linear(dim, dim),
            nn.ReLU(),
            nn.Linear(dim, 1),
        )

    def forward(self, looked_at: torch.Tensor) -> torch.Tensor:
        """Expected IoU (N, K) of masks as :func:`look` sees them."""
        return self.layers(looked_at)[..., 0]


class ChoiceHead(nn.Module):
    """How good each of the first click's candidates is beside the others.

    It is trained after everything else, on pictures that the other weights were not trained on, for the Dice of the
    candidate that it puts first.

    Args:
        channels, dim: as for the quality head.
        width: of its hidden layer.
    """

    def __init__(self, channels: int, dim: int, width: int):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(looks(channels, dim), width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, looked_at: torch.Tensor) -> torch.Tensor:
        """Logits (N, K) of the expected Dice of masks as :func:`look` sees them."""
        return self.layers(looked_at)[..., 0]


def looks(channels: int, dim: int) -> int:
    """How many numbers :func:`look` gives for a mask."""
    return 3 * channels + dim + STATISTICS


def look(features: torch.Tensor, tokens: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """What lies inside, around and along the border of masks with `logits` (N, K, 2h, 2w): (N, K, numbers).

    Args:
        features: (N, channels, h, w).
        tokens: (N, K, dim), a token for each mask.
    """
    probability = torch.sigmoid(F.avg_pool2d(logits, 2))
    grown = F.max_pool2d(probability, 2 * BORDER + 1, 1, BORDER)
    shrunk = -F.max_pool2d(-probability, 2 * BORDER + 1, 1, BORDER)
    around, along = grown - probability, probability - shrunk
    means = [_mean(features, weight) for weight in (probability, around, along)]
    area = probability.mean((-2, -1))
    unsure = (probability * (1 - probability)).mean((-2, -1)) / (area + 1e-4)
    sure = ((logits > 1).float().sum((-2, -1)) + 1) / ((logits > -1).float().sum((-2, -1)) + 1)
    rough = along.mean((-2, -1)) / (area.sqrt() + 1e-2)
    statistics = torch.stack([area.sqrt(), unsure, sure, rough], -1)
    return torch.cat([*means, tokens, statistics], -1)


def consensus(logits: torch.Tensor, worth: torch.Tensor) -> torch.Tensor:
    """Logits (N, h, w) of the mean probability of candidates (N, K, h, w), weighted by the softmax of their worth."""
    weights = torch.softmax(worth, 1)
    return torch.logit(torch.einsum("nk,nkhw->nhw", weights, torch.sigmoid(logits)), eps=1e-4)


def _mean(features, weight):
    """Weighted mean (N, K, channels) of features (N, channels, h, w) under weights (N, K, h, w)."""
    total = torch.einsum("nkhw,nchw->nkc", weight, features)
    return total / (weight.sum((-2, -1))[..., None] + 1e-3)
