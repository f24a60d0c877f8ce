"""A result that is corrected where it is wrong, without starting over.

The corrected transform is ``x -> T(phi(x))``: the earlier transform T after a flow phi that is the identity beyond a
distance of the corrections. So what was right stays, to the last digit, and T may come from anywhere. The flow is found
as a registration is, from fine levels on, in a window around the corrections, between the fixed volume and the moving
one as T shows it.
"""

from dataclasses import replace
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import numpy as np
import SimpleITK as sitk
import torch

from ..choices import AUTO
from ..environment import choose_device
from ..errors import InputError
from ..geometry import dense
from ..geometry.dense import resize_field
from ..geometry.grid import Grid
from ..geometry.invert import inverse_of
from ..geometry.transforms import (
    displacement_image,
    flow_transforms,
    parts_of,
    transform_points,
    voxel_displacement,
)
from ..job import Job
from ..losses.similarity import SIMILARITIES, default_similarity
from ..metrics import mask_dice, target_registration_errors
from ..quantities import number_text
from ..system_errors import translated
from ..volumes import check_volume, guess_modality, without_nan
from .clock import Clock
from .corrections import FULL, REACH, Corrections, Places, along, changed_region
from .guidance import Guides, LandmarkPairs, checked
from .ignoring import filled, heeded
from .image_term import image_term
from .joining import first_grid, joined, joined_inverse, takes_up
from .landmark_guide import LandmarkGuide
from .local_hold import LocalHold
from .mask_channels import shared_structures
from .options import RegistrationOptions
from .prepare import prepare
from .refine import RefineOptions, level_shape, refine
from .result import OF_ONE_SOLUTION, RegistrationResult
from .stiffness import stiffened
from .terms import MaskTerm
from .unfold import unfolded
from .working import field_of_view, fitting, on_grid

LEVELS = ((4, 12), (2, 16), (1, 8))
LARGEST_WINDOW = 300_000  # voxels
LARGEST_FLOW = 80_000  # voxels of the grid of the velocity
UNMET = 0.5  # voxels of the fixed volume by which a landmark is missed that counts as a place of correction
NEAR_ENOUGH = 0.1  # voxels of the window, to which landmarks are met
AIMS = 3  # rounds in which the landmarks are aimed at where the stored field misses them
WEAKENINGS = 6  # of a flow that would fold the earlier transform
IDENTITY = sitk.Transform(3, sitk.sitkIdentity)


def update(
    earlier: RegistrationResult,
    corrections: Corrections,
    options: Optional[RegistrationOptions] = None,
    job: Optional[Job] = None,
) -> RegistrationResult:
    """Correct a result; it is not changed, and neither are the volumes.

    Args:
        earlier: from :func:`.pipeline.register`, from an earlier update, or of a transform file: :func:`result_of`.
        options: of which device, stiffness, similarity and modalities count, as far as the earlier result does not say.

    Returns:
        The corrected result, whose fact "update" says the error (mm) of each landmark and the Dice of each changed
        structure before and after, and by how many mm at most the displacement changed beyond the reach.

    Raises:
        InputError: a correction cannot be used, or there is nothing to correct.
        Canceled: through `job`.

    Example:
        >>> from SAMRegistrationLib.points import PointList
        >>> from SAMRegistrationLib.registration import Guidance
        >>> fixed = sitk.GaussianSource(size=[64] * 3, sigma=[6] * 3, mean=[30.0, 32.0, 32.0])
        >>> moving = sitk.GaussianSource(size=[64] * 3, sigma=[6] * 3, mean=[32.0, 32.0, 32.0])
        >>> earlier = result_of(sitk.Transform(3, sitk.sitkIdentity), fixed, moving)
        >>> pair = Guidance(PointList([[30.0, 32.0, 32.0]]), PointList([[32.0, 32.0, 32.0]]))
        >>> result = update(earlier, Corrections(pair))
        >>> [round(x) for x in result.transform.TransformPoint((30.0, 32.0, 32.0))]
        [32, 32, 32]
    """
    options, job = options or RegistrationOptions(), job or Job()
    guides = checked(corrections.guidance, Grid.of(earlier.fixed), Grid.of(earlier.moving))
    device = choose_device(options.device)
    with translated("The update"):
        return _Update(earlier, corrections, guides, options, device, job).result()


