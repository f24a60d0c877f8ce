"""@parameterNodeWrapper: a vtkMRMLScriptedModuleNode with typed members, connected to widgets."""

from typing import Any, Callable, Dict, List, Optional

import slicer
import vtk

from .annotations import unannotatedType
from .gui import GuiConnector, childWidgets, createGuiConnector
from .pack import Parameter, collect, isParameterPack, split
from .storage import write_whole

SlicerParameterNamePropertyName = "SlicerParameterName"


def parameterNodeWrapper(classtype: Optional[type] = None) -> Any:
    """Class decorator: the annotated members become attributes that live in the parameter node given to the class."""
    if classtype is None:
        return parameterNodeWrapper
    parameters = collect(classtype)
    for parameter in parameters.values():
        setattr(classtype, parameter.basename, _member(parameter))
    members = {name: value for name, value in vars(_Wrapper).items() if not name.startswith("__")}
    taken = [name for name in members if hasattr(classtype, name)]
    if taken:
        raise ValueError(f"Cannot use reserved name '{taken[0]}' in a parameterNodeWrapper")
    for name, member in members.items():
        setattr(classtype, name, member)
    classtype.__init__ = _Wrapper.__init__
    classtype.allParameters = parameters
    return classtype


def isParameterNodeWrapper(classOrObj: Any) -> bool:
    return getattr(classOrObj, "_is_parameter_node_wrapper", False)


def _member(parameter: Parameter) -> property:
    name, storage = parameter.basename, parameter.storage
    return property(
        lambda self: storage.read(self.parameterNode, self._prefix + name),
        lambda self, value: write_whole(storage, self.parameterNode, self._prefix + name, value),
    )


class _Wrapper:
    """The members that every wrapper class gets."""

    _is_parameter_node_wrapper = True

    def __init__(self, parameterNode: Any, prefix: Optional[str] = None):
        self.parameterNode = parameterNode
        self._prefix = prefix or ""
        self._guis: Dict[int, Dict[str, GuiConnector]] = {}
        self._observers: Dict[int, int] = {}
        self._next_tag = 0
        self._updating_gui = False
        for parameter in self.allParameters.values():
            name = self._prefix + parameter.basename
            if not parameter.storage.present(parameterNode, name):
                write_whole(parameter.storage, parameterNode, name, parameter.default.value)

    def StartModify(self) -> int:
        return self.parameterNode.StartModify()

    def EndModify(self, wasModified: int) -> int:
        return self.parameterNode.EndModify(wasModified)

    def AddObserver(self, event: Any, callback: Callable, priority: float = 0.0) -> int:
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)

    def Modified(self) -> None:
        self.parameterNode.Modified()

    @classmethod
    def _parameter(cls, name: str) -> Parameter:
        top, *rest = split(name)
        if top not in cls.allParameters:
            raise ValueError(f"Cannot find a param with the given name: {top}; found {', '.join(cls.allParameters)}")
        parameter = cls.allParameters[top]
        if rest:
            kind = unannotatedType(parameter.unalteredType)
            if not isParameterPack(kind):
                raise ValueError(f"{kind} is not a parameter pack but expects to have '{rest[0]}'")
            kind.dataType(rest[0])
        return parameter

    def default(self, paramName: str) -> Any:
        return self._parameter(paramName).default

    def isCached(self, paramName: str) -> bool:
        """Whether the application answers from memory; here every value is read from the node."""
        return self._parameter(paramName).storage.cached

    @classmethod
    def dataType(cls, membername: str) -> Any:
        """The annotated type of a parameter, or of a member of a pack ("pack.member")."""
        datatype = cls._parameter(membername).unalteredType
        rest = split(membername)[1:]
        return unannotatedType(datatype).dataType(rest[0]) if rest else datatype

    def getValue(self, name: str) -> Any:
        self._parameter(name)
        top, *rest = split(name)
        value = getattr(self, top)
        return value.getValue(rest[0]) if rest else value

    def setValue(self, name: str, value: Any) -> None:
        self._parameter(name)
        top, *rest = split(name)
        if rest:
            getattr(self, top).setValue(rest[0], value)
        else:
            setattr(self, top, value)

    def connectGui(self, gui: Any) -> int:
        """Connect the widgets that have the property SlicerParameterName; returns a tag for disconnectGui."""
        named = {}
        for widget in childWidgets(gui):
            name = widget.property(SlicerParameterNamePropertyName)
            if name:
                named[name] = widget
        return self.connectParametersToGui(named)

    def connectParametersToGui(self, mapping: Dict[str, Any]) -> int:
        """Connect parameters to widgets (or connectors) by name; returns a tag for disconnectGui."""
        for name in mapping:
            self._parameter(name)
        connectors = {
            name: target if isinstance(target, GuiConnector) else createGuiConnector(target, self.dataType(name))
            for name, target in mapping.items()
        }
        tag = self._next_tag
        self._next_tag += 1
        self._guis[tag] = connectors
        for name, connector in connectors.items():
            connector.write(self.getValue(name))
            connector.onChanged(self._gui_callback(name, connector))
        self._observers[tag] = self.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._update_gui())
        return tag

    def disconnectGui(self, guiTag: int) -> None:
        for connector in self._guis.pop(guiTag, {}).values():
            connector.onChanged(None)
        if guiTag in self._observers:
            self.RemoveObserver(self._observers.pop(guiTag))

    def _gui_callback(self, name: str, connector: GuiConnector) -> Callable[[], None]:
        def changed() -> None:
            if not self._updating_gui:
                with slicer.util.NodeModify(self):
                    self.setValue(name, connector.read())

        return changed

    def _update_gui(self) -> None:
        if self._updating_gui:
            return
        self._updating_gui = True
        try:
            with slicer.util.NodeModify(self):
                for connectors in list(self._guis.values()):
                    for name, connector in connectors.items():
                        connector.write(self.getValue(name))
        finally:
            self._updating_gui = False


def findChildWidgetForParameter(widget: Any, parameter: str) -> Any:
    """The child widget whose SlicerParameterName is the parameter, or None."""
    matching: List[Any] = [
        child for child in childWidgets(widget) if child.property(SlicerParameterNamePropertyName) == parameter
    ]
    return matching[0] if matching else None
