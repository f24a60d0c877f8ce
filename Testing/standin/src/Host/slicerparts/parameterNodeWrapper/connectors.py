"""What lets a widget show and edit a parameter, for the pairs of widget and type that the application knows."""

import enum
import typing
from typing import Any, List, Optional, Tuple

import ctk
import qt
import slicer

from .annotations import (
    Choice,
    Decimals,
    Default,
    Maximum,
    Minimum,
    RangeBounds,
    SingleStep,
    WithinRange,
    findFirstAnnotation,
    splitAnnotations,
    unannotatedType,
)
from .gui import GuiConnector, parameterNodeGuiConnector
from .ranges import FloatRange
from .storage import PATHS

UNLIMITED = (-(2**31), 2**31 - 1)


class _PropertyConnector(GuiConnector):
    """A value that is one property of the widget, with one signal. Subclasses say which, and for which types."""

    widgets: Tuple[type, ...] = ()
    types: Tuple[Any, ...] = ()
    signal = property_name = ""

    def __init__(self, widget: Any, datatype: Any):
        super().__init__()
        self._widget = widget
        self._type, self._annotations = splitAnnotations(datatype)
        self._prepare()

    @classmethod
    def canRepresent(cls, widget: Any, datatype: Any) -> bool:
        return type(widget) in cls.widgets and unannotatedType(datatype) in cls.types

    @classmethod
    def create(cls, widget: Any, datatype: Any) -> GuiConnector:
        return cls(widget, datatype)

    def _annotation(self, kind: type) -> Any:
        return findFirstAnnotation(self._annotations, kind)

    def _prepare(self) -> None:
        """Give the widget the limits and choices of the type."""

    def _connect(self) -> None:
        getattr(self._widget, self.signal).connect(self.changed)

    def _disconnect(self) -> None:
        getattr(self._widget, self.signal).disconnect(self.changed)

    # A bound method that takes no arguments: signals pass as many as it accepts.
    def changed(self) -> None:
        super().changed()

    def widget(self) -> Any:
        return self._widget

    def read(self) -> Any:
        return getattr(self._widget, self.property_name)

    def write(self, value: Any) -> None:
        setattr(self._widget, self.property_name, value)


@parameterNodeGuiConnector
class CheckBox(_PropertyConnector):
    widgets, types = (qt.QCheckBox, ctk.ctkCheckBox), (bool,)
    signal, property_name = "stateChanged", "checked"


@parameterNodeGuiConnector
class CheckableButton(_PropertyConnector):
    widgets, types = (qt.QPushButton, ctk.ctkCheckablePushButton), (bool,)
    signal, property_name = "toggled", "checked"

    def _prepare(self) -> None:
        self._widget.checkable = True


class _Limited(_PropertyConnector):
    signal, property_name = "valueChanged", "value"

    def _limits(self) -> Tuple[Optional[float], Optional[float]]:
        both = self._annotation(WithinRange)
        if both is not None:
            return both.minimum, both.maximum
        low, high = self._annotation(Minimum), self._annotation(Maximum)
        return (low.minimum if low else None), (high.maximum if high else None)

    def _prepare(self) -> None:
        step, low_high = self._annotation(SingleStep), self._limits()
        if step is not None:
            self._widget.singleStep = step.value
        if type(self._widget) in SLIDERS and None in low_high:
            raise RuntimeError(
                f"Cannot have a connection to {type(self._widget).__name__} where the type is unbounded."
            )
        self._apply(*low_high)

    def _apply(self, low: Optional[float], high: Optional[float]) -> None:
        raise NotImplementedError


@parameterNodeGuiConnector
class Integer(_Limited):
    widgets, types = (qt.QSlider, qt.QSpinBox), (int,)

    def _apply(self, low: Optional[float], high: Optional[float]) -> None:
        self._widget.setMinimum(UNLIMITED[0] if low is None else low)
        self._widget.setMaximum(UNLIMITED[1] if high is None else high)


@parameterNodeGuiConnector
class Number(_Limited):
    widgets = (
        qt.QDoubleSpinBox,
        ctk.ctkSliderWidget,
        slicer.qMRMLSliderWidget,
        ctk.ctkDoubleSlider,
        ctk.ctkDoubleSpinBox,
        slicer.qMRMLSpinBox,
    )
    types = (float, int)

    def _apply(self, low: Optional[float], high: Optional[float]) -> None:
        decimals = Decimals(0) if self._type is int else self._annotation(Decimals)
        if decimals is not None and type(self._widget) is not ctk.ctkDoubleSlider:
            self._widget.decimals = decimals.value
        self._widget.minimum = float("-inf") if low is None else low
        self._widget.maximum = float("inf") if high is None else high

    def read(self) -> Any:
        return self._type(self._widget.value)

    def write(self, value: Any) -> None:
        self._widget.value = self._type(value)


SLIDERS = (qt.QSlider, ctk.ctkSliderWidget, slicer.qMRMLSliderWidget)


