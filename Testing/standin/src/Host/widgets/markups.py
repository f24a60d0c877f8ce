"""The table of markup points with its node selector and place buttons."""

from typing import Any, Optional

import slicer
from PySide6.QtCore import Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from .base import SceneWidget
from .nodes import qMRMLNodeComboBox
from .place import markup_events, qSlicerMarkupsPlaceWidget
from .scene import Watch
from .standin import qt_property, stands_for, stored

COLUMNS = ("Label", "R", "A", "S")


@stands_for("slicer.qSlicerSimpleMarkupsWidget")
class qSlicerSimpleMarkupsWidget(SceneWidget):
    """A point list: selector, place buttons, and one row per point (label, then R, A, S in the node's own frame)."""

    activeMarkupsFiducialPlaceModeChanged = Signal(bool)
    activeMarkupsPlaceModeChanged = Signal(bool)
    currentMarkupsControlPointSelectionChanged = Signal(int)
    currentMarkupsFiducialSelectionChanged = Signal(int)
    markupsFiducialNodeChanged = Signal()
    markupsNodeChanged = Signal()
    updateFinished = Signal()

    def __init__(self, parent: Optional[QWidget] = None):
        super().__init__(parent)
        self._node: Any = None
        self._watch = Watch(self, markup_events(), self._refresh)
        self._selector = qMRMLNodeComboBox(self)
        self._selector.nodeTypes = ["vtkMRMLMarkupsFiducialNode"]
        self._selector.showHidden = True
        self._selector.noneEnabled = True
        self._selector.renameEnabled = True
        self._place = qSlicerMarkupsPlaceWidget(self)
        self._table = QTableWidget(0, len(COLUMNS), self)
        self._table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        top = QHBoxLayout()
        top.addWidget(self._selector, 1)
        top.addWidget(self._place)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(top)
        column.addWidget(self._table)
        self._selector.currentNodeChanged.connect(self._node_chosen)
        self._selector.nodeAddedByUser.connect(self._node_added)
        self._place.activeMarkupsPlaceModeChanged.connect(self.activeMarkupsPlaceModeChanged)
        self._place.activeMarkupsFiducialPlaceModeChanged.connect(self.activeMarkupsFiducialPlaceModeChanged)
        self._table.cellChanged.connect(self._edited)
        self._table.cellClicked.connect(self._row_chosen)

    def setMRMLScene(self, scene: Any) -> None:
        super().setMRMLScene(scene)
        self._place.setMRMLScene(scene)
        self._selector.setMRMLScene(scene)

    # Node

    def currentNode(self) -> Any:
        return self._selector.currentNode()

    def getCurrentNode(self) -> Any:
        return self.currentNode()

    def setCurrentNode(self, node: Any) -> None:
        node = node if isinstance(node, slicer.vtkMRMLMarkupsNode) else None
        if node is self._node:
            return
        blocked = self._selector.blockSignals(True)
        self._selector.setCurrentNode(node)
        self._selector.blockSignals(blocked)
        self._node = node
        self._place.setCurrentNode(node)
        self._watch.follow(node)
        self._refresh()
        self.markupsNodeChanged.emit()
        self.markupsFiducialNodeChanged.emit()

    def _node_chosen(self, node: Any) -> None:
        self.setCurrentNode(node)
        if self.enterPlaceModeOnNodeChange:
            self._place.setPlaceModeEnabled(node is not None)

    def _node_added(self, node: Any) -> None:
        if node.GetDisplayNode() is None:
            slicer.modules.markups.logic().AddNewDisplayNodeForMarkupsNode(node)
        self._selector.setCurrentNode(node)
        self.setNodeColor(self._place.defaultNodeColor)
        self._node_chosen(node)

    def setNodeBaseName(self, name: str) -> None:
        self._selector.baseName = name

    def interactionNode(self) -> Any:
        return self._place.interactionNode()

    def setInteractionNode(self, node: Any) -> None:
        self._place.setInteractionNode(node)

    def activate(self) -> None:
        self._place.setCurrentNodeActive(True)

    def placeActive(self, place: bool) -> None:
        self._place.setPlaceModeEnabled(place)

    # Parts

    def markupsPlaceWidget(self) -> qSlicerMarkupsPlaceWidget:
        return self._place

    def markupsSelectorComboBox(self) -> qMRMLNodeComboBox:
        return self._selector

    def tableWidget(self) -> QTableWidget:
        return self._table

    # Table

    def _refresh(self) -> None:
        node = self._node
        self._place.setEnabled(node is not None)
        blocked = self._table.blockSignals(True)
        if node is None:
            self._table.clear()
            self._table.setRowCount(0)
            self._table.setColumnCount(0)
        else:
            self._show_points(node)
        self._table.blockSignals(blocked)
        self.updateFinished.emit()

    def _show_points(self, node: Any) -> None:
        self._table.setColumnCount(len(COLUMNS))
        self._table.setHorizontalHeaderLabels(list(COLUMNS))
        self._table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self._table.setRowCount(node.GetNumberOfControlPoints())
        for row in range(node.GetNumberOfControlPoints()):
            position = [0.0, 0.0, 0.0]
            node.GetNthControlPointPosition(row, position)
            texts = [node.GetNthControlPointLabel(row), *(f"{value:.3f}" for value in position)]
            for column, text in enumerate(texts):
                item = self._table.item(row, column)
                if item is None:
                    item = QTableWidgetItem()
                    self._table.setItem(row, column, item)
                item.setText(text)

    def _edited(self, row: int, column: int) -> None:
        text = self._table.item(row, column).text()
        if column == 0:
            self._node.SetNthControlPointLabel(row, text)
            return
        position = [0.0, 0.0, 0.0]
        self._node.GetNthControlPointPosition(row, position)
        try:
            position[column - 1] = float(text)
        except ValueError:
            self._refresh()
            return
        self._node.SetNthControlPointPosition(row, position)

    def _row_chosen(self, row: int, column: int) -> None:
        if self.jumpToSliceEnabled:
            slicer.modules.markups.logic().JumpSlicesToNthPointInMarkup(self._node.GetID(), row, True, self.viewGroup)
        self.currentMarkupsControlPointSelectionChanged.emit(row)
        self.currentMarkupsFiducialSelectionChanged.emit(row)

    def highlightNthControlPoint(self, index: int) -> None:
        if 0 <= index < self._table.rowCount:
            self._table.selectRow(index)
        else:
            self._table.clearSelection()

    def highlightNthFiducial(self, index: int) -> None:
        self.highlightNthControlPoint(index)

    # Settings

    def setDefaultNodeColor(self, color: QColor) -> None:
        self._place.setDefaultNodeColor(color)

    def setNodeColor(self, color: QColor) -> None:
        self._place.setNodeColor(color)

    def setEnterPlaceModeOnNodeChange(self, enabled: bool) -> None:
        self.enterPlaceModeOnNodeChange = enabled

    def setJumpToSliceEnabled(self, enabled: bool) -> None:
        self.jumpToSliceEnabled = enabled

    def setNodeSelectorVisible(self, visible: bool) -> None:
        self._selector.setVisible(visible)

    def setOptionsVisible(self, visible: bool) -> None:
        self._place.setVisible(visible)

    defaultNodeColor = qt_property(QColor, lambda self: self._place.defaultNodeColor, setDefaultNodeColor)
    nodeColor = qt_property(QColor, lambda self: self._place.nodeColor, setNodeColor)
    enterPlaceModeOnNodeChange = stored(bool, "enterPlaceModeOnNodeChange", True)
    jumpToSliceEnabled = stored(bool, "jumpToSliceEnabled", False)
    nodeSelectorVisible = qt_property(bool, lambda self: not self._selector.isHidden(), setNodeSelectorVisible)
    optionsVisible = qt_property(bool, lambda self: not self._place.isHidden(), setOptionsVisible)
    viewGroup = stored(int, "viewGroup", -1)
