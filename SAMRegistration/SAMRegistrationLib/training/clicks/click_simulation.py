"""Simulated clicks: the first inside the structure, each next one where the mask is most wrong."""

from typing import Optional, Tuple

import numpy as np
import SimpleITK as sitk

from ...segmentation.regions import bounding_box, depth

Click = Tuple[float, float, int]


def first_click(target: np.ndarray, rng: Optional[np.random.Generator] = None) -> Click:
    """A click (column, row, 1) inside `target` (H, W) bool: deepest inside, or with `rng` often anywhere inside."""
    return (*_place(depth(target), rng), 1)


def next_click(target: np.ndarray, predicted: np.ndarray, rng: Optional[np.random.Generator] = None) -> Optional[Click]:
    """The click (column, row, label) that a user would set to correct `predicted`; None when nothing is wrong.

    It goes to the deepest place of the missing (label 1) or superfluous (label 0) regions, whichever is deeper; with
    `rng` often to a random place of that connected region (Sofiiuk et al., ICIP 2022).
    """
    missing, superfluous = depth(target & ~predicted), depth(predicted & ~target)
    deepest = max(missing.max(), superfluous.max())
    if not deepest:
        return None
    if missing.max() == deepest:
        return (*_place(missing, rng), 1)
    return (*_place(superfluous, rng), 0)


def loose_box(target: np.ndarray, rng: np.random.Generator, looseness: float = 0.08) -> np.ndarray:
    """Box (4,) x0 y0 x1 y1 around `target`, each side off by up to `looseness` of its size."""
    box = bounding_box(target)
    side = np.tile(box[2:] - box[:2] + 1, 2)
    return box + rng.uniform(-looseness, looseness, 4) * side


def _place(distance, rng):
    """(column, row) of the largest distance, or of any place of the same connected region."""
    row, column = np.unravel_index(distance.argmax(), distance.shape)
    if rng is not None and rng.random() < 0.5:
        parts = sitk.ConnectedComponent(sitk.GetImageFromArray((distance > 0).astype(np.uint8)))
        parts = sitk.GetArrayFromImage(parts)
        inside = (parts == parts[row, column]) & (distance >= min(distance.max(), 2.0))
        row, column = rng.choice(np.argwhere(inside))
    return float(column), float(row)
