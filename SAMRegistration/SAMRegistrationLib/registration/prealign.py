"""Rigid and affine alignment before the deformation: mutual information from several starting points."""

import itertools
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
import SimpleITK as sitk

from ..errors import InputError, SAMRegistrationError
from ..geometry.grid import Grid
from ..geometry.transforms import transform_points
from ..job import Job
from ..metrics import dice
from ..volumes import Labels, StructureMasks, as_structures

KINDS = ("none", "rigid", "affine")
BINS = 32
COARSE_SAMPLES = 3_000
FINE_SAMPLES = 10_000
KEPT_STARTS = 3
LARGEST = 12_000_000
SMALLEST_OVERLAP = 0.1
TURNED = "principal axes"
TURNED_HANDICAP = 0.1  # share of its mutual information by which a turned start must beat the others
ASTRAY = 0.5  # share of its mutual information below which an optimization that also parts structures has failed


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
) -> Prealignment:
    """Find the linear transform that maps fixed points to moving points.

    Starting points are the physical coordinates as they are, the centers of the volumes, their centers of mass, their
    principal axes and, where both sides have masks, the centroids of the shared structures. The best by mutual
    information are optimized as rigid transforms at a coarse resolution, the best of those becomes affine at full
    resolution, which for volumes of more than LARGEST voxels is a coarser one too. Where that loses half of the mutual
    information and takes shared structures apart, it went astray and is not followed.

    Args:
        fixed, moving: float volumes with intensities in [0, 1].
        fixed_masks, moving_masks: label images (0 is background) or structures that may overlap, with the same numbers
            for the same structures.
        kind: "affine", "rigid", or "none" for the identity.

    Raises:
        SAMRegistrationError: no starting point leads to volumes that overlap.
        Cancelled: through `job`.
    """
    job = job or Job()
    if kind == "none":
        return Prealignment(sitk.AffineTransform(3), "identity", float("nan"))
    fixed_masks = None if fixed_masks is None else as_structures(fixed_masks, "The fixed label image")
    moving_masks = None if moving_masks is None else as_structures(moving_masks, "The moving label image")
    fixed, moving = _limited(fixed), _limited(moving)
    coarse_fixed, coarse_moving = _coarse(fixed), _coarse(moving)
    starts = {**_intensity_starts(coarse_fixed, coarse_moving), **_mask_starts(fixed_masks, moving_masks)}
    candidates = []
    ranked = _ranked(starts, coarse_fixed, coarse_moving)
    for index, (name, start) in enumerate(ranked):
        job.update(0.6 * index / len(ranked), "Aligning: rigid")
        transform = sitk.Euler3DTransform(start)
        quality = _optimize(coarse_fixed, coarse_moving, transform, 40, COARSE_SAMPLES, 1.0, job)
        if quality is not None and overlap(Grid.of(fixed), Grid.of(moving), transform) >= SMALLEST_OVERLAP:
            score = _score(quality, transform, fixed_masks, moving_masks)
            score -= TURNED_HANDICAP * quality if name.startswith(TURNED) else 0
            candidates.append((score, quality, name, transform))
    if not candidates:
        raise SAMRegistrationError(
            "The volumes could not be brought to overlap; check that both show the same region, or give a transform."
        )
    _, quality, name, transform = max(candidates, key=lambda candidate: candidate[0])
    if kind == "rigid":
        job.update(0.6, "Aligning: rigid, fine")
        refined = sitk.Euler3DTransform(transform)
        quality = _optimize(fixed, moving, refined, 30, FINE_SAMPLES, 0.5, job) or quality
        return Prealignment(refined, name, quality)
    affine = _affine(transform)
    for part, stage_fixed, stage_moving, iterations, samples, step in (
        (0.6, coarse_fixed, coarse_moving, 40, COARSE_SAMPLES, 1.0),
        (0.8, fixed, moving, 30, FINE_SAMPLES, 0.5),
    ):
        job.update(part, "Aligning: affine")
        refined = sitk.AffineTransform(affine)
        reached = _optimize(stage_fixed, stage_moving, refined, iterations, samples, step, job)
        if reached is None or not _plausible(refined):
            continue
        if fixed_masks is not None and moving_masks is not None:
            started = _evaluate(stage_fixed, stage_moving, affine, samples) or 0.0
            if reached < ASTRAY * started and (
                _mask_overlap(refined, fixed_masks, moving_masks) < _mask_overlap(affine, fixed_masks, moving_masks)
            ):
                continue
        affine, quality = refined, reached
    return Prealignment(affine, name, quality)


