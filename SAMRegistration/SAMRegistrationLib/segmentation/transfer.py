"""One set of clicks for two images: prompts carried from the fixed to the moving image as proposals."""

from dataclasses import replace
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

import numpy as np
import SimpleITK as sitk

from ..geometry.grid import Grid
from ..volumes import name_key
from .planes import SlicePlane, axis_normal, in_plane_axes, nearest_axis, plane_at, slice_of
from .prompts import BOX, LASSO, Prompt, PromptSet, Structure, new_id


class Transfer(NamedTuple):
    """Outcome of :func:`proposals`.

    Attributes:
        structures: the structures of the other image with the proposed prompts added.
        outside: how many prompts fell outside the other image and were left out.
    """

    structures: Tuple[Structure, ...]
    outside: int


def proposals(
    source: PromptSet,
    target: PromptSet,
    transform: sitk.Transform,
    source_grid: Grid,
    target_grid: Grid,
    structure_ids: Optional[Sequence[str]] = None,
    source_mask: Optional[Callable[[Structure], np.ndarray]] = None,
) -> Transfer:
    """Carry prompts to the other image; they are marked as proposals.

    Earlier proposals that nobody accepted are replaced, prompts set or accepted by the user stay. Structures are
    matched by name, and by id among those of the same name; a missing one is created with the same name, color and
    terminology, and with the same id and label where these are free.

    Args:
        source: prompts of the fixed image; its own proposals are not carried back.
        target: prompts of the moving image.
        transform: maps fixed points to moving points (LPS mm), as a resampler uses it.
        source_grid: grid of the fixed image.
        target_grid: grid of the moving image.
        structure_ids: which structures of `source`; None for all.
        source_mask: gives the mask (z, y, x) of a structure in the fixed image. Negative points that emptied a slice
            there end the structure in the other image too; without it they only correct what is there.
    """
    result = target
    changed, outside = [], 0
    for structure in source.structures:
        own = [prompt for prompt in structure.prompts if not prompt.proposed]
        if not own or (structure_ids is not None and structure.id not in structure_ids):
            continue
        ended = _ended_planes(structure, own, source_grid, source_mask)
        carried = [
            _carried(prompt, transform, source_grid, target_grid, corrects)
            for prompt, corrects in zip(own, _corrections(own, source_grid, ended))
        ]
        inside = [prompt for prompt in carried if prompt is not None]
        outside += len(carried) - len(inside)
        existing = _counterpart(structure, result)
        kept = [prompt for prompt in existing.prompts if not prompt.proposed]
        existing = replace(existing, prompts=(*kept, *inside))
        result = result.with_structure(existing)
        changed.append(existing)
    return Transfer(tuple(changed), outside)


def _counterpart(structure: Structure, target: PromptSet) -> Structure:
    alike = [other for other in target.structures if name_key(other.name) == name_key(structure.name)]
    if alike:
        return next((other for other in alike if other.id == structure.id), alike[0])
    label = structure.label
    if any(other.label == label for other in target.structures):
        label = target.free_label()
    own_id = new_id() if target.has(structure.id) else structure.id
    return replace(structure, id=own_id, label=label, prompts=(), propagated=False)


def _corrections(prompts: Sequence[Prompt], grid: Grid, ended: Set[SlicePlane]) -> List[bool]:
    """Which prompts refine an earlier one of their slice; in the other image they may land on another slice."""
    planes = [plane_at(grid, prompt.points[0], prompt.normal) for prompt in prompts]
    asking = {}
    for prompt, plane in zip(prompts, planes):
        if prompt.says_inside:
            asking.setdefault(plane, prompt)
    return [plane not in ended and (p.correction or asking.get(plane, p) is not p) for p, plane in zip(prompts, planes)]


