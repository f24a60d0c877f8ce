"""A Qt widget that shows a VTK render window rendered off screen, and forwards mouse and keys to it."""

import numpy as np
import vtk
from PySide6 import QtCore, QtGui, QtWidgets
from vtkmodules.util.numpy_support import vtk_to_numpy

_BUTTONS = {
    QtCore.Qt.MouseButton.LeftButton: "LeftButton",
    QtCore.Qt.MouseButton.MiddleButton: "MiddleButton",
    QtCore.Qt.MouseButton.RightButton: "RightButton",
}

# X11 key symbols, which VTK uses on every platform, for the keys whose Qt text is empty or a control character.
_KEY_SYMBOLS = {
    QtCore.Qt.Key.Key_Delete: "Delete",
    QtCore.Qt.Key.Key_Backspace: "BackSpace",
    QtCore.Qt.Key.Key_Return: "Return",
    QtCore.Qt.Key.Key_Enter: "Return",
    QtCore.Qt.Key.Key_Escape: "Escape",
    QtCore.Qt.Key.Key_Tab: "Tab",
    QtCore.Qt.Key.Key_Space: "space",
    QtCore.Qt.Key.Key_Left: "Left",
    QtCore.Qt.Key.Key_Right: "Right",
    QtCore.Qt.Key.Key_Up: "Up",
    QtCore.Qt.Key.Key_Down: "Down",
    QtCore.Qt.Key.Key_Home: "Home",
    QtCore.Qt.Key.Key_End: "End",
    QtCore.Qt.Key.Key_PageUp: "Prior",
    QtCore.Qt.Key.Key_PageDown: "Next",
    QtCore.Qt.Key.Key_Shift: "Shift_L",
    QtCore.Qt.Key.Key_Control: "Control_L",
    QtCore.Qt.Key.Key_Alt: "Alt_L",
}


def _key_symbol(event):
    if event.key() in _KEY_SYMBOLS:
        return _KEY_SYMBOLS[event.key()]
    if QtCore.Qt.Key.Key_F1 <= event.key() <= QtCore.Qt.Key.Key_F12:
        return f"F{event.key() - QtCore.Qt.Key.Key_F1 + 1}"
    return event.text() or "None"