def result_of(
    transform: sitk.Transform,
    fixed: sitk.Image,
    moving: sitk.Image,
    inverse: Optional[sitk.Transform] = None,
    linear: Optional[sitk.Transform] = None,
) -> RegistrationResult:
    """A transform (fixed to moving points, LPS mm) of any origin as a result that can be corrected.

    Args:
        inverse: None finds it.
        linear: the part of the transform that is a pre-alignment; None takes its linear parts.

    Raises:
        InputError: a volume cannot be used, or the transform has no inverse.
    """
    check_volume(fixed, "The fixed volume")
    check_volume(moving, "The moving volume")
    if linear is None:
        straight = [part for part in parts_of(transform) if part.IsLinear()]
        linear = sitk.CompositeTransform(straight) if straight else IDENTITY
    inverse = inverse_of(transform) if inverse is None else inverse
    return RegistrationResult(transform, inverse, linear, without_nan(fixed), without_nan(moving))


class _Joined(NamedTuple):
    """A flow after the earlier transform, in both directions."""

    transform: sitk.Transform
    inverse: sitk.Transform


class _Update:
    def __init__(self, earlier, corrections, guides: Guides, options, device, job: Job):
        self._earlier, self._corrections, self._guides = earlier, corrections, guides
        self._options, self._device, self._job = options, device, job
        self._volume = Grid.of(earlier.fixed)
        unit = self._volume.length_unit
        self._reach, self._full = REACH * unit, FULL * unit
        self._clock = Clock()

    def result(self) -> RegistrationResult:
        earlier, job = self._earlier, self._job
        with self._clock.stage("prepare"):
            job.update(0.0, "Preparing")
            places = self._places()
            window = self._window(places)
            grid = fitting(window.with_spacing(self._finest(window)), LARGEST_WINDOW)
            own = fitting(window.with_size(level_shape(grid.shape, grid.spacing[::-1], 2)[::-1]), LARGEST_FLOW)
            hold = self._hold(places, grid)
            terms, notes = self._terms(grid)
        with self._clock.stage("refine"):
            steps = stiffened(RefineOptions(LEVELS, narrow_steps=0), self._options.stiffness)
            frame = (grid.shape, grid.spacing[::-1], steps)
            velocity = refine(*terms, *frame, None, self._device, job.part(0.2, 0.8), hold).cpu()
            velocity = hold.limited(unfolded(resize_field(velocity, own.shape), own))
        with self._clock.stage("finish"):
            job.update(0.85, "Following the guides")
            found = self._aimed(velocity, hold, own, grid)
            facts = self._said(found, places, window)
        job.update(1.0, "Done")
        kept = {name: fact for name, fact in earlier.facts.items() if name not in OF_ONE_SOLUTION}
        facts = {**kept, "update": facts}
        seconds = {f"update: {stage}": spent for stage, spent in self._clock.seconds.items()}
        result = replace(
            earlier,
            transform=found.transform,
            inverse=found.inverse,
            facts=facts,
            seconds=seconds,
            notes=[],
            disagreement=None,
        )
        return result.with_notes([*self._guides.notes, *notes, *self._missed(facts["update"])])

    # --- where

    def _places(self) -> Places:
        """Where something is to be corrected.

        Raises:
            InputError: nowhere.
        """
        pairs, points = self._guides.landmarks, np.zeros((0, 3))
        if pairs is not None:
            self._targets = transform_points(self._earlier.inverse, pairs.moving)
            errors = target_registration_errors(pairs.fixed, pairs.moving, self._earlier.transform)
            unmet = errors > UNMET * min(self._volume.spacing)
            points = along(pairs.fixed[unmet], self._targets[unmet], self._full / 2)
        region, self._fixed_masks, self._moving_masks = changed_region(
            self._corrections, self._earlier.transform, self._volume, not len(points)
        )
        if region is None and not len(points):
            raise InputError("There is nothing to correct: the result meets all landmarks, and no mask was changed.")
        return Places(points, region)

    def _window(self, places: Places) -> Grid:
        """The part of the earlier field, or else of the space of the fixed volume, that corrections reach."""
        grid = first_grid(self._earlier.transform, self._volume.orthogonal())
        index = grid.physical_to_index(places.outermost)
        margin = self._reach / np.asarray(grid.spacing) + 2
        start, stop = np.floor(index.min(0) - margin).astype(int), np.ceil(index.max(0) + margin).astype(int) + 1
        if grid.contains(places.outermost).all() and takes_up(self._earlier.transform, grid):
            start, stop = np.maximum(start, 0), np.minimum(stop, grid.size)
        return grid.crop(start.tolist(), (stop - start).tolist())

    def _finest(self, window: Grid) -> np.ndarray:
        """The spacing of the fixed volume along the axes of the window, mm."""
        turned = np.abs(np.reshape(window.direction, (3, 3)).T @ self._volume.axes)
        return turned.max(axis=1)

    # --- what pulls and what holds

    def _hold(self, places: Places, grid: Grid) -> LocalHold:
        still = np.ones(grid.shape, bool)
        still[1:-1, 1:-1, 1:-1] = False
        if self._guides.rigid is not None:
            still |= self._guides.rigid.warped(IDENTITY, grid).marked()
        distance = places.distance(grid)
        self._inside = self._pairs_in(grid)
        guide = None
        if self._inside is not None:
            pairs, targets = self._inside
            guide = self._guide(pairs, targets, grid)
        return LocalHold(distance, still, self._full, self._reach, guide)

    def _guide(self, pairs: LandmarkPairs, targets: np.ndarray, grid: Grid) -> LandmarkGuide:
        return LandmarkGuide(pairs.fixed, targets, grid, self._options.stiffness, NEAR_ENOUGH)

    def _pairs_in(self, grid: Grid) -> Optional[Tuple[LandmarkPairs, np.ndarray]]:
        """The landmarks in the window, and where the flow has to bring them."""
        pairs = self._guides.landmarks
        if pairs is None:
            return None
        inside = grid.contains(pairs.fixed) & grid.contains(self._targets)
        return (pairs.chosen(inside), self._targets[inside]) if inside.any() else None

    def _terms(self, grid: Grid):
        """The terms of images and masks on `grid`, and sentences about what is left out."""
        earlier, options, guides = self._earlier, self._options, self._guides
        mappings = (IDENTITY, earlier.transform)
        parts = [
            _cut(filled_part, mapping, grid) for filled_part, mapping in zip((earlier.fixed, earlier.moving), mappings)
        ]
        parts = [filled(part, region) for part, region in zip(parts, guides.ignored)]
        kinds = [self._modality(*side) for side in zip(("fixed", "moving"), (earlier.fixed, earlier.moving))]
        similarity = options.similarity
        if similarity == AUTO:
            similarity = earlier.facts.get("similarity") or default_similarity(kinds[0] == kinds[1])
        chosen = replace(options, fixed_modality=kinds[0], moving_modality=kinds[1], similarity=similarity)
        units = prepare(*parts, chosen, self._job).units
        images = [on_grid(unit, grid, mapping) for unit, mapping in zip(units, mappings)]
        volumes = (self._volume, Grid.of(earlier.moving))
        covered = [field_of_view(volume, grid, mapping) for volume, mapping in zip(volumes, mappings)]
        ignored = [heeded(region, grid, mapping) for region, mapping in zip(guides.ignored, mappings)]
        weights = [_both(*sides) for sides in zip(covered, ignored)]
        on = [None if part is None else part.to(self._device) for part in (*images, *weights)]
        same_scale = bool(earlier.facts.get("same_scale", False))
        images_term = image_term(SIMILARITIES[similarity], same_scale, *on)
        self._structures, _ = shared_structures(
            self._fixed_masks, self._moving_masks, self._volume, Grid.of(earlier.moving), grid, earlier.transform
        )
        if self._structures is None:
            return (images_term, None), []
        masks = [mask.to(self._device) for mask in (self._structures.fixed, self._structures.moving)]
        away = [None if part is None else part.to(self._device) for part in ignored]
        return (images_term, MaskTerm(*masks, *away)), []

    def _modality(self, side: str, volume: sitk.Image) -> str:
        said = getattr(self._options, f"{side}_modality")
        return said or self._earlier.facts.get(f"{side}_modality") or guess_modality(volume)

    # --- the result

    def _aimed(self, velocity: torch.Tensor, hold: LocalHold, own: Grid, grid: Grid) -> _Joined:
        """The flow joined with the earlier transform, aimed again where the field that results misses landmarks."""
        best, least = None, np.inf
        for _ in range(AIMS):
            velocity = hold.settle(velocity)
            found = self._without_folds(velocity, own, grid)
            if self._inside is None:
                return found
            pairs, targets = self._inside
            errors = target_registration_errors(pairs.fixed, pairs.moving, found.transform)
            if errors.max() < least:
                best, least = found, errors.max()
            if least <= NEAR_ENOUGH * min(grid.spacing):
                break
            reached = transform_points(self._earlier.inverse, transform_points(found.transform, pairs.fixed))
            meant = transform_points(self._earlier.inverse, pairs.moving)
            targets = targets + meant - reached
            self._inside = pairs, targets
            hold.landmarks = self._guide(pairs, targets, grid)
        return best

    def _without_folds(self, velocity: torch.Tensor, own: Grid, grid: Grid) -> _Joined:
        """The flow joined with the earlier transform, weakened as far as it takes that no fold is added."""
        folded = _folds(self._earlier.transform, grid)
        for _ in range(WEAKENINGS):
            flow, back = flow_transforms(velocity, own)
            transform = joined(self._earlier.transform, flow)
            if _folds(transform, grid) <= folded:
                break
            velocity = velocity * 0.8
        return _Joined(transform, joined_inverse(self._earlier.inverse, back, self._earlier.transform))

    def _said(self, found: _Joined, places: Places, window: Grid) -> Dict[str, Any]:
        """What came of the update, for the facts of the result."""
        said: Dict[str, Any] = {"reach_mm": self._reach}
        pairs = self._guides.landmarks
        if pairs is not None:
            before, after = (
                target_registration_errors(pairs.fixed, pairs.moving, transform).tolist()
                for transform in (self._earlier.transform, found.transform)
            )
            said["landmarks"] = [
                {"name": name, "before_mm": first, "after_mm": then}
                for name, first, then in zip(pairs.names, before, after)
            ]
        grid = fitting(window, LARGEST_FLOW)
        fields = [displacement_image(each, grid) for each in (self._earlier.transform, found.transform)]
        change = np.linalg.norm(np.subtract(*map(sitk.GetArrayViewFromImage, fields)), axis=3)
        outside = places.distance(grid) > self._reach
        said["largest_change_mm"] = float(change.max())
        said["largest_change_elsewhere_mm"] = float(change[outside].max()) if outside.any() else 0.0
        if self._structures is not None:
            said["structures"] = self._overlaps(found.transform, grid)
        return said

    def _overlaps(self, transform: sitk.Transform, grid: Grid) -> List[Dict[str, Any]]:
        """The Dice in the window of every structure that guided, before and after."""
        fixed = self._fixed_masks.warped(IDENTITY, grid)
        warped = [self._moving_masks.warped(mapping, grid) for mapping in (self._earlier.transform, transform)]
        rows = []
        for label, title in zip(self._structures.labels, self._structures.titles):
            before, after = (float(mask_dice(fixed.inside(label), moving.inside(label))) for moving in warped)
            rows.append({"name": str(title), "dice_before": before, "dice_after": after})
        return rows

    def _missed(self, said: Dict[str, Any]) -> List[str]:
        tolerance = max(self._volume.spacing)
        missed = ", ".join(
            f"{row['name']} ({number_text(row['after_mm'], 1)} mm)"
            for row in said.get("landmarks", ())
            if row["after_mm"] > tolerance
        )
        if not missed:
            return []
        return [f"Landmarks that are missed, because nothing may fold and rigid regions may not move: {missed}."]


