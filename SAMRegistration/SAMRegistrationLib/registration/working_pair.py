"""A pair on its working grid, with all that guides it, and the velocity that a registration finds for it."""

from dataclasses import dataclass, replace
from typing import Optional, Tuple, Union

import torch

from ..geometry.dense import resize_field
from ..geometry.grid import Grid
from ..job import Job
from ..losses.similarity import SIMILARITIES
from .clock import Clock
from .hold import Hold
from .image_term import image_term
from .mask_channels import Structures
from .options import RegistrationOptions
from .predict import predict_velocity
from .refine import refine
from .stiffness import smoothed, stiffened
from .terms import GaussNewtonTerm, GradientTerm, MaskTerm
from .unfold import unfolded
from .working import stored_grid

Sides = Tuple[Optional[torch.Tensor], Optional[torch.Tensor]]


@dataclass(frozen=True)
class WorkingPair:
    """What the deformation is found from; tensors are on the device of the computation.

    Attributes:
        grid: the working grid, in fixed space.
        fixed, moving: (1, 1, D, H, W) on it, `moving` pre-aligned.
        covered: where each was imaged, (1, 1, D, H, W), None for everywhere.
        heeded: 0 in the regions to be ignored, 1 elsewhere, (1, 1, D, H, W), None for everywhere.
        structures: masks that guide.
        hold: keeps the velocity to landmarks and rigid regions.
        similarity: a name of :data:`..losses.similarity.SIMILARITIES`.
        within_a_modality: whether both volumes are of the same kind.
        same_scale: whether the same tissue has the same intensity in both.
    """

    grid: Grid
    fixed: torch.Tensor
    moving: torch.Tensor
    covered: Sides
    heeded: Sides
    structures: Optional[Structures]
    hold: Optional[Hold]
    similarity: str
    within_a_modality: bool
    same_scale: bool = False

    def velocity(
        self, options: RegistrationOptions, job: Job, clock: Clock, start: Optional[torch.Tensor] = None
    ) -> Tuple[Optional[torch.Tensor], Optional[str]]:
        """The velocity (1, 3, d, h, w) in voxels of its own grid over the extent of the working grid, and the name of
        the network's weights where it predicted; each is None where there is none.

        Args:
            start: a velocity over the same extent from which the refinement starts, where the network predicts none.

        Raises:
            WeightsError: the file of the weights cannot be used.
            Canceled: through `job`.
        """
        velocity, weights = start, None
        spacing = self.grid.spacing[::-1]
        if options.use_network and (options.weights or self.within_a_modality):
            with clock.stage("predict"):
                job.update(0.0, "Predicting")
                velocity, weights = predict_velocity(self.fixed, self.moving, self.structures, spacing, options.weights)
        with clock.stage("refine"):
            if options.use_refinement:
                smoothness = SIMILARITIES[self.similarity].smoothness
                refinement = stiffened(options.refinement, options.stiffness, smoothness)
                frame = (self.grid.shape, spacing, refinement)
                terms, device = (self._image_term(), self._mask_term(options.mask_tolerance)), self.fixed.device
                velocity = refine(*terms, *frame, velocity, device, job.part(0.1, 0.95), self.hold)
            stored = stored_grid(self.grid, options.refinement.field_stride)
            if velocity is not None:
                velocity = smoothed(velocity, self.grid, options.stiffness)
                velocity = unfolded(resize_field(velocity, stored.shape), stored)
            if self.hold is not None:
                job.update(0.95, "Following the guides")
                velocity = self.hold.settle(
                    self.fixed.new_zeros((1, 3, *stored.shape)) if velocity is None else velocity
                )
        return velocity, weights

    def reversed(self, hold: Optional[Hold]) -> "WorkingPair":
        """The pair in the other direction, on the same grid.

        Args:
            hold: what holds the velocity of that direction.
        """
        masks = self.structures
        if masks is not None:
            masks = replace(masks, fixed=masks.moving, moving=masks.fixed)
        return replace(
            self,
            fixed=self.moving,
            moving=self.fixed,
            covered=self.covered[::-1],
            heeded=self.heeded[::-1],
            structures=masks,
            hold=hold,
        )

    def _image_term(self) -> Union[GaussNewtonTerm, GradientTerm]:
        covered = [_both(*parts) for parts in zip(self.covered, self.heeded)]
        return image_term(SIMILARITIES[self.similarity], self.same_scale, self.fixed, self.moving, *covered)

    def _mask_term(self, tolerance: float) -> Optional[MaskTerm]:
        if self.structures is None:
            return None
        masks = (self.structures.fixed, self.structures.moving)
        return MaskTerm(*(mask.to(self.fixed) for mask in masks), *self.heeded, tolerance)


def _both(first: Optional[torch.Tensor], second: Optional[torch.Tensor]) -> Optional[torch.Tensor]:
    if first is None or second is None:
        return second if first is None else first
    return first * second
