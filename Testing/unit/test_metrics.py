"""Metrics against independent implementations and analytic cases, on oblique anisotropic grids."""

import itertools

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from monai.metrics import HausdorffDistanceMetric, SurfaceDistanceMetric
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.geometry.resample import warp_labels
from SAMRegistrationLib.metrics import (
    compare_labels,
    deformation_statistics,
    dice,
    displacement_magnitude,
    jacobian_image,
    measure,
    pair_landmarks,
    surface_distances,
    target_registration_errors,
)
from SAMRegistrationLib.points import PointList
from scipy import ndimage
from scipy.spatial import cKDTree


def oblique_grid(size=(24, 30, 14), spacing=(0.9, 1.3, 3.1)) -> Grid:
    rotation = sitk.Euler3DTransform((0, 0, 0), 0.4, -0.3, 0.7)
    return Grid(size, spacing, (12.0, -40.0, 7.5), tuple(rotation.GetMatrix()))


def voxel_centers(grid: Grid) -> np.ndarray:
    """Physical voxel centers (D, H, W, 3), LPS mm."""
    k, j, i = np.indices(grid.shape)
    return grid.index_to_physical(np.stack([i, j, k], -1).reshape(-1, 3)).reshape(*grid.shape, 3)


def sphere(grid: Grid, radius: float, offset=(0.0, 0.0, 0.0)) -> np.ndarray:
    return np.linalg.norm(voxel_centers(grid) - grid.center - np.asarray(offset), axis=-1) <= radius


def two_blobs(seed: int, grid: Grid):
    noise = np.random.default_rng(seed).normal(size=(2, *grid.shape))
    smooth = np.stack([ndimage.gaussian_filter(volume, 2) for volume in noise])
    return smooth[0] > 0.02, smooth[1] > 0.02


def surface_points(mask: np.ndarray, grid: Grid) -> np.ndarray:
    surface = mask & ~ndimage.binary_erosion(mask)
    return grid.index_to_physical(np.argwhere(surface)[:, ::-1])


