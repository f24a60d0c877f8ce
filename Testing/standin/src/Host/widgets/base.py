"""Slicer's base widgets, which know the scene."""

from typing import Any, Optional

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from .standin import stands_for


class SceneWidget(QWidget):
    mrmlSceneChanged = Signal(object)

    def __init__(self, parent: Optional[QWidget] = None):
        super().__init__(parent)
        self._scene: Any = None

    def setMRMLScene(self, scene: Any) -> None:
        if scene is not self._scene:
            self._scene = scene
            self.mrmlSceneChanged.emit(scene)


@stands_for("slicer.qSlicerWidget")
class qSlicerWidget(SceneWidget):
    pass


@stands_for("slicer.qMRMLWidget")
class qMRMLWidget(SceneWidget):
    def mrmlScene(self) -> Any:
        return self._scene
