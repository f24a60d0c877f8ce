"""The masks of a volume's structures: from elsewhere, propagated, and as they were when corrections began."""

from typing import Dict, List, Optional, Tuple

import numpy as np

from .crops import CroppedMask
from .planes import SlicePlane, slice_of
from .prompts import Prompt, Structure
from .volume_model import StructurePrompts

_VERSIONS = 8


class MaskStore:
    """Masks (z, y, x) of `shape` by structure. What undo can bring back is kept: the last volumes, by their prompts."""

    def __init__(self, shape: Tuple[int, int, int]):
        self._shape = shape
        self._imported: Dict[str, CroppedMask] = {}
        self._volumes: Dict[str, List[Tuple[Tuple[Prompt, ...], CroppedMask]]] = {}
        self._corrected: Dict[str, Dict[SlicePlane, np.ndarray]] = {}

    def set_imported(self, structure_id: str, mask: np.ndarray) -> None:
        """Keep a mask from elsewhere."""
        self._imported[structure_id] = CroppedMask.of(mask)

    def add_propagated(self, structure: Structure, mask: np.ndarray) -> None:
        """Keep what was propagated from the prompts of a structure."""
        versions = self._volumes.setdefault(structure.id, [])
        versions.append((structure.prompts, CroppedMask.of(mask)))
        del versions[:-_VERSIONS]

    def propagated(self, structure: Structure) -> Optional[np.ndarray]:
        """uint8: what was propagated from just these prompts with the present model, or None."""
        found = self._propagated(structure)
        return None if found is None else found.whole()

    def is_current(self, structure: Structure) -> bool:
        """Whether something was propagated from just these prompts with the present model."""
        return self._propagated(structure) is not None

    def outdate(self) -> None:
        """Keep the last propagated masks to be shown, but take none for the result of the present prompts."""
        self._volumes = {owner: [((), versions[-1][1])] for owner, versions in self._volumes.items()}

    def background(self, structure: Structure) -> np.ndarray:
        """A fresh uint8 (z, y, x): what was propagated from these prompts, else propagated last, else imported."""
        shown = self._propagated(structure)
        if shown is None and structure.propagated and structure.id in self._volumes:
            shown = self._volumes[structure.id][-1][1]
        if shown is None:
            shown = self._imported.get(structure.id)
        return np.zeros(self._shape, dtype=np.uint8) if shown is None else shown.whole()

    def begin_correction(self, structure: Structure, plane: SlicePlane) -> bool:
        """Note the mask that a slice shows as the one that prompts will correct; whether it shows any."""
        shown = slice_of(self.background(structure), plane).astype(bool)
        if shown.any():
            self._corrected.setdefault(structure.id, {})[plane] = shown
        return bool(shown.any())

    def known_of(self, structure: Structure) -> StructurePrompts:
        """Everything that a model is told of a structure."""
        imported = self._imported.get(structure.id)
        return StructurePrompts(
            structure,
            None if imported is None else imported.whole(),
            self.background(structure),
            dict(self._corrected.get(structure.id, {})),
        )

    def _propagated(self, structure: Structure) -> Optional[CroppedMask]:
        versions = self._volumes.get(structure.id, []) if structure.propagated else []
        return next((mask for prompts, mask in reversed(versions) if prompts == structure.prompts), None)
