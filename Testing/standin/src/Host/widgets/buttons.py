"""Buttons and boxes of CTK."""

from typing import Any, Optional

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPixmap
from PySide6.QtWidgets import (
    QAbstractButton,
    QCheckBox,
    QColorDialog,
    QFrame,
    QGroupBox,
    QMessageBox,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QWidget,
)

from .standin import qt_property, stands_for, stored

WISH = "visibilityToParent"  # a property of what is in a collapsible button: whether the module shows or hides it
LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)


class _CollapsibleButton(QAbstractButton):
    """A title bar that shows and hides the widgets laid out in it."""

    contentsCollapsed = Signal(bool)
    _is_collapsed = _forcing = False

    def __init__(self, *arguments: Any):
        title = arguments[0] if arguments and isinstance(arguments[0], str) else ""
        parent = next((argument for argument in arguments if isinstance(argument, QWidget)), None)
        super().__init__(parent)
        self.setText(title)
        self.setCheckable(True)
        self.setChecked(True)
        self.setSizePolicy(QSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Preferred))
        self.setBackgroundRole(QPalette.ColorRole.Window)
        self.setContentsMargins(0, self._title_height(), 0, 0)
        self.setMinimumHeight(self._title_height())
        self.toggled.connect(lambda checked: self._collapse(not checked))

    def _title_height(self) -> int:
        return self.fontMetrics().height() + 8

    def _set_collapsed(self, collapsed: bool) -> None:
        if self.checkable:
            self.setChecked(not collapsed)
        else:
            self._collapse(collapsed)

    def _collapse(self, collapsed: bool) -> None:
        if collapsed == self._is_collapsed:
            return
        self._is_collapsed = collapsed
        self.setMaximumHeight(self._title_height() + self.collapsedHeight if collapsed else 16777215)
        for child in self.children():
            if isinstance(child, QWidget):
                self._show_as_wished(child)
        self.updateGeometry()
        self.contentsCollapsed.emit(collapsed)

    def childEvent(self, event: QEvent) -> None:
        """Follow what is laid out in this; while this is collapsed, hide it."""
        super().childEvent(event)
        if event.added() and isinstance(event.child(), QWidget):
            event.child().installEventFilter(self)
            self._show_as_wished(event.child())

    def eventFilter(self, child: Any, event: QEvent) -> bool:
        """Remember whether the module shows or hides a widget, for when this is expanded."""
        if not self._forcing and event.type() in (QEvent.Type.ShowToParent, QEvent.Type.HideToParent):
            child.setProperty(WISH, event.type() == QEvent.Type.ShowToParent)
            if event.type() == QEvent.Type.ShowToParent:
                self._show_as_wished(child)
        return False

    def _show_as_wished(self, child: QWidget) -> None:
        """Show a widget while this is expanded, unless the module hides it; whoever hides it later is noticed."""
        wished = child.property(WISH) is not False
        self._forcing = True
        child.setVisible(wished and not self._is_collapsed)
        if wished:
            child.setAttribute(Qt.WidgetAttribute.WA_WState_ExplicitShowHide, False)
        self._forcing = False

    def event(self, event: QEvent) -> bool:
        """Give a title in larger letters the room that it needs."""
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self.setContentsMargins(0, self._title_height(), 0, 0)
            self.setMinimumHeight(self._title_height())
            if self._is_collapsed:
                self.setMaximumHeight(self._title_height() + self.collapsedHeight)
        return super().event(event)

    def hitButton(self, position: Any) -> bool:
        return position.y() < self._title_height()

    def paintEvent(self, event: QPaintEvent) -> None:
        option = QStyleOptionButton()
        option.initFrom(self)
        option.rect.setHeight(self._title_height())
        painter = QPainter(self)
        style = self.style()
        style.drawControl(QStyle.ControlElement.CE_PushButtonBevel, option, painter, self)
        arrow = QStyle.PrimitiveElement.PE_IndicatorArrowRight
        if not self._is_collapsed:
            arrow = QStyle.PrimitiveElement.PE_IndicatorArrowDown
        text_rect = option.rect.adjusted(22, 0, -4, 0)
        option.rect = option.rect.adjusted(4, 4, 0, -4)
        option.rect.setWidth(option.rect.height())
        style.drawPrimitive(arrow, option, painter, self)
        style.drawItemText(painter, text_rect, self.buttonTextAlignment, self.palette, self.isEnabled(), self.text)

    collapsed = qt_property(bool, lambda self: self._is_collapsed, _set_collapsed)
    collapsedHeight = stored(int, "collapsedHeight", 14)
    flat = stored(bool, "flat", False)
    contentsFrameShape = stored(int, "contentsFrameShape", int(QFrame.Shape.NoFrame))
    contentsFrameShadow = stored(int, "contentsFrameShadow", int(QFrame.Shadow.Plain))
    contentsLineWidth = stored(int, "contentsLineWidth", 1)
    contentsMidLineWidth = stored(int, "contentsMidLineWidth", 0)
    buttonTextAlignment = stored(int, "buttonTextAlignment", LEFT)
    indicatorAlignment = stored(int, "indicatorAlignment", LEFT)


