"""Checks that Qt and the Slicer core can run here; each failure is one sentence that says what to install."""

import importlib
import os
import sys

from ..errors import HostError

# Enumerations that are integers, as in PythonQt, where `state == qt.Qt.Checked` compares a signal's int.
os.environ.setdefault("PYSIDE6_OPTION_PYTHON_ENUM", "2")

OLDEST_PYTHON = (3, 10)
PACKAGES = {"PySide6": "PySide6-Essentials", "shiboken6": "PySide6-Essentials", "slicer_core": "slicer-core"}
DEBIAN_PACKAGES = (
    "libegl1 libgl1 libgl1-mesa-dri libxkbcommon0 libfontconfig1 libglib2.0-0 libx11-6 libdbus-1-3"  # what ldd asks for
)


def require_python() -> None:
    """slicer-core and PySide6 have no wheels for older versions than this."""
    if sys.version_info < OLDEST_PYTHON:
        raise HostError(
            f"slicer-core needs Python {'.'.join(map(str, OLDEST_PYTHON))} or later, and this is "
            f"{sys.version_info[0]}.{sys.version_info[1]}: create the environment with another Python."
        )


def require(module: str) -> None:
    """Import a module, or say in one sentence which package or system library brings it."""
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = PACKAGES.get((error.name or module).split(".")[0], error.name or module)
        raise HostError(f"{package} is not installed: run `{sys.executable} -m pip install {package}`.") from error
    except ImportError as error:
        raise HostError(
            f"A system library is missing ({error}): on Debian or Ubuntu run `apt-get install {DEBIAN_PACKAGES}`."
        ) from error


def require_qt() -> None:
    """PySide6 with the modules in use, loaded with integer enumerations."""
    require_python()
    for module in ("PySide6.QtCore", "PySide6.QtGui", "PySide6.QtWidgets", "PySide6.QtUiTools"):
        require(module)
    from PySide6.QtCore import Qt

    if not isinstance(Qt.CheckState.Checked, int):
        raise HostError(
            "PySide6 was imported before the stand-in application: import Host first, "
            "or set PYSIDE6_OPTION_PYTHON_ENUM=2 in the environment."
        )
    require_sound_references()


def require_sound_references() -> None:
    """PySide6 6.12.0 under Python 3.11 drops a reference to None in every call without a result, until Python dies."""
    from PySide6 import QtCore

    probe, before = QtCore.QObject(), sys.getrefcount(None)
    for _ in range(100):
        probe.setObjectName("probe")
    if sys.getrefcount(None) < before - 50:
        raise HostError(
            f"PySide6 {QtCore.qVersion()} corrupts Python {sys.version_info[0]}.{sys.version_info[1]}: "
            f"run `{sys.executable} -m pip install 'PySide6-Essentials<6.12'`."
        )


def require_slicer_core() -> None:
    """The real Slicer core."""
    require_python()
    require("slicer_core")
