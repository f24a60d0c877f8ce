"""Signals as PythonQt has them: connected by attribute or by signature, called to emit, first overload by default."""

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
}

# Signals whose first C++ overload has an argument that PySide6 drops by default.
FIRST_OVERLOAD = {"clicked": "bool", "triggered": "bool"}


def apply() -> None:
    """Change PySide6's bound signals; once in a process."""
    plain_connect, plain_disconnect = QtCore.SignalInstance.connect, QtCore.SignalInstance.disconnect

    def connect_signal(self: QtCore.SignalInstance, receiver: Callable, *options: Any) -> bool:
        return bool(plain_connect(first_overload(self), receiver, *options))

    def disconnect_signal(self: QtCore.SignalInstance, *receiver: Callable) -> bool:
        return bool(plain_disconnect(first_overload(self), *receiver))

    QtCore.SignalInstance.connect = connect_signal
    QtCore.SignalInstance.disconnect = disconnect_signal
    QtCore.SignalInstance.__call__ = lambda self, *values: (first_overload(self) if values else self).emit(*values)


def signature_of(signal: QtCore.SignalInstance) -> str:
    """Such as "clicked(bool)"; PySide6 tells it in the representation alone."""
    return re.fullmatch(r"<\S+ (.*) at 0x[0-9a-f]+>", repr(signal)).group(1)


def first_overload(signal: QtCore.SignalInstance) -> QtCore.SignalInstance:
    name, _, arguments = signature_of(signal).partition("(")
    if arguments == ")" and name in FIRST_OVERLOAD:
        try:
            return signal[FIRST_OVERLOAD[name]]
        except IndexError:
            return signal
    return signal


def connect(self: QtCore.QObject, signature: str, receiver: Any, slot: Optional[str] = None) -> bool:
    """`w.connect("clicked(bool)", f)`, or with a receiver and the name of one of its slots.

    As in the application, a signal that does not exist is reported in the log and False comes back.
    """
    signal = find(self, signature)
    if signal is None:
        logging.warning("PythonQt: QObject::connect() signal '%s' does not exist on %s", signature, self.className())
        return False
    target = receiver if slot is None else getattr(receiver, slot.split("(")[0])
    return bool(signal.connect(target))


def disconnect(self: QtCore.QObject, signature: str, receiver: Any = None, slot: Optional[str] = None) -> bool:
    """The reverse of `connect`; without a receiver every connection of the signal ends."""
    signal = find(self, signature)
    if signal is None:
        return False
    target = receiver if slot is None else getattr(receiver, slot.split("(")[0])
    try:
        return bool(signal.disconnect(target) if target is not None else signal.disconnect())
    except RuntimeError:
        return False


def find(sender: QtCore.QObject, signature: str) -> Optional[QtCore.SignalInstance]:
    """The bound signal of a signature such as "currentIndexChanged(int)", or None."""
    signature = signature.replace(" ", "")
    name, _, arguments = signature.partition("(")
    signal = getattr(sender, RENAMED.get(signature, name), None)
    if not isinstance(signal, QtCore.SignalInstance):
        return None
    if signature in RENAMED or signature_of(signal) == signature:
        return signal
    types = tuple(
        object if re.fullmatch(r"vtk\w+\*", argument) else argument
        for argument in arguments.rstrip(")").split(",")
        if argument
    )
    try:
        return signal[types if len(types) != 1 else types[0]]
    except IndexError:
        return None
