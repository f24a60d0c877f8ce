"""Volume masks kept small: only their bounding box is stored."""

from typing import NamedTuple, Tuple

import numpy as np

from ..geometry.boxes import box_of, marked_bounds


class CroppedMask(NamedTuple):
    """A mask (z, y, x) of `shape`, zero outside the array `part` that begins at `start`."""

    shape: Tuple[int, int, int]
    start: Tuple[int, int, int]
    part: np.ndarray

    @classmethod
    def of(cls, mask: np.ndarray) -> "CroppedMask":
        """The crop of a mask (z, y, x)."""
        bounds = marked_bounds(mask) or [(0, -1)] * 3
        return cls(mask.shape, tuple(first for first, _last in bounds), mask[box_of(bounds)].astype(np.uint8))

    def whole(self) -> np.ndarray:
        """The mask as uint8 (z, y, x)."""
        mask = np.zeros(self.shape, dtype=np.uint8)
        mask[tuple(slice(first, first + size) for first, size in zip(self.start, self.part.shape))] = self.part
        return mask
