"""The table of a segmentation's segments."""

from typing import Any, List, Optional

import slicer
import vtk
from PySide6.QtCore import QItemSelection, QItemSelectionModel, Qt, Signal
from PySide6.QtGui import QColor, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QVBoxLayout, QWidget

from .base import SceneWidget
from .scene import Watch
from .standin import qt_property, stands_for, stored

VISIBLE, COLOR, OPACITY, NAME, STATUS, LAYER = range(6)
HEADERS = ("", "", "Opacity", "Name", "", "Layer")
STATUS_TAG = "Segmentation.Status"
STATUS_NAMES = ("NotStarted", "InProgress", "Completed", "Flagged")
SEGMENT_ID = Qt.ItemDataRole.UserRole


def segment_events() -> List[Any]:
    kind = slicer.vtkSegmentation
    return [kind.SegmentAdded, kind.SegmentRemoved, kind.SegmentModified, kind.SegmentsOrderModified]


def segment_ids(node: Any) -> List[str]:
    return list(node.GetSegmentation().GetSegmentIDs()) if node is not None else []


class SegmentWatch:
    """Follows a segmentation node: its segments, their order and its display."""

    def __init__(self, owner: QWidget, changed: Any):
        self._segments = Watch(owner, segment_events(), changed)
        self._node = Watch(
            owner,
            [
                vtk.vtkCommand.ModifiedEvent,
                slicer.vtkMRMLDisplayableNode.DisplayModifiedEvent,
                slicer.vtkMRMLSegmentationNode.SegmentationChangedEvent,
            ],
            changed,
        )

    def follow(self, node: Any) -> None:
        self._segments.follow(node.GetSegmentation() if node is not None else None)
        self._node.follow(node)


