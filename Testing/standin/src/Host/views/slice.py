"""A slice view: blended volumes below, then segmentations, grids, models and points, with the mouse tools of Slicer."""

import slicer
import vtk
from PySide6 import QtCore, QtWidgets

from ..widgets.standin import stands_for
from .view import View

MANAGERS = (
    "vtkMRMLVolumeGlyphSliceDisplayableManager",
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLScalarBarDisplayableManager",
    "vtkMRMLColorLegendDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLTransformsDisplayableManager2D",
    "vtkMRMLLinearTransformsDisplayableManager",
    "vtkMRMLMarkupsDisplayableManager",  # last, so that points lie on top
)


@stands_for("slicer.qMRMLSliceView")
class qMRMLSliceView(View):
    resized = QtCore.Signal(QtCore.QSize)

    def __init__(self, logic, parent=None):
        super().__init__(
            slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance(),
            MANAGERS,
            slicer.vtkMRMLSliceViewInteractorStyle(),
            vtk.vtkInteractorStyleUser(),
            parent,
        )
        self._logic = logic
        self._style.SetSliceLogic(logic)
        logic.SetDisplayableManagerGroup(self._group)
        logic.AddObserver(vtk.vtkCommand.ModifiedEvent, self._on_logic_modified)
        self._canvas.resized.connect(self._on_resized)

    def _prepare_renderer(self):
        # The slice logic delivers a blended RGBA image of 0 to 255. Its actor is the renderer's first prop and lies in
        # the background: whatever the displayable managers add later is blended over it.
        self._renderer.GetActiveCamera().ParallelProjectionOn()
        self._mapper = vtk.vtkImageMapper()
        self._mapper.SetColorWindow(255)
        self._mapper.SetColorLevel(127.5)
        self._image_actor = vtk.vtkActor2D()
        self._image_actor.SetMapper(self._mapper)
        self._image_actor.GetProperty().SetDisplayLocationToBackground()
        self._image_actor.VisibilityOff()
        self._renderer.AddViewProp(self._image_actor)

    def _on_logic_modified(self, *_):
        self.setImageDataConnection(self._logic.GetImageDataConnection())
        self._canvas.request_frame()

    def _on_resized(self, size):
        self._logic.ResizeSliceNode(size.width(), size.height())
        self.resized.emit(size)

    def _on_batch_ended(self, *_):
        self._logic.ResizeSliceNode(*self._canvas.render_window.GetSize())
        super()._on_batch_ended()

    def setImageDataConnection(self, connection):
        self._mapper.SetInputConnection(connection)
        self._image_actor.SetVisibility(connection is not None)

    def mrmlSliceNode(self):
        return self._node()

    def setMRMLSliceNode(self, node):
        self._set_node(node)

    def sliceViewInteractorStyle(self):
        return self._style

    def convertDeviceToXYZ(self, xy):
        """Pixels from the lower left corner of the view to the slice's XYZ."""
        return [xy[0], xy[1], 0.0]

    def convertRASToXYZ(self, ras):
        to_xyz = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(self._node().GetXYToRAS(), to_xyz)
        return list(to_xyz.MultiplyPoint([*ras, 1.0])[:3])

    def convertXYZToRAS(self, xyz):
        return list(self._node().GetXYToRAS().MultiplyPoint([*xyz, 1.0])[:3])


