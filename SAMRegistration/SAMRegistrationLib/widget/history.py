"""The states of a result in the section "Look": undone, redone, named, chosen and compared."""

import qt
from slicer.i18n import tr as _

from .fitting import fit_height
from .messages import sentence
from .panel import Panel

MOST_ROWS = 6  # that are seen at once


class HistoryPanel(Panel):
    """Args:
    ui: widgets by name. logic: SAMRegistrationLogic. parameters: function giving the parameter node or None.
    history: of :meth:`logic.newHistory`. changed: called when the nodes of the result hold something else.
    """

    def __init__(self, ui, logic, parameters, history, changed):
        self._ui, self._logic, self._parameters = ui, logic, parameters
        self._history, self._changed = history, changed
        self._filling = False
        self._other = None
        table, titles = ui.historyTable, logic.historyTitles()
        table.setColumnCount(len(titles))
        table.setHorizontalHeaderLabels(titles)
        table.verticalHeader().setVisible(False)
        table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        table.setSelectionMode(qt.QAbstractItemView.SingleSelection)
        header = table.horizontalHeader()
        header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(0, qt.QHeaderView.Stretch)
        table.cellClicked.connect(lambda row, _column: self.choose(row))
        table.itemChanged.connect(self._on_renamed)
        ui.undoStepButton.clicked.connect(lambda *_args: self.choose(self._history.at - 1))
        ui.redoStepButton.clicked.connect(lambda *_args: self.choose(self._history.at + 1))
        ui.compareCombo.currentIndexChanged.connect(self._on_compare)

    def update(self) -> None:
        """Show the steps of the result that is there."""
        parameters = self._parameters()
        if self._logic.followResult(parameters, self._history):
            self._let_go()
        steps, at = self._history.steps, self._history.at
        self._ui.historyBox.setVisible(len(steps) > 1)
        self._offer(self._ui.undoStepButton, at - 1, _("Go back to: {name}"), _("This is the first step."))
        self._offer(self._ui.redoStepButton, at + 1, _("Go on to: {name}"), _("This is the last step."))
        self._fill()

    def scene_closes(self) -> None:
        """Let go of everything."""
        self._history.clear()
        self._other = None
        self.update()

    def exit(self) -> None:
        """End a comparison of two steps."""
        if self._parameters() is not None:
            self._let_go()
            self._fill()

    @property
    def other(self):
        """The number of the step that the chosen one is compared with; None for the volume as it lies."""
        return self._other

    def choose(self, number: int) -> None:
        """Let the result be that of a step."""
        if not 0 <= number < len(self._history.steps) or number == self._history.at:
            return
        try:
            self._let_go()
            self._logic.showStep(self._parameters(), self._history, number)
        except Exception as error:  # noqa: BLE001 - shown as a sentence
            self._ui.updateStatus.setText(sentence(error))
        self._ui.updateStatus.setText(_("This is: {name}").format(name=self._history.present.name))
        self._changed()

    def _offer(self, button, number, leads, ends):
        """Let a button lead to a step, or say why it leads nowhere."""
        steps = self._history.steps
        there = 0 <= number < len(steps)
        button.setEnabled(there)
        button.setToolTip(leads.format(name=steps[number].name) if there else ends)

    def _let_go(self):
        self._other = None
        if self._parameters() is not None and self._parameters().otherVolume is not None:
            self._logic.showOtherStep(self._parameters(), self._history, None)

    def _fill(self):
        self._filling = True
        rows, ui = self._logic.historyRows(self._history), self._ui
        ui.historyTable.setRowCount(len(rows))
        for number, row in enumerate(rows):
            for column, text in enumerate(row):
                item = qt.QTableWidgetItem()
                item.setText(text)
                if column:
                    item.setFlags(qt.Qt.ItemIsSelectable | qt.Qt.ItemIsEnabled)
                ui.historyTable.setItem(number, column, item)
        if rows:
            ui.historyTable.setCurrentCell(self._history.at, 0)
        ui.compareCombo.clear()
        ui.compareCombo.addItem(_("the fixed volume"), -1)
        for number, row in enumerate(rows):
            if number != self._history.at:
                ui.compareCombo.addItem(row[0], number)
        ui.compareCombo.setCurrentIndex(max(ui.compareCombo.findData(-1 if self._other is None else self._other), 0))
        self._filling = False
        fit_height(ui.historyTable, MOST_ROWS)

    def _on_renamed(self, item):
        if not self._filling and item.column() == 0 and item.text().strip():
            self._history.rename(item.row(), item.text().strip())
            self._fill()

    def _on_compare(self, index):
        if self._filling or index < 0 or self._parameters() is None:
            return
        number = self._ui.compareCombo.itemData(index)
        self._other = None if number is None or number < 0 else number
        self._logic.showOtherStep(self._parameters(), self._history, self._other)
        self._changed()
