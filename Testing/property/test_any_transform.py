"""Transforms of any kind on any grid: as arithmetic and SimpleITK have them, there and back, and through files."""

import numpy as np
import SimpleITK as sitk
from cases.geometries import grids, linear_maps, places, roundoff, seeds, share, smooth_field
from hypothesis import given
from hypothesis import strategies as st
from SAMRegistrationLib.geometry import affine_maps
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.geometry.invert import inverse_of
from SAMRegistrationLib.geometry.linear import affine_of, in_units_of, inverted, of_units
from SAMRegistrationLib.geometry.resample import warp_labels, warp_mask, warp_volume
from SAMRegistrationLib.geometry.transforms import (
    displacement_image,
    displacement_transform,
    flow_transforms,
    physical_displacement,
    pull_back,
    push_forward,
    read_transform,
    transform_points,
    voxel_displacement,
    write_transform,
)

fields = grids(largest=9, least=4)


def voxels(grid, difference):
    """The largest length, in voxels of the grid, of differences of points (N, 3) in mm."""
    return float(np.abs(np.asarray(difference) @ np.linalg.inv(grid.axes).T).max())


@given(grids(least=2), st.data(), seeds)
def test_linear_maps_are_matrices_and_their_inverse_brings_points_back(grid, data, seed):
    affine = data.draw(linear_maps(center=grid.center, unit=max(grid.spacing)))
    points = grid.index_to_physical(places(grid, seed))
    moved = transform_points(affine, points)
    homogeneous = affine_maps.apply(affine_maps.matrix_of(affine), points)
    lost = 1e3 * roundoff(grid)
    np.testing.assert_allclose(homogeneous, moved, rtol=0, atol=lost)
    np.testing.assert_allclose(transform_points(affine_of(affine, grid.center), points), moved, rtol=0, atol=lost)
    for inverse in (inverted(affine), inverse_of(affine)):
        np.testing.assert_allclose(transform_points(inverse, moved), points, rtol=0, atol=1e2 * lost)


@given(grids(least=2), st.data(), st.sampled_from((1e-3, 0.1, 10.0, 1000.0)), seeds)
def test_the_same_map_in_another_unit_of_length_moves_the_same_points(grid, data, unit, seed):
    scaled = Grid.of(in_units_of(grid.empty_image(), unit))
    affine = data.draw(linear_maps(center=scaled.center, unit=max(scaled.spacing)))
    index = places(grid, seed)
    ours = transform_points(of_units(affine, unit), grid.index_to_physical(index))
    theirs = transform_points(affine, scaled.index_to_physical(index)) * unit
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e3 * roundoff(grid))


@given(st.data(), st.floats(0, 0.9))
def test_a_map_near_the_identity_is_the_flow_of_its_logarithm(data, turn):
    axis = np.array([data.draw(st.floats(-1, 1)) for _ in range(3)])
    length = max(np.linalg.norm(axis), 1e-9)
    versor = sitk.VersorRigid3DTransform()
    versor.SetRotation(axis.tolist() if length > 1e-6 else (0.0, 0.0, 1.0), turn)
    versor.SetTranslation([data.draw(st.floats(-50, 50)) for _ in range(3)])
    matrix = affine_maps.matrix_of(versor)
    half = affine_maps.exponential(affine_maps.logarithm(matrix) / 2)
    np.testing.assert_allclose(half @ half, matrix, atol=1e-8)
    np.testing.assert_allclose(np.linalg.det(half[:3, :3]), 1, atol=1e-9)


@given(st.data(), seeds)
def test_the_best_rigid_map_is_the_one_that_moved_the_points(data, seed):
    matrix = np.eye(4)
    axes = data.draw(grids(sheared=False)).direction
    rotation = np.reshape(axes, (3, 3))
    matrix[:3, :3] = rotation * np.sign(np.linalg.det(rotation))
    matrix[:3, 3] = [data.draw(st.floats(-500, 500)) for _ in range(3)]
    random = np.random.default_rng(seed)
    points, weights = random.normal(0, 50, (6, 3)), random.uniform(0.1, 3, 6)
    found = affine_maps.best_rigid(points, affine_maps.apply(matrix, points), weights)
    np.testing.assert_allclose(found, matrix, atol=1e-7)