@stands_for("ctk.ctkCollapsibleButton")
class ctkCollapsibleButton(_CollapsibleButton):
    pass


@stands_for("slicer.qMRMLCollapsibleButton")
class qMRMLCollapsibleButton(_CollapsibleButton):
    mrmlSceneChanged = Signal(object)

    def setMRMLScene(self, scene: Any) -> None:
        self.mrmlSceneChanged.emit(scene)


@stands_for("ctk.ctkCollapsibleGroupBox")
class ctkCollapsibleGroupBox(QGroupBox):
    """A group box whose check box shows and hides what is in it."""

    def __init__(self, *arguments: Any):
        super().__init__(*arguments)
        self.setCheckable(True)
        self.setChecked(True)
        self.toggled.connect(self._expand)

    def _expand(self, expanded: bool) -> None:
        for child in self.children():
            if isinstance(child, QWidget):
                child.setVisible(expanded)
        self.setMaximumHeight(16777215 if expanded else self.fontMetrics().height() + self.collapsedHeight)

    def childEvent(self, event: QEvent) -> None:
        super().childEvent(event)
        if not self.checked and isinstance(event.child(), QWidget):
            event.child().setVisible(event.removed())

    collapsed = qt_property(bool, lambda self: not self.checked, lambda self, value: self.setChecked(not value))
    collapsedHeight = stored(int, "collapsedHeight", 14)


@stands_for("ctk.ctkMenuButton")
class ctkMenuButton(QPushButton):
    """A push button whose arrow opens its menu; a click elsewhere is a click."""


@stands_for("ctk.ctkPushButton")
class ctkPushButton(QPushButton):
    pass


@stands_for("ctk.ctkCheckBox")
class ctkCheckBox(QCheckBox):
    pass


@stands_for("ctk.ctkCheckablePushButton")
class ctkCheckablePushButton(QPushButton):
    """A push button with a check box; the box makes the button checkable when it controls the button."""

    checkBoxToggled = Signal(bool)

    def _set_state(self, state: int) -> None:
        before = self.checkState
        self.__dict__["_check_state"] = Qt.CheckState(int(state))
        if before == self.checkState:
            return
        on = self.checkState == Qt.CheckState.Checked
        if self.checkBoxControlsButton:
            self.setCheckable(on)
        self.checkBoxToggled.emit(on)

    checkState = qt_property(int, lambda self: self.__dict__.get("_check_state", Qt.CheckState.Unchecked), _set_state)
    checkBoxControlsButton = stored(bool, "checkBoxControlsButton", True)
    checkBoxControlsButtonToggleState = stored(bool, "checkBoxControlsButtonToggleState", False)
    checkBoxUserCheckable = stored(bool, "checkBoxUserCheckable", True)


@stands_for("ctk.ctkColorPickerButton")
class ctkColorPickerButton(QPushButton):
    """Shows a color and asks for another when it is clicked."""

    colorChanged = Signal(QColor)
    colorNameChanged = Signal(str)

    def __init__(self, *arguments: Any):
        super().__init__(*arguments)
        self._color = QColor()
        self._named = True
        self._apply(QColor(Qt.GlobalColor.black))
        self.clicked.connect(lambda: self.changeColor())

    def _apply(self, color: QColor) -> None:
        self._color = QColor(color)
        swatch = QPixmap(16, 16)
        swatch.fill(self._color)
        self.setIcon(swatch)
        if self._named:
            self.setText(self._color.name())

    def setColor(self, color: QColor) -> None:
        if QColor(color) == self._color:
            return
        self._apply(color)
        self.colorChanged.emit(self._color)
        self.colorNameChanged.emit(self._color.name())

    def changeColor(self) -> None:
        chosen = QColorDialog.getColor(self._color, self)
        if chosen.isValid():
            self.setColor(chosen)

    def setDisplayColorName(self, shown: bool) -> None:
        self._named = shown
        self.setText(self._color.name() if shown else "")

    color = qt_property(QColor, lambda self: QColor(self._color), setColor)
    colorName = qt_property(str, lambda self: self._color.name(), lambda self, name: self.setColor(QColor(name)))
    displayColorName = qt_property(bool, lambda self: self._named, setDisplayColorName)


@stands_for("ctk.ctkMessageBox")
class ctkMessageBox(QMessageBox):
    """A message box with a "don't show again" check box, remembered in the settings."""

    def __init__(self, parent: Optional[QObject] = None):
        super().__init__(parent)
        self._box = QCheckBox("Don't show this message again")

    def _show_box(self, visible: bool) -> None:
        self.setCheckBox(self._box if visible else None)

    def setDontShowAgain(self, checked: bool) -> None:
        self._box.setChecked(checked)

    dontShowAgain = qt_property(bool, lambda self: self._box.checked, setDontShowAgain)
    dontShowAgainVisible = qt_property(bool, lambda self: self.checkBox() is not None, _show_box)
    dontShowAgainSettingsKey = stored(str, "dontShowAgainSettingsKey", "")
