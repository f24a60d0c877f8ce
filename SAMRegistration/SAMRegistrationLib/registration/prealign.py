"""Rigid and affine alignment before the deformation: mutual information from several starting points."""

from dataclasses import dataclass, replace
from typing import Callable, List, Optional, Tuple

import numpy as np
import SimpleITK as sitk

from ..errors import SAMRegistrationError
from ..geometry.grid import Grid
from ..geometry.linear import in_units_of, inverted, of_units
from ..job import Job
from ..metrics import dice, target_registration_errors
from ..volumes import Labels, StructureMasks, as_structures
from .coverage import SMALLEST_SHARE, WAYS_OUT, covered_share
from .starts import Start, intensity_starts, landmark_start, mask_starts, tell_rotation

DEPARTURE = 0.02  # share of the diagonal of the fixed volume by which an alignment may miss landmarks more than need be
BINS = 32  # of the histogram of mutual information, which is ln 32 = 3.5 nats at most
COARSE_SAMPLES = 3_000  # voxels that the optimization of a start looks at
FINE_SAMPLES = 10_000  # voxels that the last optimization looks at
KEPT_STARTS = 3  # that are optimized, and as many again of those that keep the patient's axes
LARGEST = 12_000_000  # voxels; larger volumes are aligned at half the resolution
REORIENTING_HANDICAP = 0.1  # nats, and share of its own mutual information, by which a reorienting start must be ahead
DICE_WEIGHT = 10.0  # nats that a mean Dice of 1 counts for, above the largest mutual information: masks decide first
FEWEST_FOR_GRADIENT_FILTER = 4  # voxels along every axis that ITK's recursive Gaussian needs
APART = ("map outside", "mapped to outside", "too many samples", "no valid points", "joint pdf")  # of ITK's messages
LEAST_KEPT = 0.9  # share of the mutual information below which an affine stage has gone astray
MASKS_LOSE = 0.02  # of the mean Dice of masks, by which a stage may lower it
SHORTER = 0.25  # of the step, with which such a stage is tried again


@dataclass(frozen=True)
class Prealignment:
    """A linear transform from fixed to moving points (LPS mm), where it started, and its mutual information."""

    transform: sitk.Transform
    start: str
    mutual_information: float


def prealign(
    fixed: sitk.Image,
    moving: sitk.Image,
    fixed_masks: Optional[Labels] = None,
    moving_masks: Optional[Labels] = None,
    kind: str = "affine",
    job: Optional[Job] = None,
    landmarks: Optional[Tuple[np.ndarray, np.ndarray]] = None,
) -> Prealignment:
    """Find the linear transform that maps fixed points to moving points.

    Starting points are the physical coordinates as they are, the centers of the volumes, their centers of mass, their
    principal axes and, where both sides have masks, the centroids of the shared structures. Landmarks give another one;
    where they tell the rotation as well, the only one, to which a straying alignment returns. The best by mutual
    information are optimized as rigid transforms at a coarse resolution, the best of those becomes affine at full
    resolution, which for volumes of more than LARGEST voxels is a coarser one too. An affine stage that loses mutual
    information went astray: it is tried again with shorter steps, and where it loses again, it is not used.

    Lengths are measured in the unit that suits the fixed volume (:attr:`.Grid.length_unit`), so that the size of the
    voxels does not matter. Mutual information is sampled in the fixed volume; where that is much larger than the moving
    one, both change places.

    Args:
        fixed, moving: float volumes with intensities in [0, 1].
        fixed_masks, moving_masks: label images (0 is background) or structures that may overlap, with the same numbers
            for the same structures.
        kind: "affine", "rigid", or "none" for the identity.
        landmarks: corresponding points (N, 3) of both volumes, LPS mm.

    Raises:
        SAMRegistrationError: no starting point leads to volumes that overlap.
        Canceled: through `job`.
    """
    if kind == "none":
        return Prealignment(sitk.AffineTransform(3), "identity", float("nan"))
    fixed_masks = None if fixed_masks is None else as_structures(fixed_masks, "The fixed label image")
    moving_masks = None if moving_masks is None else as_structures(moving_masks, "The moving label image")
    unit = Grid.of(fixed).length_unit
    fixed, moving = (in_units_of(image, unit) for image in (fixed, moving))
    fixed_masks, moving_masks = (
        None if masks is None else masks.with_layers(lambda layer: in_units_of(layer, unit))
        for masks in (fixed_masks, moving_masks)
    )
    pair, masks = [_at_right_angles(image) for image in (fixed, moving)], (fixed_masks, moving_masks)
    points = None if landmarks is None else tuple(side / unit for side in landmarks)
    if Grid.of(moving).volume < SMALLEST_SHARE * Grid.of(fixed).volume:
        found = _found(*pair[::-1], *masks[::-1], kind, job or Job(), points and points[::-1])
        found = replace(found, transform=inverted(found.transform))
    else:
        found = _found(*pair, *masks, kind, job or Job(), points)
    found = _near_landmarks(found, points, _diagonal(fixed))
    return replace(found, transform=of_units(found.transform, unit))


