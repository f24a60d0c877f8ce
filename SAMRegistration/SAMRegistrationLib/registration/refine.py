"""Refinement at test time: one pair's stationary velocity field, optimized coarse to fine.

At every step the terms tell the displacement that is missing, in voxels of the level and smoothed; it is added to the
velocity, which is smoothed in turn. The velocity lives on a grid of half the resolution of the image: it is smooth, so
nothing is lost, and integrating it costs an eighth.

Masks give the distance of their borders in voxels, which is added. Both updates have limits of their own, so that the
images' update is unchanged where there is no border of a mask. At a border that is far off, the mask's update replaces
that of the images; at one that is nearer than a fraction of a voxel, which is the accuracy of a voxel mask, the images'
update is kept.

The last steps look at narrower surroundings, which follow finer detail. What they find near borders of masks is left
out: so narrowly, images move a border that masks have already placed.

Where masks have a tolerance, a border that is off by less yields to the images, and the images to one that is off by
more.
"""

from dataclasses import dataclass
from typing import Callable, Optional, Sequence, Tuple, Union

import numpy as np
import torch

from ..geometry import dense, separable
from ..job import Job
from .image_term import equally_filled, sigmas_in_voxels
from .terms import GaussNewtonTerm, GradientTerm, MaskTerm

NEAR = 0.1  # voxels that a mask's border is off when the images' update is halved there
BETWEEN_SLICES = 0.45  # of the voxels by which the velocity is smoothed in plane, for thick slices at least
FARTHEST = 0.25  # of the volume's extent along an axis: what moves at most; two voxels are always allowed
MASK_SIGMA = 0.5  # voxels of the level: Gaussian surroundings in which a border's displacement is found


@dataclass(frozen=True)
class RefineOptions:
    """How the refinement runs.

    Attributes:
        levels: (shrink factor, steps) from coarse to fine.
        force_sigma: Gaussian surroundings in which the images' update is found, in voxels of the level where these are
            cubes; where slices are thick, surroundings that hold as many voxels.
        narrow_steps: further steps at the finest level, at the end, which look at narrower surroundings.
        narrow_sigma: of these surroundings, as `force_sigma`.
        velocity_sigma: Gaussian smoothing of the velocity after every step, in smallest edges of the level's voxels;
            between thick slices at least BETWEEN_SLICES as many voxels, which keeps a few slices from moving apart.
        field_stride: image voxels per velocity voxel at the finest level.
    """

    levels: Tuple[Tuple[int, int], ...] = ((8, 30), (4, 40), (2, 40), (1, 20))
    force_sigma: float = 2.0
    narrow_steps: int = 10
    narrow_sigma: float = 1.2
    velocity_sigma: float = 0.7
    field_stride: int = 2

    @property
    def steps(self) -> int:
        """Number of steps over all levels."""
        return sum(steps for _, steps, _ in self.phases)

    @property
    def phases(self) -> Tuple[Tuple[int, int, float], ...]:
        """(shrink factor, steps, surroundings in voxels of the level) in the order of work."""
        last = (self.levels[-1][0], self.narrow_steps, self.narrow_sigma)
        return (*((*level, self.force_sigma) for level in self.levels), *([last] if self.narrow_steps else []))


def refine(
    images: Union[GaussNewtonTerm, GradientTerm],
    masks: Optional[MaskTerm],
    shape: Sequence[int],
    spacing: Sequence[float],
    options: Optional[RefineOptions] = None,
    velocity: Optional[torch.Tensor] = None,
    device: str = "cpu",
    job: Optional[Job] = None,
    hold: Optional[Callable[[torch.Tensor], torch.Tensor]] = None,
) -> torch.Tensor:
    """Optimize a stationary velocity field.

    Args:
        images, masks: what pulls.
        shape: (D, H, W) of the working grid.
        spacing: voxel size in mm along the array axes (z, y, x); coarse levels keep thick slices whole.
        velocity: where to start, (1, 3, *) over the same extent, in its own voxels; None starts at zero.
        hold: changes the velocity after every step, so that it keeps to what guides say.

    Returns:
        The velocity (1, 3, d, h, w) in voxels of its own grid, which covers the extent of the working grid.

    Raises:
        Canceled: through `job`.
    """
    job, options = job or Job(), options or RefineOptions()
    shape, done = tuple(shape), 0
    with torch.no_grad():
        for shrink, steps, force_sigma in options.phases:
            level = _Level(images, masks, shape, spacing, shrink, force_sigma, options, device)
            velocity = level.start(velocity)
            for _ in range(steps):
                job.update(done / options.steps, f"Refining, 1/{shrink} resolution")
                velocity = level.step(velocity)
                velocity = velocity if hold is None else hold(velocity)
                done += 1
    return velocity


