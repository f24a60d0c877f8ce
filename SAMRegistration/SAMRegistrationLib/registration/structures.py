"""Masks that guide a registration: label images made into channels on the working grid."""

from dataclasses import dataclass
from typing import List, Optional, Tuple

import numpy as np
import SimpleITK as sitk
import torch

from ..geometry.boxes import cut_to_marked
from ..geometry.grid import Grid
from ..volumes import label_values


@dataclass(frozen=True)
class Structures:
    """Masks of the structures that both images have, on the working grid.

    Attributes:
        labels: label value of each channel.
        fixed, moving: (1, K, D, H, W) in [0, 1]; `moving` is already pre-aligned.
    """

    labels: Tuple[int, ...]
    fixed: torch.Tensor
    moving: torch.Tensor


def shared_structures(
    fixed_masks: Optional[sitk.Image],
    moving_masks: Optional[sitk.Image],
    fixed_volume: Grid,
    moving_volume: Grid,
    grid: Grid,
    linear: sitk.Transform,
    notes: List[str],
) -> Optional[Structures]:
    """The structures of both label images as channels on `grid`; None without any.

    Args:
        fixed_masks, moving_masks: label images on any grid, 0 is background.
        fixed_volume, moving_volume: grids of the volumes that the masks belong to.
        linear: maps fixed points to moving points.
        notes: receives a sentence for masks that were resampled and for every structure that is left out.
    """
    if fixed_masks is None or moving_masks is None:
        if fixed_masks is not None or moving_masks is not None:
            side = "fixed" if fixed_masks is not None else "moving"
            notes.append(f"Only the {side} image has masks, so they cannot guide the registration.")
        return None
    fixed_labels, moving_labels = label_values(fixed_masks), label_values(moving_masks)
    for label in sorted(fixed_labels ^ moving_labels):
        side = "fixed" if label in fixed_labels else "moving"
        notes.append(f"Structure {label} is in the {side} masks only and does not guide the registration.")
    for side, masks, volume in (("fixed", fixed_masks, fixed_volume), ("moving", moving_masks, moving_volume)):
        if not Grid.of(masks).matches(volume):
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
            notes.append(f"Structure {label} lies outside the region of the registration and does not guide it.")
    if not kept:
        return None
    fixed, moving = (torch.from_numpy(np.stack(channels)[None]) for channels in (fixed_channels, moving_channels))
    return Structures(tuple(kept), fixed, moving)


def _channel(labels: sitk.Image, label: int, grid: Grid, transform: sitk.Transform) -> np.ndarray:
    part, own = cut_to_marked(sitk.GetArrayViewFromImage(labels) == label, Grid.of(labels))
    mask = own.image(part.astype(np.float32))
    resampled = sitk.Resample(mask, grid.empty_image(), transform, sitk.sitkLinear, 0.0, sitk.sitkFloat32)
    return sitk.GetArrayFromImage(resampled)
