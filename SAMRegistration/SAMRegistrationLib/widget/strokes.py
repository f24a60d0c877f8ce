"""Scribbles and lassos: drawn in the slice views with the mouse held down, and shown there as curves."""

from typing import Callable, Dict, List, Optional

import slicer

from ..choices import DRAWN, LASSO, NEGATIVE_SCRIBBLE, SCRIBBLE
from ..geometry.frames import flipped
from .points import UNMOVED

CLASSES = {kind: "vtkMRMLMarkupsCurveNode" for kind in (SCRIBBLE, NEGATIVE_SCRIBBLE)}
CLASSES[LASSO] = "vtkMRMLMarkupsClosedCurveNode"
COLORS = {SCRIBBLE: (0.2, 1.0, 0.3), NEGATIVE_SCRIBBLE: (1.0, 0.35, 0.3), LASSO: (0.3, 0.7, 1.0)}
NAMES = {SCRIBBLE: "+", NEGATIVE_SCRIBBLE: "-", LASSO: "o"}
STEP = 5  # pixels of a view between two points of a stroke
BEFORE_OTHERS = 10.0  # observer priority: before the tools of the views


class PromptStrokes:
    """A curve for each scribble and lasso. They are not saved: prompts are kept with the segmentation.

    Args:
        placed: called with (kind, list of RAS positions, RAS normal) when the user drew a prompt.
        moved: called with (prompt id, list of RAS positions). deleted: called with a prompt id.
    """

    def __init__(self, placed: Callable, moved: Callable, deleted: Callable):
        self._placed, self._moved, self._deleted = placed, moved, deleted
        self._kind: Optional[str] = None
        self._watched: List[tuple] = []
        self._view = self._last = None
        self._live = None
        self._pending: List[object] = []
        self._shown: Dict[str, tuple] = {}
        self._visible = True

    @property
    def placing(self) -> Optional[str]:
        """The kind of prompt that the mouse draws now; None for none."""
        return self._kind

    def start(self, kind: str) -> None:
        """Let every slice view draw prompts of this kind until :meth:`stop`."""
        self.stop()
        self._kind = kind
        manager = slicer.app.layoutManager()
        for name in manager.sliceViewNames():
            view = manager.sliceWidget(name).sliceView()
            interactor = view.interactor()
            for event, handle in (
                ("LeftButtonPressEvent", self._on_press),
                ("MouseMoveEvent", self._on_move),
                ("LeftButtonReleaseEvent", self._on_release),
            ):
                self._watch(interactor, event, handle, view)

    def stop(self) -> None:
        """Give the mouse back; a stroke that is being drawn is dropped."""
        for interactor, tag in self._watched:
            interactor.RemoveObserver(tag)
        self._watched, self._kind, self._view = [], None, None
        self._remove_node(self._live)
        self._live = None

    def show(self, prompts) -> None:
        """Show the scribbles and lassos among these prompts (of :mod:`..segmentation.prompts`) and no others."""
        for node in self._pending:
            self._remove_node(node)
        self._pending = []
        wanted = {prompt.id: prompt for prompt in prompts if prompt.kind in DRAWN}
        for prompt_id, (prompt, node, _) in list(self._shown.items()):
            if wanted.get(prompt_id) != prompt or not self._is_as_told(prompt, node):
                self._drop(prompt_id)
        for prompt_id, prompt in wanted.items():
            if prompt_id not in self._shown:
                self._shown[prompt_id] = (prompt, *self._observed(prompt))

    def set_visible(self, visible: bool) -> None:
        """Show the curves in the views, or hide them without taking them away."""
        self._visible = visible
        for _, node, _ in self._shown.values():
            if slicer.mrmlScene.IsNodePresent(node):
                node.SetDisplayVisibility(visible)

    def remove(self) -> None:
        """Remove the curves from the scene and give the mouse back."""
        self.stop()
        self.show(())

    def forget(self) -> None:
        """Let go of the curves because the scene removes them itself."""
        for _, node, tags in self._shown.values():
            for tag in tags:
                node.RemoveObserver(tag)
        self._shown, self._pending, self._live = {}, [], None

    # --- mouse; the handlers tell whether the event was theirs, and not for the view's own tools

    def _watch(self, interactor, event, handle, view):
        def called(*_args):
            command = interactor.GetCommand(tag)
            if handle(view, interactor):
                command.SetAbortFlag(1)

        tag = interactor.AddObserver(event, called, BEFORE_OTHERS)
        self._watched.append((interactor, tag))

    def _on_press(self, view, interactor):
        self._view, self._last = view, interactor.GetEventPosition()
        self._live = self._new_node(self._kind)
        self._live.AddControlPoint(*_position(view, self._last))
        return True

    def _on_move(self, view, interactor):
        if self._view is not view:
            return False
        place = interactor.GetEventPosition()
        if max(abs(a - b) for a, b in zip(place, self._last)) >= STEP:
            self._last = place
            self._live.AddControlPoint(*_position(view, place))
        return True

    def _on_release(self, view, interactor):
        if self._view is not view:
            return False
        place, node, self._view, self._live = interactor.GetEventPosition(), self._live, None, None
        if place != self._last:
            node.AddControlPoint(*_position(view, place))
        self._pending.append(node)
        self._placed(self._kind, _positions(node), _normal(view))
        return True

    # --- nodes

    def _new_node(self, kind):
        node = slicer.mrmlScene.CreateNodeByClass(CLASSES[kind])
        node.UnRegister(None)
        node.SetName(NAMES[kind])
        node.SetSaveWithScene(False)
        node.SetHideFromEditors(True)
        node.SetCurveTypeToLinear()
        node = slicer.mrmlScene.AddNode(node)
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.SetSaveWithScene(False)
        display.SetSelectedColor(*COLORS[kind])
        display.SetColor(*COLORS[kind])
        display.SetActiveColor(*COLORS[kind])
        display.SetUseGlyphScale(True)
        display.SetGlyphScale(0.8)
        display.SetPointLabelsVisibility(False)
        display.SetPropertiesLabelVisibility(False)
        display.SetVisibility(self._visible)
        return node

    def _observed(self, prompt):
        """The curve of a prompt, with the tags of what watches it."""
        node = self._new_node(prompt.kind)
        for point in prompt.points:
            node.AddControlPoint(*flipped(point))
        if prompt.proposed:
            node.GetDisplayNode().SetOpacity(0.5)
        tags = [
            node.AddObserver(node.PointEndInteractionEvent, lambda *_args: self._moved(prompt.id, _positions(node))),
            node.AddObserver(node.PointRemovedEvent, lambda *_args: self._deleted(prompt.id)),
        ]
        return node, tags

    def _is_as_told(self, prompt, node):
        if not slicer.mrmlScene.IsNodePresent(node) or node.GetNumberOfControlPoints() != len(prompt.points):
            return False
        told = [flipped(point) for point in prompt.points]
        return all(abs(a - b) <= UNMOVED for p, q in zip(_positions(node), told) for a, b in zip(p, q))

    def _drop(self, prompt_id):
        _, node, tags = self._shown.pop(prompt_id)
        for tag in tags:
            node.RemoveObserver(tag)
        self._remove_node(node)

    @staticmethod
    def _remove_node(node):
        if node is not None and slicer.mrmlScene.IsNodePresent(node):
            slicer.mrmlScene.RemoveNode(node)


def _position(view, pixel) -> list:
    """RAS of a pixel (x, y from the lower left corner) of a slice view."""
    return list(view.mrmlSliceNode().GetXYToRAS().MultiplyPoint((*pixel, 0.0, 1.0))[:3])


def _normal(view) -> tuple:
    matrix = view.mrmlSliceNode().GetSliceToRAS()
    return tuple(matrix.GetElement(row, 2) for row in range(3))


def _positions(node) -> List[list]:
    return [list(node.GetNthControlPointPositionWorld(index)) for index in range(node.GetNumberOfControlPoints())]
