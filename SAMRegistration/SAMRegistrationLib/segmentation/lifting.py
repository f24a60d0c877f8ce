"""A model of slices as a model of volumes: previews from its slices, volumes by propagation."""

from typing import Dict, List, Optional, Union

import numpy as np

from ..choices import SLICES
from ..job import Job
from .anchors import main_axis
from .cache import DEFAULT_LIMIT
from .crops import CroppedMask
from .planes import SlicePlane, slice_of
from .predictor import SlicePredictor
from .prompts import Structure
from .propagation import Propagator
from .slice_clicks import clicks_in_plane, prompted_planes
from .slice_segmenter import SliceSegmenter
from .volume_model import StructurePrompts, Volume, VolumeModel

ClickPredictor = Union[SlicePredictor, VolumeModel]


class LiftedModel(VolumeModel):
    """Lifts a model of slices to volumes. Embeddings and propagated stretches of one volume are kept.

    Args:
        predictor: the model of slices.
        cache_limit: bytes that embeddings of slices may take.
    """

    capabilities = SLICES

    def __init__(self, predictor: SlicePredictor, cache_limit: int = DEFAULT_LIMIT):
        self.name = predictor.name
        self.predictor = predictor
        self._cache_limit = cache_limit
        self._volume: Optional[Volume] = None
        self._segmenter: Optional[SliceSegmenter] = None
        self._propagators: Dict[str, Propagator] = {}
        self._unsure: Dict[str, CroppedMask] = {}

    def segmenter(self, volume: Volume) -> SliceSegmenter:
        """What predicts the slices of a volume."""
        if self._volume is None or self._volume.array is not volume.array:
            if self._volume is not None:
                self.release(self._volume)
            self._segmenter = SliceSegmenter(volume.array, volume.grid, self.predictor, self._cache_limit)
            self._volume = volume
        return self._segmenter

    def predict(self, volume: Volume, prompts: StructurePrompts, job: Job) -> np.ndarray:
        """See :meth:`VolumeModel.predict`; only what depends on prompts that changed is computed again."""
        structure = prompts.structure
        mask, unsure = self._propagator(volume, structure).run(structure, prompts.imported, prompts.corrected, job)
        self._unsure[structure.id] = CroppedMask.of(unsure)
        axis = main_axis(structure, volume.grid)
        for plane in prompted_planes(structure, volume.grid):
            if plane.axis != axis:
                slice_of(mask, plane)[...] = self.preview(volume, prompts, plane)
        return mask

    def preview(self, volume: Volume, prompts: StructurePrompts, plane: SlicePlane) -> np.ndarray:
        """See :meth:`VolumeModel.preview`."""
        clicks = clicks_in_plane(prompts.structure, volume.grid, plane)
        return self.segmenter(volume).predict(plane, clicks, prompts.base(volume.grid, plane)).mask

    def preview_volume(self, volume: Volume, prompts: StructurePrompts) -> np.ndarray:
        """See :meth:`VolumeModel.preview_volume`; corrections of what was propagated mend neighboring slices too."""
        if not prompts.structure.propagated:
            return super().preview_volume(volume, prompts)
        corrected = {}
        for plane in prompted_planes(prompts.structure, volume.grid):
            corrected[plane] = self.preview(volume, prompts, plane)
        axis = main_axis(prompts.structure, volume.grid) if corrected else 0
        return self._propagator(volume, prompts.structure).mended(prompts.shown, corrected, axis, Job())

    def unsure(self, structure_id: str) -> Optional[np.ndarray]:
        """See :meth:`VolumeModel.unsure`."""
        found = self._unsure.get(structure_id)
        return None if found is None else found.whole().astype(bool)

    def prefetch(self, volume: Volume, planes: List[SlicePlane]) -> None:
        """See :meth:`VolumeModel.prefetch`."""
        self.segmenter(volume).prefetch(planes)

    def release(self, volume: Volume) -> None:
        """See :meth:`VolumeModel.release`."""
        if self._volume is not None and self._volume.array is volume.array:
            self._segmenter.close()
            self._volume, self._segmenter = None, None
            self._propagators.clear()
            self._unsure.clear()

    def _propagator(self, volume: Volume, structure: Structure) -> Propagator:
        segmenter = self.segmenter(volume)
        return self._propagators.setdefault(structure.id, Propagator(segmenter))


def as_volume_model(model: ClickPredictor, cache_limit: int = DEFAULT_LIMIT) -> VolumeModel:
    """A model of volumes as it is, a model of slices lifted to volumes."""
    return LiftedModel(model, cache_limit) if hasattr(model, "embed") else model
