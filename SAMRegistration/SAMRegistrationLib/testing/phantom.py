"""A pair of volumes whose registration is known: a body with a bright ball and a spot, moved in the second volume."""

import numpy as np
import slicer

SHIFT = (5.0, -4.0, 3.0)  # of the second volume, RAS mm
SPOT = (16.0, 8.0, -8.0)  # its center in the first volume, RAS mm
BALL_RADIUS = 13.0  # mm
SPACING = (2.0, 2.0, 5.0)  # mm; few slices, because the click model looks at each of them
SIZE = (44, 40, 14)  # voxels along x, y and z


def ball_volume(name: str, center):
    """A volume node with a bright ball around a center (RAS mm), inside a body with a spot on one side."""
    x, y, z = (axis - shift for axis, shift in zip(_axes(), center))
    ball = np.sqrt(x**2 + y**2 + z**2)
    body = np.sqrt(x**2 + (1.3 * y) ** 2 + (1.1 * z) ** 2)
    spot = sum((axis - place) ** 2 for axis, place in zip((x, y, z), SPOT))
    values = 60 / (1 + np.exp((body - 28) / 2)) + 120 / (1 + np.exp(ball - BALL_RADIUS)) + 100 * np.exp(-spot / 40)
    matrix = np.diag([*SPACING, 1.0])
    matrix[:3, 3] = [-n * step / 2 for n, step in zip(SIZE, SPACING)]
    node = slicer.util.addVolumeFromArray(values.astype(np.float32), ijkToRAS=matrix, name=name)
    node.CreateDefaultDisplayNodes()
    return node


def ball_mask(center) -> np.ndarray:
    """The true mask (z, y, x) of the ball around a center (RAS mm)."""
    return sum((axis - shift) ** 2 for axis, shift in zip(_axes(), center)) <= BALL_RADIUS**2


def _axes():
    """Coordinates x, y and z (RAS mm) of the voxels, as arrays (z, y, x)."""
    steps = [step * (np.arange(n) - n / 2) for n, step in zip(SIZE, SPACING)]
    k, j, i = np.meshgrid(*reversed(steps), indexing="ij")
    return i, j, k
