"""@parameterPack: a group of parameters under one name."""

import typing
from typing import Any, Dict, List, NamedTuple, Optional

import slicer

from .annotations import Default, unannotatedType
from .kinds import storage_for, warn_of_unused
from .storage import Storage


class Parameter(NamedTuple):
    """One member of a pack or of a parameter node wrapper."""

    basename: str
    storage: Storage
    default: Default
    unalteredType: Any


def collect(cls: type) -> Dict[str, Parameter]:
    """The annotated members of a class with their defaults; raises ValueError when a default is not allowed."""
    found: Dict[str, Parameter] = {}
    for name, datatype in typing.get_type_hints(cls, include_extras=True).items():
        try:
            storage, annotations = storage_for(datatype)
        except TypeError as error:
            raise TypeError(f"Unable to create serializer for {cls} member {name}") from error
        if hasattr(cls, name):
            default = Default(getattr(cls, name))
        else:
            defaults = [annotation for annotation in annotations if isinstance(annotation, Default)]
            if len(defaults) > 1:
                raise ValueError("Multiple defaults found")
            annotations = [annotation for annotation in annotations if annotation not in defaults]
            default = defaults[0] if defaults else Default(storage.default())
        warn_of_unused(annotations)
        found[name] = Parameter(name, storage, default, datatype)
    return found


def split(name: str) -> List[str]:
    """ "x.y.z" -> ["x", "y.z"]"""
    return name.split(".", 1)


def isParameterPack(datatype: Any) -> bool:
    return getattr(datatype, "_is_parameterPack", False)


def nestedParameterNames(pack: Any) -> List[str]:
    names: List[str] = []
    for name, parameter in unannotatedType(pack).allParameters.items():
        kind = unannotatedType(parameter.unalteredType)
        names += [f"{name}.{inner}" for inner in nestedParameterNames(kind)] if isParameterPack(kind) else [name]
    return names


def parameterPack(classtype: Optional[type] = None) -> Any:
    """Class decorator: the annotated members become checked attributes of a value that a parameter node can keep."""
    if classtype is None:
        return parameterPack
    parameters = collect(classtype)
    if not parameters:
        raise ValueError("Unable to find any members in parameterPack")
    for parameter in parameters.values():
        parameter.storage.check(parameter.default.value)
        setattr(classtype, parameter.basename, _member(parameter))
    classtype.allParameters = parameters
    classtype._is_parameterPack = True
    classtype.__setattr__ = _set_attribute
    own_init = vars(classtype).get("__init__")

    def __init__(self: Any, *values: Any, **named: Any) -> None:
        self._values, self._save = {name: p.default.value for name, p in parameters.items()}, None
        if own_init is not None:
            own_init(self, *values, **named)
        else:
            _assign(self, values, named)

    classtype.__init__ = __init__
    classtype.getValue, classtype.setValue, classtype.dataType = getValue, setValue, classmethod(dataType)
    if "__eq__" not in vars(classtype):
        classtype.__eq__ = lambda self, other: isParameterPack(other) and self._values == other._values
    if "__repr__" not in vars(classtype):
        classtype.__repr__ = lambda self: (
            f"{classtype.__name__}({', '.join(f'{k}={v!r}' for k, v in self._values.items())})"
        )
    return classtype


def _member(parameter: Parameter) -> property:
    name = parameter.basename

    def write(self: Any, value: Any) -> None:
        parameter.storage.check(value)
        self._values[name] = value
        if self._save is not None:
            self._save(self)

    return property(lambda self: self._values[name], write)


def _set_attribute(self: Any, name: str, value: Any) -> None:
    if self.__dict__.get("_save") is not None and not hasattr(self, name):
        raise AttributeError(f"'{type(self).__name__}' has no attribute '{name}' and none can be added")
    object.__setattr__(self, name, value)


def _assign(pack: Any, values: Any, named: Dict[str, Any]) -> None:
    names = list(pack.allParameters)
    if len(values) > len(names):
        raise TypeError(f"__init__() takes at most {len(names)} values, got {len(values)}")
    positional = dict(zip(names, values))
    for name, value in [*positional.items(), *named.items()]:
        if name not in names:
            raise TypeError(f"__init__() got an unexpected keyword argument '{name}'")
        if name in positional and name in named:
            raise TypeError(f"__init__() got multiple values for argument '{name}'")
        setattr(pack, name, value)


def getValue(self: Any, membername: str) -> Any:
    """The value of a member; "a.b" is member b of member a."""
    top, *rest = split(membername)
    if top not in self.allParameters:
        raise ValueError(f"{self} has no member '{top}'")
    value = getattr(self, top)
    return value.getValue(rest[0]) if rest else value


def setValue(self: Any, membername: str, value: Any) -> None:
    top, *rest = split(membername)
    if top not in self.allParameters:
        raise ValueError(f"{self} has no member '{top}'")
    if rest:
        getattr(self, top).setValue(rest[0], value)
    else:
        setattr(self, top, value)


def dataType(cls: type, membername: str) -> Any:
    """The annotated type of a member."""
    top, *rest = split(membername)
    if top not in cls.allParameters:
        raise ValueError(f"{cls} has no member '{top}'")
    datatype = cls.allParameters[top].unalteredType
    return unannotatedType(datatype).dataType(rest[0]) if rest else datatype


class PackStorage(Storage):
    """Keeps a pack: each member under `name.member`."""

    def __init__(self, kind: Any, validators: Any):
        super().__init__(validators)
        self._kind = kind
        self.cached = all(parameter.storage.cached for parameter in kind.allParameters.values())

    def default(self) -> Any:
        return self._kind()

    def check(self, value: Any) -> None:
        if not isinstance(value, self._kind):
            raise ValueError(f"Value must be of type '{self._kind}', is type '{type(value)}'")
        super().check(value)

    def represents(self, kind: type) -> bool:
        return isParameterPack(kind)

    def present(self, node: Any, name: str) -> bool:
        first = next(iter(self._kind.allParameters.values()))
        return first.storage.present(node, f"{name}.{first.basename}")

    def put(self, node: Any, name: str, value: Any) -> None:
        with slicer.util.NodeModify(node):
            for member, parameter in self._kind.allParameters.items():
                parameter.storage.write(node, f"{name}.{member}", value._values[member])

    def read(self, node: Any, name: str) -> Any:
        pack = self._kind.__new__(self._kind)
        pack._values = {}
        self._read_into(node, name, pack)
        pack._save = lambda changed: self._save(node, name, changed)
        return pack

    def _read_into(self, node: Any, name: str, pack: Any) -> None:
        for member, parameter in self._kind.allParameters.items():
            pack._values[member] = parameter.storage.read(node, f"{name}.{member}")

    def _save(self, node: Any, name: str, pack: Any) -> None:
        with slicer.util.NodeModify(node):
            try:
                self.put(node, name, pack)
            finally:
                self._read_into(node, name, pack)

    def remove(self, node: Any, name: str) -> None:
        for member, parameter in self._kind.allParameters.items():
            parameter.storage.remove(node, f"{name}.{member}")
