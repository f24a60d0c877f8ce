"""Random shapes and textures of synthetic slices."""

from typing import Optional

import numpy as np
import torch
from torch.nn import functional as F


def blob(
    size: int,
    rng: np.random.Generator,
    center: np.ndarray,
    radius: float,
    aspect: float,
    roughness: float,
    turn: Optional[float] = None,
) -> np.ndarray:
    """Mask (S, S) of a star-shaped region around `center` (row, column) whose radius varies smoothly with the angle.

    Its long axis lies `turn` rad from the rows, or anywhere.
    """
    reach = int(np.ceil(radius * (1 + 4 * roughness))) + 1
    low = np.clip(np.floor(center).astype(int) - reach, 0, size)
    high = np.clip(np.floor(center).astype(int) + reach + 1, 0, size)
    mask = np.zeros((size, size), bool)
    y = np.arange(low[0], high[0])[:, None] - center[0]
    x = np.arange(low[1], high[1])[None] - center[1]
    turn = rng.uniform(0, np.pi) if turn is None else turn
    u = np.cos(turn) * x + np.sin(turn) * y
    v = (np.cos(turn) * y - np.sin(turn) * x) / aspect
    angle = np.arctan2(v, u)
    limit = np.ones_like(angle)
    for k in range(2, 6):
        limit += rng.normal(0, roughness / k * 2) * np.cos(k * angle + rng.uniform(0, 2 * np.pi))
    mask[low[0] : high[0], low[1] : high[1]] = u**2 + v**2 < (radius * np.clip(limit, 0.3, 1 + 4 * roughness)) ** 2
    return mask


def stroke(size: int, points: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Mask (S, S) of the union of disks at points (K, 2) (row, column) of radii (K,), all in pixels."""
    mask = np.zeros((size, size), bool)
    for row, column, radius in np.column_stack([points, radii]).tolist():
        top, left = max(int(row - radius), 0), max(int(column - radius), 0)
        part = mask[top : max(int(row + radius) + 2, 0), left : max(int(column + radius) + 2, 0)]
        y, x = np.arange(part.shape[0])[:, None] + top - row, np.arange(part.shape[1]) + left - column
        part |= y**2 + x**2 < radius**2
    return mask


def curve(rng: np.random.Generator, start, length: float, wiggle: float, steps: int = 24) -> np.ndarray:
    """Points (steps, 2) of a smooth random curve of a length that begins at `start`."""
    bends = np.interp(np.arange(steps), np.linspace(0, steps, 6), rng.normal(0, wiggle, 6))
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(bends)
    return np.array(start) + np.cumsum(np.stack([np.sin(heading), np.cos(heading)], 1), 0) * length / steps


def grown(mask: np.ndarray, pixels: int) -> np.ndarray:
    """A mask (S, S) and all within a square of `pixels` around it."""
    tall = F.max_pool2d(torch.from_numpy(mask.astype(np.float32))[None], (2 * pixels + 1, 1), 1, (pixels, 0))
    return F.max_pool2d(tall, (1, 2 * pixels + 1), 1, (0, pixels))[0].numpy() > 0


def shrunk(mask: np.ndarray, pixels: int) -> np.ndarray:
    """A mask (S, S) without a rim of `pixels`."""
    return ~grown(~mask, pixels)


def smooth_noise(rng: np.random.Generator, size: int, coarse: int) -> np.ndarray:
    """Noise (S, S) of standard deviation below 1, interpolated from coarse x coarse values."""
    noise = torch.from_numpy(rng.standard_normal((1, 1, coarse, coarse), np.float32))
    return F.interpolate(noise, (size, size), mode="bilinear", align_corners=True)[0, 0].numpy()
