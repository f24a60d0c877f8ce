"""Interactive segmentation of one volume: structures, prompts, undo, masks of slices and of the whole volume.

All positions are LPS millimetres. Edits (add, move, delete, ...) are quick and belong to one thread; `slice_mask`,
`mask`, `propagate` and `label_image` run the model and may be called from a worker thread.
"""

from dataclasses import replace
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..geometry.grid import Grid
from ..job import Job
from ..volumes import Labels, NamedMask, StructureMasks
from .cache import DEFAULT_LIMIT
from .crops import CroppedMask
from .edits import AddPrompt, DeletePrompt, DescribeStructure, History, PutStructures, RemoveStructure, ReplacePrompt
from .intensity import Intensity
from .labels import flattened, read_structures
from .planes import SlicePlane, axis_normal, plane_at, slice_of, voxel_at
from .predictor import SlicePredictor
from .prompts import BOX, NEGATIVE, POSITIVE, Prompt, PromptSet, Structure
from .propagation import Propagator
from .slice_clicks import clicks_in_plane
from .slice_segmenter import SliceMask, SliceSegmenter
from .transfer import proposals

Position = Sequence[float]
COLORS = (
    (0.90, 0.30, 0.24), (0.20, 0.60, 0.86), (0.18, 0.80, 0.44), (0.95, 0.77, 0.06), (0.61, 0.35, 0.71),
    (0.90, 0.49, 0.13), (0.10, 0.74, 0.61), (0.93, 0.51, 0.93), (0.55, 0.76, 0.29), (0.50, 0.55, 0.55),
)  # fmt: skip


_VERSIONS = 8


