"""What kind of image a volume is."""

import numpy as np
import SimpleITK as sitk

from .missing import BELOW_AIR, padding_limit

NAMES = {"ct": "CT", "mr": "MR", "other": "another kind"}
ABOVE_BONE = 4000.0  # HU
STRANGE = 0.1  # largest share of voxels of a CT that are beyond air and bone, as metal is
AIR_AND_LUNG, BETWEEN = (-1100.0, -700.0), (-600.0, -200.0)  # HU, of the same width


def guess_modality(image: sitk.Image) -> str:
    """ "ct" where values look like Hounsfield units, otherwise "mr"."""
    return modality_of_values(sitk.GetArrayViewFromImage(image)[::2, ::2, ::2])


def modality_of_values(values: np.ndarray) -> str:
    """As :func:`guess_modality`, from a representative part of the voxels.

    A CT has values of air or lung, or was cut off at a window, and values above water. Images whose values lie on both
    sides of 0, such as the real part of MR, have fewer voxels the lower the value is. Padding, NaN and a few metal
    voxels count for nothing.
    """
    values = without_missing(values)
    if values.size == 0:
        return "mr"

    def share(low: float, high: float = np.inf) -> float:
        return np.count_nonzero((values >= low) & (values <= high)) / values.size

    if share(-np.inf, -150) <= 0.01 or share(100) <= 0.005 or share(BELOW_AIR, ABOVE_BONE) < 1 - STRANGE:
        return "mr"
    floor = values.min()
    cut_off = floor >= -1100 and share(floor, floor) > 0.05
    return "ct" if cut_off or share(*AIR_AND_LUNG) >= share(*BETWEEN) else "mr"


def without_missing(values: np.ndarray) -> np.ndarray:
    """The values (N,) without NaN and padding."""
    values = values[np.isfinite(values)] if values.dtype.kind == "f" else values.ravel()
    limit = padding_limit(values) if values.size else None
    return values if limit is None else values[values > limit]
