"""Refinement at test time: one pair's stationary velocity field, optimized coarse to fine.

At every step the forces of all terms are smoothed, each term is scaled by its own strength so that none drowns
another, and the sum becomes an update of at most one voxel of the velocity, which is smoothed in turn. The velocity
lives on a grid of half the resolution of the image: it is smooth, so nothing is lost, and integrating it costs an
eighth.

Masks pull harder than images, but at their borders alone; so where there are masks the steps are longer, lest the
images hardly count. Borders of masks are stairs, which never fit each other quite, and pull until the end; so these
steps become shorter over the finest level, and what is reached there stays.
"""

from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

import numpy as np
import torch

from ..geometry import dense, separable
from ..job import Job

NOTICEABLE = 0.01  # change of a voxel's loss per voxel of displacement below which a force is not scaled up
GUIDED = 2.0  # times longer steps where masks pull
SETTLED = 0.25  # of such a step is left at the end

THICK_SLICE_SIGMA = 0.5


@dataclass(frozen=True)
class RefineOptions:
    """How the refinement runs.

    Attributes:
        levels: (shrink factor, steps) from coarse to fine.
        step: largest update in voxels of the level, for the strongest force met so far; weaker ones move less. With
            masks it is longer at first.
        force_sigma: Gaussian smoothing of the forces, in voxels of the level.
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


@dataclass(frozen=True)
class WeightedTerm:
    """A term and how strongly it pulls compared with the others."""

    term: object
    weight: float = 1.0


def refine(
    terms: Sequence[WeightedTerm],
    shape: Sequence[int],
    spacing: Sequence[float],
    options: Optional[RefineOptions] = None,
    velocity: Optional[torch.Tensor] = None,
    device: str = "cpu",
    job: Optional[Job] = None,
) -> torch.Tensor:
    """Optimize a stationary velocity field.

    Args:
        terms: what pulls, see :mod:`.terms`; the images first, then the masks, if there are any.
        shape: (D, H, W) of the working grid.
        spacing: voxel size in mm along the array axes (z, y, x); coarse levels keep thick slices whole.
        velocity: where to start, (1, 3, *) over the same extent, in its own voxels; None starts at zero.

    Returns:
        The velocity (1, 3, d, h, w) in voxels of its own grid, which covers the extent of the working grid.

    Raises:
        Cancelled: through `job`.
    """
    job, options = job or Job(), options or RefineOptions()
    shape, done = tuple(shape), 0
    with torch.no_grad():
        for shrink, steps in options.levels:
            level = _Level(terms, shape, spacing, shrink, options, device)
            velocity = level.start(velocity)
            guided, last = len(terms) > 1, (shrink, steps) == options.levels[-1]
            for number in range(steps):
                job.update(done / options.steps, f"Refining, 1/{shrink} resolution")
                fraction = 1 - (1 - SETTLED) * number / steps if guided and last else 1.0
                velocity = level.step(velocity, GUIDED if guided else 1.0, fraction)
                done += 1
    return velocity


def level_shape(shape: Sequence[int], spacing: Sequence[float], shrink: float) -> Tuple[int, ...]:
    """Shape at a level: voxels of `shrink` times the finest spacing, thicker slices kept, at least 4 along an axis."""
    target = shrink * min(spacing)
    return tuple(max(min(n, 4), int(np.ceil(n * s / max(s, target) - 1e-6))) for n, s in zip(shape, spacing))


class _Level:
    def __init__(self, terms, shape, spacing, shrink, options, device):
        like = torch.zeros((), device=device)
        self._options = options
        self._like = like
        image_shape = level_shape(shape, spacing, shrink)
        self._shape = level_shape(shape, spacing, max(shrink, options.field_stride))
        self._terms: List[WeightedTerm] = [WeightedTerm(item.term.at(image_shape), item.weight) for item in terms]
        self._strengths = [0.0] * len(self._terms)
        self._floor = NOTICEABLE / float(np.prod(image_shape))
        ratio = [fine / coarse for fine, coarse in zip(image_shape, self._shape)]
        self._to_image = torch.tensor(ratio, device=device).view(1, 3, 1, 1, 1)
        self._enlarge = separable.enlarge(self._shape, image_shape, like)
        level_spacing = [n * s / m for n, s, m in zip(shape, spacing, image_shape)]
        force_sigmas = _sigmas(options.force_sigma, level_spacing)
        velocity_sigmas = [s / r for s, r in zip(_sigmas(options.velocity_sigma, level_spacing), ratio)]
        smooth = separable.gaussian(image_shape, force_sigmas, like)
        self._collect = tuple(d @ s for d, s in zip(separable.shrink(image_shape, self._shape, like), smooth))
        self._smooth_velocity = separable.gaussian(self._shape, velocity_sigmas, like)

    def start(self, velocity: Optional[torch.Tensor]) -> torch.Tensor:
        if velocity is None:
            return self._like.new_zeros((1, 3, *self._shape))
        return dense.resize_field(velocity.to(self._like.device), self._shape)

    def step(self, velocity: torch.Tensor, reach: float, fraction: float) -> torch.Tensor:
        displacement = dense.integrate(velocity, dense.integration_steps(velocity, first_step=0.75))
        displacement = separable.apply(self._enlarge, displacement) * self._to_image
        update = torch.zeros_like(velocity)
        for index, item in enumerate(self._terms):
            force = separable.apply(self._collect, item.term.force(displacement))
            strength = float(force.pow(2).sum(dim=1).max().sqrt())
            self._strengths[index] = max(strength, self._strengths[index], self._floor)
            update += force * (item.weight / self._strengths[index])
        largest = float(update.pow(2).sum(dim=1).max().sqrt())
        update *= fraction * self._options.step * reach / max(largest, reach)
        return separable.apply(self._smooth_velocity, velocity + update / self._to_image)


def _sigmas(sigma: float, spacing: Sequence[float]) -> List[float]:
    """Per axis, in voxels: the same millimetres along every axis, but between thick slices at least half a voxel."""
    return [max(sigma * min(spacing) / s, min(sigma, THICK_SLICE_SIGMA)) for s in spacing]
