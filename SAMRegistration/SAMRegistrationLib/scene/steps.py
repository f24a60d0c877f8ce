"""The states that a result had, one after the other; its nodes hold the one that is chosen."""

from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Optional

import slicer
import vtk

from .correct import PairMasks
from .display import copy_colors
from .earlier import ATTRIBUTE
from .tables import table_rows
from .volumes import window_of

MOST_STEPS = 12  # kept; the oldest are let go


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


@dataclass(frozen=True)
class Step:
    """A state of the result.

    Attributes:
        name: as the user calls it.
        content: what its nodes hold.
        masks: the segments with which it was made.
    """

    name: str
    content: Content
    masks: PairMasks

    @property
    def rows(self) -> List[List[str]]:
        """The table of measures as text."""
        return table_rows(self.content.table)


@dataclass
class History:
    """The states of one result, the oldest first, and which of them its nodes hold.

    Attributes:
        transform: the transform node of the result; another one is another result.
    """

    transform: Any = None
    steps: List[Step] = field(default_factory=list)
    at: int = -1

    @property
    def present(self) -> Optional[Step]:
        """The chosen step; None without any."""
        return self.steps[self.at] if self.steps else None

    def begin(self, transform, step: Step) -> None:
        """Begin with the first state of another result."""
        self.transform, self.steps, self.at = transform, [step], 0

    def clear(self) -> None:
        """Let go of everything."""
        self.transform, self.steps, self.at = None, [], -1

    def add(self, step: Step) -> None:
        """Add a step after the chosen one, in place of those that were undone."""
        self.steps = [*self.steps[: self.at + 1], step][-MOST_STEPS:]
        self.at = len(self.steps) - 1

    def rename(self, number: int, name: str) -> None:
        """Call a step otherwise."""
        self.steps[number] = replace(self.steps[number], name=name)


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