def _found(fixed, moving, fixed_masks, moving_masks, kind: str, job: Job, landmarks=None) -> Prealignment:
    """The alignment of volumes in units that suit the optimizer, of which the fixed one is not much the larger."""
    fixed, moving = _limited(fixed), _limited(moving)
    coarse_fixed, coarse_moving = _coarse(fixed), _coarse(moving)
    starts = _starts(coarse_fixed, coarse_moving, fixed_masks, moving_masks, landmarks)
    candidates, grids = [], (Grid.of(fixed), Grid.of(moving))
    chosen = _most_promising(starts, coarse_fixed, coarse_moving)
    for index, start in enumerate(chosen):
        job.update(0.6 * index / len(chosen), "Aligning: rigid")
        transform = sitk.Euler3DTransform(start.transform)
        quality = _optimize(coarse_fixed, coarse_moving, transform, 40, COARSE_SAMPLES, 1.0, job)
        if quality is not None and _parts_masks(transform, start.transform, fixed_masks, moving_masks):
            transform = sitk.Euler3DTransform(start.transform)
            quality = _evaluate(coarse_fixed, coarse_moving, transform)
        if quality is not None and covered_share(*grids, transform) >= SMALLEST_SHARE:
            score = _score(quality, transform, fixed_masks, moving_masks)
            score -= REORIENTING_HANDICAP * max(quality, 1.0) if start.reorients else 0
            candidates.append((score, quality, start.name, transform))
    if not candidates:
        raise SAMRegistrationError(f"The volumes could not be brought to overlap; {WAYS_OUT}.")
    _, quality, name, transform = max(candidates, key=lambda candidate: candidate[0])
    if kind == "rigid":
        job.update(0.6, "Aligning: rigid, fine")
        refined = sitk.Euler3DTransform(transform)
        reached = _optimize(fixed, moving, refined, 30, FINE_SAMPLES, 0.5, job)
        if reached is None or _parts_masks(refined, transform, fixed_masks, moving_masks):
            return Prealignment(transform, name, quality)
        return Prealignment(refined, name, reached)
    affine = _affine(transform)
    for part, stage_fixed, stage_moving, iterations, samples, step in (
        (0.6, coarse_fixed, coarse_moving, 40, COARSE_SAMPLES, 1.0),
        (0.8, fixed, moving, 30, FINE_SAMPLES, 0.5),
    ):
        job.update(part, "Aligning: affine")
        started = _evaluate(stage_fixed, stage_moving, affine, samples) or 0.0
        for length in (step, SHORTER * step):
            refined = sitk.AffineTransform(affine)
            reached = _optimize(stage_fixed, stage_moving, refined, iterations, samples, length, job)
            kept = reached is not None and reached >= LEAST_KEPT * started and _plausible(refined)
            if kept and not _parts_masks(refined, affine, fixed_masks, moving_masks):
                affine, quality = refined, reached
                break
    return Prealignment(affine, name, quality)


def _near_landmarks(found: Prealignment, landmarks, diagonal: float) -> Prealignment:
    """The alignment, or that of landmarks which tell the rotation, where it misses them by DEPARTURE more."""
    if landmarks is None or not tell_rotation(landmarks[0], diagonal):
        return found
    told = landmark_start(*landmarks, with_rotation=True)
    errors = [target_registration_errors(*landmarks, each.transform).mean() for each in (found, told)]
    if errors[0] <= errors[1] + DEPARTURE * diagonal:
        return found
    return Prealignment(_affine(told.transform), "landmarks alone", float("nan"))


def _diagonal(image: sitk.Image) -> float:
    return float(np.linalg.norm(np.multiply(image.GetSize(), image.GetSpacing())))


def _starts(fixed, moving, fixed_masks, moving_masks, landmarks) -> List[Start]:
    starts = intensity_starts(fixed, moving) + mask_starts(fixed_masks, moving_masks)
    if landmarks is None:
        return starts
    if tell_rotation(landmarks[0], _diagonal(fixed)):
        return [landmark_start(*landmarks, with_rotation=True)]
    return [*starts, landmark_start(*landmarks, with_rotation=False)]


def _at_right_angles(image: sitk.Image) -> sitk.Image:
    """The image, or where its axes are sheared, which ITK's gradients and filters do not expect, one that has it."""
    grid = Grid.of(image)
    if grid.is_orthogonal:
        return image
    identity = sitk.Transform(3, sitk.sitkIdentity)
    return sitk.Resample(image, grid.orthogonal().empty_image(), identity, sitk.sitkLinear, 0.0, sitk.sitkFloat32)


def _limited(image: sitk.Image) -> sitk.Image:
    """The image, or a coarser one where it has more than LARGEST voxels."""
    for _ in range(3):
        image = _coarse(image) if image.GetNumberOfPixels() > LARGEST else image
    return image


