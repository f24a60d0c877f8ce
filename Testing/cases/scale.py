"""The same pair with voxels and intensities of another scale, and pairs of unlike extent; mappings are known."""

from typing import Callable, Sequence, Tuple

import numpy as np
import SimpleITK as sitk
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.geometry.transforms import transform_points
from unit.phantoms import Anatomy, affine_and_waves, inner_points, oblique_grid

Mapping = Callable[[np.ndarray], np.ndarray]


def body_pair() -> Tuple[sitk.Image, sitk.Image, Mapping]:
    """Two oblique volumes of one anatomy, differently sampled, and the mapping of fixed to moving points (LPS mm)."""
    fixed_grid = oblique_grid()
    mapping = affine_and_waves(fixed_grid.center)
    middle = mapping(fixed_grid.center[None])[0]
    moving_grid = oblique_grid((44, 50, 30), (1.3, 1.2, 2.1), (0.1, 0.2, -0.3))
    origin = np.asarray(moving_grid.origin) + middle - moving_grid.center
    moving_grid = Grid(moving_grid.size, moving_grid.spacing, tuple(origin), moving_grid.direction)
    anatomy = Anatomy(middle, seed=3)
    return anatomy.image(fixed_grid, mapping), anatomy.image(moving_grid), mapping


def resized(image: sitk.Image, factor: float) -> sitk.Image:
    """The volume with voxels `factor` times as large, about the origin of space."""
    result = sitk.Image(image)
    result.SetSpacing([value * factor for value in image.GetSpacing()])
    result.SetOrigin([value * factor for value in image.GetOrigin()])
    return result


def resized_mapping(mapping: Mapping, factor: float) -> Mapping:
    """The mapping between volumes that were both :func:`resized`."""
    return lambda points: factor * mapping(np.asarray(points) / factor)


def error_in_voxels(transform: sitk.Transform, fixed: sitk.Image, mapping: Mapping, points=None) -> float:
    """Mean target registration error in fixed voxels over points (LPS mm) in the fixed volume."""
    grid = Grid.of(fixed)
    points = inner_points(grid) if points is None else points
    difference = transform_points(transform, points) - mapping(points)
    return float(np.linalg.norm(difference @ np.linalg.inv(grid.axes).T, axis=1).mean())


def part_of(image: sitk.Image, start: Sequence[int], size: Sequence[int]) -> sitk.Image:
    """A part of a volume, in place."""
    return sitk.RegionOfInterest(image, list(size), list(start))


def points_in_both(fixed: sitk.Image, moving: sitk.Image, mapping: Mapping, margin: float = 0.1) -> np.ndarray:
    """Points (N, 3) of the fixed volume that lie in both volumes, away from the borders by `margin` of their size."""
    grid, other = Grid.of(fixed), Grid.of(moving)
    points = inner_points(grid, 20000, margin)
    shares = other.physical_to_index(mapping(points)) / (np.asarray(other.size) - 1)
    return points[np.all((shares > margin) & (shares < 1 - margin), axis=1)][:300]
