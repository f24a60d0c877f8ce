"""Clicks on one slice: the choice between candidate masks by the clicks, and masks that satisfy them.

Pixels are (column, row); a mask is where logits are > 0.
"""

from typing import NamedTuple, Optional, Sequence, Tuple

import numpy as np

from .predictor import SlicePrediction
from .regions import component_at

MARGIN = 1.0


class Clicks(NamedTuple):
    """Prompts on a slice, hashable: points as (column, row, inside) and a box as (x0, y0, x1, y1) or None."""

    points: Tuple[Tuple[float, float, bool], ...] = ()
    box: Optional[Tuple[float, float, float, float]] = None

    @property
    def coordinates(self) -> np.ndarray:
        """(N, 2) float32 (column, row)."""
        return np.array([point[:2] for point in self.points], dtype=np.float32).reshape(-1, 2)

    @property
    def labels(self) -> np.ndarray:
        """(N,) 1 inside, 0 outside."""
        return np.array([int(point[2]) for point in self.points], dtype=np.int64)

    @property
    def box_array(self) -> Optional[np.ndarray]:
        """(4,) float32, or None."""
        return None if self.box is None else np.array(self.box, dtype=np.float32)

    @property
    def asks_for_something(self) -> bool:
        """Whether there is a box or a positive point; negative points alone ask for nothing."""
        return self.box is not None or any(point[2] for point in self.points)


def pixel_of(point: Sequence[float], shape: Tuple[int, int]) -> Tuple[int, int]:
    """The pixel (column, row) that contains a continuous position, kept inside a slice of `shape` (H, W)."""
    column = min(max(int(np.floor(point[0] + 0.5)), 0), shape[1] - 1)
    row = min(max(int(np.floor(point[1] + 0.5)), 0), shape[0] - 1)
    return column, row


def satisfied_points(mask: np.ndarray, clicks: Clicks) -> int:
    """How many of the points a mask (H, W) satisfies."""
    pixels = [pixel_of(point, mask.shape) for point in clicks.points]
    return sum(bool(mask[row, column]) == bool(point[2]) for (column, row), point in zip(pixels, clicks.points))


def best_candidate(prediction: SlicePrediction, clicks: Clicks) -> int:
    """Index of the candidate that satisfies most points; the predicted score decides between equals."""
    ranks = [
        (satisfied_points(mask > 0, clicks), bool((mask > 0).any()), float(score))
        for mask, score in zip(prediction.masks, prediction.scores)
    ]
    return max(range(len(ranks)), key=ranks.__getitem__)


def enforce_clicks(logits: np.ndarray, clicks: Clicks) -> np.ndarray:
    """Logits (H, W) changed as little as needed so that positive points are inside and negative ones outside.

    Around a click that is not satisfied a Gaussian is added, high enough to turn its pixel. Of two contradicting
    clicks on one pixel the later one holds.
    """
    logits = np.clip(np.asarray(logits, dtype=np.float32), -8.0, 8.0)
    size = np.sqrt(np.count_nonzero(logits > 0))
    radius = float(np.clip(0.1 * size, 1.5, 6.0))
    rows, columns = np.ogrid[: logits.shape[0], : logits.shape[1]]
    targets = {pixel_of(point, logits.shape): (1.0 if point[2] else -1.0) for point in clicks.points}
    for _ in range(3):
        wrong = [(pixel, sign) for pixel, sign in targets.items() if sign * logits[pixel[1], pixel[0]] <= 0]
        for (column, row), sign in wrong:
            need = 2 * MARGIN - sign * logits[row, column]
            if need > MARGIN:
                logits += sign * need * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * radius**2))
    for (column, row), sign in targets.items():
        if sign * logits[row, column] <= 0:
            logits[row, column] = sign * MARGIN
    return logits


def other_part(before: np.ndarray, after: np.ndarray, clicks: Clicks) -> Optional[np.ndarray]:
    """The part of mask `after` that the last click added apart from mask `before` (both bool, H x W).

    None where that click is not an inner one beside the mask, or where its part meets the mask: it then says something
    about what was there before.
    """
    column, row = pixel_of(clicks.points[-1], before.shape)
    if not clicks.points[-1][2] or before[row, column] or not before.any():
        return None
    part = component_at(after, (column, row))
    together = component_at(before | part, (column, row))
    return part if part.any() and not (together & before).any() else None


def connected_changes(before: np.ndarray, after: np.ndarray, clicks: Clicks) -> np.ndarray:
    """The mask `before` with those connected changes towards `after` that contain a click.

    A correction stays local: what is not connected to a click remains as it was. Both masks are bool (H, W).
    """
    result = before.copy()
    for point in clicks.points:
        pixel = pixel_of(point, before.shape)
        if point[2]:
            result |= component_at(after & ~before, pixel)
        else:
            result &= ~component_at(before & ~after, pixel)
    return result
