"""Volume nodes as SimpleITK images in the world, and images as volume nodes.

The voxels of a clinical volume take longer than a moment to copy, so the main thread only takes hold of them, and
whichever thread asks for them first copies them: :class:`VolumeCopy`.
"""

from functools import cached_property

import numpy as np
import SimpleITK as sitk
import slicer
import vtk
from slicer.i18n import tr as _
from vtk.util.numpy_support import create_vtk_array, get_vtk_array_type, vtk_to_numpy

from ..errors import InputError
from ..geometry.grid import Grid
from .deformable import deformed
from .space import grid_of_matrix, is_linear_to_world, matrix_of_grid, parent_to_world, to_numpy, to_vtk, to_world


class VolumeCopy:
    """A volume node as it is now; quick under linear parents, to be made on the main thread.

    Under linear parents the voxels stay as they are and their grid is moved; under deformable ones they are resampled.
    What happens to the node afterwards, as getting other voxels or being removed, does not matter.

    Attributes:
        name: of the node.
        grid: in world coordinates (LPS mm), parent transforms included.

    Raises:
        InputError: the node has no voxels, or is no scalar 3D volume.
    """

    def __init__(self, node):
        _check(node)
        self.name = node.GetName()
        if is_linear_to_world(node):
            self.grid = grid_of_matrix(_ijk_to_world(node), node.GetImageData().GetDimensions())
            self._data = vtk.vtkImageData()
            self._data.ShallowCopy(node.GetImageData())
        else:
            matrix, background = _ijk_to_ras(node), node.GetImageBackgroundScalarComponentAsDouble(0)
            self._data = deformed(node.GetImageData(), matrix, to_world(node), background, interpolate=True)
            self.grid = grid_of_matrix(matrix, self._data.GetDimensions(), self._data.GetExtent()[::2])

    @cached_property
    def image(self) -> sitk.Image:
        """A copy of the voxels on the grid, made on the thread that asks first.

        Should they be written to meanwhile, they are copied again, so that the image has all of them from one moment.
        """
        data, self._data = self._data, None
        written, image = None, None
        while image is None or written != data.GetPointData().GetScalars().GetMTime():
            written = data.GetPointData().GetScalars().GetMTime()
            image = self.grid.image(voxels(data))
        return image


def image_of(node) -> sitk.Image:
    """A volume node as an image in world coordinates (LPS mm); see :class:`VolumeCopy`."""
    return VolumeCopy(node).image


def _check(node) -> None:
    if node.GetImageData() is None or node.GetImageData().GetNumberOfPoints() == 0:
        raise InputError(_("{name} holds no voxels; choose another volume.").format(name=node.GetName()))
    if node.GetImageData().GetNumberOfScalarComponents() != 1:
        raise InputError(
            _("{name} has several values per voxel; choose a volume with one.").format(name=node.GetName())
        )


def grid_of(node) -> Grid:
    """The grid of a volume node in world coordinates (LPS mm).

    Raises:
        InputError: as :class:`VolumeCopy`.
    """
    if not is_linear_to_world(node):
        return VolumeCopy(node).grid
    return grid_of_matrix(_ijk_to_world(node), node.GetImageData().GetDimensions())


def voxels(data: vtk.vtkImageData) -> np.ndarray:
    """The scalars of an image, a view of shape (z, y, x), or (z, y, x, components)."""
    components = data.GetNumberOfScalarComponents()
    shape = tuple(reversed(data.GetDimensions())) + ((components,) if components > 1 else ())
    array = vtk_to_numpy(data.GetPointData().GetScalars()).reshape(shape)
    return array.view(np.int8) if array.dtype.char == "c" else array


def image_data(array: np.ndarray) -> vtk.vtkImageData:
    """An image without geometry from an array (z, y, x) or (z, y, x, components); may be made on any thread."""
    data = vtk.vtkImageData()
    data.SetDimensions(*reversed(array.shape[:3]))
    data.GetPointData().SetScalars(scalars(array))
    return data


def scalars(array: np.ndarray) -> vtk.vtkDataArray:
    """The values of an array (z, y, x) or (z, y, x, components), copied without holding up other Python threads."""
    components = array.shape[3] if array.ndim == 4 else 1
    data = create_vtk_array(get_vtk_array_type(array.dtype))
    data.SetNumberOfComponents(components)
    data.SetNumberOfTuples(array.size // components)
    vtk_to_numpy(data).reshape(array.shape)[...] = array
    return data


def add_volume(data: vtk.vtkImageData, grid: Grid, name: str, kind: str = "vtkMRMLScalarVolumeNode", window=None):
    """A new volume node in the world for an image made by :func:`image_data`.

    Args:
        window: (low, high) shown as black and white; None lets the application read all voxels to find one.
    """
    node = slicer.mrmlScene.AddNewNodeByClass(kind, slicer.mrmlScene.GenerateUniqueName(name))
    node.SetIJKToRASMatrix(to_vtk(matrix_of_grid(grid)))
    node.CreateDefaultDisplayNodes()
    if window is not None:
        node.GetDisplayNode().SetAutoWindowLevel(False)
        node.GetDisplayNode().SetWindowLevelMinMax(*window)
    node.SetAndObserveImageData(data)
    return node


def window_of(node):
    """(low, high) of a volume node's display; None where it has no window."""
    display = node.GetDisplayNode()
    if display is None or not display.IsA("vtkMRMLScalarVolumeDisplayNode"):
        return None
    low = display.GetLevel() - display.GetWindow() / 2
    return low, low + display.GetWindow()


def _ijk_to_world(node) -> np.ndarray:
    return parent_to_world(node) @ _ijk_to_ras(node)


def _ijk_to_ras(node) -> np.ndarray:
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return to_numpy(matrix)
