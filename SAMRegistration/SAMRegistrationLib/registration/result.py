"""What a registration gives: both directions, the warped volume, its measures, and files that others read."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Sequence, Union

import numpy as np
import SimpleITK as sitk

from ..files import PathLike, require_usable_path, whole_files
from ..geometry.grid import Grid
from ..geometry.resample import warp_labels, warp_volume
from ..geometry.transforms import displacement_image, transform_points, write_transform
from ..image_files import require_image_path, write_image
from ..volumes import Labels, StructureMasks

OF_ONE_SOLUTION = ("image_agreement", "disagreement", "update")  # facts that a corrected result does not take over


@dataclass(frozen=True)
class RegistrationResult:
    """A mapping between two volumes.

    Attributes:
        transform: fixed point -> moving point (LPS mm): what a resampler needs to bring moving data to the fixed grid.
        inverse: moving point -> fixed point.
        linear: the linear part of `transform`, from the pre-alignment.
        fixed, moving: the volumes as given.
        facts: what was used: stages, device, working grid, similarity, versions.
        seconds: time per stage.
        notes: sentences for the user about what was left out or done differently.
        disagreement: by how many mm a second solution differs, a float32 image on the fixed grid, 0 where nothing was
            registered; None unless it was asked for (:attr:`.RegistrationOptions.confidence`).
    """

    transform: sitk.Transform
    inverse: sitk.Transform
    linear: sitk.Transform
    fixed: sitk.Image
    moving: sitk.Image
    facts: Dict[str, Any] = field(default_factory=dict)
    seconds: Dict[str, float] = field(default_factory=dict)
    notes: List[str] = field(default_factory=list)
    disagreement: Optional[sitk.Image] = None

    def with_notes(self, after: Iterable[str] = (), before: Iterable[str] = ()) -> "RegistrationResult":
        """The same result with more notes behind and before its own; none is repeated."""
        return replace(self, notes=list(dict.fromkeys([*before, *self.notes, *after])))

    def naming(self, files: Dict[str, Optional[PathLike]]) -> "RegistrationResult":
        """The same result with notes that call files by what they are: names and folders may tell who a patient is.

        Args:
            files: path of a file or folder, or None, by what it is: "fixed volume".
        """
        called: Dict[str, str] = {}
        for title, path in files.items():
            if path:
                path = require_usable_path(path)
                called.setdefault(str(path), f"the {title}")
                if len(path.parent.parts) > 1:
                    called.setdefault(str(path.parent), f"the folder of the {title}")
        notes = []
        for note in self.notes:
            for path in sorted(called, key=len, reverse=True):
                note = note.replace(path, called[path])
            notes.append(note[:1].upper() + note[1:])
        return replace(self, notes=notes)

    def warp(self, moving: Optional[sitk.Image] = None) -> sitk.Image:
        """The moving volume (or another one in its space) on the fixed grid."""
        return warp_volume(self.moving if moving is None else moving, self.transform, Grid.of(self.fixed))

    def warp_labels(self, labels: Labels, grid: Optional[Grid] = None) -> Labels:
        """A label map in the moving volume's space on the fixed grid, or on another grid in fixed space.

        Args:
            labels: an image, which gives an image of the same pixel type, or structures that may overlap, which give
                structures.
        """
        grid = grid or Grid.of(self.fixed)
        if isinstance(labels, StructureMasks):
            return labels.warped(self.transform, grid)
        return warp_labels(labels, self.transform, grid)

    def warp_points(self, points: Sequence[Sequence[float]]) -> np.ndarray:
        """Points (N, 3) in the moving volume's space (LPS mm), such as landmarks, brought to the fixed space."""
        return transform_points(self.inverse, points)

    def displacement_field(self) -> sitk.Image:
        """The displacement of `transform` at every fixed voxel, a vector image in LPS mm."""
        return displacement_image(self.transform, Grid.of(self.fixed))

    def save_transforms(self, folder: Union[str, Path]) -> None:
        """Write transform.h5 and inverse.h5, both or neither.

        Raises:
            InputError: the folder cannot be written.
        """
        with whole_files(folder) as staging:
            self.write_transforms(staging)

    def write_transforms(self, folder: Path) -> None:
        """Write transform.h5 and inverse.h5 into an existing folder."""
        write_transform(self.transform, folder / "transform.h5")
        write_transform(self.inverse, folder / "inverse.h5")

    def save_displacement_field(self, path: Union[str, Path]) -> None:
        """Write :meth:`displacement_field` as an image file (.nrrd, .nii.gz, .mha), whole or not at all.

        Raises:
            InputError: the file cannot be written, or its ending names no format for volumes.
        """
        require_image_path(path)
        write_image(sitk.Cast(self.displacement_field(), sitk.sitkVectorFloat32), path)

    def summary(self) -> Dict[str, Any]:
        """Facts, times and notes as plain values for JSON."""
        return json.loads(json.dumps({"facts": self.facts, "seconds": self.seconds, "notes": self.notes}))