def _cut(image: sitk.Image, mapping: sitk.Transform, grid: Grid) -> sitk.Image:
    """The part of a volume that `mapping` shows on `grid`, with a margin."""
    own = Grid.of(image)
    index = np.stack(np.meshgrid(*(np.linspace(0, n - 1, 9) for n in grid.size), indexing="ij"), -1).reshape(-1, 3)
    reached = own.physical_to_index(transform_points(mapping, grid.index_to_physical(index)))
    margin = 4 + np.asarray(grid.size) / 8 * (max(grid.spacing) / min(own.spacing)) * 0.1
    start = np.clip(np.floor(reached.min(0) - margin).astype(int), 0, np.asarray(own.size) - 2)
    stop = np.clip(np.ceil(reached.max(0) + margin).astype(int) + 1, start + 2, own.size)
    return sitk.RegionOfInterest(image, (stop - start).tolist(), start.tolist())


def _folds(transform: sitk.Transform, grid: Grid) -> int:
    """How many voxels of `grid` a transform folds."""
    vectors = sitk.GetArrayFromImage(displacement_image(transform, grid))
    return int((dense.jacobian(voxel_displacement(vectors, grid)) <= 0).sum())


def _both(first: Optional[torch.Tensor], second: Optional[torch.Tensor]) -> Optional[torch.Tensor]:
    if first is None or second is None:
        return second if first is None else first
    return first * second
