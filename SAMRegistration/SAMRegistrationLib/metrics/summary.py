"""All measures of one registration in one dictionary, ready for JSON, and as text."""

import statistics
from typing import Dict, List, Optional

import SimpleITK as sitk

from ..geometry.grid import Grid
from ..geometry.resample import warp_labels
from ..points import PointList
from ..volumes import label_values
from .deformation import deformation_statistics
from .landmarks import pair_landmarks, target_registration_errors
from .overlap import compare_labels


def measure(
    transform: sitk.Transform,
    fixed_labels: Optional[sitk.Image] = None,
    moving_labels: Optional[sitk.Image] = None,
    fixed_landmarks: Optional[PointList] = None,
    moving_landmarks: Optional[PointList] = None,
    jacobian: Optional[sitk.Image] = None,
) -> Dict:
    """Measure a transform with whatever is known about the pair.

    Args:
        transform: maps fixed points to moving points, LPS mm; an identity measures the pair as it is.
        fixed_labels, moving_labels: label maps, each on a grid of its own; compared on that of the fixed one.
        fixed_landmarks, moving_landmarks: corresponding landmarks.
        jacobian: Jacobian map of the transform, for the regularity.

    Returns:
        A dictionary with the keys "structures" (a list of scores, see StructureScores), "landmarks" (mean_mm,
        largest_mm, errors_mm, names) and "deformation" (see DeformationStatistics), as far as they were measured. A
        structure that was drawn in one image only cannot be compared: its Dice is None.

    Raises:
        InputError: the landmarks cannot be paired.
    """
    measures: Dict = {}
    if fixed_labels is not None and moving_labels is not None:
        warped = warp_labels(moving_labels, transform, Grid.of(fixed_labels))
        drawn_in_both = label_values(fixed_labels) & label_values(moving_labels)
        measures["structures"] = [
            {**scores.as_dict(), "dice": scores.dice if scores.label in drawn_in_both else None}
            for scores in compare_labels(fixed_labels, warped)
        ]
    if fixed_landmarks is not None and moving_landmarks is not None:
        fixed, moving = pair_landmarks(fixed_landmarks, moving_landmarks)
        errors = target_registration_errors(fixed.points, moving.points, transform).tolist()
        measures["landmarks"] = {
            "mean_mm": statistics.fmean(errors),
            "largest_mm": max(errors),
            "errors_mm": errors,
            "names": fixed.names,
        }
    if jacobian is not None:
        measures["deformation"] = deformation_statistics(jacobian).as_dict()
    return measures


def mean_over_structures(structures: List[Dict], key: str) -> Optional[float]:
    """Mean of `key` over the structures that have it; None when none has."""
    values = [structure[key] for structure in structures if structure[key] is not None]
    return statistics.fmean(values) if values else None
