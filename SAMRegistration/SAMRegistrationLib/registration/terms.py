"""What pulls on the field during refinement: each term turns the warped state into a displacement per voxel.

A term is made for the working grid; ``at(shape, spacing)`` gives it for a level, where it is asked at every step.
Displacements are (1, 3, D, H, W), channels (z, y, x), in voxels of the level.
"""

from typing import Callable, List, Optional, Sequence, Tuple

import torch

from ..geometry import dense, separable

FULLY_COVERED = 0.99
FADING = 0.2  # of the steepest border's square slope; what is flatter counts as away from a border
DAMPING = 0.5  # of the mean square slope, added to the square slope: where an image is flat, nothing pulls
NOTICEABLE = 0.01  # change of a voxel's loss per voxel of displacement below which a force is not scaled up
SMALLEST_MISFIT = 1e-6  # mean square difference below which a channel's weight does not grow


class GaussNewtonTerm:
    """Makes moving channels, warped, equal to fixed channels in the sense of least squares.

    With the difference r of a channel and the gradient g of the warped one, the displacement that is missing is the sum
    of r g over surroundings, divided by the sum of the squares of g. That is a step of Gauss and Newton's method, with
    the mean over the directions in place of the matrix. The gradient is taken per millimeter, so that motion across
    thick slices is as dear as motion within them. Channels count by the inverse of their mean square difference.
    Source: Lucas and Kanade, IJCAI 1981; Thirion, Medical Image Analysis 2 (1998) 243-260.

    Args:
        channels: ``channels(image, spacing, coverage) -> (1, C, D, H, W)``, what is compared, of an image of any
            resolution.
        fixed, moving: (1, 1, D, H, W) images on the working grid.
        fixed_coverage, moving_coverage: (1, 1, D, H, W), 1 where the volume was imaged; where it was not, and next to
            it, nothing pulls. None where it covers the whole working grid.
    """

    def __init__(
        self,
        channels: Callable,
        fixed: torch.Tensor,
        moving: torch.Tensor,
        fixed_coverage: Optional[torch.Tensor] = None,
        moving_coverage: Optional[torch.Tensor] = None,
    ):
        self._channels = channels
        self._parts = (fixed, moving, fixed_coverage, moving_coverage)

    def at(self, shape: Sequence[int], spacing: Sequence[float]) -> "_GaussNewtonLevel":
        """The term on a grid of the same extent, with voxels of `spacing` (z, y, x) in mm."""
        fixed, moving, *coverages = _shrunk(self._parts, shape)
        known = [coverage for coverage in coverages if coverage is not None]
        both = torch.stack(known).prod(dim=0) if known else None
        channels = [self._channels(image, spacing, both) for image in (fixed, moving)]
        return _GaussNewtonLevel(*channels, [_eroded(c) for c in coverages], spacing)


class _GaussNewtonLevel:
    def __init__(self, fixed, moving, coverages: List[Optional[torch.Tensor]], spacing: Sequence[float]):
        self._fixed, self._channels = fixed, fixed.shape[1]
        self._fixed_coverage, moving_coverage = coverages
        self._warped_along = moving if moving_coverage is None else torch.cat([moving, moving_coverage], dim=1)
        self._per_unit = [min(spacing) / s for s in spacing]
        self._edges = _column(self._per_unit, fixed)

    def update(self, displacement: torch.Tensor, collect: separable.Matrices) -> torch.Tensor:
        """The displacement that is missing, at most the smallest edge of a voxel, on the grid of `collect`."""
        along = dense.warp(self._warped_along, displacement)
        warped = along[:, : self._channels]
        counted = torch.ones_like(warped[:, :1])
        for coverage in (self._fixed_coverage, along[:, self._channels :]):
            if coverage is not None and coverage.shape[1]:
                counted = counted * coverage
        missing = (self._fixed - warped) * counted
        if self._channels > 1:
            weight = 1 / missing.square().mean(dim=(0, 2, 3, 4), keepdim=True).clamp_min(SMALLEST_MISFIT)
        else:
            weight = torch.ones((), device=missing.device)
        pulls, steepness = [], 0
        weighted = missing * weight
        for axis, per_unit in enumerate(self._per_unit):
            (slope,) = torch.gradient(warped, dim=2 + axis)
            pulls.append((weighted * slope).sum(dim=1, keepdim=True) * per_unit)
            steepness = steepness + (weight * slope.square()).sum(dim=1, keepdim=True) * per_unit**2 * counted
        collected = separable.apply(collect, torch.cat([*pulls, steepness], dim=1))
        pull, steepness = collected[:, :3], collected[:, 3:]
        update = pull / (steepness + DAMPING * steepness.mean()).clamp_min(torch.finfo(pull.dtype).tiny)
        update = update / dense.length(update).clamp_min(1.0)
        return update * self._edges


class GradientTerm:
    """Lowers a loss of fixed and warped moving images along its gradient, for losses that are no sum of squares.

    The chain rule through the warp is written out: gradient of the loss with respect to the warped image, times the
    spatial gradient of that image. That is the derivative for a deformation applied before the current one.

    Args:
        loss: ``loss(fixed, warped, weight=None) -> scalar tensor``.
        fixed, moving, fixed_coverage, moving_coverage: see :class:`GaussNewtonTerm`.
    """

    def __init__(
        self,
        loss: Callable,
        fixed: torch.Tensor,
        moving: torch.Tensor,
        fixed_coverage: Optional[torch.Tensor] = None,
        moving_coverage: Optional[torch.Tensor] = None,
    ):
        self._loss = loss
        self._parts = (fixed, moving, fixed_coverage, moving_coverage)

    def at(self, shape: Sequence[int], spacing: Sequence[float]) -> "_GradientLevel":
        """The term on a grid of the same extent, with voxels of `spacing` (z, y, x) in mm."""
        fixed, moving, *coverages = _shrunk(self._parts, shape)
        return _GradientLevel(self._loss, fixed, moving, [_eroded(c) for c in coverages], spacing)


