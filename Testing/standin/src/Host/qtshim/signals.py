"""Signals as PythonQt has them: connected by attribute or by signature, called to emit, first overload by default."""

import contextlib
import logging
import re
from typing import Any, Callable, Optional

from PySide6 import QtCore

# Qt 5 overloads that Qt 6 gave a name of their own: signature -> signal.
RENAMED = {
    "valueChanged(QString)": "textChanged",
    "activated(QString)": "textActivated",
    "highlighted(QString)": "textHighlighted",
    "currentIndexChanged(QString)": "currentTextChanged",
    "error(QProcess::ProcessError)": "errorOccurred",
    "buttonClicked(int)": "idClicked",
    "buttonPressed(int)": "idPressed",
    "buttonReleased(int)": "idReleased",
    "buttonToggled(int,bool)": "idToggled",
}

# Signals whose first C++ overload PySide6 would not choose for every receiver: name -> arguments of the first one.
FIRST_OVERLOAD = {"clicked": "bool", "triggered": "bool"}

plain_connect, plain_disconnect = QtCore.SignalInstance.connect, QtCore.SignalInstance.disconnect


def apply() -> None:
    """Change PySide6's bound signals; once in a process."""

    def connect_signal(self: QtCore.SignalInstance, receiver: Callable, *options: Any) -> bool:
        return bool(plain_connect(first_overload(self), receiver, *options))

    def disconnect_signal(self: QtCore.SignalInstance, *receiver: Callable) -> bool:
        return bool(plain_disconnect(first_overload(self), *receiver))

    def emit_signal(self: QtCore.SignalInstance, *values: Any) -> None:
        (first_overload(self) if values else self).emit(*values)

    QtCore.SignalInstance.connect = connect_signal
    QtCore.SignalInstance.disconnect = disconnect_signal
    QtCore.SignalInstance.__call__ = emit_signal


def signature_of(signal: QtCore.SignalInstance) -> str:
    """Such as "clicked(bool)"; PySide6 tells it in the representation alone."""
    return re.fullmatch(r"<\S+ (.*) at 0x[0-9a-f]+>", repr(signal)).group(1)


def first_overload(signal: QtCore.SignalInstance) -> QtCore.SignalInstance:
    """The overload that a signal without a signature means."""
    name, _, arguments = signature_of(signal).partition("(")
    if name in FIRST_OVERLOAD and arguments in (")", FIRST_OVERLOAD[name] + ")"):
        with contextlib.suppress(IndexError):
            return signal[FIRST_OVERLOAD[name]]
    return signal


def connect(self: QtCore.QObject, signature: Any, receiver: Any, slot: Any = None) -> bool:
    """`w.connect("clicked(bool)", f)`, or with a receiver and the name of one of its slots.

    As in the application, a signal that does not exist is reported in the log and False comes back, and a signature
    without arguments passes none.
    """
    if isinstance(signature, QtCore.QObject):  # PySide6's own calls: connect(sender, SIGNAL("..."), callable)
        return connect(signature, receiver.lstrip("2"), slot)
    signal = find(self, signature)
    if signal is None:
        logging.warning("PythonQt: QObject::connect() signal '%s' does not exist on %s", signature, self.className())
        return False
    return bool(plain_connect(signal, relay(self, signature, target_of(receiver, slot))))


def disconnect(self: QtCore.QObject, signature: str, receiver: Any = None, slot: Optional[str] = None) -> bool:
    """The reverse of `connect`; without a receiver every connection of the signal ends. False when there was none."""
    signal = find(self, signature)
    if signal is None:
        return False
    try:
        if receiver is None:
            return bool(plain_disconnect(signal))
        target = target_of(receiver, slot)
        return bool(plain_disconnect(signal, self.__dict__.get("_relays", {}).pop((signature, target), target)))
    except RuntimeError:
        return False


def target_of(receiver: Any, slot: Optional[str]) -> Any:
    return receiver if slot is None else getattr(receiver, slot.split("(")[0])


def relay(sender: QtCore.QObject, signature: str, target: Callable) -> Callable:
    """A receiver that gets no arguments, where PySide6 would pass those of another overload; else the target itself."""
    name, _, arguments = signature.replace(" ", "").partition("(")
    if arguments != ")" or name not in FIRST_OVERLOAD:
        return target
    relays = sender.__dict__.setdefault("_relays", {})
    return relays.setdefault((signature, target), lambda: target())


def find(sender: QtCore.QObject, signature: str) -> Optional[QtCore.SignalInstance]:
    """The bound signal of a signature such as "currentIndexChanged(int)", or None."""
    signature = signature.replace(" ", "")
    name, _, arguments = signature.partition("(")
    signal = getattr(sender, name, None)
    if isinstance(signal, QtCore.SignalInstance):
        if signature_of(signal) == signature:
            return signal
        types = tuple(
            object if re.fullmatch(r"vtk\w+\*", argument) else argument
            for argument in arguments.rstrip(")").split(",")
            if argument
        )
        with contextlib.suppress(IndexError):
            return signal[types if len(types) != 1 else types[0]]
    renamed = getattr(sender, RENAMED.get(signature, ""), None)
    return renamed if isinstance(renamed, QtCore.SignalInstance) else None