@share(0.3)
@given(fields, seeds, st.floats(0.01, 5))
def test_a_field_moves_voxel_centers_by_its_vectors_and_comes_back_from_physical_space(grid, seed, amplitude):
    field = smooth_field(grid.shape, amplitude, seed)
    vectors = physical_displacement(field, grid)
    back = voxel_displacement(vectors, grid)
    np.testing.assert_allclose(back.numpy(), field.numpy(), atol=1e-5 * amplitude)
    index = np.random.default_rng(seed).integers(0, grid.size, (10, 3))
    k, j, i = index.T[::-1]
    steps = field[0].numpy()[::-1, k, j, i].T
    moved = transform_points(displacement_transform(field, grid), grid.index_to_physical(index))
    assert voxels(grid, moved - grid.index_to_physical(index + steps)) < 1e-5 * amplitude + 1e-6


@share(0.2)
@given(fields, seeds, st.floats(0.05, 2.0))
def test_a_flow_and_its_inverse_undo_each_other_at_any_place(grid, seed, amplitude):
    forward, inverse = flow_transforms(smooth_field(grid.shape, amplitude, seed, sigma=3.0), grid)
    points = grid.index_to_physical(places(grid, seed))
    for there, back in ((forward, inverse), (inverse, forward)):
        missed = voxels(grid, transform_points(back, transform_points(there, points)) - points)
        assert missed < 0.02 + 0.15 * amplitude  # interpolation between samples of fields that change within 3 voxels


@share(0.2)
@given(fields, st.data(), seeds, st.floats(0.05, 1.0))
def test_both_directions_of_a_result_undo_each_other_and_come_back_from_their_files(
    tmp_path_factory, grid, data, seed, amplitude
):
    affine = data.draw(linear_maps(center=grid.center, unit=max(grid.spacing)))
    forward, inverse = flow_transforms(smooth_field(grid.shape, amplitude, seed, sigma=3.0), grid)
    transform, back = pull_back(affine, forward), push_forward(affine.GetInverse(), inverse)
    points = grid.index_to_physical(places(grid, seed))
    moved = transform_points(transform, points)
    np.testing.assert_allclose(moved, transform_points(affine, transform_points(forward, points)))
    assert voxels(grid, transform_points(back, moved) - points) < 0.1
    path = tmp_path_factory.mktemp("transform") / "t.h5"
    write_transform(sitk.CompositeTransform([transform]), path)
    again = transform_points(read_transform(path), points)
    np.testing.assert_allclose(again, moved, rtol=0, atol=1e3 * roundoff(grid) + 1e-6 * max(grid.spacing))


@share(0.1)
@given(fields, seeds, st.floats(0.05, 0.5))
def test_the_inverse_that_is_found_by_iteration_brings_points_back(grid, seed, amplitude):
    field = smooth_field(grid.shape, amplitude, seed, sigma=3.0)
    transform = displacement_transform(field, grid)
    inverse = inverse_of(transform)
    points = grid.index_to_physical(places(grid, seed, margin=0.2))
    assert voxels(grid, transform_points(inverse, transform_points(transform, points)) - points) < 0.1


@share(0.3)
@given(grids(least=2), st.data(), seeds)
def test_a_displacement_image_tells_where_its_transform_leads(grid, data, seed):
    affine = data.draw(linear_maps(center=grid.center, unit=max(grid.spacing)))
    field = displacement_image(affine, grid)
    index = np.random.default_rng(seed).integers(0, grid.size, (5, 3))
    centers = grid.index_to_physical(index)
    vectors = np.array([field.GetPixel(*place) for place in index.tolist()])
    np.testing.assert_allclose(centers + vectors, transform_points(affine, centers), rtol=0, atol=1e3 * roundoff(grid))


