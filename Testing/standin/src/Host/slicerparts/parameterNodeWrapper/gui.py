"""What connects a parameter to a widget: the base class, the registry and the search for widgets."""

from typing import Any, Callable, List, Optional

import qt


class GuiConnector:
    """Base class: `read` and `write` a value of one type in one widget, and tell when the user changed it."""

    def __init__(self) -> None:
        self._callback: Optional[Callable[[], None]] = None

    @staticmethod
    def canRepresent(widget: Any, datatype: Any) -> bool:
        raise NotImplementedError

    @staticmethod
    def create(widget: Any, datatype: Any) -> "GuiConnector":
        raise NotImplementedError

    def onChanged(self, callback: Optional[Callable[[], None]]) -> None:
        """Call `callback` when the user changes the value; None ends the connection."""
        self._callback = callback
        if callback is None:
            self._disconnect()
        else:
            self._connect()

    def changed(self) -> None:
        if self._callback is not None:
            self._callback()

    def _connect(self) -> None:
        raise NotImplementedError

    def _disconnect(self) -> None:
        raise NotImplementedError

    def widget(self) -> Any:
        raise NotImplementedError

    def read(self) -> Any:
        raise NotImplementedError

    def write(self, value: Any) -> None:
        raise NotImplementedError


_registered: List[type] = []


def parameterNodeGuiConnector(classtype: Optional[type] = None) -> Any:
    """Class decorator: makes a GuiConnector known to createGuiConnector."""
    if classtype is None:
        return parameterNodeGuiConnector
    if not issubclass(classtype, GuiConnector):
        raise TypeError("Must be a GuiConnector subclass")
    _registered.append(classtype)
    return classtype


def createGuiConnector(widget: Any, datatype: Any) -> GuiConnector:
    """The connector for a widget and a type; RuntimeError where the application has none either."""
    for connector in _registered:
        if connector.canRepresent(widget, datatype):
            return connector.create(widget, datatype)
    raise RuntimeError(f"Unable to create GUI connector from datatype '{datatype}' to widget type '{type(widget)}'.")


def childWidgets(gui: Any) -> List[Any]:
    """The widgets in a widget, or those that an object such as `childWidgetVariables` returns has as attributes."""
    if getattr(gui, "isWidgetType", lambda: False)():
        return gui.findChildren(qt.QWidget)
    return list(vars(gui).values())
