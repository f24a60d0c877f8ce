"""What a user says about a pair beside its masks: points that correspond, and regions that are treated differently."""

from dataclasses import dataclass
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..geometry.grid import Grid
from ..geometry.transforms import transform_points
from ..metrics import pair_landmarks, target_registration_errors
from ..points import PointList
from ..quantities import number_text
from ..volumes import Labels, StructureMasks, as_structures


@dataclass(frozen=True)
class Guidance:
    """Guides of a registration; each can be left out.

    Attributes:
        fixed_landmarks, moving_landmarks: corresponding points (LPS mm), paired as :func:`..metrics.pair_landmarks`
            says: by name, or without names by their order. The registration brings them onto each other.
        ignored_fixed, ignored_moving: regions of the fixed and of the moving volume, such as a tumor, a resection or
            metal, that do not pull; every label counts. What is in them does not matter to the result.
        rigid: regions of the fixed volume, such as bones or implants, each label of which moves as one rigid body.

    Example:
        >>> from SAMRegistrationLib.registration import RegistrationOptions, register
        >>> fixed = sitk.GaussianSource(size=[32] * 3, sigma=[6] * 3, mean=[14.0, 16.0, 16.0])
        >>> moving = sitk.GaussianSource(size=[32] * 3, sigma=[6] * 3, mean=[17.0, 16.0, 16.0])
        >>> guidance = Guidance(PointList([[10.0, 16.0, 16.0]]), PointList([[15.0, 16.0, 16.0]]))
        >>> options = RegistrationOptions.preset("fast", device="cpu")
        >>> result = register(fixed, moving, options=options, guidance=guidance)
        >>> [round(x) for x in result.transform.TransformPoint((10.0, 16.0, 16.0))]
        [15, 16, 16]
    """

    fixed_landmarks: Optional[PointList] = None
    moving_landmarks: Optional[PointList] = None
    ignored_fixed: Optional[Labels] = None
    ignored_moving: Optional[Labels] = None
    rigid: Optional[Labels] = None


class LandmarkPairs(NamedTuple):
    """Points (N, 3) in LPS mm, of which the same row is the same landmark, and what each is called."""

    fixed: np.ndarray
    moving: np.ndarray
    names: Tuple[str, ...]

    def __len__(self) -> int:
        return len(self.fixed)

    def chosen(self, which: np.ndarray) -> "LandmarkPairs":
        """Those rows."""
        numbers = np.flatnonzero(which)
        return LandmarkPairs(self.fixed[numbers], self.moving[numbers], tuple(self.names[n] for n in numbers))


@dataclass(frozen=True)
class Guides:
    """A checked :class:`Guidance`.

    Attributes:
        landmarks: pairs within both volumes; None without any.
        ignored: regions of the fixed and of the moving volume; None where there is none.
        rigid: regions of the fixed volume that do not overlap; None without any.
        notes: sentences about what is left out.
    """

    landmarks: Optional[LandmarkPairs] = None
    ignored: Tuple[Optional[StructureMasks], Optional[StructureMasks]] = (None, None)
    rigid: Optional[StructureMasks] = None
    notes: Tuple[str, ...] = ()

    def places(self, linear_inverse: sitk.Transform) -> np.ndarray:
        """Points (N, 3) in fixed space, LPS mm, around which the deformation has to follow guides.

        Args:
            linear_inverse: brings moving points to fixed space.
        """
        found = [np.zeros((0, 3))]
        if self.landmarks is not None:
            found += [self.landmarks.fixed, transform_points(linear_inverse, self.landmarks.moving)]
        if self.rigid is not None:
            found += [self.rigid.cut(label)[1].corners() for label in self.rigid.labels]
        return np.concatenate(found)

    @property
    def facts(self) -> Dict[str, Any]:
        """What is followed, for the summary of a result; only what there is."""
        sides = [side for side, region in zip(("fixed", "moving"), self.ignored) if region is not None]
        found = {
            "guiding_landmarks": len(self.landmarks or ()),
            "ignored_regions": sides,
            "rigid_regions": [self.rigid.title(label) for label in self.rigid.labels] if self.rigid else [],
        }
        return {name: fact for name, fact in found.items() if fact}


