"""The result for other programs, in the section "Look"."""

import qt
import slicer
from slicer.i18n import tr as _

from .messages import sentence
from .panel import Panel


class ExportPanel(Panel):
    """Args:
    ui: widgets by name. logic: SAMRegistrationLogic. runner: :class:`.runner.Runner`.
    parameters: function giving the parameter node or None.
    """

    def __init__(self, ui, logic, runner, parameters):
        self._ui, self._logic, self._runner, self._parameters = ui, logic, runner, parameters
        self._task = None
        for form, title in logic.exportForms().items():
            ui.exportFormCombo.addItem(title, form)
        ui.exportResultButton.clicked.connect(self.onExport)

    def update(self) -> None:
        """Let the button be pressed where there is a result and nothing is being written."""
        parameters, ui = self._parameters(), self._ui
        there = parameters is not None and parameters.resultTransform is not None
        ui.exportFormCombo.setEnabled(there)
        ui.exportResultButton.setEnabled(there and self._task is None)

    def scene_closes(self) -> None:
        """Stop writing."""
        if self._task is not None:
            self._task.abandon()
        self._task = None

    def onExport(self, *_args):
        ui, title = self._ui, _("Folder for the exported result")
        form = ui.exportFormCombo.itemData(ui.exportFormCombo.currentIndex)
        reason = self._logic.reasonNotToExport(self._parameters(), form)
        if reason:
            ui.lookStatus.setText(f"{reason}.")
            return
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title)
        if folder:
            self.export(form, folder)

    def export(self, form: str, folder: str) -> None:
        """Write the result in a form into a folder, in the background."""
        try:
            work, present = self._logic.startExport(self._parameters(), form, folder)
        except Exception as error:  # noqa: BLE001 - shown as a sentence
            self._finish(sentence(error))
            return
        self._task = self._runner.submit_aside(
            work, lambda files: self._finish(present(files)), lambda error: self._finish(sentence(error))
        )
        self._ui.lookStatus.setText(_("Exporting..."))
        self.update()

    def _finish(self, text):
        self._task = None
        self._ui.lookStatus.setText(text)
        self.update()
