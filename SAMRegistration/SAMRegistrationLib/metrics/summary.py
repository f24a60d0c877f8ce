"""All measures of one registration in one dictionary, ready for JSON, and as text."""

import statistics
from typing import Dict, List, Optional, Tuple

import numpy as np
import SimpleITK as sitk

from ..points import PointList
from ..volumes import Labels, StructureMasks, as_structures, with_numbers_of
from .deformation import deformation_statistics
from .label_scores import compare_labels
from .landmarks import pair_landmarks, target_registration_errors

SAME_PLACE = 1e-5  # of the spread of landmarks: what files round


def measure(
    transform: sitk.Transform,
    fixed_labels: Optional[Labels] = None,
    moving_labels: Optional[Labels] = None,
    fixed_landmarks: Optional[PointList] = None,
    moving_landmarks: Optional[PointList] = None,
    jacobian: Optional[sitk.Image] = None,
    guides: Optional[Tuple[Optional[PointList], Optional[PointList]]] = None,
) -> Dict:
    """Measure a transform with whatever is known about the pair.

    Args:
        transform: maps fixed points to moving points, LPS mm; an identity measures the pair as it is.
        fixed_labels, moving_labels: label maps, or structures that may overlap, each on a grid of its own; compared on
            that of the fixed one. The same name, or without names the same number, is the same structure.
        fixed_landmarks, moving_landmarks: corresponding landmarks; those among `guides` are left out.
        jacobian: Jacobian map of the transform, for the regularity.
        guides: corresponding landmarks of both images that guided the registration.

    Returns:
        A dictionary with the keys "structures" (a list of scores, see StructureScores), "landmarks" (mean_mm,
        largest_mm, errors_mm, names), "guiding_landmarks" (the same) and "deformation" (see DeformationStatistics), as
        far as they were measured. A structure that was drawn in one image only cannot be compared: its Dice is None.

    Raises:
        InputError: the landmarks cannot be paired, or an image is no label map.
    """
    measures: Dict = {}
    if fixed_labels is not None and moving_labels is not None:
        measures["structures"] = _structures(transform, fixed_labels, moving_labels)
    guiding = None if guides is None or None in guides else pair_landmarks(*guides)
    if guiding is not None:
        measures["guiding_landmarks"] = _landmarks(transform, *guiding)
    if fixed_landmarks is not None and moving_landmarks is not None:
        held_out = _without(guiding, *pair_landmarks(fixed_landmarks, moving_landmarks))
        if len(held_out[0]):
            measures["landmarks"] = _landmarks(transform, *held_out)
    if jacobian is not None:
        measures["deformation"] = deformation_statistics(jacobian).as_dict()
    return measures


def _landmarks(transform: sitk.Transform, fixed: PointList, moving: PointList) -> Dict:
    errors = target_registration_errors(fixed.points, moving.points, transform).tolist()
    return {
        "mean_mm": statistics.fmean(errors),
        "largest_mm": max(errors),
        "errors_mm": errors,
        "names": fixed.names,
    }


def _without(
    guiding: Optional[Tuple[PointList, PointList]], fixed: PointList, moving: PointList
) -> Tuple[PointList, PointList]:
    """Pairs of landmarks that are not among those that guided."""
    if guiding is None:
        return fixed, moving
    pairs, used = (np.concatenate([side.points for side in sides], axis=1) for sides in ((fixed, moving), guiding))
    same = SAME_PLACE * np.ptp(np.concatenate([pairs, used]), axis=0).max()
    kept = [n for n, pair in enumerate(pairs) if np.abs(used - pair).max(axis=1).min() > same]
    return tuple(PointList(side.points[kept], [side.names[n] for n in kept]) for side in (fixed, moving))


def comparison_notes(fixed_labels: Optional[Labels], moving_labels: Optional[Labels]) -> List[str]:
    """Sentences about structures that cannot be compared or are matched against their numbers.

    Args:
        fixed_labels, moving_labels: as for :func:`measure`; without both nothing is compared.
    """
    if fixed_labels is None or moving_labels is None:
        return []
    fixed, moving, notes = _numbered_alike(fixed_labels, moving_labels)
    for label in sorted({*fixed.labels} ^ {*moving.labels}):
        side, labels = ("fixed", fixed) if label in fixed.labels else ("moving", moving)
        notes.append(f"Structure {labels.title(label)} is in the {side} labels only and is not compared.")
    return list(dict.fromkeys(notes))


def _numbered_alike(fixed: Labels, moving: Labels) -> Tuple[StructureMasks, StructureMasks, List[str]]:
    fixed, moving = as_structures(fixed, "The fixed label map"), as_structures(moving, "The moving label map")
    moving, pairing = with_numbers_of(fixed, moving)
    return fixed, moving, [*fixed.notes, *moving.notes, *pairing]


def _structures(transform: sitk.Transform, fixed: Labels, moving: Labels) -> List[Dict]:
    fixed, moving, _notes = _numbered_alike(fixed, moving)
    drawn_in_both = {*fixed.labels} & {*moving.labels}
    return [
        {**scores.as_dict(), "dice": scores.dice if scores.label in drawn_in_both else None}
        for scores in compare_labels(fixed, moving.warped(transform, fixed.grid))
    ]


def mean_over_structures(structures: List[Dict], key: str) -> Optional[float]:
    """Mean of `key` over the structures that have it; None when none has."""
    values = [structure[key] for structure in structures if structure[key] is not None]
    return statistics.fmean(values) if values else None
