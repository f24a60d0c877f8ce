"""Volume masks kept small: only their bounding box is stored."""

from typing import NamedTuple, Tuple

import numpy as np


class CroppedMask(NamedTuple):
    """A mask (z, y, x) of `shape`, zero outside the array `part` that begins at `start`."""

    shape: Tuple[int, int, int]
    start: Tuple[int, int, int]
    part: np.ndarray

    @classmethod
    def of(cls, mask: np.ndarray) -> "CroppedMask":
        """The crop of a mask (z, y, x)."""
        bounds = []
        for axis in range(3):
            used = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
            bounds.append((int(used[0]), int(used[-1]) + 1) if len(used) else (0, 0))
        part = mask[tuple(slice(*bound) for bound in bounds)].astype(np.uint8)
        return cls(mask.shape, tuple(bound[0] for bound in bounds), part)

    def whole(self) -> np.ndarray:
        """The mask as uint8 (z, y, x)."""
        mask = np.zeros(self.shape, dtype=np.uint8)
        mask[tuple(slice(first, first + size) for first, size in zip(self.start, self.part.shape))] = self.part
        return mask
