"""Segments as masks in world coordinates, and masks as segments.

:func:`labelmap` may run on any thread; everything else belongs to the main thread.
"""

from typing import List, NamedTuple, Optional, Sequence

import numpy as np
import SimpleITK as sitk
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk

from ..geometry.grid import Grid
from ..segmentation.labels import LabelledMask, join_labels
from .space import grid_of_matrix, matrix_of_grid, parent_to_world, to_numpy, to_vtk
from .volumes import voxels

BINARY = "Binary labelmap"


class SegmentMask(NamedTuple):
    """A segment: its id and name, and its mask (uint8) on a grid of its own in the world; None where it is empty."""

    id: str
    name: str
    image: Optional[sitk.Image]


def masks_of(node, segment_ids: Optional[Sequence[str]] = None) -> List[SegmentMask]:
    """The segments of a segmentation node with parent transforms applied; the node is not changed.

    Args:
        node: vtkMRMLSegmentationNode; segments that have only a surface are converted in a copy.
        segment_ids: which ones; None for all.

    Raises:
        InputError: the node is under a deformable transform.
    """
    segmentation = node.GetSegmentation()
    if segmentation.GetNumberOfSegments() and not segmentation.ContainsRepresentation(BINARY):
        copy = slicer.vtkSegmentation()
        copy.DeepCopy(segmentation)
        copy.CreateRepresentation(BINARY)
        segmentation = copy
    to_world = parent_to_world(node)
    found = []
    for segment_id in segmentation.GetSegmentIDs() if segment_ids is None else segment_ids:
        segment = segmentation.GetSegment(segment_id)
        found.append(SegmentMask(segment_id, segment.GetName(), _mask_image(segment, to_world)))
    return found


def label_image(masks: Sequence[SegmentMask], labels: Sequence[int], grid: Grid) -> Optional[sitk.Image]:
    """Masks joined to one label image on `grid`, the smaller structure on top; None when all are empty there.

    May run on any thread.
    """
    parts = [LabelledMask(label, on_grid(mask, grid)) for mask, label in zip(masks, labels) if mask.image is not None]
    joined = join_labels(parts, grid)
    return grid.image(joined) if joined.any() else None


def on_grid(mask: SegmentMask, grid: Grid) -> np.ndarray:
    """The mask (z, y, x), uint8, by nearest neighbor on `grid`; may run on any thread."""
    if mask.image is None:
        return np.zeros(grid.shape, np.uint8)
    moved = sitk.Resample(mask.image, grid.empty_image(), sitk.Transform(), sitk.sitkNearestNeighbor, 0)
    return sitk.GetArrayFromImage(moved)


def labelmap(mask: np.ndarray, grid: Grid) -> "slicer.vtkOrientedImageData":
    """A mask (z, y, x) on `grid` as an oriented image in the world, cut to what is marked. May run on any thread."""
    result = slicer.vtkOrientedImageData()
    result.SetImageToWorldMatrix(to_vtk(matrix_of_grid(grid)))
    bounds = _bounds(mask)
    if bounds is None:
        bounds = [(0, 0)] * 3
    part = np.ascontiguousarray(mask[tuple(slice(low, high + 1) for low, high in bounds)] > 0, dtype=np.uint8)
    (k0, k1), (j0, j1), (i0, i1) = bounds
    result.SetExtent(i0, i1, j0, j1, k0, k1)
    result.GetPointData().SetScalars(numpy_to_vtk(part.ravel(), deep=True))
    return result


def put_mask(node, segment_id: str, image) -> None:
    """Give a segment of `node` the mask made by :func:`labelmap`; other segments stay, also where they overlap.

    Raises:
        InputError: the node is under a deformable transform.
    """
    local = slicer.vtkOrientedImageData()
    local.ShallowCopy(image)
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    local.SetImageToWorldMatrix(to_vtk(np.linalg.inv(parent_to_world(node)) @ to_numpy(matrix)))
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    logic.SetBinaryLabelmapToSegment(local, node, segment_id, logic.MODE_REPLACE)


def new_segmentation(name: str, reference=None):
    """An empty segmentation node with the geometry of the volume node `reference`."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", slicer.mrmlScene.GenerateUniqueName(name))
    node.CreateDefaultDisplayNodes()
    if reference is not None:
        node.SetReferenceImageGeometryParameterFromVolumeNode(reference)
    return node


def copy_segment(source, segment_id: str, target) -> None:
    """Add to `target` an empty segment with the id, name, color, terminology and tags of a segment of `source`."""
    segment = slicer.vtkSegment()
    segment.DeepCopyMetadata(source.GetSegmentation().GetSegment(segment_id))
    target.GetSegmentation().AddSegment(segment, segment_id)


def _mask_image(segment, to_world: np.ndarray) -> Optional[sitk.Image]:
    data = segment.GetRepresentation(BINARY)
    if data is None or data.GetNumberOfPoints() == 0 or data.GetPointData().GetScalars() is None:
        return None
    mask = (voxels(data) == segment.GetLabelValue()).astype(np.uint8)
    if not mask.any():
        return None
    matrix = vtk.vtkMatrix4x4()
    data.GetImageToWorldMatrix(matrix)
    extent = data.GetExtent()
    return grid_of_matrix(to_world @ to_numpy(matrix), data.GetDimensions(), extent[::2]).image(mask)


def _bounds(mask: np.ndarray):
    bounds = []
    for axis in range(3):
        marked = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        if marked.size == 0:
            return None
        bounds.append((int(marked[0]), int(marked[-1])))
    return bounds
