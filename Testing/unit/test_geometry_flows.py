"""Points that drift, fields beyond their grids, filters at borders: against formulas, to the last digit."""

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from phantoms import inner_points, oblique_grid, voxel_centers
from SAMRegistrationLib.geometry import affine_maps, dense, flow_points, frames, separable
from SAMRegistrationLib.geometry.boxes import box_of, cut_to_marked
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.geometry.invert import inverse_of
from SAMRegistrationLib.geometry.linear import in_units_of, of_units
from SAMRegistrationLib.geometry.resample import warp_labels, warp_volume
from SAMRegistrationLib.geometry.transforms import continued, transform_points
from scipy import linalg, ndimage
from scipy.spatial.transform import Rotation

GRID = oblique_grid((14, 12, 9), (1.5, 2.0, 3.0))
LIKE = torch.zeros(1, dtype=torch.float64)


def test_ras_and_lps_differ_by_the_signs_of_the_first_two_coordinates():
    assert frames.flipped((1.0, 2.0, 3.0)) == (-1.0, -2.0, 3.0)
    point = np.array([1.0, 2.0, 3.0, 1.0])
    assert (frames.RAS_LPS @ point).tolist() == [-1.0, -2.0, 3.0, 1.0]
    assert (frames.RAS_LPS_SIGNS * point[:3]).tolist() == [-1.0, -2.0, 3.0]


def test_centers_of_voxels_are_those_of_the_grid_in_the_frame_of_its_corner():
    lengths = torch.from_numpy(flow_points.extent(GRID))
    z, y, x = flow_points.centers(GRID.shape, lengths)
    places = torch.stack(torch.meshgrid(z, y, x, indexing="ij"), -1).reshape(-1, 3)
    assert np.allclose(flow_points.from_physical(voxel_centers(GRID), GRID), places.numpy(), atol=1e-9)
    assert np.allclose(affine_maps.apply(affine_maps.frame_of(GRID), places.numpy()), voxel_centers(GRID), atol=1e-9)


def test_points_in_a_linear_velocity_move_by_the_matrix_exponential():
    matrix = np.array([[0.1, -0.3, 0.05], [0.25, -0.1, 0.1], [-0.05, 0.2, 0.15]])
    lengths = torch.from_numpy(flow_points.extent(GRID))
    places = torch.stack(torch.meshgrid(*flow_points.centers(GRID.shape, lengths), indexing="ij"))
    spacing = (lengths / torch.tensor(GRID.shape)).view(3, 1, 1, 1)
    middle = (lengths / 2).view(3, 1, 1, 1)
    velocity = torch.einsum("ij,jzyx->izyx", torch.from_numpy(matrix), places - middle) / spacing
    start = lengths / 2 + torch.tensor([[1.0, 2.0, -1.5], [-2.0, 1.0, 3.0]], dtype=torch.float64)
    found = flow_points.trajectories(velocity[None], start, lengths, steps=4)
    assert found.shape == (5, 2, 3)
    for number, points in enumerate(found):
        expected = (start - lengths / 2).numpy() @ linalg.expm(matrix * number / 4).T
        assert np.allclose((points - lengths / 2).numpy(), expected, atol=2e-5)


@pytest.mark.parametrize("sigma", [0.4, 1.3])
def test_a_gaussian_is_renormalized_at_the_border(sigma):
    values = np.random.default_rng(0).random((7, 8, 9))
    matrices = separable.gaussian(values.shape, [sigma] * 3, LIKE)
    found = separable.apply(matrices, torch.from_numpy(values)[None, None])[0, 0].numpy()
    kernel = np.exp(-0.5 * (np.arange(-8, 9) / sigma) ** 2)
    kernel[np.abs(np.arange(-8, 9)) > np.ceil(4 * sigma) + 1] = 0
    share = np.ones_like(values)
    for axis in range(3):
        values = ndimage.convolve1d(values, kernel, axis=axis, mode="constant")
        share = ndimage.convolve1d(share, kernel, axis=axis, mode="constant")
    assert np.allclose(found, values / share, atol=1e-12)


