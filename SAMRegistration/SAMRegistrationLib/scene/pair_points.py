"""Pairs of points that correct a result: clicked in one volume, proposed in the other, dragged to where they belong."""

from collections import Counter
from typing import Callable, List, Optional, Tuple

import slicer
import vtk

from .arrangement import side_by_side_widgets
from .display import show_layers

FIXED_VIEW, MOVING_VIEW = 0, 1  # of the side-by-side layout


class PairPoints:
    """Two lists of points, watched while a result is corrected.

    Args:
        added: called when a click added a pair. moved: called when the mouse moved a point or a point was deleted.
    """

    def __init__(self, added: Callable[[], None], moved: Callable[[], None]):
        self._added, self._moved = added, moved
        self._lists: Tuple = ()
        self._transforms: Tuple = ()
        self._observations: List[tuple] = []
        self._busy = False

    def watch(self, fixed, moving, transform, inverse) -> None:
        """Follow the lists of a pair, markups nodes or None, and propose places by transform nodes of its result."""
        if self._lists == (fixed, moving):
            self._transforms = (transform, inverse)
            return
        self.leave()
        self._lists, self._transforms = (fixed, moving), (transform, inverse)
        for number, node in enumerate(self._lists):
            if node is not None:
                for event, handle in (
                    (node.PointPositionDefinedEvent, lambda number=number: self._on_defined(number)),
                    (node.PointEndInteractionEvent, self._moved),
                    (node.PointRemovedEvent, self._moved),
                ):
                    tag = node.AddObserver(event, lambda *_args, handle=handle: self._busy or handle())
                    self._observations.append((node, tag))

    def leave(self) -> None:
        """Follow no list any more."""
        for node, tag in self._observations:
            node.RemoveObserver(tag)
        self._observations, self._lists, self._transforms = [], (), ()

    def start(self) -> None:
        """Let the next click in a view add a pair."""
        interaction = slicer.app.applicationLogic().GetInteractionNode()
        logic = slicer.modules.markups.logic()
        logic.SetActiveList(self._lists[0])
        logic.StartPlaceMode(False)
        interaction.SetPlaceModePersistence(0)

    def show_side_by_side(self, fixed, moving) -> None:
        """Show the fixed volume and its points in the first, the moving volume and its points in the second view."""
        widgets = side_by_side_widgets()
        if not widgets:
            return
        first, second = (widget.mrmlSliceNode() for widget in widgets)
        for widget, volume, points in zip(widgets, (fixed, moving), self._lists):
            composite = widget.mrmlSliceCompositeNode()
            composite.SetLinkedControl(False)
            composite.SetHotLinkedControl(False)
            show_layers(volume, views=[widget.mrmlSliceNode().GetLayoutName()], fit=True)
            points.GetDisplayNode().SetViewNodeIDs([widget.mrmlSliceNode().GetID()])
            points.SetDisplayVisibility(True)
        second.GetSliceToRAS().DeepCopy(first.GetSliceToRAS())
        second.SetFieldOfView(*first.GetFieldOfView())
        second.UpdateMatrices()
        self._jump(second, self._mapped(0, [first.GetSliceToRAS().GetElement(row, 3) for row in range(3)]))

    def show_everywhere(self) -> None:
        """Show the points in all views again."""
        for node in self._lists:
            if node is not None and node.GetDisplayNode() is not None:
                node.GetDisplayNode().RemoveAllViewNodeIDs()

    def last(self) -> Optional[tuple]:
        """Where the last point of the fixed volume is (RAS mm); None without any."""
        node = self._lists[0] if self._lists else None
        defined = [] if node is None else _defined(node)
        return tuple(node.GetNthControlPointPositionWorld(defined[-1])) if defined else None

    def _on_defined(self, number: int):
        fixed, moving = self._lists
        if None in self._lists or number != 0 or len(_defined(fixed)) != 1 + len(_defined(moving)):
            return
        self._busy = True
        index = _defined(fixed)[-1]
        clicked, widgets = fixed.GetNthControlPointPositionWorld(index), side_by_side_widgets()
        in_moving = bool(widgets) and _view_of_mouse() is widgets[MOVING_VIEW].mrmlSliceNode()
        if in_moving:
            here, there = self._mapped(1, clicked), list(clicked)
            fixed.SetNthControlPointPositionWorld(index, *here)
        else:
            here, there = list(clicked), self._mapped(0, clicked)
        partner = moving.AddControlPointWorld(vtk.vtkVector3d(*there))
        label = _label(fixed, moving)
        if label:
            fixed.SetNthControlPointLabel(index, label)
            moving.SetNthControlPointLabel(partner, label)
        for widget, place in zip(widgets, (here, there)):
            self._jump(widget.mrmlSliceNode(), place)
        self._busy = False
        self._added()

    def _mapped(self, number: int, position) -> list:
        """Where the result brings a position of the fixed (0) or of the moving (1) volume, RAS mm."""
        place = [0.0, 0.0, 0.0]
        self._transforms[number].GetTransformFromParent().TransformPoint(list(position), place)
        return place

    @staticmethod
    def _jump(node, place) -> None:
        node.JumpSliceByCentering(*place)


def _defined(node) -> List[int]:
    """The numbers of the points that were placed."""
    numbers = range(node.GetNumberOfControlPoints())
    return [number for number in numbers if node.GetNthControlPointPositionStatus(number) == node.PositionDefined]


def _label(fixed, moving) -> str:
    """A number that no other point of both lists has; "" where pairs are told by their order, not by labels."""
    others = [[node.GetNthControlPointLabel(n) for n in _defined(node)[:-1]] for node in (fixed, moving)]
    if any(others) and not {name for name in Counter(others[0]) if name} & set(others[1]):
        return ""
    taken = set(others[0]) | set(others[1])
    return next(str(number) for number in range(1, len(taken) + 2) if str(number) not in taken)


def _view_of_mouse():
    """The node of the slice view that the mouse is in; None elsewhere."""
    crosshair = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    return None if crosshair is None else crosshair.GetCursorPositionXYZ([0.0, 0.0, 0.0])
