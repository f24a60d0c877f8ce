"""Lists and dicts read from a parameter node: a change of them is a change of the node."""

import collections.abc
from typing import Any, Callable, Dict, Iterator, List, Tuple


class StoredList(collections.abc.MutableSequence):
    """A list that writes itself back after each change; a change that is refused leaves it as it was.

    Args:
        save: writes the items and returns them as they are read back, lists within the list as stored lists.
    """

    def __init__(self, items: List[Any], save: Callable[[List[Any]], "StoredList"]):
        self._items, self._save = items, save

    def _replace(self, items: List[Any]) -> None:
        self._items = self._save(items)._items

    def __getitem__(self, index: Any) -> Any:
        return self._items[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        items = list(self._items)
        items[index] = value
        self._replace(items)

    def __delitem__(self, index: Any) -> None:
        items = list(self._items)
        del items[index]
        self._replace(items)

    def __len__(self) -> int:
        return len(self._items)

    def insert(self, index: int, value: Any) -> None:
        items = list(self._items)
        items.insert(index, value)
        self._replace(items)

    def _refuse(self, _other: Any) -> Any:
        raise NotImplementedError("A stored list is changed in place, by += and the methods of a list.")

    __add__ = __radd__ = __mul__ = __rmul__ = _refuse

    def __imul__(self, times: int) -> "StoredList":
        self._replace(self._items * times)
        return self

    def extend(self, values: Any) -> None:
        self._replace([*self._items, *values])

    def clear(self) -> None:
        self._replace([])

    def sort(self, **options: Any) -> None:
        self._replace(sorted(self._items, **options))

    def reverse(self) -> None:
        self._replace(self._items[::-1])

    def __eq__(self, other: Any) -> bool:
        return self._items == (other._items if isinstance(other, StoredList) else other)

    __hash__ = None

    def __repr__(self) -> str:
        return f"ObservedList({self._items})"


class StoredDict(collections.abc.MutableMapping):
    """A dict that writes itself back after each change; as in the application, get and pop take no default.

    Args:
        save: writes the items and returns them as they are read back.
    """

    def __init__(self, items: Dict[Any, Any], save: Callable[[Dict[Any, Any]], "StoredDict"]):
        self._items, self._save = items, save

    def _replace(self, items: Dict[Any, Any]) -> None:
        self._items = self._save(items)._items

    def __getitem__(self, key: Any) -> Any:
        return self._items[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._replace({**self._items, key: value})

    def __delitem__(self, key: Any) -> None:
        items = dict(self._items)
        del items[key]
        self._replace(items)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def get(self, key: Any) -> Any:
        return self._items.get(key)

    def pop(self, key: Any) -> Any:
        value = self._items[key]
        del self[key]
        return value

    def popitem(self) -> Tuple[Any, Any]:
        """Remove the newest item and return it."""
        if not self._items:
            raise KeyError("The dict is empty.")
        key = next(reversed(self._items))
        return key, self.pop(key)

    def clear(self) -> None:
        self._replace({})

    def __eq__(self, other: Any) -> bool:
        return self._items == (other._items if isinstance(other, StoredDict) else other)

    __hash__ = None

    def __repr__(self) -> str:
        return f"ObservedDict({self._items})"
