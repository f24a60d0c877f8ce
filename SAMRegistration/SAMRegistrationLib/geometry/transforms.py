"""From voxel fields to physical transforms and back.

A transform maps a FIXED point to a MOVING point in LPS millimeters: what a resampler needs to bring the moving volume
onto the fixed grid.
"""

from pathlib import Path
from typing import List, Sequence, Tuple, Union

import numpy as np
import SimpleITK as sitk
import torch
import torch.nn.functional as F

from ..errors import InputError
from ..file_headers import check_header
from ..files import require_usable_path, shown
from ..system_errors import sentence_of
from . import dense
from .grid import Grid

TRANSFORM_ENDINGS = (".h5", ".hdf5", ".hdf", ".tfm", ".txt", ".mat", ".xfm")


def physical_displacement(displacement: torch.Tensor, grid: Grid) -> np.ndarray:
    """A voxel field (1, 3, D, H, W), channels (z, y, x), as LPS millimeter vectors (D, H, W, 3) ordered (x, y, z)."""
    voxels = displacement[0].permute(1, 2, 3, 0).flip(-1).detach().cpu().numpy().astype(np.float64)
    return voxels @ grid.axes.T


def voxel_displacement(vectors: np.ndarray, grid: Grid) -> torch.Tensor:
    """The inverse of :func:`physical_displacement`: LPS millimeter vectors (D, H, W, 3) to a voxel field."""
    voxels = np.asarray(vectors, dtype=np.float64) @ np.linalg.inv(grid.axes).T
    return torch.from_numpy(np.ascontiguousarray(voxels[..., ::-1], dtype=np.float32)).permute(3, 0, 1, 2)[None]


def displacement_transform(displacement: torch.Tensor, grid: Grid) -> sitk.DisplacementFieldTransform:
    """A voxel field on `grid` as a SimpleITK transform in physical space; points outside the grid stay in place."""
    return sitk.DisplacementFieldTransform(grid.image(physical_displacement(displacement, grid)))


def flow_transforms(velocity: torch.Tensor, grid: Grid):
    """Both directions of a stationary velocity field (1, 3, D, H, W; voxels of `grid`) as displacement transforms.

    The velocity is continued beyond the grid and fades to zero there, so that the mapping has no jump at the border,
    where a displacement field transform ends.

    Returns:
        (forward, inverse): forward is the pull-back mapping of the velocity, inverse its inverse.
    """
    faded, padded = continued(velocity, grid)
    steps = dense.integration_steps(faded)
    forward = dense.integrate(faded, steps)
    inverse = dense.integrate(-faded, steps)
    return displacement_transform(forward, padded), displacement_transform(inverse, padded)


def continued(field: torch.Tensor, grid: Grid) -> Tuple[torch.Tensor, Grid]:
    """A voxel field (1, 3, D, H, W) continued beyond `grid` so that it fades to zero gently, and its larger grid."""
    border = _border(field)
    start = [-width for width in border[::-1]]
    return _fade_out(field, border), grid.crop(start, [n + 2 * width for n, width in zip(grid.size, border[::-1])])


def pull_back(affine: sitk.Transform, deformation: sitk.Transform) -> sitk.CompositeTransform:
    """``x -> affine(deformation(x))``: the dense part lives on the fixed side, the affine leads to the moving side."""
    return sitk.CompositeTransform([affine, deformation])


def push_forward(affine_inverse: sitk.Transform, inverse_deformation: sitk.Transform) -> sitk.CompositeTransform:
    """``y -> inverse_deformation(affine_inverse(y))``: the inverse of :func:`pull_back`."""
    return sitk.CompositeTransform([inverse_deformation, affine_inverse])


def transform_points(transform: sitk.Transform, points: Sequence[Sequence[float]]) -> np.ndarray:
    """LPS points (N, 3) in millimeters through a transform."""
    points = np.asarray(points, dtype=np.float64).reshape(-1, 3)
    return np.array([transform.TransformPoint(point) for point in points.tolist()]).reshape(-1, 3)