class _GradientLevel:
    def __init__(self, loss, fixed, moving, coverages: List[Optional[torch.Tensor]], spacing: Sequence[float]):
        self._loss = loss
        self._fixed, self._moving = fixed, moving
        self._fixed_coverage, self._moving_coverage = coverages
        self._edges = _column([min(spacing) / s for s in spacing], fixed)
        self._strength = fixed.new_tensor(NOTICEABLE / fixed[0, 0].numel())

    def update(self, displacement: torch.Tensor, collect: separable.Matrices) -> torch.Tensor:
        """The force, of which the strongest one met so far moves by the smallest edge of a voxel."""
        force = separable.apply(collect, self._force(displacement)) * self._edges
        self._strength = torch.maximum(dense.length(force).max(), self._strength)
        return force / self._strength * self._edges

    def _force(self, displacement: torch.Tensor) -> torch.Tensor:
        warped = dense.warp(self._moving, displacement).requires_grad_(True)
        with torch.enable_grad():
            (pull,) = torch.autograd.grad(self._loss(self._fixed, warped, **self._weight(displacement)), warped)
        slopes = torch.stack(torch.gradient(warped.detach(), dim=(2, 3, 4)), dim=1)
        return -(pull[:, None] * slopes).sum(dim=2)

    def _weight(self, displacement: torch.Tensor) -> dict:
        covered = self._fixed_coverage
        if self._moving_coverage is not None:
            moved = dense.warp(self._moving_coverage, displacement, padding="zeros")
            covered = moved if covered is None else covered * moved
        return {} if covered is None else {"weight": covered}


class MaskTerm:
    """Brings the borders of moving masks, warped, to those of fixed masks.

    Where a border is d voxels off, the masks differ by d times their slope. Multiplied by the slope and divided by its
    square, both summed over surroundings, the difference gives back the displacement that is missing. Source: Lucas
    and Kanade, IJCAI 1981. It needs no scale: the size of a structure and the number of them do not matter.

    Args:
        fixed, moving: (1, K, D, H, W) masks in [0, 1] on the working grid, the same structures in both.
        fixed_coverage, moving_coverage: (1, 1, D, H, W), 1 where borders pull and 0 where not; None for everywhere.
        tolerance: voxels by which borders may be off.
    """

    def __init__(
        self,
        fixed: torch.Tensor,
        moving: torch.Tensor,
        fixed_coverage: Optional[torch.Tensor] = None,
        moving_coverage: Optional[torch.Tensor] = None,
        tolerance: float = 0.0,
    ):
        self.tolerance = tolerance
        self._parts = (fixed, moving, fixed_coverage, moving_coverage)
        self._fixed, self._moving, self._fixed_coverage, self._moving_coverage = self._parts

    def at(self, shape: Sequence[int]) -> "MaskTerm":
        """The same term on a coarser grid of the same extent."""
        return MaskTerm(*_shrunk(self._parts, shape), self.tolerance)

    def missing(
        self, displacement: torch.Tensor, surroundings: separable.Matrices
    ) -> Tuple[torch.Tensor, torch.Tensor]:
        """The displacement that is missing, and how near a border is.

        Args:
            displacement: (1, 3, D, H, W) in voxels of this term's grid.
            surroundings: smooths, and may sample on another grid; the results are on that.

        Returns:
            (1, 3, d, h, w) in voxels of this term's grid, fading away from the borders, and (1, 1, d, h, w), near 1 at
            a border of a warped moving mask and 0 far from all.
        """
        warped = dense.warp(self._moving, displacement)
        slopes = torch.stack(torch.gradient(warped, dim=(2, 3, 4)), dim=1)
        if self._fixed_coverage is not None:
            slopes = slopes * (self._fixed_coverage > FULLY_COVERED)[:, None]
        if self._moving_coverage is not None:
            slopes = slopes * (dense.warp(self._moving_coverage, displacement) > FULLY_COVERED)[:, None]
        pull = ((self._fixed - warped)[:, None] * slopes).sum(dim=2)
        steepness = slopes.square().sum(dim=(1, 2))[:, None]
        collected = separable.apply(surroundings, torch.cat([pull, steepness], dim=1))
        pull, steepness = collected[:, :3], collected[:, 3:]
        total = (steepness + FADING * steepness.amax()).clamp_min(torch.finfo(pull.dtype).tiny)
        return pull / total, steepness / total


def _shrunk(parts: Sequence[Optional[torch.Tensor]], shape: Sequence[int]) -> List[Optional[torch.Tensor]]:
    first = parts[0]
    if tuple(shape) == tuple(first.shape[2:]):
        return list(parts)
    shrink = separable.shrink(first.shape[2:], shape, first)
    return [None if part is None else separable.apply(shrink, part) for part in parts]


def _eroded(coverage: Optional[torch.Tensor]) -> Optional[torch.Tensor]:
    """1 where all within two voxels is covered, else 0."""
    if coverage is None:
        return None
    surroundings = separable.box_mean(coverage.shape[2:], (2, 2, 2), coverage)
    return (separable.apply(surroundings, coverage) > FULLY_COVERED).to(coverage)


def _column(numbers: Sequence[float], like: torch.Tensor) -> torch.Tensor:
    return torch.tensor(numbers, dtype=like.dtype, device=like.device).view(1, 3, 1, 1, 1)
