"""A transform with a small flow applied before it, in the form that it had."""

import numpy as np
import SimpleITK as sitk

from ..geometry.grid import Grid
from ..geometry.transforms import displacement_image, parts_of, transform_points

COARSER = 2.0  # times the spacing of a flow that the field may have into which it is taken up


def joined(transform: sitk.Transform, flow: sitk.DisplacementFieldTransform) -> sitk.Transform:
    """``x -> transform(flow(x))``; where a field is applied first, the flow becomes a part of that field.

    Args:
        transform: maps fixed points to moving points; `flow` fixed points to fixed points (LPS mm).
    """
    *rest, first = parts_of(transform)
    if not takes_up(transform, Grid.of(flow.GetDisplacementField())):
        return sitk.CompositeTransform([*rest, first, flow])
    corners = Grid.of(flow.GetDisplacementField()).corners()
    return sitk.CompositeTransform([*rest, _changed(first, sitk.CompositeTransform([first, flow]), corners)])


def joined_inverse(
    inverse: sitk.Transform, flow_inverse: sitk.DisplacementFieldTransform, transform: sitk.Transform
) -> sitk.Transform:
    """``y -> flow_inverse(inverse(y))``, the inverse of :func:`joined`, in the same way.

    Args:
        transform: of which `inverse` is the inverse.
    """
    last, *rest = parts_of(inverse)
    flow_grid = Grid.of(flow_inverse.GetDisplacementField())
    reached = transform_points(transform, _border(flow_grid))
    for part in reversed(rest):
        reached = transform_points(part, reached)
    if not (_is_field(last) and _holds(_grid(last), flow_grid) and _grid(last).contains(reached).all()):
        return sitk.CompositeTransform([flow_inverse, last, *rest])
    return sitk.CompositeTransform([_changed(last, sitk.CompositeTransform([flow_inverse, last]), reached), *rest])


def takes_up(transform: sitk.Transform, grid: Grid) -> bool:
    """Whether a flow on `grid` can become a part of the field that `transform` applies first."""
    first = parts_of(transform)[-1]
    if not (_is_field(first) and _grid(first).is_orthogonal and _holds(_grid(first), grid)):
        return False
    return bool(_grid(first).contains(grid.corners()).all())


def first_grid(transform: sitk.Transform, otherwise: Grid) -> Grid:
    """The grid of the field that a transform applies first, or another one where it applies none."""
    first = parts_of(transform)[-1]
    return _grid(first) if _is_field(first) and _grid(first).is_orthogonal else otherwise


def _holds(field: Grid, flow: Grid) -> bool:
    """Whether a field is fine enough for a flow."""
    return max(field.spacing) <= COARSER * max(flow.spacing)


def _is_field(part: sitk.Transform) -> bool:
    return part.GetTransformEnum() == sitk.sitkDisplacementField


def _grid(part: sitk.Transform) -> Grid:
    return Grid.of(sitk.DisplacementFieldTransform(part).GetDisplacementField())


def _changed(field: sitk.Transform, new: sitk.Transform, places: np.ndarray) -> sitk.DisplacementFieldTransform:
    """A field whose displacements within the box of `places` (N, 3; LPS mm) are those of `new`."""
    image = sitk.DisplacementFieldTransform(field).GetDisplacementField()
    grid = Grid.of(image)
    index = grid.physical_to_index(places)
    start = np.clip(np.floor(index.min(0)).astype(int), 0, np.asarray(grid.size) - 1)
    stop = np.clip(np.ceil(index.max(0)).astype(int) + 1, start + 1, grid.size)
    size = (stop - start).tolist()
    part = displacement_image(new, grid.crop(start, size))
    return sitk.DisplacementFieldTransform(sitk.Paste(image, part, size, [0, 0, 0], start.tolist()))


def _border(grid: Grid) -> np.ndarray:
    """The voxel centers (N, 3) on the six faces of a grid, LPS mm."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.size), indexing="ij"), -1).reshape(-1, 3)
    outer = ((index == 0) | (index == np.asarray(grid.size) - 1)).any(axis=1)
    return grid.index_to_physical(index[outer])
