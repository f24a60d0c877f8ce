"""Grids of any kind: voxels lie where ITK puts them, and every change of a grid keeps them there."""

import numpy as np
from cases.geometries import grids, huge_grids, places, roundoff, seeds, share
from hypothesis import given
from hypothesis import strategies as st
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.geometry.boxes import box_of, cut_to_marked, marked_bounds
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.image_files import has_right_angles, write_image
from SAMRegistrationLib.segmentation.planes import SlicePlane, to_pixels, to_world, voxel_at
from SAMRegistrationLib.volumes import read_image


def index_roundoff(grid):
    """What double precision may lose in an index, voxels."""
    return 100 * roundoff(grid) / min(grid.spacing) * np.linalg.cond(np.reshape(grid.direction, (3, 3)))


def outer(grid):
    """Two opposite corners of the outermost voxels, LPS mm."""
    return grid.index_to_physical([[-0.5] * 3, np.asarray(grid.size) - 0.5])


@given(huge_grids, seeds)
def test_points_and_indices_are_those_of_itk(grid, seed):
    header = Grid((1, 1, 1), *list(vars(grid).values())[1:]).empty_image()  # the size does not matter to ITK
    index = places(grid, seed, margin=-0.1)
    points = grid.index_to_physical(index)
    theirs = [header.TransformContinuousIndexToPhysicalPoint(place.tolist()) for place in index]
    np.testing.assert_allclose(points, theirs, rtol=0, atol=roundoff(grid))
    np.testing.assert_allclose(grid.physical_to_index(points), index, rtol=0, atol=index_roundoff(grid))
    np.testing.assert_allclose(
        [header.TransformPhysicalPointToContinuousIndex(point.tolist()) for point in points],
        grid.physical_to_index(points),
        rtol=0,
        atol=index_roundoff(grid),
    )


@given(grids())
def test_a_grid_survives_the_way_through_an_image(grid):
    again = Grid.of(grid.empty_image())
    assert again.matches(grid, 1e-6)
    assert again.size == grid.size


@given(huge_grids, seeds)
def test_a_part_of_a_grid_lies_where_it_was_cut_out(grid, seed):
    random = np.random.default_rng(seed)
    start, size = random.integers(-50, 50, 3), random.integers(1, 40, 3)
    index = random.uniform(0, 40, (5, 3))
    part = grid.crop(start.tolist(), size.tolist())
    assert part.size == tuple(size)
    np.testing.assert_allclose(
        part.index_to_physical(index), grid.index_to_physical(index + start), rtol=0, atol=2 * roundoff(grid)
    )


@given(huge_grids, seeds)
def test_another_size_covers_the_same_extent_and_another_spacing_no_less(grid, seed):
    random = np.random.default_rng(seed)
    sized = grid.with_size(random.integers(1, 300, 3).tolist())
    np.testing.assert_allclose(outer(sized), outer(grid), rtol=0, atol=4 * roundoff(grid))
    spacing = np.asarray(grid.spacing) * random.uniform(0.5, 20, 3)
    spaced = grid.with_spacing(spacing.tolist())
    assert np.allclose(spaced.spacing, spacing, rtol=1e-12)
    np.testing.assert_allclose(spaced.center, grid.center, rtol=0, atol=4 * roundoff(grid))
    excess = np.asarray(spaced.size) * spacing - np.asarray(grid.size) * grid.spacing
    assert (excess > -1e-5 * spacing).all()
    assert (excess < spacing).all()


@given(grids())
def test_the_volume_is_that_of_the_parallelepiped(grid):
    a, b, c = (grid.index_to_physical([step])[0] - grid.index_to_physical([[0, 0, 0]])[0] for step in np.eye(3))
    triple = abs(np.dot(a, np.cross(b, c)))
    assert np.isclose(grid.voxel_volume, triple, rtol=1e-6, atol=0)
    assert np.isclose(grid.volume, triple * np.prod(grid.size), rtol=1e-6, atol=0)


@given(huge_grids)
def test_the_unit_of_length_follows_the_scale_of_the_grid(grid):
    def scaled(factor):
        lengths = [[value * factor for value in part] for part in (grid.spacing, grid.origin)]
        return Grid(grid.size, *map(tuple, lengths), grid.direction)

    assert np.isclose(scaled(1000).length_unit, 1000 * grid.length_unit, rtol=1e-9) or at_a_step(grid)


