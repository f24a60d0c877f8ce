"""Which storage keeps values of a type; typing.Any, whose storage is chosen for every value."""

import enum
import importlib
import logging
import types
import typing
from typing import Any, Callable, Dict, List, Tuple

import qt
import slicer

from .annotations import Validator, splitAnnotations
from .compounds import Fixed, Mapping, OneOf, Sequence
from .storage import PATHS, Color, Enumeration, Node, Nothing, Storage, Text


class Anything(Storage):
    """A value of any type that has a storage, with module and name of its type; it is never cached."""

    cached = False

    def __init__(self, validators: Any):
        super().__init__(validators)
        self._type = Fixed([_make(str, []), _make(str, [])], [])

    def default(self) -> Any:
        return None

    def represents(self, kind: type) -> bool:
        return False

    def present(self, node: Any, name: str) -> bool:
        return self._type.present(node, f"{name}.type")

    def put(self, node: Any, name: str, value: Any) -> None:
        self.remove(node, name)
        storage_of_part(type(value)).write(node, f"{name}.value", value)
        self._type.write(node, f"{name}.type", (type(value).__module__, type(value).__name__))

    def read(self, node: Any, name: str) -> Any:
        return self._storage(node, name).read(node, f"{name}.value")

    def remove(self, node: Any, name: str) -> None:
        if self.present(node, name):
            self._storage(node, name).remove(node, f"{name}.value")
            self._type.remove(node, f"{name}.type")

    def _storage(self, node: Any, name: str) -> Storage:
        module, kind = self._type.read(node, f"{name}.type")
        is_none = (module, kind) == ("builtins", "NoneType")
        return storage_of_part(type(None) if is_none else getattr(importlib.import_module(module), kind))


def storage_for(datatype: Any) -> Tuple[Storage, List[Any]]:
    """The storage of a type with what is annotated to it, and the annotations that are no validators.

    Raises TypeError for a type that a parameter node cannot keep.
    """
    kind, annotations = splitAnnotations(datatype)
    validators = [entry for entry in annotations if _is_validator(entry)]
    return _make(kind, validators), [entry for entry in annotations if not _is_validator(entry)]


def storage_of_part(datatype: Any) -> Storage:
    """The storage of a type within another one, where nothing but validators may be annotated."""
    storage, unused = storage_for(datatype)
    warn_of_unused(unused)
    return storage


def warn_of_unused(annotations: List[Any]) -> None:
    """The warning of the application, which has no use for what is meant for widgets either."""
    if annotations:
        logging.warning("Unused annotations: %s", annotations)


def _is_validator(annotation: Any) -> bool:
    return isinstance(annotation, Validator) or (isinstance(annotation, type) and issubclass(annotation, Validator))


def _make(kind: Any, validators: List[Validator]) -> Storage:
    scalars: Dict[Any, Callable[[], Storage]] = {
        bool: lambda: Text((bool,), bool, False, str, lambda text: text == "True", validators),
        int: lambda: Text((int, float), int, 0, str, int, validators),
        float: lambda: Text((int, float), (int, float), 0, str, float, validators),
        str: lambda: Text((str,), str, "", str, str, validators),
        type(None): lambda: Nothing(validators),
        Any: lambda: Anything(validators),
        qt.QColor: lambda: Color(validators),
        list: lambda: Sequence(_make(Any, []), validators),
        dict: lambda: Mapping(_make(Any, []), _make(Any, []), validators),
    }
    if kind in scalars:
        return scalars[kind]()
    if kind in PATHS:
        return Text(PATHS, kind, kind(), str, kind, validators)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is list:
        return Sequence(storage_of_part(arguments[0]), validators)
    if origin is tuple:
        return Fixed([storage_of_part(argument) for argument in arguments], validators)
    if origin is dict:
        return Mapping(storage_of_part(arguments[0]), storage_of_part(arguments[1]), validators)
    if origin is typing.Union or isinstance(kind, getattr(types, "UnionType", ())):
        return OneOf([storage_of_part(argument) for argument in arguments], validators)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return Enumeration(kind, validators)
    if isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode):
        return Node(kind, validators)
    if getattr(kind, "_is_parameterPack", False):
        from .pack import PackStorage

        return PackStorage(kind, validators)
    raise TypeError(f"Unable to create serializer for type: {kind}")
