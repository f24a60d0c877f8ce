"""Dense displacement fields on one grid, as torch tensors: warping, composing, integrating.

Convention of every function here: a field is (B, 3, D, H, W) in VOXELS of its own grid and its channels follow the
array axes (z, y, x). It pulls back: ``warped(x) = moving(x + u(x))``. Such fields never leave the library;
:mod:`.transforms` turns them into physical ones (LPS millimeters, spacing and direction included).
"""

import itertools
import math
from typing import Tuple

import torch
import torch.nn.functional as F


def identity_grid(shape, like: torch.Tensor) -> torch.Tensor:
    """Voxel coordinates (1, 3, D, H, W), channels (z, y, x), of a volume of `shape` (D, H, W)."""
    axes = [torch.arange(n, dtype=like.dtype, device=like.device) for n in shape]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"))[None]


def sample(image: torch.Tensor, coordinates: torch.Tensor, mode: str = "bilinear", padding: str = "border"):
    """Values of `image` (B, C, D, H, W) at voxel `coordinates` (B, 3, *S), channels (z, y, x): (B, C, *S).

    Args:
        mode: "bilinear" (trilinear in 3D) or "nearest".
        padding: "border" repeats the outermost voxel, "zeros" is 0 outside.
    """
    shape = image.shape[2:]
    normalized = [
        coordinates[:, axis] * (2.0 / max(size - 1, 1)) - (1.0 if size > 1 else 0.0) for axis, size in enumerate(shape)
    ]
    grid = torch.stack(normalized[::-1], dim=-1)
    return F.grid_sample(image, grid, mode=mode, padding_mode=padding, align_corners=True)


def warp(image: torch.Tensor, displacement: torch.Tensor, mode: str = "bilinear", padding: str = "border"):
    """``image(x + displacement(x))`` for an image (B, C, D, H, W) and a field (B, 3, D, H, W) in voxels."""
    coordinates = identity_grid(displacement.shape[2:], displacement) + displacement
    return sample(image, coordinates, mode, padding)


def compose(outer: torch.Tensor, inner: torch.Tensor) -> torch.Tensor:
    """The field of ``x -> outer(inner(x))``: ``inner(x) + outer(x + inner(x))``.

    Warping an image with the result equals warping it with `outer` first and the outcome with `inner` next.
    """
    return inner + warp(outer, inner)


def integrate(velocity: torch.Tensor, steps: int = 7) -> torch.Tensor:
    """Displacement of the flow of a stationary velocity field after unit time, by scaling and squaring.

    ``integrate(-velocity)`` is the inverse mapping. Source: Arsigny et al., MICCAI 2006.
    """
    displacement = velocity * (0.5**steps)
    for _ in range(steps):
        displacement = compose(displacement, displacement)
    return displacement


def integration_steps(velocity: torch.Tensor, first_step: float = 0.25) -> int:
    """Squarings for which the first small step is at most `first_step` voxels."""
    return max(1, math.ceil(math.log2(max(float(velocity.abs().max()) / first_step, 1.0))))


def resize_field(field: torch.Tensor, shape) -> torch.Tensor:
    """A field in voxels brought to another resolution of the SAME physical extent; vectors are rescaled.

    Voxel borders of both grids coincide (align_corners=False), so a size that halves keeps the volume in place.
    """
    scale = [new / old for new, old in zip(shape, field.shape[2:])]
    resized = F.interpolate(field, size=tuple(shape), mode="trilinear", align_corners=False)
    return torch.stack([component * factor for component, factor in zip(resized.unbind(1), scale)], dim=1)


def length(vectors: torch.Tensor) -> torch.Tensor:
    """Lengths (B, 1, D, H, W) of vectors (B, 3, D, H, W); on a CPU this is faster than a norm along an axis."""
    return vectors.square().sum(dim=1, keepdim=True).sqrt()


def jacobian(displacement: torch.Tensor) -> torch.Tensor:
    """Jacobian determinant (D, H, W) of ``x -> x + displacement(x)`` for a field (1, 3, D, H, W) in voxels."""
    z, y, x = torch.gradient(displacement[0], dim=(1, 2, 3))
    identity = torch.eye(3, dtype=displacement.dtype, device=displacement.device).view(3, 3, 1, 1, 1)
    along_z, along_y, along_x = (column + unit for column, unit in zip((z, y, x), identity))
    return (along_z * torch.linalg.cross(along_y, along_x, dim=0)).sum(0)


def least_jacobian(displacement: torch.Tensor) -> torch.Tensor:
    """The smallest Jacobian determinant (D, H, W) at each voxel of the field (1, 3, D, H, W), in voxels, as it is
    interpolated linearly.

    At a voxel each of the eight cells around it has a determinant of its own, made of differences to one side;
    :func:`jacobian` takes differences over two voxels and cannot see what alternates from voxel to voxel. Source: Liu
    et al., "On finite difference Jacobian computation in deformable image registration", arXiv 2212.06060.
    """
    identity = torch.eye(3, dtype=displacement.dtype, device=displacement.device).view(3, 3, 1, 1, 1)
    along_z, along_y, along_x = (
        [side + unit for side in _to_each_side(displacement[0], axis)] for axis, unit in zip((1, 2, 3), identity)
    )
    least = None
    for y, x in itertools.product(along_y, along_x):
        area = torch.linalg.cross(y, x, dim=0)
        for z in along_z:
            determinant = (z * area).sum(0)
            least = determinant if least is None else torch.minimum(least, determinant)
    return least


def _to_each_side(field: torch.Tensor, axis: int) -> Tuple[torch.Tensor, torch.Tensor]:
    """Differences to the next and from the last voxel; at the border the one that there is."""
    steps, count = torch.diff(field, dim=axis), field.shape[axis]
    if count == 1:
        return torch.zeros_like(field), torch.zeros_like(field)
    last, first = steps.narrow(axis, count - 2, 1), steps.narrow(axis, 0, 1)
    return torch.cat([steps, last], dim=axis), torch.cat([first, steps], dim=axis)