class SegmentationSession:
    """One volume with its prompts and masks.

    Args:
        image: 3D scalar image, any orientation and spacing.
        predictor: the model that turns prompts into masks of slices.
        prompts: where to start from, e.g. ``PromptSet.load(path)``.
        cache_limit: bytes that embeddings of slices may take.

    Example:
        >>> from SAMRegistrationLib.segmentation.models import open_predictor
        >>> image = sitk.GaussianSource(size=[64, 64, 5], sigma=[9, 9, 3], mean=[30, 30, 2], scale=1000)
        >>> session = SegmentationSession(image, open_predictor("compact", "cpu"))
        >>> liver = session.add_structure("liver")
        >>> _ = session.add_point(liver.id, (30.0, 30.0, 2.0))
        >>> mask = session.propagate(liver.id)
        >>> bool(mask[2, 30, 30]), bool(mask[2, 2, 2])
        (True, False)
    """

    def __init__(
        self,
        image: sitk.Image,
        predictor: SlicePredictor,
        prompts: Optional[PromptSet] = None,
        cache_limit: int = DEFAULT_LIMIT,
    ):
        if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
            raise InputError("Segmentation needs a volume with three dimensions and one value per voxel.")
        self.grid = Grid.of(image)
        self._image = sitk.GetArrayFromImage(image)
        self._cache_limit = cache_limit
        self._history = History(prompts)
        self._intensity = self._history.current.intensity or Intensity.for_image(image)
        self._imported: Dict[str, CroppedMask] = {}
        self._volumes: Dict[str, List[Tuple[Tuple[Prompt, ...], CroppedMask]]] = {}
        self._bases: Dict[Tuple[str, SlicePlane], np.ndarray] = {}
        self._propagators: Dict[str, Propagator] = {}
        self._segmenter = self._new_segmenter(predictor)

    # --- what there is

    @property
    def prompts(self) -> PromptSet:
        """The structures with their prompts; save with ``session.prompts.save(path)``."""
        return replace(self._history.current, intensity=self._intensity)

    @property
    def structures(self) -> Tuple[Structure, ...]:
        """The structures in the order in which they were added."""
        return self.prompts.structures

    @property
    def intensity(self) -> Intensity:
        """How intensities are shown to the predictor."""
        return self._intensity

    @property
    def predictor(self) -> SlicePredictor:
        """The model in use."""
        return self._segmenter.predictor

    def plane_of(self, prompt: Prompt) -> SlicePlane:
        """The grid plane that a prompt belongs to.

        Raises:
            InputError: the prompt lies outside this volume.
        """
        return plane_at(self.grid, prompt.points[0], prompt.normal)

    def planes(self, structure_id: str) -> List[SlicePlane]:
        """The planes in which a structure has prompts, in the order of their newest prompt."""
        newest = {}
        for prompt in self.prompts.structure(structure_id).prompts:
            plane = self.plane_of(prompt)
            newest.pop(plane, None)
            newest[plane] = True
        return list(newest)

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

    def change_structure(self, structure_id: str, **fields) -> Structure:
        """Change `name`, `color`, `terminology` or `label` of a structure.

        Raises:
            InputError: another field is given, or the label is taken.
        """
        if not set(fields) <= {"name", "color", "terminology", "label"}:
            raise InputError(f"A structure has no {', '.join(sorted(fields))} to change.")
        structure = replace(self.prompts.structure(structure_id), **fields)
        self._history.do(PutStructures(f"Change {structure.name}", (structure,)))
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

    def move_prompt(self, prompt_id: str, *points: Position) -> Prompt:
        """Move a point to one position, or a box to two corners (LPS mm); a proposal is thereby accepted.

        Raises:
            InputError: a position is outside the volume; nothing changed.
        """
        prompt = self.prompts.prompt(prompt_id)
        plane = plane_at(self.grid, points[0], prompt.normal)
        if prompt.kind == BOX and len(points) == 2:
            points = (points[0], self._box_corner(plane, *points))
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

    def propose_from(
        self, other: "SegmentationSession", transform: sitk.Transform, structure_ids: Optional[Sequence[str]] = None
    ) -> int:
        """Carry the prompts of `other` (the fixed image) to this session's image as proposals, in one step.

        Args:
            transform: maps points of the other image to points of this one (LPS mm).
            structure_ids: which structures of `other`; None for all.

        Returns:
            How many prompts fell outside this image and were left out.
        """
        carried = proposals(other.prompts, self.prompts, transform, other.grid, self.grid, structure_ids)
        if carried.structures:
            self._history.do(PutStructures("Propose prompts", carried.structures))
        return carried.outside

    def import_labels(self, image: Labels, names: Optional[Dict[int, str]] = None) -> Tuple[Structure, ...]:
        """Take over the structures of a label map or segmentation on any grid, in one step.

        Args:
            image: see :func:`.labels.read_structures`.
            names: label -> name.

        Raises:
            InputError: the image is no label map, or shows nothing within this volume; nothing changed.
        """
        added, prompts = [], self.prompts
        for found in read_structures(image, self.grid, names):
            label = found.label
            if any(structure.label == label for structure in prompts.structures):
                label = prompts.free_label()
            structure = Structure(found.name, label, found.color or COLORS[(label - 1) % len(COLORS)])
            prompts = prompts.with_structure(structure)
            self._imported[structure.id] = CroppedMask.of(found.mask)
            added.append(structure)
        self._history.do(PutStructures("Import labels", tuple(added)))
        return tuple(added)

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
        """Undo the last edit for good, as when it was cancelled at the last moment."""
        self._history.take_back()

    def redo(self) -> Optional[str]:
        """Do again what was undone; returns what it was, None when there is none."""
        return self._history.redo()

    # --- masks

    def slice_mask(self, structure_id: str, plane: SlicePlane) -> SliceMask:
        """The mask that the prompts in one plane ask for; empty when they ask for nothing."""
        return self._slice_mask(self.prompts.structure(structure_id), plane)

    def mask(self, structure_id: str) -> np.ndarray:
        """uint8 (z, y, x): what is imported or propagated, with the prompted slices in their present state."""
        structure = self.prompts.structure(structure_id)
        propagated = self._propagated(structure)
        if propagated is not None:
            return propagated.whole()
        mask = self._background(structure)
        return self._with_prompted_slices(structure, mask, self.planes(structure_id))

    def propagate(self, structure_id: str, job: Optional[Job] = None) -> np.ndarray:
        """Extend a structure from its prompted slices to the volume, and return its mask, uint8 (z, y, x).

        Only what depends on prompts that changed since the last time is computed again. After a cancel the
        structure is as it was.

        Raises:
            InputError: the structure has no positive prompt.
            Cancelled: the job was cancelled.
        """
        structure = self.prompts.structure(structure_id)
        propagator = self._propagators.setdefault(structure_id, Propagator(self._segmenter))
        bases = {plane: base for (owner, plane), base in self._bases.items() if owner == structure_id}
        imported = self._imported[structure_id].whole() if structure_id in self._imported else None
        volume = propagator.run(structure, imported, bases, Job() if job is None else job)
        axis = propagator.main_axis(structure)
        across = [plane for plane in self.planes(structure_id) if plane.axis != axis]
        volume = self._with_prompted_slices(structure, volume, across)
        self._volumes.setdefault(structure_id, []).append((structure.prompts, CroppedMask.of(volume)))
        del self._volumes[structure_id][:-_VERSIONS]
        current = self.prompts.structure(structure_id)
        if not current.propagated:
            self._history.do(PutStructures(f"{current.name} to volume", (replace(current, propagated=True),)))
        return volume

    def label_image(self) -> sitk.Image:
        """All structures as one label image on the volume's grid, 0 background; see :func:`.labels.flattened`."""
        return flattened(self.structure_masks(), self.prompts)

    def structure_masks(self) -> StructureMasks:
        """All structures that have a voxel, on the volume's grid; they may overlap."""
        masks = (NamedMask(s.label, s.name, self.mask(s.id), s.color) for s in self.structures)
        return StructureMasks.of_masks(masks, self.grid)

    def stale(self, structure_id: str) -> bool:
        """Whether prompts changed since the structure was last extended to the volume."""
        structure = self.prompts.structure(structure_id)
        return structure.propagated and self._propagated(structure) is None

    def set_mask(self, structure_id: str, mask: np.ndarray) -> None:
        """Give a structure a mask from elsewhere, (z, y, x) on the volume's grid; its clicks then correct it."""
        self.prompts.structure(structure_id)
        if mask.shape != self.grid.shape:
            raise InputError("The mask is not on the grid of the volume.")
        self._imported[structure_id] = CroppedMask.of(mask > 0)
        self._propagators.pop(structure_id, None)

    def prefetch(self, plane: SlicePlane, reach: int = 2) -> None:
        """Prepare the embeddings of a plane and its neighbours in the background, nearest first."""
        offsets = [0] + [sign * step for step in range(1, reach + 1) for sign in (1, -1)]
        self._segmenter.prefetch([SlicePlane(plane.axis, plane.index + offset) for offset in offsets])

    def set_intensity(self, intensity: Intensity) -> None:
        """Change how intensities are shown to the predictor; masks follow as in :meth:`set_predictor`."""
        self._intensity = intensity
        self.set_predictor(self.predictor)

    def set_predictor(self, predictor: SlicePredictor) -> None:
        """Use another model from now on; prompted slices follow at once, volumes with the next "to volume"."""
        self._segmenter.close()
        self._propagators.clear()
        self._volumes = {owner: [((), versions[-1][1])] for owner, versions in self._volumes.items()}
        self._segmenter = self._new_segmenter(predictor)

    def close(self) -> None:
        """Stop background work and free the embeddings."""
        self._segmenter.close()

    # --- inside

    def _new_segmenter(self, predictor: SlicePredictor) -> SliceSegmenter:
        return SliceSegmenter(self._intensity.apply(self._image), self.grid, predictor, self._cache_limit)

    def _new_prompt(self, structure: Structure, kind: str, points, plane: SlicePlane) -> Prompt:
        here = [prompt for prompt in structure.prompts if self.plane_of(prompt) == plane]
        shown = slice_of(self._background(structure), plane).astype(bool)
        correction = kind != BOX and (all(prompt.correction for prompt in here) if here else bool(shown.any()))
        if correction and not here:
            self._bases[(structure.id, plane)] = shown.copy()
        normal = tuple(axis_normal(self.grid, plane.axis))
        return Prompt(kind, tuple(points), normal, correction=correction)

    def _box_corner(self, plane: SlicePlane, corner: Position, opposite: Position) -> np.ndarray:
        voxel_at(self.grid, opposite)
        index, far = self.grid.physical_to_index([corner, opposite])
        others = [axis for axis in range(3) if axis != plane.axis]
        if np.abs(far - index)[others].min() < 0.5:
            raise InputError("The box has no area; drag it from corner to opposite corner.")
        far[plane.axis] = index[plane.axis]
        return self.grid.index_to_physical([far])[0]

    def _slice_mask(self, structure: Structure, plane: SlicePlane) -> SliceMask:
        clicks = clicks_in_plane(structure, self.grid, plane)
        return self._segmenter.predict(plane, clicks, self._base(structure, plane))

    def _with_prompted_slices(self, structure: Structure, mask: np.ndarray, planes) -> np.ndarray:
        for plane in planes:
            slice_of(mask, plane)[...] = self._slice_mask(structure, plane).mask
        for prompt in structure.prompts:
            if prompt.kind != BOX:
                i, j, k = voxel_at(self.grid, prompt.points[0])
                mask[k, j, i] = prompt.kind == POSITIVE
        return mask

    def _propagated(self, structure: Structure) -> Optional[CroppedMask]:
        """What was propagated from just these prompts with the present model, or None."""
        versions = self._volumes.get(structure.id, []) if structure.propagated else []
        return next((mask for prompts, mask in reversed(versions) if prompts == structure.prompts), None)

    def _background(self, structure: Structure) -> np.ndarray:
        """A fresh uint8 (z, y, x): what was propagated from these prompts, else propagated last, else imported."""
        shown = self._propagated(structure)
        if shown is None and structure.propagated and structure.id in self._volumes:
            shown = self._volumes[structure.id][-1][1]
        if shown is None:
            shown = self._imported.get(structure.id)
        return np.zeros(self.grid.shape, dtype=np.uint8) if shown is None else shown.whole()

    def _base(self, structure: Structure, plane: SlicePlane) -> Optional[np.ndarray]:
        here = [prompt for prompt in structure.prompts if self.plane_of(prompt) == plane]
        if not here or not all(prompt.correction for prompt in here):
            return None
        if (structure.id, plane) in self._bases:
            return self._bases[(structure.id, plane)]
        return slice_of(self._background(structure), plane).astype(bool)


def _noun(prompt: Prompt) -> str:
    return {POSITIVE: "point inside", NEGATIVE: "point outside", BOX: "box"}[prompt.kind]
