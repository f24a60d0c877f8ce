"""Random smooth diffeomorphisms whose inverse is known: velocity fields on several scales and a small affine part."""

from dataclasses import dataclass

import torch

from ...geometry.dense import compose, identity_grid, integrate
from ..random_stream import RandomStream

# (width of the features, largest standard deviation of the velocity), both as a fraction of the longest side.
STEPS = 5  # squarings: enough for velocities of some ten voxels
SCALES = ((0.5, 0.05), (0.25, 0.035), (0.12, 0.015))


@dataclass(frozen=True)
class DeformationRange:
    """How strong random deformations may be.

    Attributes:
        strength: factor on the standard deviations of SCALES; each pair draws its own between 0 and this.
        rotation: largest entry of the residual rotation's generator, radians.
        scale: largest relative stretch or shear of the residual affine part.
        shift: largest residual translation, as a fraction of each side.
    """

    strength: float = 1.0
    rotation: float = 0.06
    scale: float = 0.06
    shift: float = 0.04


def random_velocity(shape, limits: DeformationRange, stream: RandomStream) -> torch.Tensor:
    """A stationary velocity field (1, 3, D, H, W) in voxels."""
    longest = max(shape)
    sides = torch.tensor([float(n) for n in shape]).view(1, 3, 1, 1, 1)
    velocity = _affine_velocity(shape, limits, stream)
    for width, deviation in SCALES:
        amount = limits.strength * stream.uniform(0, deviation)
        velocity = velocity + amount * sides * stream.smooth(3, shape, max(width * longest, 2.0))
    return velocity


def random_pair_of_maps(shape, limits: DeformationRange, stream: RandomStream):
    """Maps from the fixed and from the moving grid into a common anatomy, and between the two.

    Returns:
        to_fixed, to_moving, truth: displacements (1, 3, D, H, W) in voxels with fixed(x) = anatomy(x + to_fixed(x)),
        moving(y) = anatomy(y + to_moving(y)) and so fixed(x) = moving(x + truth(x)).
    """
    first = 0.7 * random_velocity(shape, limits, stream)
    second = 0.7 * random_velocity(shape, limits, stream)
    to_fixed = integrate(first, STEPS)
    return to_fixed, integrate(second, STEPS), compose(integrate(-second, STEPS), to_fixed)


def _affine_velocity(shape, limits: DeformationRange, stream: RandomStream) -> torch.Tensor:
    generator = torch.zeros(3, 3)
    for row in range(3):
        for column in range(row, 3):
            stretch = stream.uniform(-limits.scale, limits.scale) * (1.0 if row == column else 0.5)
            turn = stream.uniform(-limits.rotation, limits.rotation) if row != column else 0.0
            generator[row, column] = stretch + turn
            generator[column, row] = stretch - turn
    shift = torch.tensor([stream.uniform(-limits.shift, limits.shift) * n for n in shape]).view(1, 3, 1, 1, 1)
    center = (torch.tensor([float(n) for n in shape]).view(1, 3, 1, 1, 1) - 1) / 2
    return torch.einsum("ij,bjdhw->bidhw", generator, identity_grid(shape, generator) - center) + shift
