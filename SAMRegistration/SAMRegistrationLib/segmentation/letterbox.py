"""How a slice of any size and pixel shape lies in the square input of a model."""

from typing import NamedTuple, Tuple

import torch
from torch.nn import functional as F


class Letterbox(NamedTuple):
    """How a slice of (height, width) pixels lies in the S x S input: scaled to square pixels, in the upper left.

    Attributes:
        shape: (H, W) of the slice.
        inside: (rows, columns) of the input that the slice fills.
        size: S.
    """

    shape: Tuple[int, int]
    inside: Tuple[int, int]
    size: int

    @classmethod
    def fit(cls, shape: Tuple[int, int], pixel_size: Tuple[float, float], size: int) -> "Letterbox":
        extent = [n * mm for n, mm in zip(shape, pixel_size)]
        inside = tuple(max(1, round(size * length / max(extent))) for length in extent)
        return cls((int(shape[0]), int(shape[1])), inside, size)

    def image(self, image: torch.Tensor) -> torch.Tensor:
        """Slices (B, 1, H, W) as input (B, 1, S, S); outside is 0."""
        scaled = F.interpolate(image, self.inside, mode="bilinear", align_corners=False, antialias=True)
        return F.pad(scaled, (0, self.size - self.inside[1], 0, self.size - self.inside[0]))

    def points(self, points: torch.Tensor) -> torch.Tensor:
        """Points (..., 2) as (x, y) of the slice in pixels of the input."""
        scale = points.new_tensor([self.inside[1] / self.shape[1], self.inside[0] / self.shape[0]])
        return (points + 0.5) * scale - 0.5

    def back(self, logits: torch.Tensor) -> torch.Tensor:
        """Logits (N, C, s, s) of the input, at any resolution, at the pixels (N, C, H, W) of the slice."""
        full = F.interpolate(logits, (self.size, self.size), mode="bilinear", align_corners=False)
        return F.interpolate(
            full[..., : self.inside[0], : self.inside[1]], self.shape, mode="bilinear", align_corners=False
        )

    def shrunk(self, mask: torch.Tensor, side: int) -> torch.Tensor:
        """A mask (H, W) of the slice as the share of inside (side, side) of every patch of the input."""
        return F.adaptive_avg_pool2d(self.image(mask[None, None].float()), side)[0, 0]
