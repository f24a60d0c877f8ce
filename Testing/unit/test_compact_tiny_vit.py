"""The borrowed image encoder: its windows, and LiteMedSAM's weights with their batch normalizations folded in."""

import numpy as np
import pytest
import torch
from SAMRegistrationLib.errors import WeightsError
from SAMRegistrationLib.segmentation.compact.tiny_vit import HEAD, TinyVit, _Convolutions, _WindowAttention
from SAMRegistrationLib.training.clicks.lite_medsam import _convolution, _folded, read_lite_medsam
from torch.nn import functional as F


def test_attention_stays_in_its_window_and_is_biased_by_distance():
    torch.manual_seed(0)
    attention = _WindowAttention(2 * HEAD, 3)
    attention.bias.data.normal_()
    x = torch.randn(1, 5, 7, 2 * HEAD)
    with torch.no_grad():
        found = attention(x)
        tokens = F.pad(x, (0, 0, 0, 2, 0, 1))  # windows of 3 x 3 beyond 5 x 7 places
        for row, column in ((0, 0), (4, 6), (2, 3), (1, 5)):
            top, left = row // 3 * 3, column // 3 * 3
            places = [(top + r, left + c) for r in range(3) for c in range(3)]
            qkv = attention.qkv(attention.norm(torch.stack([tokens[0, r, c] for r, c in places])))
            mixed = []
            for head in range(2):
                q, k, v = qkv.reshape(9, 2, 3 * HEAD)[:, head].split(HEAD, 1)
                bias = [attention.bias[head, abs(r - row) * 3 + abs(c - column)] for r, c in places]
                weights = torch.softmax(q[places.index((row, column))] @ k.T / HEAD**0.5 + torch.stack(bias), 0)
                mixed.append(weights @ v)
            expected = attention.project(torch.cat(mixed))
            assert torch.allclose(found[0, row, column], expected, atol=1e-5)


def test_convolutions_in_strips_are_those_of_the_whole():
    torch.manual_seed(0)
    block = _Convolutions(8)
    x = torch.randn(2, 8, 37, 11)
    with torch.no_grad():
        expected = F.gelu(x + block.narrow(F.gelu(block.depthwise(F.gelu(block.widen(x))))))
        assert torch.allclose(block(x), expected, atol=1e-6)


def test_a_folded_convolution_is_the_convolution_and_its_normalization():
    torch.manual_seed(0)
    state = {
        "x.c.weight": torch.randn(6, 4, 3, 3),
        "x.bn.weight": torch.rand(6) + 0.5,
        "x.bn.bias": torch.randn(6),
        "x.bn.running_mean": torch.randn(6),
        "x.bn.running_var": torch.rand(6) + 0.1,
    }
    folded = _convolution(state, "y", "x")
    image = torch.randn(2, 4, 9, 9)
    plain = F.batch_norm(
        F.conv2d(image, state["x.c.weight"]),
        *(state[f"x.bn.{name}"] for name in ("running_mean", "running_var", "weight", "bias")),
    )
    assert torch.allclose(F.conv2d(image, folded["y.weight"], folded["y.bias"]), plain, atol=1e-4)


def lite_medsam_state():
    """Random tensors under the names of LiteMedSAM's image encoder."""
    rng = np.random.default_rng(0)
    state = {}

    def convolution(name, outputs, inputs, side):
        state[f"{name}.c.weight"] = torch.from_numpy(rng.normal(0, 0.1, (outputs, inputs, side, side))).float()
        for part in ("weight", "running_var"):
            state[f"{name}.bn.{part}"] = torch.from_numpy(rng.uniform(0.5, 1.5, outputs)).float()
        for part in ("bias", "running_mean"):
            state[f"{name}.bn.{part}"] = torch.from_numpy(rng.normal(0, 0.1, outputs)).float()

    def dense(name, *shape):
        state[name] = torch.from_numpy(rng.normal(0, 0.1, shape)).float()

    widths = (64, 128, 160, 320)
    convolution("patch_embed.seq.0", 32, 3, 1)
    convolution("patch_embed.seq.2", 64, 32, 1)
    for layer, (width, depth, window) in enumerate(zip(widths, (2, 2, 6, 2), (7, 7, 14, 7))):
        for block in range(depth):
            name = f"layers.{layer}.blocks.{block}"
            if layer == 0:
                convolution(f"{name}.conv1", 4 * width, width, 1)
                convolution(f"{name}.conv2", 4 * width, 1, 3)
                convolution(f"{name}.conv3", width, 4 * width, 1)
                continue
            dense(f"{name}.attn.attention_biases", width // 32, window**2)
            for part, *shape in (
                ("attn.norm", width),
                ("attn.qkv", 3 * width, width),
                ("attn.proj", width, width),
                ("mlp.norm", width),
                ("mlp.fc1", 4 * width, width),
                ("mlp.fc2", width, 4 * width),
            ):
                dense(f"{name}.{part}.weight", *shape)
                dense(f"{name}.{part}.bias", shape[0])
            convolution(f"{name}.local_conv", width, 1, 3)
        if layer < 3:
            after = widths[layer + 1]
            convolution(f"layers.{layer}.downsample.conv1", after, width, 1)
            convolution(f"layers.{layer}.downsample.conv2", after, 1, 3)
            convolution(f"layers.{layer}.downsample.conv3", after, after, 1)
    dense("neck.0.weight", 256, 320, 1, 1)
    dense("neck.2.weight", 256, 256, 3, 3)
    for number in (1, 3):
        dense(f"neck.{number}.weight", 256)
        dense(f"neck.{number}.bias", 256)
    return state


def test_the_encoder_of_lite_medsam_fills_every_weight_and_its_stem_sees_the_gray_image_in_all_channels():
    state = lite_medsam_state()
    vit = TinyVit().eval()
    vit.load_state_dict(_folded(state))
    image = torch.rand(1, 1, 32, 32)

    def normalized(x, name, **options):
        x = F.conv2d(x, state[f"{name}.c.weight"], **options)
        return F.batch_norm(x, *(state[f"{name}.bn.{k}"] for k in ("running_mean", "running_var", "weight", "bias")))

    x = normalized(F.gelu(normalized(image.expand(-1, 3, -1, -1), "patch_embed.seq.0")), "patch_embed.seq.2")
    assert torch.allclose(vit.stem(image), x, atol=1e-5)
    for block in range(2):
        name = f"layers.0.blocks.{block}"
        y = F.gelu(normalized(x, f"{name}.conv1"))
        y = F.gelu(normalized(y, f"{name}.conv2", padding=1, groups=256))
        x = F.gelu(x + normalized(y, f"{name}.conv3"))
    y = F.gelu(normalized(x, "layers.0.downsample.conv1"))
    y = F.gelu(normalized(y, "layers.0.downsample.conv2", stride=2, padding=1, groups=128))
    assert torch.allclose(
        vit.at_full(vit.stem(image)), normalized(y, "layers.0.downsample.conv3"), rtol=1e-3, atol=1e-4
    )
    assert vit(image).shape == (1, 256, 8, 8)


@pytest.mark.parametrize("content", [None, b"no weights", {"image_encoder.neck.0.weight": torch.zeros(2)}, [1]])
def test_what_is_not_lite_medsam_gives_one_sentence(tmp_path, content):
    path = tmp_path / "lite_medsam.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        torch.save(content, path)
    with pytest.raises(WeightsError, match="LiteMedSAM"):
        read_lite_medsam(path)
