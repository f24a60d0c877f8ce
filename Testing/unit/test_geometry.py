"""Physical space: grids, fields and transforms against SimpleITK, scipy and analytic cases."""

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from phantoms import Anatomy, inner_points, oblique_grid, voxel_jacobian
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.geometry import dense, separable
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.geometry.resample import warp_labels, warp_volume
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
)
from scipy import linalg, ndimage


def smooth_field(shape, amplitude, seed=0, sigma=4.0):
    random = np.random.default_rng(seed)
    field = np.stack([ndimage.gaussian_filter(random.standard_normal(shape), sigma) for _ in range(3)])
    return torch.from_numpy((amplitude * field / np.abs(field).max())[None].astype(np.float32))


def test_indices_and_points_agree_with_simpleitk_on_an_oblique_grid():
    grid = oblique_grid()
    image = grid.empty_image()
    for index in [(0, 0, 0), (3, 7, 11), (47, 39, 21)]:
        point = image.TransformIndexToPhysicalPoint(index)
        np.testing.assert_allclose(grid.index_to_physical([index])[0], point, atol=1e-9)
        np.testing.assert_allclose(grid.physical_to_index([point])[0], index, atol=1e-9)


def test_a_grid_survives_the_way_through_an_image():
    grid = oblique_grid()
    assert Grid.of(grid.image(np.zeros(grid.shape, np.float32))).matches(grid, 1e-9)
    assert not grid.matches(grid.crop((1, 0, 0), grid.size))


def test_cropping_keeps_voxels_where_they_are():
    grid = oblique_grid()
    np.testing.assert_allclose(
        grid.crop((5, -3, 2), (10, 10, 10)).index_to_physical([[0, 0, 0]]), grid.index_to_physical([[5, -3, 2]])
    )


@pytest.mark.parametrize("change", ["spacing", "size"])
def test_another_resolution_covers_the_same_extent(change):
    grid = oblique_grid()
    other = grid.with_spacing((2.2, 2.8, 2.6)) if change == "spacing" else grid.with_size((24, 20, 22))
    assert other.size == (24, 20, 22)
    outer = [[-0.5, -0.5, -0.5], np.asarray(grid.size) - 0.5]
    other_outer = [[-0.5, -0.5, -0.5], np.asarray(other.size) - 0.5]
    np.testing.assert_allclose(other.index_to_physical(other_outer), grid.index_to_physical(outer), atol=1e-9)


def test_a_step_of_one_voxel_along_x_moves_points_to_the_next_voxel_along_the_first_index():
    grid = oblique_grid()
    field = torch.zeros(1, 3, *grid.shape)
    field[:, 2] = 1.0
    transform = displacement_transform(field, grid)
    moved = transform_points(transform, grid.index_to_physical([[10, 12, 9]]))
    np.testing.assert_allclose(moved, grid.index_to_physical([[11, 12, 9]]), atol=1e-5)


def test_voxel_and_physical_displacements_are_inverse_to_each_other():
    grid = oblique_grid()
    field = smooth_field(grid.shape, 3.0)
    back = voxel_displacement(physical_displacement(field, grid), grid)
    torch.testing.assert_close(back, field, atol=1e-5, rtol=1e-5)


def test_warping_a_tensor_equals_resampling_with_simpleitk_on_an_oblique_anisotropic_grid():
    grid = oblique_grid()
    image = Anatomy(grid.center).image(grid)
    field = smooth_field(grid.shape, 2.5)
    ours = dense.warp(torch.from_numpy(sitk.GetArrayFromImage(image))[None, None], field)[0, 0].numpy()
    theirs = sitk.GetArrayFromImage(warp_volume(image, displacement_transform(field, grid), grid))
    inner = (slice(4, -4),) * 3
    np.testing.assert_allclose(ours[inner], theirs[inner], atol=1e-4)


