"""Prediction of the velocity field by the trained network."""

from pathlib import Path
from typing import Optional, Tuple

import torch

from ..errors import WeightsError
from ..weights import default_weights
from .structures import Structures


def predict_velocity(
    fixed: torch.Tensor, moving: torch.Tensor, structures: Optional[Structures], weights: Optional[str]
) -> Tuple[Optional[torch.Tensor], Optional[str]]:
    """The network's velocity field on the working grid, (1, 3, D, H, W) in voxels, and the name of its weights.

    Args:
        fixed, moving: (1, 1, D, H, W) on the working grid, `moving` pre-aligned.
        structures: masks on that grid, or None.
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
    with torch.no_grad():
        prediction = network(fixed, moving, *masks)
    return prediction.velocity, path.name
