"""From clicks to masks of both images: one set of clicks can serve the pair."""

from typing import List, Optional, Tuple

import SimpleITK as sitk

from ..geometry.grid import Grid
from ..job import Job
from ..segmentation.predictor import SlicePredictor
from ..segmentation.prompts import PromptSet
from ..segmentation.transfer import proposals
from ..segmentation.volume import segment_structures
from ..volumes import StructureMasks
from .options import RegistrationOptions
from .pipeline import register


def masks_from_prompts(
    fixed: sitk.Image,
    moving: sitk.Image,
    fixed_prompts: PromptSet,
    moving_prompts: Optional[PromptSet],
    predictor: SlicePredictor,
    options: RegistrationOptions,
    job: Job,
    notes: List[str],
) -> Tuple[StructureMasks, StructureMasks]:
    """Segment both images from prompts.

    Args:
        moving_prompts: None carries the fixed image's prompts over, through a first registration of the intensities.
        options: of the registration; the first one takes its modalities, pre-alignment and device.
        notes: receives a sentence about prompts that could not be carried over.

    Returns:
        Structures of the fixed and of the moving image; the same label is the same structure.

    Raises:
        InputError: unusable prompts.
        Cancelled: through `job`.
    """
    if moving_prompts is None:
        moving_prompts = _carried_over(fixed, moving, fixed_prompts, options, job.part(0.0, 0.3), notes)
    fixed_masks = segment_structures(fixed, fixed_prompts, predictor, job.part(0.3, 0.65))
    moving_masks = segment_structures(moving, moving_prompts, predictor, job.part(0.65, 1.0))
    return fixed_masks, moving_masks


def _carried_over(fixed, moving, prompts, options, job, notes) -> PromptSet:
    first = RegistrationOptions.preset(
        "fast",
        prealignment=options.prealignment,
        initial_transform=options.initial_transform,
        use_network=False,
        fixed_modality=options.fixed_modality,
        moving_modality=options.moving_modality,
        device=options.device,
    )
    alignment = register(fixed, moving, options=first, job=job).transform
    carried = proposals(prompts, PromptSet(()), alignment, Grid.of(fixed), Grid.of(moving))
    if carried.outside:
        notes.append(f"{carried.outside} of the prompts fall outside the moving volume and were not carried over.")
    return PromptSet(carried.structures)