def test_composing_fields_equals_warping_twice():
    shape = (20, 24, 28)
    first, second = smooth_field(shape, 2.0, 1), smooth_field(shape, 2.0, 2)
    ramp = dense.identity_grid(shape, first)
    once = dense.warp(ramp, dense.compose(first, second))
    twice = dense.warp(dense.warp(ramp, first), second)
    inner = (..., slice(5, -5), slice(5, -5), slice(5, -5))
    torch.testing.assert_close(once[inner], twice[inner], atol=2e-4, rtol=0)


def test_integrating_a_linear_velocity_gives_the_matrix_exponential():
    shape = (33, 33, 33)
    matrix = np.array([[0.1, 0.05, -0.02], [-0.06, 0.08, 0.03], [0.02, -0.04, -0.09]])
    grid = dense.identity_grid(shape, torch.zeros(1))
    offsets = grid - 16
    velocity = torch.einsum("ab,nbzyx->nazyx", torch.tensor(matrix, dtype=torch.float32), offsets)
    expected = (
        torch.einsum("ab,nbzyx->nazyx", torch.tensor(linalg.expm(matrix), dtype=torch.float32), offsets) - offsets
    )
    inner = (..., slice(10, 23), slice(10, 23), slice(10, 23))
    torch.testing.assert_close(dense.integrate(velocity)[inner], expected[inner], atol=1e-2, rtol=0)


def test_the_negative_velocity_integrates_to_the_inverse():
    velocity = smooth_field((24, 28, 32), 3.0)
    round_trip = dense.compose(dense.integrate(velocity), dense.integrate(-velocity))
    assert round_trip[..., 5:-5, 5:-5, 5:-5].norm(dim=1).max() < 0.05


def test_gaussian_smoothing_agrees_with_scipy_inside():
    volume = torch.rand(1, 1, 24, 30, 26)
    ours = separable.apply(separable.gaussian((24, 30, 26), (1.0, 1.5, 2.0), volume), volume)[0, 0].numpy()
    theirs = ndimage.gaussian_filter(volume[0, 0].numpy(), (1.0, 1.5, 2.0), truncate=5)
    np.testing.assert_allclose(ours[8:-8, 8:-8, 8:-8], theirs[8:-8, 8:-8, 8:-8], atol=1e-4)


def test_the_box_mean_agrees_with_brute_force_at_the_border_too():
    volume = torch.rand(1, 2, 5, 6, 7)
    ours = separable.apply(separable.box_mean((5, 6, 7), (1, 2, 1), volume), volume)
    for z, y, x in [(0, 0, 0), (2, 3, 4), (4, 5, 6)]:
        window = volume[..., max(z - 1, 0) : z + 2, max(y - 2, 0) : y + 3, max(x - 1, 0) : x + 2]
        torch.testing.assert_close(ours[..., z, y, x], window.mean(dim=(2, 3, 4)))


def test_shrinking_and_enlarging_keep_a_ramp_in_place():
    ramp = torch.arange(32.0).view(1, 1, 1, 1, 32).expand(1, 1, 8, 8, 32).contiguous()
    small = separable.apply(separable.shrink((8, 8, 32), (4, 4, 16), ramp), ramp)
    torch.testing.assert_close(small[0, 0, 2, 2, 3:-3], torch.arange(3.0, 13.0) * 2 + 0.5)
    large = separable.apply(separable.enlarge((4, 4, 16), (8, 8, 32), small), small)
    torch.testing.assert_close(large[..., 8:-8], ramp[..., 8:-8])


def test_resizing_a_field_keeps_its_physical_displacement():
    grid = oblique_grid((32, 32, 16))
    field = smooth_field(grid.shape, 3.0, sigma=6.0)
    coarse = grid.with_size((16, 16, 8))
    points = inner_points(grid, margin=0.25)
    fine_points = transform_points(displacement_transform(field, grid), points)
    coarse_points = transform_points(displacement_transform(dense.resize_field(field, coarse.shape), coarse), points)
    assert np.linalg.norm(fine_points - coarse_points, axis=1).max() < 0.3


