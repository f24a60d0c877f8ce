"""Simulated clicks: the first inside the structure, each next one where the mask is most wrong."""

from typing import Optional, Tuple

import numpy as np
import SimpleITK as sitk

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


def depth(mask: np.ndarray) -> np.ndarray:
    """Distance (H, W) in pixels from inside `mask` to its outside, which the border of the image belongs to."""
    result = np.zeros(mask.shape, np.float32)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if len(rows):
        part = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        outside = sitk.GetImageFromArray(np.pad(~mask[part], 1, constant_values=True).astype(np.uint8))
        distance = sitk.SignedMaurerDistanceMap(outside, squaredDistance=False, useImageSpacing=False)
        result[part] = np.maximum(sitk.GetArrayViewFromImage(distance)[1:-1, 1:-1], 0) * mask[part]
    return result


def loose_box(target: np.ndarray, rng: np.random.Generator, looseness: float = 0.08) -> np.ndarray:
    """Box (4,) x0 y0 x1 y1 around `target`, each side off by up to `looseness` of its size."""
    rows, columns = np.flatnonzero(target.any(1)), np.flatnonzero(target.any(0))
    box = np.array([columns[0], rows[0], columns[-1], rows[-1]], float)
    side = np.tile([columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1], 2)
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
