"""Separable linear filters on volumes, as one matrix per axis.

A filter along an axis of n voxels is an (m, n) matrix; applying three of them is three matrix products, which is fast
on CPU and CUDA alike and makes the treatment of the borders explicit. All operators work on (B, C, D, H, W) tensors.
"""

from typing import Sequence, Tuple

import numpy as np
import torch

Matrices = Tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def apply(matrices: Matrices, volume: torch.Tensor) -> torch.Tensor:
    """Apply one matrix per array axis (z, y, x): shape (B, C, n_z, n_y, n_x) to (B, C, m_z, m_y, m_x)."""
    along_z, along_y, along_x = matrices
    batch, channels, depth, height, width = volume.shape
    volume = along_y @ (volume.reshape(-1, width) @ along_x.T).view(batch, channels, depth, height, -1)
    volume = along_z @ volume.reshape(batch, channels, depth, -1)
    return volume.view(batch, channels, -1, along_y.shape[0], along_x.shape[0])


def gaussian(shape: Sequence[int], sigmas: Sequence[float], like: torch.Tensor) -> Matrices:
    """Gaussian smoothing with `sigmas` in voxels per axis (z, y, x); weights are renormalized at the borders."""
    return _matrices([_gaussian_rows(np.arange(n), n, sigma) for n, sigma in zip(shape, sigmas)], like)


def shrink(shape: Sequence[int], new_shape: Sequence[int], like: torch.Tensor) -> Matrices:
    """Smoothing against aliasing, then sampling on a coarser grid of the same physical extent.

    The Gaussian has a sigma of 0.5 x (factor - 1/factor) voxels, so that nothing is smoothed where nothing is shrunk.
    """
    rows = []
    for n, m in zip(shape, new_shape):
        factor = n / m
        rows.append(_gaussian_rows(_centers(n, m), n, max(0.5 * (factor - 1 / factor), 0.0)))
    return _matrices(rows, like)


def enlarge(shape: Sequence[int], new_shape: Sequence[int], like: torch.Tensor) -> Matrices:
    """Linear interpolation onto a finer grid of the same physical extent; border values are repeated."""
    return _matrices([_linear_rows(_centers(n, m), n) for n, m in zip(shape, new_shape)], like)


def box_mean(shape: Sequence[int], radii: Sequence[int], like: torch.Tensor) -> Matrices:
    """Mean over a box of 2 radius + 1 voxels per axis, cut at the border of the volume."""
    rows = []
    for n, radius in zip(shape, radii):
        distance = np.abs(np.arange(n)[:, None] - np.arange(n)[None])
        rows.append(_normalized((distance <= radius).astype(np.float64)))
    return _matrices(rows, like)


def _centers(n: int, m: int) -> np.ndarray:
    return (np.arange(m) + 0.5) * (n / m) - 0.5


def _gaussian_rows(centers: np.ndarray, n: int, sigma: float) -> np.ndarray:
    if sigma < 1e-3:
        return _linear_rows(centers, n)
    distance = np.arange(n)[None] - centers[:, None]
    weights = np.exp(-0.5 * (distance / sigma) ** 2)
    weights[np.abs(distance) > np.ceil(4 * sigma) + 1] = 0
    return _normalized(weights)


def _linear_rows(centers: np.ndarray, n: int) -> np.ndarray:
    centers = np.clip(centers, 0, n - 1)
    return _normalized(np.maximum(0, 1 - np.abs(np.arange(n)[None] - centers[:, None])))


def _normalized(weights: np.ndarray) -> np.ndarray:
    return weights / weights.sum(axis=1, keepdims=True)


def _matrices(rows, like: torch.Tensor) -> Matrices:
    return tuple(torch.as_tensor(row, dtype=like.dtype, device=like.device) for row in rows)
