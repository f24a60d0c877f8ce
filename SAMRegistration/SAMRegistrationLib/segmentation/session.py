"""Interactive segmentation of one volume: structures, prompts, undo, masks of slices and of the whole volume.

All positions are LPS millimeters. Edits (add, move, delete, ...) are quick and belong to one thread; `slice_mask`,
`mask`, `propagate` and `label_image` run the model and may be called from a worker thread.
"""

from dataclasses import replace
from typing import List, Optional, Sequence

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..geometry.grid import Grid
from ..job import Job
from ..volumes import NamedMask, StructureMasks
from .anchors import main_axis
from .cache import DEFAULT_LIMIT
from .edits import PutStructures
from .intensity import Intensity
from .labels import flattened
from .least_sure import least_sure_places
from .lifting import ClickPredictor, as_volume_model
from .mask_store import MaskStore
from .planes import SlicePlane
from .prompt_editor import Position, PromptEditor
from .prompts import PromptSet, Structure
from .strokes import prompt_voxels
from .transfer import proposals
from .volume_model import Volume, require_capabilities


class SegmentationSession(PromptEditor):
    """One volume with its prompts and masks.

    Args:
        image: 3D scalar image, any orientation and spacing.
        predictor: the model that turns prompts into masks, of slices or of volumes.
        prompts: where to start from, e.g. ``PromptSet.load(path)``.
        cache_limit: bytes that embeddings of slices may take.

    Example:
        >>> from SAMRegistrationLib.segmentation.models import open_predictor
        >>> image = sitk.GaussianSource(size=[64, 64, 3], sigma=[9, 9, 3], mean=[30, 30, 1], scale=1000)
        >>> session = SegmentationSession(image, open_predictor("compact", "cpu"))
        >>> liver = session.add_structure("liver")
        >>> _ = session.add_point(liver.id, (30.0, 30.0, 1.0))
        >>> mask = session.propagate(liver.id)
        >>> bool(mask[2, 30, 30]), bool(mask[2, 2, 2])
        (True, False)
    """

    def __init__(
        self,
        image: sitk.Image,
        predictor: ClickPredictor,
        prompts: Optional[PromptSet] = None,
        cache_limit: int = DEFAULT_LIMIT,
    ):
        if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
            raise InputError("Segmentation needs a volume with three dimensions and one value per voxel.")
        super().__init__(Grid.of(image), prompts)
        self.intensity = self._history.current.intensity or Intensity.for_image(image)
        self.volume = Volume(self.intensity.apply(sitk.GetArrayFromImage(image)), self.grid, image)
        self.predictor = predictor
        self._cache_limit = cache_limit
        self.model = as_volume_model(predictor, cache_limit)
        self._masks = MaskStore(self.grid.shape)

    @property
    def prompts(self) -> PromptSet:
        """The structures with their prompts; save with ``session.prompts.save(path)``."""
        return replace(self._history.current, intensity=self.intensity)

    def begin_correction(self, structure: Structure, plane: SlicePlane) -> bool:
        """See :meth:`PromptEditor.begin_correction`."""
        return self._masks.begin_correction(structure, plane)

    def propose_from(
        self, other: "SegmentationSession", transform: sitk.Transform, structure_ids: Optional[Sequence[str]] = None
    ) -> int:
        """Carry the prompts of `other` (the fixed image) to the image as proposals, in one step.

        Args:
            transform: maps points of the other image to points of this one (LPS mm).
            structure_ids: which structures of `other`; None for all.

        Returns:
            How many prompts fell outside this image and were left out.
        """
        carried = proposals(
            other.prompts,
            self.prompts,
            transform,
            other.grid,
            self.grid,
            structure_ids,
            lambda structure: other.mask(structure.id),
        )
        if carried.structures:
            self._history.do(PutStructures("Propose prompts", carried.structures))
        return carried.outside

    def slice_mask(self, structure_id: str, plane: SlicePlane) -> np.ndarray:
        """bool (H, W): what the prompts in one plane ask for; empty when they ask for nothing."""
        return self.model.preview(self.volume, self._masks.known_of(self.prompts.structure(structure_id)), plane)

    def mask(self, structure_id: str) -> np.ndarray:
        """uint8 (z, y, x): what is imported or propagated, with the prompted slices in their present state."""
        structure = self.prompts.structure(structure_id)
        propagated = self._masks.propagated(structure)
        if propagated is not None:
            return propagated
        require_capabilities(self.model, structure)
        return self._with_clicks(structure, self.model.preview_volume(self.volume, self._masks.known_of(structure)))

    def propagate(self, structure_id: str, job: Optional[Job] = None) -> np.ndarray:
        """Extend a structure from its prompts to the volume, and return its mask, uint8 (z, y, x).

        A model of slices computes only what depends on prompts that changed since the last time. After a cancel the
        structure is as it was.

        Raises:
            InputError: the structure has no positive prompt, or one of a kind that the model does not take.
            Canceled: the job was canceled.
        """
        structure = self.prompts.structure(structure_id)
        require_capabilities(self.model, structure)
        known = self._masks.known_of(structure)
        mask = self._with_clicks(structure, self.model.predict(self.volume, known, Job() if job is None else job))
        self._masks.add_propagated(structure, mask)
        current = self.prompts.structure(structure_id)
        if not current.propagated:
            self._history.do(PutStructures(f"{current.name} to volume", (replace(current, propagated=True),)))
        return mask

    def least_sure(self, structure_id: str) -> List[Position]:
        """Where a click on a structure that was extended to the volume is likely to pay most, LPS mm, best first.

        Empty where prompts changed since then, and for a model that does not know where it is unsure.
        """
        structure = self.prompts.structure(structure_id)
        unsure = self.model.unsure(structure_id) if self._masks.is_current(structure) else None
        return [] if unsure is None else least_sure_places(unsure, self.grid, main_axis(structure, self.grid))

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
        return structure.propagated and not self._masks.is_current(structure)

    def set_mask(self, structure_id: str, mask: np.ndarray) -> None:
        """Give a structure a mask from elsewhere, (z, y, x) on the volume's grid; its clicks then correct it."""
        self.prompts.structure(structure_id)
        if mask.shape != self.grid.shape:
            raise InputError("The mask is not on the grid of the volume.")
        self._masks.set_imported(structure_id, mask > 0)

    def prefetch(self, plane: SlicePlane, reach: int = 2) -> None:
        """Prepare previews of a plane and its neighbors in the background, nearest first."""
        offsets = [0] + [sign * step for step in range(1, reach + 1) for sign in (1, -1)]
        self.model.prefetch(self.volume, [SlicePlane(plane.axis, plane.index + offset) for offset in offsets])

    def set_predictor(self, predictor: ClickPredictor) -> None:
        """Use another model from now on; prompted slices follow at once, volumes with the next "to volume"."""
        self.close()
        self._masks.outdate()
        self.predictor = predictor
        self.model = as_volume_model(predictor, self._cache_limit)

    def close(self) -> None:
        """Stop background work and free what the model keeps for the volume."""
        self.model.release(self.volume)

    def _with_clicks(self, structure: Structure, mask: np.ndarray) -> np.ndarray:
        """A mask (z, y, x), changed in place so that points and scribbles are inside or outside as they were set."""
        for prompt in structure.prompts:
            for i, j, k in prompt_voxels(prompt, self.grid) if not prompt.is_area else ():
                mask[k, j, i] = prompt.says_inside
        return mask
