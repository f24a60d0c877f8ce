"""Combo boxes of CTK."""

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QComboBox

from .standin import qt_property, stands_for, stored


@stands_for("ctk.ctkComboBox")
class ctkComboBox(QComboBox):
    """A combo box with a text for "nothing selected"."""

    def _set_default_text(self, text: str) -> None:
        self.setPlaceholderText(text)

    def setCurrentUserDataAsString(self, data: str) -> None:
        self.setCurrentIndex(self.findData(data))

    def _data(self) -> str:
        data: Any = self.currentData
        return "" if data is None else str(data)

    defaultText = qt_property(str, lambda self: self.placeholderText, _set_default_text)
    defaultIcon = stored(QIcon, "defaultIcon", QIcon())
    elideMode = stored(int, "elideMode", int(Qt.TextElideMode.ElideNone))
    scrollWheelEffect = stored(int, "scrollWheelEffect", 0x2)
    forceDefault = stored(bool, "forceDefault", False)
    currentUserDataAsString = qt_property(str, _data, setCurrentUserDataAsString)
