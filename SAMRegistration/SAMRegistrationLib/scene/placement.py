"""How a segmentation was moved since some moment: by other parent transforms, and by hardening them."""

from typing import Any, Dict, Optional

import numpy as np
import slicer
import vtk

from .space import is_linear_to_world, parent_to_world


def geometry_of(node) -> str:
    """The reference geometry of a segmentation node in its own space, as the application writes it; "" without any.

    It goes with the segments when a linear transform is hardened. That of a volume node is its grid.
    """
    if node.IsA("vtkMRMLVolumeNode"):
        matrix = vtk.vtkMatrix4x4()
        node.GetIJKToRASMatrix(matrix)
        return slicer.vtkSegmentationConverter.SerializeImageGeometry(matrix, node.GetImageData())
    name = slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
    return node.GetSegmentation().GetConversionParameter(name)


def hardened_since(node, geometry: str) -> np.ndarray:
    """The 4x4 matrix (RAS mm) that was hardened into a node since it had this :func:`geometry_of`.

    The identity where the node has another geometry altogether, as after choosing another volume for it.
    """
    (now, extent_now), (then, extent_then) = _parsed(geometry_of(node)), _parsed(geometry)
    if now is None or then is None or extent_now != extent_then:
        return np.eye(4)
    if np.allclose(np.linalg.inv(then) @ now, np.eye(4), atol=1e-6):  # in voxels, whatever their size
        return np.eye(4)
    return now @ np.linalg.inv(then)


def may_compare(node, geometry: str) -> bool:
    """Whether a node still has the extent that it had with this :func:`geometry_of`."""
    return _parsed(geometry_of(node))[1] == _parsed(geometry)[1]


def place_of(node) -> Dict[str, Any]:
    """Where a segmentation node lies, for JSON; "parent" (to world, RAS mm) is None under a deformable transform."""
    parent = parent_to_world(node).tolist() if is_linear_to_world(node) else None
    return {"parent": parent, "geometry": geometry_of(node)}


def motion_since(node, place: Dict[str, Any]) -> Optional[np.ndarray]:
    """The 4x4 matrix (RAS mm in the world) by which a node moved since its :func:`place_of`; None if it did not."""
    if not is_linear_to_world(node) or place["parent"] is None:
        return None
    motion = parent_to_world(node) @ hardened_since(node, place["geometry"]) @ np.linalg.inv(place["parent"])
    return None if np.allclose(motion, np.eye(4)) else motion


def _parsed(geometry: str):
    """The matrix (None without any) and the extent of a reference geometry."""
    numbers = [number for number in geometry.split(";") if number]
    return (np.reshape(numbers[:16], (4, 4)).astype(float) if len(numbers) > 15 else None), numbers[16:]
