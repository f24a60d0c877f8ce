"""How a typed value is kept in a vtkMRMLScriptedModuleNode: texts under dotted names, nodes as node references.

The layout is the application's (a list is `name.len` and `name.0`..., an optional value `name.<index of its type>`), so
that a scene saved here opens there and the other way round.
"""

import enum
import pathlib
import types
import typing
from typing import Any, Callable, Dict, List, Optional, Tuple

import slicer

from .annotations import Validator, splitAnnotations
from .containers import StoredDict, StoredList

PATHS = (
    pathlib.Path,
    pathlib.PosixPath,
    pathlib.WindowsPath,
    pathlib.PurePath,
    pathlib.PurePosixPath,
    pathlib.PureWindowsPath,
)


class Storage:
    """Keeps values of one type. `check` raises TypeError or ValueError for a value that does not belong there."""

    cached = True

    def __init__(self, validators: Optional[List[Validator]] = None):
        self.validators = validators or []

    def default(self) -> Any:
        raise NotImplementedError

    def check(self, value: Any) -> None:
        for validator in self.validators:
            validator.validate(value)

    def present(self, node: Any, name: str) -> bool:
        return bool(node.HasParameter(name))

    def write(self, node: Any, name: str, value: Any) -> None:
        raise NotImplementedError

    def read(self, node: Any, name: str) -> Any:
        raise NotImplementedError

    def remove(self, node: Any, name: str) -> None:
        node.UnsetParameter(name)


class Text(Storage):
    """A value with a text form."""

    def __init__(self, kind: type, accepts: Any, default: Any, encode: Callable, decode: Callable, validators: Any):
        super().__init__(validators)
        self._kind, self._accepts, self._default = kind, accepts, default
        self._encode, self._decode = encode, decode

    def default(self) -> Any:
        return self._default

    def check(self, value: Any) -> None:
        if value is None:
            raise ValueError("Value must not be None")
        if not isinstance(value, self._accepts):
            raise TypeError(f"Value must be of type '{self._accepts}', is type '{type(value)}' value '{value}'")
        super().check(value)

    def write(self, node: Any, name: str, value: Any) -> None:
        node.SetParameter(name, self._encode(value))

    def read(self, node: Any, name: str) -> Any:
        return self._decode(node.GetParameter(name))


class Node(Storage):
    """A MRML node: an empty text that marks the parameter as set, and a node reference of the same name."""

    def __init__(self, kind: type, validators: Any):
        super().__init__(validators)
        self._kind = kind

    def default(self) -> Any:
        return None

    def check(self, value: Any) -> None:
        if value is not None and not isinstance(value, self._kind):
            raise TypeError(f"Value must be of type '{self._kind}', is type '{type(value)}' value '{value}'")
        super().check(value)

    def write(self, node: Any, name: str, value: Any) -> None:
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
        return None

    def check(self, value: Any) -> None:
        if value is not None:
            raise ValueError("Value must be None")

    def write(self, node: Any, name: str, value: Any) -> None:
        node.SetParameter(name, "True")

    def read(self, node: Any, name: str) -> Any:
        return None


class Sequence(Storage):
    """A list."""

    def __init__(self, element: Storage, validators: Any):
        super().__init__(validators)
        self.element, self.cached = element, element.cached

    def default(self) -> Any:
        return []

    def check(self, value: Any) -> None:
        for item in value:
            self.element.check(item)
        super().check(value)

    def present(self, node: Any, name: str) -> bool:
        return bool(node.HasParameter(f"{name}.len"))

    def _count(self, node: Any, name: str) -> int:
        return int(node.GetParameter(f"{name}.len")) if self.present(node, name) else 0

    def write(self, node: Any, name: str, value: Any) -> None:
        items = list(value)
        for index in range(len(items), self._count(node, name)):
            self.element.remove(node, f"{name}.{index}")
        node.SetParameter(f"{name}.len", str(len(items)))
        for index, item in enumerate(items):
            self.element.write(node, f"{name}.{index}", item)

    def read(self, node: Any, name: str) -> Any:
        items = [self.element.read(node, f"{name}.{index}") for index in range(self._count(node, name))]
        return StoredList(items, lambda changed: write_whole(self, node, name, changed))

    def remove(self, node: Any, name: str) -> None:
        for index in range(self._count(node, name)):
            self.element.remove(node, f"{name}.{index}")
        node.UnsetParameter(f"{name}.len")


class Fixed(Storage):
    """A tuple with a type for each place."""

    def __init__(self, elements: List[Storage], validators: Any):
        super().__init__(validators)
        self._elements, self.cached = elements, all(element.cached for element in elements)

    def default(self) -> Any:
        return tuple(element.default() for element in self._elements)

    def check(self, value: Any) -> None:
        if len(value) != len(self._elements):
            raise ValueError(f"Expected {len(self._elements)} values, got {len(value)}")
        for element, item in zip(self._elements, value):
            element.check(item)
        super().check(value)

    def present(self, node: Any, name: str) -> bool:
        return self._elements[0].present(node, f"{name}.0")

    def write(self, node: Any, name: str, value: Any) -> None:
        for index, (element, item) in enumerate(zip(self._elements, value)):
            element.write(node, f"{name}.{index}", item)

    def read(self, node: Any, name: str) -> Any:
        return tuple(element.read(node, f"{name}.{index}") for index, element in enumerate(self._elements))

    def remove(self, node: Any, name: str) -> None:
        for index, element in enumerate(self._elements):
            element.remove(node, f"{name}.{index}")


