"""Looks for a screen before Qt does, because Qt ends the process when there is none."""

import ctypes
import ctypes.util
import importlib.util
import os
import sys
from pathlib import Path

from .errors import HostError

SCREEN_PACKAGES = (
    "libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-image0 libxcb-render-util0 libxcb-shape0 libxcb-randr0 "
    "libxcb-xkb1 libxkbcommon-x11-0 libx11-xcb1"
)
WITHOUT = (
    "set QT_QPA_PLATFORM=offscreen to render without one, "
    "or install the package xvfb and put `xvfb-run -a` before the command."
)


def require_screen() -> None:
    """Raises HostError when no X screen answers or Qt's X plugin can not be loaded. Checks on Linux without Wayland."""
    if sys.platform != "linux" or os.environ.get("WAYLAND_DISPLAY"):
        return
    name = os.environ.get("DISPLAY", "")
    if not name:
        raise HostError(f"There is no screen (DISPLAY is not set): {WITHOUT}")
    plugin = Path(importlib.util.find_spec("PySide6").origin).parent / "Qt/plugins/platforms/libqxcb.so"
    if plugin.exists():
        try:
            ctypes.CDLL(str(plugin))
        except OSError as error:
            raise HostError(
                f"A system library for windows is missing ({error}): "
                f"on Debian or Ubuntu run `apt-get install {SCREEN_PACKAGES}`."
            ) from error
    if not answers():
        raise HostError(f"The screen {name} does not answer: {WITHOUT}")


def answers() -> bool:
    """Whether the X server of DISPLAY takes a connection."""
    x11 = ctypes.CDLL(ctypes.util.find_library("X11") or "libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    connection = x11.XOpenDisplay(None)
    if connection:
        x11.XCloseDisplay(ctypes.c_void_p(connection))
    return bool(connection)