@stands_for("slicer.qMRMLSegmentsTableView")
class qMRMLSegmentsTableView(SceneWidget):
    """One row per segment: visible, color, opacity, name, status, layer."""

    selectionChanged = Signal(QItemSelection, QItemSelection)
    segmentAboutToBeModified = Signal(str)

    def __init__(self, parent: Optional[QWidget] = None):
        super().__init__(parent)
        self._node: Any = None
        self._updating = False
        self._columns = {VISIBLE: True, COLOR: True, OPACITY: True, NAME: True, STATUS: False, LAYER: False}
        self._hidden: List[str] = []
        self._filter = ""
        self._locked = False
        self._watch = SegmentWatch(self, self._refresh)
        self._items = QStandardItemModel(0, len(HEADERS), self)
        self._table = QTableView(self)
        self._table.setModel(self._items)
        self._table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self._table.verticalHeader().hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._table)
        self._items.itemChanged.connect(self._edited)
        self._table.selectionModel().selectionChanged.connect(self._selection_changed)
        self._refresh()

    def mrmlScene(self) -> Any:
        return self._scene

    def tableWidget(self) -> QTableView:
        return self._table

    def segmentationNode(self) -> Any:
        return self._node

    def setSegmentationNode(self, node: Any) -> None:
        node = node if isinstance(node, slicer.vtkMRMLSegmentationNode) else None
        if node is not self._node:
            self._node = node
            self._watch.follow(node)
            self._refresh()

    # Rows

    def _shown_ids(self) -> List[str]:
        return [
            segment_id
            for segment_id in segment_ids(self._node)
            if segment_id not in self._hidden
            and self._filter.lower() in self._node.GetSegmentation().GetSegment(segment_id).GetName().lower()
        ]

    def displayedSegmentIDs(self) -> List[str]:
        return self._shown_ids()

    def segmentIDForRow(self, row: int) -> str:
        return self._shown_ids()[row] if 0 <= row < len(self._shown_ids()) else ""

    def rowForSegmentID(self, segment_id: str) -> int:
        return self._shown_ids().index(segment_id) if segment_id in self._shown_ids() else -1

    def setHideSegments(self, segment_ids_to_hide: List[str]) -> None:
        self._hidden = list(segment_ids_to_hide)
        self._refresh()

    def hideSegments(self) -> List[str]:
        return list(self._hidden)

    def _refresh(self) -> None:
        if self._updating:
            return
        self._updating = True
        try:
            shown = self._shown_ids()
            if shown != [self._items.item(row, NAME).data(SEGMENT_ID) for row in range(self._items.rowCount())]:
                self._rebuild(shown)
            for row, segment_id in enumerate(shown):
                self._show_row(row, segment_id)
        finally:
            self._updating = False

    def _rebuild(self, shown: List[str]) -> None:
        selected = self.selectedSegmentIDs()
        self._items.clear()
        self._items.setHorizontalHeaderLabels(list(HEADERS))
        for segment_id in shown:
            row = [QStandardItem() for _ in HEADERS]
            row[NAME].setData(segment_id, SEGMENT_ID)
            row[VISIBLE].setCheckable(True)
            self._items.appendRow(row)
        self._table.horizontalHeader().setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        for column, visible in self._columns.items():
            self._table.setColumnHidden(column, not visible)
        self.setSelectedSegmentIDs([segment_id for segment_id in selected if segment_id in shown])

    def _show_row(self, row: int, segment_id: str) -> None:
        segment = self._node.GetSegmentation().GetSegment(segment_id)
        display = self._node.GetDisplayNode()
        item = self._items.item
        item(row, NAME).setText(segment.GetName())
        item(row, COLOR).setBackground(QColor.fromRgbF(*segment.GetColor()))
        item(row, STATUS).setText(self._status(segment))
        item(row, LAYER).setText(str(self._node.GetSegmentation().GetLayerIndex(segment_id)))
        if display is not None:
            state = Qt.CheckState.Checked if display.GetSegmentVisibility(segment_id) else Qt.CheckState.Unchecked
            item(row, VISIBLE).setCheckState(state)
            item(row, OPACITY).setText(f"{display.GetSegmentOpacity3D(segment_id):.2f}")
        for column in range(len(HEADERS)):
            item(row, column).setEditable(column in (OPACITY, NAME) and not self._locked)

    @staticmethod
    def _status(segment: Any) -> str:
        value = vtk.reference("")
        found = segment.GetTag(STATUS_TAG, value)
        return STATUS_NAMES[int(str(value))] if found and str(value).isdigit() else STATUS_NAMES[0]

    def _edited(self, item: QStandardItem) -> None:
        if self._updating or self._locked:
            return
        segment_id = self._items.item(item.row(), NAME).data(SEGMENT_ID)
        self.segmentAboutToBeModified.emit(segment_id)
        display = self._node.GetDisplayNode()
        if item.column() == NAME:
            self._node.GetSegmentation().GetSegment(segment_id).SetName(item.text())
        elif item.column() == VISIBLE and display is not None:
            display.SetSegmentVisibility(segment_id, item.checkState() == Qt.CheckState.Checked)
        elif item.column() == OPACITY and display is not None:
            try:
                opacity = min(max(float(item.text()), 0.0), 1.0)
            except ValueError:
                opacity = display.GetSegmentOpacity3D(segment_id)
            display.SetSegmentOpacity(segment_id, opacity)
        self._refresh()

    # Selection

    def selectedSegmentIDs(self) -> List[str]:
        rows = sorted({index.row() for index in self._table.selectionModel().selectedIndexes})
        return [self._items.item(row, NAME).data(SEGMENT_ID) for row in rows]

    def setSelectedSegmentIDs(self, wanted: List[str]) -> None:
        selection = QItemSelection()
        for row in range(self._items.rowCount()):
            if self._items.item(row, NAME).data(SEGMENT_ID) in wanted:
                selection.select(self._items.index(row, 0), self._items.index(row, len(HEADERS) - 1))
        self._table.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def clearSelection(self) -> None:
        self._table.clearSelection()

    def _selection_changed(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        self.selectionChanged.emit(selected, deselected)

    # Settings

    def _set_column(self, column: int, visible: bool) -> None:
        self._columns[column] = visible
        self._table.setColumnHidden(column, not visible)

    def setVisibilityColumnVisible(self, visible: bool) -> None:
        self._set_column(VISIBLE, visible)

    def setColorColumnVisible(self, visible: bool) -> None:
        self._set_column(COLOR, visible)

    def setOpacityColumnVisible(self, visible: bool) -> None:
        self._set_column(OPACITY, visible)

    def setStatusColumnVisible(self, visible: bool) -> None:
        self._set_column(STATUS, visible)

    def setLayerColumnVisible(self, visible: bool) -> None:
        self._set_column(LAYER, visible)

    def setHeaderVisible(self, visible: bool) -> None:
        self._table.horizontalHeader().setVisible(visible)

    def setSelectionMode(self, mode: int) -> None:
        self._table.setSelectionMode(QAbstractItemView.SelectionMode(int(mode)))

    def setReadOnly(self, read_only: bool) -> None:
        self._locked = read_only
        self._refresh()

    def setTextFilter(self, text: str) -> None:
        self._filter = text
        self._refresh()

    visibilityColumnVisible = qt_property(bool, lambda self: self._columns[VISIBLE], setVisibilityColumnVisible)
    colorColumnVisible = qt_property(bool, lambda self: self._columns[COLOR], setColorColumnVisible)
    opacityColumnVisible = qt_property(bool, lambda self: self._columns[OPACITY], setOpacityColumnVisible)
    statusColumnVisible = qt_property(bool, lambda self: self._columns[STATUS], setStatusColumnVisible)
    layerColumnVisible = qt_property(bool, lambda self: self._columns[LAYER], setLayerColumnVisible)
    headerVisible = qt_property(bool, lambda self: not self._table.horizontalHeader().isHidden(), setHeaderVisible)
    selectionMode = qt_property(int, lambda self: int(self._table.selectionMode), setSelectionMode)
    readOnly = qt_property(bool, lambda self: self._locked, setReadOnly)
    textFilter = qt_property(str, lambda self: self._filter, setTextFilter)
    segmentCount = qt_property(int, lambda self: len(segment_ids(self._node)))
    filterBarVisible = stored(bool, "filterBarVisible", False)
    jumpToSelectedSegmentEnabled = stored(bool, "jumpToSelectedSegmentEnabled", False)
    useTerminologySelector = stored(bool, "useTerminologySelector", True)
