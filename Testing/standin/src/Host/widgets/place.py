"""The buttons that place, color and delete markup points."""

from typing import Any, List, Optional

import slicer
import vtk
from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QColor
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from .base import SceneWidget
from .buttons import ctkColorPickerButton
from .scene import Watch
from .standin import qt_property, stands_for

SHOW_OPTION, HIDE_OPTION, FORCE_SINGLE, FORCE_MULTIPLE = 0, 1, 2, 3


def markup_events() -> List[Any]:
    node = slicer.vtkMRMLMarkupsNode
    return [
        vtk.vtkCommand.ModifiedEvent,
        node.PointAddedEvent,
        node.PointRemovedEvent,
        node.PointModifiedEvent,
        node.PointPositionDefinedEvent,
        node.PointPositionUndefinedEvent,
        slicer.vtkMRMLDisplayableNode.DisplayModifiedEvent,
    ]


@stands_for("slicer.qSlicerMarkupsPlaceWidget")
class qSlicerMarkupsPlaceWidget(SceneWidget):
    """Switches place mode for its current node, deletes points, shows and sets the node's color."""

    ShowPlaceMultipleMarkupsOption = SHOW_OPTION
    HidePlaceMultipleMarkupsOption = HIDE_OPTION
    ForcePlaceSingleMarkup = FORCE_SINGLE
    ForcePlaceMultipleMarkups = FORCE_MULTIPLE

    activeMarkupsFiducialPlaceModeChanged = Signal(bool)
    activeMarkupsPlaceModeChanged = Signal(bool)

    def __init__(self, parent: Optional[QWidget] = None):
        super().__init__(parent)
        self._node: Any = None
        self._interaction: Any = None
        self._selection: Any = None
        self._multiple = SHOW_OPTION
        self._signaled = False
        self._default_color = QColor(0, 255, 0)
        self._node_watch = Watch(self, markup_events(), self._refresh)
        self._interaction_watch = Watch(self, [vtk.vtkCommand.ModifiedEvent], self._refresh)
        self._selection_watch = Watch(self, [vtk.vtkCommand.ModifiedEvent], self._refresh)
        self._color_button = ctkColorPickerButton(self)
        self._color_button.setDisplayColorName(False)
        self._place_button = QToolButton(self)
        self._place_button.setCheckable(True)
        self._place_button.setText("Place")
        self._persistent = QAction("Place multiple control points", self)
        self._persistent.setCheckable(True)
        self._place_menu = QMenu(self)
        self._place_menu.addAction(self._persistent)
        self._delete_button = QToolButton(self)
        self._delete_button.setText("Delete")
        self._delete_all = QAction("Delete all control points", self)
        self._delete_menu = QMenu(self)
        self._delete_menu.addAction(self._delete_all)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for button in (self._color_button, self._place_button, self._delete_button):
            row.addWidget(button)
        self._color_button.colorChanged.connect(self.setNodeColor)
        self._place_button.toggled.connect(self.setPlaceModeEnabled)
        self._persistent.toggled.connect(self.setPlaceModePersistency)
        self._delete_button.clicked.connect(lambda: self.modifyLastPoint())
        self._delete_all.triggered.connect(lambda: self.deleteAllPoints())
        self._delete_button.setMenu(self._delete_menu)
        self._delete_button.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.setPlaceMultipleMarkups(SHOW_OPTION)

    # Nodes

    def setMRMLScene(self, scene: Any) -> None:
        super().setMRMLScene(scene)
        find = scene.GetNodeByID if scene is not None else lambda _: None
        self.setInteractionNode(find("vtkMRMLInteractionNodeSingleton"))
        self.setSelectionNode(find("vtkMRMLSelectionNodeSingleton"))
        self._refresh()

    def interactionNode(self) -> Any:
        return self._interaction

    def setInteractionNode(self, node: Any) -> None:
        self._interaction = node
        self._interaction_watch.follow(node)

    def selectionNode(self) -> Any:
        return self._selection

    def setSelectionNode(self, node: Any) -> None:
        self._selection = node
        self._selection_watch.follow(node)

    def currentNode(self) -> Any:
        return self._node

    def currentMarkupsNode(self) -> Any:
        return self._node

    def currentMarkupsFiducialNode(self) -> Any:
        return self._node if isinstance(self._node, slicer.vtkMRMLMarkupsFiducialNode) else None

    def setCurrentNode(self, node: Any) -> None:
        node = node if isinstance(node, slicer.vtkMRMLMarkupsNode) else None
        if node is not self._node:
            self._node = node
            self._node_watch.follow(node)
            self._refresh()

    # Placing

    def _ready(self) -> bool:
        return None not in (self._scene, self._node, self._interaction, self._selection)

    def _is_active(self) -> bool:
        if not self._ready():
            return False
        return (
            self._selection.GetActivePlaceNodeID() == self._node.GetID()
            and self._selection.GetActivePlaceNodeClassName() == self._node.GetClassName()
        )

    def setCurrentNodeActive(self, active: bool) -> None:
        if not self._ready() or active == self._is_active():
            return
        slicer.modules.markups.logic().SetActiveList(self._node if active else None)
        if not active:
            self._interaction.SetCurrentInteractionMode(self._interaction.ViewTransform)

    def _is_placing(self) -> bool:
        return self._is_active() and self._interaction.GetCurrentInteractionMode() == self._interaction.Place

    def setPlaceModeEnabled(self, enabled: bool) -> None:
        if not self._ready():
            self._refresh()
            return
        if not enabled:
            self._interaction.SetCurrentInteractionMode(self._interaction.ViewTransform)
            return
        self.setCurrentNodeActive(True)
        self._apply_persistency()
        self._interaction.SetCurrentInteractionMode(self._interaction.Place)

    def _apply_persistency(self) -> None:
        if self._multiple in (FORCE_SINGLE, FORCE_MULTIPLE):
            self.setPlaceModePersistency(self._multiple == FORCE_MULTIPLE)

    def _is_persistent(self) -> bool:
        return self._interaction is not None and bool(self._interaction.GetPlaceModePersistence())

    def setPlaceModePersistency(self, persistent: bool) -> None:
        if self._interaction is not None:
            self._interaction.SetPlaceModePersistence(int(persistent))

    def setPlaceMultipleMarkups(self, option: int) -> None:
        self._multiple = int(option)
        with_menu = self._multiple == SHOW_OPTION
        modes = QToolButton.ToolButtonPopupMode
        self._place_button.setMenu(self._place_menu if with_menu else None)
        self._place_button.setPopupMode(modes.MenuButtonPopup if with_menu else modes.DelayedPopup)
        if self._is_placing():
            self._apply_persistency()

    # Deleting

    def modifyLastPoint(self) -> None:
        if self._node is not None and self._node.GetFixedNumberOfControlPoints():
            self.unsetLastDefinedPoint()
        else:
            self.deleteLastPoint()

    def deleteLastPoint(self) -> None:
        if self._node is not None and self._node.GetNumberOfControlPoints() > 0:
            self._node.RemoveNthControlPoint(self._node.GetNumberOfControlPoints() - 1)

    def deleteAllPoints(self) -> None:
        if self._node is not None:
            self._node.RemoveAllControlPoints()

    def unsetLastDefinedPoint(self) -> None:
        if self._node is None:
            return
        for index in reversed(range(self._node.GetNumberOfControlPoints())):
            if self._node.GetNthControlPointPositionStatus(index) != self._node.PositionUndefined:
                self._node.UnsetNthControlPointPosition(index)
                return

    def unsetAllPoints(self) -> None:
        if self._node is not None:
            self._node.UnsetAllControlPoints()

    # Looks

    def placeButton(self) -> QToolButton:
        return self._place_button

    def deleteButton(self) -> QToolButton:
        return self._delete_button

    def setButtonsVisible(self, visible: bool) -> None:
        for button in (self._color_button, self._place_button, self._delete_button):
            button.setVisible(visible)

    def setDeleteAllControlPointsOptionVisible(self, visible: bool) -> None:
        self._delete_all.setVisible(visible)

    def setNodeColor(self, color: QColor) -> None:
        if self._node is not None and self._node.GetDisplayNode() is not None:
            self._node.GetDisplayNode().SetSelectedColor(color.redF(), color.greenF(), color.blueF())

    def _node_color(self) -> QColor:
        if self._node is None or self._node.GetDisplayNode() is None:
            return QColor(self._default_color)
        return QColor.fromRgbF(*self._node.GetDisplayNode().GetSelectedColor())

    def setDefaultNodeColor(self, color: QColor) -> None:
        self._default_color = QColor(color)
        self._refresh()

    def _refresh(self) -> None:
        ready = self._ready()
        self._place_button.setEnabled(ready and not self._node.GetControlPointPlacementComplete())
        self._color_button.setEnabled(ready)
        self._delete_button.setEnabled(ready and self._node.GetNumberOfControlPoints() > 0)
        placing = self._is_placing()
        for widget, show in (
            (self._color_button, lambda: self._color_button.setColor(self._node_color())),
            (self._place_button, lambda: self._place_button.setChecked(placing)),
            (self._persistent, lambda: self._persistent.setChecked(self._is_persistent())),
        ):
            blocked = widget.blockSignals(True)
            show()
            widget.blockSignals(blocked)
        if placing != self._signaled:
            self._signaled = placing
            self.activeMarkupsFiducialPlaceModeChanged.emit(placing)
            self.activeMarkupsPlaceModeChanged.emit(placing)

    placeModeEnabled = qt_property(bool, _is_placing, setPlaceModeEnabled)
    placeModePersistency = qt_property(bool, _is_persistent, setPlaceModePersistency)
    placeMultipleMarkups = qt_property(int, lambda self: self._multiple, setPlaceMultipleMarkups)
    currentNodeActive = qt_property(bool, _is_active, setCurrentNodeActive)
    buttonsVisible = qt_property(bool, lambda self: not self._place_button.isHidden(), setButtonsVisible)
    defaultNodeColor = qt_property(QColor, lambda self: QColor(self._default_color), setDefaultNodeColor)
    nodeColor = qt_property(QColor, _node_color, setNodeColor)
    deleteAllControlPointsOptionVisible = qt_property(
        bool, lambda self: self._delete_all.visible, setDeleteAllControlPointsOptionVisible
    )
