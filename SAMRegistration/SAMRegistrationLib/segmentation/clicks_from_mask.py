"""Prompts computed from a mask: what a user would click to get that mask again."""

from typing import List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from .candidates import Clicks, pixel_of
from .regions import PixelSize, bounding_box, components, deepest, depth

_MAX_PARTS = 4
_SMALL_PART = 0.05


class PartClicks(NamedTuple):
    """Clicks for one connected part of a mask, and that part (bool, H x W)."""

    clicks: Clicks
    part: np.ndarray


def clicks_from_mask(
    mask: np.ndarray,
    pixel_size: PixelSize,
    points: Sequence[Tuple[float, float, bool]] = (),
    margin: float = 0.05,
) -> List[PartClicks]:
    """One group of clicks per sizeable part of a mask: its box, widened by `margin`, and its deepest pixel.

    Args:
        mask: bool (H, W).
        pixel_size: height and width of a pixel in mm.
        points: clicks of the user on this slice, as (column, row, inside). They join every group; positive ones
            widen the box of the nearest part. A part whose middle was clicked away is left out.
        margin: widening of the box, as a fraction of its longer side.
    """
    parts = components(mask)
    if not parts:
        return []
    parts = [part for part in parts[:_MAX_PARTS] if part.sum() >= _SMALL_PART * parts[0].sum()]
    seeds = [_seed(part, pixel_size, points) for part in parts]
    groups = []
    for number, (part, seed) in enumerate(zip(parts, seeds)):
        if seed is None:
            continue
        box = bounding_box(part)
        mine = [p for p in points if not p[2] or _nearest(p, parts) == number]
        for column, row, positive in mine:
            if positive:
                box = np.array([min(box[0], column), min(box[1], row), max(box[2], column), max(box[3], row)])
        grow = margin * max(box[2] - box[0], box[3] - box[1]) + 1.0
        limits = np.array([mask.shape[1] - 1, mask.shape[0] - 1] * 2, dtype=np.float64)
        box = np.clip(box + np.array([-grow, -grow, grow, grow]), 0, limits)
        groups.append(PartClicks(Clicks(((*seed, True), *mine), tuple(float(value) for value in box)), part))
    return groups


def _seed(part: np.ndarray, pixel_size: PixelSize, points) -> Optional[Tuple[float, float]]:
    inner = depth(part, pixel_size)
    deepest_mm = inner.max()
    allowed = part.copy()
    rows, columns = np.ogrid[: part.shape[0], : part.shape[1]]
    for column, row, positive in points:
        if not positive:
            distance = np.hypot((rows - row) * pixel_size[0], (columns - column) * pixel_size[1])
            clicked = pixel_of((column, row), part.shape)
            if part[clicked[1], clicked[0]] and inner[clicked[1], clicked[0]] >= 0.75 * deepest_mm:
                return None
            allowed &= distance > 0.75 * deepest_mm
    if not allowed.any():
        return None
    return tuple(float(value) for value in deepest(allowed, pixel_size))


def _nearest(point, parts: List[np.ndarray]) -> int:
    distances = []
    for part in parts:
        rows, columns = np.nonzero(part)
        distances.append(np.min((rows - point[1]) ** 2 + (columns - point[0]) ** 2))
    return int(np.argmin(distances))
