"""Clicked structures as one label image."""

from typing import Union

import SimpleITK as sitk

from ..files import PathLike
from ..volumes import StructureMasks
from .planes import voxel_at
from .prompts import POSITIVE, PromptSet


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
