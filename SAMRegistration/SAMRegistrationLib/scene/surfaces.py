"""Masks as smooth surfaces for the 3D view, made by whichever thread so that the application need not."""

import numpy as np
import SimpleITK as sitk
import slicer
import vtk

from .masks import has_voxels
from .volumes import image_data, voxels

LARGEST = 128
SURFACE = "Closed surface"
_BORDER, _LEVEL = 3, 0.4


def surface_of(labelmap) -> vtk.vtkPolyData:
    """The border of an oriented image of :func:`.masks.labelmap`, in its world; may run on any thread.

    What is longer than LARGEST voxels is taken with every second, third, ... voxel. The level keeps what is two voxels
    thin.
    """
    if not has_voxels(labelmap):
        return vtk.vtkPolyData()
    step = -(-max(labelmap.GetDimensions()) // LARGEST)
    mask = np.pad(voxels(labelmap)[::step, ::step, ::step].astype(np.float32), _BORDER)
    smooth = sitk.SmoothingRecursiveGaussian(sitk.GetImageFromArray(mask), 1.0)
    border = vtk.vtkFlyingEdges3D()
    border.SetInputData(image_data(sitk.GetArrayViewFromImage(smooth)))
    border.SetValue(0, _LEVEL)
    matrix = vtk.vtkMatrix4x4()
    labelmap.GetImageToWorldMatrix(matrix)
    place = vtk.vtkTransform()
    place.Concatenate(matrix)
    place.Translate(*labelmap.GetExtent()[::2])
    place.Scale(step, step, step)
    place.Translate(-_BORDER, -_BORDER, -_BORDER)
    world = vtk.vtkTransformPolyDataFilter()
    world.SetInputConnection(border.GetOutputPort())
    world.SetTransform(place)
    world.Update()
    return world.GetOutput()


def put_surfaces(node, surfaces) -> None:
    """Give those segments that a segmentation node in the world has their surfaces by id, which 3D views show."""
    segmentation = node.GetSegmentation()
    for segment_id in segmentation.GetSegmentIDs():
        segmentation.GetSegment(segment_id).AddRepresentation(SURFACE, surfaces[segment_id])
    segmentation.InvokeEvent(slicer.vtkSegmentation.ContainedRepresentationNamesModified)
