"""Cross-attention between two volumes within windows.

Source: the window attention with relative position bias of Liu et al., Swin Transformer, ICCV 2021, with queries
from one volume and keys and values from the other, as in Xu et al., IPMI 2025.
"""

from typing import List

import torch
import torch.nn.functional as F
from torch import nn

from .windows import Shape, WindowLayout

MAX_WINDOWS = 32768  # a CUDA attention kernel refuses batches over 65535; this also bounds the memory on a CPU


class WindowCrossAttention(nn.Module):
    """softmax(Q K^T / sqrt(d) + relative position bias) V within windows; Q from `y`, K and V from `x`.

    Shape: x, y and result (B, D, H, W, C).
    """

    def __init__(self, channels: int, heads: int, window: int):
        super().__init__()
        self.heads, self.window = heads, window
        self.query = nn.Linear(channels, channels)
        self.key_value = nn.Linear(channels, 2 * channels)
        self.out = nn.Linear(channels, channels)
        self.position_bias = nn.Parameter(torch.empty(heads, *3 * [2 * window - 1]))
        nn.init.trunc_normal_(self.position_bias, std=0.02)

    def forward(self, x: torch.Tensor, y: torch.Tensor, layout: WindowLayout) -> torch.Tensor:
        query = self._to_heads(layout.split(self.query(y)))
        key, value = (self._to_heads(part) for part in layout.split(self.key_value(x)).chunk(2, dim=-1))
        bias = self._bias(layout.window)[None].to(query.dtype)
        parts = zip(*(tensor.split(MAX_WINDOWS) for tensor in (query, key, value)))
        attended = [F.scaled_dot_product_attention(q, k, v, attn_mask=bias) for q, k, v in parts]
        windows = attended[0] if len(attended) == 1 else torch.cat(attended)
        return self.out(layout.merge(windows.transpose(1, 2).flatten(2)))

    def _to_heads(self, windows: torch.Tensor) -> torch.Tensor:
        return windows.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def _bias(self, window: Shape) -> torch.Tensor:
        """(heads, T, T): the table's entry for key position minus query position, T tokens in row-major order."""
        position = self._grid(window)
        relative = position[None, :] - position[:, None] + self.window - 1
        z, y, x = relative.unbind(-1)
        return self.position_bias[:, z, y, x]

    def _grid(self, window: Shape) -> torch.Tensor:
        axes = [torch.arange(size, device=self.position_bias.device) for size in window]
        return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).reshape(-1, 3)


class CrossBlock(nn.Module):
    """x + attention(Q from LN(y), K and V from LN(x)), then x + MLP(LN(x)); (B, D, H, W, C)."""

    def __init__(self, channels: int, heads: int, window: int, mlp_ratio: float):
        super().__init__()
        hidden = max(int(channels * mlp_ratio), 1)
        self.norm_x, self.norm_y, self.norm_mlp = (nn.LayerNorm(channels) for _ in range(3))
        self.attention = WindowCrossAttention(channels, heads, window)
        self.mlp = nn.Sequential(nn.Linear(channels, hidden), nn.GELU(), nn.Linear(hidden, channels))

    def forward(self, x: torch.Tensor, y: torch.Tensor, layout: WindowLayout) -> torch.Tensor:
        x = x + self.attention(self.norm_x(x), self.norm_y(y), layout)
        return x + self.mlp(self.norm_mlp(x))


class CrossAttention(nn.Module):
    """CA(x, y): `depth` blocks, every second one with shifted windows; x, y and result (B, C, D, H, W)."""

    def __init__(self, channels: int, heads: int, depth: int, window: int, mlp_ratio: float):
        super().__init__()
        self.blocks = nn.ModuleList(CrossBlock(channels, heads, window, mlp_ratio) for _ in range(depth))

    def forward(self, x: torch.Tensor, y: torch.Tensor, layouts: List[WindowLayout]) -> torch.Tensor:
        """`layouts`: the plain and the shifted layout of this token grid."""
        x, y = x.movedim(1, -1), y.movedim(1, -1)
        for number, block in enumerate(self.blocks):
            x = block(x, y, layouts[number % 2])
        return x.movedim(-1, 1)
