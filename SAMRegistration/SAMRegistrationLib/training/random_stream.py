"""Random draws that depend on (seed, index) alone, so that any training pair can be generated again."""

import numpy as np
import torch

from ..geometry.bspline import cubic_bspline

SPLINE_DEVIATION = 0.331  # of splines over white noise: the cubic basis has a mean sum of squares of 0.479 per axis


class RandomStream:
    """A stream of random numbers; equal `keys` give equal streams on every machine and process.

    Args:
        keys: non-negative integers, for instance (seed, index of the pair).

    Attributes:
        numbers: numpy generator of the stream.
        torch: torch generator of the stream.
    """

    def __init__(self, *keys: int):
        sequence = np.random.SeedSequence([int(key) for key in keys])
        self.numbers = np.random.default_rng(sequence)
        self.torch = torch.Generator().manual_seed(int(sequence.generate_state(1, np.uint64)[0]) & (2**63 - 1))

    def uniform(self, low: float, high: float) -> float:
        return float(self.numbers.uniform(low, high))

    def integer(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return int(self.numbers.integers(low, high + 1))

    def happens(self, probability: float) -> bool:
        return bool(self.numbers.uniform() < probability)

    def choice(self, options):
        return options[self.integer(0, len(options) - 1)]

    def subset(self, count: int, size: int) -> list:
        """`size` different numbers out of range(count), in order."""
        return sorted(int(n) for n in self.numbers.permutation(count)[:size])

    def normal(self, *shape: int) -> torch.Tensor:
        """Standard normal numbers of this shape."""
        return torch.randn(shape, generator=self.torch)

    def smooth(self, channels: int, shape, scale: float) -> torch.Tensor:
        """Smooth noise (1, channels, D, H, W) of mean 0 and variance about 1: cubic B-splines, `scale` voxels apart."""
        bases = [_spline_basis(n, scale, self.uniform(0, 1)) for n in shape]
        noise = self.normal(channels, *(basis.shape[1] for basis in bases))
        for basis in bases:
            noise = torch.tensordot(noise, basis, dims=([1], [1]))
        return noise[None] / SPLINE_DEVIATION


def _spline_basis(count: int, scale: float, start: float) -> torch.Tensor:
    """Weights (count, controls) of the uniform cubic B-spline at 0, 1, ... voxels, `start` in control distances."""
    position = start + torch.arange(count) / scale
    offset = position[:, None] - torch.arange(int(position[-1]) + 4)[None] + 1
    return cubic_bspline(offset.abs())
