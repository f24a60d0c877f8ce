"""Local matching against a brute-force loop, and what it finds where the answer is known."""

import itertools

import pytest
import torch
from SAMRegistrationLib.network.matching import LocalMatching


@pytest.mark.parametrize("radius", [1, 2])
def test_matching_equals_a_loop_over_voxels(radius):
    torch.manual_seed(0)
    heads, channels, shape = 2, 6, (4, 5, 3)
    matching = LocalMatching(channels, heads, radius).double()
    torch.nn.init.normal_(matching.key.weight)
    fixed, moving = torch.randn(2, 2, channels, *shape, dtype=torch.float64)
    found = matching(fixed, moving)

    query = matching.query(matching.norm_fixed(fixed.movedim(1, -1)))
    key = matching.key(matching.norm_moving(moving.movedim(1, -1)))
    offsets = torch.tensor(list(itertools.product(range(-radius, radius + 1), repeat=3)))
    size = channels // heads
    for pair, head in itertools.product(range(2), range(heads)):
        part = slice(head * size, (head + 1) * size)
        for place in itertools.product(*map(range, shape)):
            places = torch.minimum((torch.tensor(place) + offsets).clamp(min=0), torch.tensor(shape) - 1)
            keys = key[pair][places.unbind(1)][:, part]
            share = torch.softmax(keys @ query[pair][place][part] / size**0.5, 0)
            expected = (share[:, None] * offsets).sum(0)
            torch.testing.assert_close(found[pair, 3 * head : 3 * head + 3][(slice(None), *place)], expected)


def test_untrained_matching_finds_a_shift_by_one_voxel():
    torch.manual_seed(0)
    matching = LocalMatching(64, 2, 1)
    moving = torch.randn(1, 64, 8, 8, 8)
    fixed = moving.roll(-1, dims=3)
    inner = matching(4 * fixed, 4 * moving)[..., 2:-2, 2:-2, 2:-2].unflatten(1, (2, 3)).mean((0, 1, 3, 4, 5))
    torch.testing.assert_close(inner, torch.tensor([0.0, 1.0, 0.0]), atol=0.2, rtol=0)


def test_nothing_to_tell_apart_is_no_displacement():
    matching = LocalMatching(8, 2, 1)
    features = torch.randn(1, 8, 1, 1, 1).expand(1, 8, 5, 4, 6)
    torch.testing.assert_close(matching(features, features), torch.zeros(1, 6, 5, 4, 6), atol=1e-6, rtol=0)
