"""qt.QProcess, whose `finished` carries the exit code alone, as the first of its two overloads in Qt 5."""

from PySide6 import QtCore


class QProcess(QtCore.QProcess):
    _stands_for = "qt.QProcess"
    finished = QtCore.Signal(int)