def _ended_planes(
    structure: Structure,
    prompts: Sequence[Prompt],
    grid: Grid,
    source_mask: Optional[Callable[[Structure], np.ndarray]],
) -> Set[SlicePlane]:
    """The slices with negative points alone that were set as corrections and left nothing of the structure there."""
    kinds: Dict[SlicePlane, Set[bool]] = {}
    for prompt in prompts:
        plane = plane_at(grid, prompt.points[0], prompt.normal)
        kinds.setdefault(plane, set()).add(prompt.correction and not prompt.says_inside)
    candidates = [plane for plane, negative in kinds.items() if negative == {True}]
    if not candidates or source_mask is None:
        return set()
    mask = source_mask(structure)
    return {plane for plane in candidates if not slice_of(mask, plane).any()}


def _carried(
    prompt: Prompt, transform: sitk.Transform, source: Grid, target: Grid, correction: bool
) -> Optional[Prompt]:
    source_axis = nearest_axis(source, prompt.normal)
    middle = np.mean(prompt.points, axis=0)
    axis = nearest_axis(target, _mapped_normal(transform, middle, source, source_axis))
    if prompt.kind == BOX:
        points = _carried_box(prompt, transform, source, source_axis, target, axis)
    else:
        points = _mapped(transform, prompt.points)
    if prompt.is_drawn:
        points = _drawn_in_slice(prompt, points, target, axis)
    if not len(points) or not target.contains(points).all():
        return None
    points = tuple(tuple(point) for point in points)
    normal = tuple(axis_normal(target, axis))
    return Prompt(prompt.kind, points, normal, proposed=True, correction=correction)


def _mapped(transform: sitk.Transform, points) -> np.ndarray:
    return np.array([transform.TransformPoint([float(value) for value in point]) for point in points])


def _mapped_normal(transform: sitk.Transform, point: np.ndarray, source: Grid, axis: int) -> np.ndarray:
    """Normal of the mapped plane: cross product of two mapped in-plane steps of a voxel."""
    first, second = (source.axes[:, other] for other in in_plane_axes(axis))
    origin, along, across = _mapped(transform, [point, point + first, point + second])
    normal = np.cross(along - origin, across - origin)
    return normal if np.any(normal) else axis_normal(source, axis)


def _drawn_in_slice(prompt: Prompt, points: np.ndarray, target: Grid, axis: int) -> np.ndarray:
    """Vertices in the slice through their middle: of a scribble those inside the image, of a lasso all, cut to it.

    Empty where a scribble keeps less than two, or the middle of a lasso is outside.
    """
    index = target.physical_to_index(points)
    if prompt.kind == LASSO and not target.contains([points.mean(axis=0)])[0]:
        return points[:0]
    index[:, axis] = index[:, axis].mean()
    if prompt.kind == LASSO:
        beside = np.arange(3) != axis
        index[:, beside] = np.clip(index, -0.49, np.asarray(target.size) - 0.51)[:, beside]
        return target.index_to_physical(index)
    kept = target.index_to_physical(index)
    kept = kept[target.contains(kept)]
    return kept if len(kept) > 1 else kept[:0]


def _carried_box(prompt, transform: sitk.Transform, source: Grid, source_axis: int, target: Grid, axis: int):
    """Corners of the rectangle, in the slice through the mapped middle, that holds the four mapped corners."""
    near, far = source.physical_to_index(prompt.points)
    corners = np.array([near, near, far, far])
    column_axis = in_plane_axes(source_axis)[0]
    corners[[1, 2], column_axis] = corners[[2, 1], column_axis]
    corners[:, source_axis] = near[source_axis]
    mapped = target.physical_to_index(_mapped(transform, source.index_to_physical(corners)))
    middle = source.index_to_physical([corners.mean(axis=0)])
    bounds = np.array([mapped.min(axis=0), mapped.max(axis=0)])
    bounds[:, axis] = target.physical_to_index(_mapped(transform, middle))[0, axis]
    inside = np.clip(bounds, -0.49, np.asarray(target.size) - 0.51)
    if np.abs(inside[1] - inside[0])[list(in_plane_axes(axis))].min() < 0.5:
        inside = bounds
    return target.index_to_physical(np.where(np.arange(3) == axis, bounds, inside))
