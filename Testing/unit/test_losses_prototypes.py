"""Prototype losses against loops over voxels in float64, and what they do to features."""

import math

import pytest
import torch
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.losses.prototypes import (
    prototype_alignment,
    prototype_contrast,
    prototypes,
    with_background,
)


def a_case(shape=(11, 9, 13), stride=4, structures=3, channels=5, seed=0):
    """Features and block masks in float64; the masks do not follow the coarse voxels and may overlap."""
    generator = torch.Generator().manual_seed(seed)
    coarse = [-(-size // stride) for size in shape]
    features = torch.randn(1, channels, *coarse, generator=generator, dtype=torch.float64)
    masks = torch.zeros(1, structures, *shape, dtype=torch.float64)
    for k in range(structures):
        masks[0, k, 3 * k : 3 * k + 4, 1 : 6 + k, k : 12 - k] = 1
    return features, masks


def shares(masks, coarse, stride):
    """Share of each coarse voxel filled, counted voxel by voxel: dict from (k, z, y, x)."""
    weights = {}
    for k, *place in masks[0].nonzero().tolist():
        key = (k, *(index // stride for index in place))
        weights[key] = weights.get(key, 0) + 1 / stride**3
    return weights


def brute_prototypes(features, masks, stride):
    weights = shares(masks, features.shape[2:], stride)
    means = []
    for k in range(masks.shape[1]):
        mine = {key[1:]: weight for key, weight in weights.items() if key[0] == k}
        total = sum(mine.values())
        means.append(sum(weight * features[0, :, z, y, x] for (z, y, x), weight in mine.items()) / total)
    return torch.stack(means), weights


def test_prototypes_are_masked_averages():
    features, masks = a_case()
    found, present = prototypes(features, masks)
    torch.testing.assert_close(found[0], brute_prototypes(features, masks, 4)[0])
    assert present.all()


def test_the_contrast_is_the_written_formula():
    features, masks = a_case()
    means, weights = brute_prototypes(features, masks, 4)
    total = 0.0
    for (k, z, y, x), weight in weights.items():
        scores = [
            math.exp(torch.cosine_similarity(features[0, :, z, y, x], mean, dim=0).item() / 0.2) for mean in means
        ]
        total -= weight * math.log(scores[k] / sum(scores))
    assert prototype_contrast(features, masks, 0.2).item() == pytest.approx(total / sum(weights.values()))


def test_the_alignment_is_the_written_formula_over_structures_in_both_images():
    features_a, masks_a = a_case()
    features_b, masks_b = a_case(seed=1)
    masks_b[:, 1] = 0
    means_a = brute_prototypes(features_a, masks_a, 4)[0]
    means_b = brute_prototypes(features_b, masks_b[:, [0, 2]], 4)[0]
    cosines = torch.cosine_similarity(means_a[[0, 2]], means_b, dim=1)
    found = prototype_alignment(features_a, masks_a, features_b, masks_b)
    assert found.item() == pytest.approx((1 - cosines).mean().item())


def test_the_contrast_falls_when_features_move_toward_their_own_prototype_and_rises_toward_another():
    torch.manual_seed(0)
    masks = torch.zeros(1, 2, 16, 16, 16)
    masks[:, 0, :8], masks[:, 1, 8:] = 1, 1
    features = torch.randn(1, 6, 4, 4, 4)
    features[:, 0, :2] += 2
    features[:, 1, 2:] += 2
    first, second = prototypes(features, masks)[0][0].view(2, 6, 1, 1, 1)
    own = torch.cat([first.expand(-1, 2, 4, 4), second.expand(-1, 2, 4, 4)], dim=1)[None]
    here = prototype_contrast(features, masks)
    assert prototype_contrast(0.7 * features + 0.3 * own, masks) < here
    one, elsewhere = features.clone(), features.clone()
    one[0, :, 0, 0, 0] = own[0, :, 0, 0, 0]
    elsewhere[0, :, 0, 0, 0] = own[0, :, 3, 0, 0]
    assert prototype_contrast(one, masks) < here < prototype_contrast(elsewhere, masks)


def test_descending_the_contrast_separates_the_structures():
    torch.manual_seed(0)
    features = torch.randn(1, 6, 4, 4, 4, requires_grad=True)
    masks = torch.zeros(1, 2, 16, 16, 16)
    masks[:, 0, :8], masks[:, 1, 8:] = 1, 1

    def cosine():
        return torch.cosine_similarity(*prototypes(features, masks)[0][0], dim=0).item()

    before = cosine()
    optimizer = torch.optim.SGD([features], lr=5.0)
    for _ in range(20):
        optimizer.zero_grad()
        prototype_contrast(features, masks).backward()
        optimizer.step()
    assert cosine() < before - 0.3


def test_the_alignment_is_zero_for_the_same_image_and_grows_up_to_two():
    features, masks = a_case()
    assert prototype_alignment(features, masks, features, masks).item() == pytest.approx(0, abs=1e-9)
    assert prototype_alignment(features, masks, -features, masks).item() == pytest.approx(2)


def test_absent_structures_are_left_out_of_the_contrast():
    features, masks = a_case()
    with_empty = torch.cat([masks, torch.zeros_like(masks[:, :1])], dim=1)
    torch.testing.assert_close(prototype_contrast(features, with_empty), prototype_contrast(features, masks))


@pytest.mark.parametrize("structures", [0, 1, 2])
def test_with_nothing_to_tell_apart_both_losses_are_zero_with_finite_gradients(structures):
    features = torch.randn(1, 4, 2, 2, 2, requires_grad=True)
    masks = torch.zeros(1, structures, 8, 8, 8)
    if structures:
        masks[:, 0, :4] = 1
    loss = prototype_contrast(features, masks) + prototype_alignment(features, masks, features, masks)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert torch.isfinite(features.grad).all()


@pytest.mark.parametrize("stride", [1, 2, 8, 16])
def test_the_stride_is_found_from_the_sizes(stride):
    features, masks = a_case((33, 20, 18), stride)
    torch.testing.assert_close(prototypes(features, masks)[0][0], brute_prototypes(features, masks, stride)[0])


def test_features_of_another_volume_are_refused():
    features, _ = a_case()
    with pytest.raises(InputError, match="no coarse level"):
        prototype_contrast(features, torch.ones(1, 2, 40, 9, 13, dtype=torch.float64))


def test_the_gradients_agree_with_finite_differences():
    features, masks = a_case((5, 4, 6), 2, 2, 3)
    other = torch.randn_like(features)
    features.requires_grad_()
    other.requires_grad_()
    assert torch.autograd.gradcheck(lambda f: prototype_contrast(f, masks), (features,))
    assert torch.autograd.gradcheck(lambda f, g: prototype_alignment(f, masks, g, masks), (features, other))


def test_the_background_is_what_lies_near_structures_and_is_none_of_them():
    masks = torch.zeros(1, 2, 20, 20, 20)
    masks[:, 0, 4:6, 4:6, 4:6], masks[:, 1, 5:8, 5:8, 5:8] = 1, 1
    found = with_background(masks, margin=2)
    expected = torch.zeros(20, 20, 20)
    for z, y, x in masks[0].sum(0).nonzero().tolist():
        expected[z - 2 : z + 3, y - 2 : y + 3, x - 2 : x + 3] = 1
    expected[masks[0].sum(0) > 0] = 0
    assert torch.equal(found[0, 2], expected)
    assert torch.equal(found[:, :2], masks)
