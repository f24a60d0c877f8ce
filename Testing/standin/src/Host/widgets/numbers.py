"""Sliders and spin boxes of CTK and their Slicer variants."""

from typing import Any, Optional

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QSlider, QWidget

from .standin import qt_property, stands_for, stored

TICKS = 1_000_000  # positions of an inner Qt slider: the value itself is kept as a float beside it
LARGEST = 1e12  # bound of the inner Qt widgets where the bound is infinite


def finite(value: float) -> float:
    return max(-LARGEST, min(LARGEST, float(value)))


class FloatSlider(QSlider):
    """A Qt slider over a floating-point range; `moved` carries the value that the user dragged to."""

    moved = Signal(float)

    def __init__(self, parent: QWidget):
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._low, self._high = 0.0, 100.0
        self.setRange(0, TICKS)
        self.valueChanged.connect(self._report)

    def _report(self, position: int) -> None:
        self.moved.emit(self._low + (self._high - self._low) * position / TICKS)

    def show_value(self, low: float, high: float, value: float) -> None:
        self._low, self._high = low, high
        blocked = self.blockSignals(True)
        span = high - low
        self.setValue(round((value - low) / span * TICKS) if span > 0 else 0)
        self.blockSignals(blocked)


class SpinBox(QDoubleSpinBox):
    """A spin box that tells a programmatic update from an edit."""

    def show_value(self, low: float, high: float, value: float) -> None:
        blocked = self.blockSignals(True)
        self.setRange(low, high)
        self.setValue(value)
        self.blockSignals(blocked)


class _Number(QWidget):
    """One value in a range; what ctkSliderWidget, ctkDoubleSpinBox and ctkDoubleSlider have in common."""

    def __init__(self, parent: Optional[QWidget] = None):
        super().__init__(parent)
        self._low, self._high, self._number = 0.0, 100.0, 0.0
        self._slider: Optional[FloatSlider] = None
        self._box: Optional[SpinBox] = None
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)

    def _add_slider(self) -> None:
        self._slider = FloatSlider(self)
        self._slider.moved.connect(self._user_value)
        self.layout().addWidget(self._slider, 1)

    def _add_box(self) -> None:
        self._box = SpinBox(self)
        self._box.setKeyboardTracking(False)
        self._box.valueChanged.connect(self._user_value)
        self.layout().addWidget(self._box)

    def _refresh(self) -> None:
        for part in (self._slider, self._box):
            if part is not None:
                part.show_value(finite(self._low), finite(self._high), finite(self._number))

    def _user_value(self, value: float) -> None:
        self._assign(value)

    def _assign(self, value: float) -> None:
        value = min(max(float(value), self._low), self._high)
        changed = value != self._number
        self._number = value
        self._refresh()
        if changed:
            self._announce(value)

    def _announce(self, value: float) -> None:
        self.valueChanged.emit(value)

    def _get_value(self) -> float:
        return self._number

    def setValue(self, value: float) -> None:
        self._assign(value)

    def _get_minimum(self) -> float:
        return self._low

    def _set_minimum(self, value: float) -> None:
        self._low = float(value)
        self._high = max(self._low, self._high)
        self._assign(self._number)

    def _get_maximum(self) -> float:
        return self._high

    def _set_maximum(self, value: float) -> None:
        self._high = float(value)
        self._low = min(self._low, self._high)
        self._assign(self._number)

    def _get_decimals(self) -> int:
        return self._box.decimals

    def setDecimals(self, count: int) -> None:
        if count != self._box.decimals:
            blocked = self._box.blockSignals(True)
            self._box.setDecimals(count)
            self._box.blockSignals(blocked)
            self._refresh()
            self.decimalsChanged.emit(count)

    def _get_single_step(self) -> float:
        return self.__dict__.get("_step", 1.0)

    def _set_single_step(self, step: float) -> None:
        self.__dict__["_step"] = float(step)
        if self._box is not None:
            self._box.setSingleStep(float(step))
        if self._slider is not None and self._high > self._low:
            self._slider.setSingleStep(max(1, round(step / (self._high - self._low) * TICKS)))


def _box_property(kind: Any, name: str) -> Any:
    """A property that the inner spin box has under the same name."""
    return qt_property(kind, lambda self: getattr(self._box, name), lambda self, value: setattr(self._box, name, value))


