"""Keeps the velocity of a registration to what landmarks and rigid regions say."""

from typing import Optional

import SimpleITK as sitk
import torch

from ..geometry.grid import Grid
from ..geometry.transforms import transform_points
from .guidance import Guides
from .landmark_guide import LandmarkGuide


class Hold:
    """All guides that change the velocity itself, in the order in which they are followed; the last one prevails.

    Args:
        landmarks: None without any.
    """

    def __init__(self, landmarks: Optional[LandmarkGuide]):
        self._landmarks = landmarks

    def __call__(self, velocity: torch.Tensor) -> torch.Tensor:
        """The velocity (1, 3, d, h, w; voxels of its own grid over the extent of the working grid), a step nearer."""
        return velocity if self._landmarks is None else self._landmarks(velocity)

    def settle(self, velocity: torch.Tensor) -> torch.Tensor:
        """The velocity that follows the guides as far as it can."""
        return velocity if self._landmarks is None else self._landmarks.settle(velocity)


def hold_of(guides: Guides, grid: Grid, linear_inverse: sitk.Transform, stiffness: float) -> Optional[Hold]:
    """What holds the velocity of a pair; None where nothing does.

    Args:
        grid: the working grid.
        linear_inverse: maps moving points to fixed points (LPS mm).
    """
    if guides.landmarks is None:
        return None
    targets = transform_points(linear_inverse, guides.landmarks.moving)
    return Hold(LandmarkGuide(guides.landmarks.fixed, targets, grid, stiffness))