def test_shrinking_to_a_third_weighs_as_the_documented_gaussian_about_the_coarse_centers():
    weights = separable.shrink((12,), (4,), LIKE)[0].numpy()
    sigma = 0.5 * (3 - 1 / 3)
    expected = np.array(
        [[np.exp(-0.5 * ((fine - (1 + 3 * coarse)) / sigma) ** 2) for fine in range(12)] for coarse in range(4)]
    )
    assert np.allclose(weights, expected / expected.sum(1, keepdims=True), atol=2e-4)
    assert np.array_equal(separable.shrink((5,), (5,), LIKE)[0].numpy(), np.eye(5))


def test_linear_interpolation_onto_a_finer_grid_has_its_weights():
    assert np.allclose(
        separable.enlarge((2,), (4,), LIKE)[0].numpy(), [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]], atol=1e-12
    )


def test_what_is_marked_is_cut_with_one_voxel_around_it_and_none_beyond_the_array():
    mask = np.zeros((9, 10, 11), np.uint8)
    mask[3:5, 4:7, 8:11] = 1
    part, grid = cut_to_marked(mask, oblique_grid((11, 10, 9)))
    assert part.shape == (4, 5, 4)
    assert np.array_equal(part, mask[2:6, 3:8, 7:11])
    assert np.allclose(grid.origin, oblique_grid((11, 10, 9)).index_to_physical([[7, 3, 2]])[0])
    assert box_of([(2, 4), (0, 0)]) == (slice(2, 5), slice(0, 1))


def test_a_field_is_kept_within_its_grid_and_fades_as_the_square_of_a_sine_beyond_it():
    field = torch.zeros(1, 3, 6, 5, 4)
    field[:, 0], field[:, 1], field[:, 2] = 1.0, -0.4, 0.2
    faded, grid = continued(field, GRID.crop((0, 0, 0), (4, 5, 6)))
    widths = [3 + 2, 2 + 2, 1 + 2]  # ceil of three times the component along the axis, and two
    assert faded.shape[2:] == tuple(n + 2 * width for n, width in zip((6, 5, 4), widths))
    assert np.allclose(grid.origin, GRID.index_to_physical([[-3, -4, -5]])[0])
    assert torch.equal(faded[:, :, 5:-5, 4:-4, 3:-3], field)
    ramp = np.sin(np.pi / 2 * np.arange(5) / 5) ** 2
    assert np.allclose(faded[0, 0, :5, 6, 5].numpy(), ramp, atol=1e-6)
    assert np.allclose(faded[0, 0, -5:, 6, 5].numpy(), ramp[::-1], atol=1e-6)
    assert np.allclose(faded[0, 1, 7, :4, 5].numpy(), -0.4 * np.sin(np.pi / 2 * np.arange(4) / 4) ** 2, atol=1e-6)


def test_a_field_of_twice_the_size_moves_twice_as_many_voxels():
    field = torch.arange(3.0).view(1, 3, 1, 1, 1).expand(1, 3, 4, 5, 6) + 1
    found = dense.resize_field(field, (8, 5, 3))
    assert found.shape == (1, 3, 8, 5, 3)
    assert [float(found[0, axis].mean()) for axis in range(3)] == pytest.approx([2.0, 2.0, 1.5])


def test_the_length_of_vectors_is_that_of_numpy():
    vectors = torch.from_numpy(np.random.default_rng(1).normal(size=(2, 3, 2, 3, 4)))
    assert np.allclose(dense.length(vectors).numpy(), np.linalg.norm(vectors.numpy(), axis=1, keepdims=True))


def test_a_geometry_told_in_millimeters_is_left_as_it_is_and_another_unit_scales_every_length():
    image = GRID.empty_image()
    assert in_units_of(image, 1) is image
    scaled = in_units_of(image, 0.001)
    assert np.allclose(scaled.GetSpacing(), np.array(GRID.spacing) * 1000)
    assert np.allclose(scaled.GetOrigin(), np.array(GRID.origin) * 1000)
    rigid = sitk.Euler3DTransform((1.0, 2.0, 3.0), 0.2, -0.1, 0.3, (4.0, 5.0, 6.0))
    assert of_units(rigid, 1) is rigid
    meters = of_units(rigid, 1000)
    assert np.allclose(meters.GetCenter(), (1000, 2000, 3000))
    assert np.allclose(meters.GetTranslation(), (4000, 5000, 6000))
    assert np.allclose(meters.GetMatrix(), rigid.GetMatrix())
    assert np.allclose(rigid.GetCenter(), (1, 2, 3))


