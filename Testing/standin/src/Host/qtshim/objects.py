"""Turns PySide6's classes into what PythonQt shows of them.

- A Qt property is an attribute: `button.text` is a string, and calling it fails.
- A public name that the application's record does not have for a class is absent here.
- No attribute can be added to an object of a Qt class (a typing error such as `button.tooltip = ...` raises).
- `name` is `objectName`; `connect("clicked(bool)", f)`, `className()`, `delete()` and `exec_()` exist.
"""

import contextlib
import enum
import functools
import html
import inspect
from typing import Any, Callable, Dict, FrozenSet, Iterator, List, Optional, Set, Tuple

import shiboken6
from PySide6 import QtCore, QtGui, QtWidgets

from .. import record
from . import signals

# Virtual functions that Qt calls through Python by name: hiding them would break Qt itself.
VIRTUAL = (
    "closeEditor commitData connectNotify currentChanged dataChanged disconnectNotify editorDestroyed "
    "horizontalScrollbarAction horizontalScrollbarValueChanged initViewItemOption itemDelegateForIndex "
    "rowsAboutToBeRemoved rowsInserted rowsRemoved selectionChanged skipData updateEditorData updateEditorGeometries "
    "updateGeometries verticalScrollbarAction verticalScrollbarValueChanged"
)
# PythonQt strips the underscore of a name that is a Python keyword or was one.
ALIASES = "exec_ raise_ print_"
KEPT = frozenset(f"{VIRTUAL} {ALIASES} staticMetaObject emit name".split())


# Functions that C++ has both as static and as member ones, where a class attribute alone cannot tell which is meant.
STATIC_AND_MEMBER = {
    QtCore.QFile: "copy exists link moveToTrash permissions remove rename resize setPermissions symLinkTarget",
    QtCore.QLibrary: "resolve",
    QtCore.QProcess: "startDetached",
    QtWidgets.QMenu: "exec",
}


class QtProperty:
    """A Qt property as an attribute. Seen from the class, a static method of the same name stays reachable."""

    def __init__(self, name: str, getter: Callable, setter: Optional[Callable], static: Any = None):
        self.name, self._getter, self._setter, self._static = name, getter, setter, static

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self._static if self._static is not None else self
        return self._getter(instance)

    def __set__(self, instance: Any, value: Any) -> None:
        if self._setter is None:
            raise AttributeError(f"Property '{self.name}' of {type(instance).__name__} object is not writable")
        if isinstance(value, int) and not isinstance(value, (bool, enum.Enum)):
            current = self._getter(instance)
            if isinstance(current, enum.Enum):  # an enumeration is an integer in the application
                value = type(current)(value)
        self._setter(instance, value)


class StaticOrBound:
    """A function that is static and member at once: PySide6's own lookup knows which one is meant."""

    def __init__(self, name: str, static: Any, lookup_in_class: Callable):
        self._name, self._static, self._lookup = name, static, lookup_in_class

    def __get__(self, instance: Any, owner: type) -> Any:
        return self._static if instance is None else self._lookup(instance, self._name)


class Absent:
    """A name that PySide6 has and the application lacks."""

    def __init__(self, name: str):
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        raise AttributeError(f"{owner.__name__} has no attribute named '{self._name}' in 3D Slicer")

    def __set__(self, instance: Any, value: Any) -> None:
        self.__get__(instance, type(instance))


def qt_classes() -> List[type]:
    """Every PySide6 class that the application shows, bases before the classes derived from them."""
    found: Set[type] = set()
    for module in (QtCore, QtGui, QtWidgets):
        for name in dir(module):
            value = getattr(module, name)
            if inspect.isclass(value) and issubclass(value, (QtCore.QObject, QtWidgets.QTableWidgetItem)):
                found.update(c for c in value.__mro__ if c.__module__.startswith("PySide6."))
    return sorted(found, key=lambda c: (len(c.__mro__), c.__name__))


def own_properties(cls: type) -> List[str]:
    """Names of the Qt properties that the class itself declares."""
    meta = getattr(cls, "staticMetaObject", None)
    if meta is None or meta.className() != cls.__name__:
        return []
    names = [meta.property(i).name() for i in range(meta.propertyOffset(), meta.propertyCount())]
    properties, callables = recorded_below(cls)
    lost = [name for name in properties if name in vars(cls) and name not in names]  # a plain method in Qt 6
    return [name for name in names if name in properties or name not in callables] + lost


def recorded_below(cls: type) -> Tuple[FrozenSet[str], FrozenSet[str]]:
    """Properties and callables that the application has for a class, or for some class derived from it."""
    spaces = (QtCore, QtGui, QtWidgets)
    properties: Set[str] = set()
    callables: Set[str] = set()
    for key in record.record()["classes"]:
        space, _, name = key.partition(".")
        derived = next((getattr(module, name) for module in spaces if space == "qt" and hasattr(module, name)), None)
        if derived is not None and issubclass(derived, cls):
            members = record.recorded(key) if derived is not cls else record.complete(key)
            properties |= set(members.properties)
            callables |= members.callables
    return frozenset(properties), frozenset(callables)


def lookup(cls: type, name: str) -> Any:
    return next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)


