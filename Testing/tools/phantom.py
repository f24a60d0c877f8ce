"""A trunk made of ellipsoids, like a CT scan with contrast agent, and the same one in another posture."""

from typing import Tuple

import numpy as np
import SimpleITK as sitk
from SAMRegistrationLib.geometry.grid import Grid

GRID = Grid((112, 84, 64), (3.0, 3.0, 3.0), (-166.5, -124.5, -94.5), (1, 0, 0, 0, 1, 0, 0, 0, 1))
# Intensity (HU), center and radii (RAS mm); later ones lie over earlier ones.
PARTS = (
    (40, (0, 0, 0), (150, 108, 900)),
    (-90, (0, 4, 0), (136, 92, 900)),
    (115, (58, 14, 14), (66, 62, 62)),
    (150, (-86, -28, 24), (30, 40, 42)),
    (190, (60, -52, -42), (25, 24, 46)),
    (190, (-54, -50, -28), (25, 24, 46)),
    (60, (-40, 44, 18), (46, 26, 34)),
    (420, (0, -74, 0), (21, 21, 900)),
    (240, (-6, -40, 0), (11, 11, 900)),
)
SOFTNESS_MM, NOISE_HU = 0.8, 12.0


def phantom_pair() -> Tuple[sitk.Image, sitk.Image]:
    """The fixed and the moving volume (HU)."""
    points = GRID.index_to_physical(np.indices(GRID.shape)[::-1].reshape(3, -1).T) * (-1, -1, 1)
    x, y, z = points.T
    bend = np.stack([7 * np.sin(z / 45) + 4, 6 * np.sin(x / 60) - 5, 8 * np.cos(y / 70) * np.cos(x / 90) - 3], axis=1)
    return _volume(points, 1), _volume(points + bend, 2)


def _volume(points: np.ndarray, seed: int) -> sitk.Image:
    values = np.full(len(points), -1000.0)
    for intensity, center, radii in PARTS:
        scaled = np.linalg.norm((points - center) / radii, axis=1)
        share = 1 / (1 + np.exp(np.clip((scaled - 1) * min(radii) / SOFTNESS_MM, -50, 50)))
        values += share * (intensity - values)
    values += np.random.default_rng(seed).normal(0, NOISE_HU, values.shape)
    return GRID.image(values.reshape(GRID.shape).astype(np.float32))
