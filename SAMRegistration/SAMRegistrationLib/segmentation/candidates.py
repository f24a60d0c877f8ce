"""Clicks on one slice: the choice between candidate masks by the clicks, and masks that satisfy them.

Pixels are (column, row); a mask is where logits are > 0.
"""

from typing import List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from .predictor import SlicePrediction
from .regions import components_at

MARGIN = 1.0
SHOWN = 3  # points of a scribble that a network is shown


class Clicks(NamedTuple):
    """Prompts on a slice, hashable.

    Attributes:
        points: (column, row, inside) of the points and of all pixels of scribbles, in the order in which they were set.
        box: (x0, y0, x1, y1) or None.
        sizes: how many of the points each prompt has; empty where each is one point.
        outline: vertices (column, row) of the lasso whose box it is; empty without one.
    """

    points: Tuple[Tuple[float, float, bool], ...] = ()
    box: Optional[Tuple[float, float, float, float]] = None
    sizes: Tuple[int, ...] = ()
    outline: Tuple[Tuple[float, float], ...] = ()

    @classmethod
    def of_prompts(cls, prompts: Sequence[Sequence[tuple]], box=None, outline=()) -> "Clicks":
        """Clicks from the points of each prompt."""
        sizes = tuple(len(points) for points in prompts)
        points = tuple(point for points in prompts for point in points)
        return cls(points, box, sizes if any(size != 1 for size in sizes) else (), outline)

    @property
    def prompts(self) -> List[tuple]:
        """The points of each prompt."""
        if not self.sizes:
            return [(point,) for point in self.points]
        ends = np.cumsum(self.sizes)
        return [self.points[end - size : end] for end, size in zip(ends, self.sizes)]

    @property
    def before(self) -> "Clicks":
        """These clicks without the last prompt."""
        return Clicks.of_prompts(self.prompts[:-1], self.box, self.outline)

    @property
    def shown(self) -> "Clicks":
        """These clicks with few of the points of each scribble, evenly spaced along it: what a network is shown."""
        if not self.sizes:
            return self
        return Clicks(tuple(point for points in self.prompts for point in _spread(points)), self.box, (), self.outline)

    @property
    def coordinates(self) -> np.ndarray:
        """(N, 2) float32 (column, row) of the points that a network is shown."""
        return np.array([point[:2] for point in self.shown.points], dtype=np.float32).reshape(-1, 2)

    @property
    def labels(self) -> np.ndarray:
        """(N,) 1 inside, 0 outside, of the same points."""
        return np.array([int(point[2]) for point in self.shown.points], dtype=np.int64)

    @property
    def box_array(self) -> Optional[np.ndarray]:
        """(4,) float32, or None."""
        return None if self.box is None else np.array(self.box, dtype=np.float32)

    @property
    def asks_for_something(self) -> bool:
        """Whether there is a box or a positive point; negative points alone ask for nothing."""
        return self.box is not None or any(point[2] for point in self.points)


def together(groups: Sequence[Clicks]) -> Clicks:
    """The points of all groups as one group, without boxes."""
    return Clicks.of_prompts([points for group in groups for points in group.prompts])


def _spread(points: Sequence[tuple]) -> List[tuple]:
    """At most SHOWN points, each the middle of an equal share of them."""
    count = min(len(points), SHOWN)
    return [points[int((number + 0.5) * len(points) / count)] for number in range(count)]


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
    """The part of mask `after` that the last prompt added apart from mask `before` (both bool, H x W).

    None where that prompt is not an inner one beside the mask, or where its part meets the mask: it then says something
    about what was there before.
    """
    last = clicks.prompts[-1]
    pixels = [pixel_of(point, before.shape) for point in last]
    if not last[0][2] or not before.any() or any(before[row, column] for column, row in pixels):
        return None
    part = components_at(after, pixels)
    joined = components_at(before | part, pixels)
    return part if part.any() and not (joined & before).any() else None


def connected_changes(before: np.ndarray, after: np.ndarray, clicks: Clicks) -> np.ndarray:
    """The mask `before` with those connected changes towards `after` that contain a click.

    A correction stays local: what is not connected to a click remains as it was. Both masks are bool (H, W).
    """
    result = before.copy()
    for points in clicks.prompts:
        pixels = [pixel_of(point, before.shape) for point in points]
        if points[0][2]:
            result |= components_at(after & ~before, pixels)
        else:
            result &= ~components_at(before & ~after, pixels)
    return result
