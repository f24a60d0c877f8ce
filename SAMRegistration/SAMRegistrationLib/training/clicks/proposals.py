"""Files of masks that a teacher proposed on unlabeled volumes, for :class:`~.sources.ProposedMasks`."""

from typing import List, Optional, Sequence

import numpy as np
import SimpleITK as sitk
import torch

from ...errors import InputError
from ...files import PathLike, whole_file
from ...job import Job
from ...segmentation.letterbox import Letterbox
from .lite_medsam import SIZE
from .sample import CT_WINDOWS, jittered_window
from .sources import oriented_image
from .teacher import LiteMedSamTeacher

MR_RANGE = 1000.0  # stored intensity of the percentile 99.5


def propose_masks(
    images: Sequence[PathLike],
    modality: str,
    teacher: LiteMedSamTeacher,
    output: PathLike,
    slices: Sequence[int] = (30, 8, 8),
    boxes: int = 10,
    seed: int = 0,
    job: Optional[Job] = None,
) -> int:
    """Write slices of unlabeled volumes and the masks proposed in them; returns the number of masks.

    The file (.npz) holds ``images`` (N, 256, 256) int16 (HU for CT, else 0..1000 between the percentiles 0.5 and
    99.5), ``is_ct`` (N,), ``masks`` (M, 8192) packed bits, and ``owner`` (M,), the slice that each mask lies in.

    Args:
        modality: "ct" or "mr", of all images.
        slices: how many slices of each volume, evenly spread, across the axial, coronal and sagittal axes.
        boxes: how many boxes around regions the teacher is asked for in each slice.

    Raises:
        InputError: an image cannot be read, or the teacher found nothing.
        Canceled: when the user asked to stop; nothing is written.
    """
    job = job or Job()
    rng = np.random.default_rng(seed)
    pictures: List[np.ndarray] = []
    masks: List[np.ndarray] = []
    owner: List[int] = []
    for n, path in enumerate(images):
        part = job.part(n / len(images), (n + 1) / len(images))
        for k, picture in enumerate(_slices(path, modality, slices)):
            part.update(k / sum(slices), f"slice {k + 1} of {sum(slices)}")
            low, high = CT_WINDOWS[rng.integers(len(CT_WINDOWS))] if modality == "ct" else (0, MR_RANGE)
            found = teacher.propose(jittered_window(picture, low, high, None), rng, boxes)
            if len(found):
                owner += [len(pictures)] * len(found)
                pictures.append(picture)
                masks.append(np.packbits(found.reshape(len(found), -1), axis=1))
    if not masks:
        raise InputError("The teacher proposed no mask in these images; check their modality.")
    with whole_file(output) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(
            file,
            images=np.stack(pictures).astype(np.int16),
            is_ct=np.full(len(pictures), modality == "ct"),
            masks=np.concatenate(masks),
            owner=np.array(owner),
        )
    return len(owner)


def _slices(path, modality, counts):
    volume = oriented_image(path)
    spacing = volume.GetSpacing()[::-1]
    array = sitk.GetArrayFromImage(volume).astype(np.float32)
    if modality != "ct":
        low, high = np.percentile(array, (0.5, 99.5))
        array = np.clip((array - low) / max(high - low, 1e-6), 0, 1) * MR_RANGE
    for axis, count in enumerate(counts):
        pixel = tuple(mm for k, mm in enumerate(spacing) if k != axis)
        for index in np.linspace(0.04, 0.96, count) * array.shape[axis]:
            picture = torch.from_numpy(np.take(array, int(index), axis))[None, None]
            lowest = picture.min()
            letterbox = Letterbox.fit(picture.shape[-2:], pixel, SIZE)
            yield (letterbox.image(picture - lowest) + lowest)[0, 0].numpy()
