"""The terms of the refinement and what takes folds out, against cases whose answer is known."""

import itertools

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from phantoms import oblique_grid
from SAMRegistrationLib.geometry import dense, separable
from SAMRegistrationLib.geometry.transforms import displacement_transform, flow_transforms, transform_points
from SAMRegistrationLib.losses.intensities import locally_normalized
from SAMRegistrationLib.losses.similarity import SIMILARITIES
from SAMRegistrationLib.metrics import deformation_statistics, jacobian_image
from SAMRegistrationLib.registration.image_term import equally_filled, image_term
from SAMRegistrationLib.registration.refine import RefineOptions, _Level, refine
from SAMRegistrationLib.registration.terms import GaussNewtonTerm, GradientTerm, MaskTerm
from SAMRegistrationLib.registration.unfold import LEAST_JACOBIAN, unfolded
from scipy import ndimage

SHAPE = (16, 20, 24)


def texture(seed: int = 0, shape=SHAPE, sigma: float = 2.0) -> torch.Tensor:
    smooth = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), sigma)
    return torch.from_numpy(smooth / smooth.std())[None, None].float()


def as_it_is(image, spacing, coverage):
    return image


def everywhere(shape, like):
    """Surroundings that are the whole volume, on its own grid."""
    return tuple(torch.full((n, n), 1 / n, dtype=like.dtype) for n in shape)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (4.0, 1.0, 1.0)])
def test_a_gauss_newton_step_is_the_weighted_mean_of_the_optical_flow_in_millimeters(spacing):
    fixed, moving = texture(0), texture(1)
    term = GaussNewtonTerm(as_it_is, fixed, moving).at(SHAPE, spacing)
    still = torch.zeros(1, 3, *SHAPE)
    found = term.update(still, everywhere(SHAPE, fixed))[0, :, 0, 0, 0].numpy()
    difference = (fixed - moving)[0, 0].double().numpy()
    slopes = np.stack(np.gradient(moving[0, 0].double().numpy(), *spacing))
    pull = (difference * slopes).mean(axis=(1, 2, 3))
    steepness = np.square(slopes).sum(0).mean()
    expected = pull / (1.5 * steepness) / spacing  # in voxels; half of the mean is added below the line
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_small_shift_is_found_in_one_step():
    whole = texture(2, (24, 28, 34), sigma=3.0)
    fixed = whole[:, :, 4:20, 4:24, 5:29]
    shift = torch.tensor([0.0, 0.0, 0.5]).view(1, 3, 1, 1, 1)
    moving = dense.warp(whole, -shift.expand(1, 3, 24, 28, 34))[:, :, 4:20, 4:24, 5:29]
    term = GaussNewtonTerm(as_it_is, fixed, moving).at(SHAPE, (1.0, 1.0, 1.0))
    found = term.update(torch.zeros(1, 3, *SHAPE), everywhere(SHAPE, fixed))[0, :, 0, 0, 0]
    assert found[2] > 3 * found[:2].abs().max()
    assert 0.1 < found[2] < 0.5


@pytest.mark.parametrize("make", [lambda *a: GaussNewtonTerm(as_it_is, *a), lambda *a: GradientTerm(squares, *a)])
def test_what_was_not_imaged_does_not_pull(make):
    fixed, moving = texture(0), texture(1)
    covered = torch.ones_like(fixed)
    covered[..., 12:] = 0
    other = fixed.clone()
    other[..., 15:] = 7.0
    own = tuple(torch.eye(n) for n in SHAPE)
    still = torch.zeros(1, 3, *SHAPE)
    updates = [
        make(image, moving, covered, None).at(SHAPE, (1.0, 1.0, 1.0)).update(still, own) for image in (fixed, other)
    ]
    torch.testing.assert_close(*updates)
    assert updates[0][..., 12:].abs().max() == 0
    assert updates[0][..., :9].abs().max() > 0


def squares(fixed, warped, weight=None):
    return ((fixed - warped).square() * (1 if weight is None else weight)).mean()


def test_local_normalization_forgets_a_linear_change_of_intensity():
    image = texture(3)
    changed = 3 * image - 5
    torch.testing.assert_close(
        locally_normalized(image, (2.0, 2.0, 2.0)), locally_normalized(changed, (2.0, 2.0, 2.0)), atol=1e-3, rtol=1e-3
    )


def test_local_normalization_is_that_of_scipy():
    image, sigma = texture(4), 2.0
    found = locally_normalized(image, (sigma,) * 3)[0, 0, 6:-6, 6:-6, 6:-6].numpy()
    array = image[0, 0].double().numpy()
    mean = ndimage.gaussian_filter(array, sigma)
    variance = ndimage.gaussian_filter(array**2, sigma) - mean**2
    expected = (array - mean) / np.sqrt(variance + 0.003 * array.var(ddof=1))
    np.testing.assert_allclose(found, expected[6:-6, 6:-6, 6:-6], atol=2e-2)


