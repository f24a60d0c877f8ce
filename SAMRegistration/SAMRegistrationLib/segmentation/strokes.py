"""Strokes and outlines drawn in a slice, as pixels of that slice.

Vertices are (N, 2) continuous (column, row); pixel centers are at integers.
"""

from typing import Sequence, Tuple

import numpy as np

from ..geometry.grid import Grid
from .planes import SlicePlane, in_plane_axes, plane_at, slice_shape, to_pixels, voxel_at
from .prompts import Prompt

_STEP = 0.5  # pixels between places that are looked at along a stroke


def stroke_pixels(vertices: np.ndarray, shape: Tuple[int, int]) -> np.ndarray:
    """The pixels (M, 2) int (column, row) under a stroke, from its beginning to its end, kept inside `shape` (H, W)."""
    vertices = np.asarray(vertices, dtype=np.float64).reshape(-1, 2)
    lengths = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(vertices, axis=0), axis=1))]
    places = np.linspace(0.0, lengths[-1], int(np.ceil(lengths[-1] / _STEP)) + 1)
    along = np.stack([np.interp(places, lengths, vertices[:, axis]) for axis in range(2)], axis=1)
    pixels = np.clip(np.floor(along + 0.5).astype(int), 0, np.array(shape[::-1]) - 1)
    _, first = np.unique(pixels, axis=0, return_index=True)
    return pixels[np.sort(first)]


def outline_mask(vertices: np.ndarray, shape: Tuple[int, int]) -> np.ndarray:
    """The pixels, bool `shape` (H, W), whose centers lie inside a closed outline (even-odd rule)."""
    start = np.asarray(vertices, dtype=np.float64).reshape(-1, 2)
    end = np.roll(start, -1, axis=0)
    rows = np.arange(shape[0])[:, None]
    low, high = np.minimum(start[:, 1], end[:, 1]), np.maximum(start[:, 1], end[:, 1])
    row, edge = np.nonzero((rows >= low) & (rows < high))
    share = (row - start[edge, 1]) / (end[edge, 1] - start[edge, 1])
    crossing = start[edge, 0] + share * (end[edge, 0] - start[edge, 0])
    first = np.clip(np.ceil(crossing), 0, shape[1]).astype(int)
    crossings = np.zeros((shape[0], shape[1] + 1), dtype=int)
    np.add.at(crossings, (row, first), 1)
    return np.cumsum(crossings, axis=1)[:, :-1] % 2 == 1


def prompt_outline(prompt: Prompt, grid: Grid) -> np.ndarray:
    """The pixels, bool (H, W), that a lasso holds in its slice: at least the one under its middle."""
    plane = plane_at(grid, prompt.points[0], prompt.normal)
    vertices, shape = to_pixels(grid, plane.axis, prompt.points), slice_shape(grid, plane.axis)
    held = outline_mask(vertices, shape)
    if not held.any():
        column, row = stroke_pixels(vertices.mean(axis=0), shape)[0]
        held[row, column] = True
    return held


def prompt_voxels(prompt: Prompt, grid: Grid) -> Sequence[Tuple[int, int, int]]:
    """The voxels (i, j, k) of a point or a scribble, in the order in which they were drawn."""
    if len(prompt.points) == 1:
        return [voxel_at(grid, prompt.points[0])]
    plane = plane_at(grid, prompt.points[0], prompt.normal)
    pixels = stroke_pixels(to_pixels(grid, plane.axis, prompt.points), slice_shape(grid, plane.axis))
    return [voxel_of(plane, pixel) for pixel in pixels]


def voxel_of(plane: SlicePlane, pixel: Sequence[int]) -> Tuple[int, int, int]:
    """The voxel (i, j, k) of a pixel (column, row) of a slice."""
    voxel = [plane.index] * 3
    for axis, value in zip(in_plane_axes(plane.axis), pixel):
        voxel[axis] = int(value)
    return tuple(voxel)
