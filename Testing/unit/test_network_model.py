"""The registration network as a whole: shapes, gradients, structures, compositions."""

import numpy as np
import pytest
import torch
from network_samples import a_network, a_pair
from phantoms import voxel_jacobian
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.geometry.dense import compose, integrate
from SAMRegistrationLib.network import NetworkConfig, RegistrationNetwork, random_codes

PRESETS = ["fast", "paper"]


@pytest.mark.parametrize("preset", PRESETS)
def test_every_parameter_receives_a_gradient(preset):
    torch.manual_seed(0)
    network = RegistrationNetwork(NetworkConfig.from_preset(preset))
    prediction = network(*a_pair((33, 35, 34)))
    (prediction.displacement.square().sum() + prediction.displacement.sum()).backward()
    assert [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()] == []


@pytest.mark.parametrize("preset", PRESETS)
def test_a_new_network_leaves_the_moving_image_where_it_is(preset):
    torch.manual_seed(0)
    network = RegistrationNetwork(NetworkConfig.from_preset(preset))
    with torch.no_grad():
        displacement = network(*a_pair((32, 24, 40))).displacement
    assert 0 < displacement.abs().max() < 0.05


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("shape", [(16, 16, 16), (20, 17, 14), (7, 31, 9), (3, 5, 4), (1, 13, 12), (1, 1, 1)])
def test_any_size_works_and_comes_back_unchanged(preset, shape):
    with torch.no_grad():
        prediction = a_network(preset)(*a_pair(shape))
    assert prediction.displacement.shape == (1, 3, *shape)
    assert torch.isfinite(prediction.displacement).all()
    stride = a_network(preset).config.coarsest_stride
    assert prediction.fixed_features.shape[2:] == tuple(-(-size // stride) for size in shape)


def test_the_field_of_a_batch_is_that_of_each_pair():
    network = a_network(strength=0.03)
    pair = a_pair(batch=3)
    with torch.no_grad():
        together = network(*pair).displacement
        alone = torch.cat([network(*(part[i : i + 1] for part in pair)).displacement for i in range(3)])
    torch.testing.assert_close(together, alone, atol=2e-4, rtol=1e-4)


def test_the_axes_are_treated_alike():
    """A network whose kernels are symmetric under exchange of axes moves a transposed pair by the transposed field."""
    network = a_network(strength=0.03)
    permuted = a_network(strength=0.03)
    axes = (1, 2, 0)
    with torch.no_grad():
        for name, weight in permuted.named_parameters():
            if weight.ndim == 5:
                weight.copy_(weight.clone().permute(0, 1, *(2 + axis for axis in axes)))
            if name.endswith("position_bias"):
                weight.copy_(weight.clone().permute(0, *(1 + axis for axis in axes)))
            if "match_head" in name:
                weight.copy_(weight.clone().unflatten(1, (-1, 3))[:, :, list(axes)].flatten(1, 2))
            if "head." in name:
                weight.copy_(weight[list(axes)])
        pair = a_pair((20, 12, 16))
        codes = random_codes(3, 8, np.random.default_rng(3))
        expected = network(*pair, codes=codes).displacement[:, list(axes)].permute(0, 1, *(2 + axis for axis in axes))
        found = permuted(*(part.permute(0, 1, *(2 + axis for axis in axes)) for part in pair), codes=codes).displacement
    torch.testing.assert_close(found, expected, atol=2e-4, rtol=1e-4)


def test_without_masks_the_images_alone_decide():
    network = a_network(strength=0.03)
    fixed, moving, fixed_masks, moving_masks = a_pair()
    with torch.no_grad():
        none = network(fixed, moving).displacement
        no_structure = network(fixed, moving, fixed_masks[:, :0], moving_masks[:, :0]).displacement
        empty = network(fixed, moving, 0 * fixed_masks, 0 * moving_masks).displacement
        masked = network(fixed, moving, fixed_masks, moving_masks).displacement
        one_sided = network(fixed, moving, fixed_masks, None).displacement
    assert torch.equal(none, no_structure)
    assert torch.equal(none, one_sided)
    torch.testing.assert_close(none, empty, atol=1e-5, rtol=0)
    assert (none - masked).abs().max() > 0.01


def test_a_structure_missing_in_one_image_changes_nothing():
    network = a_network(strength=0.03)
    fixed, moving, fixed_masks, moving_masks = a_pair(structures=4)
    moving_masks[:, 2] = 0
    others = [0, 1, 3]
    with torch.no_grad():
        with_it = network(fixed, moving, fixed_masks, moving_masks).displacement
        without_it = network(fixed, moving, fixed_masks[:, others], moving_masks[:, others]).displacement
    torch.testing.assert_close(with_it, without_it, atol=1e-5, rtol=1e-5)


def test_relabeling_the_structures_does_not_change_the_field():
    network = a_network(strength=0.03)
    fixed, moving, fixed_masks, moving_masks = a_pair(structures=5)
    with torch.no_grad():
        field = network(fixed, moving, fixed_masks, moving_masks).displacement
        for order in ([4, 3, 2, 1, 0], [2, 0, 4, 1, 3]):
            relabeled = network(fixed, moving, fixed_masks[:, order], moving_masks[:, order]).displacement
            assert torch.equal(relabeled, field)


def test_structures_are_told_apart_by_their_codes():
    network = a_network(strength=0.03)
    fixed, moving, fixed_masks, moving_masks = a_pair(structures=3)
    codes = random_codes(3, 8, np.random.default_rng(3))
    order = [2, 0, 1]
    with torch.no_grad():
        field = network(fixed, moving, fixed_masks, moving_masks, codes).displacement
        along = network(fixed, moving, fixed_masks[:, order], moving_masks[:, order], codes[order]).displacement
        exchanged = network(fixed, moving, fixed_masks, moving_masks[:, order], codes).displacement
    torch.testing.assert_close(along, field, atol=1e-4, rtol=1e-4)
    assert (exchanged - field).abs().max() > 0.01


def test_the_velocity_gives_a_mapping_and_its_inverse_without_folds():
    with torch.no_grad():
        prediction = a_network(strength=0.01, integration_steps=7)(*a_pair((32, 28, 30)))
    there, back = prediction.displacement, integrate(-prediction.velocity, 7)
    inner = (slice(None), slice(None), *3 * [slice(4, -4)])
    left = compose(there, back)[inner].abs().mean()
    assert there.abs().max() > 1
    assert left < 0.05 * there[inner].abs().mean()
    assert left < 0.3 * compose(there, -there)[inner].abs().mean()
    assert voxel_jacobian(there).min() > 0


def test_at_full_resolution_the_displacement_is_the_flow_of_the_velocity():
    network = a_network(strength=0.03, field_stride=1)
    with torch.no_grad():
        prediction = network(*a_pair((16, 24, 20)))
    torch.testing.assert_close(prediction.displacement, integrate(prediction.velocity, 5))


def test_the_sum_of_displacements_has_no_velocity():
    with torch.no_grad():
        prediction = a_network("paper")(*a_pair())
    assert prediction.velocity is None


def test_a_level_field_is_added_where_the_coarser_one_points():
    """phi^1 = phi'^1 + 2 up(phi'^2) with constant heads, so the outcome is known: b1 + 2 b2 voxels."""
    network = a_network(composition="sum", field_stride=1)
    with torch.no_grad():
        for level, bias in zip(network.levels, ([1.0, 0.0, -0.5], [0.25, 0.5, 1.0])):
            level.head.weight.zero_()
            level.match_head.weight.zero_()
            level.head.bias.copy_(torch.tensor(bias))
        displacement = network(*a_pair((16, 18, 20))).displacement
    expected = torch.tensor([1.5, 1.0, 1.5]).view(1, 3, 1, 1, 1).expand_as(displacement)
    torch.testing.assert_close(displacement, expected)


def test_gradient_checkpointing_changes_neither_field_nor_gradient():
    gradients, fields = [], []
    for checkpointing in (False, True):
        network = a_network(strength=0.03)
        network.gradient_checkpointing = checkpointing
        prediction = network(*a_pair())
        prediction.displacement.square().sum().backward()
        fields.append(prediction.displacement.detach())
        gradients.append(torch.cat([weight.grad.flatten() for weight in network.parameters()]))
    torch.testing.assert_close(fields[0], fields[1])
    torch.testing.assert_close(gradients[0], gradients[1], atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f, m, fm, mm: (f, m[..., :-1], fm, mm), "same shape"),
        (lambda f, m, fm, mm: (f, m, fm[..., :-1], mm), "do not fit"),
        (lambda f, m, fm, mm: (f, m, fm, mm[:, :-1]), "same structures"),
    ],
)
def test_shapes_that_do_not_fit_are_refused_with_a_sentence(change, words):
    with pytest.raises(InputError, match=words):
        a_network()(*change(*a_pair()))
