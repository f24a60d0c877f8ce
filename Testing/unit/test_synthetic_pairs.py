"""Synthetic pairs: reproducible, and their known deformation really connects the two images."""

import numpy as np
import pytest
import torch
from phantoms import voxel_jacobian
from SAMRegistrationLib.geometry.dense import identity_grid, sample, warp
from SAMRegistrationLib.training.random_stream import RandomStream
from SAMRegistrationLib.training.registration.appearance import random_field_of_view, stretch
from SAMRegistrationLib.training.registration.deformation import DeformationRange, random_pair_of_maps
from SAMRegistrationLib.training.registration.degrade import Degradation, degrade_masks
from SAMRegistrationLib.training.registration.synthetic import SyntheticOptions, SyntheticPairs

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
    assert 28 <= with_masks <= 39
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


def overlaps(a, b):
    """Dice of each structure of masks (1, K, D, H, W) that both have."""
    pairs = [(x, y) for x, y in zip(a[0].numpy(), b[0].numpy()) if x.any() and y.any()]
    return [2 * (x & y).sum() / (x.sum() + y.sum()) for x, y in pairs]


def test_hidden_structures_cannot_be_told_from_another_tissue():
    """Mean intensity inside a structure and around it, relative to the image's spread, with and without hiding."""

    def contrasts(hidden):
        options = SyntheticOptions(shapes=((32, 32, 32),), multimodal=0.0, hidden=hidden, partial_view=0.0, masks=0.0)
        pairs = [SyntheticPairs(options, 3)[index] for index in range(10)]
        means = [
            [float(pair.fixed[labels[None, None] > 0].mean()) for labels in pair.fixed_labels[0]]
            for pair in pairs
            if pair.fixed_labels is not None
        ]
        return np.mean([np.std(row) for row in means])

    assert contrasts(1.0) < 0.8 * contrasts(0.0)


@pytest.mark.parametrize("shape", [(40, 40, 40), (12, 56, 56)])
def test_shown_masks_overlap_at_the_true_deformation_as_real_ones_do(shape):
    """Structures of all sizes: masks that a click model makes of one organ in two images reach about 0.8."""
    found, shown = [], 0
    for index in range(14):
        pair = SyntheticPairs(SyntheticOptions(shapes=(shape,), masks=0.0, partial_view=0.0), 5)[index]
        stream = RandomStream(1, index)
        fixed, moving = (degrade_masks(part, Degradation(), stream) for part in (pair.fixed_labels, pair.moving_labels))
        shown += fixed.shape[1]
        found += overlaps(fixed > 0.5, warp(moving, pair.truth) > 0.5)
    assert 0.78 < np.mean(found) < 0.9
    assert np.mean([0.75 <= overlap <= 0.95 for overlap in found]) > 0.75
    assert len(found) >= 0.9 * shown


@pytest.mark.parametrize("radius", [2.5, 6, 11])
@pytest.mark.parametrize("wanted", [0.8, 0.95])
def test_the_error_of_a_mask_is_a_share_of_its_structure(radius, wanted):
    grid = identity_grid((32, 30, 28), torch.empty(0))
    ball = ((grid - 14).norm(dim=1, keepdim=True) < radius).float()
    how = Degradation(missing=0.0, lowest=wanted, highest=wanted)
    degraded = [degrade_masks(ball, how, RandomStream(seed)) for seed in range(4)]
    assert all(set(mask.unique().tolist()) == {0.0, 1.0} for mask in degraded)
    assert overlaps(ball > 0, degraded[0] > 0)[0] == pytest.approx(wanted, abs=0.03)
    assert not torch.equal(degraded[0], degraded[1])


def test_masks_may_be_missing_and_empty_ones_stay_empty():
    ball = torch.zeros(1, 2, 9, 9, 9)
    ball[:, 0, 3:6, 3:6, 3:6] = 1
    assert not degrade_masks(ball, Degradation(missing=1.0), RandomStream(0)).any()
    assert not degrade_masks(ball, Degradation(missing=0.0), RandomStream(0))[:, 1].any()


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
