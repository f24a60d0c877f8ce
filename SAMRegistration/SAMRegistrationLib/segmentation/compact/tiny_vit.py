"""TinyViT image encoder at a quarter of the resolution: that of LiteMedSAM, whose weights the built-in model borrows.

Architecture: Wu et al., "TinyViT", ECCV 2022, with the strides of LiteMedSAM (https://github.com/bowang-lab/MedSAM,
Apache-2.0). Its batch normalizations are folded into the convolutions before them, so the weights are made for use as
they are, not for further training.
"""

from typing import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from ..sam.layers import ChannelNorm

HEAD = 32
NECK = 256
STRIP_ROWS = 16


class TinyVit(nn.Module):
    """Features (B, 256, S/4, S/4) of gray images (B, 1, S, S) in [0, 1], S divisible by 4.

    Args:
        widths: channels of the four stages at S, S/2, S/4 and S/4, divisible by 32.

    Example:
        >>> TinyVit((32, 32, 32, 32))(torch.rand(1, 1, 64, 64)).shape
        torch.Size([1, 256, 16, 16])
    """

    def __init__(self, widths: Sequence[int] = (64, 128, 160, 320)):
        super().__init__()
        first, second, third, fourth = widths
        self.stem = nn.Sequential(nn.Conv2d(1, first // 2, 1), _Gelu(), nn.Conv2d(first // 2, first, 1))
        self.at_full = nn.Sequential(_Convolutions(first), _Convolutions(first), _Merging(first, second, 2))
        self.at_half = nn.Sequential(*(_Attention(second, 7) for _ in range(2)), _Merging(second, third, 2))
        self.at_quarter = nn.Sequential(*(_Attention(third, 14) for _ in range(6)), _Merging(third, fourth, 1))
        self.deepest = nn.Sequential(*(_Attention(fourth, 7) for _ in range(2)))
        self.neck = nn.Sequential(
            nn.Conv2d(fourth, NECK, 1, bias=False),
            ChannelNorm(NECK),
            nn.Conv2d(NECK, NECK, 3, 1, 1, bias=False),
            ChannelNorm(NECK),
        )

    @torch.no_grad()
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.neck(self.deepest(self.at_quarter(self.at_half(self.at_full(self.stem(image))))))


def _gelu(x):
    """GELU in place, without a gradient: no memory for a second copy, which takes a tenth of the encoder's time."""
    return torch.ops.aten.gelu_(x)


class _Gelu(nn.Module):
    def forward(self, x):
        return _gelu(x)


class _Convolutions(nn.Module):
    """Inverted bottleneck: pointwise, depthwise and pointwise convolution around a shortcut.

    A CPU computes it in strips of rows, so that the widened features of a strip stay in its cache.
    """

    def __init__(self, width):
        super().__init__()
        self.widen = nn.Conv2d(width, 4 * width, 1)
        self.depthwise = nn.Conv2d(4 * width, 4 * width, 3, 1, 1, groups=4 * width)
        self.narrow = nn.Conv2d(4 * width, width, 1)

    def forward(self, x):
        height = x.shape[2]
        rows = STRIP_ROWS if x.device.type == "cpu" else height
        strips = []
        for first in range(0, height, rows):
            above = min(first, 1)
            wide = _gelu(self.widen(x[:, :, first - above : first + rows + 1]))
            wide = _gelu(self.depthwise(wide))[:, :, above : above + rows]
            strips.append(_gelu(x[:, :, first : first + rows] + self.narrow(wide)))
        return torch.cat(strips, dim=2)


class _Merging(nn.Module):
    """Other channels, and half the resolution with stride 2."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.widen = nn.Conv2d(inputs, outputs, 1)
        self.depthwise = nn.Conv2d(outputs, outputs, 3, stride, 1, groups=outputs)
        self.mix = nn.Conv2d(outputs, outputs, 1)

    def forward(self, x):
        return self.mix(_gelu(self.depthwise(_gelu(self.widen(x)))))


class _Attention(nn.Module):
    """Attention in windows, a depthwise convolution across their borders, and a perceptron."""

    def __init__(self, width, window):
        super().__init__()
        self.attention = _WindowAttention(width, window)
        self.depthwise = nn.Conv2d(width, width, 3, 1, 1, groups=width)
        self.perceptron = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), _Gelu(), nn.Linear(4 * width, width)
        )

    def forward(self, x):
        x = x.permute(0, 2, 3, 1)
        x = x + self.attention(x)
        x = self.depthwise(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return (x + self.perceptron(x)).permute(0, 3, 1, 2)


class _WindowAttention(nn.Module):
    """Self-attention of the places (B, H, W, C) of each window, biased by how far apart they are."""

    def __init__(self, width, window):
        super().__init__()
        self.window = window
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.bias = nn.Parameter(torch.zeros(width // HEAD, window * window))
        place = torch.arange(window)
        apart = (place[:, None] - place).abs()
        rows = apart.repeat_interleave(window, 0).repeat_interleave(window, 1)
        self.register_buffer("offset", rows * window + apart.repeat(window, window), persistent=False)

    def forward(self, x):
        count, height, width, channels = x.shape
        side = self.window
        rows, columns = -(-height // side), -(-width // side)
        x = F.pad(x, (0, 0, 0, columns * side - width, 0, rows * side - height))
        windows = x.reshape(count, rows, side, columns, side, channels).transpose(2, 3)
        tokens = self.norm(windows.reshape(-1, side * side, channels))
        heads = self.qkv(tokens).reshape(len(tokens), side * side, -1, 3 * HEAD).transpose(1, 2)
        mixed = F.scaled_dot_product_attention(*heads.chunk(3, -1), self.bias[:, self.offset][None])
        mixed = self.project(mixed.transpose(1, 2).reshape(tokens.shape)).reshape(windows.shape)
        return mixed.transpose(2, 3).reshape(x.shape)[:, :height, :width]
