"""@parameterNodeWrapper: a vtkMRMLScriptedModuleNode with typed members, connected to widgets.

As in the application a wrapper remembers the value of every parameter whose type allows it, node references included:
it reads them when it is made, when it writes them, and at each ModifiedEvent of the node. A node reference that is
resolved later, as when a scene is loaded, is not seen.
"""

import weakref
from typing import Any, Callable, Dict, List, Optional

import slicer
import vtk

from .annotations import unannotatedType
from .gui import GuiConnector, childWidgets, createGuiConnector
from .pack import Parameter, collect, isParameterPack, split

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
    name = parameter.basename
    return property(lambda self: self._values[name].read(), lambda self, value: self._values[name].write(value))


class _Value:
    """One parameter of one parameter node; it gets its default when it is read and missing."""

    def __init__(self, parameter: Parameter, name: str, node: Any):
        self._parameter, self._name, self._node = parameter, name, node

    def present(self) -> bool:
        return self._parameter.storage.present(self._node, self._name)

    def read(self) -> Any:
        if not self.present():
            self._parameter.storage.write(self._node, self._name, self._parameter.default.value)
        return self._parameter.storage.read(self._node, self._name)

    def write(self, value: Any) -> None:
        self._parameter.storage.write(self._node, self._name, value)


class _CachedValue(_Value):
    """The same, answered from memory. The node's observer does not keep it alive."""

    def __init__(self, parameter: Parameter, name: str, node: Any):
        super().__init__(parameter, name, node)
        self._writing = False
        self._value = super().read()
        itself = weakref.ref(self)
        self._tag = node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: itself()._look())

    def __del__(self) -> None:
        self._node.RemoveObserver(self._tag)

    def _look(self) -> None:
        if not self._writing:
            self._value = super().read()

    def read(self) -> Any:
        return self._value

    def write(self, value: Any) -> None:
        self._writing = True
        try:
            with slicer.util.NodeModify(self._node):
                super().write(value)
                self._value = super().read()
        finally:
            self._writing = False


class _Wrapper:
    """The members that every wrapper class gets."""

    _is_parameter_node_wrapper = True

    def __init__(self, parameterNode: Any, prefix: Optional[str] = None):
        self.parameterNode = parameterNode
        self._guis: Dict[int, Dict[str, GuiConnector]] = {}
        self._guiVtkObserverTags: Dict[int, int] = {}
        self._next_tag = 0
        self._updating_gui = False
        self._values: Dict[str, _Value] = {}
        for basename, parameter in self.allParameters.items():
            name = f"{prefix or ''}{basename}"
            value = _Value(parameter, name, parameterNode)
            if not value.present():
                value.write(parameter.default.value)
            self._values[basename] = _CachedValue(parameter, name, parameterNode) if parameter.storage.cached else value

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
        """Whether the value is answered from memory."""
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
        self._guiVtkObserverTags[tag] = self.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._update_gui())
        return tag

    def disconnectGui(self, guiTag: int) -> None:
        for connector in self._guis.pop(guiTag, {}).values():
            connector.onChanged(None)
        if guiTag in self._guiVtkObserverTags:
            self.RemoveObserver(self._guiVtkObserverTags.pop(guiTag))

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
