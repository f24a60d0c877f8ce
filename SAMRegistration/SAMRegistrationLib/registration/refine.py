"""Refinement at test time: one pair's stationary velocity field, optimized coarse to fine.

At every step the images' force is smoothed and scaled by its own strength to an update of at most one voxel of the
velocity, which is smoothed in turn. The velocity lives on a grid of half the resolution of the image: it is smooth, so
nothing is lost, and integrating it costs an eighth.

Masks give the distance of their borders in voxels, which is added. Both updates have limits of their own, so that the
images' update is unchanged where there is no border of a mask. At a border that is far off, the mask's update replaces
that of the images; at one that is nearer than a fraction of a voxel, which is the accuracy of a voxel mask, the images'
update is kept.
"""

from dataclasses import dataclass
from typing import Callable, List, Optional, Sequence, Tuple

import numpy as np
import torch

from ..geometry import dense, separable
from ..job import Job
from .terms import ImageTerm, MaskTerm

NOTICEABLE = 0.01  # change of a voxel's loss per voxel of displacement below which a force is not scaled up
NEAR = 0.1  # voxels that a mask's border is off when the images' update is halved there
MASK_SIGMA = 1.0  # voxels of the level: Gaussian surroundings in which a border's displacement is found

THICK_SLICE_SIGMA = 0.5


@dataclass(frozen=True)
class RefineOptions:
    """How the refinement runs.

    Attributes:
        levels: (shrink factor, steps) from coarse to fine.
        step: largest update in voxels of the level, for the strongest force met so far; weaker ones move less.
        force_sigma: Gaussian smoothing of the images' force, in voxels of the level.
        velocity_sigma: Gaussian smoothing of the velocity after every step, in voxels of the level.
        field_stride: image voxels per velocity voxel at the finest level.
    """

    levels: Tuple[Tuple[int, int], ...] = ((4, 30), (2, 30), (1, 12))
    step: float = 1.0
    force_sigma: float = 2.0
    velocity_sigma: float = 0.7
    field_stride: int = 2

    @property
    def steps(self) -> int:
        """Number of steps over all levels."""
        return sum(steps for _, steps in self.levels)


def refine(
    images: ImageTerm,
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
        for shrink, steps in options.levels:
            level = _Level(images, masks, shape, spacing, shrink, options, device)
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
    def __init__(self, images, masks, shape, spacing, shrink, options, device):
        like = torch.zeros((), device=device)
        self._options = options
        self._like = like
        image_shape = level_shape(shape, spacing, shrink)
        self._shape = level_shape(shape, spacing, max(shrink, options.field_stride))
        self._images = images.at(image_shape)
        self._masks = None if masks is None else masks.at(image_shape)
        self._strength = NOTICEABLE / float(np.prod(image_shape))
        ratio = [fine / coarse for fine, coarse in zip(image_shape, self._shape)]
        self._to_image = torch.tensor(ratio, device=device).view(1, 3, 1, 1, 1)
        self._enlarge = separable.enlarge(self._shape, image_shape, like)
        level_spacing = [n * s / m for n, s, m in zip(shape, spacing, image_shape)]
        velocity_sigmas = [s / r for s, r in zip(_sigmas(options.velocity_sigma, level_spacing), ratio)]
        shrinking = separable.shrink(image_shape, self._shape, like)

        def collecting(sigma: float) -> separable.Matrices:
            smoothing = separable.gaussian(image_shape, _sigmas(sigma, level_spacing), like)
            return tuple(after @ before for after, before in zip(shrinking, smoothing))

        self._collect, self._surroundings = collecting(options.force_sigma), collecting(MASK_SIGMA)
        self._smooth_velocity = separable.gaussian(self._shape, velocity_sigmas, like)

    def start(self, velocity: Optional[torch.Tensor]) -> torch.Tensor:
        if velocity is None:
            return self._like.new_zeros((1, 3, *self._shape))
        return dense.resize_field(velocity.to(self._like.device), self._shape)

    def step(self, velocity: torch.Tensor) -> torch.Tensor:
        displacement = dense.integrate(velocity, dense.integration_steps(velocity, first_step=0.75))
        displacement = separable.apply(self._enlarge, displacement) * self._to_image
        force = separable.apply(self._collect, self._images.force(displacement))
        self._strength = max(_longest(force), self._strength)
        update = self._limited(force * (1.0 / self._strength))
        if self._masks is not None:
            missing = self._masks.missing(displacement, self._surroundings)
            update = update / (1 + missing.square().sum(dim=1, keepdim=True) / NEAR**2) + self._limited(missing)
        return separable.apply(self._smooth_velocity, velocity + update / self._to_image)

    def _limited(self, update: torch.Tensor) -> torch.Tensor:
        return update * (self._options.step * min(1.0, 1.0 / max(_longest(update), 1e-9)))


def _longest(vectors: torch.Tensor) -> float:
    return float(vectors.pow(2).sum(dim=1).max().sqrt())


def _sigmas(sigma: float, spacing: Sequence[float]) -> List[float]:
    """Per axis, in voxels: the same millimeters along every axis, but between thick slices at least half a voxel."""
    return [max(sigma * min(spacing) / s, min(sigma, THICK_SLICE_SIGMA)) for s in spacing]
