"""Prediction of the velocity field by the trained network."""

from pathlib import Path
from typing import Optional, Sequence, Tuple

import numpy as np
import torch

from ..errors import WeightsError
from ..geometry import separable
from ..weights import default_weights
from .mask_channels import Structures
from .refine import level_shape

LARGEST_PREDICTION = {"cpu": 500_000, "cuda": 8_000_000}
"""Voxels that the network sees at most, by kind of device; the refinement adds what a coarser grid does not show."""


def predict_velocity(
    fixed: torch.Tensor,
    moving: torch.Tensor,
    structures: Optional[Structures],
    spacing: Sequence[float],
    weights: Optional[str],
) -> Tuple[Optional[torch.Tensor], Optional[str]]:
    """The network's velocity field, (1, 3, d, h, w) in its own voxels over the extent of the working grid, and the
    name of the network's weights.

    Args:
        fixed, moving: (1, 1, D, H, W) on the working grid, `moving` pre-aligned.
        structures: masks on that grid, or None.
        spacing: voxel size in mm along the array axes (z, y, x).
        weights: a safetensors file; None takes the one that ships, and where none ships there is no prediction.

    Raises:
        WeightsError: the file cannot be used.
    """
    path = Path(weights) if weights else default_weights()
    if path is None:
        return None, None
    from ..network import load_network

    network = load_network(path, device=str(fixed.device))
    if network.config.composition != "velocity":
        raise WeightsError(
            f"{path} predicts a displacement, which has no inverse; give weights of a network that predicts a velocity."
        )
    masks = (None, None) if structures is None else (structures.fixed.to(fixed), structures.moving.to(fixed))
    shape = prediction_shape(fixed.shape[2:], spacing, LARGEST_PREDICTION[fixed.device.type])
    shrink = separable.shrink(fixed.shape[2:], shape, fixed)
    with torch.no_grad():
        inputs = [None if volume is None else separable.apply(shrink, volume) for volume in (fixed, moving, *masks)]
        prediction = network(*inputs)
    return prediction.velocity, path.name


def prediction_shape(shape: Sequence[int], spacing: Sequence[float], largest: int) -> Tuple[int, ...]:
    """`shape`, or where it has more than `largest` voxels, that of a coarser grid over the same extent."""
    smaller, shrink = tuple(shape), 1.0
    while np.prod(smaller) > largest:
        shrink *= 1.1
        smaller = level_shape(shape, spacing, shrink)
    return smaller
