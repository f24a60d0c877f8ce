"""From prompts in the world to clicks on one slice."""

from typing import List

import numpy as np

from ..geometry.grid import Grid
from .candidates import Clicks
from .planes import SlicePlane, plane_at, slice_shape, to_pixels, voxel_at
from .prompts import LASSO, Prompt, Structure
from .strokes import stroke_pixels


def prompts_in_plane(structure: Structure, grid: Grid, plane: SlicePlane) -> List[Prompt]:
    """What was drawn in a plane, and all points whose voxel lies in it, whatever view they were set in."""
    return [prompt for prompt in structure.prompts if _lies_in(prompt, grid, plane)]


def prompted_planes(structure: Structure, grid: Grid) -> List[SlicePlane]:
    """The planes in which a structure has prompts, in the order of their newest prompt.

    Raises:
        InputError: a prompt lies outside the volume.
    """
    newest = {}
    for prompt in structure.prompts:
        plane = plane_at(grid, prompt.points[0], prompt.normal)
        newest.pop(plane, None)
        newest[plane] = True
    return list(newest)


def clicks_in_plane(structure: Structure, grid: Grid, plane: SlicePlane) -> List[Clicks]:
    """The clicks of a structure on one slice, in pixels: one group for each box or lasso, or one without any of them.

    A positive point or scribble joins the nearest box or lasso, a negative one all of them.
    """
    prompts = prompts_in_plane(structure, grid, plane)
    areas = [prompt for prompt in prompts if prompt.is_area]
    boxes = [_box(prompt, grid, plane.axis) for prompt in areas]
    marks = [_points(prompt, grid, plane.axis) for prompt in prompts if not prompt.is_area]
    if not boxes:
        return [Clicks.of_prompts(marks)] if marks else []
    nearest = [int(np.argmin([_distance(points, box) for box in boxes])) for points in marks]
    return [
        Clicks.of_prompts(
            [points for points, mine in zip(marks, nearest) if not points[0][2] or mine == number],
            boxes[number],
            _vertices(area, grid, plane.axis) if area.kind == LASSO else (),
        )
        for number, area in enumerate(areas)
    ]


def _lies_in(prompt: Prompt, grid: Grid, plane: SlicePlane) -> bool:
    if prompt.is_area or prompt.is_drawn:
        return plane_at(grid, prompt.points[0], prompt.normal) == plane
    return voxel_at(grid, prompt.points[0])[plane.axis] == plane.index


def _points(prompt: Prompt, grid: Grid, axis: int) -> List[tuple]:
    """The position of a point, or the pixels of a scribble, as (column, row, inside)."""
    pixels = to_pixels(grid, axis, prompt.points)
    if prompt.is_drawn:
        pixels = stroke_pixels(pixels, slice_shape(grid, axis))
    return [(float(column), float(row), prompt.says_inside) for column, row in pixels]


def _vertices(prompt: Prompt, grid: Grid, axis: int) -> tuple:
    return tuple((float(column), float(row)) for column, row in to_pixels(grid, axis, prompt.points))


def _box(prompt: Prompt, grid: Grid, axis: int):
    corners = to_pixels(grid, axis, prompt.points)
    return tuple(float(value) for value in (*corners.min(axis=0), *corners.max(axis=0)))


def _distance(points, box) -> float:
    """From the nearest of the points to a box, in pixels; 0 inside."""
    away = [(max(box[0] - x, 0, x - box[2]), max(box[1] - y, 0, y - box[3])) for x, y, _ in points]
    return float(min(np.hypot(*distance) for distance in away))
