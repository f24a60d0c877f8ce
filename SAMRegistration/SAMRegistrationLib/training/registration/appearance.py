"""Random appearance of an anatomy: contrast per tissue, texture, blur, bias field, noise, field of view."""

from typing import Tuple

import torch

from ...geometry import separable
from ..random_stream import RandomStream


def random_contrast(tissues: int, stream: RandomStream) -> torch.Tensor:
    """Mean intensity of every tissue value (0 is air) in [0, 1], one number per tissue."""
    levels = torch.rand(tissues, generator=stream.torch)
    if stream.happens(0.7):
        levels[0] = 0.0
    return levels


def render(tissues: torch.Tensor, contrast: torch.Tensor, texture: torch.Tensor, stream: RandomStream) -> torch.Tensor:
    """An image (1, 1, D, H, W) in [0, 1] of a tissue map, as a scanner of random quality might show it.

    Args:
        tissues: (1, 1, D, H, W), int64.
        contrast: mean intensity per tissue.
        texture: (1, 1, D, H, W), unit variance, added inside the body.
    """
    shape = tissues.shape[2:]
    image = contrast[tissues]
    image = image + stream.uniform(0.0, 0.1) * texture * (tissues > 0)
    image = blur(image, stream.uniform(0.0, 1.0))
    bias = stream.uniform(0.0, 0.3) * stream.smooth(1, shape, 0.5 * max(shape))
    image = image.clamp(min=0) * torch.exp(bias)
    image = image + stream.uniform(0.0, 0.1) * stream.normal(*image.shape)
    return stretch(image) ** stream.uniform(0.7, 1.4)


def blur(volume: torch.Tensor, sigma: float) -> torch.Tensor:
    """Gaussian smoothing of (B, C, D, H, W) with `sigma` voxels."""
    return separable.apply(separable.gaussian(volume.shape[2:], (sigma,) * 3, volume), volume)


def stretch(image: torch.Tensor, low: float = 0.005, high: float = 0.995) -> torch.Tensor:
    """The image with these quantiles brought to 0 and 1 and clipped."""
    ordered = image.flatten().sort().values
    bottom, top = (ordered[int(fraction * (len(ordered) - 1))] for fraction in (low, high))
    return ((image - bottom) / (top - bottom).clamp(min=1e-6)).clamp(0, 1)


def random_field_of_view(shape, stream: RandomStream) -> torch.Tensor:
    """Ones (1, 1, D, H, W) inside a field of view that misses up to a fifth of the volume at one end of one axis."""
    inside = torch.ones(1, 1, *shape)
    axis, part = stream.integer(0, 2), stream.uniform(0.05, 0.2)
    cut = round(part * shape[axis])
    if cut:
        first = 0 if stream.happens(0.5) else shape[axis] - cut
        inside.narrow(2 + axis, first, cut).zero_()
    return inside


def related_contrasts(tissues: int, multimodal: float, stream: RandomStream) -> Tuple[torch.Tensor, torch.Tensor, bool]:
    """Contrasts of the fixed and the moving image, and whether they are of one kind; `multimodal` is a probability."""
    fixed = random_contrast(tissues, stream)
    if stream.happens(multimodal):
        return fixed, random_contrast(tissues, stream), False
    moving = fixed + 0.05 * torch.randn(tissues, generator=stream.torch) * (fixed > 0)
    return fixed, moving.clamp(0, 1), True
