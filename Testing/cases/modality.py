"""A CT pair of known deformation, and what becomes of its values in the files that people have."""

import numpy as np
import SimpleITK as sitk
from SAMRegistrationLib.geometry.grid import Grid
from unit.phantoms import Anatomy, affine_and_waves, inner_points, oblique_grid, voxel_centers

AIR, RADII = -1000.0, np.array([31.0, 27.0, 40.0])  # HU, mm


class Body(Anatomy):
    """A round body in air, with organs of -100 to 250 HU and a lung, in HU at LPS points."""

    def __init__(self, center):
        super().__init__(center, seed=7)

    def values(self, points):
        organs = 60 + 110 * (super().values(points) - 1.2)
        lung = 1 / (1 + np.exp((np.linalg.norm(points - self._center - (9, 4, 3), axis=1) - 9) / 0.6))
        inside = 1 / (1 + np.exp((np.linalg.norm((points - self._center) / RADII, axis=1) - 1) * 35))
        tissue = organs + lung * (-820 + 0.7 * organs - organs)
        return AIR + inside * (tissue - AIR)


def ct_pair():
    """Fixed and moving CT (HU, float32, with noise), oblique and differently sampled, and the mapping of points."""
    fixed_grid = oblique_grid((52, 44, 24), (1.2, 1.4, 2.6))
    mapping = affine_and_waves(fixed_grid.center, 1.6)
    middle = mapping(fixed_grid.center[None])[0]
    moving_grid = oblique_grid((50, 52, 30), (1.3, 1.2, 2.2), (0.1, 0.2, -0.3))
    origin = np.asarray(moving_grid.origin) + middle - moving_grid.center
    moving_grid = Grid(moving_grid.size, moving_grid.spacing, tuple(origin), moving_grid.direction)
    body = Body(middle)
    random = np.random.default_rng(5)
    pair = [body.image(fixed_grid, mapping), body.image(moving_grid)]
    noisy = [Grid.of(i).image(voxels(i) + random.normal(0, 8, voxels(i).shape).astype(np.float32)) for i in pair]
    return (*noisy, mapping)


def points_in_body(fixed: sitk.Image, mapping) -> np.ndarray:
    """Points (N, 3) of the fixed volume that lie inside the body, away from its skin and from the volume's border."""
    grid = Grid.of(fixed)
    points = inner_points(grid, 3000, 0.15)
    middle = mapping(grid.center[None])[0]
    return points[np.linalg.norm((mapping(points) - middle) / RADII, axis=1) < 0.85][:300]


def voxels(image: sitk.Image) -> np.ndarray:
    """A copy of the voxels (z, y, x)."""
    return sitk.GetArrayFromImage(image)


def with_values(image: sitk.Image, values: np.ndarray) -> sitk.Image:
    """Other voxels on the same grid."""
    return Grid.of(image).image(np.ascontiguousarray(values))


def with_metal(image: sitk.Image, share: float = 0.006, value: float = 30000.0) -> sitk.Image:
    """A ball of metal that fills a share of the voxels."""
    grid, array = Grid.of(image), voxels(image)
    place = grid.index_to_physical([np.asarray(grid.size) * (0.5, 0.28, 0.5)])[0]
    distance = np.linalg.norm(voxel_centers(grid) - place, axis=1).reshape(grid.shape)
    array[distance <= np.quantile(distance, share)] = value
    return with_values(image, array)


def outside_circle(image: sitk.Image, radius: float = 0.9) -> np.ndarray:
    """Which voxels (z, y, x) lie outside the scanned circle of every slice, bool; `radius` in half edges."""
    rows, columns = (np.linspace(-1, 1, n) for n in sitk.GetArrayViewFromImage(image).shape[1:])
    outside = np.hypot(rows[:, None], columns[None]) > radius
    return np.broadcast_to(outside, sitk.GetArrayViewFromImage(image).shape)


def with_padding(image: sitk.Image, value: float, radius: float = 0.9) -> sitk.Image:
    """The volume with `value` outside the scanned circle."""
    return with_values(image, np.where(outside_circle(image, radius), np.float32(value), voxels(image)))


def as_float_share(image: sitk.Image) -> sitk.Image:
    """A CT scaled to 0..1, as many preprocessing scripts leave it."""
    return with_values(image, np.clip((voxels(image) + 1000) / 2000, 0, 1).astype(np.float32))


def without_rescale(image: sitk.Image) -> sitk.Image:
    """A CT whose intercept of -1024 was not applied: 0 to 4095."""
    return with_values(image, np.clip(np.round(voxels(image) + 1024), 0, 4095).astype(np.int16))


def as_uint8(image: sitk.Image) -> sitk.Image:
    """The window of soft tissue as 0 to 255."""
    return with_values(image, np.round(np.clip((voxels(image) + 200) / 500, 0, 1) * 255).astype(np.uint8))


def lung_only(image: sitk.Image, seed: int) -> sitk.Image:
    """A CT of lung with vessels and no soft tissue around: -920 to -300 HU."""
    values = voxels(image)
    low, high = np.percentile(values[values > -600], [1, 99])
    lung = -920 + 500 * np.clip((values - low) / (high - low), 0, 1)
    return with_values(image, (lung + np.random.default_rng(seed).normal(0, 8, lung.shape)).astype(np.float32))
