"""Damage to files: bytes, values of JSON and tokens of text are changed at random, the same way for the same seed."""

import copy
import json
import random
from typing import Any, Callable, List, Tuple

VALUES = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 10**400, 1e308, -0.0, float("nan"), float("inf"), "", "0", "²", "NaN"),
    *("../../outside", "/etc/passwd", "\0", "\ud800", "x" * 5000, "RAS", "\u2028", "~nobody/x", "con", [], {}, [[]]),
    *([1], [1, 2, 3], [1, 2, "x"], [[1, 2, 3]], {"a": 1}, {"": None}, [None] * 3, [10**400] * 3, ["a"] * 2),
)
_TEXTS = (
    *("", "0", "-1", "nan", "inf", "1e999", "9" * 400, "\0", '"', "'", ",", ";", "\t", "\n", "\r", "#", "=", "[", "]"),
    *("{", "}", "[" * 3000, '{"a":' * 3000, "x" * 200_000, "../../outside", "/etc/passwd"),
    *("²", "\u2028", "%s", "\ufeff"),
)
_SIGNS = (
    b"\xff",
    b"\xff\xfe",
    b"\xfe\xff",
    b"\x80\x04",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"\x00" * 64,
    b"\xff" * 8,
    b"\x7f\xff",
)
TOKENS = (*(text.encode() for text in _TEXTS), *_SIGNS)
NUMBERS = (b"\0", b"\1", b"\x7f", b"\x80", b"\xff")


def damaged_bytes(data: bytes, seed: int) -> bytes:
    """`data` after one to four changes: bytes set, cut out, repeated, cut off, or tokens put in."""
    draw = random.Random(seed)
    for _ in range(draw.choice((1, 1, 1, 2, 3, 4))):
        data = draw.choice(_CHANGES)(data, draw)
    return data


def damaged_json(content: Any, seed: int) -> bytes:
    """A JSON value after one to three changes of anything within it, or its text after changes of bytes."""
    draw = random.Random(seed)
    if draw.random() < 0.25:
        return damaged_bytes(json.dumps(content).encode(), seed)
    content = copy.deepcopy(content)
    for _ in range(draw.choice((1, 1, 2, 3))):
        content = _changed(content, draw)
    return json.dumps(content).encode("utf-8", "surrogatepass")


def _changed(content: Any, draw: random.Random) -> Any:
    places = list(_places(content))
    if not places or draw.random() < 0.02:
        return draw.choice(VALUES)
    holder, key = draw.choice(places)
    kind = draw.random()
    if kind < 0.7:
        holder[key] = copy.deepcopy(draw.choice(VALUES))
    elif kind < 0.8:
        del holder[key]
    elif kind < 0.9:
        other, its = draw.choice(places)
        holder[key] = copy.deepcopy(other[its])
    elif isinstance(holder, dict):
        holder[draw.choice(("", "id", "x", "normal", "\0", key + " "))] = copy.deepcopy(draw.choice(VALUES))
    else:
        holder.insert(key, copy.deepcopy(holder[key]))
    return content


def _places(content: Any) -> List[Tuple[Any, Any]]:
    found = []
    if isinstance(content, dict):
        found += [(content, key) for key in content]
    elif isinstance(content, list):
        found += [(content, number) for number in range(len(content))]
    for holder, key in list(found):
        found += _places(holder[key])
    return found


def _at(data: bytes, draw: random.Random) -> int:
    return draw.randrange(len(data)) if data else 0


def _set(data: bytes, draw: random.Random) -> bytes:
    place = _at(data, draw)
    return data[:place] + draw.choice((*NUMBERS, bytes([draw.randrange(256)]))) + data[place + 1 :]


def _number(data: bytes, draw: random.Random) -> bytes:
    place, width = _at(data, draw) & ~3, draw.choice((2, 4, 8))
    return data[:place] + draw.choice(NUMBERS) * width + data[place + width :]


def _put(data: bytes, draw: random.Random) -> bytes:
    place = _at(data, draw)
    return data[:place] + draw.choice(TOKENS) + data[place + draw.choice((0, 1, 2, 5, 9)) :]


def _cut(data: bytes, draw: random.Random) -> bytes:
    place = _at(data, draw)
    return data[:place] + data[place + draw.choice((1, 2, 4, 30, 400)) :]


def _cut_off(data: bytes, draw: random.Random) -> bytes:
    return data[: _at(data, draw)]


def _repeat(data: bytes, draw: random.Random) -> bytes:
    first, second = sorted((_at(data, draw), _at(data, draw)))
    return data[:second] + data[first : first + 200] + data[second:]


def _early(data: bytes, draw: random.Random) -> bytes:
    """A change within the first 400 bytes, where most headers are."""
    return draw.choice((_set, _number))(data[:400], draw) + data[400:]


_CHANGES: Tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(_set, _number, _put, _put, _cut, _cut_off, _repeat),
    *(_early, _early),
)
