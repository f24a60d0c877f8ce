"""Observes a scene for a widget, and stops when the widget is gone."""

import weakref
from typing import Any, Callable, Dict, List

import shiboken6
import slicer
import vtk
from PySide6.QtCore import QObject


def weakly(method: Callable, with_node: bool = False) -> Callable:
    """A VTK callback that does not keep the object of the method alive."""
    reference = weakref.WeakMethod(method)

    def callback(caller: Any, event: str, *node: Any) -> None:
        alive = reference()
        if alive is not None:
            alive(*node)

    return vtk.calldata_type(vtk.VTK_OBJECT)(callback) if with_node else callback


class SceneObserver:
    """Calls `changed()` after nodes came, went or changed, and `leaving(node)` before one is removed.

    While the scene is being loaded or closed the calls wait until it is done, as in the application.
    """

    def __init__(self, owner: QObject, changed: Callable[[], None], leaving: Callable[[Any], None]):
        self._owner, self._changed, self._leaving = owner, changed, leaving
        self._scene: Any = None
        self._scene_tags: List[int] = []
        self._node_tags: Dict[Any, int] = {}

    def observe(self, scene: Any) -> None:
        if self._scene is not None:
            for tag in self._scene_tags:
                self._scene.RemoveObserver(tag)
        self.observe_nodes([])
        self._scene, self._scene_tags = scene, []
        if scene is None:
            return
        events = slicer.vtkMRMLScene
        for event in (events.NodeAddedEvent, events.NodeRemovedEvent, events.EndBatchProcessEvent):
            self._scene_tags.append(scene.AddObserver(event, weakly(self._on_change)))
        self._scene_tags.append(
            scene.AddObserver(events.NodeAboutToBeRemovedEvent, weakly(self._on_leaving, with_node=True))
        )

    def observe_nodes(self, nodes: List[Any]) -> None:
        """Follow the names and attributes of these nodes and of no others."""
        for node in [node for node in self._node_tags if node not in nodes]:
            node.RemoveObserver(self._node_tags.pop(node))
        for node in nodes:
            if node not in self._node_tags:
                self._node_tags[node] = node.AddObserver(vtk.vtkCommand.ModifiedEvent, weakly(self._on_change))

    def _alive(self) -> bool:
        if shiboken6.isValid(self._owner):
            return True
        self.observe(None)
        return False

    def _on_change(self) -> None:
        if self._alive() and not self._scene.IsBatchProcessing():
            self._changed()

    def _on_leaving(self, node: Any) -> None:
        if self._alive() and not self._scene.IsBatchProcessing():
            self._leaving(node)


class Watch:
    """Follows one VTK object for a widget: `follow(other)` moves the observers, None ends them."""

    def __init__(self, owner: QObject, events: List[Any], changed: Callable[[], None]):
        self._owner, self._events, self._changed = owner, events, changed
        self._object: Any = None
        self._tags: List[int] = []

    def follow(self, target: Any) -> None:
        if target is self._object:
            return
        for tag in self._tags:
            self._object.RemoveObserver(tag)
        self._object = target
        callback = weakly(self._on_event)
        self._tags = [] if target is None else [target.AddObserver(event, callback) for event in self._events]

    def _on_event(self) -> None:
        if shiboken6.isValid(self._owner):
            self._changed()
        else:
            self.follow(None)
