"""RAS (the scene's axes, NIfTI) and LPS (ITK, this library): the first two coordinates change their sign, both ways."""

from typing import Sequence, Tuple

import numpy as np

RAS_LPS_SIGNS = np.array([-1.0, -1.0, 1.0])
RAS_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def flipped(point: Sequence[float]) -> Tuple[float, float, float]:
    """A point or vector (mm) from RAS to LPS, or back."""
    return (-float(point[0]), -float(point[1]), float(point[2]))
