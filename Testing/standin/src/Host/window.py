"""The window: the panel of the selected module on the left, the views on the right."""

import slicer
from PySide6 import QtCore, QtGui, QtWidgets

from .errors import HostError

LAYOUTS = (
    ("Four-up", "SlicerLayoutFourUpView"),
    ("Conventional", "SlicerLayoutConventionalView"),
    ("Red slice", "SlicerLayoutOneUpRedSliceView"),
    ("3D", "SlicerLayoutOneUp3DView"),
    ("Side by side", "SlicerLayoutSideBySideView"),
    ("Two over two", "SlicerLayoutTwoOverTwoView"),
    ("Three over three", "SlicerLayoutThreeOverThreeView"),
)

MOUSE_MODES = (("View", "ViewTransform"), ("Window/level", "AdjustWindowLevel"), ("Place", "Place"))


class ModuleSelector(QtWidgets.QComboBox):
    """Lists the scripted modules and shows the selected one."""

    moduleSelected = QtCore.Signal(str)

    def __init__(self, manager, parent=None):
        super().__init__(parent)
        self._manager = manager
        self._selected = ""
        self.setToolTip("Module")
        manager.moduleLoaded.connect(lambda name: self.addItem(manager.module(name).title, name))
        self.activated.connect(lambda index: self.selectModule(self.itemData(index)))

    @property
    def selectedModule(self):
        return self._selected

    def selectModule(self, name):
        if self._manager.module(name) is None:
            raise HostError(f"There is no module {name}.")
        self._selected = name
        self.setCurrentIndex(self.findData(name))
        self.moduleSelected.emit(name)


class qSlicerMainWindow(QtWidgets.QMainWindow):
    def __init__(self, application):
        super().__init__()
        self.setObjectName("qSlicerMainWindow")
        self.setWindowTitle("Slicer module host")
        self._application = application
        self._panel_widget = None
        self._panel = QtWidgets.QScrollArea()
        self._panel.setWidgetResizable(True)
        self._panel.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._viewport = QtWidgets.QWidget()
        splitter = QtWidgets.QSplitter(QtCore.Qt.Orientation.Horizontal)
        splitter.addWidget(self._panel)
        splitter.addWidget(self._viewport)
        splitter.setStretchFactor(1, 1)
        self.setCentralWidget(splitter)
        self.resize(1400, 900)

    def _start(self):
        """Fill the tool bar and the menu, once the parts of the application that they command exist."""
        application = self._application
        self._selector = ModuleSelector(application.moduleManager(), self)
        self._selector.moduleSelected.connect(self._show_module)
        bar = QtWidgets.QToolBar("Main", self)
        self.addToolBar(bar)
        bar.addWidget(self._selector)
        bar.addSeparator()
        self._add_mouse_modes(bar)
        bar.addSeparator()
        self._add_action(bar, "Fit slices", application.layoutManager().resetSliceViews)
        self._add_action(bar, "Center 3D", application.layoutManager().resetThreeDViews)
        files = self.menuBar().addMenu("File")
        self._add_action(files, "Add data…", application.coreIOManager().openAddDataDialog)
        self._add_action(files, "Save scene…", application.coreIOManager().openSaveDataDialog)
        self._add_action(files, "Close scene", lambda: slicer.mrmlScene.Clear(0))
        layouts = self.menuBar().addMenu("Layout")
        for title, name in LAYOUTS:
            number = getattr(slicer.vtkMRMLLayoutNode, name)
            self._add_action(layouts, title, lambda number=number: application.layoutManager().setLayout(number))

    def _add_action(self, owner, title, function):
        action = QtGui.QAction(title, self)
        action.triggered.connect(lambda *_: function())
        owner.addAction(action)
        return action

    def _add_mouse_modes(self, bar):
        node = self._application.applicationLogic().GetInteractionNode()
        group = QtGui.QActionGroup(self)
        actions = {}
        for title, name in MOUSE_MODES:
            mode = getattr(slicer.vtkMRMLInteractionNode, name)
            action = self._add_action(bar, title, lambda mode=mode: node.SetCurrentInteractionMode(mode))
            action.setCheckable(True)
            group.addAction(action)
            actions[mode] = action

        def follow(*_):
            mode = node.GetCurrentInteractionMode()
            if mode in actions:
                actions[mode].setChecked(True)
            placing = mode == slicer.vtkMRMLInteractionNode.Place
            cursor = QtCore.Qt.CursorShape.CrossCursor if placing else QtCore.Qt.CursorShape.ArrowCursor
            if self._application.layoutManager() is not None:
                self._application.layoutManager()._set_cursor(QtGui.QCursor(cursor))

        node.AddObserver(slicer.vtkMRMLInteractionNode.InteractionModeChangedEvent, follow)
        follow()

    def _show_module(self, name):
        """Leave the module that is shown and enter this one."""
        widget = self._application.moduleManager().module(name).widgetRepresentation()
        if widget is not None and widget is self._panel_widget:
            return
        if self._panel_widget is not None:
            self._panel_widget.exit()
            self._panel_widget.narrowest.disconnect(self._set_narrowest)
            self._panel.takeWidget()
        self._panel_widget = widget
        if widget is None:
            label = QtWidgets.QLabel(f"The module {name} has no panel in the host application.")
            label.setWordWrap(True)
            self._panel.setWidget(label)
        else:
            self._panel.setWidget(widget)
            widget.narrowest.connect(self._set_narrowest)
            widget.show()
            widget.enter()

    def _set_narrowest(self, width):
        """As in the application the panel is never narrower than the module needs, and scrolls up and down alone."""
        self._panel.setMinimumWidth(width + self._panel.verticalScrollBar().sizeHint.width())

    def moduleSelector(self):
        return self._selector
