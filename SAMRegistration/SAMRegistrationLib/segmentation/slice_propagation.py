"""Propagation in one direction: from a slice with a mask to its neighbors, until the structure ends."""

from dataclasses import dataclass
from typing import Callable, Dict, NamedTuple, Optional

import numpy as np

from ..job import Job
from .clicks_from_mask import clicks_from_mask
from .planes import SlicePlane, slice_of
from .regions import components, intersection_over_union, signed_distance
from .slice_segmenter import SliceSegmenter

Masks = Dict[int, np.ndarray]


class CarriedMask(NamedTuple):
    """What was carried to a slice.

    Attributes:
        mask: bool (H, W); empty on the slice before which the structure ended.
        unsure: bool (H, W), where the model's answers differ, or would have gone on where the structure ended.
    """

    mask: np.ndarray
    unsure: np.ndarray


Carried = Dict[int, CarriedMask]


class IntensityRange(NamedTuple):
    """The intensities, in [0, 1], that belong to a structure."""

    low: float
    high: float

    @classmethod
    def of(cls, image: np.ndarray, mask: np.ndarray) -> "IntensityRange":
        """Of what lies in a mask (bool, not empty), a little widened."""
        low, high = np.percentile(image[mask], [5, 95])
        return cls(float(low) - 0.03, float(high) + 0.03)

    def fraction_of(self, values: np.ndarray) -> float:
        """The fraction of the values that are in the range."""
        return float(np.mean((values >= self.low) & (values <= self.high)))


@dataclass(frozen=True)
class StopRule:
    """When a structure is taken to have ended, from one slice to the next.

    Attributes:
        min_score: lowest predicted intersection over union of a mask.
        min_area_ratio: smallest area as a fraction of the expected one.
        max_area_ratio: largest area as a multiple of the expected one.
        min_coverage: lowest fraction of the smaller of both masks that lies in the other.
        min_pixels: smallest area in pixels.
        min_in_range: lowest fraction of the mask whose intensities are in the range of the structure.
    """

    min_score: float = 0.3
    min_area_ratio: float = 0.1
    max_area_ratio: float = 3.0
    min_coverage: float = 0.6
    min_pixels: int = 5
    min_in_range: float = 0.6

    def allows(self, new: np.ndarray, old: np.ndarray, score: float, in_range: float) -> bool:
        """Whether mask `new` (bool), with this score and fraction in range, can continue the expected `old`."""
        area, expected = np.count_nonzero(new), np.count_nonzero(old)
        return (
            score >= self.min_score
            and in_range >= self.min_in_range
            and area >= self.min_pixels
            and self.min_area_ratio * expected <= area <= self.max_area_ratio * expected
            and np.count_nonzero(new & old) >= self.min_coverage * min(area, expected)
        )


@dataclass(frozen=True)
class SlicePropagation:
    """How masks are carried from slice to slice.

    Attributes:
        rule: when to stop.
        memory: weight of the slices before the neighbor in what is expected of the next slice.
        between: weight of the shape interpolated between two prompted slices in what is expected.
        trust: weight of the model's mask against the expected one.
        steepness: how far, in slice distances plus two pixels, a mask may reach beyond the expected one.
    """

    rule: StopRule = StopRule()
    memory: float = 0.35
    between: float = 0.5
    trust: float = 0.75
    steepness: float = 2.0

    def run(
        self,
        segmenter: SliceSegmenter,
        start: SlicePlane,
        mask: np.ndarray,
        intensities: IntensityRange,
        indices: range,
        shape_at: Optional[Callable[[int], np.ndarray]],
        job: Job,
    ) -> Carried:
        """Masks of the slices `indices`, in that order, up to the structure's end, where the last mask is empty.

        Args:
            segmenter: predicts slices.
            start: the slice to start from.
            mask: its mask (bool), not empty.
            intensities: the intensities that belong to the structure.
            indices: the slices to go through, beginning beside `start`.
            shape_at: signed distance (mm) of the shape interpolated between two prompted slices, by slice; where the
                structure is prompted on both sides it cannot end, so where the model fails the expected mask is kept.

        Raises:
            Canceled: the job was canceled.
        """
        found: Carried = {}
        size = segmenter.pixel_size(start)
        memory = signed_distance(mask, size)
        for number, index in enumerate(indices):
            plane = SlicePlane(start.axis, index)
            job.update(number / len(indices), f"slice {index + 1} of {segmenter.grid.size[start.axis]}")
            segmenter.prefetch([SlicePlane(start.axis, ahead) for ahead in indices[number + 1 : number + 3]])
            near = signed_distance(mask, size)
            memory = self.memory * memory + (1 - self.memory) * near
            expected = memory
            if shape_at is not None:
                expected = self.between * shape_at(index) + (1 - self.between) * memory
            guide = expected > 0 if (expected > 0).any() else mask
            found[index] = self._next(segmenter, plane, guide, intensities, shape_at is not None, job)
            mask = found[index].mask
            if not mask.any():
                break
        return found

    def _next(self, segmenter, plane, guide, intensities, bounded, job) -> CarriedMask:
        size = segmenter.pixel_size(plane)
        values = slice_of(segmenter.volume, plane)
        reach = self.steepness * segmenter.grid.spacing[plane.axis] + 2 * max(size)
        result, unsure = np.zeros((2, *guide.shape), dtype=bool)
        for expected in clicks_from_mask(guide, size):
            part = expected.part
            distance = signed_distance(part, size)
            answer = segmenter.continuation(plane, expected, job)
            new = _touching(answer.mask & (distance > -reach), part)
            unsure |= answer.unsure & (distance > -reach)
            if new.any() and self.rule.allows(new, part, answer.score, intensities.fraction_of(values[new])):
                trust = self.trust + (1 - self.trust) * intersection_over_union(new, part)
                result |= trust * signed_distance(new, size) + (1 - trust) * distance > 0
            else:
                unsure |= new
                if bounded:
                    result |= part
        return CarriedMask(result, unsure)


def _touching(mask: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The parts of a mask that meet another one."""
    result = np.zeros_like(mask)
    for part in components(mask):
        if (part & other).any():
            result |= part
    return result
