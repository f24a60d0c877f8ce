"""Segments as masks in world coordinates, and masks as segments.

Segments are read and written on the main thread, which only copies voxels; their masks are made by whichever thread
asks for them first.
"""

from functools import cached_property
from typing import Dict, List, NamedTuple, Optional, Sequence

import numpy as np
import SimpleITK as sitk
import slicer
import vtk

from ..geometry.boxes import box_of, cut_to_marked, marked_bounds
from ..geometry.grid import Grid
from ..geometry.resample import warp_labels
from ..volumes import NamedMask, StructureMasks
from .deformable import deformed
from .roles import role_of
from .space import grid_of_matrix, is_linear_to_world, matrix_of_grid, parent_to_world, to_numpy, to_vtk, to_world
from .volumes import scalars, voxels

BINARY = "Binary labelmap"


class _Layer(NamedTuple):
    """The labels (z, y, x) of the segments that share a labelmap, and their grid in the world."""

    labels: np.ndarray
    grid: Grid


class SegmentMask:
    """A segment as it was when it was read.

    Attributes:
        id, name: of the segment.
        role: what it is for, one of :data:`..choices.ROLES`.
    """

    def __init__(self, segment_id: str, name: str, role: str, layer: Optional[_Layer], label: int):
        self.id, self.name, self.role = segment_id, name, role
        self._layer, self._label = layer, label

    @cached_property
    def image(self) -> Optional[sitk.Image]:
        """The mask (uint8) in the world, cut to what is marked and a voxel around it; None where nothing is."""
        layer, self._layer = self._layer, None
        if layer is None:
            return None
        found = cut_to_marked(layer.labels == self._label, layer.grid)
        if found is None:
            return None
        part, grid = found
        return grid.image(part.astype(np.uint8))


def masks_of(node, segment_ids: Optional[Sequence[str]] = None) -> List[SegmentMask]:
    """The segments of a segmentation node with parent transforms applied; the node is not changed.

    Under deformable parents the labels are resampled by nearest neighbor.

    Args:
        node: vtkMRMLSegmentationNode; segments that have only a surface are converted in a copy.
        segment_ids: which ones; None for all.
    """
    segmentation = node.GetSegmentation()
    if segmentation.GetNumberOfSegments() and not segmentation.ContainsRepresentation(BINARY):
        copy = slicer.vtkSegmentation()
        copy.DeepCopy(segmentation)
        copy.CreateRepresentation(BINARY)
        segmentation = copy
    layers: Dict[str, Optional[_Layer]] = {}
    found = []
    for segment_id in segmentation.GetSegmentIDs() if segment_ids is None else segment_ids:
        segment = segmentation.GetSegment(segment_id)
        data = segment.GetRepresentation(BINARY)
        key = "" if data is None else data.GetAddressAsString(data.GetClassName())
        if key not in layers:
            layers[key] = _layer(data, node)
        found.append(SegmentMask(segment_id, segment.GetName(), role_of(segment), layers[key], segment.GetLabelValue()))
    return found


def structure_masks(
    masks: Sequence[SegmentMask], labels: Sequence[int], names: Sequence[str], grid: Grid
) -> Optional[StructureMasks]:
    """Segments as structures of these numbers and names on `grid`, whole where they overlap; None when all are empty.

    Segments of the same number are one structure. May run on any thread.
    """
    parts: Dict[int, List[SegmentMask]] = {}
    for mask, label in zip(masks, labels):
        parts.setdefault(label, []).append(mask)
    named = dict(zip(labels, names))
    united = (
        NamedMask(label, named[label], np.maximum.reduce([on_grid(mask, grid) for mask in segments]))
        for label, segments in parts.items()
    )
    found = StructureMasks.of_masks(united, grid)
    return found if found.structures else None


def on_grid(mask: SegmentMask, grid: Grid) -> np.ndarray:
    """The mask (z, y, x), uint8, by nearest neighbor on `grid`; may run on any thread."""
    if mask.image is None:
        return np.zeros(grid.shape, np.uint8)
    return sitk.GetArrayFromImage(warp_labels(mask.image, sitk.Transform(), grid))


def labelmap(mask: np.ndarray, grid: Grid) -> "slicer.vtkOrientedImageData":
    """A mask (z, y, x) on `grid` as an oriented image in the world, cut to what is marked. May run on any thread."""
    result = slicer.vtkOrientedImageData()
    result.SetImageToWorldMatrix(to_vtk(matrix_of_grid(grid)))
    bounds = marked_bounds(mask) or [(0, 0)] * 3
    (k0, k1), (j0, j1), (i0, i1) = bounds
    result.SetExtent(i0, i1, j0, j1, k0, k1)
    result.GetPointData().SetScalars(scalars((mask[box_of(bounds)] > 0).astype(np.uint8)))
    return result


def put_mask(node, segment_id: str, image) -> None:
    """Give a segment of `node` the mask made by :func:`labelmap`; other segments stay, also where they overlap.

    Under deformable parents the mask is resampled by nearest neighbor.
    """
    local, matrix = slicer.vtkOrientedImageData(), _matrix(image)
    if is_linear_to_world(node):
        local.ShallowCopy(image)
        matrix = np.linalg.inv(parent_to_world(node)) @ matrix
    else:
        local.ShallowCopy(deformed(image, matrix, to_world(node).GetInverse()))
    local.SetImageToWorldMatrix(to_vtk(matrix))
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


def add_segments(source, labelmaps, target) -> None:
    """Add segments of `source` to `target`, with other masks.

    Args:
        labelmaps: masks made by :func:`labelmap`, by the ids of segments; those that were removed are left out.
    """
    for segment_id, mask in labelmaps.items():
        if source.GetSegmentation().GetSegment(segment_id) is not None:
            copy_segment(source, segment_id, target)
            put_mask(target, segment_id, mask)


def has_voxels(data) -> bool:
    """Whether there is a labelmap and any voxel in it, marked or not."""
    return data is not None and data.GetNumberOfPoints() > 0 and data.GetPointData().GetScalars() is not None


def copy_of_labelmap(data) -> "slicer.vtkOrientedImageData":
    """A copy of a labelmap, cut to what is marked."""
    matrix = vtk.vtkMatrix4x4()
    data.GetImageToWorldMatrix(matrix)
    labels, first = voxels(data), data.GetExtent()[::2]
    bounds = marked_bounds(labels) or [(0, 0)] * 3
    result = slicer.vtkOrientedImageData()
    result.SetImageToWorldMatrix(matrix)
    result.SetExtent(*(start + end for start, pair in zip(first, reversed(bounds)) for end in pair))
    result.GetPointData().SetScalars(scalars(labels[box_of(bounds)]))
    return result


def _layer(data, node) -> Optional[_Layer]:
    if not has_voxels(data):
        return None
    matrix = _matrix(data)
    if is_linear_to_world(node):
        matrix = parent_to_world(node) @ matrix
    else:
        data = deformed(data, matrix, to_world(node))
    grid = grid_of_matrix(matrix, data.GetDimensions(), data.GetExtent()[::2])
    found = cut_to_marked(voxels(data), grid)
    return None if found is None else _Layer(found[0].copy(), found[1])


def _matrix(data) -> np.ndarray:
    matrix = vtk.vtkMatrix4x4()
    data.GetImageToWorldMatrix(matrix)
    return to_numpy(matrix)
