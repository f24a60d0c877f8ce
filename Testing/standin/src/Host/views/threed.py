"""The 3D view: models, closed surfaces of segmentations, points, transforms as grids and slices in space."""

import slicer
import vtk
from PySide6 import QtWidgets

from ..widgets.standin import stands_for
from .view import View

MANAGERS = (
    "vtkMRMLCameraDisplayableManager",
    "vtkMRMLViewDisplayableManager",
    "vtkMRMLModelDisplayableManager",
    "vtkMRMLThreeDReformatDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager3D",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLColorLegendDisplayableManager",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager3D",
    "vtkMRMLTransformsDisplayableManager3D",
    "vtkMRMLLinearTransformsDisplayableManager",
    "vtkMRMLVolumeRenderingDisplayableManager",
)


@stands_for("slicer.qMRMLThreeDView")
class qMRMLThreeDView(View):
    def __init__(self, logic, parent=None):
        super().__init__(
            slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance(),
            MANAGERS,
            slicer.vtkMRMLThreeDViewInteractorStyle(),
            vtk.vtkInteractorStyle3D(),
            parent,
        )
        self._logic = logic
        logic.SetDisplayableManagerGroup(self._group)

    def mrmlViewNode(self):
        return self._node()

    def setMRMLViewNode(self, node):
        self._set_node(node)

    def cameraNode(self):
        return self.displayableManagerByClassName("vtkMRMLCameraDisplayableManager").GetCameraNode()

    def resetCamera(self):
        self._renderer.ResetCamera()
        self._renderer.ResetCameraClippingRange()
        self._canvas.request_frame()

    def resetFocalPoint(self):
        """Look at the middle of what is shown; the box, the axis labels and the crosshair do not count."""
        node = self._node()
        crosshairs = slicer.util.getNodesByClass("vtkMRMLCrosshairNode", self._scene)
        modes = [crosshair.GetCrosshairMode() for crosshair in crosshairs]
        box, labels = node.GetBoxVisible(), node.GetAxisLabelsVisible()
        node.SetBoxVisible(False)
        node.SetAxisLabelsVisible(False)
        for crosshair in crosshairs:
            crosshair.SetCrosshairMode(slicer.vtkMRMLCrosshairNode.NoCrosshair)
        bounds = self._renderer.ComputeVisiblePropBounds()
        if bounds[0] <= bounds[1]:
            center = [(bounds[2 * axis] + bounds[2 * axis + 1]) / 2 for axis in range(3)]
            self._renderer.GetActiveCamera().SetFocalPoint(center)
        node.SetBoxVisible(box)
        node.SetAxisLabelsVisible(labels)
        for crosshair, mode in zip(crosshairs, modes):
            crosshair.SetCrosshairMode(mode)
        node.InvokeEvent(slicer.vtkMRMLViewNode.ResetFocalPointRequestedEvent)
        self._renderer.ResetCameraClippingRange()
        self._canvas.request_frame()

    def lookFromAxis(self, axis):
        """`axis`: a vtkMRMLCameraNode direction (Right, Left, Anterior, Posterior, Inferior or Superior)."""
        self.cameraNode().RotateTo(axis)

    def zoomIn(self):
        self._zoom(1.05)

    def zoomOut(self):
        self._zoom(1 / 1.05)

    def _zoom(self, factor):
        camera = self._renderer.GetActiveCamera()
        if camera.GetParallelProjection():
            camera.SetParallelScale(camera.GetParallelScale() / factor)
        else:
            camera.Dolly(factor)
        self._renderer.ResetCameraClippingRange()
        self._canvas.request_frame()


@stands_for("threeDController")
class qMRMLThreeDViewControllerWidget(QtWidgets.QWidget):
    """The bar above a 3D view."""

    def __init__(self, view, parent=None):
        super().__init__(parent)
        self._view = view
        self._label = QtWidgets.QLabel("3D", self)
        self._center = QtWidgets.QToolButton(self)
        self._center.setText("Center")
        self._center.setToolTip("Center the view on what is shown")
        self._center.clicked.connect(self._on_center)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(4, 0, 4, 0)
        layout.addWidget(self._label)
        layout.addWidget(self._center)
        layout.addStretch(1)

    def _on_center(self, *_):
        self._view.resetFocalPoint()
        self._view.resetCamera()

    def resetFocalPoint(self):
        self._view.resetFocalPoint()

    def zoomIn(self):
        self._view.zoomIn()

    def zoomOut(self):
        self._view.zoomOut()

    def mrmlThreeDViewNode(self):
        return self._view.mrmlViewNode()


@stands_for("slicer.qMRMLThreeDWidget")
class qMRMLThreeDWidget(QtWidgets.QWidget):
    """A 3D view under its controller."""

    def __init__(self, node, application_logic, parent=None):
        super().__init__(parent)
        scene = node.GetScene()
        self._logic = slicer.vtkMRMLViewLogic()
        self._logic.SetMRMLApplicationLogic(application_logic)
        application_logic.GetViewLogics().AddItem(self._logic)
        self._logic.SetMRMLScene(scene)
        self._view = qMRMLThreeDView(self._logic, self)
        self._controller = qMRMLThreeDViewControllerWidget(self._view, self)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._controller)
        layout.addWidget(self._view, 1)
        self._logic.SetName(node.GetLayoutName())
        self._view.setMRMLScene(scene)
        self._view.setMRMLViewNode(node)

    def _finalize(self):
        self._view._finalize()
        self._logic.SetMRMLScene(None)

    def logic(self):
        return self._logic

    def viewLogic(self):
        return self._logic

    def threeDView(self):
        return self._view

    def viewWidget(self):
        return self._view

    def threeDController(self):
        return self._controller

    def controllerWidget(self):
        return self._controller

    def mrmlScene(self):
        return self._logic.GetMRMLScene()

    def mrmlViewNode(self):
        return self._view.mrmlViewNode()

    def mrmlAbstractViewNode(self):
        return self._view.mrmlViewNode()

    def pauseRender(self):
        self._view.pauseRender()

    def resumeRender(self):
        self._view.resumeRender()