def overlap(fixed: Grid, moving: Grid, transform: sitk.Transform) -> float:
    """Share of the fixed volume whose points land inside the moving volume."""
    steps = [np.linspace(0, n - 1, 9) for n in fixed.size]
    points = fixed.index_to_physical(np.stack(np.meshgrid(*steps, indexing="ij"), -1).reshape(-1, 3))
    return float(moving.contains(transform_points(transform, points)).mean())


def require_overlap(fixed: Grid, moving: Grid, transform: sitk.Transform) -> None:
    """Refuse volumes that do not meet in space.

    Raises:
        InputError: no point of the fixed volume lands inside the moving volume.
    """
    if overlap(fixed, moving, transform) == 0:
        raise InputError("The volumes do not overlap in space; switch the pre-alignment on or give another transform.")


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


def _intensity_starts(fixed: sitk.Image, moving: sitk.Image) -> Dict[str, sitk.Euler3DTransform]:
    fixed_grid, moving_grid = Grid.of(fixed), Grid.of(moving)
    fixed_center, fixed_axes = _moments(fixed)
    moving_center, moving_axes = _moments(moving)
    starts = {
        "as they lie": _rigid(fixed_grid.center, fixed_grid.center),
        "volume centers": _rigid(fixed_grid.center, moving_grid.center),
        "centers of mass": _rigid(fixed_center, moving_center),
    }
    for number, signs in enumerate(itertools.product((1, -1), repeat=2)):
        flips = np.diag([*signs, signs[0] * signs[1]])
        rotation = moving_axes @ flips @ fixed_axes.T
        starts[f"{TURNED} {number + 1}"] = _rigid(fixed_center, moving_center, rotation)
    return starts


def _mask_starts(fixed_masks, moving_masks) -> Dict[str, sitk.Euler3DTransform]:
    if fixed_masks is None or moving_masks is None:
        return {}
    fixed_centroids, moving_centroids = _centroids(fixed_masks), _centroids(moving_masks)
    shared = sorted(set(fixed_centroids) & set(moving_centroids))
    if not shared:
        return {}
    fixed_points = np.array([fixed_centroids[label] for label in shared])
    moving_points = np.array([moving_centroids[label] for label in shared])
    starts = {"structure centroids": _rigid(fixed_points.mean(0), moving_points.mean(0))}
    if len(shared) >= 3:
        starts["structure centroids, rotated"] = _rigid(
            fixed_points.mean(0), moving_points.mean(0), _best_rotation(fixed_points, moving_points)
        )
    return starts


def _ranked(starts, fixed, moving) -> List[Tuple[str, sitk.Euler3DTransform]]:
    """The best starts by mutual information; those from masks come first whatever their rank."""
    scores = {}
    for name, start in starts.items():
        quality = _evaluate(fixed, moving, start)
        if quality is not None:
            scores[name] = quality + (100 if name.startswith("structure") else 0)
    names = sorted(scores, key=lambda name: -scores[name])
    unrotated = [name for name in names if not name.startswith(TURNED)]
    kept = sorted(set(names[:KEPT_STARTS]) | set(unrotated[:KEPT_STARTS]), key=names.index)
    return [(name, starts[name]) for name in kept]


def _score(quality: float, transform: sitk.Transform, fixed_masks, moving_masks) -> float:
    """Mutual information, and before it the overlap of the structures where both sides have some."""
    if fixed_masks is None or moving_masks is None:
        return quality
    return quality + 10 * _mask_overlap(transform, fixed_masks, moving_masks)


