"""Layers that the parts of the network share."""

import torch
from torch import nn
from torch.nn import functional as F


class ChannelNorm(nn.LayerNorm):
    """Layer normalization of the channels (B, C, H, W) of each place."""

    def __init__(self, channels: int):
        super().__init__(channels, eps=1e-6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Perceptron(nn.Module):
    """`depth` linear layers with ReLU between them.

    Args:
        inputs, hidden, outputs: channels.
        depth: number of layers.
    """

    def __init__(self, inputs: int, hidden: int, outputs: int, depth: int):
        super().__init__()
        widths = [inputs, *[hidden] * (depth - 1), outputs]
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in zip(widths, widths[1:]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        *others, last = self.layers
        for layer in others:
            x = F.relu(layer(x))
        return last(x)


class FeedForward(nn.Module):
    """Two linear layers of a transformer block with an activation between them.

    Args:
        width, hidden: channels outside and inside.
        activation: function between the layers.
    """

    def __init__(self, width: int, hidden: int, activation):
        super().__init__()
        self.lin1 = nn.Linear(width, hidden)
        self.lin2 = nn.Linear(hidden, width)
        self.activation = activation

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.lin2(self.activation(self.lin1(x)))
