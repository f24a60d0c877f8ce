"""Clicking in one image: nodes on the main thread, the segmentation session on the worker thread.

Every action is a function that returns ``work(job) -> Update``, to be run on ONE worker thread, and
:meth:`MaskEditor.show` puts an update into the scene. So edits are done in the order in which they were made, and the
scene is never touched by the worker.
"""

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Sequence

import numpy as np
import SimpleITK as sitk
import vtk

from ..geometry.frames import flipped
from ..geometry.grid import Grid
from ..job import Job
from ..segmentation.planes import plane_at
from ..segmentation.prompts import PromptSet
from ..segmentation.session import SegmentationSession
from .alignment import is_copy_of
from .masks import BINARY, labelmap, masks_of, on_grid, put_mask
from .space import to_numpy
from .structure_segments import StructureInfo, readable_prompts, structures_of, write_prompts
from .volumes import VolumeCopy

Ras = Sequence[float]


@dataclass(frozen=True)
class Update:
    """What an action changed: masks by structure id, and the prompts as they are now.

    `least_sure` gives the places (RAS mm) of each changed structure where a click is likely to pay most, best first.
    """

    prompts: PromptSet
    labelmaps: Dict[str, Any]
    undo_label: Optional[str]
    redo_label: Optional[str]
    outside: int = 0
    least_sure: Dict[str, List[Ras]] = field(default_factory=dict)


Work = Callable[[Job], Update]


