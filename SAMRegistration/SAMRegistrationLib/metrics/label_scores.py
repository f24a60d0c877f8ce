"""Dice and surface distances of label maps, structure by structure."""

from dataclasses import asdict, dataclass
from typing import Dict, Iterator, List, Optional, Tuple

import numpy as np

from ..errors import InputError
from ..geometry.boxes import box_of, marked_bounds
from ..geometry.grid import Grid
from ..volumes import Labels, StructureMasks, as_structures
from .surfaces import surface_distances


@dataclass(frozen=True)
class StructureScores:
    """Agreement of one structure; distances in millimeters are None when the structure is missing in one label map.

    Attributes:
        label: its number in the label maps.
        name: "" where they do not name it.
        dice: 2 |A and B| / (|A| + |B|), 0 when it is missing in one label map.
        hd95_mm: the larger of the directed 95th percentile surface distances.
        assd_mm: average symmetric surface distance.
        fixed_ml, warped_ml: its volume in both label maps, in milliliters.
    """

    label: int
    dice: float
    hd95_mm: Optional[float]
    assd_mm: Optional[float]
    fixed_ml: float
    warped_ml: float
    name: str = ""

    def as_dict(self) -> Dict:
        """The attributes by name."""
        return asdict(self)


def dice(fixed: Labels, warped: Labels) -> Dict[int, float]:
    """Dice of every structure found in at least one of two label maps on the same grid, by label; 0 is background.

    Raises:
        InputError: the label maps are not on the same grid, or one is no label map.
    """
    return {label: mask_dice(first, second) for label, _, first, second in _masks(fixed, warped)}


def compare_labels(fixed: Labels, warped: Labels) -> List[StructureScores]:
    """Scores of every structure found in at least one of two label maps on the same grid, sorted by label.

    Args:
        fixed, warped: label images, or structures that may overlap; the same number is the same structure.

    Raises:
        InputError: the label maps are not on the same grid, or one is no label map.
    """
    grid = fixed.grid if isinstance(fixed, StructureMasks) else Grid.of(fixed)
    scores = []
    for label, name, a, b in _masks(fixed, warped):
        distances = surface_distances(a, b, grid)
        scores.append(
            StructureScores(
                label=label,
                name=name,
                dice=mask_dice(a, b),
                hd95_mm=distances.hd95 if distances else None,
                assd_mm=distances.assd if distances else None,
                fixed_ml=float(a.sum() * grid.voxel_volume / 1000),
                warped_ml=float(b.sum() * grid.voxel_volume / 1000),
            )
        )
    return scores


def _masks(fixed: Labels, warped: Labels) -> Iterator[Tuple[int, str, np.ndarray, np.ndarray]]:
    """Number, name and both masks of every structure that has a voxel, cut to what any structure marks."""
    fixed, warped = as_structures(fixed, "The fixed label map"), as_structures(warped, "The warped label map")
    if not fixed.grid.matches(warped.grid):
        raise InputError("The two label maps are not on the same grid; resample one onto the other first.")
    box = box_of(marked_bounds(fixed.marked() | warped.marked()) or [(0, 0)] * 3)
    for label in sorted({*fixed.labels, *warped.labels}):
        first, second = fixed.inside(label, box), warped.inside(label, box)
        if first.any() or second.any():
            structure = fixed.structure(label) or warped.structure(label)
            yield label, structure.name, first, second


def mask_dice(a: np.ndarray, b: np.ndarray) -> float:
    """Dice of two boolean masks of the same shape; 1 when both are empty."""
    total = np.count_nonzero(a) + np.count_nonzero(b)
    return float(2 * np.count_nonzero(a & b) / total) if total else 1.0
