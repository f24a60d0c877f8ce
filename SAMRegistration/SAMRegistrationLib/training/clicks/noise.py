"""Smooth noise: random values on a coarse grid, interpolated."""

import numpy as np
import torch
from torch.nn import functional as F


def smooth_noise(rng: np.random.Generator, channels: int, size: int, coarse: int) -> torch.Tensor:
    """Noise (channels, S, S) float64 of standard deviation about 1, bicubic between coarse x coarse normal values."""
    return _interpolated(rng.standard_normal((channels, coarse, coarse)), size, "bicubic")


def texture_noise(rng: np.random.Generator, size: int, coarse: int) -> np.ndarray:
    """Noise (S, S) float32 of standard deviation below 1, bilinear between coarse x coarse normal values; faster."""
    return _interpolated(rng.standard_normal((1, coarse, coarse), np.float32), size, "bilinear")[0].numpy()


def _interpolated(values: np.ndarray, size: int, mode: str) -> torch.Tensor:
    return F.interpolate(torch.from_numpy(values)[None], (size, size), mode=mode, align_corners=True)[0]
