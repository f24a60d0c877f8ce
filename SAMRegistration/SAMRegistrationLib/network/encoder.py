"""Convolutional feature pyramid."""

from typing import Callable, List, Sequence

import torch
from torch import nn


def call(module: nn.Module, *inputs: torch.Tensor):
    """``module(*inputs)``: the plain way to run a part of the network."""
    return module(*inputs)


class Encoder(nn.Module):
    """Feature pyramid of a volume, each level half the size of the one before.

    A level is (Conv 3^3 -> LeakyReLU 0.2 -> InstanceNorm) twice, with max-pooling between levels. Where the finest
    level is coarser than the volume, its first convolution makes the step: kernel 2 * stride, so that a voxel of the
    level sits in the middle of the voxels that it stands for, as after pooling.

    Shape: input (B, in_channels, D, H, W) with D, H, W multiples of ``stride * 2 ** (levels - 1)``;
    output level l: (B, channels[l], D / (stride * 2^l), H / (stride * 2^l), W / (stride * 2^l)).
    """

    def __init__(self, in_channels: int, channels: Sequence[int], stride: int = 1):
        super().__init__()
        sizes = [in_channels, *channels]
        strides = [stride] + [1] * (len(channels) - 1)
        self.levels = nn.ModuleList(
            nn.Sequential(*_convolution(before, after, step), *_convolution(after, after))
            for before, after, step in zip(sizes, sizes[1:], strides)
        )
        self.pool = nn.MaxPool3d(2)

    def forward(self, volume: torch.Tensor, run: Callable = call) -> List[torch.Tensor]:
        """Features of every level, finest first; `run(module, *inputs)` runs a part."""
        features = []
        for level in self.levels:
            volume = run(level, self.pool(volume) if features else volume)
            features.append(volume)
        return features


def _convolution(before: int, after: int, stride: int = 1) -> List[nn.Module]:
    kernel, padding = (3, 1) if stride == 1 else (2 * stride, stride // 2)
    convolution = nn.Conv3d(before, after, kernel, stride=stride, padding=padding)
    return [convolution, nn.LeakyReLU(0.2), nn.InstanceNorm3d(after)]
