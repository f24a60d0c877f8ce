"""From image features and prompts to masks: one token for each mask becomes the kernel that draws it."""

from typing import Tuple

import torch
from torch import nn

from .layers import ChannelNorm, Perceptron
from .two_way import TwoWayTransformer


class MaskTokens(nn.Module):
    """Tokens of the masks, the transformer that they go through, and the kernels that they become.

    Args:
        transformer: of `dim` channels.
        dim: channels of tokens and image features.
        candidates: number of masks for an ambiguous prompt; one more is for a clear one.
    """

    def __init__(self, transformer: TwoWayTransformer, dim: int, candidates: int = 3):
        super().__init__()
        self.transformer = transformer
        self.iou_token = nn.Embedding(1, dim)
        self.mask_tokens = nn.Embedding(candidates + 1, dim)
        self.output_hypernetworks_mlps = nn.ModuleList(Perceptron(dim, dim, dim // 8, 3) for _ in range(candidates + 1))

    def attend(
        self, image: torch.Tensor, position: torch.Tensor, prompts: torch.Tensor
    ) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Token of the quality (N, dim), tokens of the masks (N, K, dim) and features (N, dim, h, w) for prompts.

        Args:
            image: features (N, dim, h, w) with the map of the previous mask added.
            position: code of their places, (N or 1, dim, h, w).
            prompts: tokens (N, T, dim).
        """
        own = torch.cat([self.iou_token.weight, self.mask_tokens.weight]).expand(len(prompts), -1, -1)
        tokens, image = self.transformer(image, position, torch.cat([own, prompts], 1))
        return tokens[:, 0], tokens[:, 1 : own.shape[1]], image

    def kernels(self, tokens: torch.Tensor) -> torch.Tensor:
        """Kernels (N, K, dim / 8) of the masks with `tokens` (N, K, dim)."""
        drawn = [mlp(token) for mlp, token in zip(self.output_hypernetworks_mlps, tokens.unbind(1))]
        return torch.stack(drawn, 1)


class MaskDecoder(MaskTokens):
    """The mask decoder of the published checkpoints.

    Args:
        transformer, dim, candidates: see :class:`MaskTokens`.
        quality_depth, quality_width: layers and inner channels of the perceptron that expects the quality.
    """

    def __init__(
        self,
        transformer: TwoWayTransformer,
        dim: int,
        candidates: int = 3,
        quality_depth: int = 3,
        quality_width: int = 256,
    ):
        super().__init__(transformer, dim, candidates)
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(dim, dim // 4, 2, 2),
            ChannelNorm(dim // 4),
            nn.GELU(),
            nn.ConvTranspose2d(dim // 4, dim // 8, 2, 2),
            nn.GELU(),
        )
        self.iou_prediction_head = Perceptron(dim, quality_width, candidates + 1, quality_depth)

    def forward(
        self, image: torch.Tensor, position: torch.Tensor, tokens: torch.Tensor, masks: torch.Tensor
    ) -> Tuple[torch.Tensor, torch.Tensor]:
        """Logits (N, K, 4h, 4w) of the mask for a clear prompt and of the candidates, and their expected IoU (N, K).

        Args:
            image: features (1, dim, h, w) of one image.
            position, tokens, masks: what the prompt encoder gives for N masks.
        """
        quality, tokens, image = self.attend(image + masks, position, tokens)
        logits = torch.einsum("nkc,nchw->nkhw", self.kernels(tokens), self.output_upscaling(image))
        return logits, self.iou_prediction_head(quality)
