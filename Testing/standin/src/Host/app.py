"""`slicer.app`: the Qt application with the accessors of qSlicerApplication."""

import os
import platform
import tempfile
from pathlib import Path

import slicer
from PySide6 import QtCore, QtWidgets

from . import sampledata
from .core import Core
from .io import qSlicerCoreIOManager
from .layout import qMRMLLayoutManager
from .modules import (
    ModuleNamespace,
    qSlicerModuleManager,
    qSlicerScriptedLoadableModule,
    qSlicerScriptedLoadableModuleWidget,
)
from .views.slice import qMRMLSliceControllerWidget, qMRMLSliceView, qMRMLSliceWidget
from .views.threed import qMRMLThreeDView, qMRMLThreeDViewControllerWidget, qMRMLThreeDWidget
from .widgets.standin import stands_for
from .window import qSlicerMainWindow

CLASSES = (
    qMRMLSliceView,
    qMRMLSliceControllerWidget,
    qMRMLSliceWidget,
    qMRMLThreeDView,
    qMRMLThreeDViewControllerWidget,
    qMRMLThreeDWidget,
    qMRMLLayoutManager,
    qSlicerCoreIOManager,
    qSlicerModuleManager,
    qSlicerScriptedLoadableModule,
    qSlicerScriptedLoadableModuleWidget,
    qSlicerMainWindow,
)
VERSION = (5, 13, 0)
DOCUMENTATION = "https://slicer.readthedocs.io/en/latest/"


@stands_for("slicer.app")
class qSlicerApplication(QtWidgets.QApplication):
    """Owns the scene, the logics, the views and the modules. One in a process.

    Settings and temporary files live in a folder of their own that goes away with the application: nothing that a
    module does here touches the settings of an installed 3D Slicer.
    """

    startupCompleted = QtCore.Signal()
    mrmlSceneChanged = QtCore.Signal(object)
    renderPaused = QtCore.Signal(bool)

    def __init__(self, arguments, testing, main_window):
        super().__init__(arguments)
        self._testing = testing
        self._temporary = tempfile.TemporaryDirectory(prefix="SlicerHost-")
        self._folder = self._temporary.name
        self._startup_environment = dict(os.environ)
        self._startup_folder = os.getcwd()
        self._pauses = 0
        self._prepare_settings()
        self._core = Core(self._folder)
        slicer.app = self
        slicer.mrmlScene = self._core.scene
        slicer.modules = ModuleNamespace()
        slicer.selfTests = {}
        for cls in (*CLASSES, qSlicerApplication):
            setattr(slicer, cls.__name__, cls)
        sampledata.install()
        self._io_manager = qSlicerCoreIOManager(self._core, self)
        self._module_manager = qSlicerModuleManager(self._core, self)
        self._window = self._layout_manager = None
        if main_window:
            self._window = qSlicerMainWindow(self)
            self._layout_manager = qMRMLLayoutManager(self._core, self._window._viewport)
            self._window._start()
        self.aboutToQuit.connect(self._shut_down)

    def _prepare_settings(self):
        self.setOrganizationName("SlicerHost")
        self.setApplicationName("Slicer")
        self.setApplicationVersion(".".join(map(str, VERSION)))
        QtCore.QSettings.setDefaultFormat(QtCore.QSettings.Format.IniFormat)
        for scope in (QtCore.QSettings.Scope.UserScope, QtCore.QSettings.Scope.SystemScope):
            QtCore.QSettings.setPath(QtCore.QSettings.Format.IniFormat, scope, self._folder)
        self._settings = QtCore.QSettings()

    def _shut_down(self):
        """Leave and unload the modules, free the graphics contexts, remove the temporary folder."""
        if self._folder is None:
            return
        self._module_manager._unload_all()
        if self._window is not None:
            self._layout_manager._finalize()
            self._window.close()
        self._temporary.cleanup()
        self._folder = None

    # What the application is made of

    def mrmlScene(self):
        return self._core.scene

    def applicationLogic(self):
        return self._core.application_logic

    def layoutManager(self):
        """None without a main window."""
        return self._layout_manager

    def moduleManager(self):
        return self._module_manager

    def moduleLogic(self, name):
        return self._module_manager.module(name).logic()

    def coreIOManager(self):
        return self._io_manager

    def ioManager(self):
        return self._io_manager

    def testingEnabled(self):
        return self._testing

    def loadFiles(self, filenames):
        return all([self._io_manager.loadFile(name) for name in filenames])

    def pythonConsole(self):
        return None

    # Settings, folders and names

    def settings(self):
        return self._settings

    def userSettings(self):
        return self._settings

    def revisionUserSettings(self):
        return self._settings

    @property
    def temporaryPath(self):
        return self._folder

    @property
    def cachePath(self):
        return os.path.join(self._folder, "cache")

    @property
    def defaultScenePath(self):
        return self._folder

    @property
    def slicerHome(self):
        return str(Path(slicer.__file__).resolve().parent)

    @property
    def extensionsInstallPath(self):
        return os.path.join(self._folder, "extensions")

    @property
    def startupWorkingPath(self):
        return self._startup_folder

    def startupEnvironment(self):
        return dict(self._startup_environment)

    @property
    def majorVersion(self):
        return VERSION[0]

    @property
    def minorVersion(self):
        return VERSION[1]

    @property
    def mainApplicationName(self):
        return "Slicer"

    @property
    def revision(self):
        return "host"

    @property
    def os(self):
        return {"Darwin": "macosx", "Windows": "win"}.get(platform.system(), platform.system().lower())

    @property
    def arch(self):
        return platform.machine().lower()

    @property
    def isInstalled(self):
        return False

    @property
    def documentationBaseUrl(self):
        return DOCUMENTATION

    def moduleDocumentationUrl(self, name):
        return f"{DOCUMENTATION}user_guide/modules/{name.lower()}.html"

    # Rendering

    def pauseRender(self):
        self.setRenderPaused(True)

    def resumeRender(self):
        self.setRenderPaused(False)

    def setRenderPaused(self, paused):
        """Nested pauses count; the views draw again when the last one ends."""
        before = self._pauses
        self._pauses = max(0, self._pauses + (1 if paused else -1))
        if (before > 0) != (self._pauses > 0):
            if self._layout_manager is not None:
                self._layout_manager.setRenderPaused(paused)
            self.renderPaused.emit(paused)
