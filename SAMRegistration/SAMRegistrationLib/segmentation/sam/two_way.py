"""Transformer in which prompt tokens and image features attend to each other."""

from typing import Tuple

import torch
from torch import nn
from torch.nn import functional as F

from .layers import FeedForward


class Attention(nn.Module):
    """Attention with several heads over projections of a width of their own.

    Args:
        dim: channels of what comes and goes.
        inner: channels inside, divisible by `heads`.
        heads: number of heads.
    """

    def __init__(self, dim: int, inner: int, heads: int):
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(dim, inner) for _ in range(3))
        self.out_proj = nn.Linear(inner, dim)

    def forward(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        """(N, Q, dim) for queries (N, Q, dim), keys and values (N, K, dim)."""
        projected = (self.q_proj(query), self.k_proj(key), self.v_proj(value))
        mixed = F.scaled_dot_product_attention(*(x.unflatten(-1, (self.heads, -1)).transpose(1, 2) for x in projected))
        return self.out_proj(mixed.transpose(1, 2).flatten(2))


class TwoWayBlock(nn.Module):
    """Tokens attend to each other, then to the image, pass a perceptron, and the image attends to them.

    Args:
        dim, heads, mlp: channels, heads, and channels inside the perceptron.
        first: whether the tokens are still the prompts, whose position is in them already.
    """

    def __init__(self, dim: int, heads: int, mlp: int, first: bool):
        super().__init__()
        self.first = first
        self.self_attn = Attention(dim, dim, heads)
        self.cross_attn_token_to_image = Attention(dim, dim // 2, heads)
        self.cross_attn_image_to_token = Attention(dim, dim // 2, heads)
        self.mlp = FeedForward(dim, mlp, F.relu)
        self.norm1, self.norm2, self.norm3, self.norm4 = (nn.LayerNorm(dim) for _ in range(4))

    def forward(self, tokens, image, prompts, position) -> Tuple[torch.Tensor, torch.Tensor]:
        """New tokens (N, T, dim) and image features (N, X, dim); `prompts` and `position` say where they are."""
        if self.first:
            tokens = self.norm1(self.self_attn(tokens, tokens, tokens))
        else:
            placed = tokens + prompts
            tokens = self.norm1(tokens + self.self_attn(placed, placed, tokens))
        placed_image = image + position
        tokens = self.norm2(tokens + self.cross_attn_token_to_image(tokens + prompts, placed_image, image))
        tokens = self.norm3(tokens + self.mlp(tokens))
        return tokens, self.norm4(image + self.cross_attn_image_to_token(placed_image, tokens + prompts, tokens))


class TwoWayTransformer(nn.Module):
    """Blocks of attention in both directions, then once more from the tokens to the image.

    Args:
        depth: number of blocks.
        dim: channels.
        heads: number of heads.
        mlp: channels inside the perceptrons.
    """

    def __init__(self, depth: int, dim: int, heads: int, mlp: int):
        super().__init__()
        self.layers = nn.ModuleList(TwoWayBlock(dim, heads, mlp, first=number == 0) for number in range(depth))
        self.final_attn_token_to_image = Attention(dim, dim // 2, heads)
        self.norm_final_attn = nn.LayerNorm(dim)

    def forward(
        self, image: torch.Tensor, position: torch.Tensor, prompts: torch.Tensor
    ) -> Tuple[torch.Tensor, torch.Tensor]:
        """Tokens (N, T, dim) and features (N, dim, h, w) after the attention.

        Args:
            image: features (N, dim, h, w).
            position: code of their places, (N or 1, dim, h, w).
            prompts: tokens (N, T, dim).
        """
        shape = image.shape
        image, position = (x.flatten(2).transpose(1, 2) for x in (image, position))
        tokens = prompts
        for layer in self.layers:
            tokens, image = layer(tokens, image, prompts, position)
        seen = self.final_attn_token_to_image(tokens + prompts, image + position, image)
        return self.norm_final_attn(tokens + seen), image.transpose(1, 2).reshape(shape)
