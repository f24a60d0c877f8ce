"""What the registration asks of the network, and what the weights that ship answer."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from SAMRegistrationLib.geometry.dense import integrate, resize_field, warp
from SAMRegistrationLib.losses.dice import soft_dice
from SAMRegistrationLib.network import NetworkConfig, RegistrationNetwork
from SAMRegistrationLib.registration import predict
from SAMRegistrationLib.registration.mask_channels import Structures
from SAMRegistrationLib.registration.predict import default_weights, predict_velocity, prediction_shape
from SAMRegistrationLib.training.registration.deformation import DeformationRange
from SAMRegistrationLib.training.registration.synthetic import SyntheticOptions, SyntheticPairs

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Resources" / "Training"))
from keep_image_path import combined


def test_a_volume_within_the_limit_is_predicted_as_it_is():
    assert prediction_shape((10, 20, 30), (1, 1, 1), 6000) == (10, 20, 30)


@pytest.mark.parametrize("shape", [(100, 100, 100), (80, 200, 120)])
def test_a_large_volume_is_predicted_on_a_coarser_grid_of_the_same_proportions(shape):
    smaller = prediction_shape(shape, (1, 1, 1), 200_000)
    assert 100_000 < np.prod(smaller) <= 200_000
    np.testing.assert_allclose(np.divide(shape, smaller), np.divide(shape, smaller).mean(), rtol=0.05)


def test_thick_slices_are_kept_when_the_grid_is_made_coarser():
    assert prediction_shape((10, 256, 256), (8.0, 1.3, 1.3), 300_000)[0] == 10


@pytest.fixture(scope="module")
def synthetic_pairs():
    options = SyntheticOptions(
        shapes=((32, 40, 36),), multimodal=0.0, masks=0.0, partial_view=0.0, deformation=DeformationRange(strength=0.8)
    )
    pairs = SyntheticPairs(options, seed=987)
    return [pairs[number] for number in range(6)]


def _overlap(pair, displacement) -> float:
    return 1 - float(soft_dice(pair.fixed_labels, warp(pair.moving_labels, displacement)))


@pytest.mark.parametrize("limit", [500_000, 25_000])
def test_the_weights_that_ship_bring_unseen_synthetic_pairs_closer(synthetic_pairs, monkeypatch, limit):
    monkeypatch.setitem(predict.LARGEST_PREDICTION, "cpu", limit)
    before, after = [], []
    for pair in synthetic_pairs:
        shape = pair.fixed.shape[2:]
        velocity, name = predict_velocity(pair.fixed, pair.moving, None, (1.0, 1.0, 1.0), None)
        assert np.prod(velocity.shape[2:]) <= limit
        before.append(_overlap(pair, torch.zeros(1, 3, *shape)))
        after.append(_overlap(pair, integrate(resize_field(velocity, shape), 7)))
    assert name == default_weights().name
    assert np.mean(after) > np.mean(before) + 0.05


def test_masks_lead_the_weights_that_ship_where_the_images_show_nothing():
    """Two balls that grow, shrink and move, in images of nothing but noise."""
    grid = torch.stack(torch.meshgrid(*(torch.arange(n).float() for n in (32, 40, 36)), indexing="ij"))

    def balls(*parts):
        distances = [(grid - torch.tensor(center).view(3, 1, 1, 1)).norm(dim=0) - radius for center, radius in parts]
        return torch.stack([(distance < 0).float() for distance in distances])[None]

    fixed, moving = balls(((16.0, 12, 18), 7), ((16.0, 28, 18), 5)), balls(((16.0, 14, 18), 5), ((16.0, 27, 20), 6.5))
    images = 0.5 + 0.02 * torch.rand(2, 1, 1, 32, 40, 36, generator=torch.Generator().manual_seed(0))

    def overlap(structures):
        velocity, _ = predict_velocity(*images, structures, (1.0, 1.0, 1.0), None)
        field = (
            torch.zeros(1, 3, 32, 40, 36) if velocity is None else integrate(resize_field(velocity, (32, 40, 36)), 7)
        )
        return 1 - float(soft_dice(fixed, warp(moving, field)))

    before = 1 - float(soft_dice(fixed, moving))
    assert overlap(None) < before + 0.03
    assert overlap(Structures((1, 2), (1, 2), fixed, moving)) > before + 0.08


def test_weights_that_keep_their_image_path_answer_as_before_without_masks():
    torch.manual_seed(0)
    networks = [RegistrationNetwork(NetworkConfig.from_preset("fast")).eval() for _ in range(3)]
    start, tuned, network = networks
    for each in (start, tuned):
        for parameter in each.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
    network.load_state_dict(combined(start.state_dict(), tuned.state_dict()))
    images, masks = torch.rand(2, 1, 1, 16, 20, 18), (torch.rand(2, 1, 2, 16, 20, 18) > 0.5).float()
    with torch.no_grad():
        assert torch.equal(network(*images).displacement, start(*images).displacement)
        assert not torch.allclose(network(*images, *masks).displacement, start(*images, *masks).displacement)
