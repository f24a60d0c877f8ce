"""The working grid: the fixed volume's frame, at a spacing that fits the preset, and both volumes on it."""

from typing import Optional, Sequence

import numpy as np
import SimpleITK as sitk
import torch

from ..geometry.boxes import marked_bounds
from ..geometry.grid import Grid
from .refine import level_shape

MARGIN = 10.0  # in the grid's unit of length
BACKGROUND = 0.02
LARGEST_STORED_FIELD = 500_000  # voxels; above it the displacement is stored on the coarser grid of the velocity


def working_grid(fixed: sitk.Image, largest: int, places: Sequence[Sequence[float]] = ()) -> Grid:
    """Where the fixed volume shows something, with a margin, at its own spacing or the finest that fits.

    Args:
        fixed: intensities in [0, 1]; what is next to 0 at the rim is cropped away. Where its axes are sheared, the grid
            encloses it at right angles, so that windows and filters are as wide along every axis.
        largest: voxels at most. Fine axes are coarsened first, so that voxels become more even.
        places: points (N, 3) of the volume, LPS mm, that lie within the grid with the margin, also beyond the volume.
    """
    return fitting(_cropped(fixed, places).orthogonal(), largest)


def fitting(grid: Grid, largest: int) -> Grid:
    """The grid, or a coarser one over its extent with at most `largest` voxels; fine axes are coarsened first."""
    if np.prod(grid.size) <= largest:
        return grid
    spacing = np.asarray(grid.spacing)
    extent = spacing * np.asarray(grid.size)
    low, high = spacing.min(), extent.max()
    for _ in range(40):
        middle = (low + high) / 2
        voxels = np.prod(np.ceil(extent / np.maximum(spacing, middle)))
        low, high = (middle, high) if voxels > largest else (low, middle)
    return grid.with_spacing(np.maximum(spacing, high))


def stored_grid(grid: Grid, field_stride: int) -> Grid:
    """The grid on which the velocity is turned into the result: the working grid, or of a large one the velocity's."""
    if np.prod(grid.size) <= LARGEST_STORED_FIELD:
        return grid
    return grid.with_size(level_shape(grid.shape, grid.spacing[::-1], field_stride)[::-1])


def on_grid(image: sitk.Image, grid: Grid, transform: sitk.Transform) -> torch.Tensor:
    """A float volume brought onto `grid` as (1, 1, D, H, W); smoothed first where the grid is coarser."""
    own = np.asarray(image.GetSpacing())
    for axis, spacing in enumerate(own):
        sigma = 0.5 * spacing * np.sqrt(max((min(grid.spacing) / spacing) ** 2 - 1, 0))
        if sigma > 0.25 * spacing and image.GetSize()[axis] >= 4:
            image = sitk.RecursiveGaussian(image, sigma, False, sitk.RecursiveGaussianImageFilter.ZeroOrder, axis)
    resampled = sitk.Resample(image, grid.empty_image(), transform, sitk.sitkLinear, 0.0, sitk.sitkFloat32)
    return torch.from_numpy(sitk.GetArrayFromImage(resampled))[None, None]


def field_of_view(volume: Grid, grid: Grid, transform: sitk.Transform) -> Optional[torch.Tensor]:
    """1 where a volume was imaged and 0 elsewhere on `grid`, (1, 1, D, H, W); None where it covers all of it."""
    inside = volume.empty_image() + 1
    found = sitk.Resample(inside, grid.empty_image(), transform, sitk.sitkNearestNeighbor, 0.0, sitk.sitkFloat32)
    array = sitk.GetArrayFromImage(found)
    return None if array.all() else torch.from_numpy(array)[None, None]


def _cropped(fixed: sitk.Image, places: Sequence[Sequence[float]]) -> Grid:
    grid = Grid.of(fixed)
    margin = np.ceil(MARGIN * grid.length_unit / np.asarray(grid.spacing)).astype(int)
    first, last = np.array(marked_bounds(sitk.GetArrayViewFromImage(fixed) > BACKGROUND))[::-1].T
    start, stop = np.maximum(first - margin, 0), np.minimum(last + 1 + margin, grid.size)
    if len(places):
        index = np.clip(np.round(grid.physical_to_index(places)).astype(int), 0, np.asarray(grid.size) - 1)
        start, stop = np.minimum(start, index.min(0) - margin), np.maximum(stop, index.max(0) + 1 + margin)
    return grid.crop(start.tolist(), (stop - start).tolist())
