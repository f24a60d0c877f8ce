"""Slices of volumes of any orientation, checked against SimpleITK's own index arithmetic."""

import itertools

import numpy as np
import pytest
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.segmentation.planes import (
    SlicePlane,
    axis_normal,
    nearest_axis,
    pixel_size,
    plane_at,
    slice_of,
    to_pixels,
    to_world,
    voxel_at,
)
from segmentation_samples import oblique_grid, world

GRID = oblique_grid()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_pixel_of_a_slice_is_the_voxel_that_simpleitk_finds_there(axis):
    volume = np.random.default_rng(0).random(GRID.shape).astype(np.float32)
    image = GRID.image(volume)
    plane = SlicePlane(axis, 5)
    view = slice_of(volume, plane)
    for column, row in itertools.product((0, 3, 11), (0, 2, 9)):
        position = to_world(GRID, plane, [(column, row)])[0]
        assert view[row, column] == image[image.TransformPhysicalPointToIndex(position.tolist())]
        assert voxel_at(GRID, position) == image.TransformPhysicalPointToIndex(position.tolist())
        np.testing.assert_allclose(to_pixels(GRID, axis, [position])[0], (column, row), atol=1e-9)


def test_a_slice_is_a_view_so_that_writing_into_it_changes_the_volume():
    volume = np.zeros((4, 5, 6))
    for axis, shape in ((0, (4, 5)), (1, (4, 6)), (2, (5, 6))):
        view = slice_of(volume, SlicePlane(axis, 1))
        assert view.shape == shape
        view[...] += 1
    assert volume[1, 1, 1] == 3


def test_pixel_sizes_are_height_and_width():
    grid = Grid((5, 6, 7), (1.0, 2.0, 3.0))
    assert [pixel_size(grid, axis) for axis in range(3)] == [(3.0, 2.0), (3.0, 1.0), (2.0, 1.0)]


def test_an_oblique_view_goes_to_the_nearest_grid_plane():
    for axis in range(3):
        tilted = axis_normal(GRID, axis) + 0.3 * axis_normal(GRID, (axis + 1) % 3)
        assert nearest_axis(GRID, tilted) == axis
        assert nearest_axis(GRID, -tilted) == axis
        assert plane_at(GRID, world(GRID, 7.4, 8.6, 3.2), tilted) == SlicePlane(axis, (7, 9, 3)[axis])


def test_without_a_view_the_planes_of_highest_resolution_are_taken():
    assert nearest_axis(GRID, None) == 2
    assert nearest_axis(Grid((5, 5, 5), (3.0, 1.0, 1.0)), None) == 0
    assert nearest_axis(Grid((5, 5, 5)), None) == 2


def test_a_click_on_the_outermost_half_voxel_counts_and_beyond_it_is_refused():
    for axis in range(3):
        index = np.array([3.0, 3.0, 3.0])
        index[axis] = GRID.size[axis] - 0.51
        assert voxel_at(GRID, world(GRID, *index))[axis] == GRID.size[axis] - 1
        index[axis] = -0.49
        assert voxel_at(GRID, world(GRID, *index))[axis] == 0
        index[axis] = -0.51
        with pytest.raises(InputError, match="outside the volume; click inside the image"):
            voxel_at(GRID, world(GRID, *index))


@pytest.mark.parametrize("position", [(0, 0), (float("nan"), 0, 0), (0, 0, float("inf"))])
def test_positions_that_are_no_positions_are_refused(position):
    with pytest.raises(InputError, match="three finite coordinates"):
        voxel_at(GRID, position)


def test_a_view_without_direction_is_refused():
    with pytest.raises(InputError, match="no direction"):
        nearest_axis(GRID, (0, 0, 0))
