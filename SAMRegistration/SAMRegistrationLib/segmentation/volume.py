"""From clicks to the structures of a volume in one call."""

from typing import Optional, Union

import SimpleITK as sitk

from ..errors import InputError
from ..files import PathLike
from ..job import Job
from ..volumes import StructureMasks
from .labels import flattened
from .predictor import SlicePredictor
from .prompts import PromptSet
from .session import SegmentationSession


def segment_volume(
    image: sitk.Image,
    prompts: Union[PromptSet, PathLike],
    predictor: SlicePredictor,
    job: Optional[Job] = None,
) -> sitk.Image:
    """As :func:`segment_structures`, as a label image on the grid of `image`; see :func:`.labels.flattened`."""
    prompts = prompts if isinstance(prompts, PromptSet) else PromptSet.load(prompts)
    return flattened(segment_structures(image, prompts, predictor, job), prompts)


def segment_structures(
    image: sitk.Image,
    prompts: Union[PromptSet, PathLike],
    predictor: SlicePredictor,
    job: Optional[Job] = None,
) -> StructureMasks:
    """Segment every structure of `prompts` in the whole volume.

    Args:
        image: 3D scalar image, any orientation and spacing.
        prompts: a prompt set, or the path of its JSON file.
        predictor: the model.
        job: progress and cancel.

    Returns:
        The structures on the grid of `image`, with the labels and names of the prompts; they may overlap.

    Raises:
        InputError: unusable prompts, or a structure without a positive prompt.
        Canceled: the job was canceled.
    """
    job = Job() if job is None else job
    prompts = prompts if isinstance(prompts, PromptSet) else PromptSet.load(prompts)
    if not any(structure.prompts for structure in prompts.structures):
        raise InputError("There are no prompts; set at least one point or box.")
    session = SegmentationSession(image, predictor, prompts)
    try:
        structures = [structure for structure in session.structures if structure.prompts]
        for number, structure in enumerate(structures):
            part = job.part(number / len(structures), (number + 1) / len(structures))
            session.propagate(structure.id, part)
        return session.structure_masks()
    finally:
        session.close()