def sources(data, target: Grid, seed: int, amplitude: float):
    """A grid near `target`, a transform of points of `target`, and the continuous indices that it leads voxels to."""
    source = data.draw(grids(largest=9, least=3))
    scale = np.linalg.norm(np.multiply(target.spacing, target.size)) / np.linalg.norm(
        np.multiply(source.spacing, source.size)
    )
    source = Grid(source.size, tuple(scale * np.array(source.spacing)), (0.0, 0.0, 0.0), source.direction)
    source = Grid(source.size, source.spacing, tuple((target.center - source.center).tolist()), source.direction)
    affine = data.draw(linear_maps(center=target.center, unit=0.2 * max(target.spacing)))
    deformation, _ = flow_transforms(smooth_field(target.shape, amplitude, seed), target)
    transform = pull_back(affine, deformation)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in target.shape), indexing="ij"), -1).reshape(-1, 3)[:, ::-1]
    moved = transform_points(transform, target.index_to_physical(index))
    return source, transform, source.physical_to_index(moved)


def nearest(array: np.ndarray, index: np.ndarray):
    """What lies at continuous indices (N, 3), 0 outside, and whether that is beyond the doubt of rounding."""
    size = np.array(array.shape[::-1])
    clear = (np.abs(np.abs(index - np.round(index)) - 0.5) > 1e-4).all(axis=1)
    rounded = np.floor(index + 0.5).astype(int)
    inside = ((rounded >= 0) & (rounded < size)).all(axis=1)
    values = np.zeros(len(index), array.dtype)
    i, j, k = rounded[inside].T
    values[inside] = array[k, j, i]
    return values, clear


@share(0.3)
@given(fields, st.data(), seeds, st.floats(0, 3))
def test_labels_are_where_the_transform_of_each_voxel_center_leads(grid, data, seed, amplitude):
    source, transform, index = sources(data, grid, seed, amplitude)
    random = np.random.default_rng(seed)
    array = random.integers(0, 3, source.shape).astype(np.uint8) * (random.random(source.shape) < 0.4)
    warped = sitk.GetArrayFromImage(warp_labels(source.image(array), transform, grid)).ravel()
    expected, clear = nearest(array, index)
    np.testing.assert_array_equal(warped[clear], expected[clear])


@share(0.3)
@given(fields, st.data(), seeds, st.floats(0, 3))
def test_volumes_and_masks_are_interpolated_where_the_transform_of_each_voxel_center_leads(grid, data, seed, amplitude):
    source, transform, index = sources(data, grid, seed, amplitude)
    random = np.random.default_rng(seed)
    array = random.uniform(1, 2, source.shape).astype(np.float32)
    expected, clear = trilinear(array, index, outside=array.min())
    warped = sitk.GetArrayFromImage(warp_volume(source.image(array), transform, grid)).ravel()
    np.testing.assert_allclose(warped[clear], expected[clear], atol=2e-4)
    mask = (random.random(source.shape) < 0.3).astype(np.uint8)
    share_inside, clear = trilinear(mask.astype(np.float64), index, outside=0.0)
    clear &= np.abs(share_inside - 0.5) > 1e-3
    found = warp_mask(source.image(mask), transform, grid).ravel()
    np.testing.assert_array_equal(found[clear], share_inside[clear] >= 0.5)


def trilinear(array: np.ndarray, index: np.ndarray, outside: float):
    """Values at continuous indices (N, 3), border values repeated for half a voxel, and whether rounding has no say."""
    size = np.array(array.shape[::-1])
    inside = ((index >= -0.5) & (index <= size - 0.5)).all(axis=1)
    clear = (np.abs(index + 0.5) > 1e-4).all(axis=1) & (np.abs(index - size + 0.5) > 1e-4).all(axis=1)
    place = np.clip(index, 0, size - 1)
    low = np.minimum(np.floor(place).astype(int), np.maximum(size - 2, 0))
    total = np.zeros(len(index))
    for corner in np.ndindex(2, 2, 2):
        step = np.minimum(low + corner, size - 1)
        weights = np.where(np.array(corner) == 1, place - low, 1 - (place - low)).prod(axis=1)
        total += weights * array[step[:, 2], step[:, 1], step[:, 0]]
    return np.where(inside, total, outside), clear
