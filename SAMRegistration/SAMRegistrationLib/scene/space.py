"""World coordinates: parent transforms of nodes, and RAS (scene) against LPS (library)."""

from typing import Sequence

import numpy as np
import vtk
from slicer.i18n import tr as _

from ..errors import InputError
from ..geometry.frames import RAS_LPS
from ..geometry.grid import Grid


def to_numpy(matrix: vtk.vtkMatrix4x4) -> np.ndarray:
    """A vtkMatrix4x4 as a 4x4 array."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def to_vtk(matrix: np.ndarray) -> vtk.vtkMatrix4x4:
    """A 4x4 array as a vtkMatrix4x4."""
    result = vtk.vtkMatrix4x4()
    result.DeepCopy(np.asarray(matrix, dtype=float).ravel().tolist())
    return result


def is_linear_to_world(node) -> bool:
    """Whether all parent transforms of a transformable node are linear; True without any."""
    parent = node.GetParentTransformNode()
    return parent is None or bool(parent.IsTransformToWorldLinear())


def parent_to_world(node) -> np.ndarray:
    """4x4 matrix from the coordinates of `node` to the world (RAS mm), through the whole chain of parents.

    Raises:
        InputError: a parent transform is not linear.
    """
    parent = node.GetParentTransformNode()
    if parent is None:
        return np.eye(4)
    if not parent.IsTransformToWorldLinear():
        raise InputError(
            _("{name} is under a deformable transform; harden that transform first.").format(name=node.GetName())
        )
    matrix = vtk.vtkMatrix4x4()
    parent.GetMatrixTransformToWorld(matrix)
    return to_numpy(matrix)


def to_world(node) -> vtk.vtkGeneralTransform:
    """The transform (RAS mm) from the coordinates of `node` to the world, through the whole chain of parents."""
    transform = vtk.vtkGeneralTransform()
    if node.GetParentTransformNode() is not None:
        node.GetParentTransformNode().GetTransformToWorld(transform)
    return transform


def grid_of_matrix(ijk_to_ras: np.ndarray, size: Sequence[int], first: Sequence[int] = (0, 0, 0)) -> Grid:
    """The LPS grid of `size` voxels whose voxel (i, j, k) lies at ``ijk_to_ras @ (first + (i, j, k))``.

    Raises:
        InputError: the matrix does not span space.
    """
    matrix = RAS_LPS @ ijk_to_ras
    axes = matrix[:3, :3]
    spacing = np.linalg.norm(axes, axis=0)
    if not np.isfinite(matrix).all() or spacing.min() <= 0 or abs(np.linalg.det(axes / spacing)) < 1e-6:
        raise InputError(_("The axes of the volume do not span space; check its transform."))
    origin = matrix[:3, 3] + axes @ np.asarray(first, dtype=float)
    direction = tuple(float(value) for value in (axes / spacing).ravel())
    return Grid(tuple(int(n) for n in size), tuple(map(float, spacing)), tuple(map(float, origin)), direction)


def matrix_of_grid(grid: Grid) -> np.ndarray:
    """4x4 matrix from voxels (i, j, k) of a grid to RAS millimeters."""
    matrix = np.eye(4)
    matrix[:3, :3] = grid.axes
    matrix[:3, 3] = grid.origin
    return RAS_LPS @ matrix
