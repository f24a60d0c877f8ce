"""Masks that guide a registration: label images made into channels on the working grid."""

from dataclasses import dataclass
from typing import List, Optional, Tuple, Union

import numpy as np
import SimpleITK as sitk
import torch

from ..geometry.grid import Grid
from ..volumes import Labels, StructureMasks, as_structures, with_numbers_of


@dataclass(frozen=True)
class Structures:
    """Masks of the structures that both images have, on the working grid.

    Attributes:
        labels: number of the structure of each channel; `titles` its name, or the number where it has none.
        fixed, moving: (1, K, D, H, W) in [0, 1]; `moving` is already pre-aligned.
    """

    labels: Tuple[int, ...]
    titles: Tuple[Union[str, int], ...]
    fixed: torch.Tensor
    moving: torch.Tensor


def shared_structures(
    fixed_masks: Optional[Labels],
    moving_masks: Optional[Labels],
    fixed_volume: Grid,
    moving_volume: Grid,
    grid: Grid,
    linear: sitk.Transform,
) -> Tuple[Optional[Structures], List[str]]:
    """The structures of both images as channels on `grid`, None without any, and sentences about what is left out.

    Args:
        fixed_masks, moving_masks: label images (0 is background) or structures that may overlap, on any grids; which
            are the same is said by :func:`..volumes.with_numbers_of`.
        fixed_volume, moving_volume: grids of the volumes that the masks belong to.
        linear: maps fixed points to moving points.

    Returns:
        The channels, and a sentence for masks that were resampled and for every structure that is left out.
    """
    if fixed_masks is None or moving_masks is None:
        if fixed_masks is not None or moving_masks is not None:
            side = "fixed" if fixed_masks is not None else "moving"
            return None, [f"Only the {side} image has masks, so they cannot guide the registration."]
        return None, []
    fixed_masks = as_structures(fixed_masks, "The fixed label image")
    moving_masks, notes = with_numbers_of(fixed_masks, as_structures(moving_masks, "The moving label image"))
    fixed_labels, moving_labels = set(fixed_masks.labels), set(moving_masks.labels)
    for label in sorted(fixed_labels ^ moving_labels):
        side, masks = ("fixed", fixed_masks) if label in fixed_labels else ("moving", moving_masks)
        notes.append(f"Structure {masks.title(label)} is in the {side} masks only and does not guide the registration.")
    for side, masks, volume in (("fixed", fixed_masks, fixed_volume), ("moving", moving_masks, moving_volume)):
        if not masks.grid.matches(volume):
            notes.append(f"The {side} masks lie on another grid than their volume and were resampled.")
    identity = sitk.Transform(3, sitk.sitkIdentity)
    kept, fixed_channels, moving_channels = [], [], []
    for label in sorted(fixed_labels & moving_labels):
        fixed_channel = _channel(fixed_masks, label, grid, identity)
        moving_channel = _channel(moving_masks, label, grid, linear)
        if fixed_channel.any() and moving_channel.any():
            kept.append(label)
            fixed_channels.append(fixed_channel)
            moving_channels.append(moving_channel)
        else:
            title = fixed_masks.title(label)
            notes.append(f"Structure {title} lies outside the region of the registration and does not guide it.")
    if not kept:
        return None, notes
    fixed, moving = (torch.from_numpy(np.stack(channels)[None]) for channels in (fixed_channels, moving_channels))
    return Structures(tuple(kept), tuple(map(fixed_masks.title, kept)), fixed, moving), notes


def _channel(masks: StructureMasks, label: int, grid: Grid, transform: sitk.Transform) -> np.ndarray:
    part, own = masks.cut(label)
    mask = own.image(part.astype(np.float32))
    resampled = sitk.Resample(mask, grid.empty_image(), transform, sitk.sitkLinear, 0.0, sitk.sitkFloat32)
    return sitk.GetArrayFromImage(resampled)
