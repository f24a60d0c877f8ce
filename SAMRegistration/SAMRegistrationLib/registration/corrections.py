"""What a user corrects after having looked at a result, and how far that reaches."""

from dataclasses import dataclass, field
from typing import List, Optional, Tuple

import numpy as np
import SimpleITK as sitk

from ..geometry.grid import Grid
from ..volumes import Labels, StructureMasks, as_structures, with_numbers_of
from .guidance import Guidance
from .working import fitting

REACH = 30.0  # units of length of the fixed volume: beyond it nothing changes
FULL = 12.0  # up to which a correction is followed without being held back
LARGEST_COMPARED = 1_000_000  # voxels on which masks are compared with former ones
IDENTITY = sitk.Transform(3, sitk.sitkIdentity)


@dataclass(frozen=True)
class Corrections:
    """What a result shall be changed by; each can be left out.

    Attributes:
        guidance: landmarks, those that the result meets already included: they stay met. Regions to be ignored do not
            pull, and rigid regions are left where they are.
        fixed_masks, moving_masks: the masks as they are now, on any grids.
        former_fixed_masks, former_moving_masks: the masks that the result was made with; the result changes around what
            differs. Without both of them it changes around all that the masks say otherwise than the result.
    """

    guidance: Guidance = field(default_factory=Guidance)
    fixed_masks: Optional[Labels] = None
    moving_masks: Optional[Labels] = None
    former_fixed_masks: Optional[Labels] = None
    former_moving_masks: Optional[Labels] = None


@dataclass(frozen=True)
class Places:
    """Where corrections are, in fixed space.

    Attributes:
        points: (N, 3), LPS mm.
        changed: a mask of what changed; None without any.
    """

    points: np.ndarray
    changed: Optional[sitk.Image] = None

    @property
    def outermost(self) -> np.ndarray:
        """Points (M, 3), LPS mm, whose box holds all places; none where nothing is to be corrected."""
        found = [self.points]
        if self.changed is not None:
            marked = np.argwhere(sitk.GetArrayViewFromImage(self.changed))[:, ::-1]
            found.append(Grid.of(self.changed).index_to_physical(marked))
        return np.concatenate(found)

    def distance(self, grid: Grid) -> np.ndarray:
        """How far the voxels of `grid` are from the nearest place, mm, (D, H, W)."""
        nearest = np.full(grid.shape, np.inf, np.float32)
        if self.changed is not None:
            marked = sitk.Resample(self.changed, grid.empty_image(), IDENTITY, sitk.sitkNearestNeighbor, 0)
            if sitk.GetArrayViewFromImage(marked).any():
                outside = sitk.SignedMaurerDistanceMap(marked, False, False, True)
                nearest = np.maximum(sitk.GetArrayFromImage(outside), 0).astype(np.float32)
        for point in (grid.physical_to_index(self.points) * grid.spacing)[:, ::-1]:
            squares = [
                (np.arange(n) * step - at) ** 2 for n, step, at in zip(grid.shape, grid.spacing[::-1], point.tolist())
            ]
            away = np.sqrt(squares[0][:, None, None] + squares[1][None, :, None] + squares[2][None, None, :])
            nearest = np.minimum(nearest, away.astype(np.float32))
        return nearest


def along(starts: np.ndarray, ends: np.ndarray, step: float) -> np.ndarray:
    """Points on the straight lines from `starts` to `ends` (N, 3), at most `step` mm apart."""
    found: List[np.ndarray] = [np.zeros((0, 3))]
    for start, end in zip(starts, ends):
        count = 2 + int(np.linalg.norm(end - start) / step)
        found.append(start + np.linspace(0, 1, count)[:, None] * (end - start))
    return np.concatenate(found)


def changed_region(
    corrections: Corrections, transform: sitk.Transform, volume: Grid
) -> Tuple[Optional[sitk.Image], Optional[StructureMasks], Optional[StructureMasks]]:
    """Where masks ask for a change, as a mask in fixed space, and the masks, the same number for the same structure.

    Args:
        transform: of the result, fixed to moving points.
        volume: the grid of the fixed volume.

    Returns:
        (region, fixed masks, moving masks); the region is None where nothing changed or masks are missing.
    """
    if corrections.fixed_masks is None or corrections.moving_masks is None:
        return None, None, None
    fixed = as_structures(corrections.fixed_masks, "The fixed label image")
    moving, _ = with_numbers_of(fixed, as_structures(corrections.moving_masks, "The moving label image"))
    grid = fitting(volume.orthogonal(), LARGEST_COMPARED)
    former = [
        None if masks is None else with_numbers_of(fixed, as_structures(masks, f"The former {side} label image"))[0]
        for side, masks in (("fixed", corrections.former_fixed_masks), ("moving", corrections.former_moving_masks))
    ]
    region = np.zeros(grid.shape, bool)
    shared = set(fixed.labels) & set(moving.labels)
    if former == [None, None]:
        pairs = [((fixed, IDENTITY), (moving, transform))]
    else:
        pairs = [
            ((now, mapping), (then, mapping))
            for now, then, mapping in zip((fixed, moving), former, (IDENTITY, transform))
            if then is not None
        ]
    for first, second in pairs:
        sides = [masks.warped(mapping, grid) for masks, mapping in (first, second)]
        for label in shared:
            region |= sides[0].inside(label) != sides[1].inside(label)
    if former == [None, None]:  # borders that are a voxel apart are as near as masks can tell
        region = sitk.GetArrayFromImage(sitk.BinaryErode(sitk.GetImageFromArray(region.astype(np.uint8)), [1] * 3)) > 0
    return (grid.image(region.astype(np.uint8)) if region.any() else None), fixed, moving
