"""Synthetic volumes and deformations with known truth, on oblique anisotropic grids."""

import numpy as np
import SimpleITK as sitk
from SAMRegistrationLib.geometry.grid import Grid


def oblique_grid(
    size=(48, 40, 22), spacing=(1.1, 1.4, 2.6), angles=(0.4, -0.3, 0.7), origin=(12.0, -40.0, 7.5)
) -> Grid:
    """A rotated grid with unequal spacing and unequal size."""
    rotation = sitk.Euler3DTransform((0.0, 0.0, 0.0), *angles)
    return Grid(size, spacing, origin, tuple(rotation.GetMatrix()))


class Anatomy:
    """A continuous image: smooth blobs of random place, width and contrast inside a body, defined in physical space."""

    def __init__(self, center, extent_mm=60.0, blobs=60, seed=0):
        random = np.random.default_rng(seed)
        self._center = np.asarray(center)
        self._centers = self._center + random.uniform(-0.5, 0.5, (blobs, 3)) * extent_mm
        self._widths = random.uniform(3.0, 7.0, blobs)
        self._heights = random.uniform(-1.0, 1.0, blobs)
        self._extent = extent_mm

    def values(self, points) -> np.ndarray:
        """Intensity (N,) at LPS points (N, 3)."""
        total = 1.5 * np.exp(-((((points - self._center) ** 2).sum(1) / (0.55 * self._extent) ** 2) ** 2))
        for center, width, height in zip(self._centers, self._widths, self._heights):
            total = total + height * np.exp(-((points - center) ** 2).sum(1) / (2 * width**2))
        return total

    def image(self, grid: Grid, mapping=None) -> sitk.Image:
        """The image on `grid`; with `mapping`, every point shows what lies at mapping(point)."""
        points = voxel_centers(grid)
        values = self.values(points if mapping is None else mapping(points))
        return grid.image(values.reshape(grid.shape).astype(np.float32))


def voxel_centers(grid: Grid) -> np.ndarray:
    """LPS points (N, 3) of all voxels, in the order of a flattened array (z, y, x)."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), -1).reshape(-1, 3)
    return grid.index_to_physical(index[:, ::-1])


def inner_points(grid: Grid, count=200, margin=0.2, seed=1) -> np.ndarray:
    """Random LPS points (N, 3) inside a volume, away from its border by `margin` of its size."""
    random = np.random.default_rng(seed)
    return grid.index_to_physical(random.uniform(margin, 1 - margin, (count, 3)) * (np.asarray(grid.size) - 1))


def affine_and_waves(center, amplitude_mm=2.0, wavelength_mm=45.0):
    """A mapping of LPS points: a small rotation, scaling, shift, and smooth waves on top."""
    rotation = np.asarray(sitk.Euler3DTransform((0.0, 0.0, 0.0), 0.06, -0.05, 0.08).GetMatrix()).reshape(3, 3)
    matrix = rotation @ np.diag([1.04, 0.97, 1.02])
    shift = np.array([3.0, -2.0, 2.5])

    def mapping(points):
        offsets = np.asarray(points) - center
        waves = amplitude_mm * np.sin(2 * np.pi * offsets[:, [1, 2, 0]] / wavelength_mm + [0.3, 1.1, 2.0])
        return (offsets + waves) @ matrix.T + center + shift

    return mapping


def voxel_jacobian(field) -> np.ndarray:
    """Jacobian determinant (D, H, W), by ITK, of a displacement (1, 3, D, H, W) in voxels with channels (z, y, x)."""
    vectors = np.moveaxis(field[0].numpy().astype(np.float64)[::-1], 0, -1)
    image = sitk.GetImageFromArray(np.ascontiguousarray(vectors), isVector=True)
    return sitk.GetArrayFromImage(sitk.DisplacementFieldJacobianDeterminant(image))
