"""A table view in the layout."""

import slicer
from PySide6 import QtWidgets

from ..widgets.tables import qMRMLTableView


class qMRMLTableWidget(QtWidgets.QWidget):
    """Shows the table that is active in its view node."""

    def __init__(self, node, application_logic, parent=None):
        super().__init__(parent)
        self._view = qMRMLTableView(self)
        self._view.setMRMLScene(node.GetScene())
        self._view.setMRMLTableViewNode(node)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._view)

    def _finalize(self):
        self._view.setMRMLTableViewNode(None)
        self._view.setMRMLScene(None)

    def tableView(self):
        return self._view

    def mrmlScene(self):
        return slicer.mrmlScene

    def mrmlTableViewNode(self):
        return self._view.mrmlTableViewNode()