def displacement_image(transform: sitk.Transform, grid: Grid) -> sitk.Image:
    """The displacement of `transform` at every voxel of `grid`, LPS millimeter vectors as a vector image."""
    return sitk.TransformToDisplacementField(
        transform, sitk.sitkVectorFloat64, grid.size, grid.origin, grid.spacing, grid.direction
    )


def read_transform(path: Union[str, Path]) -> sitk.Transform:
    """Read an ITK transform (.h5, .tfm, .txt, .mat), or a displacement field image (.nrrd, .nii.gz, .mha; LPS mm).

    Raises:
        InputError: the file is missing or is neither.
    """
    path = require_usable_path(path)
    if not path.is_file():
        raise InputError(f"There is no transform file {shown(path)}.")
    check_header(path)
    if path.name.lower().endswith(TRANSFORM_ENDINGS):
        try:
            transform = sitk.ReadTransform(str(path))
        except (RuntimeError, UnicodeError) as error:  # what ITK says may quote the file
            raise InputError(f"{shown(path)} cannot be read as an ITK transform ({sentence_of(error)}).") from error
        if transform.GetDimension() != 3:
            raise InputError(f"{shown(path)} holds a {transform.GetDimension()}D transform; a 3D one is needed.")
        return transform
    try:
        field = sitk.ReadImage(str(path), sitk.sitkVectorFloat64)
    except (RuntimeError, UnicodeError) as error:
        raise InputError(
            f"{shown(path)} cannot be read as a transform or a displacement field ({sentence_of(error)})."
        ) from error
    if field.GetDimension() != 3 or field.GetNumberOfComponentsPerPixel() != 3:
        raise InputError(f"{shown(path)} is not a 3D displacement field with 3 components.")
    return sitk.DisplacementFieldTransform(field)


def write_transform(transform: sitk.Transform, path: Path) -> None:
    """Write an ITK transform file; composite transforms within others, which files cannot hold, become one."""
    parts = parts_of(transform)
    sitk.WriteTransform(parts[0] if len(parts) == 1 else sitk.CompositeTransform(parts), str(path))


def parts_of(transform: sitk.Transform) -> List[sitk.Transform]:
    """The transforms that a composite transform, of any depth, is made of; the last one is applied first."""
    if transform.GetTransformEnum() != sitk.sitkComposite:
        return [transform.Downcast()]
    composite = sitk.CompositeTransform(transform)
    nested = (composite.GetNthTransform(number) for number in range(composite.GetNumberOfTransforms()))
    return [part for one in nested for part in parts_of(one)]


def _border(velocity: torch.Tensor):
    """Voxels per array axis by which the field is continued: enough for it to fade gently.

    The weight of :func:`_fade_out` has a slope of at most pi / (2 width); with three times the component of v along
    the axis the flow is squeezed by about half at most.
    """
    borders = []
    for axis in range(3):
        faces = velocity[:, axis].index_select(axis + 1, torch.tensor([0, velocity.shape[axis + 2] - 1]))
        borders.append(int(np.ceil(3 * float(faces.abs().max()))) + 2)
    return borders


def _fade_out(velocity: torch.Tensor, border) -> torch.Tensor:
    padding = [width for axis_border in border[::-1] for width in (axis_border, axis_border)]
    padded = F.pad(velocity, padding, mode="replicate")
    for axis, width in enumerate(border, start=2):
        n = padded.shape[axis]
        index = torch.arange(n, dtype=padded.dtype, device=padded.device)
        distance = torch.minimum(index, n - 1 - index) / width
        weight = torch.sin(distance.clamp(0, 1) * (np.pi / 2)) ** 2
        padded = padded * weight.view([-1 if dimension == axis else 1 for dimension in range(5)])
    return padded
