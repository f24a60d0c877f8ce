"""The training loss of one pair: the terms of the paper, and the true displacement where it is known."""

from typing import Dict, Tuple

import torch

from ...geometry.dense import warp
from ...losses.contours import contour_distance
from ...losses.dice import soft_dice
from ...losses.intensities import lncc
from ...losses.prototypes import prototype_alignment, prototype_contrast, with_background
from ...losses.smoothness import diffusion
from ...network.model import Prediction
from .config import LossWeights
from .pair import TrainingPair


def training_loss(
    prediction: Prediction, pair: TrainingPair, weights: LossWeights
) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    """The weighted sum and the terms by name, before weighting; terms that the pair cannot have are left out."""
    terms = _terms(prediction, pair, weights)
    total = sum(getattr(weights, name) * term for name, term in terms.items())
    return total, terms


def _terms(prediction: Prediction, pair: TrainingPair, weights: LossWeights) -> Dict[str, torch.Tensor]:
    field = prediction.displacement
    terms = {}
    if weights.smoothness:
        terms["smoothness"] = diffusion(field, pair.spacing)
    if weights.similarity and pair.same_contrast:
        terms["similarity"] = lncc(pair.fixed, warp(pair.moving, field))
    if weights.truth and pair.truth is not None:
        terms["truth"] = (field - pair.truth).square().sum(dim=1).add(1e-2).sqrt().mean()
    if pair.fixed_labels is None or pair.moving_labels is None:
        return terms
    if weights.overlap:
        terms["overlap"] = soft_dice(pair.fixed_labels, warp(pair.moving_labels, field))
    if weights.contrast:
        fixed = prototype_contrast(prediction.fixed_features, with_background(pair.fixed_labels))
        moving = prototype_contrast(prediction.moving_features, with_background(pair.moving_labels))
        terms["contrast"] = (fixed + moving) / 2
    if weights.alignment:
        terms["alignment"] = prototype_alignment(
            prediction.fixed_features, pair.fixed_labels, prediction.moving_features, pair.moving_labels
        )
    if weights.contour:
        terms["contour"] = contour_distance(*pair.contours(), field, pair.spacing)
    return terms