def checked(guidance: Optional[Guidance], fixed: Grid, moving: Grid) -> Guides:
    """The guides that can be followed.

    Args:
        fixed, moving: grids of the volumes.

    Raises:
        InputError: landmarks of one side only or that cannot be paired, none within both volumes; an image that is no
            label map; regions that leave nothing beside them, or rigid ones that overlap.
    """
    if guidance is None:
        return Guides()
    landmarks, notes = _landmarks(guidance, fixed, moving)
    regions = []
    for region, volume, what in (
        (guidance.ignored_fixed, fixed, "region of the fixed volume to be ignored"),
        (guidance.ignored_moving, moving, "region of the moving volume to be ignored"),
        (guidance.rigid, fixed, "rigid region"),
    ):
        found, left_out = _region(region, volume, what)
        regions.append(found)
        notes += left_out
    if regions[2] is not None and regions[2].overlapping():
        raise InputError("Rigid regions overlap, but a point can belong to one rigid body only; separate them first.")
    return Guides(landmarks, tuple(regions[:2]), regions[2], tuple(notes))


def _landmarks(guidance: Guidance, fixed: Grid, moving: Grid) -> Tuple[Optional[LandmarkPairs], List[str]]:
    sides = [None if side is None or not len(side) else side for side in _points(guidance)]
    if sides[0] is None and sides[1] is None:
        return None, []
    if None in sides:
        side = "fixed" if sides[1] is None else "moving"
        raise InputError(f"Only the {side} volume has guiding landmarks; give their counterparts in the other one.")
    first, second = pair_landmarks(*sides)
    names = tuple(name or str(number) for number, name in enumerate(first.names, start=1))
    pairs = LandmarkPairs(first.points, second.points, names)
    inside, notes = np.ones(len(pairs), bool), []
    for side, points, volume in (("fixed", pairs.fixed, fixed), ("moving", pairs.moving, moving)):
        within = volume.contains(points)
        if not within.all():
            outside = ", ".join(pairs.chosen(~within).names)
            notes.append(f"Landmarks outside the {side} volume do not guide the registration: {outside}.")
        inside &= within
    if not inside.any():
        raise InputError("No landmark lies within both volumes; check that both lists belong to these volumes.")
    return pairs.chosen(inside), notes


def _points(guidance: Guidance) -> Tuple[Optional[PointList], Optional[PointList]]:
    return guidance.fixed_landmarks, guidance.moving_landmarks


def _region(region: Optional[Labels], volume: Grid, what: str) -> Tuple[Optional[StructureMasks], List[str]]:
    """The structures of a region; None where none of them reaches into the volume."""
    if region is None:
        return None, []
    masks = as_structures(region, f"The {what}")
    if not masks.structures:
        return None, [f"The {what} is empty: every voxel is 0."]
    inside = _on_volume(masks, volume)
    if not inside.any():
        return None, [f"The {what} lies outside the volume and is left out."]
    if inside.all():
        raise InputError(f"The {what} covers the whole volume, so that nothing is left beside it; mark a part of it.")
    return masks, list(masks.notes)


def _on_volume(masks: StructureMasks, volume: Grid) -> np.ndarray:
    return masks.warped(sitk.Transform(3, sitk.sitkIdentity), volume).marked()


def unmet(landmarks: Optional[LandmarkPairs], transform: sitk.Transform, tolerance: float) -> List[str]:
    """A sentence about landmarks that a transform from fixed to moving points misses by more than `tolerance` mm."""
    if landmarks is None:
        return []
    errors = target_registration_errors(landmarks.fixed, landmarks.moving, transform)
    missed = ", ".join(
        f"{name} ({number_text(error, 1)} mm)" for name, error in zip(landmarks.names, errors) if error > tolerance
    )
    if not missed:
        return []
    return [f"Guiding landmarks that are missed, because nothing may fold and rigid regions may not bend: {missed}."]
