"""TensorBoard: scalars, and pictures of a pair as it is registered."""

from pathlib import Path
from typing import Dict, Optional

import torch

from ...geometry.dense import warp
from ...network.model import RegistrationNetwork
from .pair import TrainingPair


class TrainingLog:
    """Writes into `folder`/log when TensorBoard is installed; entries after `step`, from an interrupted run, go.

    Args:
        step: steps done so far.
    """

    def __init__(self, folder: Path, step: int):
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:  # an optional package: training works without it
            self._writer: Optional[object] = None
            return
        self._writer = SummaryWriter(str(folder / "log"), purge_step=step + 1)

    def scalars(self, group: str, values: Dict[str, float], step: int) -> None:
        """One point on each curve."""
        if self._writer:
            for name, value in values.items():
                self._writer.add_scalar(f"{group}/{name}", value, step)

    def pair(self, network: RegistrationNetwork, pair: TrainingPair, step: int) -> None:
        """The middle slice of fixed, moving and warped, side by side."""
        if not self._writer:
            return
        with torch.no_grad():
            field = network(pair.fixed, pair.moving, pair.fixed_masks, pair.moving_masks).displacement
            images = [pair.fixed, pair.moving, warp(pair.moving, field)]
        middle = pair.fixed.shape[2] // 2
        self._writer.add_image("fixed, moving, warped", torch.cat([image[0, :, middle] for image in images], 2), step)

    def close(self) -> None:
        """Write what is pending."""
        if self._writer:
            self._writer.close()
