"""Random anatomies: integer maps of tissues, some of which are structures with a border to register."""

from typing import List, Tuple

import torch

from ...geometry.dense import identity_grid
from ..random_stream import RandomStream


def random_anatomy(shape, stream: RandomStream) -> Tuple[torch.Tensor, List[int]]:
    """Tissue map (1, 1, D, H, W), int64 with 0 outside the body, and the values that are structures.

    Two families: random label shapes (regions of smooth noise), and nested anatomy: a body filled with tissues, organs
    of wobbly ellipsoids, some with a wall around a cavity, and vessels.
    """
    if stream.happens(0.25):
        return _label_shapes(shape, stream)
    return _nested_anatomy(shape, stream)


def _label_shapes(shape, stream: RandomStream) -> Tuple[torch.Tensor, List[int]]:
    count = stream.integer(3, 8)
    noise = stream.smooth(count + 1, shape, stream.uniform(0.12, 0.3) * max(shape))
    tissues = noise.argmax(dim=1, keepdim=True)
    return tissues, _present(tissues, range(1, count + 1))


def _nested_anatomy(shape, stream: RandomStream) -> Tuple[torch.Tensor, List[int]]:
    grid = identity_grid(shape, torch.empty(0))
    extent = torch.tensor([float(n) for n in shape]).view(1, 3, 1, 1, 1)
    position = (grid - (extent - 1) / 2) / extent
    tissues = _surroundings(shape, position, stream)
    value = int(tissues.max())
    structures = []
    for _ in range(stream.integer(2, 7)):
        center = torch.tensor([stream.uniform(-0.3, 0.3) for _ in range(3)]).view(1, 3, 1, 1, 1)
        if stream.happens(0.2):
            level = _vessel(position, center, stream)
        else:
            radii = torch.tensor([stream.uniform(0.07, 0.26) for _ in range(3)]).view(1, 3, 1, 1, 1)
            level = _ellipsoid(position - center, radii, stream)
        level = level + stream.uniform(0.0, 0.25) * stream.smooth(1, shape, stream.uniform(0.1, 0.3) * max(shape))
        value += 1
        structures.append(value)
        tissues[level < 0] = value
        if stream.happens(0.35):
            value += 1
            structures.append(value)
            tissues[level < -stream.uniform(0.25, 0.5)] = value
    return tissues, _present(tissues, structures)


def _surroundings(shape, position: torch.Tensor, stream: RandomStream) -> torch.Tensor:
    """The body before its organs: several tissues, either filling the volume or surrounded by air (0)."""
    count = stream.integer(1, 4)
    tissues = stream.smooth(count, shape, stream.uniform(0.1, 0.3) * max(shape)).argmax(dim=1, keepdim=True) + 1
    if stream.happens(0.5):
        radii = torch.tensor([stream.uniform(0.4, 0.6) for _ in range(3)]).view(1, 3, 1, 1, 1)
        body = _ellipsoid(position, radii, stream) + 0.1 * stream.smooth(1, shape, 0.3 * max(shape))
        tissues[body > 0] = 0
    return tissues


def _ellipsoid(offset: torch.Tensor, radii: torch.Tensor, stream: RandomStream) -> torch.Tensor:
    """Level set (1, 1, D, H, W) of a turned ellipsoid: -1 at its center, 0 on its surface."""
    rotation, _ = torch.linalg.qr(torch.eye(3) + 0.7 * stream.normal(3, 3))
    turned = torch.einsum("ij,bjdhw->bidhw", rotation, offset)
    return (turned / radii).norm(dim=1, keepdim=True) - 1


def _vessel(position: torch.Tensor, center: torch.Tensor, stream: RandomStream) -> torch.Tensor:
    """Level set of a bent tube through `center` along a random axis."""
    axis = stream.integer(0, 2)
    along = position[:, axis : axis + 1]
    bend = stream.uniform(0.0, 0.15) * torch.sin(stream.uniform(3, 9) * along + stream.uniform(0, 6.3))
    across = (position - center) + bend
    across = torch.cat([across[:, other : other + 1] for other in range(3) if other != axis], dim=1)
    return across.norm(dim=1, keepdim=True) / stream.uniform(0.03, 0.09) - 1


def _present(tissues: torch.Tensor, values) -> List[int]:
    counts = torch.bincount(tissues.flatten(), minlength=max(values, default=0) + 1)
    return [value for value in values if counts[value] >= 30]
