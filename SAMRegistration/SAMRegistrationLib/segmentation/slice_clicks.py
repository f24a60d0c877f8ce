"""From prompts in the world to clicks on one slice."""

from typing import List

import numpy as np

from ..geometry.grid import Grid
from .candidates import Clicks
from .planes import SlicePlane, plane_at, to_pixels, voxel_at
from .prompts import BOX, POSITIVE, Prompt, Structure


def prompts_in_plane(structure: Structure, grid: Grid, plane: SlicePlane) -> List[Prompt]:
    """The boxes set in a plane and all points whose voxel lies in it, whatever view they were set in."""
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
    """The clicks of a structure on one slice, in pixels: one group per box, or one group of points without any box.

    A positive point joins the nearest box, a negative one all of them.
    """
    prompts = prompts_in_plane(structure, grid, plane)
    boxes = [_box(prompt, grid, plane.axis) for prompt in prompts if prompt.kind == BOX]
    points = [_point(prompt, grid, plane.axis) for prompt in prompts if prompt.kind != BOX]
    if not boxes:
        return [Clicks(tuple(points))] if points else []
    nearest = [int(np.argmin([_distance(point, box) for box in boxes])) for point in points]
    return [
        Clicks(tuple(p for p, mine in zip(points, nearest) if not p[2] or mine == number), box)
        for number, box in enumerate(boxes)
    ]


def _lies_in(prompt: Prompt, grid: Grid, plane: SlicePlane) -> bool:
    if prompt.kind == BOX:
        return plane_at(grid, prompt.points[0], prompt.normal) == plane
    return voxel_at(grid, prompt.points[0])[plane.axis] == plane.index


def _point(prompt: Prompt, grid: Grid, axis: int):
    column, row = to_pixels(grid, axis, prompt.points)[0]
    return float(column), float(row), prompt.kind == POSITIVE


def _box(prompt: Prompt, grid: Grid, axis: int):
    corners = to_pixels(grid, axis, prompt.points)
    return tuple(float(value) for value in (*corners.min(axis=0), *corners.max(axis=0)))


def _distance(point, box) -> float:
    column, row, _ = point
    return float(np.hypot(max(box[0] - column, 0, column - box[2]), max(box[1] - row, 0, row - box[3])))
