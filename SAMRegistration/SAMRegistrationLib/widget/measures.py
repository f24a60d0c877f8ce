"""The tables of measures and of folds in the section "Look"."""

import qt
import slicer
from slicer.i18n import tr as _

from .fitting import limit_columns
from .messages import sentence
from .panel import Panel

WIDEST_VALUE = 90
MOST_FITTED_ROWS = 500  # whose heights follow their texts; with thousands that would hold up the window


class Measures(Panel):
    """Args:
    ui: widgets by name. logic: SAMRegistrationLogic. parameters: function giving the parameter node or None.
    history: of :meth:`logic.newHistory`. steps: :class:`.history.HistoryPanel`, which says what is compared.
    """

    def __init__(self, ui, logic, parameters, history, steps):
        self._ui, self._logic, self._parameters = ui, logic, parameters
        self._history, self._steps = history, steps
        self._shown = None
        self._filling = False
        for table, titles in ((ui.metricsTable, logic.measureTitles()), (ui.foldsTable, logic.foldTitles())):
            table.setColumnCount(len(titles))
            table.setHorizontalHeaderLabels(titles)
            table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
            table.verticalHeader().setVisible(False)
            header = table.horizontalHeader()
            header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
            header.setSectionResizeMode(0, qt.QHeaderView.Stretch)
        ui.foldsTable.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        ui.foldsTable.setSelectionMode(qt.QAbstractItemView.SingleSelection)
        ui.foldsTable.itemSelectionChanged.connect(self._on_fold)
        ui.foldsTable.cellClicked.connect(self._on_fold)
        ui.exportButton.clicked.connect(self.onExport)

    def update(self) -> None:
        """Show the tables of the last result."""
        parameters = self._parameters()
        nodes = (None, None) if parameters is None else (parameters.resultTable, parameters.resultFoldTable)
        self._ui.exportButton.setEnabled(nodes[0] is not None)
        for widget in (self._ui.exportButton, self._ui.metricsTable):
            widget.setVisible(nodes[0] is not None)
        shown = (*nodes, *(None if node is None else node.GetTable() for node in nodes), self._steps.other)
        if shown != self._shown:
            self._shown = shown
            self._show(*nodes)
        for table in (self._ui.metricsTable, self._ui.foldsTable):
            limit_columns(table, WIDEST_VALUE)

    def onExport(self, *_args):
        path = qt.QFileDialog.getSaveFileName(
            slicer.util.mainWindow(), _("Export measures"), "measures.csv", _("Table (*.csv)")
        )
        path = path[0] if isinstance(path, tuple) else path
        if path:
            self.export(path)

    def export(self, path: str) -> None:
        """Write the measures to a CSV file."""
        try:
            self._logic.exportMeasures(self._parameters(), path)
            self._ui.lookStatus.setText(_("The measures are in {path}.").format(path=path))
        except Exception as error:  # noqa: BLE001 - shown as a sentence
            self._ui.lookStatus.setText(sentence(error))

    def _on_fold(self, *_args):
        row = self._ui.foldsTable.currentRow()
        if self._filling or self._parameters() is None or row < 0:
            return
        self._ui.jacobianCheckBox.setChecked(True)
        self._logic.jumpTo(self._logic.folds(self._parameters())[row][2:])

    def _show(self, measures, folds):
        rows, fold_rows = self._logic.tableRows(measures), self._logic.tableRows(folds)
        self._fill(self._ui.metricsTable, self._compared(rows))
        self._fill(self._ui.foldsTable, fold_rows)
        self._ui.foldsTable.setVisible(bool(fold_rows))
        values = {row[0]: row[2] for row in rows}
        text = _("Folds: {folds}. SDlogJ {spread}.")
        if len(fold_rows) == 1:
            text = _("Folds: {folds}, in 1 place (choose it to see it). SDlogJ {spread}.")
        elif fold_rows:
            text = _("Folds: {folds}, in {n} places (choose one to see it). SDlogJ {spread}.")
        text = text.format(folds=values.get(_("Folds"), "-"), n=len(fold_rows), spread=values.get(_("SDlogJ"), "-"))
        self._ui.metricsLabel.setText(text if values else "")

    def _compared(self, rows):
        """The rows, or where two steps are compared those of both; the titles say which."""
        other, titles = self._steps.other, list(self._logic.measureTitles())
        if other is not None:
            titles[1:3] = self._history.steps[other].name, self._history.present.name
            rows = self._logic.compareSteps(self._history, other)
        self._ui.metricsTable.setHorizontalHeaderLabels(titles)
        return rows

    def _fill(self, widget, rows):
        self._filling = True
        widget.clearContents()
        many = len(rows) > MOST_FITTED_ROWS
        widget.verticalHeader().setSectionResizeMode(qt.QHeaderView.Fixed if many else qt.QHeaderView.ResizeToContents)
        widget.setRowCount(len(rows))
        for number, row in enumerate(rows):
            for column, text in enumerate(row):
                item = qt.QTableWidgetItem()
                item.setText(text)
                widget.setItem(number, column, item)
        self._filling = False
