"""How intensities become the [0, 1] image that a predictor sees: a CT window, or percentiles of the volume."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..volumes import PERCENTILES, SOFT_TISSUE_WINDOW, guess_modality

WINDOW = "window"
PERCENTILE = "percentile"


@dataclass(frozen=True)
class Intensity:
    """A mapping to [0, 1], the same for every slice of a volume.

    Attributes:
        mode: WINDOW (`low` and `high` are intensities, e.g. HU) or PERCENTILE (of the volume, 0 to 100).
        low: what becomes 0.
        high: what becomes 1.
    """

    mode: str
    low: float
    high: float

    def __post_init__(self):
        if self.mode not in (WINDOW, PERCENTILE):
            raise InputError(f"Unknown intensity mode '{self.mode}'; use {WINDOW} or {PERCENTILE}.")
        if not (np.isfinite(self.low) and np.isfinite(self.high) and self.low < self.high):
            raise InputError("The lower intensity limit must be below the upper one.")
        if self.mode == PERCENTILE and not (self.low >= 0 and self.high <= 100):
            raise InputError("Percentiles must be between 0 and 100.")

    @classmethod
    def for_image(cls, image: sitk.Image) -> "Intensity":
        """The window of soft tissue where the values look like Hounsfield units, else percentiles."""
        return CT if guess_modality(image) == "ct" else MR

    def apply(self, array: np.ndarray) -> np.ndarray:
        """float32 in [0, 1], of the same shape; NaN becomes 0."""
        array = np.nan_to_num(np.asarray(array, dtype=np.float32), nan=-np.inf)
        low, high = self.low, self.high
        if self.mode == PERCENTILE:
            finite = array[np.isfinite(array)]
            low, high = np.percentile(finite, [low, high]) if finite.size else (0.0, 1.0)
        return np.clip((array - low) / ((high - low) or 1.0), 0.0, 1.0).astype(np.float32)


CT = Intensity(WINDOW, *SOFT_TISSUE_WINDOW)
MR = Intensity(PERCENTILE, *PERCENTILES)
