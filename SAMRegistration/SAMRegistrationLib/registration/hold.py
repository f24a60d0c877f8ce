"""Keeps the velocity of a registration to what landmarks and rigid regions say."""

from dataclasses import replace
from typing import Optional

import numpy as np
import SimpleITK as sitk
import torch

from ..errors import InputError
from ..geometry.grid import Grid
from ..geometry.transforms import transform_points
from .guidance import Guides, LandmarkPairs
from .landmark_guide import LandmarkGuide
from .options import RegistrationOptions
from .rigid_guide import RigidGuide
from .working import stored_grid

IDENTITY = sitk.Transform(3, sitk.sitkIdentity)
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
    if guides.rigid is not None and not linear.IsLinear():
        raise InputError("Regions cannot stay rigid after a deformable initial transform; give a linear one.")
    landmarks, targets = guides.landmarks, _aligned(guides.landmarks, linear_inverse)
    pulled = None if landmarks is None else LandmarkGuide(landmarks.fixed, targets, grid, options.stiffness)
    return _hold(pulled, guides.rigid, grid, (IDENTITY, linear), landmarks, options)


def reverse_hold_of(
    guides: Guides,
    grid: Grid,
    linear: sitk.Transform,
    linear_inverse: sitk.Transform,
    inverse: sitk.Transform,
    options: RegistrationOptions,
) -> Optional[Hold]:
    """What holds the velocity of a pair from moving to fixed; see :func:`hold_of`.

    Args:
        inverse: maps moving points to fixed points (LPS mm), which tells where rigid regions are in the moving volume.
    """
    landmarks, targets = guides.landmarks, _aligned(guides.landmarks, linear_inverse)
    pulled = None if landmarks is None else LandmarkGuide(targets, landmarks.fixed, grid, options.stiffness)
    regions = guides.rigid
    if regions is not None:
        regions = regions.warped(sitk.CompositeTransform([inverse, linear]), grid)
        left = tuple(structure for structure in regions.structures if regions.inside(structure.label).any())
        regions = replace(regions, structures=left) if left else None
    there = None if landmarks is None else LandmarkPairs(targets, landmarks.fixed, landmarks.names)
    return _hold(pulled, regions, grid, (linear, IDENTITY), there, options)


def _hold(pulled, regions, grid: Grid, around, landmarks, options: RegistrationOptions) -> Optional[Hold]:
    stored = stored_grid(grid, options.refinement.field_stride)
    rigid = None if regions is None else RigidGuide(regions, grid, stored, *around, landmarks)
    return None if pulled is None and rigid is None else Hold(pulled, rigid)


def _aligned(landmarks: Optional[LandmarkPairs], linear_inverse: sitk.Transform) -> Optional[np.ndarray]:
    """The moving landmarks, brought to fixed space by the pre-alignment."""
    return None if landmarks is None else transform_points(linear_inverse, landmarks.moving)