def test_slabs_of_a_large_volume_make_the_whole(monkeypatch):
    from SAMRegistrationLib.geometry import resample

    random = np.random.default_rng(2)
    volume = GRID.image(random.random(GRID.shape).astype(np.float32))
    shift = sitk.TranslationTransform(3, (0.7, -0.4, 1.1))
    target = GRID.with_spacing((1.2, 1.7, 2.1))
    whole = sitk.Resample(volume, target.empty_image(), shift, sitk.sitkLinear, -1.0, sitk.sitkFloat32)
    monkeypatch.setattr(resample, "VOXELS_AT_ONCE", 4 * target.size[0] * target.size[1])
    assert target.size[2] % 4 != 0
    found = warp_volume(volume, shift, target, -1.0)
    assert Grid.of(found) == Grid.of(whole)
    assert np.array_equal(sitk.GetArrayFromImage(found), sitk.GetArrayFromImage(whole))


@pytest.mark.parametrize(
    ("edge", "diagonal", "unit"), [(0.5, 80.0, 1.0), (2.0, 1200.0, 1.0), (0.5, 48.0, 0.1), (2.0, 1300.0, 10.0)]
)
def test_lengths_are_scaled_where_the_mean_of_edge_and_diagonal_leaves_5_to_50_mm(edge, diagonal, unit):
    grid = Grid((round(diagonal / edge), 1, 1), (edge,) * 3)
    assert grid.length_unit == pytest.approx(unit)


def test_the_best_rotation_of_points_that_do_not_fit_weighs_them_as_scipy_does():
    random = np.random.default_rng(3)
    source, weights = random.normal(0, 20, (7, 3)), random.uniform(0.1, 4.0, 7)
    target = source @ Rotation.from_euler("xyz", (0.3, -0.2, 0.5)).as_matrix().T + random.normal(0, 4, (7, 3)) + 9
    middles = [np.average(points, axis=0, weights=weights) for points in (source, target)]
    expected, _ = Rotation.align_vectors(target - middles[1], source - middles[0], weights=weights)
    found = affine_maps.best_rigid(source, target, weights)
    assert np.allclose(found[:3, :3], expected.as_matrix(), atol=1e-9)
    assert np.allclose(affine_maps.apply(found, middles[0][None])[0], middles[1], atol=1e-9)
    assert np.allclose(affine_maps.best_rotation(source, target, weights), expected.as_matrix(), atol=1e-9)


def test_the_inverse_of_a_spline_on_oblique_axes_brings_points_back():
    grid = oblique_grid((30, 26, 20), (1.5, 2.0, 2.5))
    spline = sitk.BSplineTransformInitializer(grid.empty_image(), (3, 4, 2), 3)
    count = len(spline.GetParameters())
    spline.SetParameters(np.random.default_rng(4).normal(0, 2.0, count).tolist())
    points = inner_points(grid, 60, 0.3)
    moved = transform_points(spline, points)
    assert np.linalg.norm(moved - points, axis=1).max() > 1
    assert np.abs(transform_points(inverse_of(spline), moved) - points).max() < 0.1


@pytest.mark.parametrize("corner", [0, 5])
def test_labels_reach_half_a_voxel_beyond_the_outermost_centers_on_a_grid_that_is_much_finer(corner):
    source = oblique_grid((6, 6, 6), (10.0, 10.0, 10.0))
    array = np.zeros(source.shape, np.uint8)
    array[corner, corner, corner] = 2
    labels = source.image(array)
    middle = source.index_to_physical([[corner] * 3])[0]
    target = Grid((40, 40, 40), (0.5,) * 3, tuple(middle - source.axes @ np.full(3, 0.975)), source.direction)
    whole = sitk.GetArrayFromImage(
        sitk.Resample(labels, target.empty_image(), sitk.Transform(), sitk.sitkNearestNeighbor, 0)
    )
    assert np.count_nonzero(whole) == 20**3
    assert np.array_equal(sitk.GetArrayFromImage(warp_labels(labels, sitk.Transform(), target)), whole)
