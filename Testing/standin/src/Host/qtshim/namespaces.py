"""The modules `qt` and `ctk`, with a clear sentence for what is not covered."""

import types
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from .. import record
from .process import QProcess
from .uiloader import QUiLoader

# Python-level additions of PySide6 that PythonQt does not have (a Signal defined in Python crashes the application).
PYSIDE_ONLY = {"Signal", "Slot", "Property", "ClassInfo", "QEnum", "QFlag", "SignalInstance", "MetaFunction"}


def qt_module() -> types.ModuleType:
    """`qt`: QtCore, QtGui, QtWidgets and QUiLoader in one namespace."""
    module = types.ModuleType("qt", "Qt as Python sees it in 3D Slicer, over PySide6.")
    for source in (QtCore, QtGui, QtWidgets):
        for name in dir(source):
            if not name.startswith("_") and name not in PYSIDE_ONLY:
                setattr(module, name, getattr(source, name))
    module.QUiLoader = QUiLoader
    module.QProcess = QProcess
    module.__getattr__ = lambda name: not_covered("qt", name)
    return module


def ctk_module() -> types.ModuleType:
    """`ctk`: the stand-ins of Host.widgets."""
    from .. import widgets

    module = types.ModuleType("ctk", "CTK's widgets as stand-ins.")
    for cls in widgets.classes("ctk"):
        setattr(module, cls.__name__, cls)
    module.__getattr__ = lambda name: not_covered("ctk", name)
    return module


def not_covered(module: str, name: str) -> Any:
    """Raises AttributeError that tells a name unknown to the application from one that has no stand-in yet."""
    if name.startswith("__"):
        raise AttributeError(name)
    known = record.has_class(f"{module}.{name}") or name in record.record()["available"].get(module, "").split()
    if known or (module == "qt" and name.startswith("Q")):
        raise AttributeError(
            f"{module}.{name} has no stand-in in this host application: write one in Host/widgets, "
            f"measured against Host/record, or use a widget that is covered."
        )
    raise AttributeError(f"module '{module}' has no attribute '{name}' in 3D Slicer")
