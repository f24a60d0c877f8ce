"""Structures of a label map brought to a volume, and structures as one label image."""

from typing import Dict, List, NamedTuple, Optional, Tuple, Union

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..files import PathLike
from ..geometry.grid import Grid
from ..volumes import Labels, StructureMasks, as_structures
from .planes import voxel_at
from .prompts import POSITIVE, PromptSet

_MOST_LABELS = 1000


class ImportedStructure(NamedTuple):
    """A structure found in a label map: its number there, name, color if known, and mask (z, y, x) on another grid."""

    label: int
    name: str
    color: Optional[Tuple[float, float, float]]
    mask: np.ndarray


def flattened(structures: StructureMasks, prompts: Union[PromptSet, PathLike]) -> sitk.Image:
    """One label image of clicked structures.

    Where structures overlap the smaller one is on top; a voxel clicked as inside belongs to its structure.
    """
    prompts = prompts if isinstance(prompts, PromptSet) else PromptSet.load(prompts)
    image = structures.label_image()
    labels = sitk.GetArrayFromImage(image)
    for structure in prompts.structures:
        for prompt in structure.prompts:
            if prompt.kind == POSITIVE and structures.structure(structure.label) is not None:
                i, j, k = voxel_at(structures.grid, prompt.points[0])
                labels[k, j, i] = structure.label
    return structures.grid.image(labels)


def read_structures(image: Labels, grid: Grid, names: Optional[Dict[int, str]] = None) -> List[ImportedStructure]:
    """The structures of any label map or segmentation, resampled (nearest neighbour) to `grid`.

    Args:
        image: label map on any grid; also Slicer's .seg.nrrd with its names, colors and overlapping layers.
        grid: where the masks are wanted.
        names: label -> name, used where the image itself does not name a segment.

    Raises:
        InputError: the image is no label map, is empty, or does not overlap `grid` at all.
    """
    structures = as_structures(image, "The image").named(names or {})
    count = len(structures.structures)
    if not count:
        raise InputError("The label map is empty; choose one with at least one structure.")
    if count > _MOST_LABELS:
        raise InputError(f"This image has {count} different values; it does not look like a label map.")
    here = structures.warped(sitk.Transform(3, sitk.sitkIdentity), grid)
    found = [
        ImportedStructure(s.label, s.name or f"Structure {s.label}", s.color, here.inside(s.label).astype(np.uint8))
        for s in here.structures
    ]
    if not any(structure.mask.any() for structure in found):
        raise InputError("No structure of the label map lies within the volume; check that both show the same place.")
    return found
