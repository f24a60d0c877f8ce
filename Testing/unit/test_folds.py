"""Folds one by one, and their hatching."""

import numpy as np
import pytest
import SimpleITK as sitk
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.metrics import find_folds, hatching

OBLIQUE = Grid(
    (20, 18, 16), (1.0, 1.5, 2.5), (5.0, -7.0, 9.0), sitk.Euler3DTransform((0, 0, 0), 0.4, -0.2, 0.3).GetMatrix()
)


@pytest.fixture
def values():
    """Jacobians with a large fold, and a small one that is deeper."""
    values = np.ones(OBLIQUE.shape, np.float32)
    values[3:6, 4:8, 5:9] = -0.1
    values[4, 5, 6] = -0.4
    values[12, 14, 15] = -0.9
    values[13, 15, 16] = 0.0  # touches the one above by a corner
    return values


def test_every_fold_has_its_volume_its_depth_and_the_place_of_its_worst_voxel(values):
    large, small = find_folds(OBLIQUE.image(values))
    assert large.volume_mm3 == pytest.approx(48 * 3.75)
    assert large.smallest_jacobian == pytest.approx(-0.4)
    assert np.allclose(large.position, OBLIQUE.image(values).TransformIndexToPhysicalPoint((6, 5, 4)))
    assert small.volume_mm3 == pytest.approx(2 * 3.75)
    assert np.allclose(small.position, OBLIQUE.image(values).TransformIndexToPhysicalPoint((15, 14, 12)))


def test_without_folds_there_are_none():
    assert find_folds(OBLIQUE.image(np.ones(OBLIQUE.shape, np.float32))) == []


def test_the_hatching_lies_in_the_folds_and_is_striped_in_every_direction(values):
    marked = values <= 0
    stripes, fine = hatching(marked, OBLIQUE)
    where = np.argwhere(stripes)[:, ::-1]
    points = fine.index_to_physical(where)
    inside = np.round(OBLIQUE.physical_to_index(points)).astype(int)
    assert marked[tuple(inside.T[::-1])].all()
    extent = [np.asarray(grid.size) * grid.spacing for grid in (fine, OBLIQUE.crop((5, 4, 3), (12, 12, 11)))]
    assert np.allclose(*extent)
    every = np.round(OBLIQUE.physical_to_index(fine.index_to_physical(np.argwhere(stripes >= 0)[:, ::-1]))).astype(int)
    share = stripes.sum() / marked[tuple(every.T[::-1])].sum()
    assert 0.3 < share < 0.7
    for axis in range(3):
        line = np.moveaxis(stripes, axis, 0)[:, 10, 5] if axis else stripes[:, 4, 4]
        assert set(np.unique(line)) <= {0, 1}
    middle = stripes[2]
    assert 0 < middle.sum() < middle.size


def test_a_single_voxel_is_hatched_too():
    marked = np.zeros(OBLIQUE.shape, bool)
    marked[8, 9, 10] = True
    stripes, fine = hatching(marked, OBLIQUE)
    assert stripes.any()
    assert not stripes.all()
    assert np.allclose(fine.center, OBLIQUE.index_to_physical([(10, 9, 8)])[0])


def test_folds_all_over_a_large_volume_stay_within_memory():
    stripes, _ = hatching(np.ones((150, 160, 170), bool), Grid((170, 160, 150), (1.0, 1.0, 1.0)))
    assert stripes.size <= 8_000_000
    assert stripes.any()