@stands_for("slicer.qMRMLSliceControllerWidget")
class qMRMLSliceControllerWidget(QtWidgets.QWidget):
    """The bar above a slice view: its name in its color, the offset slider and the button that fits the slice."""

    _STEPS = 10000

    def __init__(self, logic, parent=None):
        super().__init__(parent)
        self._logic = logic
        self._label = QtWidgets.QLabel(self)
        self._label.setMinimumWidth(24)
        self._label.setAlignment(QtCore.Qt.AlignmentFlag.AlignCenter)
        self._fit = QtWidgets.QToolButton(self)
        self._fit.setText("Fit")
        self._fit.setToolTip("Fit the slice to its background volume")
        self._fit.clicked.connect(self.fitSliceToBackground)
        self._slider = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal, self)
        self._slider.setToolTip("Slice offset")
        self._slider.valueChanged.connect(self._on_slider_moved)
        self._offset = QtWidgets.QLabel(self)
        self._offset.setMinimumWidth(76)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 4, 0)
        for widget in (self._label, self._fit, self._slider, self._offset):
            layout.addWidget(widget)
        logic.AddObserver(vtk.vtkCommand.ModifiedEvent, self._update)

    def _range(self):
        bounds, step = [0.0, 0.0], vtk.reference(1.0)
        if not self._logic.GetSliceOffsetRangeResolution(bounds, step) or step.get() <= 0:
            return None
        return bounds[0], bounds[1], step.get()

    def _update(self, *_):
        node = self._logic.GetSliceNode()
        limits = self._range() if node else None
        if limits is None:
            return
        low, high, step = limits
        color = ", ".join(str(round(255 * c)) for c in node.GetLayoutColor())
        self._label.setText(node.GetLayoutLabel())
        self._label.setStyleSheet(f"background-color: rgb({color}); color: black; font-weight: bold;")
        normal = [node.GetSliceToRAS().GetElement(row, 2) for row in range(3)]
        axis = max(range(3), key=lambda row: abs(normal[row]))
        coordinate = self._logic.GetSliceOffset() * (1 if normal[axis] > 0 else -1) + 0.0  # no -0.00
        self._offset.setText(f"{'RAS'[axis]}: {coordinate:.2f} mm")
        self._slider.blockSignals(True)
        self._slider.setRange(0, min(self._STEPS, max(0, round((high - low) / step))))
        self._slider.setValue(round((self._logic.GetSliceOffset() - low) / step))
        self._slider.blockSignals(False)

    def _on_slider_moved(self, index):
        limits = self._range()
        if limits:
            self.setSliceOffsetValue(limits[0] + index * limits[2])

    def fitSliceToBackground(self, *_):
        self._interact(slicer.vtkMRMLSliceNode.ResetFieldOfViewFlag, self._logic.FitSliceToBackground)

    def setSliceOffsetValue(self, offset):
        self._interact(slicer.vtkMRMLSliceNode.SliceToRASFlag, lambda: self._logic.SetSliceOffset(offset))

    def _interact(self, flag, change):
        """Change the slice as the user's doing, so that views linked to this one follow."""
        self._logic.StartSliceNodeInteraction(flag)
        change()
        self._logic.EndSliceNodeInteraction()

    def setSliceOrientation(self, orientation):
        self._logic.GetSliceNode().SetOrientation(orientation)

    def setSliceVisible(self, visible):
        self._logic.GetSliceNode().SetSliceVisible(visible)

    def setSliceLink(self, linked):
        for node in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode", self._logic.GetMRMLScene()):
            node.SetLinkedControl(linked)

    def setHotLinked(self, hot):
        for node in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode", self._logic.GetMRMLScene()):
            node.SetHotLinkedControl(hot)

    def setForegroundOpacity(self, opacity):
        self._logic.GetSliceCompositeNode().SetForegroundOpacity(opacity)

    def setLabelMapOpacity(self, opacity):
        self._logic.GetSliceCompositeNode().SetLabelOpacity(opacity)

    def mrmlSliceNode(self):
        return self._logic.GetSliceNode()

    def mrmlSliceCompositeNode(self):
        return self._logic.GetSliceCompositeNode()

    def sliceLogic(self):
        return self._logic


@stands_for("slicer.qMRMLSliceWidget")
class qMRMLSliceWidget(QtWidgets.QWidget):
    """A slice view under its controller, both driven by one vtkMRMLSliceLogic."""

    def __init__(self, node, application_logic, parent=None):
        super().__init__(parent)
        scene = node.GetScene()
        self._logic = slicer.vtkMRMLSliceLogic()
        self._logic.SetMRMLApplicationLogic(application_logic)
        application_logic.GetSliceLogics().AddItem(self._logic)
        self._view = qMRMLSliceView(self._logic, self)
        self._controller = qMRMLSliceControllerWidget(self._logic, self)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._controller)
        layout.addWidget(self._view, 1)
        self._logic.SetMRMLScene(scene)
        self._logic.SetSliceNode(node)
        self._view.setMRMLScene(scene)
        self._view.setMRMLSliceNode(node)

    def _finalize(self):
        self._view._finalize()
        self._logic.SetSliceNode(None)
        self._logic.SetMRMLScene(None)

    def logic(self):
        return self._logic

    def sliceLogic(self):
        return self._logic

    def sliceView(self):
        return self._view

    def viewWidget(self):
        return self._view

    def sliceController(self):
        return self._controller

    def controllerWidget(self):
        return self._controller

    def interactorStyle(self):
        return self._view.interactorStyle()

    def mrmlScene(self):
        return self._logic.GetMRMLScene()

    def mrmlSliceNode(self):
        return self._logic.GetSliceNode()

    def mrmlAbstractViewNode(self):
        return self._logic.GetSliceNode()

    def mrmlSliceCompositeNode(self):
        return self._logic.GetSliceCompositeNode()

    def fitSliceToBackground(self):
        self._controller.fitSliceToBackground()

    def setSliceOrientation(self, orientation):
        self._controller.setSliceOrientation(orientation)

    def pauseRender(self):
        self._view.pauseRender()

    def resumeRender(self):
        self._view.resumeRender()
