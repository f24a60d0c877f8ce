"""Target registration error of corresponding landmarks."""

from typing import Tuple

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..geometry.transforms import transform_points
from ..points import PointList

MOST_NAMED = 5


def target_registration_errors(fixed: np.ndarray, moving: np.ndarray, transform: sitk.Transform) -> np.ndarray:
    """Distance in millimeters, (N,), between each mapped fixed landmark and its moving counterpart.

    Args:
        fixed, moving: corresponding landmarks (N, 3) in LPS millimeters.
        transform: maps fixed points to moving points.
    """
    return np.linalg.norm(transform_points(transform, fixed) - np.asarray(moving, dtype=np.float64), axis=1)


def pair_landmarks(fixed: PointList, moving: PointList) -> Tuple[PointList, PointList]:
    """Two lists in which the same row is the same landmark.

    Landmarks are paired by name when both lists hold the same names, each once; otherwise by their order.

    Raises:
        InputError: the lists differ in length, or only some names are the same, so that neither rule is safe.
    """
    names, others = set(fixed.names) - {""}, set(moving.names) - {""}
    alone = sorted(names ^ others) if names & others else []
    which = f" (without one: {', '.join(alone[:MOST_NAMED])}{', ...' * (len(alone) > MOST_NAMED)})" if alone else ""
    if len(fixed) != len(moving):
        raise InputError(
            f"There are {len(fixed)} fixed but {len(moving)} moving landmarks; each needs a partner{which}."
        )
    if names == others and len(names) == len(fixed):
        order = [moving.names.index(name) for name in fixed.names]
        return fixed, PointList(moving.points[order], fixed.names)
    if names & others:
        raise InputError(
            f"Only some landmarks have the same name in both lists{which}; name all of them alike, or none."
        )
    return fixed, moving
