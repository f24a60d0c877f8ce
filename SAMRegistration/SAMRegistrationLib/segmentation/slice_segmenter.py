"""Masks of single slices of one volume: embeddings, candidate choice, corrections that build on each other."""

import hashlib
from collections import OrderedDict
from typing import List, NamedTuple, Optional, Tuple

import numpy as np

from ..geometry.grid import Grid
from ..job import Job
from .cache import DEFAULT_LIMIT, EmbeddingCache
from .candidates import (
    MARGIN,
    Clicks,
    best_candidate,
    connected_changes,
    enforce_clicks,
    other_part,
    pixel_of,
    together,
)
from .clicks_from_mask import PartClicks, clicks_from_mask
from .planes import SlicePlane, pixel_size, slice_of
from .predictor import SlicePrediction, SlicePredictor
from .regions import components_at, deepest, intersection_over_union, slices_of_box
from .strokes import outline_mask

_REMEMBERED = 64


class SliceMask(NamedTuple):
    """A mask of one slice.

    Attributes:
        logits: (H, W) float32; inside where > 0.
        score: predicted intersection over union.
        low_res: (h, w) logits of the predictor, mask prompt for the next correction; None when there are none.
    """

    logits: np.ndarray
    score: float
    low_res: Optional[np.ndarray] = None

    @property
    def mask(self) -> np.ndarray:
        """bool (H, W)."""
        return self.logits > 0


class Continuation(NamedTuple):
    """What the model makes of a part that is expected on a slice.

    Attributes:
        mask: bool (H, W).
        score: predicted intersection over union.
        unsure: bool (H, W), inside in some of the model's answers and not in others.
    """

    mask: np.ndarray
    score: float
    unsure: np.ndarray