def test_a_flow_has_no_jump_where_its_grid_ends_and_its_inverse_undoes_it():
    grid = oblique_grid((20, 18, 12))
    velocity = torch.full((1, 3, *grid.shape), 2.0)
    forward, inverse = flow_transforms(velocity, grid)
    padded = grid.crop((-12, -12, -12), [n + 24 for n in grid.size])
    field = voxel_displacement(sitk.GetArrayFromImage(displacement_image(forward, padded)), padded)
    assert (voxel_jacobian(field) > 0).all()
    assert field.diff(dim=2).abs().max() < 1.0
    points = inner_points(grid, margin=0.0)
    back = transform_points(inverse, transform_points(forward, points))
    assert np.linalg.norm((back - points) @ np.linalg.inv(grid.axes).T, axis=1).max() < 0.1


def test_the_dense_part_comes_before_the_affine_part_and_both_can_be_undone():
    grid = oblique_grid()
    affine = sitk.AffineTransform(np.diag([1.1, 0.9, 1.0]).flatten().tolist(), (5.0, 0.0, -3.0))
    forward, inverse = flow_transforms(smooth_field(grid.shape, 2.0), grid)
    points = inner_points(grid)
    expected = transform_points(affine, transform_points(forward, points))
    np.testing.assert_allclose(transform_points(pull_back(affine, forward), points), expected, atol=1e-9)
    back = transform_points(push_forward(affine.GetInverse(), inverse), expected)
    assert np.linalg.norm(back - points, axis=1).max() < 0.1


def test_transforms_come_back_from_files(tmp_path):
    grid = oblique_grid((12, 10, 8))
    transform = displacement_transform(smooth_field(grid.shape, 2.0), grid)
    points = inner_points(grid)
    sitk.WriteTransform(transform, str(tmp_path / "field.h5"))
    sitk.WriteImage(displacement_image(transform, grid), str(tmp_path / "field.nrrd"))
    for name in ("field.h5", "field.nrrd"):
        again = transform_points(read_transform(tmp_path / name), points)
        np.testing.assert_allclose(again, transform_points(transform, points), atol=1e-6)


@pytest.mark.parametrize("name", ["missing.h5", "text.h5", "text.nrrd", "scalar.nrrd"])
def test_a_file_that_is_no_transform_is_refused_by_name(tmp_path, name):
    if name.startswith("text"):
        (tmp_path / name).write_text("not a transform", encoding="utf-8")
    if name.startswith("scalar"):
        sitk.WriteImage(sitk.Image(4, 4, 4, sitk.sitkFloat32), str(tmp_path / name))
    with pytest.raises(InputError, match=name):
        read_transform(tmp_path / name)


def test_labels_move_with_the_volume_and_keep_their_values():
    grid = oblique_grid()
    labels = np.zeros(grid.shape, np.int32)
    labels[8:14, 10:20, 12:24], labels[8:14, 20:28, 12:24] = 3, 700
    image = grid.image(labels)
    shift = sitk.TranslationTransform(3, (grid.axes @ [2, 0, 0]).tolist())
    for smooth in (False, True):
        warped = sitk.GetArrayFromImage(warp_labels(image, shift, grid, smooth))
        np.testing.assert_array_equal(warped[:, :, :-2], labels[:, :, 2:])


def test_smooth_labels_follow_a_slanted_surface_more_closely_than_the_nearest_voxel():
    coarse, fine = Grid((16, 16, 16), (2, 2, 2)), Grid((64, 64, 64), (0.5, 0.5, 0.5), (-0.75, -0.75, -0.75))

    def ball(grid):
        index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), -1).reshape(-1, 3)[:, ::-1]
        distance = np.linalg.norm(grid.index_to_physical(index) - 15.0, axis=1).reshape(grid.shape)
        return grid.image((distance < 9.3).astype(np.uint8))

    truth = sitk.GetArrayFromImage(ball(fine))
    identity = sitk.Transform(3, sitk.sitkIdentity)
    errors = [
        np.count_nonzero(sitk.GetArrayFromImage(warp_labels(ball(coarse), identity, fine, smooth)) != truth)
        for smooth in (False, True)
    ]
    assert errors[1] < 0.8 * errors[0]
