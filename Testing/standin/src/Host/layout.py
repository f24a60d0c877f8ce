"""The layout manager: builds the views that the scene's layout node asks for and puts them in place."""

import slicer
import vtk
from PySide6 import QtCore, QtWidgets

from .views.slice import qMRMLSliceWidget
from .views.table import qMRMLTableWidget
from .views.threed import qMRMLThreeDWidget
from .widgets.standin import stands_for


@stands_for("slicer.qMRMLLayoutManager")
class qMRMLLayoutManager(QtCore.QObject):
    """Follows vtkMRMLLayoutNode: any built-in or custom layout of slice, 3D and table views works.

    A view of another kind (a plot) becomes a label that says so.
    """

    layoutChanged = QtCore.Signal(int)

    def __init__(self, core, viewport):
        super().__init__(viewport)
        self._core = core
        self._viewport = viewport
        QtWidgets.QVBoxLayout(viewport).setContentsMargins(0, 0, 0, 0)
        self._widgets = {}  # view node ID: widget, in the order in which they were made
        self._shown_description = None
        self._logic = slicer.vtkMRMLLayoutLogic()
        self._logic.SetMRMLApplicationLogic(core.application_logic)
        self._logic.SetMRMLScene(core.scene)
        self._layout_node = self._logic.GetLayoutNode()
        self._layout_node.AddObserver(vtk.vtkCommand.ModifiedEvent, self._update)
        core.scene.AddObserver(slicer.vtkMRMLScene.NodeRemovedEvent, self._on_node_removed)
        core.scene.AddObserver(slicer.vtkMRMLScene.EndBatchProcessEvent, self._update)
        self.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)

    def _update(self, *_):
        description = self._layout_node.GetCurrentLayoutDescription()
        if self._core.scene.IsBatchProcessing() or description == self._shown_description:
            return
        root = self._layout_node.GetLayoutRootElement()
        if root is None:
            return
        self._shown_description = description
        for widget in self._widgets.values():
            widget.setParent(self._viewport)
            widget.hide()
        outer = self._viewport.layout()
        while outer.count():
            outer.takeAt(0).widget().deleteLater()
        content = QtWidgets.QWidget(self._viewport)
        self._fill(content, root)
        outer.addWidget(content)
        self.layoutChanged.emit(self._layout_node.GetViewArrangement())

    def _fill(self, parent, element):
        kind = element.GetAttribute("type") or "vertical"
        if kind == "tab":
            layout = QtWidgets.QVBoxLayout(parent)
            tabs = QtWidgets.QTabWidget(parent)
            layout.addWidget(tabs)
        elif kind == "grid":
            layout = QtWidgets.QGridLayout(parent)
        else:
            layout = QtWidgets.QHBoxLayout(parent) if kind == "horizontal" else QtWidgets.QVBoxLayout(parent)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for item in _children(element, "item"):
            for child in _children(item, "layout") + _children(item, "view"):
                widget = self._build(parent, child)
                if kind == "tab":
                    tabs.addTab(widget, item.GetAttribute("name") or child.GetAttribute("singletontag") or "")
                elif kind == "grid":
                    layout.addWidget(
                        widget,
                        *(_integer(item, name, 0) for name in ("row", "column")),
                        *(_integer(item, name, 1) for name in ("rowspan", "colspan")),
                    )
                else:
                    layout.addWidget(widget, 1)

    def _build(self, parent, element):
        if element.GetName() == "layout":
            widget = QtWidgets.QWidget(parent)
            self._fill(widget, element)
            return widget
        node = self._logic.GetViewFromElement(element)
        widget = self._widget_of(node, parent)
        if widget is None:
            label = QtWidgets.QLabel(f"No view for {element.GetAttribute('class')}", parent)
            label.setAlignment(QtCore.Qt.AlignmentFlag.AlignCenter)
            return label
        widget.setParent(parent)
        widget.show()
        return widget

    def _widget_of(self, node, parent):
        if node is None:
            return None
        if node.GetID() not in self._widgets:
            makers = {
                "vtkMRMLSliceNode": qMRMLSliceWidget,
                "vtkMRMLViewNode": qMRMLThreeDWidget,
                "vtkMRMLTableViewNode": qMRMLTableWidget,
            }
            make = makers.get(node.GetClassName())
            if make is None:
                return None
            widget = make(node, self._core.application_logic, parent)
            widget.setObjectName(f"{type(widget).__name__}{node.GetLayoutName()}")
            self._widgets[node.GetID()] = widget
        return self._widgets[node.GetID()]

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _on_node_removed(self, _scene, _event, node):
        widget = self._widgets.pop(node.GetID(), None) if node.GetID() else None
        if widget is not None:
            widget._finalize()
            widget.deleteLater()

    def _finalize(self):
        for widget in self._widgets.values():
            widget._finalize()
        self._widgets = {}

    def _set_cursor(self, cursor):
        for widget in (*self._of(qMRMLSliceWidget), *self._of(qMRMLThreeDWidget)):
            widget.viewWidget().setViewCursor(cursor)

    def _of(self, kind):
        return [widget for widget in self._widgets.values() if isinstance(widget, kind)]

    @property
    def layout(self):
        return self._layout_node.GetViewArrangement()

    def setLayout(self, layout):
        self._layout_node.SetViewArrangement(layout)

    def layoutLogic(self):
        return self._logic

    def viewport(self):
        return self._viewport

    def mrmlScene(self):
        return self._core.scene

    def mrmlSliceLogics(self):
        return self._core.application_logic.GetSliceLogics()

    def mrmlViewLogics(self):
        return self._core.application_logic.GetViewLogics()

    def sliceViewNames(self):
        return tuple(widget.mrmlSliceNode().GetLayoutName() for widget in self._of(qMRMLSliceWidget))

    def sliceWidget(self, name):
        return next((w for w in self._of(qMRMLSliceWidget) if w.mrmlSliceNode().GetLayoutName() == name), None)

    @property
    def threeDViewCount(self):
        return len(self._of(qMRMLThreeDWidget))

    def threeDWidget(self, which):
        """`which`: the view's number, starting at 0, or its layout name."""
        widgets = self._of(qMRMLThreeDWidget)
        if isinstance(which, str):
            return next((w for w in widgets if w.mrmlViewNode().GetLayoutName() == which), None)
        return widgets[which] if 0 <= which < len(widgets) else None

    @property
    def tableViewCount(self):
        return len(self._of(qMRMLTableWidget))

    def tableWidget(self, index):
        widgets = self._of(qMRMLTableWidget)
        return widgets[index] if 0 <= index < len(widgets) else None

    @property
    def plotViewCount(self):
        return 0

    def viewWidget(self, node):
        return self._widgets.get(node.GetID())

    def viewWidgets(self):
        return tuple(self._widgets.values())

    def activeMRMLThreeDViewNode(self):
        widget = self.threeDWidget(0)
        return widget.mrmlViewNode() if widget else None

    def resetSliceViews(self):
        for widget in self._of(qMRMLSliceWidget):
            widget.fitSliceToBackground()

    def resetThreeDViews(self):
        for widget in self._of(qMRMLThreeDWidget):
            widget.threeDView().resetFocalPoint()
            widget.threeDView().resetCamera()

    def pauseRender(self):
        for widget in (*self._of(qMRMLSliceWidget), *self._of(qMRMLThreeDWidget)):
            widget.pauseRender()

    def resumeRender(self):
        for widget in (*self._of(qMRMLSliceWidget), *self._of(qMRMLThreeDWidget)):
            widget.resumeRender()

    def setRenderPaused(self, paused):
        if paused:
            self.pauseRender()
        else:
            self.resumeRender()


def _children(element, name):
    nested = (element.GetNestedElement(index) for index in range(element.GetNumberOfNestedElements()))
    return [child for child in nested if child.GetName() == name]


def _integer(element, name, default):
    text = element.GetAttribute(name)
    return int(text) if text else default