def test_surroundings_hold_as_many_voxels_between_thick_slices():
    assert equally_filled(2.0, (1.0, 1.0, 1.0)) == pytest.approx([2.0] * 3, abs=1e-6)
    across, along_y, along_x = equally_filled(2.0, (6.0, 1.5, 1.5))
    assert along_y == along_x > 2
    assert across * along_y * along_x == pytest.approx(8.0, rel=1e-6)
    assert across == pytest.approx(max(along_x * 1.5 / 6.0, 0.5))


def test_folds_are_taken_out_and_what_is_far_from_them_stays():
    velocity = torch.zeros(1, 3, 20, 20, 40)
    velocity[..., 4:10] = 4 * torch.randn(1, 3, 20, 20, 6, generator=torch.Generator().manual_seed(0))
    velocity[:, 1] += 0.3 * torch.sin(torch.arange(40) / 5.0)
    grid = oblique_grid((40, 20, 20), (1.0, 1.3, 2.5))
    assert deformation_statistics(jacobian_image(flow_transforms(velocity, grid)[0], grid)).folded_voxels > 0
    mended = unfolded(velocity, grid)
    least = sitk.GetArrayFromImage(jacobian_image(flow_transforms(mended, grid)[0], grid)).min()
    assert least == pytest.approx(LEAST_JACOBIAN, abs=1e-3) or least > LEAST_JACOBIAN
    assert torch.equal(mended[..., 25:], velocity[..., 25:])


def finely(transform, grid):
    """The smallest Jacobian determinant on a grid of the same extent with four times as many voxels along each axis."""
    fine = grid.crop([2] * 3, [n - 4 for n in grid.size])
    fine = fine.with_size([4 * n for n in fine.size])
    return sitk.GetArrayFromImage(jacobian_image(transform, fine))[2:-2, 2:-2, 2:-2].min()


def test_folds_between_two_voxels_are_taken_out_as_well():
    """A field that alternates from voxel to voxel, which differences over two voxels do not see."""
    field = torch.zeros(1, 3, 20, 20, 24)
    field[:, 2, 6:14, 6:14, 8:16] = 0.7 * (-1.0) ** torch.arange(8)
    assert dense.jacobian(field)[..., 9:15].min() > 0.9
    assert dense.least_jacobian(field).min() == pytest.approx(1 - 1.4, abs=1e-6)
    velocity = 2 * field + 0.4 * torch.randn(field.shape, generator=torch.Generator().manual_seed(1))
    grid = oblique_grid((24, 20, 20), (1.0, 1.3, 2.5))
    assert finely(flow_transforms(velocity, grid)[0], grid) < 0
    assert finely(flow_transforms(unfolded(velocity, grid), grid)[0], grid) > 0


def test_the_smallest_determinant_around_a_voxel_is_that_of_one_of_its_cells():
    """Against the derivatives of the trilinear interpolation, taken by ITK just beside the voxel."""
    grid = oblique_grid((7, 6, 5), (1.0, 1.0, 1.0))
    field = 0.4 * torch.randn(1, 3, *grid.shape, generator=torch.Generator().manual_seed(2))
    transform = displacement_transform(field, grid)
    index, step = np.array([3.0, 2.0, 2.0]), 1e-4
    found = []
    for corner in itertools.product((-1, 1), repeat=3):
        places = [index + 1e-3 * np.array(corner)]
        places += [places[0] + step * unit for unit in np.eye(3)]
        mapped = grid.physical_to_index(transform_points(transform, grid.index_to_physical(np.array(places))))
        found.append(np.linalg.det((mapped[1:] - mapped[0]) / step))
    assert float(dense.least_jacobian(field)[2, 2, 3]) == pytest.approx(min(found), abs=0.02)


def test_what_does_not_fold_is_left_alone():
    velocity = separable.apply(separable.gaussian(SHAPE, [3.0] * 3, texture()), texture().repeat(1, 3, 1, 1, 1))
    grid = oblique_grid(SHAPE[::-1], (1.0, 1.3, 2.5))
    assert torch.equal(unfolded(velocity, grid), velocity)


@pytest.mark.parametrize("masks", [False, True])
@pytest.mark.parametrize("similarity", ["lncc", "mi"])
def test_a_step_reads_no_value_back_from_the_device(similarity, masks, monkeypatch):
    """On the meta device tensors have no values, and reading one raises; on a GPU it would wait for all that runs."""
    monkeypatch.setattr(_Level, "_squarings_of", lambda self, velocity: 3)
    shape = (12, 14, 16)
    images = [torch.zeros(1, 1, *shape, device="meta") for _ in range(4)]
    images = image_term(SIMILARITIES[similarity], True, *images)
    pulled = MaskTerm(*(torch.zeros(1, 2, *shape, device="meta") for _ in range(2))) if masks else None
    level = _Level(images, pulled, shape, (1.0, 1.0, 1.0), 1, 2.0, RefineOptions(), "meta")
    assert level.step(level.start(None)).shape == (1, 3, 6, 7, 8)


