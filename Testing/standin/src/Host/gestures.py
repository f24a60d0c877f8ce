"""What a person does with the mouse and the keyboard in a view, as real Qt events.

`view` is a slice or 3D view; positions are widget pixels (QPoint, origin at the top left).
"""

import slicer
from PySide6 import QtCore, QtGui, QtTest

LEFT = QtCore.Qt.MouseButton.LeftButton
MIDDLE = QtCore.Qt.MouseButton.MiddleButton
RIGHT = QtCore.Qt.MouseButton.RightButton
NO_MODIFIER = QtCore.Qt.KeyboardModifier.NoModifier


def slice_view(name):
    return slicer.app.layoutManager().sliceWidget(name).sliceView()


def pixel_at(view, ras):
    """The pixel of a slice view that shows the world point `ras` (mm), seen along the slice normal."""
    canvas = view.VTKWidget()
    x, y, _ = view.convertRASToXYZ(ras)
    _, height = view.renderWindow().GetSize()
    scale = canvas.devicePixelRatioF()
    return QtCore.QPoint(round(x / scale), round((height - 1 - y) / scale))


def move(view, position, buttons=QtCore.Qt.MouseButton.NoButton, modifiers=NO_MODIFIER):
    """Move the mouse to a pixel, with buttons held down or none."""
    _send(view, QtCore.QEvent.Type.MouseMove, position, QtCore.Qt.MouseButton.NoButton, buttons, modifiers)


def press(view, position, button=LEFT, modifiers=NO_MODIFIER):
    _send(view, QtCore.QEvent.Type.MouseButtonPress, position, button, button, modifiers)


def release(view, position, button=LEFT, modifiers=NO_MODIFIER):
    none = QtCore.Qt.MouseButton.NoButton
    _send(view, QtCore.QEvent.Type.MouseButtonRelease, position, button, none, modifiers)


def click(view, position, button=LEFT, modifiers=NO_MODIFIER):
    """Move there, press and release."""
    move(view, position, modifiers=modifiers)
    press(view, position, button, modifiers)
    release(view, position, button, modifiers)


def drag(view, start, end, button=LEFT, modifiers=NO_MODIFIER, steps=8):
    """Press at `start`, move to `end` in steps and release there."""
    move(view, start, modifiers=modifiers)
    press(view, start, button, modifiers)
    for step in range(1, steps + 1):
        x = start.x() + round((end.x() - start.x()) * step / steps)
        y = start.y() + round((end.y() - start.y()) * step / steps)
        move(view, QtCore.QPoint(x, y), button, modifiers)
    release(view, end, button, modifiers)


def scroll(view, notches, position=None, modifiers=NO_MODIFIER):
    """Turn the wheel: positive is away from the person."""
    canvas = view.VTKWidget()
    place = QtCore.QPointF(position or QtCore.QPoint(20, 20))
    for _ in range(abs(notches)):
        event = QtGui.QWheelEvent(
            place,
            QtCore.QPointF(canvas.mapToGlobal(place.toPoint())),
            QtCore.QPoint(),
            QtCore.QPoint(0, 120 if notches > 0 else -120),
            QtCore.Qt.MouseButton.NoButton,
            modifiers,
            QtCore.Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QtCore.QCoreApplication.sendEvent(canvas, event)
    slicer.app.processEvents()


def type_key(view, key, modifiers=NO_MODIFIER):
    """Press and release a key, such as qt.Qt.Key_Delete, in the view."""
    QtTest.QTest.keyClick(view.VTKWidget(), key, modifiers)
    slicer.app.processEvents()


def _send(view, kind, position, button, buttons, modifiers):
    canvas = view.VTKWidget()
    point = QtCore.QPointF(position)
    event = QtGui.QMouseEvent(kind, point, QtCore.QPointF(canvas.mapToGlobal(position)), button, buttons, modifiers)
    QtCore.QCoreApplication.sendEvent(canvas, event)
    slicer.app.processEvents()
