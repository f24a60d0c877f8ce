"""Masks keep the pre-alignment where the images lead it astray."""

import numpy as np
import pytest
from phantoms import oblique_grid, voxel_centers
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.geometry.transforms import transform_points
from SAMRegistrationLib.registration.prealign import prealign
from scipy import ndimage

FIXED = oblique_grid((44, 40, 20), (1.5, 1.7, 3.2))
SHIFT = np.array([14.0, -10.0, 8.0])
MOVING = Grid((40, 46, 24), (1.6, 1.4, 2.8), tuple(np.asarray(FIXED.origin) + SHIFT), FIXED.direction)
CENTERS = FIXED.center + np.array([[-12, 4, 6], [13, -8, 2], [2, 11, -12], [-4, -13, -6]])
RADIUS = 7.0


def masks(grid, shift):
    distance = np.linalg.norm(voxel_centers(grid)[:, None] - (CENTERS + shift), axis=2)
    labels = np.where(distance.min(1) < RADIUS, 1 + distance.argmin(1), 0)
    return grid.image(labels.reshape(grid.shape).astype(np.uint8))


def noise(grid, seed):
    """Blobs that have nothing to do with the structures, another set for every seed."""
    values = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=grid.shape), 2.5)
    return grid.image(((values - values.min()) / np.ptp(values)).astype(np.float32))


@pytest.mark.parametrize("kind", ["rigid", "affine"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_stage_that_takes_structures_apart_is_not_followed(seed, kind):
    images = noise(FIXED, seed), noise(MOVING, 10 + seed)
    found = prealign(*images, masks(FIXED, 0), masks(MOVING, SHIFT), kind=kind).transform
    errors = np.linalg.norm(transform_points(found, CENTERS) - (CENTERS + SHIFT), axis=1)
    assert errors.mean() < 0.6 * RADIUS
