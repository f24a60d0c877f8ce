"""Loads .ui files: the application's own widget classes by their stand-ins, its typed signals connected in Python."""

import xml.etree.ElementTree as ElementTree
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets

from ..errors import HostError
from .objects import Absent, attributes_ignored, lookup


class Connection(NamedTuple):
    sender: str
    signal: str
    receiver: str
    slot: str


class Choice(NamedTuple):
    """An enumeration's value for a property of a stand-in, such as "QFrame::StyledPanel" or "A::X|A::Y"."""

    widget: str
    name: str
    value: str


class QUiLoader(QtUiTools.QUiLoader):
    """As qt.QUiLoader in the application, where every widget class of a .ui file is known to the loader."""

    def load(self, device: Any, parent: Optional[QtWidgets.QWidget] = None) -> QtWidgets.QWidget:
        """Build the widgets of a .ui file.

        Raises HostError when the file names a widget class, a property, a signal or a slot that has no stand-in.
        """
        tree = ElementTree.fromstring(bytes(device.readAll()))
        check_classes(tree, set(super().availableWidgets()) | set(stand_ins()))
        check_properties(tree)
        connections, choices = take_connections(tree), take_choices(tree)
        buffer = QtCore.QBuffer()
        buffer.setData(ElementTree.tostring(tree))
        buffer.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
        with attributes_ignored():
            widget = super().load(buffer, parent)
        if widget is None:
            raise HostError(f"The .ui file cannot be read: {self.errorString()}")
        for choice in choices:
            setattr(find(widget, choice.widget), choice.name, value_of(choice.value))
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


def own_settings(tree: ElementTree.Element) -> Iterator[Tuple[ElementTree.Element, ElementTree.Element, type]]:
    """Each property that the file sets on a stand-in, with its widget element and class; dynamic ones apart."""
    known = stand_ins()
    for widget in tree.iter("widget"):
        cls = known.get(widget.get("class", ""))
        for setting in widget.findall("property") if cls is not None else ():
            if setting.get("stdset") != "0":
                yield widget, setting, cls


def check_properties(tree: ElementTree.Element) -> None:
    for widget, setting, cls in own_settings(tree):
        if isinstance(lookup(cls, setting.get("name")), (Absent, type(None))):
            raise HostError(
                f"The .ui file sets {setting.get('name')} of {widget.get('name')}, which the stand-in of "
                f"{cls._stands_for} does not have: add it in Host/widgets, measured against Host/record."
            )


def take_choices(tree: ElementTree.Element) -> List[Choice]:
    """Remove and return the enumerations set on stand-ins: Qt knows their values for its own classes only."""
    choices = []
    for widget, setting, cls in list(own_settings(tree)):
        value = setting.findtext("enum") or setting.findtext("set")
        if value and isinstance(lookup(cls, setting.get("name")), QtCore.Property):
            widget.remove(setting)
            choices.append(Choice(widget.get("name"), setting.get("name"), value))
    return choices


def value_of(text: str) -> int:
    """The integer of "Owner::Name" or of several joined by "|"; the filters of ctkPathLineEdit are those of QDir."""
    value = 0
    for part in text.split("|"):
        names = part.split("::")
        name, owner = names[-1], "QDir" if names[0] == "ctkPathLineEdit" else names[0]
        spaces = [getattr(module, owner) for module in (QtCore, QtGui, QtWidgets) if hasattr(module, owner)]
        holder = next((space for space in [*spaces, stand_ins().get(owner)] if hasattr(space, name)), None)
        if holder is None:
            raise HostError(f"The .ui file uses {part}, an enumeration that has no value in this host application.")
        value |= int(getattr(getattr(holder, name), "value", getattr(holder, name)))
    return value


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
