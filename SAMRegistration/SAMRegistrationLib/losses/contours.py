"""Contour-aware loss: the Chamfer distance between the contours of each structure, in square millimeters.

Source: Xu et al., IPMI 2025, arXiv 2502.11440, printed formula, with the structure's centroid among its points.
"""

from dataclasses import dataclass
from typing import List, Sequence, Tuple, Union

import torch

from ..geometry.dense import sample

BLOCK = 1 << 21  # entries of the distance matrix that exist at a time


@dataclass(frozen=True)
class ContourSet:
    """Contour points of the structures in one volume: what the loss needs of the masks, computed once per volume.

    Attributes:
        points: per structure (N, 3) in millimeters from the first voxel along the array axes (z, y, x), the centroid
            last; (0, 3) where the structure is absent.
    """

    points: Tuple[torch.Tensor, ...]

    @classmethod
    def from_masks(
        cls, masks: torch.Tensor, spacing: Sequence[float], budget: int = 1024, seed: int = 0
    ) -> "ContourSet":
        """Sample the surfaces of `masks` (K, D, H, W).

        A surface point lies where a mask crosses 0.5 between two neighboring voxels, interpolated linearly; where
        the volume's border cuts a structure off there is no surface.

        Args:
            spacing: of the grid in mm, (z, y, x).
            budget: surface points per structure; of more, a random choice drawn with `seed` stays.
        """
        generator = torch.Generator().manual_seed(seed)
        scale = torch.tensor(list(spacing), dtype=torch.float32, device=masks.device)
        return cls(tuple(_contour(mask, scale, budget, generator) for mask in masks))

    def to(self, device: Union[str, torch.device]) -> "ContourSet":
        """The same points on another device."""
        return ContourSet(tuple(points.to(device) for points in self.points))

    def moved(self, displacement: torch.Tensor, spacing: Sequence[float]) -> "ContourSet":
        """The points where a displacement (1, 3, D, H, W), in voxels of the contours' grid, takes them."""
        scale = torch.tensor(list(spacing), dtype=displacement.dtype, device=displacement.device)
        places = (points.to(displacement) for points in self.points)
        return ContourSet(tuple(points + _at_points(displacement, points / scale) * scale for points in places))


def contour_distance(
    fixed: Union[ContourSet, Sequence[ContourSet]],
    moving: Union[ContourSet, Sequence[ContourSet]],
    displacement: torch.Tensor,
    spacing: Sequence[float],
) -> torch.Tensor:
    """Chamfer distance in mm^2 between the fixed contours, carried over by the field, and the moving contours.

    A pull-back field takes points of the fixed image to the moving image: with q = x + u(x) for x in C_f,
    L = mean_q min_m |q - m|^2 + mean_m min_q |m - q|^2 (m in C_m), mean over the structures present in both volumes,
    then over the batch. The gradient reaches the field through q. For the moved moving contours against the fixed
    ones, hand over the inverse field with the two sets exchanged.

    Nearest neighbors are exact, found block by block without the full distance matrix.

    Args:
        fixed, moving: one set per sample of the batch; a single set for a batch of one.
        displacement: (B, 3, D, H, W) in voxels of the grid that the contours were taken from, channels (z, y, x).
        spacing: of that grid in mm, (z, y, x).
    """
    fixed, moving = ([sets] if isinstance(sets, ContourSet) else list(sets) for sets in (fixed, moving))
    scale = torch.tensor(list(spacing), dtype=displacement.dtype, device=displacement.device)
    losses = [
        _sample_distance(fixed_set, moving_set, field[None], scale)
        for fixed_set, moving_set, field in zip(fixed, moving, displacement)
    ]
    return torch.stack(losses).mean()


def _sample_distance(fixed: ContourSet, moving: ContourSet, field: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    pairs = [(a.to(field), b.to(field)) for a, b in zip(fixed.points, moving.points) if len(a) and len(b)]
    if not pairs:
        return field.sum() * 0
    start = torch.cat([points for points, _ in pairs])
    moved = start + _at_points(field, start / scale) * scale
    distances = [
        chamfer(points, target) for points, (_, target) in zip(moved.split([len(points) for points, _ in pairs]), pairs)
    ]
    return torch.stack(distances).mean()


def chamfer(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """mean_i min_j |a_i - b_j|^2 + mean_j min_i |a_i - b_j|^2 for points (N, 3) and (M, 3)."""
    with torch.no_grad():
        nearest_in_b, nearest_in_a = nearest(a, b), nearest(b, a)
    there = (a - b[nearest_in_b]).square().sum(1).mean()
    back = (b - a[nearest_in_a]).square().sum(1).mean()
    return there + back


def nearest(points: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Index (N,) of the target (M, 3) nearest to each point (N, 3), from |t|^2 / 2 - p . t, block by block."""
    center = targets.mean(0)
    points, targets = points - center, (targets - center).T
    half_square = targets.square().sum(0) / 2
    rows = max(BLOCK // targets.shape[1], 1)
    return torch.cat([(half_square - block @ targets).argmin(1) for block in points.split(rows)])


def _at_points(field: torch.Tensor, voxels: torch.Tensor) -> torch.Tensor:
    """The field (1, 3, D, H, W) at continuous voxel coordinates (N, 3): (N, 3)."""
    return sample(field, voxels.T[None, :, :, None, None])[0, :, :, 0, 0].T


def _contour(mask: torch.Tensor, scale: torch.Tensor, budget: int, generator: torch.Generator) -> torch.Tensor:
    mask, corner = _around_structure(mask.float())
    surface = torch.cat(_crossings(mask))
    if not len(surface):
        return surface
    if len(surface) > budget:
        surface = surface[torch.randperm(len(surface), generator=generator)[:budget].to(surface.device)]
    inside = (mask >= 0.5).nonzero().to(surface.dtype)
    return (torch.cat([surface, inside.mean(0, keepdim=True)]) + corner) * scale


def _around_structure(mask: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
    """The mask's bounding box with a voxel around it, as far as the volume reaches, and where the box starts."""
    inside = mask >= 0.5
    corner = []
    for axis in range(3):
        occupied = inside.movedim(axis, 0).flatten(1).any(1).nonzero()
        start = max(int(occupied[0]) - 1, 0) if len(occupied) else 0
        end = min(int(occupied[-1]) + 2, mask.shape[axis]) if len(occupied) else 0
        mask, inside = mask.narrow(axis, start, end - start), inside.narrow(axis, start, end - start)
        corner.append(start)
    return mask, torch.tensor(corner, dtype=mask.dtype, device=mask.device)


def _crossings(mask: torch.Tensor) -> List[torch.Tensor]:
    """Per axis, the points (N, 3) in voxels where `mask` crosses 0.5 between neighbors along that axis."""
    found = []
    for axis in range(3):
        size = max(mask.shape[axis] - 1, 0)
        before, after = mask.narrow(axis, 0, size), mask.narrow(axis, mask.shape[axis] - size, size)
        crossing = (before >= 0.5) != (after >= 0.5)
        points = crossing.nonzero().to(mask.dtype)
        points[:, axis] += (0.5 - before[crossing]) / (after[crossing] - before[crossing])
        found.append(points)
    return found
