"""A pair of volumes for one training step."""

from dataclasses import dataclass, fields, replace
from typing import Optional, Tuple

import torch

from ...losses.contours import ContourSet


@dataclass(frozen=True)
class TrainingPair:
    """A fixed and a moving volume on one working grid, affine-aligned; tensors as in :mod:`...geometry.dense`.

    Attributes:
        fixed, moving: images (1, 1, D, H, W) in [0, 1].
        fixed_labels, moving_labels: true structures (1, K, D, H, W) in [0, 1], for the overlap loss; None: unknown.
        fixed_masks, moving_masks: what the network is shown (1, K', D, H, W), possibly degraded; None: no masks.
        truth: the true displacement (1, 3, D, H, W) in voxels, when it is known.
        spacing: millimeters per voxel, ordered (z, y, x).
        fixed_contours, moving_contours: of the true structures, where the source has them; see :meth:`contours`.
        same_contrast: both images show tissues alike, so that correlation of intensities is meaningful.
    """

    fixed: torch.Tensor
    moving: torch.Tensor
    fixed_labels: Optional[torch.Tensor] = None
    moving_labels: Optional[torch.Tensor] = None
    fixed_masks: Optional[torch.Tensor] = None
    moving_masks: Optional[torch.Tensor] = None
    truth: Optional[torch.Tensor] = None
    spacing: Tuple[float, float, float] = (1.0, 1.0, 1.0)
    fixed_contours: Optional[ContourSet] = None
    moving_contours: Optional[ContourSet] = None
    same_contrast: bool = True

    def contours(self) -> Tuple[ContourSet, ContourSet]:
        """Contour points of the true structures in the fixed and the moving volume."""
        sides = ((self.fixed_contours, self.fixed_labels), (self.moving_contours, self.moving_labels))
        return tuple(known or ContourSet.from_masks(labels[0], self.spacing) for known, labels in sides)

    def to(self, device: torch.device) -> "TrainingPair":
        """The pair with its tensors and contours on `device`."""
        moved = {
            entry.name: getattr(self, entry.name).to(device)
            for entry in fields(self)
            if isinstance(getattr(self, entry.name), (torch.Tensor, ContourSet))
        }
        return replace(self, **moved)
