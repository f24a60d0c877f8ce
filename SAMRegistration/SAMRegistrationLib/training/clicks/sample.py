"""One training picture: a slice and masks of structures in it, and random changes of its geometry and appearance."""

from typing import NamedTuple, Optional, Tuple

import numpy as np
import torch
from torch.nn import functional as F

from .noise import smooth_noise

CT_WINDOWS = ((-160, 240), (-160, 240), (-160, 240), (-200, 300), (-1000, 200), (-500, 1300))
FULL = 256


class Sample(NamedTuple):
    """A square picture and masks of K structures that may be asked for.

    Attributes:
        image: (1, S, S) float32 in [0, 1].
        masks: (K, S, S) float32 in [0, 1].
        features: (256, S/4, S/4), of the TinyViT, where they are known.
    """

    image: torch.Tensor
    masks: torch.Tensor
    features: Optional[torch.Tensor] = None


def deformed(
    image: np.ndarray, masks: np.ndarray, pixel_size: Tuple[float, float], size: int, rng: np.random.Generator
) -> Sample:
    """The slice (H, W) with masks (K, H, W), scaled as for the network and randomly moved, turned and bent.

    Small pictures are often parts of the slice, so that structures have all the sizes that they have in large ones.

    Args:
        image: any intensities; outside the slice becomes its smallest value.
        pixel_size: height and width of a pixel in mm.
        size: S.
    """
    extent = np.array(image.shape) * pixel_size
    zoom = np.exp(rng.uniform(np.log(0.75), np.log(2.2 * FULL / size)))
    angle = rng.normal(0, 0.25) + (rng.integers(4) * np.pi / 2 if rng.random() < 0.2 else 0)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turn = turn @ np.diag(rng.choice([1, -1], 2) * np.exp(rng.normal(0, 0.08, 2)))
    center = _center(masks, rng) * max(0.15, 1 - 0.8 / zoom)
    y, x = np.meshgrid(*(np.linspace(-0.5, 0.5, size),) * 2, indexing="ij")
    places = torch.from_numpy(np.stack([y, x], -1) @ turn.T / zoom + center * extent / extent.max())
    places = places + smooth_noise(rng, 2, size, int(rng.integers(3, 9))).permute(1, 2, 0) * rng.uniform(0, 0.02)
    grid = places * torch.from_numpy(2 * extent.max() / extent)
    grid = grid.flip(-1)[None].float()
    darkest = float(image.min())
    stack = torch.from_numpy(np.concatenate([image[None] - darkest, masks]).astype(np.float32))[None]
    moved = F.grid_sample(stack, grid, mode="bilinear", align_corners=False)[0]
    return Sample(moved[:1] + darkest, moved[1:])


def augment_appearance(image: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """A picture (1, S, S) in [0, 1] with random contrast, shading, blur, resolution and noise."""
    size = image.shape[-1]
    image = image[None]
    if rng.random() < 0.3:
        coarse = int(size / rng.uniform(1.2, 2.5))
        image = F.interpolate(image, (coarse, coarse), mode="bilinear", align_corners=False, antialias=True)
        image = image + _noise(rng, coarse) * rng.uniform(0, 0.06)
        image = F.interpolate(image, (size, size), mode="bilinear", align_corners=False)
    if rng.random() < 0.3:
        image = F.avg_pool2d(image, 3, 1, 1, count_include_pad=False)
    if rng.random() < 0.5:
        image = image + _noise(rng, size) * rng.exponential(0.03)
    if rng.random() < 0.4:
        image = image * torch.exp(smooth_noise(rng, 1, size, int(rng.integers(2, 5))).float() * rng.uniform(0, 0.3))
    image = image.clamp(0, 1)
    if rng.random() < 0.5:
        image = image ** np.exp(rng.normal(0, 0.3))
    if rng.random() < 0.5:
        image = (image - 0.5) * np.exp(rng.normal(0, 0.2)) + 0.5 + rng.normal(0, 0.08)
    if rng.random() < 0.08:
        image = 1 - image
    return image[0].clamp(0, 1).float()


def jittered_window(image: np.ndarray, low: float, high: float, rng: Optional[np.random.Generator]) -> np.ndarray:
    """Intensities (H, W) from low..high to [0, 1], with limits a little off when `rng` is given."""
    if rng is not None:
        low, high = np.array([low, high]) + rng.normal(0, 0.08, 2) * (high - low)
    return np.clip((image - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)


def _center(masks, rng):
    """A place of a structure, more or less, in fractions of the slice from its middle."""
    places = np.argwhere(masks[0]) if len(masks) else []
    if not len(places):
        return rng.uniform(-0.5, 0.5, 2)
    return (rng.choice(places) + 0.5) / masks.shape[1:] - 0.5 + rng.normal(0, 0.05, 2)


def _noise(rng, size):
    return torch.from_numpy(rng.standard_normal((1, 1, size, size), dtype=np.float32))
