"""How a single typed value is kept in a vtkMRMLScriptedModuleNode: a text, and a node reference for a node.

The layout is the application's (a list is `name.len` and `name.0`..., an optional value `name.<index of its type>`), so
that a scene saved here opens there and the other way round. So are the moments at which the node is written: a value
that a container refuses half way is written back, and how many ModifiedEvents that takes is the same.
"""

import enum
import pathlib
from typing import Any, Callable, List, Optional, Tuple

import qt

from .annotations import Validator

PATHS = (
    pathlib.Path,
    pathlib.PosixPath,
    pathlib.WindowsPath,
    pathlib.PurePath,
    pathlib.PurePosixPath,
    pathlib.PureWindowsPath,
)


class Storage:
    """Keeps values of one type. `check` raises TypeError or ValueError for a value that does not belong there.

    Attributes:
        cached: whether a wrapper answers with the value that it read last ("supportsCaching" in the application).
    """

    cached = True

    def __init__(self, validators: Optional[List[Validator]] = None):
        self.validators = list(validators or [])

    def default(self) -> Any:
        raise NotImplementedError

    def represents(self, kind: type) -> bool:
        """Whether one of several storages is asked to keep a value of this type ("canSerialize")."""
        raise NotImplementedError

    def check(self, value: Any) -> None:
        for validator in self.validators:
            validator.validate(value)

    def present(self, node: Any, name: str) -> bool:
        return bool(node.HasParameter(name))

    def write(self, node: Any, name: str, value: Any) -> None:
        self.check(value)
        self.put(node, name, value)

    def put(self, node: Any, name: str, value: Any) -> None:
        """Write without a check."""
        raise NotImplementedError

    def read(self, node: Any, name: str) -> Any:
        raise NotImplementedError

    def remove(self, node: Any, name: str) -> None:
        node.UnsetParameter(name)


class Text(Storage):
    """A value with a text form.

    Args:
        kinds: the types that it represents. accepts: types of values, for isinstance.
        encode, decode: to and from text.
    """

    def __init__(
        self, kinds: Tuple[Any, ...], accepts: Any, default: Any, encode: Callable, decode: Callable, validators: Any
    ):
        super().__init__(validators)
        self._kinds, self._accepts, self._default = kinds, accepts, default
        self._encode, self._decode = encode, decode

    def default(self) -> Any:
        return self._default

    def represents(self, kind: type) -> bool:
        return kind in self._kinds

    def check(self, value: Any) -> None:
        if value is None:
            raise ValueError("Value must not be None")
        if not isinstance(value, self._accepts):
            raise TypeError(f"Value must be of type '{self._accepts}', is type '{type(value)}' value '{value}'")
        super().check(value)

    def put(self, node: Any, name: str, value: Any) -> None:
        node.SetParameter(name, self._encode(value))

    def read(self, node: Any, name: str) -> Any:
        return self._decode(node.GetParameter(name))


class Enumeration(Text):
    """A member of an enumeration, by its name."""

    def __init__(self, kind: Any, validators: Any):
        super().__init__((kind,), kind, next(iter(kind)), lambda value: value.name, self._member, validators)
        self._kind = kind

    def represents(self, kind: type) -> bool:
        return isinstance(kind, type) and issubclass(kind, enum.Enum)

    def _member(self, text: str) -> Any:
        try:
            return self._kind[text]
        except KeyError as error:
            raise ValueError(f"Found {text!r} in parameter node but it is not a name in {self._kind!r}") from error


class Color(Text):
    """A qt.QColor, whose setters do not reach the node: so it is never cached."""

    cached = False

    def __init__(self, validators: Any):
        super().__init__(
            (qt.QColor,), qt.QColor, None, lambda color: color.name(qt.QColor.HexArgb), qt.QColor, validators
        )

    def default(self) -> Any:
        return qt.QColor()


class Node(Storage):
    """A MRML node: an empty text that marks the parameter as set, and a node reference of the same name."""

    def __init__(self, kind: type, validators: Any):
        super().__init__(validators)
        self._kind = kind

    def default(self) -> Any:
        return None

    def represents(self, kind: type) -> bool:
        import slicer

        return isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode)

    def check(self, value: Any) -> None:
        if value is not None and not isinstance(value, self._kind):
            raise TypeError(f"Value must be of type '{self._kind}', is type '{type(value)}' value '{value}'")
        super().check(value)

    def put(self, node: Any, name: str, value: Any) -> None:
        node.SetParameter(name, "")
        node.SetNodeReferenceID(name, value.GetID() if value is not None else None)

    def read(self, node: Any, name: str) -> Any:
        return node.GetNodeReference(name)

    def remove(self, node: Any, name: str) -> None:
        node.UnsetParameter(name)
        node.RemoveNodeReferenceIDs(name)


class Nothing(Storage):
    """None, as one of the types of an optional value."""

    def default(self) -> Any:
        return {}

    def represents(self, kind: type) -> bool:
        return isinstance(None, kind)

    def check(self, value: Any) -> None:
        if value is not None:
            raise ValueError("Value must be None")

    def put(self, node: Any, name: str, value: Any) -> None:
        node.SetParameter(name, "True")

    def read(self, node: Any, name: str) -> Any:
        return None