class RenderCanvas(QtWidgets.QWidget):
    """Renders on demand: a requested frame is drawn when Qt next paints the widget, so `grab()` is always current.

    The render window never appears on the screen; its pixels are painted. The same code therefore runs on a screen,
    under Xvfb and with QT_QPA_PLATFORM=offscreen.
    """

    resized = QtCore.Signal(QtCore.QSize)  # size of the render window in device pixels

    def __init__(self, parent=None):
        super().__init__(parent)
        self.render_window = vtk.vtkRenderWindow()
        self.render_window.SetOffScreenRendering(True)
        self.render_window.SetMultiSamples(0)
        self.interactor = vtk.vtkGenericRenderWindowInteractor()
        self.interactor.SetRenderWindow(self.render_window)
        self.interactor.EnableRenderOff()
        self.render_enabled = True
        self._image = QtGui.QImage()
        self._area = QtCore.QRectF()
        self._frame_requested = True
        self._pixels_outdated = True
        self._painting = False
        self.render_window.AddObserver(vtk.vtkCommand.EndEvent, self._on_frame_rendered)
        self.setMouseTracking(True)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(40, 40)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Expanding)

    def request_frame(self, *_):
        """Ask for a new frame; any number of requests before the next paint cost one frame."""
        self._frame_requested = True
        self.update()

    def render_now(self):
        """Render at once, shown or hidden."""
        self._frame_requested = False
        self.render_window.Render()

    def set_render_enabled(self, enabled):
        """While rendering is off the last frame stays on screen."""
        self.render_enabled = enabled
        if enabled:
            self.request_frame()

    def finalize(self):
        """Free the graphics context. The canvas can not render afterwards."""
        self.render_enabled = False
        self.interactor.SetRenderWindow(None)
        self.render_window.Finalize()

    def _on_frame_rendered(self, *_):
        self._pixels_outdated = True
        if not self._painting:
            self.update()

    def _read_pixels(self):
        width, height = self.render_window.GetSize()
        pixels = vtk.vtkUnsignedCharArray()
        self.render_window.GetRGBACharPixelData(0, 0, width - 1, height - 1, 0, pixels)
        rows = vtk_to_numpy(pixels).reshape(height, width, 4)[::-1]
        buffer = np.ascontiguousarray(rows)
        self._image = QtGui.QImage(buffer.data, width, height, QtGui.QImage.Format.Format_RGBX8888).copy()
        self._pixels_outdated = False

    def paintEvent(self, event):
        self._painting = True
        try:
            if self.render_enabled and self._frame_requested:
                self.render_now()
            if self.render_enabled and self._pixels_outdated:
                self._read_pixels()
        finally:
            self._painting = False
        QtGui.QPainter(self).drawImage(self._area, self._image)

    def resizeEvent(self, event):
        scale = self.devicePixelRatioF()
        self._area = QtCore.QRectF(QtCore.QPointF(), QtCore.QSizeF(event.size()))
        size = QtCore.QSize(max(1, round(event.size().width() * scale)), max(1, round(event.size().height() * scale)))
        self.interactor.UpdateSize(size.width(), size.height())
        self.resized.emit(size)
        self.request_frame()

    def _set_event(self, event, position=None, key="\0", repeat=0, symbol=None):
        modifiers = event.modifiers() if hasattr(event, "modifiers") else QtCore.Qt.KeyboardModifier.NoModifier
        control = bool(modifiers & QtCore.Qt.KeyboardModifier.ControlModifier)
        shift = bool(modifiers & QtCore.Qt.KeyboardModifier.ShiftModifier)
        if position is None:
            x, y = self.interactor.GetEventPosition()
            self.interactor.SetEventInformation(x, y, control, shift, key, repeat, symbol)
        else:
            scale = self.devicePixelRatioF()
            x, y = int(position.x() * scale), int(position.y() * scale)
            self.interactor.SetEventInformationFlipY(x, y, control, shift, key, repeat, symbol)
        self.interactor.SetAltKey(bool(modifiers & QtCore.Qt.KeyboardModifier.AltModifier))

    def _button_event(self, event, suffix, repeat=0):
        if event.button() in _BUTTONS:
            self._set_event(event, event.position(), repeat=repeat)
            self.interactor.InvokeEvent(f"{_BUTTONS[event.button()]}{suffix}Event")
            event.accept()

    def mousePressEvent(self, event):
        self._button_event(event, "Press")

    def mouseReleaseEvent(self, event):
        self._button_event(event, "Release")

    def mouseDoubleClickEvent(self, event):
        self._button_event(event, "Press", repeat=1)
        self._button_event(event, "DoubleClick", repeat=1)

    def mouseMoveEvent(self, event):
        self._set_event(event, event.position())
        self.interactor.InvokeEvent(vtk.vtkCommand.MouseMoveEvent)

    def wheelEvent(self, event):
        self._set_event(event, event.position())
        forward = event.angleDelta().y() > 0
        self.interactor.InvokeEvent(
            vtk.vtkCommand.MouseWheelForwardEvent if forward else vtk.vtkCommand.MouseWheelBackwardEvent
        )
        event.accept()

    def enterEvent(self, event):
        self._set_event(event, event.position())
        self.interactor.InvokeEvent(vtk.vtkCommand.EnterEvent)

    def leaveEvent(self, event):
        self._set_event(event)
        self.interactor.InvokeEvent(vtk.vtkCommand.LeaveEvent)

    def _key_event(self, event, *names):
        text = event.text()
        key = text if len(text) == 1 and text.isascii() else "\0"
        self._set_event(event, key=key, repeat=int(event.isAutoRepeat()), symbol=_key_symbol(event))
        for name in names:
            self.interactor.InvokeEvent(name)

    def keyPressEvent(self, event):
        self._key_event(event, "KeyPressEvent", "CharEvent")

    def keyReleaseEvent(self, event):
        self._key_event(event, "KeyReleaseEvent")
