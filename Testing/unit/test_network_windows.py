"""Attention windows on grids of any size, and attention against a brute-force loop."""

import itertools

import pytest
import torch
from SAMRegistrationLib.network.attention import CrossAttention, WindowCrossAttention
from SAMRegistrationLib.network.windows import WindowLayout

SHAPES = [(10, 5, 15), (7, 12, 3), (1, 6, 11), (4, 4, 4), (23, 6, 5)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("shifted", [False, True])
def test_what_is_cut_into_windows_is_put_together_again(shape, shifted):
    layout = WindowLayout(shape, 5, shifted, torch.device("cpu"))
    tokens = torch.rand(2, *shape, 3)
    assert torch.equal(layout.merge(layout.split(tokens)), tokens)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("shifted", [False, True])
def test_every_window_is_a_block_of_neighboring_tokens_inside_the_volume(shape, shifted):
    layout = WindowLayout(shape, 5, shifted, torch.device("cpu"))
    coordinates = torch.stack(torch.meshgrid(*[torch.arange(size) for size in shape], indexing="ij"), dim=-1)[None]
    windows = layout.split(coordinates)
    extent = windows.amax(1) - windows.amin(1) + 1
    assert (extent == torch.tensor([min(size, 5) for size in shape])).all()
    assert all(len(window.unique(dim=0)) == windows.shape[1] for window in windows)


def test_shifted_windows_join_what_plain_windows_separate():
    plain, shifted = (WindowLayout((10, 10, 10), 5, shift, torch.device("cpu")) for shift in (False, True))
    tokens = torch.zeros(1, 10, 10, 10, 1)
    tokens[0, 4:6] = 1
    assert plain.split(tokens).sum(1).max() == 25
    assert shifted.split(tokens).sum(1).max() == 50


@pytest.mark.parametrize("shifted", [False, True])
def test_attention_equals_a_loop_over_tokens(shifted):
    torch.manual_seed(0)
    shape, heads, channels, window = (4, 7, 2), 2, 6, 3
    attention = WindowCrossAttention(channels, heads, window).double()
    torch.nn.init.normal_(attention.position_bias)
    x, y = torch.randn(2, 1, *shape, channels, dtype=torch.float64)
    layout = WindowLayout(shape, window, shifted, torch.device("cpu"))
    found = attention(x, y, layout)

    query = attention.query(y)[0]
    key, value = attention.key_value(x)[0].chunk(2, dim=-1)
    coordinates = torch.stack(torch.meshgrid(*[torch.arange(size) for size in shape], indexing="ij"), dim=-1)
    members = layout.split(coordinates[None])
    owner = layout.merge(torch.arange(len(members))[:, None, None].expand(-1, members.shape[1], 1))[0, ..., 0]
    size = channels // heads
    expected = torch.zeros(*shape, channels, dtype=torch.float64)
    for place in itertools.product(*map(range, shape)):
        others = members[owner[place]]
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            scores, values = [], []
            for other in others:
                offset = other - torch.tensor(place)
                z, row, column = (offset + window - 1).tolist()
                bias = attention.position_bias[head, z, row, column]
                scores.append(query[place][part] @ key[tuple(other)][part] / size**0.5 + bias)
                values.append(value[tuple(other)][part])
            expected[place][part] = torch.softmax(torch.stack(scores), 0) @ torch.stack(values)
    torch.testing.assert_close(found[0], attention.out(expected))


def test_more_windows_than_a_kernel_takes_give_the_same_result(monkeypatch):
    torch.manual_seed(0)
    attention = CrossAttention(4, 2, 2, 3, 2.0)
    x, y = torch.randn(2, 1, 4, 9, 8, 7)
    layouts = [WindowLayout((9, 8, 7), 3, shifted, torch.device("cpu")) for shifted in (False, True)]
    whole = attention(x, y, layouts)
    monkeypatch.setattr("SAMRegistrationLib.network.attention.MAX_WINDOWS", 4)
    torch.testing.assert_close(attention(x, y, layouts), whole)
