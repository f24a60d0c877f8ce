"""What may stand in `Annotated[type, ...]` of a parameter: defaults, limits and hints for widgets."""

import typing
from typing import Any, Callable, List, Optional, Sequence, Tuple


class Default:
    """The value that a fresh parameter node has; `generator` makes a new one for each node."""

    def __init__(self, value: Any = None, *, generator: Optional[Callable[[], Any]] = None):
        self._value, self._generator = value, generator

    @property
    def value(self) -> Any:
        return self._generator() if self._generator is not None else self._value

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Default) and (self._value, self._generator) == (other._value, other._generator)

    __hash__ = None

    def __repr__(self) -> str:
        return f"Default(value={self._value}, generator={self._generator})"


class Validator:
    """Base class of limits: `validate` raises ValueError for a value that is not allowed."""

    def validate(self, value: Any) -> None:
        raise NotImplementedError


class NotNone(Validator):
    def validate(self, value: Any) -> None:
        if value is None:
            raise ValueError("Value must not be None")


class IsInstance(Validator):
    def __init__(self, classtype: Any):
        self.classtype = classtype

    def validate(self, value: Any) -> None:
        if value is not None and not isinstance(value, self.classtype):
            raise TypeError(f"Value must be of type '{self.classtype}', is type '{type(value)}' value '{value}'")


class WithinRange(Validator):
    def __init__(self, minimum: float, maximum: float):
        self.minimum, self.maximum = minimum, maximum

    def validate(self, value: Any) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"Value must be within range [{self.minimum}, {self.maximum}], is {value}")


class Minimum(Validator):
    def __init__(self, minimum: float):
        self.minimum = minimum

    def validate(self, value: Any) -> None:
        if value < self.minimum:
            raise ValueError(f"Value must be greater than {self.minimum}, is {value}")


class Maximum(Validator):
    def __init__(self, maximum: float):
        self.maximum = maximum

    def validate(self, value: Any) -> None:
        if value > self.maximum:
            raise ValueError(f"Value must be greater than {self.maximum}, is {value}")


class Choice(Validator):
    def __init__(self, choices: Sequence[Any]):
        self.choices = choices

    def validate(self, value: Any) -> None:
        if value not in self.choices:
            raise ValueError(f"Value is {value}, but must be in one of the following: {self.choices}")


class Exclude(Validator):
    def __init__(self, excludedValues: Sequence[Any]):
        self.excludedValues = excludedValues

    def validate(self, value: Any) -> None:
        if value in self.excludedValues:
            raise ValueError(f"Value is {value}, but must not be one of the following: {self.excludedValues}")


class RangeBounds(Validator):
    """Limits of a FloatRange. As in the application, a range is refused only where its maximum is within the limits."""

    def __init__(self, minimum: float, maximum: float):
        self.minimum, self.maximum = minimum, maximum

    def validate(self, value: Any) -> None:
        if not self.minimum <= value.minimum and value.maximum <= self.maximum:
            raise ValueError(
                f"Range must be within [{self.minimum}, {self.maximum}], is [{value.minimum}, {value.maximum}]"
            )


class Decimals:
    """Number of decimals that a slider or spin box shows."""

    def __init__(self, value: int):
        self.value = value


class SingleStep:
    """Step of a slider or spin box."""

    def __init__(self, value: float):
        self.value = value


def splitAnnotations(datatype: Any) -> Tuple[Any, List[Any]]:
    """The type and what was annotated to it: Annotated[int, a, b] -> int, [a, b]."""
    if typing.get_origin(datatype) is typing.Annotated:
        kind, *annotations = typing.get_args(datatype)
        return kind, annotations
    return datatype, []


def unannotatedType(datatype: Any) -> Any:
    return splitAnnotations(datatype)[0]


def findFirstAnnotation(annotations: Sequence[Any], kind: type) -> Any:
    return next((annotation for annotation in annotations if isinstance(annotation, kind)), None)
