"""Click decoder of the compact SAM: SAM's mask decoder between high-resolution skip connections.

SAM's two-way transformer works at 1/8 of the resolution. As in HQ-SAM (Ke et al., NeurIPS 2023) and SAM 2, features of
higher resolution reach the mask; here the drawn prompts travel with them.
"""

from typing import Sequence, Tuple

import torch
from torch import nn

from ..sam.mask_decoder import MaskTokens
from ..sam.prompt_encoder import PromptEncoder
from ..sam.two_way import TwoWayTransformer
from .encoder import ImageFeatures, ResidualBlock, convolution, upsample
from .prompts import MAPS, Prompts
from .quality import CHOICE_TRUST, QUALITY_TRUST, ChoiceHead, QualityHead, look

EMBEDDING_STRIDE = 8


class ClickDecoder(nn.Module):
    """Masks and their expected quality from image features and prompts.

    Args:
        widths: channels at 1/2, 1/4, 1/8 and 1/16 of the input resolution; ``widths[0]`` must be ``dim // 8``.
        dim: channels of prompt tokens and embedding.
        size: side S of the input in pixels.
        heads, depth, mlp: of SAM's two-way transformer.
        choice: width of the head that chooses among candidates, 0 for none.
    """

    def __init__(self, widths: Sequence[int], dim: int, size: int, heads: int, depth: int, mlp: int, choice: int = 0):
        super().__init__()
        half, quarter, eighth, deep = widths
        self.prompts = PromptEncoder(dim, size, EMBEDDING_STRIDE)
        self.sam = MaskTokens(TwoWayTransformer(depth, dim, heads, mlp), dim)
        self.maps = nn.Conv2d(MAPS, half, 3, 1, 1)
        self.at_half = convolution(half, half)
        self.similarity = nn.Conv2d(2, quarter, 1)
        self.to_quarter = convolution(half, quarter, 2)
        self.at_quarter = convolution(quarter, quarter)
        self.to_eighth = convolution(quarter, eighth, 2)
        self.to_dim = nn.Conv2d(eighth, dim, 1)
        self.from_dim = nn.Conv2d(dim, eighth, 1)
        self.deep = nn.Sequential(convolution(eighth, deep, 2), ResidualBlock(deep), nn.Conv2d(deep, eighth, 1))
        self.up_eighth = ResidualBlock(eighth)
        self.up_to_quarter = nn.Conv2d(eighth, quarter, 1)
        self.up_quarter = ResidualBlock(quarter)
        self.up_to_half = nn.Conv2d(quarter, half, 1)
        self.up_half = ResidualBlock(half)
        self.quality = QualityHead(quarter + eighth, dim)
        self.choice = ChoiceHead(quarter + eighth, dim, choice) if choice else None

    def resize(self, size: int) -> None:
        """Take prompts in slices of another size from now on."""
        self.prompts.size = size

    def forward(
        self, features: ImageFeatures, prompts: Prompts, maps: torch.Tensor
    ) -> Tuple[torch.Tensor, torch.Tensor]:
        """Logits (N, 4, S/2, S/2) of the single mask and of three candidates, and their expected IoU (N, 4)."""
        logits, looked_at = self._masks(features, prompts, maps)
        return logits, self.quality(looked_at)

    def ranked(
        self, features: ImageFeatures, prompts: Prompts, maps: torch.Tensor
    ) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Logits, expected IoU, and how much each candidate counts in their consensus: logits (N, 4) of weights.

        For a click without a box, where there is a head for the choice, the expected IoU is d / (2 - d) of the Dice d
        that this head expects.
        """
        logits, looked_at = self._masks(features, prompts, maps)
        if self.choice is None or prompts.boxes is not None:
            quality = self.quality(looked_at)
            return logits, quality, QUALITY_TRUST * quality
        worth = self.choice(looked_at)
        dice = torch.sigmoid(worth)
        return logits, dice / (2 - dice), CHOICE_TRUST * worth

    def _masks(self, features, prompts, maps):
        half = self.at_half(self.maps(maps) + features.fine)
        similarity = click_similarity(features.keys, prompts)
        quarter = self.at_quarter(self.to_quarter(half) + features.middle + self.similarity(similarity))
        eighth = self.to_eighth(quarter)
        tokens, spatial = self._attend(features.embedding + self.to_dim(eighth), prompts)
        eighth = eighth + self.from_dim(spatial)
        eighth = self.up_eighth(eighth + upsample(self.deep(eighth)))
        quarter = self.up_quarter(quarter + upsample(self.up_to_quarter(eighth)))
        half = self.up_half(half + upsample(self.up_to_half(quarter)))
        logits = torch.einsum("nkc,nchw->nkhw", self.sam.kernels(tokens), half)
        looked_at = torch.cat([quarter, features.context], 1).detach()
        return logits, look(looked_at, tokens.detach(), logits.detach())

    def _attend(self, source, prompts):
        """Tokens of the masks (N, 4, dim) and features (N, dim, S/8, S/8) after SAM's two-way attention."""
        tokens, previous = self.prompts((prompts.points, prompts.labels), prompts.boxes, prompts.logits)
        return self.sam.attend(source + previous, self.prompts.positions(), tokens)[1:]


def click_similarity(keys: torch.Tensor, prompts: Prompts) -> torch.Tensor:
    """Likeness (N, 2, S/4, S/4) of the learned keys to those under positive and under negative clicks; 0 without."""
    height, width = keys.shape[-2:]
    column = (prompts.points[..., 0] / 4).long().clamp(0, width - 1)
    row = (prompts.points[..., 1] / 4).long().clamp(0, height - 1)
    flat = keys.flatten(2)
    clicked = flat.gather(2, (row * width + column)[:, None].expand(-1, keys.shape[1], -1))
    likeness = torch.einsum("ncp,ncx->npx", clicked, flat)
    channels = []
    for sign in (1, 0):
        chosen = (prompts.labels == sign)[..., None]
        best = likeness.masked_fill(~chosen, -2.0).amax(1)
        channels.append(torch.where(chosen.any(1), best, torch.zeros_like(best)))
    return torch.stack(channels, 1).reshape(len(keys), 2, height, width)
