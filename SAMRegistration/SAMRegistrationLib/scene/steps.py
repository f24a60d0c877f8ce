"""What the nodes of a result hold, taken and put back."""

from dataclasses import dataclass
from typing import Any, Dict, Optional

import slicer
import vtk

from .display import copy_colors
from .earlier import ATTRIBUTE
from .history import Step
from .volumes import window_of


@dataclass(frozen=True)
class Content:
    """What the nodes of a result hold: VTK data that nobody writes into, and nodes that only some states have."""

    transform: Any
    inverse: Any
    known: Optional[str]
    warped: Any
    jacobian: Any
    displacement: Any
    window: tuple
    table: Any
    segmentation: Any
    optional: Dict[str, Any]


OPTIONAL = ("resultDisagreement", "resultFolds", "resultFoldTable")


def content_of(nodes) -> Content:
    """What the nodes of a result hold now.

    Args:
        nodes: the parameter node.
    """
    display = None if nodes.resultDisplacement is None else nodes.resultDisplacement.GetDisplayNode()
    segmentation = None
    if nodes.resultSegmentation is not None:
        segmentation = slicer.vtkSegmentation()
        segmentation.DeepCopy(nodes.resultSegmentation.GetSegmentation())
    return Content(
        nodes.resultTransform.GetTransformFromParent(),
        nodes.resultInverse.GetTransformFromParent(),
        nodes.resultTransform.GetAttribute(ATTRIBUTE),
        nodes.resultVolume.GetImageData(),
        nodes.resultJacobian.GetImageData(),
        None if display is None else nodes.resultDisplacement.GetImageData(),
        (0.0, 1.0) if display is None else (display.GetWindowLevelMin(), display.GetWindowLevelMax()),
        nodes.resultTable.GetTable(),
        segmentation,
        {name: getattr(nodes, name) for name in OPTIONAL},
    )


def put(content: Content, nodes) -> None:
    """Let the nodes of a result hold another state."""
    nodes.resultTransform.SetAndObserveTransformFromParent(content.transform)
    nodes.resultInverse.SetAndObserveTransformFromParent(content.inverse)
    nodes.resultTransform.SetAttribute(ATTRIBUTE, content.known)
    nodes.resultVolume.SetAndObserveImageData(content.warped)
    nodes.resultJacobian.SetAndObserveImageData(content.jacobian)
    if nodes.resultDisplacement is not None and content.displacement is not None:
        nodes.resultDisplacement.SetAndObserveImageData(content.displacement)
        nodes.resultDisplacement.GetDisplayNode().SetWindowLevelMinMax(*content.window)
    nodes.resultTable.SetAndObserveTable(content.table)
    if nodes.resultSegmentation is not None and content.segmentation is not None:
        nodes.resultSegmentation.GetSegmentation().DeepCopy(content.segmentation)
    for name, node in content.optional.items():
        there = node is not None and slicer.mrmlScene.IsNodePresent(node)
        setattr(nodes, name, node if there else None)


def show_other(step: Optional[Step], like, node=None):
    """The warped volume of a step in a hidden volume node beside that of the result; None, and no node, for no step.

    Args:
        like: the volume node of the result, whose geometry and window it gets.
        node: where it was held before.
    """
    if step is None:
        if node is not None:
            slicer.mrmlScene.RemoveNode(node)
        return None
    if node is None:
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScalarVolumeNode")
        node.UnRegister(None)
        node.SetSaveWithScene(False)
        node.SetHideFromEditors(True)
        node = slicer.mrmlScene.AddNode(node)
        node.CreateDefaultDisplayNodes()
        node.GetDisplayNode().SetSaveWithScene(False)
    matrix = vtk.vtkMatrix4x4()
    like.GetIJKToRASMatrix(matrix)
    node.SetName(step.name)
    node.SetIJKToRASMatrix(matrix)
    node.SetAndObserveImageData(step.content.warped)
    copy_colors(like, node)
    node.GetDisplayNode().SetAutoWindowLevel(False)
    node.GetDisplayNode().SetWindowLevelMinMax(*window_of(like))
    return node
