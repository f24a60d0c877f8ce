"""Overlap of label maps, structure by structure."""

from dataclasses import asdict, dataclass
from typing import Dict, List, Optional

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..geometry.boxes import box_of, marked_bounds
from ..geometry.grid import Grid
from .surfaces import surface_distances


@dataclass(frozen=True)
class StructureScores:
    """Agreement of one structure; distances in millimetres are None when the structure is missing in one label map.

    Attributes:
        label: its value in the label maps.
        dice: 2 |A and B| / (|A| + |B|), 0 when it is missing in one label map.
        hd95_mm: the larger of the directed 95th percentile surface distances.
        assd_mm: average symmetric surface distance.
        fixed_ml, warped_ml: its volume in both label maps, in millilitres.
    """

    label: int
    dice: float
    hd95_mm: Optional[float]
    assd_mm: Optional[float]
    fixed_ml: float
    warped_ml: float

    def as_dict(self) -> Dict:
        """The attributes by name."""
        return asdict(self)


def dice(fixed: sitk.Image, warped: sitk.Image) -> Dict[int, float]:
    """Dice of every structure found in at least one of two label maps on the same grid, by label; 0 is background.

    Raises:
        InputError: the label maps are not on the same grid.
    """
    first, second = _marked_part(fixed, warped)
    return {label: _dice(first == label, second == label) for label in _labels(first, second)}


def compare_labels(fixed: sitk.Image, warped: sitk.Image) -> List[StructureScores]:
    """Scores of every structure found in at least one of two label maps on the same grid, sorted by label.

    Raises:
        InputError: the label maps are not on the same grid.
    """
    first, second = _marked_part(fixed, warped)
    grid = Grid.of(fixed)
    scores = []
    for label in _labels(first, second):
        a, b = first == label, second == label
        distances = surface_distances(a, b, grid)
        scores.append(
            StructureScores(
                label=label,
                dice=_dice(a, b),
                hd95_mm=distances.hd95 if distances else None,
                assd_mm=distances.assd if distances else None,
                fixed_ml=float(a.sum() * grid.voxel_volume / 1000),
                warped_ml=float(b.sum() * grid.voxel_volume / 1000),
            )
        )
    return scores


def _marked_part(fixed: sitk.Image, warped: sitk.Image):
    """The arrays of two label maps, cut to what either of them marks."""
    if not Grid.of(fixed).matches(Grid.of(warped)):
        raise InputError("The two label maps are not on the same grid; resample one onto the other first.")
    first, second = sitk.GetArrayViewFromImage(fixed), sitk.GetArrayViewFromImage(warped)
    box = box_of(marked_bounds((first != 0) | (second != 0)) or [(0, 0)] * 3)
    return first[box], second[box]


def _labels(first: np.ndarray, second: np.ndarray) -> List[int]:
    return [int(label) for label in np.union1d(np.unique(first), np.unique(second)) if label != 0]


def _dice(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b)))
