"""Image data under deformable transforms, which moves voxels off their grid."""

import itertools

import numpy as np
import vtk

from .space import to_vtk

_PARTS = 12


def deformed(data, matrix: np.ndarray, transform, background: float = 0.0, interpolate: bool = False):
    """Image data as it is after a deformable transform, on its own axes.

    Args:
        data: vtkImageData; its own origin, spacing and directions do not count.
        matrix: 4x4, from its voxels (i, j, k) to RAS mm.
        transform: vtkAbstractTransform in RAS mm, to where the voxels go.
        background: value of what comes from outside.
        interpolate: linearly; else the nearest voxel is taken.

    Returns:
        New vtkImageData of the same `matrix`, whose extent holds everything.
    """
    plain = vtk.vtkImageData()
    plain.SetExtent(data.GetExtent())
    plain.GetPointData().SetScalars(data.GetPointData().GetScalars())
    voxels = vtk.vtkGeneralTransform()
    voxels.PostMultiply()
    voxels.Concatenate(to_vtk(matrix))
    voxels.Concatenate(transform)
    voxels.Concatenate(to_vtk(np.linalg.inv(matrix)))
    reslice = vtk.vtkImageReslice()
    reslice.SetInputData(plain)
    reslice.SetResliceTransform(voxels.GetInverse())
    reslice.SetOutputOrigin(0, 0, 0)
    reslice.SetOutputSpacing(1, 1, 1)
    reslice.SetOutputExtent(*_extent(plain.GetExtent(), voxels))
    reslice.SetBackgroundLevel(background)
    if interpolate:
        reslice.SetInterpolationModeToLinear()
    else:
        reslice.SetInterpolationModeToNearestNeighbor()
    reslice.Update()
    return reslice.GetOutput()


def _extent(extent, transform) -> list:
    """The extent of everything between the borders of an extent, moved."""
    sides = [np.linspace(low - 0.5, high + 0.5, _PARTS + 1) for low, high in zip(extent[::2], extent[1::2])]
    border = [
        point
        for index in itertools.product(range(_PARTS + 1), repeat=3)
        if set(index) & {0, _PARTS}
        for point in [[side[at] for side, at in zip(sides, index)]]
    ]
    moved = np.array([transform.TransformPoint(point) for point in border])
    return np.stack([np.floor(moved.min(0)), np.ceil(moved.max(0))], 1).astype(int).ravel().tolist()
