"""Distances between the surfaces of two masks, in millimeters."""

from typing import List, NamedTuple, Optional

import numpy as np
import SimpleITK as sitk

from ..geometry.boxes import box_of, marked_bounds
from ..geometry.grid import Grid

BLOCK = 8


class SurfaceDistances(NamedTuple):
    """Distances between two surfaces in millimeters.

    Attributes:
        hd95: the larger of the two directed 95th percentiles.
        assd: average symmetric surface distance, the mean over the points of both surfaces.
        hd: Hausdorff distance, the largest of all.
    """

    hd95: float
    assd: float
    hd: float


def surface_distances(first: np.ndarray, second: np.ndarray, grid: Grid) -> Optional[SurfaceDistances]:
    """Distances between the surfaces of two masks; None when one of them is empty.

    The surface of a mask is the set of its voxels that have a face neighbor outside it (the outside of the volume
    counts); the distance of such a voxel center to the nearest one of the other surface is exact in physical space.
    These are the definitions of MONAI's HausdorffDistanceMetric(percentile=95) and SurfaceDistanceMetric.

    Args:
        first, second: masks (z, y, x) on `grid`; what is not 0 is inside.
    """
    first, second = np.asarray(first) != 0, np.asarray(second) != 0
    if not first.any() or not second.any():
        return None
    box = box_of(marked_bounds(first | second))
    surfaces = [_surface(np.pad(mask[box], 1)) for mask in (first, second)]
    distances = _distances if grid.is_orthogonal else _distances_between_points
    there, back = distances(surfaces[0], surfaces[1], grid), distances(surfaces[1], surfaces[0], grid)
    return SurfaceDistances(
        hd95=float(max(np.percentile(there, 95), np.percentile(back, 95))),
        assd=float(np.concatenate([there, back]).mean()),
        hd=float(max(there.max(), back.max())),
    )


def _surface(mask: np.ndarray) -> np.ndarray:
    """Voxels of a mask, empty at its border, with a face neighbor outside it."""
    interior = mask.copy()
    for axis in range(mask.ndim):
        interior &= np.roll(mask, 1, axis) & np.roll(mask, -1, axis)
    return mask & ~interior


def _distances(start: np.ndarray, target: np.ndarray, grid: Grid) -> np.ndarray:
    """Distances (mm) of the voxels of `start` to the nearest of `target`, on a grid with axes at right angles."""
    image = sitk.GetImageFromArray(target.astype(np.uint8))
    image.SetSpacing(grid.spacing)
    signed = sitk.SignedMaurerDistanceMap(image, squaredDistance=False, useImageSpacing=True)
    return np.abs(sitk.GetArrayViewFromImage(signed)[start])


def _distances_between_points(start: np.ndarray, target: np.ndarray, grid: Grid) -> np.ndarray:
    """The same on any grid, which a distance map of voxels cannot give; blocks of voxels too far away are left out."""
    starts, targets = _blocks(start, grid), _blocks(target, grid)
    centers = np.array([points.mean(axis=0) for points in targets])
    radii = np.array([np.linalg.norm(points - center, axis=1).max() for points, center in zip(targets, centers)])
    found = []
    for points in starts:
        middle = points.mean(axis=0)
        radius = np.linalg.norm(points - middle, axis=1).max()
        apart = np.linalg.norm(centers - middle, axis=1)
        near = np.flatnonzero(apart - radii - radius <= (apart + radii + radius).min())
        candidates = np.concatenate([targets[index] for index in near])
        found.append(np.sqrt(((points[:, None] - candidates[None]) ** 2).sum(axis=2).min(axis=1)))
    return np.concatenate(found)


def _blocks(mask: np.ndarray, grid: Grid) -> List[np.ndarray]:
    """The marked voxels as LPS points (N, 3), those of each block of BLOCK voxels together."""
    index = np.argwhere(mask)
    _, block = np.unique(index // BLOCK, axis=0, return_inverse=True)
    order = np.argsort(block.ravel(), kind="stable")
    points = grid.index_to_physical(index[order][:, ::-1])
    return np.split(points, np.flatnonzero(np.diff(block.ravel()[order])) + 1)
