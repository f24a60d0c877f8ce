"""Tokens of clicks and boxes, a map of the previous mask, and the code of positions that both share."""

import math
from typing import Optional, Tuple

import torch
from torch import nn

from .layers import ChannelNorm

_NO_CLICK, _OUTSIDE = -1, 0
_FIRST_CORNER = 2
_MASK_STRIDE = 4


class FourierCode(nn.Module):
    """Sines and cosines of random projections of positions.

    Args:
        channels: of the code, even.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(2, channels // 2))

    def forward(self, positions: torch.Tensor) -> torch.Tensor:
        """Code (..., channels) of positions (..., 2), x and y as shares of the picture's sides."""
        phase = 2 * math.pi * ((2 * positions - 1) @ self.positional_encoding_gaussian_matrix)
        return torch.cat([phase.sin(), phase.cos()], -1)


class PromptEncoder(nn.Module):
    """Prompts of N masks in a square input.

    Args:
        dim: channels of tokens and maps.
        size: side S of the input in pixels; may be set later, no weight depends on it.
        stride: pixels of the input along a side of an image feature.
        mask_channels: inner channels of the layers that a mask goes through.
    """

    def __init__(self, dim: int, size: int, stride: int, mask_channels: int = 16):
        super().__init__()
        self.size, self.stride = size, stride
        self.pe_layer = FourierCode(dim)
        self.point_embeddings = nn.ModuleList(nn.Embedding(1, dim) for _ in range(4))  # outside, inside, two corners
        self.not_a_point_embed = nn.Embedding(1, dim)
        self.no_mask_embed = nn.Embedding(1, dim)
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, mask_channels // 4, 2, 2),
            ChannelNorm(mask_channels // 4),
            nn.GELU(),
            nn.Conv2d(mask_channels // 4, mask_channels, 2, 2),
            ChannelNorm(mask_channels),
            nn.GELU(),
            nn.Conv2d(mask_channels, dim, 1),
        )

    @property
    def mask_size(self) -> int:
        """Side of the logits that go in as the previous mask."""
        return _MASK_STRIDE * (self.size // self.stride)

    def positions(self) -> torch.Tensor:
        """Code (1, dim, S/stride, S/stride) of the places of the image features."""
        side = self.size // self.stride
        shares = (torch.arange(side, device=self.no_mask_embed.weight.device) + 0.5) / side
        y, x = torch.meshgrid(shares, shares, indexing="ij")
        return self.pe_layer(torch.stack([x, y], -1)).permute(2, 0, 1)[None]

    def forward(
        self,
        clicks: Optional[Tuple[torch.Tensor, torch.Tensor]] = None,
        boxes: Optional[torch.Tensor] = None,
        masks: Optional[torch.Tensor] = None,
    ) -> Tuple[torch.Tensor, torch.Tensor]:
        """Tokens (N, T, dim) of clicks and boxes, and a map (N, dim, S/stride, S/stride) of the masks.

        Args:
            clicks: places (N, P, 2) as x, y in pixels of the input, 0 at the center of a pixel, and labels (N, P):
                1 inside, 0 outside, -1 no click.
            boxes: (N, 4) x0 y0 x1 y1.
            masks: logits (N, 1, M, M) of the previous masks, M as of :attr:`mask_size`.
        """
        given = [part for part in (None if clicks is None else clicks[0], boxes, masks) if part is not None]
        count = len(given[0]) if given else 1
        tokens = [self.no_mask_embed.weight.new_empty(count, 0, self.no_mask_embed.embedding_dim)]
        if clicks is not None:
            tokens.append(self._clicks(*clicks))
            if boxes is None:  # SAM was trained with a token in the place of a box that is not there
                tokens.append(self.not_a_point_embed.weight.expand(count, 1, -1))
        if boxes is not None:
            corners = torch.cat([self.point_embeddings[_FIRST_CORNER + k].weight for k in range(2)])
            tokens.append(self._code(boxes.reshape(-1, 2, 2)) + corners)
        if masks is not None:
            return torch.cat(tokens, 1), self.mask_downscaling(masks)
        side = self.size // self.stride
        return torch.cat(tokens, 1), self.no_mask_embed.weight[..., None, None].expand(count, -1, side, side)

    def _clicks(self, places, labels):
        kinds = torch.cat([self.not_a_point_embed.weight, *(self.point_embeddings[k].weight for k in range(2))])
        there = (labels >= _OUTSIDE)[..., None]
        return torch.where(there, self._code(places), 0.0) + kinds[labels.long() - _NO_CLICK]

    def _code(self, places):
        return self.pe_layer(((places + 0.5) / self.size).float())
