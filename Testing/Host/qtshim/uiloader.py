"""Loads .ui files: the application's own widget classes by their stand-ins, its typed signals connected in Python."""

import xml.etree.ElementTree as ElementTree
from typing import Any, Dict, List, NamedTuple, Optional

from PySide6 import QtCore, QtUiTools, QtWidgets

from ..errors import HostError
from .objects import attributes_ignored


class Connection(NamedTuple):
    sender: str
    signal: str
    receiver: str
    slot: str


class QUiLoader(QtUiTools.QUiLoader):
    """As qt.QUiLoader in the application, where every widget class of a .ui file is known to the loader."""

    def load(self, device: Any, parent: Optional[QtWidgets.QWidget] = None) -> QtWidgets.QWidget:
        """Build the widgets of a .ui file.

        Raises HostError when the file names a widget class, a signal or a slot that has no stand-in.
        """
        tree = ElementTree.fromstring(bytes(device.readAll()))
        check_classes(tree, set(super().availableWidgets()) | set(stand_ins()))
        connections = take_connections(tree)
        buffer = QtCore.QBuffer()
        buffer.setData(ElementTree.tostring(tree))
        buffer.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
        with attributes_ignored():
            widget = super().load(buffer, parent)
        if widget is None:
            raise HostError(f"The .ui file cannot be read: {self.errorString()}")
        for connection in connections:
            connect(widget, connection)
        return widget

    def createWidget(self, class_name: str, parent: Optional[QtWidgets.QWidget] = None, name: str = "") -> Any:
        cls = stand_ins().get(class_name)
        if cls is None:
            return super().createWidget(class_name, parent, name)
        widget = cls(parent)
        widget.setObjectName(name)
        return widget


def stand_ins() -> Dict[str, type]:
    from .. import widgets

    return {cls.__name__: cls for cls in widgets.classes()}


def check_classes(tree: ElementTree.Element, known: set) -> None:
    missing = sorted({element.get("class", "") for element in tree.iter("widget")} - known)
    if missing:
        raise HostError(
            f"The .ui file uses {', '.join(missing)}, which has no stand-in in this host application: "
            f"write one in Host/widgets, measured against Host/record, or use a widget that is covered."
        )


def take_connections(tree: ElementTree.Element) -> List[Connection]:
    """Remove the connections from the tree and return them: Qt cannot connect signals with VTK types by name here."""
    section = tree.find("connections")
    if section is None:
        return []
    tree.remove(section)
    return [
        Connection(*(element.findtext(tag, "") for tag in ("sender", "signal", "receiver", "slot")))
        for element in section
    ]


def connect(root: QtWidgets.QWidget, connection: Connection) -> None:
    """Connect as Qt's loader would; a signal or slot that is missing is an error here, and not a lost line in a log."""
    sender, receiver = find(root, connection.sender), find(root, connection.receiver)
    slot = getattr(receiver, connection.slot.split("(")[0], None)
    if slot is None or not sender.connect(connection.signal, slot):
        raise HostError(
            f"The .ui file connects {connection.sender}.{connection.signal} to "
            f"{connection.receiver}.{connection.slot}, and one of them does not exist."
        )


def find(root: QtWidgets.QWidget, name: str) -> QtCore.QObject:
    found = root if root.objectName == name else root.findChild(QtCore.QObject, name)
    if found is None:
        raise HostError(f"The .ui file connects {name}, and no widget has that name.")
    return found
