"""Synthetic pairs: reproducible, and their known deformation really connects the two images."""

import numpy as np
import pytest
import torch
from phantoms import voxel_jacobian
from SAMRegistrationLib.geometry.dense import identity_grid, sample, warp
from SAMRegistrationLib.training.random_stream import RandomStream
from SAMRegistrationLib.training.registration.appearance import random_field_of_view, stretch
from SAMRegistrationLib.training.registration.deformation import DeformationRange, random_pair_of_maps
from SAMRegistrationLib.training.registration.degrade import Degradation, degrade_masks, dilate, erode
from SAMRegistrationLib.training.registration.synthetic import SyntheticOptions, SyntheticPairs
from scipy import ndimage

OPTIONS = SyntheticOptions(shapes=((24, 28, 32), (12, 32, 32)))


def tensors(pair):
    names = ("fixed", "moving", "fixed_labels", "moving_labels", "fixed_masks", "moving_masks", "truth")
    return [getattr(pair, name) for name in names if getattr(pair, name) is not None]


def test_a_pair_depends_on_seed_and_index_alone():
    first, again, other = SyntheticPairs(OPTIONS, 3)[5], SyntheticPairs(OPTIONS, 3)[5], SyntheticPairs(OPTIONS, 4)[5]
    assert all(torch.equal(a, b) for a, b in zip(tensors(first), tensors(again)))
    assert first.fixed.shape != other.fixed.shape or not torch.equal(first.fixed, other.fixed)


def test_pairs_are_valid_and_of_all_kinds():
    pairs = [SyntheticPairs(OPTIONS, 0)[index] for index in range(40)]
    assert {tuple(pair.fixed.shape[2:]) for pair in pairs} == set(OPTIONS.shapes)
    for pair in pairs:
        assert all(bool(torch.isfinite(tensor).all()) for tensor in tensors(pair))
        assert float(pair.fixed.min()) >= 0
        assert float(pair.fixed.max()) <= 1
        assert voxel_jacobian(pair.truth).min() > 0
        if pair.fixed_masks is not None:
            assert pair.fixed_masks.shape == pair.moving_masks.shape
    with_masks = sum(pair.fixed_masks is not None for pair in pairs)
    assert 8 <= with_masks <= 32
    assert {pair.same_contrast for pair in pairs} == {True, False}


def test_the_true_deformation_brings_large_structures_together():
    """Independent of how the pair is made: overlap after warping with the truth, against overlap before."""
    before, after = [], []
    for index in range(12):
        pair = SyntheticPairs(SyntheticOptions(shapes=((40, 40, 40),)), 1)[index]
        if pair.fixed_labels is None:
            continue
        warped = warp(pair.moving_labels, pair.truth)
        inner = (slice(None), slice(None), *[slice(8, -8)] * 3)
        for k in range(pair.fixed_labels.shape[1]):
            fixed = pair.fixed_labels[inner][0, k].numpy() > 0.5
            if fixed.sum() < 400:
                continue
            for scores, labels in ((before, pair.moving_labels), (after, warped)):
                moved = labels[inner][0, k].numpy() > 0.5
                scores.append(2 * (fixed & moved).sum() / (fixed.sum() + moved.sum()))
    assert len(after) >= 10
    assert np.mean(before) < 0.8
    assert np.mean(after) > 0.93
    assert min(after) > 0.85


def test_a_coordinate_image_carried_by_both_maps_agrees_with_the_truth():
    """fixed(x) = anatomy(to_fixed x) must equal moving(truth x), with a linear anatomy whose values are exact."""
    shape = (28, 32, 30)
    to_fixed, to_moving, truth = random_pair_of_maps(shape, DeformationRange(), RandomStream(0, 1))
    grid = identity_grid(shape, truth)
    fixed, moving = grid + to_fixed, grid + to_moving
    carried = sample(moving, grid + truth)
    inner = (slice(None), slice(None), *[slice(7, -7)] * 3)
    assert float((carried - fixed)[inner].abs().max()) < 0.25
    assert float(truth.abs().max()) > 1.0


def test_smooth_noise_has_unit_variance_and_the_asked_scale():
    volume = np.concatenate([RandomStream(seed).smooth(4, (40, 40, 40), 5.0).numpy().ravel() for seed in range(4)])
    assert abs(volume.mean()) < 0.1
    assert abs(volume.std() - 1) < 0.1
    rough, smooth = (RandomStream(1).smooth(1, (40, 40, 40), scale) for scale in (3.0, 9.0))
    assert float(rough.diff(dim=2).std()) > 2 * float(smooth.diff(dim=2).std())


def test_dilation_and_erosion_agree_with_scipy():
    mask = (RandomStream(2).smooth(1, (16, 17, 18), 4.0) > 0.3).float()
    cube = np.ones((3, 3, 3))
    binary = mask[0, 0].numpy() > 0
    grown = ndimage.binary_dilation(binary, cube)
    shrunk = ndimage.binary_erosion(binary, cube, border_value=1)
    assert np.array_equal(dilate(mask, 1)[0, 0].numpy() > 0, grown)
    assert np.array_equal(erode(mask, 1)[0, 0].numpy() > 0, shrunk)


@pytest.mark.parametrize("kind", ["missing", "grow_or_shrink", "shift", "holes", "rough"])
def test_every_kind_of_mask_error_happens_and_keeps_the_mask_binary(kind):
    nothing = {name: 0.0 for name in ("missing", "grow_or_shrink", "shift", "holes", "rough")}
    grid = identity_grid((20, 20, 20), torch.empty(0))
    ball = ((grid - 9.5).norm(dim=1, keepdim=True) < 6).float().repeat(1, 3, 1, 1, 1)
    unchanged = degrade_masks(ball, Degradation(**nothing), RandomStream(0))
    changed = [degrade_masks(ball, Degradation(**{**nothing, kind: 1.0}), RandomStream(seed)) for seed in range(6)]
    assert torch.equal(unchanged, ball)
    assert any(not torch.equal(masks, ball) for masks in changed)
    assert all(set(masks.unique().tolist()) <= {0.0, 1.0} for masks in changed)
    if kind == "missing":
        assert all(not masks.any() for masks in changed)


def test_a_partial_view_misses_a_slab_at_one_border():
    views = [random_field_of_view((20, 24, 28), RandomStream(seed)) for seed in range(10)]
    for view in views:
        assert 0.78 < float(view.mean()) < 1
        profiles = [view[0, 0].numpy().min(axis=axes) for axes in ((1, 2), (0, 2), (0, 1))]
        cut = [profile for profile in profiles if profile.max() == 1]
        assert len(cut) == 1
        assert np.count_nonzero(np.diff(cut[0])) == 1


def test_stretching_brings_quantiles_to_zero_and_one():
    image = torch.linspace(-5, 20, 1001).view(1, 1, 7, 11, 13)
    found = stretch(image, 0.1, 0.9).flatten()
    expected = np.clip((image.flatten().numpy() - (-2.5)) / 20.0, 0, 1)
    assert np.allclose(found.numpy(), expected, atol=2e-3)
