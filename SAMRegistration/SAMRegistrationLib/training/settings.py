"""Settings in TOML files, read into dataclasses whose fields say what is allowed; one set of sentences for errors."""

import dataclasses
import typing
from pathlib import Path
from typing import Any, Collection, Dict, Tuple

from ..errors import InputError
from ..files import PathLike

try:
    import tomllib
except ModuleNotFoundError:  # Python before 3.11
    import tomli as tomllib


def read_toml(path: PathLike) -> Dict[str, Any]:
    """The content of a TOML file.

    Raises:
        InputError: the file cannot be read or is no TOML; the sentence names it.
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"The configuration {path} cannot be read ({error.strerror}).") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"The configuration {path} is not valid TOML ({error}).") from error


def read_settings(path: PathLike, kind):
    """Read a TOML file into the dataclass `kind`; relative paths in it are relative to the file.

    Raises:
        InputError: the file cannot be read, is no TOML, or has an unknown or unusable entry; the sentence names it.
    """
    path = Path(path)
    return kind(**checked(kind, read_toml(path), path))


def checked(
    kind, content: Dict[str, Any], path: Path, prefix: str = "", elsewhere: Collection[str] = ()
) -> Dict[str, Any]:
    """Arguments of the dataclass `kind` from a table of a TOML file.

    Args:
        path: of the file, for relative paths and for errors.
        prefix: of the entries' names in errors.
        elsewhere: fields that do not come from this table.

    Raises:
        InputError: an entry is unknown, unusable or missing.
    """
    types = {name: value for name, value in typing.get_type_hints(kind).items() if name not in elsewhere}
    for name in content:
        if name not in types:
            raise InputError(f'The configuration {path} has an unknown entry "{prefix}{name}".')
    values = {name: _value(types[name], value, path, f"{prefix}{name}") for name, value in content.items()}
    for entry in dataclasses.fields(kind):
        required = entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING
        if required and entry.name in types and entry.name not in values:
            raise InputError(f'The configuration {path} lacks the entry "{prefix}{entry.name}".')
    return values


def plain(value: Any) -> Any:
    """A configuration as what JSON can hold."""
    if dataclasses.is_dataclass(value):
        return {entry.name: plain(getattr(value, entry.name)) for entry in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _value(kind, value: Any, path: Path, name: str) -> Any:
    kind = _required(kind)
    inner = typing.get_args(kind)[0] if typing.get_origin(kind) in (list, tuple) else None
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise InputError(f'The entry "{name}" of the configuration {path} must be a table.')
        return kind(**checked(kind, value, path, f"{name}."))
    if dataclasses.is_dataclass(inner):
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise InputError(f'The entry "{name}" of the configuration {path} must be a list of tables.')
        return [inner(**checked(inner, item, path, f"{name}.")) for item in value]
    fits, wanted = _fit(kind, value)
    if not fits:
        raise InputError(f'The entry "{name}" of the configuration {path} must be {wanted}, not {value!r}.')
    if kind is Path:
        return (path.parent / value).resolve()
    if typing.get_origin(kind) is tuple:
        return tuple(tuple(item) if isinstance(item, list) else item for item in value)
    return float(value) if kind is float else value


def _required(kind):
    """The type T of Optional[T]; any other type is itself."""
    given = [part for part in typing.get_args(kind) if part is not type(None)]
    return given[0] if typing.get_origin(kind) is typing.Union and len(given) == 1 else kind


def _fit(kind, value: Any) -> Tuple[bool, str]:
    if kind is bool:
        return isinstance(value, bool), "true or false"
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0, "a whole number, 0 or more"
    if kind is float:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return number and 0 <= value < float("inf"), "a number, 0 or more"
    if kind in (str, Path):
        return isinstance(value, str) and bool(value), "text"
    if kind == Tuple[Tuple[int, int, int], ...]:
        sizes = isinstance(value, list) and value and all(_is_size(item) for item in value)
        return bool(sizes), "a list of sizes, three whole numbers of at least 8 each"
    if typing.get_origin(kind) is tuple:
        inner = typing.get_args(kind)[0]
        return isinstance(value, list) and bool(value) and all(_fit(inner, item)[0] for item in value), "a list"
    return isinstance(value, dict), "a table"


def _is_size(item: Any) -> bool:
    return isinstance(item, list) and len(item) == 3 and all(isinstance(n, int) and n >= 8 for n in item)
