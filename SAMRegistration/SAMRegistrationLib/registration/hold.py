"""Keeps the velocity of a registration to what landmarks and rigid regions say."""

from typing import Optional

import SimpleITK as sitk
import torch

from ..errors import InputError
from ..geometry.grid import Grid
from ..geometry.transforms import transform_points
from .guidance import Guides
from .landmark_guide import LandmarkGuide
from .options import RegistrationOptions
from .rigid_guide import RigidGuide
from .working import stored_grid

ROUNDS = 8  # at the end, in which both guides take turns


class Hold:
    """All guides that change the velocity itself; rigid regions prevail over landmarks.

    Velocities are (1, 3, d, h, w) in voxels of their own grid over the extent of the working grid.

    Args:
        landmarks, rigid: None where there is none.
    """

    def __init__(self, landmarks: Optional[LandmarkGuide], rigid: Optional[RigidGuide]):
        self._landmarks = landmarks
        self._rigid = rigid

    def __call__(self, velocity: torch.Tensor) -> torch.Tensor:
        """The velocity, a step nearer to the guides."""
        velocity = velocity if self._landmarks is None else self._landmarks(velocity)
        return velocity if self._rigid is None else self._rigid(velocity)

    def settle(self, velocity: torch.Tensor) -> torch.Tensor:
        """The velocity, on the grid on which it is turned into the result, that follows the guides as far as it can."""
        for _ in range(1 if self._landmarks is None or self._rigid is None else ROUNDS):
            velocity = velocity if self._landmarks is None else self._landmarks.settle(velocity)
            velocity = velocity if self._rigid is None else self._rigid.settle(velocity)
        return velocity


def hold_of(
    guides: Guides, grid: Grid, linear: sitk.Transform, linear_inverse: sitk.Transform, options: RegistrationOptions
) -> Optional[Hold]:
    """What holds the velocity of a pair; None where nothing does.

    Args:
        grid: the working grid.
        linear: maps fixed points to moving points (LPS mm), `linear_inverse` back.

    Raises:
        InputError: there are rigid regions, but `linear` has dense parts.
    """
    if guides.landmarks is None and guides.rigid is None:
        return None
    landmarks = rigid = None
    if guides.landmarks is not None:
        targets = transform_points(linear_inverse, guides.landmarks.moving)
        landmarks = LandmarkGuide(guides.landmarks.fixed, targets, grid, options.stiffness)
    if guides.rigid is not None:
        if not linear.IsLinear():
            raise InputError("Regions cannot stay rigid after a deformable initial transform; give a linear one.")
        stored = stored_grid(grid, options.refinement.field_stride)
        rigid = RigidGuide(guides.rigid, grid, stored, linear, guides.landmarks)
    return Hold(landmarks, rigid)
