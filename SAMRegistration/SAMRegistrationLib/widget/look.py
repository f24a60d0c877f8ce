"""The section "Look": grid, Jacobian map, outlines, comparison, measures, and applying the result to other nodes."""

import qt
import slicer
from slicer.i18n import tr as _

from ..scene import display, grids, views
from ..scene.tables import columns, fold_columns, rows_of, write_csv
from .captions import Captions
from .fitting import limit_columns
from .messages import sentence

FLICKER_MS = 500
WIDEST_VALUE = 90
BLEND, SIDE_BY_SIDE, CHECKERBOARD, FLICKER = "blend", "sideBySide", "checkerboard", "flicker"


class LookPanel:
    """Args:
    ui: widgets by name. logic: SAMRegistrationLogic. runner: :class:`.runner.Runner`.
    parameters: function giving the parameter node or None. looked: called when the views show a result.
    """

    def __init__(self, ui, logic, runner, parameters, looked):
        self._ui, self._logic, self._runner, self._parameters = ui, logic, runner, parameters
        self._looked = looked
        self._captions = Captions()
        self._layout = self._before = None
        self._looking = False
        self._shown_tables = None
        self._filling = False
        self._compared = BLEND
        self._flicker = qt.QTimer()
        self._flicker.setInterval(FLICKER_MS)
        self._flicker.timeout.connect(self._on_flicker)
        self._modes = {
            ui.blendButton: BLEND,
            ui.sideBySideButton: SIDE_BY_SIDE,
            ui.checkerboardButton: CHECKERBOARD,
            ui.flickerButton: FLICKER,
        }
        for button, mode in self._modes.items():
            button.clicked.connect(lambda *_args, mode=mode: self.compare(mode))
        self._boxes = {
            ui.gridCheckBox: "showGrid",
            ui.grid3DCheckBox: "showGrid3D",
            ui.jacobianCheckBox: "showJacobian",
            ui.outlinesCheckBox: "showOutlines",
        }
        for box, name in self._boxes.items():
            box.toggled.connect(lambda *_args, box=box, name=name: self._on_box(name, box.isChecked()))
        ui.opacitySlider.valueChanged.connect(self._on_opacity)
        ui.exportButton.clicked.connect(self.onExport)
        ui.applyButton.clicked.connect(self.onApply)
        ui.applySelector.currentNodeChanged.connect(lambda *_args: self.update())
        for table, titles in ((ui.metricsTable, columns()), (ui.foldsTable, fold_columns())):
            table.setColumnCount(len(titles))
            table.setHorizontalHeaderLabels(titles)
            table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
            table.verticalHeader().setVisible(False)
            table.verticalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
            header = table.horizontalHeader()
            header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
            header.setSectionResizeMode(0, qt.QHeaderView.Stretch)
        ui.foldsTable.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        ui.foldsTable.setSelectionMode(qt.QAbstractItemView.SingleSelection)
        ui.foldsTable.itemSelectionChanged.connect(self._on_fold)
        ui.foldsTable.cellClicked.connect(self._on_fold)

    def update(self) -> None:
        """Bring the section in line with the parameters."""
        parameters, ui = self._parameters(), self._ui
        there = parameters is not None and parameters.resultTransform is not None
        for widget in [*self._boxes, ui.opacitySlider, *self._modes]:
            widget.setEnabled(there)
        if parameters is not None:
            self._show_choices(parameters)
        ui.exportButton.setEnabled(parameters is not None and parameters.resultTable is not None)
        ui.applyButton.setEnabled(bool(there and ui.applySelector.currentNode() is not None))
        tables = (None, None) if parameters is None else (parameters.resultTable, parameters.resultFoldTable)
        if tables != self._shown_tables:
            self._shown_tables = tables
            self._show_tables(*tables)
        for table in (ui.metricsTable, ui.foldsTable):
            limit_columns(table, WIDEST_VALUE)
        if there and parameters.resultTransform.GetDisplayNode() is not None:
            grids.set_grid_spacing(parameters.resultTransform, parameters.gridSpacing)
            unit = grids.unit_of(parameters.fixedVolume)
            ui.gridSpacingSlider.suffix = " mm" if unit == 1 else f" x {unit:g} mm"

    def steps(self) -> list:
        """What shows a new result, whatever was hidden of an earlier one: volumes and outlines, then the grids."""
        return [self._start_over, lambda: self._show(grid3D=False), self.show, self._fit_3d]

    def _fit_3d(self):
        if self._parameters() is not None and self._parameters().fixedVolume is not None:
            display.fit_3d_views(self._parameters().fixedVolume)

    def _start_over(self):
        parameters = self._parameters()
        with slicer.util.NodeModify(parameters):
            parameters.showGrid = parameters.showGrid3D = parameters.showOutlines = True
            parameters.showJacobian, parameters.compareMode = False, BLEND
        self._ui.lookStatus.setText("")
        self._enter_mode(BLEND)
        self._show(grid=False, grid3D=False)
        self.update()

    def compare(self, mode: str) -> None:
        """Compare fixed and warped volume in one of the modes."""
        self._parameters().compareMode = mode
        self._enter_mode(mode)
        self.show()

    def resume(self) -> None:
        """Go on where the module was left or the scene was saved: outlines, and what changes the views by itself."""
        parameters = self._parameters()
        if parameters is None or parameters.resultTransform is None:
            return
        looking, self._looking = self._looking, False
        if looking:
            self._logic.showOutlines(parameters, parameters.showOutlines)
        if parameters.compareMode in (SIDE_BY_SIDE, FLICKER) and parameters.compareMode != self._compared:
            self.compare(parameters.compareMode)

    def _enter_mode(self, mode):
        self._compared = mode
        self._flicker.stop()
        self._captions.hide()
        self._restore_layout()
        if mode == CHECKERBOARD:
            self._make_checkerboard()
        elif mode == SIDE_BY_SIDE:
            self._keep_layout()
            self._captions.show({"Red": _("Fixed"), "Yellow": _("Warped")})
            self._set_layout(slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView)
        elif mode == FLICKER:
            self._flicker.start()

    def show(self) -> None:
        """Show the result as the check boxes and the mode say."""
        self._show()

    def _show(self, grid=True, grid3D=True):
        parameters = self._parameters()
        if parameters is None or parameters.resultTransform is None:
            return
        self._logic.showResult(
            parameters,
            grid=grid and parameters.showGrid,
            grid3D=grid3D and parameters.showGrid3D,
            jacobian=parameters.showJacobian,
            outlines=parameters.showOutlines,
            opacity=parameters.opacity,
            sideBySide=parameters.compareMode == SIDE_BY_SIDE,
            checkerboard=parameters.compareMode == CHECKERBOARD,
        )
        self._looked()

    def stop(self) -> None:
        """Stop flickering, and give the layout and the displays of the inputs back, until :meth:`resume`."""
        self._compared = BLEND
        self._flicker.stop()
        self._captions.hide()
        self._restore_layout()
        self._looking = self._logic.restoreDisplays()

    def scene_closes(self) -> None:
        """Stop for good: the next scene is shown as it was saved."""
        self.stop()
        self._looking = False

    def onExport(self, *_args):
        path = qt.QFileDialog.getSaveFileName(
            slicer.util.mainWindow(), _("Export measures"), "measures.csv", _("Table (*.csv)")
        )
        path = path[0] if isinstance(path, tuple) else path
        if path:
            self.export(path)

    def export(self, path: str) -> None:
        """Write the measures to a CSV file."""

        def write():
            write_csv(self._parameters().resultTable, path)
            self._ui.lookStatus.setText(_("The measures are in {path}.").format(path=path))

        self._act(write)

    def onApply(self, *_args):
        node = self._ui.applySelector.currentNode()
        self._ui.lookStatus.setText(_("Working..."))
        try:
            work, present = self._logic.startApplying(self._parameters(), node)
        except Exception as error:  # noqa: BLE001 - shown as a sentence
            self._on_failed(error)
            return

        def applied(result):
            text = _("{copy} is in the folder of the registration; {name} stays as it is.")
            self._ui.lookStatus.setText(text.format(copy=present(result).GetName(), name=node.GetName()))

        self._runner.submit_aside(work, lambda result: self._act(lambda: applied(result)), self._on_failed)

    def _show_choices(self, parameters):
        self._filling = True
        for box, name in self._boxes.items():
            box.setChecked(getattr(parameters, name))
        self._ui.opacitySlider.setValue(parameters.opacity)
        self._filling = False
        for button, mode in self._modes.items():
            button.setChecked(mode == parameters.compareMode)
        if parameters.compareMode == BLEND and self._compared != BLEND:
            self._enter_mode(BLEND)

    def _on_box(self, name, checked):
        if not self._filling and self._parameters() is not None:
            setattr(self._parameters(), name, checked)
            self.show()

    def _on_opacity(self, value):
        if not self._filling and self._parameters() is not None:
            self._parameters().opacity = value
            display.set_opacity(value)

    def _make_checkerboard(self):
        try:
            work, present = self._logic.startCheckerboard(self._parameters())
        except Exception as error:  # noqa: BLE001 - shown as a sentence
            self._on_failed(error)
            return

        def shown(array):
            present(array)
            if self._compared == CHECKERBOARD:
                self.show()

        self._runner.submit_aside(work, lambda array: self._act(lambda: shown(array)), self._on_failed)

    def _act(self, action):
        try:
            action()
        except Exception as error:  # noqa: BLE001 - shown as a sentence
            self._on_failed(error)

    def _on_failed(self, error):
        self._ui.lookStatus.setText(sentence(error))

    def _on_flicker(self, *_args):
        composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
        fixed = bool(composites and composites[0].GetForegroundOpacity() > 0.5)
        display.set_opacity(0.0 if fixed else 1.0)
        text = _("Fixed") if fixed else self._foreground()
        self._captions.show(dict.fromkeys(views.slice_view_names(), text))

    def _foreground(self):
        return _("Jacobian map") if self._ui.jacobianCheckBox.isChecked() else _("Warped")

    def _keep_layout(self):
        """Keep what side by side is left for; a scene that was saved side by side is left for the usual layout."""
        layouts, layout = slicer.vtkMRMLLayoutNode, views.layout()
        saved = layout == layouts.SlicerLayoutSideBySideView
        self._layout = layouts.SlicerLayoutFourUpView if saved else layout
        self._before = None if saved else display.before_side_by_side()

    def _restore_layout(self):
        if self._layout is not None:
            display.leave_side_by_side(self._before)
            self._set_layout(self._layout)
            self._layout = None

    def _set_layout(self, layout):
        views.set_layout(layout)
        self._runner.in_turns(display.fit_views)

    def _on_fold(self, *_args):
        row = self._ui.foldsTable.currentRow()
        if self._filling or self._parameters() is None or row < 0:
            return
        self._ui.jacobianCheckBox.setChecked(True)
        self._logic.jumpTo(self._logic.folds(self._parameters())[row][2:])

    def _show_tables(self, measures, folds):
        self._fill(self._ui.metricsTable, rows_of(measures))
        fold_rows = rows_of(folds)
        self._fill(self._ui.foldsTable, fold_rows)
        self._ui.foldsTable.setVisible(bool(fold_rows))
        values = {row[0]: row[2] for row in rows_of(measures)}
        text = _("Folds: {folds}. SDlogJ {spread}.")
        if len(fold_rows) == 1:
            text = _("Folds: {folds}, in 1 place (choose it to see it). SDlogJ {spread}.")
        elif fold_rows:
            text = _("Folds: {folds}, in {n} places (choose one to see it). SDlogJ {spread}.")
        text = text.format(folds=values.get(_("Folds"), "-"), n=len(fold_rows), spread=values.get(_("SDlogJ"), "-"))
        self._ui.metricsLabel.setText(text if values else "")

    def _fill(self, widget, rows):
        self._filling = True
        widget.clearContents()
        widget.setRowCount(len(rows))
        for number, row in enumerate(rows):
            for column, text in enumerate(row):
                item = qt.QTableWidgetItem()
                item.setText(text)
                widget.setItem(number, column, item)
        self._filling = False
