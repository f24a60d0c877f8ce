"""Edits of the structures and prompts of one volume, with undo and redo."""

from dataclasses import replace
from typing import List, Optional, Sequence, Tuple

import numpy as np

from ..errors import InputError
from ..geometry.grid import Grid
from .edits import AddPrompt, DeletePrompt, DescribeStructure, History, PutStructures, RemoveStructure, ReplacePrompt
from .planes import SlicePlane, axis_normal, plane_at, slice_shape, to_pixels, voxel_at
from .prompts import (
    BOX,
    LASSO,
    MOST_POINTS,
    NEGATIVE,
    NEGATIVE_SCRIBBLE,
    POSITIVE,
    SCRIBBLE,
    Prompt,
    PromptSet,
    Structure,
)
from .slice_clicks import prompted_planes
from .strokes import outline_mask

Position = Sequence[float]
COLORS = (
    (0.90, 0.30, 0.24), (0.20, 0.60, 0.86), (0.18, 0.80, 0.44), (0.95, 0.77, 0.06), (0.61, 0.35, 0.71),
    (0.90, 0.49, 0.13), (0.10, 0.74, 0.61), (0.93, 0.51, 0.93), (0.55, 0.76, 0.29), (0.50, 0.55, 0.55),
)  # fmt: skip


