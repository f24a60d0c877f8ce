"""CTK's widget for a pair of values, and its Slicer variant."""

from typing import Any, Optional

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from .numbers import SpinBox, finite
from .standin import qt_property, stands_for, stored


class _RangeWidget(QWidget):
    """A pair of values inside a range, with a spin box for each."""

    valuesChanged = Signal(float, float)
    minimumValueChanged = Signal(float)
    maximumValueChanged = Signal(float)
    rangeChanged = Signal(float, float)

    def __init__(self, parent: Optional[QWidget] = None):
        super().__init__(parent)
        self._low, self._high, self._from, self._to = 0.0, 99.0, 0.0, 99.0
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self._boxes = (SpinBox(self), SpinBox(self))
        for box in self._boxes:
            box.setKeyboardTracking(False)
            row.addWidget(box, 1)
        self._boxes[0].valueChanged.connect(self.setMinimumValue)
        self._boxes[1].valueChanged.connect(self.setMaximumValue)
        self._refresh()

    def _refresh(self) -> None:
        self._boxes[0].show_value(self._low, self._to, self._from)
        self._boxes[1].show_value(self._from, self._high, self._to)

    def setValues(self, minimum: float, maximum: float) -> None:
        bounded = sorted(min(max(float(value), self._low), self._high) for value in (minimum, maximum))
        before = (self._from, self._to)
        self._from, self._to = bounded
        self._refresh()
        if self._from != before[0]:
            self.minimumValueChanged.emit(self._from)
        if self._to != before[1]:
            self.maximumValueChanged.emit(self._to)
        if (self._from, self._to) != before:
            self.valuesChanged.emit(self._from, self._to)

    def setMinimumValue(self, value: float) -> None:
        self.setValues(value, max(value, self._to))

    def setMaximumValue(self, value: float) -> None:
        self.setValues(min(value, self._from), value)

    def setRange(self, minimum: float, maximum: float) -> None:
        before = (self._low, self._high)
        self._low, self._high = sorted((finite(minimum), finite(maximum)))
        if (self._low, self._high) != before:
            self.rangeChanged.emit(self._low, self._high)
        self.setValues(self._from, self._to)

    def setDecimals(self, count: int) -> None:
        for box in self._boxes:
            box.setDecimals(count)
        self._refresh()

    def reset(self) -> None:
        self.setValues(self._low, self._high)

    def _set_step(self, step: float) -> None:
        for box in self._boxes:
            box.setSingleStep(step)

    def _set_suffix(self, suffix: str) -> None:
        for box in self._boxes:
            box.setSuffix(suffix)

    def _set_prefix(self, prefix: str) -> None:
        for box in self._boxes:
            box.setPrefix(prefix)

    minimum = qt_property(float, lambda self: self._low, lambda self, v: self.setRange(v, max(v, self._high)))
    maximum = qt_property(float, lambda self: self._high, lambda self, v: self.setRange(min(v, self._low), v))
    minimumValue = qt_property(float, lambda self: self._from, setMinimumValue)
    maximumValue = qt_property(float, lambda self: self._to, setMaximumValue)
    decimals = qt_property(int, lambda self: self._boxes[0].decimals, setDecimals)
    singleStep = qt_property(float, lambda self: self._boxes[0].singleStep, _set_step)
    suffix = qt_property(str, lambda self: self._boxes[0].suffix, _set_suffix)
    prefix = qt_property(str, lambda self: self._boxes[0].prefix, _set_prefix)
    tracking = stored(bool, "tracking", True)
    symmetricMoves = stored(bool, "symmetricMoves", False)
    tickInterval = stored(float, "tickInterval", 0.0)


@stands_for("ctk.ctkRangeWidget")
class ctkRangeWidget(_RangeWidget):
    pass


@stands_for("slicer.qMRMLRangeWidget")
class qMRMLRangeWidget(_RangeWidget):
    def setMRMLScene(self, scene: Any) -> None:
        self.__dict__["_scene"] = scene

    def setQuantity(self, quantity: str) -> None:
        self.__dict__["_quantity"] = quantity

    quantity = stored(str, "quantity", "")
