"""What 3D Slicer 5.13 offers to Python, as recorded in the running application: the measure of every stand-in here."""

import functools
import json
from pathlib import Path
from typing import Dict, FrozenSet, List, NamedTuple


class Members(NamedTuple):
    """Members of one class as Python sees them in the application.

    properties: name -> Qt type, read and assigned as attributes. signals: full signatures in declaration order.
    callables: methods that can be called. attributes: enumerations and their values. A widget's own record leaves out
    what every widget has; `allowed` includes it.
    """

    widget: bool
    properties: Dict[str, str]
    signals: List[str]
    callables: FrozenSet[str]
    attributes: FrozenSet[str]

    def signal_names(self) -> FrozenSet[str]:
        return frozenset(signal.split("(")[0] for signal in self.signals)


@functools.cache
def record() -> dict:
    """The whole record: about, version, modules, available, functions, classes (with those of headers-5.13.json)."""
    recording, headers = (
        json.loads(Path(__file__).with_name(f"{name}-5.13.json").read_text(encoding="utf-8"))
        for name in ("members", "headers")
    )
    return {**recording, "classes": {**headers["classes"], **recording["classes"]}}


@functools.cache
def recorded(name: str) -> Members:
    """The record of one class, such as "qt.QPushButton" or "slicer.qMRMLNodeComboBox"; KeyError where there is none."""
    facts = record()["classes"][name]
    return Members(
        facts["widget"],
        facts["properties"],
        facts["signals"],
        frozenset(facts["callables"].split()),
        frozenset(facts["attributes"].split()),
    )


@functools.cache
def complete(name: str) -> Members:
    """As `recorded`, with the members of qt.QWidget added to those of a widget."""
    own = recorded(name)
    if not own.widget or name == "qt.QWidget":
        return own
    base = recorded("qt.QWidget")
    return Members(
        True,
        {**base.properties, **own.properties},
        own.signals + [signal for signal in base.signals if signal not in own.signals],
        own.callables | base.callables,
        own.attributes | base.attributes,
    )


def has_class(name: str) -> bool:
    return name in record()["classes"]


def allowed(name: str) -> FrozenSet[str]:
    """Every public name that an object of this class has in the application."""
    members = complete(name)
    return frozenset(members.properties) | members.signal_names() | members.callables | members.attributes
