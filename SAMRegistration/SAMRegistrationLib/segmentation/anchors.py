"""Prompted slices of a structure: which of them start it, which correct it, and what they say."""

from typing import Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from ..geometry.boxes import marked_bounds
from ..geometry.grid import Grid
from .planes import SlicePlane, plane_at, slice_of, voxel_at
from .prompts import POSITIVE, Structure
from .slice_propagation import IntensityRange


class Anchor(NamedTuple):
    """A prompted slice.

    Attributes:
        mask: bool (H, W).
        asked: whether the user said that the structure is there, by a positive point or a box.
        rejected: median intensity of what the user removed as a whole, or None.
        extent: first and last slice of the structure before a correction that only takes away, or None; such a
            correction does not make the structure longer.
    """

    mask: np.ndarray
    asked: bool
    rejected: Optional[float] = None
    extent: Optional[Tuple[int, int]] = None


Anchors = Dict[int, Anchor]


def main_axis(structure: Structure, grid: Grid) -> int:
    """The axis across whose planes most prompts were set; of equals, the one of largest spacing."""
    axes = [plane_at(grid, prompt.points[0], prompt.normal).axis for prompt in structure.prompts]
    spacing = np.round(np.asarray(grid.spacing) / max(grid.spacing), 6)
    return max(range(3), key=lambda axis: (axes.count(axis), spacing[axis], axis))


def prompted_slices(structure: Structure, grid: Grid, axis: int) -> Tuple[List[int], List[int]]:
    """Slices to start from, and slices that correct what arrives there, both in the order of their first prompt.

    Points set in a view along the slices, not in them, say too little to start from, so they correct.
    """
    starts: Dict[int, bool] = {}
    for prompt in structure.prompts:
        here = plane_at(grid, prompt.points[0], prompt.normal).axis == axis
        if here or not (prompt.is_area or prompt.is_drawn):
            index = voxel_at(grid, prompt.points[0])[axis]
            starts[index] = starts.get(index, False) or (here and not prompt.correction)
    if not any(starts.values()):
        positive = [p for p in structure.prompts if p.kind == POSITIVE and not p.correction]
        starts.update({voxel_at(grid, p.points[0])[axis]: True for p in positive})
    return [i for i, start in starts.items() if start], [i for i, start in starts.items() if not start]


def with_correction(anchor: Anchor, base: np.ndarray, values: np.ndarray, extent: Optional[Tuple[int, int]]) -> Anchor:
    """An anchor with what its correction of the mask `base` (bool, H x W) says about other slices.

    Args:
        values: intensities (H, W) of the slice.
        extent: first and last slice of the structure before the correction; None where it is empty.
    """
    if base.any() and not anchor.mask.any():
        anchor = anchor._replace(rejected=float(np.median(values[base])))
    if base.any() and not anchor.asked:
        anchor = anchor._replace(extent=extent)
    return anchor


def extent_along(volume: np.ndarray, axis: int) -> Optional[Tuple[int, int]]:
    """First and last slice across `axis` in which a mask (z, y, x) has a voxel; None where it is empty."""
    bounds = marked_bounds(volume.any(axis=tuple(other for other in range(3) if other != 2 - axis)))
    return None if bounds is None else bounds[0]


def intensity_ranges(anchors: Anchors, volume: np.ndarray, axis: int) -> Dict[int, IntensityRange]:
    """For every anchor with a mask: the intensities on the nearest slice where the user said the structure is there.

    Args:
        volume: intensities (z, y, x) in [0, 1].
        axis: the axis across which the anchors' slices lie.
    """
    shown = [index for index, anchor in anchors.items() if anchor.mask.any()]
    asked = [index for index in shown if anchors[index].asked]
    ranges = {}
    for index in shown:
        nearest = min(asked or [index], key=lambda other: (abs(other - index), other))
        ranges[index] = IntensityRange.of(slice_of(volume, SlicePlane(axis, nearest)), anchors[nearest].mask)
    return ranges
