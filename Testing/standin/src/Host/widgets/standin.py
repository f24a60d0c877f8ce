"""Makes a class stand for one of the application's: its record is its contract, both ways."""

from typing import Any, Callable, Dict, Optional

from PySide6 import QtCore

from .. import record
from ..qtshim.objects import KEPT, hide

REGISTERED: Dict[str, type] = {}


def stands_for(name: str) -> Callable[[type], type]:
    """Class decorator: the class stands for `name` (such as "ctk.ctkSliderWidget") of the record.

    A public member of the class itself that the record lacks is a mistake of the stand-in (TypeError here, at import);
    an inherited one is hidden. What the record has and the class lacks raises AttributeError with a clear sentence.
    """

    def decorate(cls: type) -> type:
        allowed = record.allowed(name)
        invented = [key for key in vars(cls) if not key.startswith("_") and key not in allowed | KEPT]
        if invented:
            raise TypeError(f"{name} has no {', '.join(invented)} in 3D Slicer: prefix what is internal with _")
        hide(cls, allowed)
        cls._stands_for = name
        cls.__getattr__ = report_missing
        REGISTERED[name] = cls
        return cls

    return decorate


def report_missing(instance: Any, name: str) -> Any:
    """Called when a lookup failed: tells what the application lacks from what the stand-in lacks."""
    stands_for_name = type(instance)._stands_for
    if name.startswith("_") or name not in record.allowed(stands_for_name):
        raise AttributeError(f"{stands_for_name} object has no attribute '{name}'")
    raise AttributeError(f"{stands_for_name}.{name} exists in 3D Slicer and is not in its stand-in yet")


def qt_property(kind: Any, getter: Callable, setter: Optional[Callable] = None) -> QtCore.Property:
    """A property of a stand-in: an attribute in Python, and known to Qt (.ui files, setProperty, property)."""
    return QtCore.Property(kind, getter, setter) if setter is not None else QtCore.Property(kind, getter)


def stored(kind: Any, name: str, default: Any) -> QtCore.Property:
    """A property that only keeps its value, for what changes nothing but the looks in the application."""
    attribute = f"_{name}"

    def read(self: QtCore.QObject) -> Any:
        return self.__dict__.get(attribute, default)

    def write(self: QtCore.QObject, value: Any) -> None:
        self.__dict__[attribute] = value

    return QtCore.Property(kind, read, write)
