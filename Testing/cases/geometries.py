"""Random geometry for property tests: grids, points, transforms and fields of every kind a header can describe."""

import os

import numpy as np
import SimpleITK as sitk
import torch
from hypothesis import settings
from hypothesis import strategies as st
from SAMRegistrationLib.geometry.grid import Grid
from scipy import ndimage

PERMUTATIONS = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
SMALLEST = 1e-30  # cosines below are 0: ITK cannot invert a direction with numbers below 1e-308
FEW, MANY = 100, 10_000  # examples of a test, always the same ones, and other ones every night
seeds = st.integers(0, 2**32 - 1)


def share(part: float):
    """A part of the usual number of examples, for a test that takes longer than most."""
    return settings(max_examples=int((MANY if os.environ.get("SAMREGISTRATION_NIGHTLY") else FEW) * part))


@st.composite
def directions(draw, sheared=True) -> np.ndarray:
    """Columns of unit length (3, 3): rotated, permuted, mirrored and, by up to 50 degrees, sheared axes."""
    angles = [draw(st.floats(-np.pi, np.pi)) for _ in range(3)]
    rotation = np.reshape(sitk.Euler3DTransform((0.0, 0.0, 0.0), *angles).GetMatrix(), (3, 3))
    axes = rotation[:, draw(st.sampled_from(PERMUTATIONS))] * [draw(st.sampled_from((1.0, -1.0))) for _ in range(3)]
    if sheared and draw(st.booleans()):
        lean = np.eye(3)
        lean[0, 2], lean[1, 2] = draw(st.floats(-0.8, 0.8)), draw(st.floats(-0.8, 0.8))
        axes = axes @ lean
    axes = np.where(np.abs(axes) < SMALLEST, 0.0, axes)
    return axes / np.linalg.norm(axes, axis=0)


@st.composite
def grids(draw, largest=12, sheared=True, least=1) -> Grid:
    """Grids of up to `largest` voxels along an axis, voxels of 0.1 um to 1 m, up to 30 times longer along an axis."""
    size = tuple(draw(st.integers(least, largest)) for _ in range(3))
    scale = 10.0 ** draw(st.floats(-4, 3))
    spacing = tuple(scale * draw(st.floats(1, 30)) for _ in range(3))
    origin = tuple(scale * draw(st.floats(-3000, 3000)) for _ in range(3))
    return Grid(size, spacing, origin, tuple(draw(directions(sheared)).ravel().tolist()))


huge_grids = grids(largest=4000)


@st.composite
def linear_maps(draw, center=(0.0, 0.0, 0.0), unit=1.0) -> sitk.AffineTransform:
    """Affine maps about a center that stretch by 0.5 to 2, shear, turn, mirror, and shift by up to 20 units."""
    affine = sitk.AffineTransform(3)
    matrix = draw(directions()) * [draw(st.floats(0.5, 2)) for _ in range(3)]
    affine.SetMatrix(matrix.ravel().tolist())
    affine.SetCenter(tuple(map(float, center)))
    affine.SetTranslation([unit * draw(st.floats(-20, 20)) for _ in range(3)])
    return affine


def smooth_field(shape, amplitude: float, seed: int, sigma=2.0) -> torch.Tensor:
    """A random field (1, 3, *shape) whose longest component is `amplitude`."""
    random = np.random.default_rng(seed)
    field = np.stack([ndimage.gaussian_filter(random.standard_normal(shape), sigma, mode="wrap") for _ in range(3)])
    return torch.from_numpy((amplitude * field / max(np.abs(field).max(), 1e-12))[None].astype(np.float32))


def places(grid: Grid, seed: int, count=20, margin=0.0) -> np.ndarray:
    """Continuous indices (count, 3) between the outermost voxel centers, away from them by a share `margin`."""
    random = np.random.default_rng(seed)
    return random.uniform(margin, 1 - margin, (count, 3)) * (np.asarray(grid.size) - 1)


def roundoff(grid: Grid) -> float:
    """What double precision may lose where coordinates of a grid are computed, mm."""
    return 1e-12 * float(np.abs(grid.corners()).max() + max(grid.spacing))