class _SliderWidget(_Number):
    valueChanged = Signal(float)
    valueIsChanging = Signal(float)
    decimalsChanged = Signal(int)

    def __init__(self, parent: Optional[QWidget] = None):
        super().__init__(parent)
        self._tracking, self._held, self._before = True, False, 0.0
        self._add_slider()
        self._add_box()
        self._high = 99.0
        self._slider.sliderPressed.connect(self._press)
        self._slider.sliderReleased.connect(self._release)
        self._refresh()

    def _press(self) -> None:
        self._held, self._before = not self._tracking, self._number

    def _release(self) -> None:
        held, self._held = self._held, False
        if held and self._number != self._before:
            self.valueChanged.emit(self._number)

    def _user_value(self, value: float) -> None:
        if not self._held:
            self._assign(value)
            return
        self._number = min(max(float(value), self._low), self._high)
        self._refresh()
        self.valueIsChanging.emit(self._number)

    def _get_value(self) -> float:
        return self._before if self._held else self._number

    def reset(self) -> None:
        self.setValue(0.0)

    def setSpinBoxVisible(self, visible: bool) -> None:
        self._box.setVisible(visible)

    value = qt_property(float, _get_value, _Number.setValue)
    minimum = qt_property(float, _Number._get_minimum, _Number._set_minimum)
    maximum = qt_property(float, _Number._get_maximum, _Number._set_maximum)
    decimals = qt_property(int, _Number._get_decimals, _Number.setDecimals)
    singleStep = qt_property(float, _Number._get_single_step, _Number._set_single_step)
    pageStep = stored(float, "pageStep", 10.0)
    prefix = _box_property(str, "prefix")
    suffix = _box_property(str, "suffix")
    spinBoxVisible = qt_property(bool, lambda self: not self._box.isHidden(), setSpinBoxVisible)
    tracking = qt_property(bool, lambda self: self._tracking, lambda self, on: self.__dict__.update(_tracking=on))
    spinBoxAlignment = _box_property(int, "alignment")
    synchronizeSiblings = stored(int, "synchronizeSiblings", 1)
    tickPosition = stored(int, "tickPosition", 0)
    tickInterval = stored(float, "tickInterval", 0.0)
    popupSlider = stored(bool, "popupSlider", False)
    invertedAppearance = stored(bool, "invertedAppearance", False)
    invertedControls = stored(bool, "invertedControls", False)


@stands_for("ctk.ctkSliderWidget")
class ctkSliderWidget(_SliderWidget):
    pass


class _SceneMixin:
    """mrmlScene() and setMRMLScene() of a widget that only keeps the scene."""

    def mrmlScene(self) -> Any:
        return self.__dict__.get("_scene")

    def setMRMLScene(self, scene: Any) -> None:
        self.__dict__["_scene"] = scene


@stands_for("slicer.qMRMLSliderWidget")
class qMRMLSliderWidget(_SliderWidget, _SceneMixin):
    orientation = stored(int, "orientation", int(Qt.Orientation.Horizontal))

    def setQuantity(self, quantity: str) -> None:
        self.__dict__["_quantity"] = quantity

    quantity = stored(str, "quantity", "")


class _DoubleSpinBox(_Number):
    valueChanged = Signal((float,), (str,))
    decimalsChanged = Signal(int)
    editingFinished = Signal()

    def __init__(self, parent: Optional[QWidget] = None):
        super().__init__(parent)
        self._high = 99.99
        self._add_box()
        self._box.editingFinished.connect(self.editingFinished)
        self._refresh()

    def setReadOnly(self, read_only: bool) -> None:
        self._box.setReadOnly(read_only)

    def _announce(self, value: float) -> None:
        super()._announce(value)
        self.valueChanged[str].emit(self._box.text)

    def stepUp(self) -> None:
        self._box.stepUp()

    def stepDown(self) -> None:
        self._box.stepDown()

    def setValueIfDifferent(self, value: float) -> None:
        self.setValue(value)

    value = qt_property(float, _Number._get_value, _Number.setValue)
    minimum = qt_property(float, _Number._get_minimum, _Number._set_minimum)
    maximum = qt_property(float, _Number._get_maximum, _Number._set_maximum)
    decimals = qt_property(int, _Number._get_decimals, _Number.setDecimals)
    singleStep = qt_property(float, _Number._get_single_step, _Number._set_single_step)
    prefix = _box_property(str, "prefix")
    suffix = _box_property(str, "suffix")
    frame = _box_property(bool, "frame")
    alignment = _box_property(int, "alignment")
    readOnly = qt_property(bool, lambda self: self._box.readOnly, setReadOnly)
    cleanText = qt_property(str, lambda self: self._box.cleanText)


@stands_for("ctk.ctkDoubleSpinBox")
class ctkDoubleSpinBox(_DoubleSpinBox):
    pass


@stands_for("slicer.qMRMLSpinBox")
class qMRMLSpinBox(_DoubleSpinBox, _SceneMixin):
    def setQuantity(self, quantity: str) -> None:
        self.__dict__["_quantity"] = quantity

    quantity = stored(str, "quantity", "")


@stands_for("ctk.ctkDoubleSlider")
class ctkDoubleSlider(_Number):
    valueChanged = Signal(float)
    sliderMoved = Signal(float)
    sliderPressed = Signal()
    sliderReleased = Signal()

    def __init__(self, parent: Optional[QWidget] = None):
        super().__init__(parent)
        self._high = 99.0
        self._add_slider()
        self._slider.moved.connect(self.sliderMoved)
        self._slider.sliderPressed.connect(self.sliderPressed)
        self._slider.sliderReleased.connect(self.sliderReleased)
        self._refresh()

    def setOrientation(self, orientation: Qt.Orientation) -> None:
        self._slider.setOrientation(Qt.Orientation(int(orientation)))

    orientation = qt_property(int, lambda self: int(self._slider.orientation), setOrientation)
    tracking = stored(bool, "tracking", True)
    value = qt_property(float, _Number._get_value, _Number.setValue)
    minimum = qt_property(float, _Number._get_minimum, _Number._set_minimum)
    maximum = qt_property(float, _Number._get_maximum, _Number._set_maximum)
    singleStep = qt_property(float, _Number._get_single_step, _Number._set_single_step)
