"""A library transform as a transform node: a displacement grid FROM parent, as a resampler uses it."""

from typing import List, Optional

import numpy as np
import SimpleITK as sitk
import slicer
import vtk
from slicer.i18n import tr as _

from ..errors import InputError
from ..geometry.frames import RAS_LPS, RAS_LPS_SIGNS
from ..geometry.grid import Grid
from ..geometry.transforms import displacement_image
from .space import grid_of_matrix, matrix_of_grid, to_numpy, to_vtk
from .volumes import image_data, voxels

MOST_NODES = 2_000_000  # of a grid that holds several fields
INVERSE_TOLERANCE = 1e-3  # of VTK's numerical inverse, in the grid's unit of length


def transform_grid(transform: sitk.Transform, around: Grid) -> Grid:
    """Where to sample a transform for its node, so that linear interpolation between the samples is exact.

    That is the grid of its displacement field, of several the largest at the spacing of the finest, moved by the
    linear part if that is applied first (as in the inverse of a registration); without a field a coarse grid over
    `around` and a quarter of its size on every side.
    """
    parts = [transform.GetNthTransform(n) for n in range(transform.GetNumberOfTransforms())]
    fields = [part for part in parts if part.GetTransformEnum() == sitk.sitkDisplacementField]
    if not fields:
        return _spanning(around)
    grid = _holding([Grid.of(sitk.DisplacementFieldTransform(part).GetDisplacementField()) for part in fields])
    for linear in reversed(parts):  # the part added last is applied first
        if not linear.IsLinear():
            return grid
        grid = carried(grid, linear.GetInverse())
    return grid


def _holding(grids: List[Grid]) -> Grid:
    """The largest of the grids, with the spacing of the finest one as far as MOST_NODES allow."""
    largest = max(grids, key=lambda grid: grid.volume)
    finest = min(max(grid.spacing) for grid in grids)
    if finest >= max(largest.spacing):
        return largest
    allowed = (largest.volume / MOST_NODES) ** (1 / 3)
    return largest.with_spacing(np.minimum(largest.spacing, max(finest, allowed)))


def carried(grid: Grid, linear: sitk.Transform) -> Grid:
    """The grid whose nodes are those of `grid` moved by a linear transform; its axes may be skewed."""
    origin, *steps = (linear.TransformPoint(p.tolist()) for p in [grid.center, *(grid.center + grid.axes.T)])
    axes = np.transpose(np.array(steps) - origin)
    spacing = np.linalg.norm(axes, axis=0)
    first = np.array(origin) - axes @ ((np.asarray(grid.size) - 1) / 2)
    return Grid(grid.size, tuple(spacing.tolist()), tuple(first.tolist()), tuple((axes / spacing).ravel().tolist()))


def _spanning(around: Grid, nodes: int = 8) -> Grid:
    size = np.asarray(around.size)
    spacing = np.asarray(around.spacing) * size * 1.5 / (nodes - 1)
    origin = around.index_to_physical([-0.25 * size - 0.5])[0]
    return Grid((nodes,) * 3, tuple(spacing.tolist()), tuple(origin.tolist()), around.direction)


def oriented_grid(transform: sitk.Transform, grid: Grid) -> "slicer.vtkOrientedGridTransform":
    """The displacements of `transform` sampled on `grid`, in RAS mm. May run on any thread."""
    vectors = sitk.GetArrayFromImage(displacement_image(transform, grid)) * RAS_LPS_SIGNS
    data = image_data(vectors)
    matrix = matrix_of_grid(grid)
    data.SetSpacing(grid.spacing)
    data.SetOrigin(matrix[:3, 3])
    directions = np.eye(4)
    directions[:3, :3] = matrix[:3, :3] / np.asarray(grid.spacing)
    result = slicer.vtkOrientedGridTransform()
    result.SetDisplacementGridData(data)
    result.SetGridDirectionMatrix(to_vtk(directions))
    result.SetInterpolationModeToLinear()
    result.SetInverseTolerance(INVERSE_TOLERANCE * grid.length_unit)
    return result


def add_transform(grid_transform, name: str, fixed, moving):
    """A new transform node whose FROM parent direction is `grid_transform`, referring to the pair's volume nodes."""
    kind = slicer.vtkMRMLTransformNode
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", slicer.mrmlScene.GenerateUniqueName(name))
    node.SetAndObserveTransformFromParent(grid_transform)
    node.AddNodeReferenceID(kind.GetFixedNodeReferenceRole(), fixed.GetID())
    node.AddNodeReferenceID(kind.GetMovingNodeReferenceRole(), moving.GetID())
    return node


def initial_alignment(node, moving) -> sitk.AffineTransform:
    """What a linear transform node says about where a registration starts: fixed points to moving points (LPS mm).

    Putting the moving volume under the node, as it lies in the world now, would bring it to the fixed volume; parents
    of the node count. A moving volume that is under the node already lies where it starts.

    Raises:
        InputError: the node or a parent of it is not linear, or it has no inverse.
    """
    parent = moving.GetParentTransformNode()
    while parent is not None:
        if parent is node:
            return sitk.AffineTransform(3)
        parent = parent.GetParentTransformNode()
    if not node.IsTransformToWorldLinear():
        text = _("{name} is not linear, so a registration cannot start from it; choose a rigid or affine transform.")
        raise InputError(text.format(name=node.GetName()))
    matrix = vtk.vtkMatrix4x4()
    node.GetMatrixTransformToWorld(matrix)
    to_fixed = RAS_LPS @ to_numpy(matrix) @ RAS_LPS
    if not np.isfinite(to_fixed).all() or np.linalg.matrix_rank(to_fixed[:3, :3]) < 3:
        raise InputError(_("{name} has no inverse; choose another transform.").format(name=node.GetName()))
    to_moving = np.linalg.inv(to_fixed)
    alignment = sitk.AffineTransform(3)
    alignment.SetMatrix(to_moving[:3, :3].ravel().tolist())
    alignment.SetTranslation(to_moving[:3, 3].tolist())
    return alignment


def library_transform(node) -> Optional[sitk.Transform]:
    """The FROM parent direction of a node with a displacement grid as a SimpleITK transform; None for other nodes."""
    grid = node.GetTransformFromParent()
    if not isinstance(grid, slicer.vtkOrientedGridTransform) or grid.GetDisplacementGrid() is None:
        return None
    data = grid.GetDisplacementGrid()
    directions = grid.GetGridDirectionMatrix()
    matrix = np.eye(4) if directions is None else to_numpy(directions)
    matrix[:3, :3] = matrix[:3, :3] * np.asarray(data.GetSpacing())
    matrix[:3, 3] = data.GetOrigin()
    vectors = voxels(data).astype(np.float64) * RAS_LPS_SIGNS
    return sitk.DisplacementFieldTransform(grid_of_matrix(matrix, data.GetDimensions()).image(vectors))
