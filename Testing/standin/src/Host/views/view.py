"""What slice views and 3D views have in common: a canvas, displayable managers and the scene they draw."""

import slicer
import vtk
from PySide6 import QtGui, QtWidgets

from .canvas import RenderCanvas

_AFTER_OTHERS = -10.0  # observer priority


class View(QtWidgets.QWidget):
    """A view whose content is drawn by the displayable managers of the Slicer core.

    `_canvas` renders; `_group` holds the displayable managers, which ask for a frame whenever the scene changes.
    `style` hands the mouse and the keys to them; what they leave goes to `default_style`.
    Frames are not rendered while the scene is loading or closing.
    """

    def __init__(self, factory, managers, style, default_style, parent=None):
        super().__init__(parent)
        self._canvas = RenderCanvas(self)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._canvas)
        self._renderer = vtk.vtkRenderer()
        self._canvas.render_window.AddRenderer(self._renderer)
        self._corner = vtk.vtkCornerAnnotation()
        self._corner.SetMaximumLineHeight(0.07)
        self._scene = None
        self._scene_observers = []
        self._pauses = 0
        self._prepare_renderer()
        self._canvas.render_window.Render()
        for manager in managers:
            if not factory.IsDisplayableManagerRegistered(manager):
                factory.RegisterDisplayableManager(manager)
        self._group = factory.InstantiateDisplayableManagers(self._renderer)
        self._group.AddObserver(vtk.vtkCommand.UpdateEvent, self._canvas.request_frame)
        self._canvas.interactor.SetInteractorStyle(default_style)
        self._style = style
        self._style.SetDisplayableManagers(self._group)
        self._style.SetInteractor(self._canvas.interactor)
        self._renderer.AddViewProp(self._corner)

    def _prepare_renderer(self):
        """Add what lies below everything that a displayable manager draws."""

    def _node(self):
        return self._group.GetMRMLDisplayableNode()

    def _set_node(self, node):
        self._group.SetMRMLDisplayableNode(node)
        self._canvas.request_frame()

    def _on_batch_started(self, *_):
        self._update_render_enabled()

    def _on_batch_ended(self, *_):
        # The displayable managers have only noted that the scene changed: they read it when their view changes.
        if self._node() is not None:
            self._node().Modified()
        self._update_render_enabled()

    def _update_render_enabled(self):
        busy = self._scene is None or self._scene.IsBatchProcessing()
        self._canvas.set_render_enabled(not busy and self._pauses == 0)

    def _finalize(self):
        self.setMRMLScene(None)
        self._group.SetMRMLDisplayableNode(None)
        self._style.SetInteractor(None)
        self._canvas.finalize()

    def setMRMLScene(self, scene):
        for tag in self._scene_observers:
            self._scene.RemoveObserver(tag)
        self._scene_observers = []
        self._scene = scene
        if scene is not None:
            events = slicer.vtkMRMLScene
            self._scene_observers = [
                scene.AddObserver(events.StartBatchProcessEvent, self._on_batch_started),
                scene.AddObserver(events.EndBatchProcessEvent, self._on_batch_ended, _AFTER_OTHERS),
            ]
        self._update_render_enabled()

    def VTKWidget(self):
        return self._canvas

    def renderWindow(self):
        return self._canvas.render_window

    def interactor(self):
        return self._canvas.interactor

    def interactorStyle(self):
        return self._style

    def interactorObserver(self):
        return self._style

    def scheduleRender(self):
        self._canvas.request_frame()

    def forceRender(self):
        self._canvas.render_now()

    def pauseRender(self):
        self._pauses += 1
        self._update_render_enabled()

    def resumeRender(self):
        self._pauses = max(0, self._pauses - 1)
        self._update_render_enabled()

    def setRenderPaused(self, paused):
        if paused:
            self.pauseRender()
        else:
            self.resumeRender()

    def cornerAnnotation(self):
        return self._corner

    def setCornerAnnotationText(self, text):
        self._corner.SetText(vtk.vtkCornerAnnotation.UpperLeft, text)
        self._canvas.request_frame()

    def setBackgroundColor(self, color):
        self._renderer.SetBackground(*QtGui.QColor(color).getRgbF()[:3])
        self._canvas.request_frame()

    def setBackgroundColor2(self, color):
        self._renderer.SetBackground2(*QtGui.QColor(color).getRgbF()[:3])
        self._canvas.request_frame()

    def displayableManagerByClassName(self, name):
        return self._group.GetDisplayableManagerByClassName(name)

    def getDisplayableManagers(self, collection):
        for index in range(self._group.GetDisplayableManagerCount()):
            collection.AddItem(self._group.GetNthDisplayableManager(index))

    def setViewCursor(self, cursor):
        self._canvas.setCursor(cursor)

    def unsetViewCursor(self):
        self._canvas.unsetCursor()

    def setDefaultViewCursor(self, cursor):
        self._canvas.setCursor(cursor)
