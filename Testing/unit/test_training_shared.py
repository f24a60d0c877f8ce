"""What both trainings share: schedule, update with moving average, states to go on from, settings, the spline."""

import copy
from dataclasses import dataclass
from typing import List, Optional

import numpy as np
import pytest
import torch
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.geometry.bspline import cubic_bspline
from SAMRegistrationLib.training.optimization import Optimization
from SAMRegistrationLib.training.schedule import cosine_decay, linear_warmup
from SAMRegistrationLib.training.settings import read_settings
from scipy.interpolate import BSpline


def stepped(optimization, decays, seed=0):
    """The weights after each of some steps on random data, one with each decay."""
    generator = torch.Generator().manual_seed(seed)
    weights = []
    for decay in decays:
        optimization.clear_gradients()
        optimization.network(torch.randn(4, 3, generator=generator)).square().sum().backward()
        optimization.clip(1.0)
        optimization.step(0.1, decay)
        weights.append(optimization.network.weight.detach().clone())
    return weights


def test_the_learning_rate_rises_linearly_and_falls_along_half_a_cosine():
    assert [linear_warmup(step, 4) for step in range(6)] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    assert linear_warmup(0, 0) == 1
    assert [cosine_decay(share) for share in (0, 0.5, 1, 2)] == pytest.approx([1, 0.5, 0, 0])
    assert cosine_decay(1 / 3, 0.2) == pytest.approx(0.2 + 0.8 * 0.75)


def test_the_average_follows_the_weights_exponentially():
    torch.manual_seed(0)
    network = torch.nn.Linear(3, 2)
    optimization = Optimization(network, network.parameters(), 0.01)
    first, second, third = stepped(optimization, (0.0, 0.5, 0.75))
    expected = 0.75 * (0.5 * first + 0.5 * second) + 0.25 * third
    assert torch.allclose(optimization.average.weight, expected, atol=1e-6)


def test_a_group_learns_at_its_share_of_the_rate():
    network = torch.nn.Linear(3, 2)
    before = copy.deepcopy(network)
    groups = [{"params": [network.weight], "rate_share": 0.25}, {"params": [network.bias]}]
    stepped(Optimization(network, groups, 0.0), (0.0,))  # the first step of Adam is as long as the rate
    assert torch.allclose((network.weight - before.weight).abs(), torch.full((2, 3), 0.025), atol=1e-4)
    assert torch.allclose((network.bias - before.bias).abs(), torch.full((2,), 0.1), atol=1e-4)


@pytest.mark.parametrize("form", ["tensors", "state"])
def test_a_restored_state_goes_on_exactly(form):
    torch.manual_seed(0)
    network = torch.nn.Linear(3, 2)
    first = Optimization(network, network.parameters(), 0.01)
    stepped(first, (0.0, 0.5, 0.5))
    other = torch.nn.Linear(3, 2)
    second = Optimization(other, other.parameters(), 0.01)
    if form == "tensors":
        second.load_tensors(copy.deepcopy(first.tensors()), 3)
    else:
        second.load_state(copy.deepcopy(first.state(3)))
    for optimization in (first, second):
        stepped(optimization, (0.5, 0.5), seed=1)
    assert torch.equal(first.network.weight, second.network.weight)
    assert torch.equal(first.average.weight, second.average.weight)


def test_the_state_is_that_of_averaged_models_of_pytorch_which_earlier_versions_stored():
    network = torch.nn.Linear(3, 2)
    optimization = Optimization(network, network.parameters(), 0.0)
    averaged = torch.optim.swa_utils.AveragedModel(torch.nn.Linear(3, 2))
    state = {**optimization.state(0), "averaged": averaged.state_dict()}
    optimization.load_state(state)
    assert torch.equal(optimization.average.weight, averaged.module.weight)
    averaged.load_state_dict(optimization.state(5)["averaged"])
    assert int(averaged.n_averaged) == 5


@dataclass(frozen=True)
class Part:
    size: int


@dataclass(frozen=True)
class Whole:
    parts: List[Part]
    limit: Optional[int] = None


def test_lists_of_tables_and_optional_numbers_are_read(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text("limit = 3\nparts = [{size = 1}, {size = 2}]", encoding="utf-8")
    assert read_settings(path, Whole) == Whole([Part(1), Part(2)], 3)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("parts = 3", '"parts" of the configuration .* must be a list of tables'),
        ("parts = [{size = 'a'}]", '"parts.size"'),
        ("parts = []\nlimit = 1.5", '"limit".* must be a whole number'),
        ("limit = 1", 'lacks the entry "parts"'),
        ("parts = [{size = 1, color = 2}]", 'unknown entry "parts.color"'),
    ],
)
def test_an_entry_that_does_not_fit_is_named(tmp_path, text, complaint):
    path = tmp_path / "a.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=complaint):
        read_settings(path, Whole)


def test_the_cubic_spline_is_that_of_scipy_and_sums_to_one():
    distance = np.linspace(-3, 3, 101)
    expected = BSpline.basis_element([-2, -1, 0, 1, 2], extrapolate=False)(distance)
    found = cubic_bspline(torch.from_numpy(distance).abs())
    assert np.allclose(found, np.nan_to_num(expected), atol=1e-12)
    shifted = [cubic_bspline(torch.tensor([abs(0.3 - knot)])) for knot in range(-2, 4)]
    assert float(sum(shifted)) == pytest.approx(1)