def property_of(cls: type, name: str, methods: Dict[str, Any]) -> QtProperty:
    """The attribute for one property, over the getter and setter that C++ has for it."""
    capital = name[0].upper() + name[1:]
    own = methods.get(name)
    static = getattr(cls, name, None) if own is not None and not is_method(own) else None
    getter = next(
        (methods[key] for key in ("is" + capital, name, "has" + capital) if is_method(methods.get(key))), None
    )
    if getter is None:
        getter = functools.partial(read_property, name)
    setter = methods.get("set" + capital)
    meta = cls.staticMetaObject
    declared = meta.indexOfProperty(name)
    writable = meta.property(declared).isWritable() if declared >= 0 else setter is not None
    if setter is None and writable:
        setter = functools.partial(write_property, name)
    return QtProperty(name, getter, setter if writable else None, static)


def is_method(value: Any) -> bool:
    return type(value).__name__ == "method_descriptor"


def read_property(name: str, instance: QtCore.QObject) -> Any:
    return QtCore.QObject.property(instance, name)


def write_property(name: str, instance: QtCore.QObject, value: Any) -> None:
    QtCore.QObject.setProperty(instance, name, value)


def apply() -> None:
    """Change the classes; once in a process."""
    classes = qt_classes()
    methods = {cls: {name: lookup(cls, name) for name in dir(cls)} for cls in classes}
    properties: Dict[type, Set[str]] = {}
    for cls in classes:
        inherited = set().union(*(properties.get(base, set()) for base in cls.__mro__[1:]))
        own = set(own_properties(cls))
        properties[cls] = inherited | own
        for name in own | (inherited & set(vars(cls))):
            setattr(cls, name, property_of(cls, name, methods[cls]))
    for cls in classes:
        key = f"qt.{cls.__name__}"
        if record.has_class(key):
            hide(cls, record.allowed(key))
    replace_lookup([cls for cls in classes if issubclass(cls, QtCore.QObject)])
    extend_objects()
    make_descriptors()
    wrap_tool_tips()
    for cls in classes:
        if issubclass(cls, QtCore.QObject):
            cls.__setattr__ = strict_setattr
            if "exec" in vars(cls):
                cls.exec_ = vars(cls)["exec"]


def replace_lookup(classes: List[type]) -> None:
    """PySide6 finds functions that are static and member at once behind the class's back; make the class decide."""
    for owner, names in STATIC_AND_MEMBER.items():
        for name in names.split():
            setattr(owner, name, StaticOrBound(name, getattr(owner, name), owner.__getattribute__))
    for cls in classes:
        cls.__getattribute__ = object.__getattribute__


def hide(cls: type, allowed: FrozenSet[str]) -> None:
    """Make every public name absent that the application does not have for this class."""
    for name in dir(cls):
        if name.startswith("_") or name in allowed or name in KEPT or isinstance(lookup(cls, name), (type, Absent)):
            continue
        setattr(cls, name, Absent(name))


@contextlib.contextmanager
def attributes_ignored() -> Iterator[None]:
    """While a .ui file is loaded: PySide6's loader sets each child as an attribute of the root, PythonQt's does not."""
    before = QtCore.QObject.__dict__["_ignore_new_attributes"]
    QtCore.QObject._ignore_new_attributes = True
    try:
        yield
    finally:
        QtCore.QObject._ignore_new_attributes = before


def strict_setattr(instance: QtCore.QObject, name: str, value: Any) -> None:
    """Assign a property; new attributes are for classes that were written in Python, as in the application."""
    attribute = lookup(type(instance), name)
    if hasattr(type(attribute), "__set__") and not isinstance(value, QtCore.SignalInstance):
        attribute.__set__(instance, value)
    elif instance._ignore_new_attributes and isinstance(value, QtCore.QObject) and not name.startswith("_"):
        return
    elif is_foreign(type(instance)) and not name.startswith("_") and not isinstance(value, QtCore.SignalInstance):
        raise AttributeError(
            f"Attribute '{name}' does not exist and creation of new attributes on C++ objects is not allowed"
        )
    else:
        instance.__dict__[name] = value


def is_foreign(cls: type) -> bool:
    """Whether Python code in the application would see this class as one made in C++."""
    return cls.__module__.startswith("PySide6.") or "_stands_for" in vars(cls)


def extend_objects() -> None:
    """What PythonQt adds to every object."""
    base = QtCore.QObject
    base.name = QtProperty("name", lambda self: self.objectName, lambda self, value: self.setObjectName(value))
    base._ignore_new_attributes = False
    base.connect = signals.connect
    base.disconnect = signals.disconnect
    base.className = lambda self: self.metaObject().className()
    base.delete = lambda self: shiboken6.delete(self)


def make_descriptors() -> None:
    """Let the properties that Python classes declare work as Python's own do, on any attribute lookup."""

    def read(self: QtCore.Property, instance: Any, owner: type) -> Any:
        return self if instance is None else self.fget(instance)

    def write(self: QtCore.Property, instance: Any, value: Any) -> None:
        if self.fset is None:
            raise AttributeError(f"A read-only property of {type(instance).__name__} object is not writable")
        self.fset(instance, value)

    QtCore.Property.__get__ = read
    QtCore.Property.__set__ = write


def wrap_tool_tips() -> None:
    """The application wraps plain tool tips into a paragraph, so that they break into lines."""
    cls = QtWidgets.QWidget
    plain_getter, plain_setter = vars(cls)["toolTip"], cls.setToolTip

    def set_tool_tip(self: QtWidgets.QWidget, text: str) -> None:
        plain_setter(self, as_paragraph(text))

    cls.setToolTip = set_tool_tip
    cls.toolTip = QtProperty("toolTip", lambda self: as_paragraph(plain_getter.__get__(self, cls)), set_tool_tip)


def as_paragraph(text: str) -> str:
    if not text or QtGui.Qt.mightBeRichText(text):
        return text
    return f"<p>{html.escape(text, quote=False)}</p>"