class SliceSegmenter:
    """Predicts slices of a volume; every result depends on its arguments only.

    Args:
        volume: float32 (z, y, x) in [0, 1].
        grid: its grid.
        predictor: the model.
        cache_limit: bytes that embeddings may take.
    """

    def __init__(self, volume: np.ndarray, grid: Grid, predictor: SlicePredictor, cache_limit: int = DEFAULT_LIMIT):
        self.volume = volume
        self.grid = grid
        self.predictor = predictor
        self.cache = EmbeddingCache(self._embed, cache_limit)
        self._results: OrderedDict[tuple, SliceMask] = OrderedDict()

    def predict(self, plane: SlicePlane, clicks: List[Clicks], base: Optional[np.ndarray] = None) -> SliceMask:
        """The mask for one or several groups of clicks; a group has at most one box.

        The prompts of a group are replayed in order, each prediction getting the logits of the one before, so the
        result is the same whether the clicks came one by one or from a file. A scribble is one prompt: all of it lies
        inside or outside afterwards. What a lasso holds is a mask prompt, and the answer stays in it, unless a click
        beside it asks for more.

        Args:
            base: bool (H, W), a mask from elsewhere that the clicks correct; only the parts that the clicks ask to
                change are changed.
        """
        everything = together(clicks)
        if base is not None and base.any():
            wanted = enforce_clicks(mask_logits(self._wanted(plane, base, everything)), everything) > 0
            corrected = connected_changes(base, wanted, everything)
            return SliceMask(enforce_clicks(mask_logits(corrected), everything), 1.0)
        parts = [self._replay(plane, group) for group in clicks if group.asks_for_something]
        if not parts:
            return SliceMask(np.full(slice_of(self.volume, plane).shape, -4 * MARGIN, dtype=np.float32), 1.0)
        logits = np.max([part.logits for part in parts], axis=0)
        low_res = parts[0].low_res if len(parts) == 1 else None
        return SliceMask(enforce_clicks(logits, everything), min(part.score for part in parts), low_res)

    def continuation(self, plane: SlicePlane, expected: PartClicks, job: Job) -> Continuation:
        """What the model makes of a part that is expected on a slice.

        Asked in three ways (the part's middle alone, with its box, with the part as mask prompt), the answers are
        averaged, each with the weight of its overlap with the expected part.

        Raises:
            Canceled: the job was canceled, also while the embedding is being computed.
        """
        middle = Clicks(expected.clicks.points)
        prompt = self.predictor.mask_prompt(self.cache.get(plane, job.check), expected.part)
        asked = [(middle, None), (expected.clicks, None)] + ([] if prompt is None else [(middle, prompt)])
        answers = [self._likely(plane, clicks, logits, expected.part) for clicks, logits in asked]
        weights = np.array([intersection_over_union(answer.mask, expected.part) + 1e-3 for answer in answers])
        weights /= weights.sum()
        logits = sum(weight * np.clip(answer.logits, -4, 4) for weight, answer in zip(weights, answers))
        score = float(sum(weight * answer.score for weight, answer in zip(weights, answers)))
        inside = [answer.mask for answer in answers]
        return Continuation(logits > 0, score, np.any(inside, axis=0) & ~np.all(inside, axis=0))

    def prefetch(self, planes: List[SlicePlane]) -> None:
        """Prepare embeddings of these planes in the background; planes outside the volume are left out."""
        self.cache.prefetch([plane for plane in planes if 0 <= plane.index < self.grid.size[plane.axis]])

    def pixel_size(self, plane: SlicePlane) -> Tuple[float, float]:
        """(Height, width) of the plane's pixels in mm."""
        return pixel_size(self.grid, plane.axis)

    def close(self) -> None:
        """Stop background work and forget the embeddings."""
        self.cache.close()

    def _embed(self, plane: SlicePlane):
        return self.predictor.embed(np.ascontiguousarray(slice_of(self.volume, plane)), self.pixel_size(plane))

    def _replay(self, plane: SlicePlane, clicks: Clicks) -> SliceMask:
        key = (plane, clicks)
        if key in self._results:
            self._results.move_to_end(key)
            return self._results[key]
        before = clicks.before
        former = self._replay(plane, before) if clicks.points and before.asks_for_something else None
        prediction = self._first(plane, clicks) if former is None else self._candidates(plane, clicks, former.low_res)
        best = best_candidate(prediction, clicks)
        logits = self._within_outline(prediction.masks[best], clicks)
        result = SliceMask(
            enforce_clicks(logits, clicks), float(prediction.scores[best]), prediction.low_res_logits[best]
        )
        if former is not None:
            result = self._with_other_part(plane, clicks, former, result)
        self._results[key] = result
        while len(self._results) > _REMEMBERED:
            self._results.popitem(last=False)
        return result

    def _first(self, plane: SlicePlane, clicks: Clicks) -> SlicePrediction:
        """The answer to a group's first prompt: to a scribble by several of its points, to a lasso by what it holds."""
        if clicks.outline:
            held = outline_mask(clicks.outline, slice_of(self.volume, plane).shape)
            if held.any():
                middle = tuple(float(value) for value in deepest(held, self.pixel_size(plane)))
                prompt = self.predictor.mask_prompt(self.cache.get(plane), held)
                return self._candidates(plane, clicks._replace(points=((*middle, True), *clicks.points)), prompt)
        if clicks.box is None and len(clicks.points) > 1 and len(clicks.prompts) == 1:
            return self._to_scribble(plane, clicks)
        return self._candidates(plane, clicks)

    def _to_scribble(self, plane: SlicePlane, clicks: Clicks) -> SlicePrediction:
        """The mean of the answers to clicks along a scribble, of each the candidate that holds most of it."""
        answers = [self._candidates(plane, Clicks((point,))) for point in clicks.shown.points]
        chosen = [(answer, best_candidate(answer, clicks)) for answer in answers]
        masks, low_res = (
            np.mean([np.clip(getattr(answer, part)[best], -4, 4) for answer, best in chosen], axis=0)[None]
            for part in ("masks", "low_res_logits")
        )
        score = np.mean([float(answer.scores[best]) for answer, best in chosen])
        return SlicePrediction(masks.astype(np.float32), np.array([score]), low_res.astype(np.float32))

    def _within_outline(self, logits: np.ndarray, clicks: Clicks) -> np.ndarray:
        if not clicks.outline:
            return logits
        held = outline_mask(clicks.outline, logits.shape)
        pixels = [pixel_of(point, logits.shape) for point in clicks.points if point[2]]
        if not held.any() or any(not held[row, column] for column, row in pixels):
            return logits
        return np.where(held, logits, np.minimum(logits, -MARGIN))

    def _with_other_part(self, plane: SlicePlane, clicks: Clicks, before: SliceMask, after: SliceMask) -> SliceMask:
        """The answer `after` to the last click; where that click marks another part, `before` with that part."""
        part = other_part(before.mask, after.mask, clicks)
        if part is None:
            return after
        logits = np.where(part, after.logits, before.logits)
        prompt = self.predictor.mask_prompt(self.cache.get(plane), logits > 0)
        return SliceMask(logits, min(before.score, after.score), after.low_res if prompt is None else prompt)

    def suggestion(self, plane: SlicePlane, base: np.ndarray, clicks: Clicks) -> np.ndarray:
        """What the model makes (bool) of a mask from elsewhere and clicks; the clicks are not kept by force."""
        logits = np.full(base.shape, -4 * MARGIN, dtype=np.float32)
        for group, part in clicks_from_mask(base, self.pixel_size(plane), clicks.shown.points):
            prompt = self.predictor.mask_prompt(self.cache.get(plane), part)
            asked = group if prompt is None else Clicks(group.points)
            prediction = self._candidates(plane, asked, prompt)
            near = slices_of_box(group.box, base.shape, 0.25)
            best = prediction.masks[best_candidate(prediction, asked)]
            logits[near] = np.maximum(logits[near], best[near])
        return logits > 0

    def _wanted(self, plane: SlicePlane, base: np.ndarray, clicks: Clicks) -> np.ndarray:
        """The suggestion, and for positive clicks that it leaves outside what they ask for by themselves."""
        wanted = self.suggestion(plane, base, clicks)
        pixels = [pixel_of(point, base.shape) for point in clicks.points if point[2]]
        outside = [(column, row) for column, row in pixels if not wanted[row, column]]
        return wanted | components_at(self._replay(plane, clicks).mask, outside) if outside else wanted

    def _likely(self, plane: SlicePlane, clicks: Clicks, prompt: Optional[np.ndarray], part: np.ndarray) -> SliceMask:
        """Of the candidates, the one of best score, where a better overlap with the expected part counts too."""
        found = self._candidates(plane, clicks, prompt)
        ranks = [
            float(score) * (1 + intersection_over_union(mask > 0, part))
            for mask, score in zip(found.masks, found.scores)
        ]
        best = int(np.argmax(ranks))
        return SliceMask(found.masks[best], float(found.scores[best]))

    def _candidates(self, plane: SlicePlane, clicks: Clicks, low_res: Optional[np.ndarray] = None) -> SlicePrediction:
        embedding = self.cache.get(plane)
        return self.predictor.predict(embedding, clicks.coordinates, clicks.labels, clicks.box_array, low_res)


def mask_logits(mask: np.ndarray) -> np.ndarray:
    """Logits (H, W) that stand for a given mask (bool)."""
    return np.where(mask, 4 * MARGIN, -4 * MARGIN).astype(np.float32)


def fingerprint(mask: np.ndarray) -> str:
    """Short text that differs when the mask differs."""
    return hashlib.sha1(np.packbits(mask).tobytes() + str(mask.shape).encode()).hexdigest()