def test_masks_tell_where_a_border_is_near():
    mask = torch.zeros(1, 1, 20, 20, 20)
    mask[..., 10:] = 1
    own = tuple(torch.eye(20) for _ in range(3))
    missing, nearness = MaskTerm(mask, mask).at((20, 20, 20)).missing(torch.zeros(1, 3, 20, 20, 20), own)
    assert missing.abs().max() == 0
    assert nearness[..., 9:11].min() > 0.8
    assert nearness[..., :8].max() == nearness[..., 12:].max() == 0


def waves(shape, length: float, height: float) -> torch.Tensor:
    """A displacement along y that swings along x, in voxels."""
    field = torch.zeros(1, 3, *shape)
    field[:, 1] = height * torch.sin(2 * np.pi * torch.arange(shape[2]) / length)
    return field


def test_narrow_steps_follow_a_finer_deformation():
    shape, spacing = (28, 32, 40), (1.0, 1.0, 1.0)
    moving, truth = texture(5, shape, sigma=1.0), waves(shape, 8.0, 0.8)
    images = GaussNewtonTerm(as_it_is, dense.warp(moving, truth), moving)
    errors = {}
    for narrow in (0, 10):
        steps = RefineOptions(levels=((2, 10), (1, 20 - narrow)), narrow_steps=narrow)
        velocity = refine(images, None, shape, spacing, steps)
        found = dense.resize_field(dense.integrate(velocity, 6), shape)
        errors[narrow] = dense.length(found - truth)[..., 4:-4, 4:-4, 4:-4].mean()
    assert errors[10] < 0.9 * errors[0]


def test_narrow_steps_leave_what_masks_have_placed():
    """The images ask for a shift, masks that agree already forbid it at their borders."""
    shape, spacing = (20, 24, 28), (1.0, 1.0, 1.0)
    moving = texture(6, shape, sigma=1.5)
    mask = torch.zeros(1, 1, *shape)
    mask[..., 6:14, 8:16, 9:19] = 1
    images = GaussNewtonTerm(as_it_is, dense.warp(moving, waves(shape, 14.0, 0.8)), moving)
    moved = {}
    for sigma in (1.2, 2.0):
        steps = RefineOptions(levels=((1, 0),), narrow_steps=10, narrow_sigma=sigma)
        velocity = refine(images, MaskTerm(mask, mask), shape, spacing, steps)
        field = dense.resize_field(dense.integrate(velocity, 6), shape)
        moved[sigma] = (dense.warp(mask, field) - mask).abs().mean()
    assert moved[1.2] < 0.7 * moved[2.0]


def test_a_tolerance_lets_the_images_correct_borders_that_are_a_little_off():
    """The images show the true deformation, the moving mask a border that is wrong by two voxels."""
    shape, spacing = (24, 28, 32), (1.0, 1.0, 1.0)
    moving, truth = texture(8, shape, sigma=1.5), waves(shape, 30.0, 1.5)
    fixed = dense.warp(moving, truth)
    true_mask, wrong_mask = torch.zeros(1, 1, *shape), torch.zeros(1, 1, *shape)
    true_mask[..., 7:17, 8:20, 10:22] = wrong_mask[..., 7:17, 8:20, 12:24] = 1
    errors = {}
    for mask, tolerance in itertools.product((true_mask, wrong_mask), (0.0, 1.5)):
        masks = MaskTerm(dense.warp(true_mask, truth), mask, tolerance=tolerance)
        velocity = refine(GaussNewtonTerm(as_it_is, fixed, moving), masks, shape, spacing)
        field = dense.resize_field(dense.integrate(velocity, 6), shape)
        errors[mask is wrong_mask, tolerance] = dense.length(field - truth)[..., 6:18, 7:21, 8:26].mean()
    assert errors[True, 1.5] < 0.7 * errors[True, 0.0]
    assert errors[False, 1.5] < 1.2 * errors[False, 0.0]


def test_a_tolerance_still_brings_a_border_that_is_far_off():
    shape, spacing = (24, 24, 40), (1.0, 1.0, 1.0)
    empty = torch.zeros(1, 1, *shape)
    fixed_mask, moving_mask = empty.clone(), empty.clone()
    fixed_mask[..., 7:17, 7:17, 8:20] = moving_mask[..., 7:17, 7:17, 16:28] = 1
    images = GaussNewtonTerm(as_it_is, empty, empty)
    velocity = refine(images, MaskTerm(fixed_mask, moving_mask, tolerance=1.5), shape, spacing)
    warped = dense.warp(moving_mask, dense.resize_field(dense.integrate(velocity, 6), shape)) > 0.5
    border = fixed_mask > 0.5
    assert 2 * (warped & border).sum() > 0.8 * (warped.sum() + border.sum())
