"""The view of a table node's rows and columns."""

from typing import Any, Optional

import vtk
from PySide6.QtCore import Signal
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QAbstractItemView, QTableView, QWidget

from .scene import Watch
from .standin import stands_for


@stands_for("slicer.qMRMLTableView")
class qMRMLTableView(QTableView):
    """Shows the table of a vtkMRMLTableNode, read only; with a table view node, the one that is active in it."""

    mrmlSceneChanged = Signal(object)

    def __init__(self, parent: Optional[QWidget] = None):
        super().__init__(parent)
        self._scene: Any = None
        self._table_node: Any = None
        self._view_node: Any = None
        self._items = QStandardItemModel(self)
        self.setModel(self._items)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._table_watch = Watch(self, [vtk.vtkCommand.ModifiedEvent], self._fill)
        self._view_watch = Watch(self, [vtk.vtkCommand.ModifiedEvent], self._follow_view)

    def setMRMLScene(self, scene: Any) -> None:
        if scene is not self._scene:
            self._scene = scene
            self.mrmlSceneChanged.emit(scene)

    def mrmlScene(self) -> Any:
        return self._scene

    def mrmlTableNode(self) -> Any:
        return self._table_node

    def setMRMLTableNode(self, node: Any) -> None:
        self._table_node = node
        self._table_watch.follow(node)
        self._fill()

    def mrmlTableViewNode(self) -> Any:
        return self._view_node

    def setMRMLTableViewNode(self, node: Any) -> None:
        self._view_node = node
        self._view_watch.follow(node)
        self._follow_view()

    def _follow_view(self) -> None:
        self.setMRMLTableNode(self._view_node.GetTableNode() if self._view_node is not None else None)

    def _fill(self) -> None:
        self._items.clear()
        table = self._table_node.GetTable() if self._table_node is not None else None
        if table is None:
            return
        columns = range(table.GetNumberOfColumns())
        self._items.setHorizontalHeaderLabels([table.GetColumnName(column) or "" for column in columns])
        for row in range(table.GetNumberOfRows()):
            self._items.appendRow([QStandardItem(table.GetValue(row, column).ToString()) for column in columns])
