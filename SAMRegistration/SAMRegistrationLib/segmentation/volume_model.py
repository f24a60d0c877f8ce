"""What a click model must offer to answer with the mask of a whole volume."""

from typing import Dict, List, NamedTuple, Optional, Protocol

import numpy as np
import SimpleITK as sitk

from ..choices import Capabilities
from ..errors import InputError
from ..geometry.grid import Grid
from ..job import Job
from .planes import SlicePlane, plane_at, slice_of
from .prompts import Structure
from .slice_clicks import prompted_planes


class Volume(NamedTuple):
    """Intensities, float32 (z, y, x) in [0, 1], their grid (LPS mm), and the image from which they were windowed."""

    array: np.ndarray
    grid: Grid
    image: Optional[sitk.Image] = None


class StructurePrompts(NamedTuple):
    """What is known of one structure when its mask is asked for. Masks are zero outside the structure.

    Attributes:
        structure: with its prompts (LPS mm), in the order in which they were set.
        imported: mask (z, y, x) from elsewhere that the prompts correct, or None.
        shown: mask (z, y, x) that the user sees.
        corrected: masks (H, W) of slices as they were shown when their first correction was set, where known.
    """

    structure: Structure
    imported: Optional[np.ndarray]
    shown: np.ndarray
    corrected: Dict[SlicePlane, np.ndarray]

    def base(self, grid: Grid, plane: SlicePlane) -> Optional[np.ndarray]:
        """The mask, bool (H, W), that the prompts of a slice correct; None where they start the slice."""
        here = [p for p in self.structure.prompts if plane_at(grid, p.points[0], p.normal) == plane]
        if not here or not all(prompt.correction for prompt in here):
            return None
        if plane in self.corrected:
            return self.corrected[plane]
        return slice_of(self.shown, plane).astype(bool)


class VolumeModel(Protocol):
    """A promptable model of volumes. A model inherits from this class and overrides what it does better.

    A model of slices (:class:`.predictor.SlicePredictor`) becomes one by :class:`.lifting.LiftedModel`.

    Attributes:
        name: shown to the user.
        capabilities: which prompts it takes; others are refused before it is asked.
    """

    name: str
    capabilities: Capabilities

    def predict(self, volume: Volume, prompts: StructurePrompts, job: Job) -> np.ndarray:
        """The mask, uint8 (z, y, x), of a structure; the same for the same volume and prompts.

        Raises:
            InputError: the prompts do not suffice.
            Canceled: the job was canceled.
        """

    def preview(self, volume: Volume, prompts: StructurePrompts, plane: SlicePlane) -> np.ndarray:
        """The mask, bool (H, W), of one prompted slice, shown after every click."""
        return slice_of(self.predict(volume, prompts, Job()), plane).astype(bool)

    def preview_volume(self, volume: Volume, prompts: StructurePrompts) -> np.ndarray:
        """The mask, uint8 (z, y, x), shown after every click: what was shown, with the prompted slices as they are."""
        mask = prompts.shown.copy()
        for plane in prompted_planes(prompts.structure, volume.grid):
            slice_of(mask, plane)[...] = self.preview(volume, prompts, plane)
        return mask

    def unsure(self, structure_id: str) -> Optional[np.ndarray]:
        """Where the mask last predicted for a structure is in doubt, bool (z, y, x); None where that is not known."""

    def prefetch(self, volume: Volume, planes: List[SlicePlane]) -> None:
        """Prepare previews of these planes in the background; planes outside the volume are left out."""

    def release(self, volume: Volume) -> None:
        """Forget what is kept for a volume and stop background work for it."""


def require_capabilities(model: VolumeModel, structure: Structure) -> None:
    """Check that a model takes the prompts of a structure.

    Raises:
        InputError: it does not take boxes, or points.
    """
    areas = [prompt.is_area for prompt in structure.prompts]
    if any(areas) and not model.capabilities.boxes:
        raise InputError(f"The model {model.name} takes no boxes; use points.")
    if not all(areas) and not model.capabilities.points:
        raise InputError(f"The model {model.name} takes no points; use boxes.")