def _mask_overlap(transform: sitk.Transform, fixed_masks: StructureMasks, moving_masks: StructureMasks) -> float:
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
    if overlap(Grid.of(fixed), Grid.of(moving), transform) < SMALLEST_OVERLAP:
        return None
    method = _method(fixed, samples)
    method.MetricUseMovingImageGradientFilterOff()  # only the optimizer needs gradients
    method.SetInitialTransform(transform)
    return -method.MetricEvaluate(fixed, moving)


def _optimize(fixed, moving, transform, iterations, samples, step, job) -> Optional[float]:
    """Optimize `transform` in place; the mutual information reached, or None where the volumes drift apart."""
    method = _method(fixed, samples)
    method.SetOptimizerAsRegularStepGradientDescent(step, 0.02 * step, iterations, relaxationFactor=0.6)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(transform, inPlace=True)
    method.AddCommand(sitk.sitkIterationEvent, lambda: job.cancelled and method.StopRegistration())
    try:
        method.Execute(fixed, moving)
    except RuntimeError as error:
        if "map outside" in str(error) or "too many samples" in str(error).lower():
            return None
        raise
    job.check()
    return -method.GetMetricValue()


def _plausible(affine: sitk.AffineTransform) -> bool:
    """No mirror image, and no axis stretched or squeezed by more than a factor of two."""
    matrix = np.asarray(affine.GetMatrix()).reshape(3, 3)
    stretches = np.linalg.svd(matrix, compute_uv=False)
    return np.linalg.det(matrix) > 0 and stretches.max() < 2 and stretches.min() > 0.5


def _rigid(fixed_point, moving_point, rotation: Optional[np.ndarray] = None) -> sitk.Euler3DTransform:
    """Rotation about `fixed_point`, which moves to `moving_point`."""
    transform = sitk.Euler3DTransform()
    transform.SetCenter([float(x) for x in fixed_point])
    if rotation is not None:
        transform.SetMatrix([float(x) for x in np.asarray(rotation).flatten()], 1e-6)
    transform.SetTranslation([float(x) for x in np.asarray(moving_point) - np.asarray(fixed_point)])
    return transform


def _affine(rigid: sitk.Euler3DTransform) -> sitk.AffineTransform:
    affine = sitk.AffineTransform(3)
    affine.SetCenter(rigid.GetCenter())
    affine.SetMatrix(rigid.GetMatrix())
    affine.SetTranslation(rigid.GetTranslation())
    return affine


def _moments(image: sitk.Image) -> Tuple[np.ndarray, np.ndarray]:
    """Center of mass (LPS mm) and principal axes (columns, right-handed) of the intensities."""
    array, grid = sitk.GetArrayViewFromImage(image), Grid.of(image)
    total = max(array.sum(dtype=np.float64), 1e-12)
    planes = {axis: array.sum(axis=axis, dtype=np.float64) / total for axis in range(3)}
    shares = [planes[2].sum(1), planes[2].sum(0), planes[0].sum(0)]
    mean = np.array([share @ np.arange(share.size) for share in shares])
    z, y, x = (np.arange(share.size) - middle for share, middle in zip(shares, mean))
    zz, yy, xx = (share @ offsets**2 for share, offsets in zip(shares, (z, y, x)))
    zy, zx, yx = z @ planes[2] @ y, z @ planes[1] @ x, y @ planes[0] @ x
    spread = np.array([[xx, yx, zx], [yx, yy, zy], [zx, zy, zz]])
    _, axes = np.linalg.eigh(grid.axes @ spread @ grid.axes.T)
    return grid.index_to_physical(mean[::-1])[0], axes * np.linalg.det(axes)


def _centroids(masks: StructureMasks) -> Dict[int, Sequence[float]]:
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.ComputePerimeterOff()
    found = {}
    for number, layer in enumerate(masks.layers):
        shapes.Execute(layer)
        found.update({s.label: shapes.GetCentroid(s.value) for s in masks.structures if s.layer == number})
    return found


def _best_rotation(fixed_points: np.ndarray, moving_points: np.ndarray) -> np.ndarray:
    """Least squares rotation from fixed to moving points (Kabsch, Acta Crystallographica A32, 1976)."""
    u, _, vt = np.linalg.svd((moving_points - moving_points.mean(0)).T @ (fixed_points - fixed_points.mean(0)))
    return u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
