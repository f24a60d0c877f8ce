"""Image encoder of the compact SAM, run once a slice: a narrow residual pyramid around the features of a TinyViT."""

from typing import NamedTuple, Optional, Sequence

import torch
from torch import nn
from torch.nn import functional as F

from .tiny_vit import NECK, TinyVit


class ImageFeatures(NamedTuple):
    """What the click decoder needs of a slice of S x S pixels.

    Attributes:
        embedding: (B, dim, S/8, S/8) for SAM's two-way transformer.
        middle: (B, widths[1], S/4, S/4), semantic features at quarter resolution.
        keys: (B, widths[1], S/4, S/4) of unit length; the clicked place is compared with all others by their product.
        fine: (B, widths[0], S/2, S/2), edges and texture at half resolution.
        context: (B, widths[2], S/4, S/4), what the TinyViT sees.
    """

    embedding: torch.Tensor
    middle: torch.Tensor
    keys: torch.Tensor
    fine: torch.Tensor
    context: torch.Tensor

    def select(self, index: torch.Tensor) -> "ImageFeatures":
        """The features of the images `index` (N,), one for each prompt."""
        return ImageFeatures(*(feature[index] for feature in self))


def convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """3 x 3 convolution, group normalization (independent of the batch) and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.GroupNorm(8, outputs), nn.ReLU(inplace=True)
    )


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions around a shortcut."""

    def __init__(self, width: int):
        super().__init__()
        self.body = nn.Sequential(
            convolution(width, width), nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.GroupNorm(8, width)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(x + self.body(x))


class ImageEncoder(nn.Module):
    """Convolutional pyramid with a top-down path, which the features of a TinyViT join at 1/4 and 1/8.

    The TinyViT is never trained here, so that its features of a slice can be computed once and kept.

    Args:
        widths: channels at 1/2, 1/4, 1/8 and 1/16 of the input resolution (1/32 shares the last).
        dim: channels of the embedding.
        vit: channels of the stages of the TinyViT.
    """

    def __init__(self, widths: Sequence[int], dim: int, vit: Sequence[int]):
        super().__init__()
        half, quarter, eighth, deep = widths
        self.vit = TinyVit(vit).requires_grad_(False)
        self.context = convolution(NECK, eighth)
        self.context_to_quarter = nn.Conv2d(eighth, quarter, 1)
        self.context_to_eighth = nn.Conv2d(eighth, eighth, 3, 2, 1)
        self.context_to_embedding = nn.Conv2d(eighth, dim, 3, 2, 1)
        self.at_half = nn.Sequential(convolution(1, half, 2), ResidualBlock(half))
        self.at_quarter = nn.Sequential(convolution(half, quarter, 2), ResidualBlock(quarter))
        self.at_eighth = nn.Sequential(convolution(quarter, eighth, 2), ResidualBlock(eighth))
        self.at_sixteenth = nn.Sequential(convolution(eighth, deep, 2), ResidualBlock(deep))
        self.at_bottom = nn.Sequential(convolution(deep, deep, 2), ResidualBlock(deep))
        self.up_sixteenth = ResidualBlock(deep)
        self.to_eighth = nn.Conv2d(deep, eighth, 1)
        self.up_eighth = ResidualBlock(eighth)
        self.to_embedding = nn.Conv2d(eighth, dim, 1)
        self.to_quarter = nn.Conv2d(eighth, quarter, 1)
        self.up_quarter = ResidualBlock(quarter)
        self.to_keys = nn.Conv2d(quarter, quarter, 1)
        self.to_fine = nn.Conv2d(half, half, 1)

    def vit_features(self, image: torch.Tensor) -> torch.Tensor:
        """Features (B, 256, S/4, S/4) of the TinyViT for images (B, 1, S, S) in [0, 1]."""
        return self.vit(image.contiguous(memory_format=torch.channels_last))

    def forward(self, image: torch.Tensor, vit_features: Optional[torch.Tensor] = None) -> ImageFeatures:
        """Features of images (B, 1, S, S) in [0, 1], S divisible by 32.

        `vit_features` are those of :meth:`vit_features`, computed when they are not given.
        """
        context = self.context(self.vit_features(image) if vit_features is None else vit_features)
        half = self.at_half(2 * image - 1)
        quarter = self.at_quarter(half)
        eighth = self.at_eighth(quarter)
        sixteenth = self.at_sixteenth(eighth)
        deep = self.up_sixteenth(sixteenth + upsample(self.at_bottom(sixteenth)))
        eighth = self.up_eighth(eighth + upsample(self.to_eighth(deep)) + self.context_to_eighth(context))
        quarter = self.up_quarter(quarter + upsample(self.to_quarter(eighth)) + self.context_to_quarter(context))
        return ImageFeatures(
            self.to_embedding(eighth) + self.context_to_embedding(context),
            quarter,
            F.normalize(self.to_keys(quarter), dim=1),
            self.to_fine(half),
            context,
        )


def upsample(x: torch.Tensor) -> torch.Tensor:
    """Twice the resolution, bilinear."""
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