class PromptEditor:
    """The structures and prompts of one volume. Positions are LPS millimeters.

    A class that has masks overrides :meth:`begin_correction`.

    Args:
        grid: of the volume.
        prompts: where to start from.
    """

    def __init__(self, grid: Grid, prompts: Optional[PromptSet] = None):
        self.grid = grid
        self._history = History(prompts)

    @property
    def prompts(self) -> PromptSet:
        """The structures with their prompts; save with ``prompts.save(path)``."""
        return self._history.current

    @property
    def structures(self) -> Tuple[Structure, ...]:
        """The structures in the order in which they were added."""
        return self.prompts.structures

    def plane_of(self, prompt: Prompt) -> SlicePlane:
        """The grid plane that a prompt belongs to.

        Raises:
            InputError: the prompt lies outside this volume.
        """
        return plane_at(self.grid, prompt.points[0], prompt.normal)

    def planes(self, structure_id: str) -> List[SlicePlane]:
        """The planes in which a structure has prompts, in the order of their newest prompt."""
        return prompted_planes(self.prompts.structure(structure_id), self.grid)

    def begin_correction(self, structure: Structure, plane: SlicePlane) -> bool:
        """Whether the slice shows a mask, which the first point set on it will correct; called when it is set."""
        return False

    # --- structures

    def add_structure(
        self, name: str, color: Optional[Sequence[float]] = None, terminology: str = "", label: Optional[int] = None
    ) -> Structure:
        """Add a structure; `color` (RGB in [0, 1]) and `label` (> 0) are chosen when left out."""
        label = self.prompts.free_label() if label is None else label
        color = COLORS[(label - 1) % len(COLORS)] if color is None else color
        structure = Structure(name, label, color, terminology)
        if any(other.label == structure.label for other in self.structures):
            raise InputError(f"Label {label} is already taken by another structure.")
        self._history.do(PutStructures(f"Add {name}", (structure,)))
        return structure

    def describe_structure(self, structure_id: str, name: str, color: Sequence[float], terminology: str = "") -> None:
        """Add a structure of this id, or set how a known one is called and looks; not a step of undo."""
        self._history.amend(
            DescribeStructure(f"Describe {name}", Structure(name, 1, color, terminology, id=structure_id))
        )

    def remove_structure(self, structure_id: str) -> None:
        """Remove a structure with its prompts."""
        name = self.prompts.structure(structure_id).name
        self._history.do(RemoveStructure(f"Remove {name}", structure_id))

    def forget_structure(self, structure_id: str) -> None:
        """Remove a structure as if it had never been there, if it is: undo does not bring it back."""
        self._history.forget(structure_id)

    # --- prompts

    def add_point(
        self, structure_id: str, position: Position, positive: bool = True, normal: Optional[Position] = None
    ) -> Prompt:
        """Add a point.

        Args:
            position: where, LPS mm.
            positive: inside the structure, or outside.
            normal: normal (LPS) of the view it was set in; the nearest grid plane is used. None: the planes of
                highest resolution.

        Raises:
            InputError: the position is outside the volume; nothing changed.
        """
        structure = self.prompts.structure(structure_id)
        plane = plane_at(self.grid, position, normal)
        prompt = self._new_prompt(structure, POSITIVE if positive else NEGATIVE, (position,), plane)
        what = "point inside" if positive else "point outside"
        self._history.do(AddPrompt(f"Add {what} {structure.name}", structure_id, prompt))
        return prompt

    def add_box(
        self, structure_id: str, corner: Position, opposite: Position, normal: Optional[Position] = None
    ) -> Prompt:
        """Add a box given by two opposite corners (LPS mm) in the view with `normal` (LPS).

        Raises:
            InputError: a corner is outside the volume, or the box has no area; nothing changed.
        """
        structure = self.prompts.structure(structure_id)
        plane = plane_at(self.grid, corner, normal)
        opposite = self._box_corner(plane, corner, opposite)
        prompt = self._new_prompt(structure, BOX, (corner, opposite), plane)
        self._history.do(AddPrompt(f"Add box around {structure.name}", structure_id, prompt))
        return prompt

    def add_scribble(
        self,
        structure_id: str,
        positions: Sequence[Position],
        positive: bool = True,
        normal: Optional[Position] = None,
    ) -> Prompt:
        """Add a stroke through `positions` (LPS mm) in the view with `normal` (LPS); all of it is inside, or outside.

        What was drawn beside the volume is left out.

        Raises:
            InputError: it lies outside the volume; nothing changed.
        """
        kind = SCRIBBLE if positive else NEGATIVE_SCRIBBLE
        return self._add_drawn(structure_id, kind, positions, normal)

    def add_lasso(self, structure_id: str, positions: Sequence[Position], normal: Optional[Position] = None) -> Prompt:
        """Add a closed outline through `positions` (LPS mm) in the view with `normal` (LPS); its inside is meant.

        Raises:
            InputError: it lies outside the volume, or holds no voxel; nothing changed.
        """
        return self._add_drawn(structure_id, LASSO, positions, normal)

    def move_prompt(self, prompt_id: str, *points: Position) -> Prompt:
        """Move a point to one position, a box to two corners, or give a stroke other vertices (LPS mm).

        A proposal is thereby accepted.

        Raises:
            InputError: a position is outside the volume; nothing changed.
        """
        prompt = self.prompts.prompt(prompt_id)
        plane = plane_at(self.grid, points[0], prompt.normal)
        if prompt.kind == BOX and len(points) == 2:
            points = (points[0], self._box_corner(plane, *points))
        if prompt.is_drawn:
            points = self._drawn_points(prompt.kind, points, plane)
        moved = replace(prompt, points=tuple(points), proposed=False)
        self._history.do(ReplacePrompt(f"Move {_noun(prompt)}", moved))
        return moved

    def delete_prompt(self, prompt_id: str) -> None:
        """Delete one prompt."""
        prompt = self.prompts.prompt(prompt_id)
        self._history.do(DeletePrompt(f"Delete {_noun(prompt)}", prompt_id))

    def clear(self, structure_id: str) -> None:
        """Delete all prompts of a structure, and with them what was propagated from them."""
        structure = replace(self.prompts.structure(structure_id), prompts=(), propagated=False)
        self._history.do(PutStructures(f"Clear {structure.name}", (structure,)))

    def accept_proposals(self, structure_id: str) -> None:
        """Take the proposed prompts of a structure as they are."""
        structure = self.prompts.structure(structure_id)
        accepted = tuple(replace(prompt, proposed=False) for prompt in structure.prompts)
        if accepted != structure.prompts:
            edit = PutStructures(f"Accept {structure.name}", (replace(structure, prompts=accepted),))
            self._history.do(edit)

    # --- undo

    @property
    def undo_label(self) -> Optional[str]:
        """What undo would take back, or None."""
        return self._history.undo_label

    @property
    def redo_label(self) -> Optional[str]:
        """What redo would do again, or None."""
        return self._history.redo_label

    def undo(self) -> Optional[str]:
        """Take back the last edit; returns what it was, None when there is none."""
        return self._history.undo()

    def take_back(self) -> None:
        """Undo the last edit for good, as when it was canceled at the last moment."""
        self._history.take_back()

    def redo(self) -> Optional[str]:
        """Do again what was undone; returns what it was, None when there is none."""
        return self._history.redo()

    # --- inside

    def _new_prompt(self, structure: Structure, kind: str, points, plane: SlicePlane) -> Prompt:
        here = [prompt for prompt in structure.prompts if self.plane_of(prompt) == plane]
        if kind in (BOX, LASSO):
            correction = False
        elif here:
            correction = all(prompt.correction for prompt in here)
        else:
            correction = self.begin_correction(structure, plane)
        return Prompt(kind, tuple(points), tuple(axis_normal(self.grid, plane.axis)), correction=correction)

    def _add_drawn(
        self, structure_id: str, kind: str, positions: Sequence[Position], normal: Optional[Position]
    ) -> Prompt:
        structure = self.prompts.structure(structure_id)
        inside = [position for position in positions if self.grid.contains([position]).all()]
        plane = plane_at(self.grid, (inside or positions)[0], normal)
        prompt = self._new_prompt(structure, kind, self._drawn_points(kind, inside, plane), plane)
        self._history.do(AddPrompt(f"Add {_noun(prompt)} {structure.name}", structure_id, prompt))
        return prompt

    def _drawn_points(self, kind: str, positions: Sequence[Position], plane: SlicePlane) -> tuple:
        """Vertices (LPS mm) within the plane of the first one, and not more of them than a prompt may have."""
        index = self.grid.physical_to_index(positions)
        index[:, plane.axis] = index[0, plane.axis]
        if len(index) > MOST_POINTS:
            index = index[np.linspace(0, len(index) - 1, MOST_POINTS).round().astype(int)]
        if kind != LASSO and len(index) == 1:
            index = np.repeat(index, 2, axis=0)
        points = tuple(map(tuple, self.grid.index_to_physical(index)))
        held = outline_mask(to_pixels(self.grid, plane.axis, points), slice_shape(self.grid, plane.axis))
        if kind == LASSO and not held.any():
            raise InputError("The lasso holds no voxel; draw it around the structure.")
        return points

    def _box_corner(self, plane: SlicePlane, corner: Position, opposite: Position) -> np.ndarray:
        voxel_at(self.grid, opposite)
        index, far = self.grid.physical_to_index([corner, opposite])
        others = [axis for axis in range(3) if axis != plane.axis]
        if np.abs(far - index)[others].min() < 0.5:
            raise InputError("The box has no area; drag it from corner to opposite corner.")
        far[plane.axis] = index[plane.axis]
        return self.grid.index_to_physical([far])[0]


def _noun(prompt: Prompt) -> str:
    drawn = {SCRIBBLE: "scribble inside", NEGATIVE_SCRIBBLE: "scribble outside", LASSO: "lasso around"}
    return {POSITIVE: "point inside", NEGATIVE: "point outside", BOX: "box", **drawn}[prompt.kind]
