"""Vision transformer that computes the features of an image: attention in windows, and in a few blocks over all."""

from typing import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from .layers import ChannelNorm, FeedForward


class ImageEncoder(nn.Module):
    """Features (B, features, grid, grid) of images (B, 3, S, S), S = grid * patch.

    Args:
        grid: patches along a side.
        patch: side of a patch in pixels.
        width: channels of the blocks.
        heads: of their attention.
        reach: for each block, the side of its windows in patches; `grid` attends to the whole image.
        hidden: channels inside the perceptrons.
        features: channels of the result.
    """

    def __init__(self, grid: int, patch: int, width: int, heads: int, reach: Sequence[int], hidden: int, features: int):
        super().__init__()
        self.size = grid * patch
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, patch, patch)})
        self.pos_embed = nn.Parameter(torch.zeros(1, grid, grid, width))
        self.blocks = nn.ModuleList(Block(width, heads, side, hidden) for side in reach)
        self.neck = nn.Sequential(
            nn.Conv2d(width, features, 1, bias=False),
            ChannelNorm(features),
            nn.Conv2d(features, features, 3, 1, 1, bias=False),
            ChannelNorm(features),
        )

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self.patch_embed["proj"](image).permute(0, 2, 3, 1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.neck(x.permute(0, 3, 1, 2))


class Block(nn.Module):
    """Attention in windows of `side` patches and a perceptron, each around a shortcut, on (B, H, W, width)."""

    def __init__(self, width: int, heads: int, side: int, hidden: int):
        super().__init__()
        self.side = side
        self.norm1, self.norm2 = (nn.LayerNorm(width, eps=1e-6) for _ in range(2))
        self.attn = WindowAttention(width, heads, side)
        self.mlp = FeedForward(width, hidden, F.gelu)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self._in_windows(self.norm1(x))
        return x + self.mlp(self.norm2(x))

    def _in_windows(self, x):
        count, height, width, channels = x.shape
        side = self.side
        rows, columns = -(-height // side), -(-width // side)
        x = F.pad(x, (0, 0, 0, columns * side - width, 0, rows * side - height))
        windows = x.reshape(count, rows, side, columns, side, channels).transpose(2, 3)
        mixed = self.attn(windows.reshape(-1, side, side, channels)).reshape(windows.shape)
        return mixed.transpose(2, 3).reshape(x.shape)[:, :height, :width]


class WindowAttention(nn.Module):
    """Self-attention of the places of windows (B, side, side, width), biased by learned codes of their distance.

    The bias of a query for a key is its product with the code of their distance in rows plus that in columns.
    """

    def __init__(self, width: int, heads: int, side: int):
        super().__init__()
        self.heads, self.side = heads, side
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.rel_pos_h, self.rel_pos_w = (nn.Parameter(torch.zeros(2 * side - 1, width // heads)) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        count, side = len(x), self.side
        query, key, value = self.qkv(x).reshape(count, side**2, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        place = torch.arange(side, device=x.device)
        apart = place[:, None] - place + side - 1
        placed = query.unflatten(2, (side, side))
        rows = torch.einsum("bnyxc,ykc->bnyxk", placed, self.rel_pos_h[apart])
        columns = torch.einsum("bnyxc,xkc->bnyxk", placed, self.rel_pos_w[apart])
        bias = (rows[..., None] + columns[..., None, :]).reshape(count, self.heads, side**2, side**2)
        mixed = F.scaled_dot_product_attention(query, key, value, bias)
        return self.proj(mixed.transpose(1, 2).reshape(x.shape))
