"""What compares the images of a pair during refinement, chosen by the similarity."""

from typing import Callable, List, Optional, Sequence, Union

import numpy as np
import torch

from ..losses.intensities import standardized
from ..losses.similarity import Similarity
from .terms import GaussNewtonTerm, GradientTerm

LOCAL_SIGMA = 3.5  # smallest edges of the level's voxels: surroundings by which intensities are normalized
THICK_SLICE_SIGMA = 0.5  # voxels, between thick slices


def image_term(
    similarity: Similarity,
    same_scale: bool,
    fixed: torch.Tensor,
    moving: torch.Tensor,
    fixed_coverage: Optional[torch.Tensor],
    moving_coverage: Optional[torch.Tensor],
) -> Union[GaussNewtonTerm, GradientTerm]:
    """The term of a similarity.

    Args:
        same_scale: the same tissue has the same intensity in both images, so that intensities are compared as they are
            too, beside what is normalized locally.
        fixed, moving, fixed_coverage, moving_coverage: see :class:`.terms.GaussNewtonTerm`.
    """
    images = (fixed, moving, fixed_coverage, moving_coverage)
    if similarity.channels is None:
        return GradientTerm(similarity.loss, *images)
    return GaussNewtonTerm(_channels(similarity.channels, same_scale), *images)


def sigmas_in_voxels(sigma: float, spacing: Sequence[float]) -> List[float]:
    """Per axis, in voxels: `sigma` times the smallest edge along every axis, but between thick slices at least half a
    voxel."""
    return [max(sigma * min(spacing) / s, min(sigma, THICK_SLICE_SIGMA)) for s in spacing]


def equally_filled(sigma: float, spacing: Sequence[float]) -> List[float]:
    """Per axis, in voxels: surroundings of the same mm along every axis that hold as many voxels as those of `sigma`
    would among cubes.

    Thick slices leave fewer voxels to the same distance, and what is found in fewer is noisier: there the surroundings
    are wider.
    """
    low, high = sigma, 10.0 * sigma
    for _ in range(30):
        middle = (low + high) / 2
        fits = float(np.prod(sigmas_in_voxels(middle, spacing))) <= sigma**3
        low, high = (middle, high) if fits else (low, middle)
    return sigmas_in_voxels(low, spacing)


def _channels(local: Callable, same_scale: bool) -> Callable:
    def channels(image: torch.Tensor, spacing: Sequence[float], coverage: Optional[torch.Tensor]) -> torch.Tensor:
        found = local(image, sigmas_in_voxels(LOCAL_SIGMA, spacing), coverage)
        return torch.cat([found, standardized(image)], dim=1) if same_scale else found

    return channels
