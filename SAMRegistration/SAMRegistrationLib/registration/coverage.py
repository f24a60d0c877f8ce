"""Which share of one volume the other one covers in space."""

from typing import Optional

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..geometry.grid import Grid
from ..geometry.transforms import transform_points

SMALLEST_SHARE = 0.1
WAYS_OUT = (
    "check that both show the same region, or give an initial transform, or, where they lie in place already, choose "
    "the pre-alignment none"
)


def covered_share(
    fixed: Grid, moving: Grid, transform: sitk.Transform, inverse: Optional[sitk.Transform] = None
) -> float:
    """Share of the one volume, of which it is larger, whose points land inside the other: 1 for a part of a whole.

    Args:
        transform: maps fixed points to moving points.
        inverse: its inverse, which a transform with dense parts cannot give by itself.
    """
    return max(_share(fixed, moving, transform), _share(moving, fixed, inverse or transform.GetInverse()))


def require_coverage(fixed: Grid, moving: Grid, transform: sitk.Transform, inverse: sitk.Transform) -> None:
    """Refuse volumes that do not meet in space.

    Args:
        transform, inverse: see :func:`covered_share`.

    Raises:
        InputError: no point of either volume lands inside the other.
    """
    if covered_share(fixed, moving, transform, inverse) == 0:
        raise InputError(
            "The volumes do not overlap in space; switch the pre-alignment on or give another initial transform."
        )


def _share(source: Grid, target: Grid, transform: sitk.Transform) -> float:
    steps = [np.linspace(0, n - 1, 9) for n in source.size]
    points = source.index_to_physical(np.stack(np.meshgrid(*steps, indexing="ij"), -1).reshape(-1, 3))
    return float(target.contains(transform_points(transform, points)).mean())
