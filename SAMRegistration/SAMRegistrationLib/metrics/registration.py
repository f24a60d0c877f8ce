"""How good one registration is: labels and landmarks before and after, and the regularity of its transform."""

import statistics
from typing import Any, Dict, List, Optional

import SimpleITK as sitk

from ..geometry.grid import Grid
from ..geometry.resample import warp_labels
from ..points import PointList
from .deformation import deformation_statistics, jacobian_image
from .landmarks import pair_landmarks, target_registration_errors
from .overlap import compare_labels

SCORES = ("dice", "hd95_mm", "assd_mm")


def measure_registration(
    transform: sitk.Transform,
    grid: Grid,
    fixed_labels: Optional[sitk.Image] = None,
    moving_labels: Optional[sitk.Image] = None,
    fixed_landmarks: Optional[PointList] = None,
    moving_landmarks: Optional[PointList] = None,
) -> Dict[str, Any]:
    """Measure a transform that maps fixed points to moving points (LPS mm).

    Args:
        grid: of the fixed volume; the Jacobian is measured on it.
        fixed_labels, moving_labels: label maps, each on its own grid; structures are compared on the grid of
            `fixed_labels`. "before" is where they lie without any transform.

    Returns:
        Plain values: "deformation" always; "structures" (per label before and after) with their "mean" when both
        label maps are given; "landmarks" when both lists are given.

    Raises:
        InputError: landmarks that cannot be paired.
    """
    measures: Dict[str, Any] = {"deformation": deformation_statistics(jacobian_image(transform, grid)).as_dict()}
    if fixed_labels is not None and moving_labels is not None:
        measures["structures"] = _structures(transform, fixed_labels, moving_labels)
        measures["mean"] = {when: _means(measures["structures"], when) for when in ("before", "after")}
    if fixed_landmarks is not None and moving_landmarks is not None:
        measures["landmarks"] = _landmarks(transform, fixed_landmarks, moving_landmarks)
    return measures


def _structures(transform, fixed_labels, moving_labels) -> List[Dict[str, Any]]:
    grid = Grid.of(fixed_labels)
    sides = {"before": sitk.Transform(3, sitk.sitkIdentity), "after": transform}
    scores = {
        when: {s.label: s.as_dict() for s in compare_labels(fixed_labels, warp_labels(moving_labels, side, grid))}
        for when, side in sides.items()
    }
    labels = sorted(set(scores["before"]) | set(scores["after"]))
    missing = dict.fromkeys(SCORES)
    return [
        {"label": label, **{when: {k: found.get(label, missing)[k] for k in SCORES} for when, found in scores.items()}}
        for label in labels
    ]


def _means(structures: List[Dict[str, Any]], when: str) -> Dict[str, Optional[float]]:
    means = {}
    for score in SCORES:
        values = [s[when][score] for s in structures if s[when][score] is not None]
        means[score] = statistics.fmean(values) if values else None
    return means


def _landmarks(transform, fixed: PointList, moving: PointList) -> Dict[str, Any]:
    fixed, moving = pair_landmarks(fixed, moving)
    identity = sitk.Transform(3, sitk.sitkIdentity)
    result: Dict[str, Any] = {"names": fixed.names}
    for when, side in (("before", identity), ("after", transform)):
        errors = target_registration_errors(fixed.points, moving.points, side).tolist()
        result[when] = {"mean_mm": statistics.fmean(errors), "largest_mm": max(errors), "errors_mm": errors}
    return result
