"""Simulated clicks: the first inside the structure, each next one where the mask is most wrong."""

from typing import Optional, Tuple

import numpy as np
import SimpleITK as sitk

Click = Tuple[float, float, int]


def first_click(target: np.ndarray, rng: Optional[np.random.Generator] = None) -> Click:
    """A click (column, row, 1) inside `target` (H, W) bool: deepest inside, or with `rng` often anywhere inside."""
    return (*_place(target, rng), 1)


def next_click(target: np.ndarray, predicted: np.ndarray, rng: Optional[np.random.Generator] = None) -> Optional[Click]:
    """The click (column, row, label) that a user would set to correct `predicted`; None when nothing is wrong.

    It goes to the deepest place of the missing (label 1) or superfluous (label 0) regions, whichever is deeper; with
    `rng` often to a random place of that connected region (Sofiiuk et al., ICIP 2022).
    """
    missing, superfluous = target & ~predicted, predicted & ~target
    depths = [depth(region).max() for region in (missing, superfluous)]
    if not max(depths):
        return None
    region, label = (missing, 1) if depths[0] >= depths[1] else (superfluous, 0)
    return (*_place(region, rng), label)


def depth(mask: np.ndarray) -> np.ndarray:
    """Distance (H, W) in pixels from inside `mask` to its outside, which the border of the image belongs to."""
    if not mask.any():
        return np.zeros(mask.shape, np.float32)
    padded = sitk.GetImageFromArray(np.pad(mask, 1).astype(np.uint8))
    distance = sitk.SignedMaurerDistanceMap(padded, insideIsPositive=True, squaredDistance=False)
    return np.maximum(sitk.GetArrayFromImage(distance)[1:-1, 1:-1] + 1, 0) * mask


def loose_box(target: np.ndarray, rng: np.random.Generator, looseness: float = 0.08) -> np.ndarray:
    """Box (4,) x0 y0 x1 y1 around `target`, each side off by up to `looseness` of its size."""
    rows, columns = np.flatnonzero(target.any(1)), np.flatnonzero(target.any(0))
    box = np.array([columns[0], rows[0], columns[-1], rows[-1]], float)
    side = np.tile([columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1], 2)
    return box + rng.uniform(-looseness, looseness, 4) * side


def _place(region, rng):
    distance = depth(region)
    if rng is None or rng.random() < 0.5:
        row, column = np.unravel_index(distance.argmax(), region.shape)
        return float(column), float(row)
    components = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(region.astype(np.uint8))))
    deepest = components == components.flat[distance.argmax()]
    row, column = rng.choice(np.argwhere(deepest & (distance >= min(distance.max(), 2.0))))
    return float(column), float(row)