class _Combo(_PropertyConnector):
    widgets, signal = (qt.QComboBox, ctk.ctkComboBox), "currentIndexChanged"

    def _items(self) -> List[Tuple[str, Any]]:
        raise NotImplementedError

    def _prepare(self) -> None:
        self._values = self._items()
        self._widget.clear()
        self._widget.addItems([label for label, _ in self._values])

    def read(self) -> Any:
        return self._values[self._widget.currentIndex][1]

    def write(self, value: Any) -> None:
        rows = [row for row, (_, choice) in enumerate(self._values) if choice == value]
        if not rows:
            raise ValueError(f"Unable to find value {value} in choices {[label for label, _ in self._values]}")
        self._widget.currentIndex = rows[0]


@parameterNodeGuiConnector
class ChoiceCombo(_Combo):
    types = (int, float, str, bool)

    def _items(self) -> List[Tuple[str, Any]]:
        choice = self._annotation(Choice)
        if choice is None:
            raise RuntimeError("A combo box for this type requires the Choice annotation to be used.")
        return [(str(value), value) for value in choice.choices]


@parameterNodeGuiConnector
class EnumCombo(_Combo):
    @classmethod
    def canRepresent(cls, widget: Any, datatype: Any) -> bool:
        kind = unannotatedType(datatype)
        return type(widget) in cls.widgets and isinstance(kind, type) and issubclass(kind, enum.Enum)

    def _items(self) -> List[Tuple[str, Any]]:
        label = getattr(self._type, "label", lambda member: member.name)
        return [(label(member), member) for member in self._type]


@parameterNodeGuiConnector
class LineEdit(_PropertyConnector):
    widgets, types = (qt.QLineEdit,), (str,)
    signal, property_name = "textChanged", "text"

    def write(self, value: Any) -> None:
        if value != self._widget.text:  # assigning moves the cursor
            self._widget.text = value


@parameterNodeGuiConnector
class Label(_PropertyConnector):
    widgets, types, property_name = (qt.QLabel,), (str,), "text"

    def _connect(self) -> None:
        """A label is never edited."""

    _disconnect = _connect


@parameterNodeGuiConnector
class TextEdit(_PropertyConnector):
    widgets, types, signal = (qt.QTextEdit,), (str,), "textChanged"

    def read(self) -> Any:
        return self._widget.toPlainText()

    def write(self, value: Any) -> None:
        self._widget.setPlainText(value)


@parameterNodeGuiConnector
class Range(_PropertyConnector):
    widgets, types = (ctk.ctkRangeWidget, slicer.qMRMLRangeWidget), (FloatRange,)
    signal = "valuesChanged"

    def _prepare(self) -> None:
        bounds = self._annotation(RangeBounds)
        if bounds is None:
            raise RuntimeError("Cannot have a connection to a range widget without a RangeBounds annotation.")
        if self._annotation(Default) is None:
            bounds.validate(0)  # AttributeError, as in the application: such a widget needs a Default
        for annotation, name in ((Decimals, "decimals"), (SingleStep, "singleStep")):
            if self._annotation(annotation) is not None:
                setattr(self._widget, name, self._annotation(annotation).value)
        self._widget.setRange(bounds.minimum, bounds.maximum)

    def read(self) -> Any:
        return FloatRange(self._widget.minimumValue, self._widget.maximumValue)

    def write(self, value: Any) -> None:
        self._widget.setValues(value.minimum, value.maximum)


class _Path(_PropertyConnector):
    types = PATHS

    def read(self) -> Any:
        return self._type(super().read())

    def write(self, value: Any) -> None:
        super().write(str(value))


@parameterNodeGuiConnector
class FilePath(_Path):
    widgets, signal, property_name = (ctk.ctkPathLineEdit,), "currentPathChanged", "currentPath"


@parameterNodeGuiConnector
class FolderPath(_Path):
    widgets, signal, property_name = (ctk.ctkDirectoryButton,), "directoryChanged", "directory"


def isNodeOrUnionOfNodes(datatype: Any) -> bool:
    """Whether a type is a MRML node class, or a Union of such (and None)."""
    kind = unannotatedType(datatype)
    if typing.get_origin(kind) is typing.Union:
        return all(argument is type(None) or isNodeOrUnionOfNodes(argument) for argument in typing.get_args(kind))
    return isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode)


def getNodeTypes(datatype: Any) -> Tuple[str, ...]:
    """Class names of the nodes that a type allows; TypeError for a type that is no node."""
    if not isNodeOrUnionOfNodes(datatype):
        raise TypeError(f"Cannot handle type {datatype}")
    kind = unannotatedType(datatype)
    kinds = typing.get_args(kind) if typing.get_origin(kind) is typing.Union else (kind,)
    return tuple(unannotatedType(kind).__name__ for kind in kinds if kind is not type(None))


@parameterNodeGuiConnector
class NodeSelector(_PropertyConnector):
    widgets, signal = (slicer.qMRMLNodeComboBox,), "currentNodeChanged"

    @classmethod
    def canRepresent(cls, widget: Any, datatype: Any) -> bool:
        return type(widget) in cls.widgets and isNodeOrUnionOfNodes(datatype)

    def _prepare(self) -> None:
        self._widget.nodeTypes = getNodeTypes(typing.Union[self._type])

    def read(self) -> Any:
        return self._widget.currentNode()

    def write(self, value: Any) -> None:
        self._widget.setCurrentNode(value)


@parameterNodeGuiConnector
class Color(_PropertyConnector):
    widgets, types = (ctk.ctkColorPickerButton,), (qt.QColor,)
    signal, property_name = "colorChanged", "color"