class Mapping(Storage):
    """A dict, kept as a list of (key, value) in its order."""

    def __init__(self, key: Storage, value: Storage, validators: Any):
        super().__init__(validators)
        self._pairs = Sequence(Fixed([key, value], []), [])
        self.cached = self._pairs.cached
        self.present, self.remove = self._pairs.present, self._pairs.remove

    def default(self) -> Any:
        return {}

    def check(self, value: Any) -> None:
        self._pairs.check(list(value.items()))
        super().check(value)

    def write(self, node: Any, name: str, value: Any) -> None:
        self._pairs.write(node, name, value.items())

    def read(self, node: Any, name: str) -> Any:
        return StoredDict(dict(self._pairs.read(node, name)), lambda changed: write_whole(self, node, name, changed))


class OneOf(Storage):
    """Optional[X] and Union[X, Y]: the value under the index of the type that takes it."""

    def __init__(self, kinds: List[Storage], validators: Any):
        super().__init__(validators)
        self._kinds, self.cached = kinds, all(kind.cached for kind in kinds)

    def default(self) -> Any:
        optional = len(self._kinds) == 2 and isinstance(self._kinds[1], Nothing)
        return None if optional else self._kinds[0].default()

    def _taker(self, value: Any) -> int:
        failure: Optional[Exception] = None
        for index, kind in enumerate(self._kinds):
            if value is None and not isinstance(kind, Nothing):
                continue
            try:
                kind.check(value)
            except (TypeError, ValueError, AttributeError) as error:
                failure = failure or error
            else:
                return index
        raise failure or TypeError(f"Unable to write value '{value}' of type '{type(value)}'")

    def check(self, value: Any) -> None:
        self._taker(value)
        super().check(value)

    def present(self, node: Any, name: str) -> bool:
        return any(kind.present(node, f"{name}.{index}") for index, kind in enumerate(self._kinds))

    def write(self, node: Any, name: str, value: Any) -> None:
        taker = self._taker(value)
        for index, kind in enumerate(self._kinds):
            if index != taker:
                kind.remove(node, f"{name}.{index}")
        self._kinds[taker].write(node, f"{name}.{taker}", value)

    def read(self, node: Any, name: str) -> Any:
        for index, kind in enumerate(self._kinds):
            if kind.present(node, f"{name}.{index}"):
                return kind.read(node, f"{name}.{index}")
        raise KeyError(f"Unable to find value for name: {name}")

    def remove(self, node: Any, name: str) -> None:
        for index, kind in enumerate(self._kinds):
            kind.remove(node, f"{name}.{index}")


def write_whole(storage: Storage, node: Any, name: str, value: Any) -> None:
    """Check and write a value with one ModifiedEvent, or none when it fails."""
    storage.check(value)
    with slicer.util.NodeModify(node):
        storage.write(node, name, value)


def enumeration(kind: Any, validators: Any) -> Text:
    def decode(text: str) -> Any:
        try:
            return kind[text]
        except KeyError as error:
            raise ValueError(f"Found {text!r} in parameter node but it is not a name in {kind!r}") from error

    return Text(kind, kind, next(iter(kind)), lambda value: value.name, decode, validators)


def storage_for(datatype: Any) -> Tuple[Storage, List[Any]]:
    """The storage of a type with what is annotated to it, and the annotations that are no validators.

    Raises TypeError for a type that a parameter node cannot keep.
    """
    kind, annotations = splitAnnotations(datatype)
    validators = [annotation for annotation in annotations if isinstance(annotation, Validator)]
    return _make(kind, validators), [annotation for annotation in annotations if annotation not in validators]


def _make(kind: Any, validators: List[Validator]) -> Storage:
    scalars: Dict[Any, Callable[[], Storage]] = {
        bool: lambda: Text(bool, bool, False, str, lambda text: text == "True", validators),
        int: lambda: Text(int, int, 0, str, int, validators),
        float: lambda: Text(float, (int, float), 0, str, float, validators),
        str: lambda: Text(str, str, "", str, str, validators),
        type(None): lambda: Nothing(validators),
    }
    if kind in scalars:
        return scalars[kind]()
    if kind in PATHS:
        return Text(kind, kind, kind(), str, kind, validators)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is list:
        return Sequence(storage_for(arguments[0])[0], validators)
    if origin is tuple:
        return Fixed([storage_for(argument)[0] for argument in arguments], validators)
    if origin is dict:
        return Mapping(storage_for(arguments[0])[0], storage_for(arguments[1])[0], validators)
    if origin is typing.Union or isinstance(kind, getattr(types, "UnionType", ())):
        return OneOf([storage_for(argument)[0] for argument in arguments], validators)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return enumeration(kind, validators)
    if isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode):
        return Node(kind, validators)
    if getattr(kind, "_is_parameterPack", False):
        from .pack import PackStorage

        return PackStorage(kind, validators)
    raise TypeError(f"Unable to create serializer for type: {kind}")
