"""A stand-in for the 3D Slicer application: the real Slicer core (PyPI `slicer-core`) under a PySide6 window.

    import Host

    application = Host.start()
    Host.load_module("path/to/MyModule.py")

After `start`, `import slicer` gives what a module expects: slicer.app, slicer.mrmlScene, slicer.modules, slicer.util.
"""

import os
import sys

from .errors import HostError
from .qtshim import environment, install  # before anything imports PySide6: it decides on the kind of enumerations
from .screen import require_screen

__all__ = ["HostError", "load_module", "start"]


def start(offscreen=True, testing=False, arguments=(), main_window=True):
    """Make the application with its window (not shown yet) and return it; it is `slicer.app` as well.

    offscreen: needs no screen. False: on the screen of DISPLAY.
    main_window: False runs as the application does with --no-main-window: no window and no layout manager, so no views.
    testing: message boxes are logged instead of shown, as with the application's --testing.
    `startupCompleted` is emitted in the first turn of the event loop, after the modules that are loaded at once.
    Raises HostError with one sentence when a library, a screen or a suitable Python is missing.
    """
    if offscreen:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    if sys.platform == "linux":
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")  # views render off screen
    environment.require_qt()
    if os.environ.get("QT_QPA_PLATFORM", "xcb") == "xcb":
        require_screen()
    environment.require_slicer_core()
    install()
    import slicer
    from PySide6 import QtCore, QtWidgets

    if QtWidgets.QApplication.instance() is not None:
        if getattr(slicer, "app", None) is QtWidgets.QApplication.instance():
            return slicer.app
        raise HostError("Another Qt application runs in this process already: start the host application first.")
    from . import slicerparts

    slicerparts.install()
    from .app import qSlicerApplication

    application = qSlicerApplication([sys.argv[0], *arguments], testing, main_window)
    QtCore.QTimer.singleShot(0, application.startupCompleted.emit)
    return application


def load_module(path, select=True):
    """Load a scripted module from its file and, if `select`, show and enter it. Returns its module object.

    Without a main window the panel is made and entered, and shown nowhere.

    The widget class instance is `slicer.modules.<Name>Widget`, as in the application.
    """
    import slicer

    module = slicer.app.moduleManager()._load(path)
    if select and slicer.app.layoutManager() is None:
        module.widgetRepresentation().enter()
    elif select:
        slicer.util.selectModule(module.objectName)
    return module
