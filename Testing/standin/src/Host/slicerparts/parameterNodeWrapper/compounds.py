"""How lists, tuples, dicts and values of several types are kept: each part under a dotted name."""

from typing import Any, Dict, List, Optional

import slicer

from .containers import StoredDict, StoredList
from .storage import Nothing, Storage


class Sequence(Storage):
    """A list."""

    def __init__(self, element: Storage, validators: Any):
        super().__init__(validators)
        self.element, self.cached = element, element.cached

    def default(self) -> Any:
        return []

    def represents(self, kind: type) -> bool:
        return kind is list

    def present(self, node: Any, name: str) -> bool:
        return bool(node.HasParameter(f"{name}.len"))

    def _count(self, node: Any, name: str) -> int:
        return int(node.GetParameter(f"{name}.len")) if self.present(node, name) else 0

    def put(self, node: Any, name: str, value: Any) -> None:
        with slicer.util.NodeModify(node):
            before = self.read(node, name) if self.present(node, name) else None
            count = self._count(node, name)
            new = len(value)
            try:
                for index, item in enumerate(value):
                    self.element.write(node, f"{name}.{index}", item)
                node.SetParameter(f"{name}.len", str(new))
                for index in range(new, count):
                    self.element.remove(node, f"{name}.{index}")
            except Exception:
                if before is None:
                    self.remove(node, name)
                else:
                    self.put(node, name, before)
                raise

    def read(self, node: Any, name: str) -> Any:
        items = [self.element.read(node, f"{name}.{index}") for index in range(self._count(node, name))]
        return StoredList(items, lambda changed: self._save(node, name, changed))

    def _save(self, node: Any, name: str, items: List[Any]) -> StoredList:
        self.put(node, name, items)
        return self.read(node, name)

    def remove(self, node: Any, name: str) -> None:
        with slicer.util.NodeModify(node):
            for index in range(self._count(node, name)):
                self.element.remove(node, f"{name}.{index}")
            node.UnsetParameter(f"{name}.len")


class Fixed(Storage):
    """A tuple with a type for each place."""

    def __init__(self, elements: List[Storage], validators: Any):
        super().__init__(validators)
        self._elements, self.cached = elements, all(element.cached for element in elements)

    def default(self) -> Any:
        """As in the application: it can be taken once, so a tuple needs a default of its own."""
        return (element.default() for element in self._elements)

    def represents(self, kind: type) -> bool:
        return False

    def present(self, node: Any, name: str) -> bool:
        return self._elements[0].present(node, f"{name}.0")

    def put(self, node: Any, name: str, value: Any) -> None:
        values = tuple(value)
        if len(values) != len(self._elements):
            raise ValueError("Unexpected number of tuple values")
        with slicer.util.NodeModify(node):
            for index, (element, item) in enumerate(zip(self._elements, values)):
                element.write(node, f"{name}.{index}", item)

    def read(self, node: Any, name: str) -> Any:
        return tuple(element.read(node, f"{name}.{index}") for index, element in enumerate(self._elements))

    def remove(self, node: Any, name: str) -> None:
        with slicer.util.NodeModify(node):
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

    def represents(self, kind: type) -> bool:
        return kind is dict

    def put(self, node: Any, name: str, value: Any) -> None:
        self._pairs.put(node, name, value.items())

    def read(self, node: Any, name: str) -> Any:
        return StoredDict(dict(self._pairs.read(node, name)), lambda changed: self._save(node, name, changed))

    def _save(self, node: Any, name: str, items: Dict[Any, Any]) -> StoredDict:
        self.put(node, name, items)
        return self.read(node, name)


class OneOf(Storage):
    """Optional[X] and Union[X, Y]: the value under the index of the type that takes it."""

    def __init__(self, kinds: List[Storage], validators: Any):
        super().__init__(validators)
        self._kinds, self.cached = kinds, all(kind.cached for kind in kinds)

    def default(self) -> Any:
        optional = len(self._kinds) == 2 and isinstance(self._kinds[1], Nothing)
        return None if optional else self._kinds[0].default()

    def represents(self, kind: type) -> bool:
        return False

    def _taker(self, value: Any) -> int:
        failure: Optional[Exception] = None
        for index, kind in enumerate(self._kinds):
            if kind.represents(type(value)):
                try:
                    kind.check(value)
                except Exception as error:  # noqa: BLE001 - the last one is raised when no other type takes the value
                    failure = error
                else:
                    return index
        raise failure or TypeError(f"Unable to write value '{value}' of type '{type(value)}'")

    def present(self, node: Any, name: str) -> bool:
        return any(kind.present(node, f"{name}.{index}") for index, kind in enumerate(self._kinds))

    def put(self, node: Any, name: str, value: Any) -> None:
        with slicer.util.NodeModify(node):
            taker = self._taker(value)
            there = self.present(node, name)
            before = self.read(node, name) if there else None
            try:
                self.remove(node, name)
                self._kinds[taker].write(node, f"{name}.{taker}", value)
            except Exception:
                if there:
                    self.put(node, name, before)
                else:
                    self.remove(node, name)
                raise

    def read(self, node: Any, name: str) -> Any:
        for index, kind in enumerate(self._kinds):
            if kind.present(node, f"{name}.{index}"):
                return kind.read(node, f"{name}.{index}")
        raise KeyError(f"Unable to find value for name: {name}")

    def remove(self, node: Any, name: str) -> None:
        with slicer.util.NodeModify(node):
            for index, kind in enumerate(self._kinds):
                kind.remove(node, f"{name}.{index}")