def _coarse(image: sitk.Image) -> sitk.Image:
    """At most half the resolution, with voxels as even as the sizes allow and at least 4 of them along each axis."""
    spacing = np.asarray(image.GetSpacing())
    target = 2 * spacing.min()
    factors = [int(max(1, min(round(target / s), n // 4))) for s, n in zip(spacing, image.GetSize())]
    smoothed = image
    for axis, factor in enumerate(factors):
        if factor > 1:
            smoothed = sitk.RecursiveGaussian(
                smoothed, 0.5 * factor * spacing[axis], False, sitk.RecursiveGaussianImageFilter.ZeroOrder, axis
            )
    return sitk.Shrink(smoothed, factors)


def _most_promising(starts: List[Start], fixed: sitk.Image, moving: sitk.Image) -> List[Start]:
    """The starts to optimize: those from masks first, then by mutual information."""
    rated = [(_evaluate(fixed, moving, start.transform), start) for start in starts]
    rated = [(quality, start) for quality, start in rated if quality is not None]
    ranked = [start for quality, start in sorted(rated, key=lambda pair: (not pair[1].from_masks, -pair[0]))]
    keeping_axes = [start for start in ranked if not start.reorients]
    kept = {start.name for start in (*ranked[:KEPT_STARTS], *keeping_axes[:KEPT_STARTS])}
    return [start for start in ranked if start.name in kept]


def _score(quality: float, transform: sitk.Transform, fixed_masks, moving_masks) -> float:
    """Mutual information, and before it the Dice of the structures where both sides have some."""
    if fixed_masks is None or moving_masks is None:
        return quality
    return quality + DICE_WEIGHT * _mean_dice(transform, fixed_masks, moving_masks)


def _parts_masks(transform: sitk.Transform, before: sitk.Transform, fixed_masks, moving_masks) -> bool:
    """Whether a transform brings structures farther apart than the one before it."""
    if fixed_masks is None or moving_masks is None:
        return False
    overlaps = (_mean_dice(each, fixed_masks, moving_masks) for each in (transform, before))
    return next(overlaps) < next(overlaps) - MASKS_LOSE


def _mean_dice(transform: sitk.Transform, fixed_masks: StructureMasks, moving_masks: StructureMasks) -> float:
    """Mean Dice of the structures that both sides have; 0 without any."""
    scores = dice(fixed_masks, moving_masks.warped(transform, fixed_masks.grid))
    shared = set(fixed_masks.labels) & set(moving_masks.labels)
    return float(np.mean([scores[label] for label in sorted(shared)])) if shared else 0.0


def _method(fixed: sitk.Image, samples: int) -> sitk.ImageRegistrationMethod:
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(BINS)
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentage(min(1.0, samples / fixed.GetNumberOfPixels()), 1)
    method.SetInterpolator(sitk.sitkLinear)
    return method


def _evaluate(
    fixed: sitk.Image, moving: sitk.Image, transform: sitk.Transform, samples: int = COARSE_SAMPLES
) -> Optional[float]:
    """Mutual information at a transform; None where too little of the volumes overlaps to tell."""
    if covered_share(Grid.of(fixed), Grid.of(moving), transform) < SMALLEST_SHARE:
        return None
    method = _method(fixed, samples)
    method.MetricUseMovingImageGradientFilterOff()  # only the optimizer needs gradients
    method.SetInitialTransform(transform)
    return _unless_apart(lambda: -method.MetricEvaluate(fixed, moving))


def _optimize(fixed, moving, transform, iterations, samples, step, job) -> Optional[float]:
    """Optimize `transform` in place; the mutual information reached, or None where the volumes drift apart."""
    method = _method(fixed, samples)
    method.SetOptimizerAsRegularStepGradientDescent(step, 0.02 * step, iterations, relaxationFactor=0.6)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(transform, inPlace=True)
    method.AddCommand(sitk.sitkIterationEvent, lambda: job.canceled and method.StopRegistration())
    if min(moving.GetSize()) < FEWEST_FOR_GRADIENT_FILTER:
        method.MetricUseMovingImageGradientFilterOff()

    def run() -> float:
        method.Execute(fixed, moving)
        return -method.GetMetricValue()

    reached = _unless_apart(run)
    job.check()
    return reached


def _unless_apart(work: Callable[[], float]) -> Optional[float]:
    """The mutual information that `work` gives, or None where ITK says that too few samples have a partner."""
    try:
        return work()
    except RuntimeError as error:
        if any(part in str(error).lower() for part in APART):
            return None
        raise


def _plausible(affine: sitk.AffineTransform) -> bool:
    """No mirror image, and no axis stretched or squeezed by more than a factor of two."""
    matrix = np.asarray(affine.GetMatrix()).reshape(3, 3)
    stretches = np.linalg.svd(matrix, compute_uv=False)
    return np.linalg.det(matrix) > 0 and stretches.max() < 2 and stretches.min() > 0.5


def _affine(rigid: sitk.Euler3DTransform) -> sitk.AffineTransform:
    affine = sitk.AffineTransform(3)
    affine.SetCenter(rigid.GetCenter())
    affine.SetMatrix(rigid.GetMatrix())
    affine.SetTranslation(rigid.GetTranslation())
    return affine
