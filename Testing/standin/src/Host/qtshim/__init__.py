"""Qt as Python code sees it inside 3D Slicer, over PySide6: the modules `qt` and `ctk`, as strict as PythonQt.

`install()` changes PySide6's classes in this process (properties become attributes, what the application lacks
disappears), so every Qt object behaves alike, whoever made it: Python, C++ or a .ui file.
"""

import sys

from .environment import require_qt


def install() -> None:
    """Put `qt` and `ctk` into sys.modules. Calling it again does nothing.

    Raises HostError with one sentence when PySide6 or a system library of it is missing, or when PySide6 was imported
    earlier with other enumerations than this tool needs.
    """
    if "qt" in sys.modules:
        return
    require_qt()
    from . import namespaces, objects, signals

    objects.apply()
    signals.apply()
    sys.modules["qt"] = namespaces.qt_module()
    sys.modules["ctk"] = namespaces.ctk_module()
