"""From clicks to masks of both images: one set of clicks can serve the pair."""

from typing import List, NamedTuple, Optional, Tuple

import numpy as np
import SimpleITK as sitk

from ..geometry.grid import Grid
from ..job import Job
from ..segmentation.predictor import SlicePredictor
from ..segmentation.prompts import PromptSet
from ..segmentation.transfer import proposals
from ..segmentation.volume import segment_structures
from ..volumes import StructureMasks
from .guidance import Guidance
from .options import RegistrationOptions
from .pipeline import register


class PromptedMasks(NamedTuple):
    """Structures of both images, where the same label is the same structure, and sentences for the user."""

    fixed: StructureMasks
    moving: StructureMasks
    notes: List[str]


def masks_from_prompts(
    fixed: sitk.Image,
    moving: sitk.Image,
    fixed_prompts: PromptSet,
    moving_prompts: Optional[PromptSet],
    predictor: SlicePredictor,
    options: RegistrationOptions,
    job: Job,
    guidance: Optional[Guidance] = None,
) -> PromptedMasks:
    """Segment both images from prompts.

    Args:
        moving_prompts: None carries the fixed image's prompts over, through a first registration of the intensities.
        options, guidance: of the registration; the first one takes its modalities, pre-alignment, device and guides.

    Raises:
        InputError: unusable prompts.
        Canceled: through `job`.
    """
    notes: List[str] = []
    fixed_masks = segment_structures(fixed, fixed_prompts, predictor, job.part(0.0, 0.35))
    if moving_prompts is None:
        between = job.part(0.35, 0.65)
        moving_prompts, notes = _carried_over(fixed, moving, fixed_prompts, fixed_masks, options, between, guidance)
    moving_masks = segment_structures(moving, moving_prompts, predictor, job.part(0.65, 1.0))
    return PromptedMasks(fixed_masks, moving_masks, notes)


def _carried_over(fixed, moving, prompts, masks, options, job, guidance) -> Tuple[PromptSet, List[str]]:
    first = RegistrationOptions.preset(
        "fast",
        prealignment=options.prealignment,
        initial_transform=options.initial_transform,
        use_network=False,
        fixed_modality=options.fixed_modality,
        moving_modality=options.moving_modality,
        device=options.device,
    )
    alignment = register(fixed, moving, options=first, job=job, guidance=guidance).transform
    carried = proposals(
        prompts,
        PromptSet(()),
        alignment,
        Grid.of(fixed),
        Grid.of(moving),
        source_mask=lambda structure: _mask(masks, structure.label),
    )
    note = f"{carried.outside} of the prompts fall outside the moving volume and were not carried over."
    return PromptSet(carried.structures), [note] if carried.outside else []


def _mask(masks: StructureMasks, label: int) -> np.ndarray:
    empty = masks.structure(label) is None
    return np.zeros(masks.grid.shape, dtype=bool) if empty else masks.inside(label)
