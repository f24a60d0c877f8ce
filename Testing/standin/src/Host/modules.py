"""`slicer.modules`: the core modules' logics, and scripted modules loaded from their unchanged files."""

import importlib.util
import sys
from pathlib import Path

import slicer
from PySide6 import QtCore, QtWidgets

from .errors import HostError
from .widgets.standin import stands_for


class ModuleNamespace:
    """`slicer.modules`: `slicer.modules.volumes`, and for scripted modules `XInstance` and `XWidget` besides."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(f"The host application has no module '{name}'.")


class CoreModule(QtCore.QObject):
    """A module of the application of which only the logic is here."""

    def __init__(self, name, logic, parent=None):
        super().__init__(parent)
        self.setObjectName(name)
        self.title = name
        self._logic = logic

    def logic(self):
        return self._logic

    def widgetRepresentation(self):
        return None


class qSlicerScriptedLoadableModuleWidget(QtWidgets.QWidget):
    """What holds the widget class of a scripted module; `self()` is its instance."""

    mrmlSceneChanged = QtCore.Signal(object)
    narrowest = QtCore.Signal(int)

    def __init__(self, module, parent=None):
        super().__init__(parent)
        self.setObjectName(f"{module.objectName}ModuleWidget")
        QtWidgets.QVBoxLayout(self)
        self._module = module
        self._instance = None
        self._entered = False

    def self(self):
        return self._instance

    def event(self, event):
        done = super().event(event)
        if event.type() in (QtCore.QEvent.Type.LayoutRequest, QtCore.QEvent.Type.Show):
            self.narrowest.emit(self.minimumSizeHint.width())
        return done

    def setMRMLScene(self, scene):
        self.mrmlSceneChanged.emit(scene)

    def mrmlScene(self):
        return slicer.mrmlScene

    def moduleName(self):
        return self._module.objectName

    def enter(self):
        if not self._entered and hasattr(self._instance, "enter"):
            self._instance.enter()
        self._entered = True

    def exit(self):
        if self._entered and hasattr(self._instance, "exit"):
            self._instance.exit()
        self._entered = False

    @property
    def isEntered(self):
        return self._entered

    def _create(self):
        name = self._module.objectName
        self._instance = getattr(sys.modules[name], f"{name}Widget")(self)
        setattr(slicer.modules, f"{name}Widget", self._instance)
        self._instance.setup()

    def reload(self):
        """Make and set up the widget class again, as it is now in the Python module."""
        self._create()


class qSlicerScriptedLoadableModule(QtCore.QObject):
    """What the application makes of a module file; its Python class fills in title, categories and so on."""

    def __init__(self, path, core, parent=None):
        super().__init__(parent)
        self.setObjectName(path.stem)
        self.path = str(path)
        self.title = path.stem
        self.icon = None
        self.index = -1
        self.hidden = False
        self.categories = []
        self.dependencies = []
        self.contributors = []
        self.helpText = ""
        self.acknowledgementText = ""
        self.associatedNodeTypes = []
        self.widgetRepresentationCreationEnabled = True
        self._logic = slicer.vtkSlicerScriptedLoadableModuleLogic()
        self._logic.SetMRMLApplicationLogic(core.application_logic)
        self._logic.SetMRMLScene(core.scene)
        self._widget = None

    def logic(self):
        return self._logic

    def widgetRepresentation(self):
        """The module's widget, made and set up when first asked for."""
        if self._widget is None and hasattr(sys.modules[self.objectName], f"{self.objectName}Widget"):
            self._widget = self.createNewWidgetRepresentation()
        return self._widget

    def createNewWidgetRepresentation(self):
        widget = qSlicerScriptedLoadableModuleWidget(self)
        widget._create()
        widget.setMRMLScene(slicer.mrmlScene)
        return widget


class FactoryManager:
    def __init__(self, modules):
        self._modules = modules

    def loadedModuleNames(self):
        return tuple(self._modules)


@stands_for("slicer.app.moduleManager()")
class qSlicerModuleManager(QtCore.QObject):
    """Knows the modules by name."""

    moduleLoaded = QtCore.Signal(str)
    moduleAboutToBeUnloaded = QtCore.Signal(str)

    def __init__(self, core, parent=None):
        super().__init__(parent)
        self._core = core
        self._modules = {}
        for name, logic in {**core.logics, "SampleData": None}.items():
            self._add(name, CoreModule(name, logic, self))

    def _add(self, name, module):
        self._modules[name] = module
        setattr(slicer.modules, name.lower(), module)

    def module(self, name):
        return self._modules.get(name)

    def modulesNames(self):
        return tuple(self._modules)

    def factoryManager(self):
        return FactoryManager(self._modules)

    def _load(self, path):
        """Load a scripted module from its file, as the application does at startup."""
        path = Path(path).resolve()
        if not path.is_file() or path.suffix != ".py":
            raise HostError(f"There is no module file {path}.")
        if path.stem in self._modules:
            raise HostError(f"A module named {path.stem} is loaded already.")
        if str(path.parent) not in sys.path:
            sys.path.insert(0, str(path.parent))
        spec = importlib.util.spec_from_file_location(path.stem, path)
        python_module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = python_module
        spec.loader.exec_module(python_module)
        if not hasattr(python_module, path.stem):
            raise HostError(f"{path} has no class {path.stem}, so it is no Slicer module.")
        module = qSlicerScriptedLoadableModule(path, self._core, self)
        instance = getattr(python_module, path.stem)(module)
        self._add(path.stem, module)
        setattr(slicer.modules, f"{path.stem}Instance", instance)
        if hasattr(instance, "setup"):
            instance.setup()
        self.moduleLoaded.emit(path.stem)
        return module

    def _unload_all(self):
        """Leave and clean up every widget, last loaded first."""
        for name, module in reversed(list(self._modules.items())):
            widget = getattr(module, "_widget", None)
            if widget is not None:
                widget.exit()
            self.moduleAboutToBeUnloaded.emit(name)