def at_a_step(grid):
    """Whether a length lies so near to a power of ten that rounding decides."""
    diagonal = np.linalg.norm(np.multiply(grid.spacing, grid.size))
    digits = np.log10(np.sqrt(np.cbrt(grid.voxel_volume) * diagonal) / 5)
    return abs(digits - round(digits)) < 1e-6


@given(grids(least=2))
def test_the_enclosing_grid_at_right_angles_holds_every_corner(grid):
    enclosing = grid.orthogonal()
    axes = np.reshape(enclosing.direction, (3, 3))
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=2e-3)
    corners = [[(-0.5, n - 0.5)[far] for n, far in zip(grid.size, corner)] for corner in np.ndindex(2, 2, 2)]
    index = enclosing.physical_to_index(grid.index_to_physical(corners))
    assert (index > -0.5 - 1e-4).all()
    assert (index < np.asarray(enclosing.size) - 0.5 + 1e-4).all()


@given(huge_grids, seeds)
def test_a_click_hits_the_voxel_whose_center_is_nearest_along_the_axes(grid, seed):
    random = np.random.default_rng(seed)
    index = random.integers(0, grid.size)
    inside = index + random.uniform(-0.49, 0.49, 3)
    assert voxel_at(grid, grid.index_to_physical([inside])[0]) == tuple(index)
    beyond = np.where(random.random(3) < 0.5, -0.51, np.asarray(grid.size) - 0.49)
    place = np.where(np.arange(3) == random.integers(3), beyond, inside)
    try:
        voxel_at(grid, grid.index_to_physical([place])[0])
    except InputError:
        return
    raise AssertionError("A click outside was taken.")


@given(huge_grids, seeds, st.integers(0, 2))
def test_pixels_of_a_slice_and_points_of_the_world_are_inverse_to_each_other(grid, seed, axis):
    random = np.random.default_rng(seed)
    plane = SlicePlane(axis, int(random.integers(grid.size[axis])))
    pixels = random.uniform(0, 50, (4, 2))
    points = to_world(grid, plane, pixels)
    np.testing.assert_allclose(to_pixels(grid, axis, points), pixels, rtol=0, atol=50 * index_roundoff(grid))
    np.testing.assert_allclose(grid.physical_to_index(points)[:, axis], plane.index, atol=50 * index_roundoff(grid))
    assert np.allclose(np.linalg.norm(grid.normal(axis)), 1)
    within = np.diff(points, axis=0) @ grid.normal(axis)
    assert np.abs(within).max() <= 1e-3 * np.abs(np.diff(points, axis=0)).max() + roundoff(grid)


@given(grids(largest=9), seeds, st.floats(0, 0.3))
def test_the_box_of_what_is_marked_is_found_as_by_looking_at_every_voxel(grid, seed, share_of_voxels):
    mask = np.random.default_rng(seed).random(grid.shape) < share_of_voxels
    marked = np.argwhere(mask)
    found = cut_to_marked(mask, grid)
    if len(marked) == 0:
        assert marked_bounds(mask) is None
        assert found is None
        return
    assert marked_bounds(mask) == list(zip(marked.min(axis=0).tolist(), marked.max(axis=0).tolist()))
    assert mask[box_of(marked_bounds(mask))].sum() == mask.sum()
    part, own = found
    theirs = grid.index_to_physical(marked[:, ::-1])
    ours = own.index_to_physical(np.argwhere(part)[:, ::-1])
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=4 * roundoff(grid))


@share(0.3)
@given(grids(least=2), st.sampled_from((".nrrd", ".mha", ".nii.gz", ".mhd", ".nhdr")), seeds)
def test_an_image_comes_back_from_its_file_with_every_voxel_in_its_place(tmp_path_factory, grid, ending, seed):
    array = np.random.default_rng(seed).integers(-9000, 9000, grid.shape).astype(np.int16)
    image, path = grid.image(array), tmp_path_factory.mktemp("image") / f"i{ending}"
    if ending == ".nii.gz" and not has_right_angles(image):
        return
    write_image(image, path)
    again = read_image(path)
    tolerance = 1e-3 if ending == ".nii.gz" else 1e-6  # NIfTI keeps single precision
    largest = np.abs(grid.corners()).max() / min(grid.spacing)
    assert Grid.of(again).matches(grid, max(tolerance, largest * (1e-6 if ending == ".nii.gz" else 1e-11)))
    from SimpleITK import GetArrayViewFromImage

    np.testing.assert_array_equal(GetArrayViewFromImage(again), array)
