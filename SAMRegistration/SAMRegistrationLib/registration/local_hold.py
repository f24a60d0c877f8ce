"""Keeps a velocity near the places that were corrected, and to the landmarks there."""

from typing import Dict, Optional, Sequence, Tuple

import numpy as np
import torch
import torch.nn.functional as F

from .landmark_guide import LandmarkGuide


class LocalHold:
    """The velocity of a correction, which ends at a distance from it; see :class:`.hold.Hold`.

    Args:
        distance: of the voxels of a grid from what is corrected, mm, (D, H, W).
        still: where nothing moves, (D, H, W), bool.
        full, reach: mm up to which velocities stay as they are, and from which they are 0.
        landmarks: None without any.
    """

    def __init__(
        self,
        distance: np.ndarray,
        still: np.ndarray,
        full: float,
        reach: float,
        landmarks: Optional[LandmarkGuide],
    ):
        share = np.clip((reach - distance) / (reach - full), 0, 1)
        weight = np.sin(share * (np.pi / 2)) ** 2
        weight[still] = 0
        self._free, self._still = (torch.from_numpy(part.astype(np.float32))[None, None] for part in (weight, still))
        self._weights: Dict[Tuple[int, ...], torch.Tensor] = {}
        self.landmarks = landmarks

    def __call__(self, velocity: torch.Tensor) -> torch.Tensor:
        """The velocity (1, 3, d, h, w; voxels of its own grid), a step nearer to the landmarks."""
        return self.limited(velocity if self.landmarks is None else self.landmarks(velocity))

    def settle(self, velocity: torch.Tensor) -> torch.Tensor:
        """The velocity that meets the landmarks as far as nothing folds."""
        return self.limited(velocity if self.landmarks is None else self.landmarks.settle(velocity))

    def limited(self, velocity: torch.Tensor) -> torch.Tensor:
        """The velocity where it may be."""
        return velocity * self._weight(velocity.shape[2:], velocity)

    def _weight(self, shape: Sequence[int], like: torch.Tensor) -> torch.Tensor:
        shape = tuple(shape)
        if shape not in self._weights:
            weight = F.interpolate(self._free, size=shape, mode="trilinear", align_corners=False)
            touched = F.max_pool3d(F.adaptive_max_pool3d(self._still, shape), 3, stride=1, padding=1)
            self._weights[shape] = (weight * (1 - touched)).to(like)
        return self._weights[shape]
