"""Cutting a token grid of any size into attention windows, and putting it together again.

No padding and no wrap-around: where a size is no multiple of the window, the windows at the border overlap their
neighbors, and a token in several windows takes its result from the one in whose middle it lies best. Hence there is
no padding to mask out, and none that could end up on the wrong axis.
"""

from typing import List, Tuple

import torch

Shape = Tuple[int, int, int]


class WindowLayout:
    """Where the windows of a token grid lie.

    Args:
        shape: (D, H, W) of the token grid.
        window: tokens along an axis of a window; an axis shorter than that has one window of its whole length.
        shifted: move the windows by half a window, as every second block does.
        device: of the tokens.
    """

    def __init__(self, shape: Shape, window: int, shifted: bool, device: torch.device):
        self.shape = tuple(shape)
        self.window: Shape = tuple(min(window, size) for size in shape)
        starts = [_starts(size, length, window // 2 if shifted else 0) for size, length in zip(shape, self.window)]
        self._counts = [len(axis) for axis in starts]
        self._gather = [
            _indices(_covered(axis, length), size, device) for axis, length, size in zip(starts, self.window, shape)
        ]
        self._merge = [
            _indices(_best(axis, length, size), len(axis) * length, device)
            for axis, length, size in zip(starts, self.window, shape)
        ]

    def split(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens (B, D, H, W, C) as windows (B * windows, tokens of a window, C)."""
        for axis, index in enumerate(self._gather, start=1):
            if index is not None:
                tokens = tokens.index_select(axis, index)
        batch, channels = tokens.shape[0], tokens.shape[-1]
        (nz, ny, nx), (wz, wy, wx) = self._counts, self.window
        tokens = tokens.reshape(batch, nz, wz, ny, wy, nx, wx, channels).permute(0, 1, 3, 5, 2, 4, 6, 7)
        return tokens.reshape(-1, wz * wy * wx, channels)

    def merge(self, windows: torch.Tensor) -> torch.Tensor:
        """Windows (B * windows, tokens of a window, C) as tokens (B, D, H, W, C)."""
        channels = windows.shape[-1]
        (nz, ny, nx), (wz, wy, wx) = self._counts, self.window
        tokens = windows.reshape(-1, nz, ny, nx, wz, wy, wx, channels).permute(0, 1, 4, 2, 5, 3, 6, 7)
        tokens = tokens.reshape(-1, nz * wz, ny * wy, nx * wx, channels)
        for axis, index in enumerate(self._merge, start=1):
            if index is not None:
                tokens = tokens.index_select(axis, index)
        return tokens


def _starts(size: int, length: int, shift: int) -> List[int]:
    last = size - length
    return sorted({0, last, *range(shift, last + 1, length)})


def _covered(starts: List[int], length: int) -> List[int]:
    return [start + offset for start in starts for offset in range(length)]


def _best(starts: List[int], length: int, size: int) -> List[int]:
    """For each token, its place in :func:`_covered` within the window whose middle is nearest."""
    places = []
    for token in range(size):
        covering = [number for number, start in enumerate(starts) if start <= token < start + length]
        number = min(covering, key=lambda n: abs(starts[n] + (length - 1) / 2 - token))
        places.append(number * length + token - starts[number])
    return places


def _indices(places: List[int], size: int, device: torch.device):
    """An index tensor, or None where it would change nothing."""
    return None if places == list(range(size)) else torch.tensor(places, device=device)
