"""From clicks to a label image in one call."""

from typing import Optional, Union

import SimpleITK as sitk

from ..errors import InputError
from ..files import PathLike
from ..job import Job
from .predictor import SlicePredictor
from .prompts import PromptSet
from .session import SegmentationSession


def segment_volume(
    image: sitk.Image,
    prompts: Union[PromptSet, PathLike],
    predictor: SlicePredictor,
    job: Optional[Job] = None,
) -> sitk.Image:
    """Segment every structure of `prompts` in the whole volume.

    Args:
        image: 3D scalar image, any orientation and spacing.
        prompts: a prompt set, or the path of its JSON file.
        predictor: the model.
        job: progress and cancel.

    Returns:
        Label image on the grid of `image`: each structure has its own label, 0 is background.

    Raises:
        InputError: unusable prompts, or a structure without a positive prompt.
        Cancelled: the job was cancelled.
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
        return session.label_image()
    finally:
        session.close()