class MaskEditor:
    """The structures of one volume. Positions and normals are RAS mm in the world.

    Args:
        volume: volume node to click in.
        segmentation: segmentation node that shows the masks; those it has are taken over.
        open_predictor: function without arguments giving a SlicePredictor; called on the worker thread.
    """

    def __init__(self, volume, segmentation, open_predictor):
        self.volume, self.segmentation = volume, segmentation
        self._open_predictor = open_predictor
        self._copy: Optional[VolumeCopy] = VolumeCopy(volume)
        self._masks = masks_of(segmentation)
        self.prompts = readable_prompts(segmentation)
        self.undo_label: Optional[str] = None
        self.redo_label: Optional[str] = None
        self._session: Optional[SegmentationSession] = None
        self._places = [_place(node) for node in (volume, segmentation)]
        self._left: Optional[tuple] = None
        self._least_sure: Dict[str, List[Ras]] = {}

    @property
    def is_current(self) -> bool:
        """Whether volume and segmentation still lie where they lay; otherwise another editor is needed."""
        return self._places == [_place(node) for node in (self.volume, self.segmentation)]

    def leave(self) -> None:
        """Note the state of voxels and masks, which others may edit from now on, until :meth:`come_back`."""
        if self._left is None:
            self._left = self._state()

    @property
    def was_edited(self) -> bool:
        """Whether somebody else edited voxels or masks since :meth:`leave`."""
        return self._left is not None and self._left != self._state()

    def come_back(self) -> bool:
        """Whether nobody else edited voxels or masks since :meth:`leave`; otherwise another editor is needed."""
        edited, self._left = self.was_edited, None
        return not edited

    def goes_on_in(self, segmentation) -> bool:
        """Whether it works in this node, or can from now on because the node is a copy of the one it worked in."""
        if segmentation is not self.segmentation and is_copy_of(segmentation, self.segmentation):
            self.segmentation = segmentation
            self._places = [_place(node) for node in (self.volume, segmentation)]
            self._left = None if self._left is None else self._state()
        return segmentation is self.segmentation

    # --- actions: work for the worker thread

    def point(self, structure_id: str, position: Ras, positive: bool, normal: Optional[Ras] = None) -> Work:
        """Place a point; `normal` is that of the slice view."""
        return self._work(
            lambda session: session.add_point(structure_id, flipped(position), positive, normal and flipped(normal))
        )

    def box(self, structure_id: str, corner: Ras, opposite: Ras, normal: Optional[Ras] = None) -> Work:
        """Place a box given by two opposite corners in the slice view with `normal`."""
        return self._work(
            lambda session: session.add_box(
                structure_id, flipped(corner), flipped(opposite), normal and flipped(normal)
            )
        )

    def scribble(
        self, structure_id: str, positions: Sequence[Ras], positive: bool, normal: Optional[Ras] = None
    ) -> Work:
        """Draw a stroke that is inside the structure, or outside, in the slice view with `normal`."""
        places = [flipped(position) for position in positions]
        return self._work(
            lambda session: session.add_scribble(structure_id, places, positive, normal and flipped(normal))
        )

    def lasso(self, structure_id: str, positions: Sequence[Ras], normal: Optional[Ras] = None) -> Work:
        """Draw a closed outline whose inside is meant, in the slice view with `normal`."""
        places = [flipped(position) for position in positions]
        return self._work(lambda session: session.add_lasso(structure_id, places, normal and flipped(normal)))

    def move(self, prompt_id: str, *positions: Ras) -> Work:
        """Move a point, the two corners of a box, or the vertices of what was drawn."""
        return self._work(lambda session: session.move_prompt(prompt_id, *map(flipped, positions)))

    def delete(self, prompt_id: str) -> Work:
        """Delete one prompt."""
        return self._work(lambda session: session.delete_prompt(prompt_id))

    def undo(self) -> Work:
        """Take back the last action."""
        return self._work(lambda session: session.undo())

    def redo(self) -> Work:
        """Do again what was undone."""
        return self._work(lambda session: session.redo())

    def accept(self, structure_id: str) -> Work:
        """Take the proposed prompts of a structure."""
        return self._work(lambda session: session.accept_proposals(structure_id))

    def forget(self, structure_id: str) -> Work:
        """Take a removed structure out of everything that undo and redo bring back."""
        return self._work(lambda session: session.forget_structure(structure_id))

    def propagate(self, structure_id: str) -> Work:
        """Extend a structure to the volume."""

        def work(job: Job) -> Update:
            session = self._ready(structures, job)
            before = session.prompts
            session.propagate(structure_id, job)
            update = self._update(session, before, [structure_id])
            if job.canceled and session.prompts != before:
                session.take_back()
            return update

        structures = structures_of(self.segmentation)
        return work

    def propose(self, source: "MaskEditor", structure_ids: Sequence[str], transform: sitk.Transform) -> Work:
        """Carry prompts from the editor of the other image to this one.

        Args:
            transform: maps points of the other image to points of this one (LPS mm).
        """

        def work(job: Job) -> Update:
            session = self._ready(structures, job.part(0.0, 0.4))
            other = source._ready(other_structures, job.part(0.4, 0.8))
            job.update(0.8, "Proposing the clicks")
            before = session.prompts
            outside = session.propose_from(other, transform, structure_ids)
            update = self._update(session, before, outside=outside)
            if job.canceled and session.prompts != before:
                session.take_back()
            return update

        structures, other_structures = structures_of(self.segmentation), structures_of(source.segmentation)
        return work

    def prepare(self, position: Ras, normal: Ras) -> Work:
        """Open the session and prepare the slice through a position, so that the first click is answered quickly."""

        def work(job: Job) -> Update:
            session = self._ready(structures, job)
            if session.grid.contains([flipped(position)]).all():
                session.prefetch(plane_at(session.grid, flipped(position), flipped(normal)))
            return self._update(session, session.prompts)

        structures = structures_of(self.segmentation)
        return work

    # --- on the main thread

    def show(self, update: Update) -> None:
        """Put an update into the segmentation node."""
        self._least_sure.update(update.least_sure)
        untouched = self._left is not None and self._left == self._state()
        self.prompts = update.prompts
        self.undo_label, self.redo_label = update.undo_label, update.redo_label
        for structure_id, mask in update.labelmaps.items():
            if self.segmentation.GetSegmentation().GetSegment(structure_id) is not None:
                put_mask(self.segmentation, structure_id, mask)
        write_prompts(self.segmentation, self.prompts)
        if untouched:
            self._left = self._state()

    def knows_least_sure(self, structure_id: Optional[str]) -> bool:
        """Whether there is a place to look at in a structure that was extended to the volume."""
        return bool(self._least_sure.get(structure_id))

    def next_least_sure(self, structure_id: str) -> Ras:
        """The place (RAS mm) where a click is likely to pay most; asked again, the next best, and so around."""
        places = self._least_sure[structure_id]
        places.append(places.pop(0))
        return places[-1]

    def _state(self) -> tuple:
        """Differs when voxels of the volume or of a mask were edited."""
        segmentation = self.segmentation.GetSegmentation()
        ids = segmentation.GetSegmentIDs()
        masks = [_version(segmentation.GetSegment(segment_id).GetRepresentation(BINARY)) for segment_id in ids]
        return _version(self.volume.GetImageData()), ids, masks

    def close(self) -> Work:
        """Work that frees the session; the editor is of no use afterwards."""

        def work(job: Job) -> None:
            session, self._session = self._session, None
            if session is not None:
                session.close()

        return work

    # --- on the worker thread

    def _work(self, action: Callable[[SegmentationSession], Any]) -> Work:
        structures = structures_of(self.segmentation)

        def work(job: Job) -> Update:
            session = self._ready(structures, job)
            before = session.prompts
            action(session)
            return self._update(session, before)

        return work

    def _ready(self, structures: List[StructureInfo], job: Job) -> SegmentationSession:
        if self._session is None:
            job.update(0.0, "Loading the model")
            predictor = self._open_predictor()
            job.update(0.5, "Preparing the volume")
            session = SegmentationSession(self._copy.image, predictor, self.prompts)
            for structure in structures:
                session.describe_structure(structure.id, structure.name, structure.color, structure.terminology)
            for mask in self._masks:
                if mask.image is not None and session.prompts.has(mask.id):
                    session.set_mask(mask.id, on_grid(mask, session.grid))
            self._session, self._copy, self._masks = session, None, []
        for structure in structures:
            self._session.describe_structure(structure.id, structure.name, structure.color, structure.terminology)
        return self._session

    def _update(self, session: SegmentationSession, before: PromptSet, also: Sequence[str] = (), outside: int = 0):
        after = session.prompts
        changed = [s.id for s in after.structures if not before.has(s.id) or before.structure(s.id) != s]
        masks, least_sure = {}, {}
        for structure_id in dict.fromkeys([*changed, *also]):
            least_sure[structure_id] = [flipped(place) for place in session.least_sure(structure_id)]
            masks[structure_id] = labelmap(session.mask(structure_id), session.grid)
        for structure in before.structures:
            if not after.has(structure.id):
                masks[structure.id] = labelmap(np.zeros(session.grid.shape, np.uint8), session.grid)
        return Update(after, masks, session.undo_label, session.redo_label, outside, least_sure)


def _version(data) -> Optional[tuple]:
    """Differs when data were edited or exchanged."""
    return None if data is None else (data.GetAddressAsString(data.GetClassName()), data.GetMTime())


def _place(node) -> tuple:
    """Differs when a node was moved."""
    parent, matrix = node.GetParentTransformNode(), vtk.vtkMatrix4x4()
    if node.IsA("vtkMRMLVolumeNode"):
        node.GetIJKToRASMatrix(matrix)
    moved = None if parent is None else (parent.GetID(), parent.GetTransformToWorldMTime())
    return moved, to_numpy(matrix).tolist()


def start_transform(fixed: Grid, moving: Grid) -> sitk.Transform:
    """Where prompts are proposed before a registration: as they are where the volumes overlap, else centers aligned."""
    if moving.contains([fixed.center]).all() or fixed.contains([moving.center]).all():
        return sitk.Transform(3, sitk.sitkIdentity)
    return sitk.TranslationTransform(3, (moving.center - fixed.center).tolist())
