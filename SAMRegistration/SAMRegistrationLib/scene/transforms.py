"""A library transform as a transform node: a displacement grid FROM parent, as a resampler uses it."""

from typing import Optional

import numpy as np
import SimpleITK as sitk
import slicer

from ..geometry.grid import Grid
from ..geometry.transforms import displacement_image
from .space import grid_of_matrix, matrix_of_grid, to_numpy, to_vtk
from .volumes import image_data, voxels


def transform_grid(transform: sitk.Transform, around: Grid) -> Grid:
    """Where to sample a transform for its node, so that linear interpolation between the samples is exact.

    That is the grid of its displacement field, carried along by the linear part if that is applied first (as in the
    inverse of a registration); without a field a coarse grid over `around` and a quarter of its size on every side.
    """
    parts = [transform.GetNthTransform(n) for n in range(transform.GetNumberOfTransforms())]
    fields = [part for part in parts if part.GetTransformEnum() == sitk.sitkDisplacementField]
    if not fields:
        return _spanning(around)
    grid = Grid.of(sitk.DisplacementFieldTransform(fields[0]).GetDisplacementField())
    for linear in reversed(parts):  # the part added last is applied first
        if not linear.IsLinear():
            return grid
        grid = _carried(grid, linear.GetInverse())
    return grid


def _carried(grid: Grid, linear: sitk.Transform) -> Grid:
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
    vectors = sitk.GetArrayFromImage(displacement_image(transform, grid)) * np.array([-1.0, -1.0, 1.0])
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
    return result


def add_transform(grid_transform, name: str, fixed, moving):
    """A new transform node whose FROM parent direction is `grid_transform`, referring to the pair's volume nodes."""
    kind = slicer.vtkMRMLTransformNode
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", slicer.mrmlScene.GenerateUniqueName(name))
    node.SetAndObserveTransformFromParent(grid_transform)
    node.AddNodeReferenceID(kind.GetFixedNodeReferenceRole(), fixed.GetID())
    node.AddNodeReferenceID(kind.GetMovingNodeReferenceRole(), moving.GetID())
    return node


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
    vectors = voxels(data).astype(np.float64) * np.array([-1.0, -1.0, 1.0])
    return sitk.DisplacementFieldTransform(grid_of_matrix(matrix, data.GetDimensions()).image(vectors))