@pytest.mark.parametrize("seed", range(4))
def test_surface_distances_equal_nearest_neighbors_found_in_physical_space(seed):
    grid = oblique_grid()
    a, b = two_blobs(seed, grid)
    points = surface_points(a, grid), surface_points(b, grid)
    there, back = cKDTree(points[1]).query(points[0])[0], cKDTree(points[0]).query(points[1])[0]
    found = surface_distances(a, b, grid)
    assert found.hd == pytest.approx(max(there.max(), back.max()), abs=1e-4)
    assert found.hd95 == pytest.approx(max(np.percentile(there, 95), np.percentile(back, 95)), abs=1e-4)
    assert found.assd == pytest.approx(np.concatenate([there, back]).mean(), abs=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_surface_distances_agree_with_monai(seed):
    grid = oblique_grid()
    a, b = two_blobs(seed + 10, grid)
    tensors = [torch.from_numpy(mask[None, None].astype(np.float32)) for mask in (a, b)]
    spacing = list(grid.spacing[::-1])
    hd95 = HausdorffDistanceMetric(percentile=95, include_background=True)(*tensors, spacing=spacing)
    assd = SurfaceDistanceMetric(symmetric=True, include_background=True)(*tensors, spacing=spacing)
    found = surface_distances(a, b, grid)
    assert found.hd95 == pytest.approx(float(hd95), abs=1e-3)
    assert found.assd == pytest.approx(float(assd), abs=1e-3)


def test_concentric_spheres_are_as_far_apart_as_their_radii():
    grid = oblique_grid((90, 80, 60), (0.7, 0.8, 1.1))
    found = surface_distances(sphere(grid, 14.0), sphere(grid, 20.0), grid)
    assert found.assd == pytest.approx(6.0, abs=0.4)
    assert found.hd95 == pytest.approx(6.0, abs=0.9)


def test_masks_that_fill_thin_volumes_to_the_border_have_distance_zero():
    grid = oblique_grid((12, 9, 2))
    full = np.ones(grid.shape, bool)
    assert surface_distances(full, full, grid) == pytest.approx((0.0, 0.0, 0.0), abs=1e-4)


def test_a_shifted_slab_in_a_single_slice_is_its_shift_away():
    grid = oblique_grid((20, 10, 1), (0.5, 1.0, 8.0))
    a, b = np.zeros(grid.shape, bool), np.zeros(grid.shape, bool)
    a[:, :, 2:6], b[:, :, 6:10] = True, True
    assert surface_distances(a, b, grid).hd == pytest.approx(4 * 0.5)


def test_an_empty_mask_has_no_surface_distance():
    grid = oblique_grid()
    assert surface_distances(sphere(grid, 5), np.zeros(grid.shape), grid) is None


def label_map(grid: Grid, *masks: np.ndarray) -> sitk.Image:
    labels = np.zeros(grid.shape, np.uint8)
    for label, mask in enumerate(masks, start=1):
        labels[mask] = label
    return grid.image(labels)


def test_dice_agrees_with_counting_voxels():
    grid = oblique_grid()
    a, b = two_blobs(1, grid)
    inside_a, inside_b = set(map(tuple, np.argwhere(a))), set(map(tuple, np.argwhere(b)))
    expected = 2 * len(inside_a & inside_b) / (len(inside_a) + len(inside_b))
    assert dice(label_map(grid, a), label_map(grid, b)) == {1: pytest.approx(expected)}


def test_a_structure_missing_in_one_image_scores_zero_without_distances():
    grid = oblique_grid()
    one = sphere(grid, 6)
    scores = compare_labels(label_map(grid, one), label_map(grid, np.zeros_like(one), one))
    assert [(s.label, s.dice, s.hd95_mm, s.assd_mm) for s in scores] == [(1, 0.0, None, None), (2, 0.0, None, None)]
    assert scores[0].fixed_ml == pytest.approx(one.sum() * 0.9 * 1.3 * 3.1 / 1000)
    assert scores[0].warped_ml == 0


def test_labels_on_different_grids_are_refused():
    grid = oblique_grid()
    moved = Grid(grid.size, grid.spacing, (0.0, 0.0, 0.0), grid.direction)
    with pytest.raises(InputError, match="not on the same grid"):
        dice(label_map(grid, sphere(grid, 5)), label_map(moved, sphere(moved, 5)))


def test_labels_warped_by_the_known_shift_overlap_completely():
    fixed_grid, moving_grid = oblique_grid((40, 40, 20)), Grid((50, 45, 40), (1.1, 1.2, 1.3), (-11.0, -56.0, 30.0))
    shift = np.array([5.0, -3.0, 8.0])
    where = fixed_grid.center

    def ball(grid, center):
        return grid.image((np.linalg.norm(voxel_centers(grid) - center, axis=-1) < 11).astype(np.uint8))

    fixed, moving = ball(fixed_grid, where), ball(moving_grid, where + shift)
    warped = warp_labels(moving, sitk.TranslationTransform(3, shift.tolist()), fixed_grid)
    assert dice(fixed, warped)[1] > 0.93
    assert dice(fixed, warp_labels(moving, sitk.Transform(3, sitk.sitkIdentity), fixed_grid))[1] < 0.6


def an_affine(seed=0) -> sitk.AffineTransform:
    generator = np.random.default_rng(seed)
    affine = sitk.AffineTransform(3)
    affine.SetMatrix((np.eye(3) + generator.normal(0, 0.2, (3, 3))).ravel().tolist())
    affine.SetTranslation(generator.normal(0, 9, 3).tolist())
    return affine


def test_the_jacobian_of_an_affine_transform_is_its_determinant_everywhere():
    affine = an_affine()
    jacobian = sitk.GetArrayFromImage(jacobian_image(affine, oblique_grid()))
    expected = np.linalg.det(np.array(affine.GetMatrix()).reshape(3, 3))
    assert abs(expected - 1) > 0.05
    np.testing.assert_allclose(jacobian, expected, rtol=1e-5)


def smooth_field_transform() -> sitk.BSplineTransform:
    """A strong smooth deformation defined in physical space, independently of any image grid."""
    transform = sitk.BSplineTransform(3, 3)
    transform.SetTransformDomainOrigin((-60, -90, -60))
    transform.SetTransformDomainPhysicalDimensions((150, 150, 150))
    transform.SetTransformDomainMeshSize((6, 6, 6))
    count = len(transform.GetParameters())
    transform.SetParameters(np.random.default_rng(3).normal(0, 5, count).tolist())
    return transform


def test_the_jacobian_equals_small_physical_steps_on_an_oblique_grid_with_an_affine_part():
    transform = sitk.CompositeTransform([an_affine(1), smooth_field_transform()])
    grid = oblique_grid((30, 26, 30), (0.8, 0.9, 1.1))
    jacobian = jacobian_image(transform, grid)
    for index in itertools.product((4, 15, 25), repeat=3):
        point = np.array(jacobian.TransformIndexToPhysicalPoint(index))
        step = 1e-3
        columns = [
            np.subtract(transform.TransformPoint(point + step * axis), transform.TransformPoint(point - step * axis))
            for axis in np.eye(3)
        ]
        expected = np.linalg.det(np.column_stack(columns) / (2 * step))
        assert jacobian[index] == pytest.approx(expected, rel=0.02)


def test_the_grid_orientation_does_not_change_the_statistics():
    transform = smooth_field_transform()
    straight = Grid((40, 40, 40), (1.0, 1.0, 1.0), (-20.0, -40.0, -20.0))
    flipped = Grid((40, 40, 40), (1.0, 1.0, 1.0), (19.0, -1.0, -20.0), (-1.0, 0, 0, 0, -1.0, 0, 0, 0, 1.0))
    a, b = (deformation_statistics(jacobian_image(transform, grid)) for grid in (straight, flipped))
    assert a.as_dict() == pytest.approx(b.as_dict(), rel=1e-5)


def test_both_forms_of_sdlogj_follow_their_formulas_on_the_interior():
    values = np.random.default_rng(5).normal(1.0, 0.4, (8, 9, 10)).astype(np.float32)
    inner = values[2:-2, 2:-2, 2:-2].astype(np.float64)
    found = deformation_statistics(sitk.GetImageFromArray(values))
    assert found.sd_log_jacobian == pytest.approx(np.std(np.log(np.clip(inner, 1e-9, None))))
    assert found.sd_log_jacobian_learn2reg == pytest.approx(np.std(np.log((inner + 3).clip(1e-9, 1e9))))
    assert found.folded_voxels == (values <= 0).sum()
    assert found.folded_fraction == pytest.approx((values <= 0).mean())


def test_a_thin_volume_keeps_an_interior():
    values = np.random.default_rng(5).uniform(0.5, 1.5, (3, 9, 10)).astype(np.float32)
    found = deformation_statistics(sitk.GetImageFromArray(values))
    assert found.sd_log_jacobian == pytest.approx(np.std(np.log(values[1:-1, 2:-2, 2:-2].astype(np.float64))), rel=1e-6)


def test_a_mirrored_transform_is_folded_everywhere():
    mirror = sitk.ScaleTransform(3, (-1.0, 1.0, 1.0))
    found = deformation_statistics(jacobian_image(mirror, oblique_grid()))
    assert found.folded_fraction == 1.0
    assert found.smallest_jacobian == pytest.approx(-1.0)


def test_a_local_fold_is_counted_where_it_is():
    grid = oblique_grid((30, 20, 10))
    displacement = np.zeros((*grid.shape, 3))
    displacement[:, :, 15:] = -2.5 * grid.axes[:, 0]  # half of the volume steps back by two and a half voxels
    field = sitk.DisplacementFieldTransform(grid.image(displacement))
    jacobian = sitk.GetArrayFromImage(jacobian_image(field, grid))
    assert (jacobian[:, :, 14:16] < 0).all()
    np.testing.assert_allclose(np.delete(jacobian, (14, 15), axis=2), 1.0, atol=1e-5)
    assert deformation_statistics(jacobian_image(field, grid)).folded_fraction == pytest.approx(2 / 30)


def test_a_flat_grid_has_no_jacobian():
    with pytest.raises(InputError, match="two voxels"):
        jacobian_image(sitk.Transform(3, sitk.sitkIdentity), oblique_grid((10, 10, 1)))


def test_landmark_errors_are_distances_after_mapping_fixed_points():
    affine = an_affine(2)
    fixed = np.random.default_rng(0).uniform(-50, 50, (7, 3))
    matrix, shift = np.array(affine.GetMatrix()).reshape(3, 3), np.array(affine.GetTranslation())
    moving = fixed @ matrix.T + shift
    moving[3] += [0.0, 3.0, 4.0]
    errors = target_registration_errors(fixed, moving, affine)
    np.testing.assert_allclose(errors, [0, 0, 0, 5, 0, 0, 0], atol=1e-9)


def test_landmarks_are_paired_by_name_whatever_their_order():
    fixed = PointList([[0, 0, 0], [1, 0, 0], [2, 0, 0]], ["a", "b", "c"])
    moving = PointList([[2, 5, 0], [0, 5, 0], [1, 5, 0]], ["c", "a", "b"])
    _, paired = pair_landmarks(fixed, moving)
    assert paired.points[:, 0].tolist() == [0, 1, 2]


def test_landmarks_without_common_names_are_paired_by_order():
    fixed, moving = PointList([[0, 0, 0], [1, 0, 0]], ["F-1", "F-2"]), PointList([[0, 1, 0], [1, 1, 0]], ["M-1", "M-2"])
    assert pair_landmarks(fixed, moving) == (fixed, moving)


@pytest.mark.parametrize("names", [["a", "x"], ["a", ""]])
def test_landmarks_with_only_some_common_names_are_refused(names):
    with pytest.raises(InputError, match="Only some"):
        pair_landmarks(PointList(np.zeros((2, 3)), ["a", "b"]), PointList(np.zeros((2, 3)), names))


def test_landmark_lists_of_different_length_are_refused():
    with pytest.raises(InputError, match="2 fixed but 3 moving"):
        pair_landmarks(PointList(np.zeros((2, 3))), PointList(np.zeros((3, 3))))


def test_a_jacobian_computed_in_slabs_is_the_same_as_in_one_piece(monkeypatch):
    grid, transform = oblique_grid(), smooth_field_transform()
    whole = sitk.GetArrayFromImage(jacobian_image(transform, grid))
    monkeypatch.setattr("SAMRegistrationLib.metrics.deformation.VOXELS_AT_ONCE", 3 * 24 * 30)
    np.testing.assert_allclose(sitk.GetArrayFromImage(jacobian_image(transform, grid)), whole, rtol=1e-5)
    monkeypatch.setattr("SAMRegistrationLib.metrics.deformation.VOXELS_AT_ONCE", 1)
    np.testing.assert_allclose(sitk.GetArrayFromImage(jacobian_image(transform, grid)), whole, rtol=1e-5)


def test_a_structure_drawn_in_one_image_only_is_not_compared_but_one_lost_by_the_transform_is():
    grid = oblique_grid()
    a, b = sphere(grid, 5, (6.0, 0, 0)), sphere(grid, 5, (-6.0, 0, 0))
    fixed, moving = label_map(grid, a, b), label_map(grid, a)
    assert [s["dice"] for s in measure(sitk.Transform(3, sitk.sitkIdentity), fixed, moving)["structures"]] == [
        1.0,
        None,
    ]
    far_away = sitk.TranslationTransform(3, (500.0, 0.0, 0.0))
    assert [s["dice"] for s in measure(far_away, fixed, moving)["structures"]] == [0.0, None]


def test_the_displacement_magnitude_is_the_distance_of_the_mapped_points(monkeypatch):
    monkeypatch.setattr("SAMRegistrationLib.metrics.displacement.VOXELS_AT_ONCE", 2000)
    grid = oblique_grid()
    linear = sitk.Euler3DTransform(grid.center.tolist(), 0.2, -0.1, 0.3, (5.0, -3.0, 7.0))
    waves = 2.0 * np.sin(voxel_centers(grid) / 9.0)
    transform = sitk.CompositeTransform([linear, sitk.DisplacementFieldTransform(grid.image(waves))])
    points = voxel_centers(grid).reshape(-1, 3).tolist()
    mapped, rigid = (np.array([each.TransformPoint(point) for point in points]) for each in (transform, linear))
    for without, expected in ((None, mapped - points), (linear, mapped - rigid)):
        found = displacement_magnitude(transform, grid, without)
        assert Grid.of(found).matches(grid)
        lengths = np.linalg.norm(expected, axis=1).reshape(grid.shape)
        np.testing.assert_allclose(sitk.GetArrayFromImage(found), lengths, atol=1e-4)


def test_a_linear_transform_adds_no_displacement_to_itself():
    linear = sitk.Euler3DTransform((0.0, 0.0, 0.0), 0.2, -0.1, 0.3, (5.0, -3.0, 7.0))
    assert sitk.GetArrayFromImage(displacement_magnitude(linear, oblique_grid(), linear)).max() == 0