def level_shape(shape: Sequence[int], spacing: Sequence[float], shrink: float) -> Tuple[int, ...]:
    """Shape at a level: voxels of `shrink` times the finest spacing, thicker slices kept, at least 4 along an axis."""
    target = shrink * min(spacing)
    return tuple(max(min(n, 4), int(np.ceil(n * s / max(s, target) - 1e-6))) for n, s in zip(shape, spacing))


class _Level:
    SQUARINGS_KEPT = 8  # steps on a GPU between two looks at the velocity, each of which waits for the GPU

    def __init__(self, images, masks, shape, spacing, shrink, force_sigma, options, device):
        like = torch.zeros((), device=device)
        self._options = options
        self._like = like
        self._squarings, self._squarings_kept = 0, 0
        self._narrow = force_sigma < options.force_sigma
        image_shape = level_shape(shape, spacing, shrink)
        self._shape = level_shape(shape, spacing, max(shrink, options.field_stride))
        self._masks = None if masks is None else masks.at(image_shape)
        ratio = [fine / coarse for fine, coarse in zip(image_shape, self._shape)]
        farthest = [max(FARTHEST * n, 2.0) for n in self._shape]
        self._farthest = torch.tensor(farthest, device=device).view(1, 3, 1, 1, 1)
        self._to_image = torch.tensor(ratio, device=device).view(1, 3, 1, 1, 1)
        self._image_shape = image_shape
        level_spacing = [n * s / m for n, s, m in zip(shape, spacing, image_shape)]
        self._images = images.at(image_shape, level_spacing)
        velocity_sigmas = [
            options.velocity_sigma * max(min(level_spacing) / s, BETWEEN_SLICES) / r
            for s, r in zip(level_spacing, ratio)
        ]
        shrinking = separable.shrink(image_shape, self._shape, like)

        def collecting(sigmas: Sequence[float]) -> separable.Matrices:
            smoothing = separable.gaussian(image_shape, sigmas, like)
            return tuple(after @ before for after, before in zip(shrinking, smoothing))

        self._collect = collecting(equally_filled(force_sigma, level_spacing))
        self._surroundings = collecting(sigmas_in_voxels(MASK_SIGMA, level_spacing))
        self._smooth_velocity = separable.gaussian(self._shape, velocity_sigmas, like)

    def start(self, velocity: Optional[torch.Tensor]) -> torch.Tensor:
        if velocity is None:
            return self._like.new_zeros((1, 3, *self._shape))
        return dense.resize_field(velocity.to(self._like.device), self._shape)

    def step(self, velocity: torch.Tensor) -> torch.Tensor:
        displacement = dense.integrate(velocity, self._squarings_of(velocity))
        displacement = dense.resize_field(displacement, self._image_shape)
        update = self._images.update(displacement, self._collect)
        if self._masks is not None:
            missing, nearness = self._masks.missing(displacement, self._surroundings)
            update = self._with_masks(update, missing, nearness)
        velocity = separable.apply(self._smooth_velocity, velocity + update / self._to_image)
        return torch.maximum(torch.minimum(velocity, self._farthest), -self._farthest)

    def _with_masks(self, update: torch.Tensor, missing: torch.Tensor, nearness: torch.Tensor) -> torch.Tensor:
        """The images' and the masks' update together; each is small where the other one counts."""
        tolerance = self._masks.tolerance
        yielding = 1 / (1 + missing.square().sum(dim=1, keepdim=True) / max(NEAR, tolerance) ** 2)
        if tolerance:
            return update * yielding + _limited(missing * (1 - yielding))
        return update * (yielding * (1 - nearness) if self._narrow else yielding) + _limited(missing)

    def _squarings_of(self, velocity: torch.Tensor) -> int:
        if self._squarings_kept == 0:
            self._squarings = dense.integration_steps(velocity, first_step=0.75)
            self._squarings_kept = self.SQUARINGS_KEPT if velocity.is_cuda else 1
        self._squarings_kept -= 1
        return self._squarings


def _limited(update: torch.Tensor) -> torch.Tensor:
    """The update, scaled so that its longest vector is at most one voxel."""
    return update / dense.length(update).max().clamp_min(1.0)
