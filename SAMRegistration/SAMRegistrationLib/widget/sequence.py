"""The section "Sequence": registers all frames of a cine or a 4D CT to one of them."""

import time

import qt
import slicer
from slicer.i18n import tr as _

from ..errors import Canceled
from .fitting import button_text
from .messages import sentence
from .panel import Panel
from .stages import stage


class SequencePanel(Panel):
    """Args:
    ui: widgets by name. logic: SAMRegistrationLogic. runner: :class:`.runner.Runner`.
    parameters: function giving the parameter node or None.
    """

    def __init__(self, ui, logic, runner, parameters):
        self._ui, self._logic, self._runner, self._parameters = ui, logic, runner, parameters
        self._task = self._present = self._sequence = None
        self._started = 0.0
        ui.sequenceButton.clicked.connect(self.onRegister)
        ui.sequenceCancelButton.clicked.connect(self.onCancel)
        ui.sequencePlotButton.clicked.connect(self.onPlot)
        ui.sequenceExportButton.clicked.connect(self.onExport)
        ui.shownFrameButton.clicked.connect(self.onShownFrame)
        self._show_running(False)

    @property
    def running(self) -> bool:
        """Whether a sequence is being registered."""
        return self._task is not None

    def update(self) -> None:
        """Bring the widgets in line with the parameters."""
        parameters, ui = self._parameters(), self._ui
        sequence = None if parameters is None else parameters.sequence
        count = self._logic.numberOfFrames(sequence)
        reason = _("There is no scene.") if parameters is None else self._logic.reasonNotToRegisterSequence(parameters)
        text = _("Register {n} frames").format(n=count)
        ui.sequenceButton.setText(button_text(_("Registering...") if self.running else reason or text))
        ui.sequenceButton.setEnabled(not self.running and not reason)
        ui.shownFrameButton.setEnabled(sequence is not None)
        ui.sequenceReferenceSpinBox.setMaximum(max(count - 1, 0))
        there = parameters is not None and parameters.sequenceTable is not None
        ui.sequencePlotButton.setEnabled(there and parameters.sequenceChart is not None)
        ui.sequenceExportButton.setEnabled(there)

    def scene_closes(self) -> None:
        """Stop without any result."""
        if self._task is not None:
            self._task.abandon()
        self._finish("")

    def onShownFrame(self, *_args):
        """Take the frame that the views show as the reference."""
        parameters = self._parameters()
        parameters.sequenceReference = self._logic.shownFrame(parameters.sequence)

    def onRegister(self, *_args):
        try:
            work, self._present = self._logic.startSequence(self._parameters())
        except Exception as error:  # noqa: BLE001 - shown as a sentence, and the button stays usable
            self._ui.sequenceStatus.setText(sentence(error))
            return
        self._started = time.monotonic()
        self._task = self._runner.submit(work, self._on_done, self._on_failed, self._on_progress)
        self._ui.sequenceStatus.setText(_("Starting..."))
        self._show_running(True)

    def onCancel(self, *_args):
        """Give the panel back at once; nothing of the work enters the scene."""
        if self._task is not None and not self._task.finished:
            self._task.abandon()
            self._finish(sentence(Canceled()))

    def onPlot(self, *_args):
        self._logic.showSequencePlot(self._parameters())

    def onExport(self, *_args):
        path = qt.QFileDialog.getSaveFileName(
            slicer.util.mainWindow(), _("Export curves"), "curves.csv", _("Table (*.csv)")
        )
        path = path[0] if isinstance(path, tuple) else path
        if path:
            self.export(path)

    def export(self, path: str) -> None:
        """Write the curves to a CSV file."""
        try:
            self._logic.exportSequence(self._parameters(), path)
            self._ui.sequenceStatus.setText(_("The curves are in {path}.").format(path=path))
        except Exception as error:  # noqa: BLE001 - shown as a sentence
            self._ui.sequenceStatus.setText(sentence(error))

    def _on_progress(self, fraction, message):
        self._ui.sequenceProgress.setValue(round(100 * fraction))
        passed = time.monotonic() - self._started
        text = stage(message)
        if fraction > 0.05 and passed > 2:
            left = passed * (1 - fraction) / fraction
            text = _("{stage}, about {seconds} s left").format(stage=text, seconds=round(left))
        self._ui.sequenceStatus.setText(text)

    def _on_done(self, outcome):
        try:
            self._present(outcome)
        except Exception as error:  # noqa: BLE001 - shown as a sentence, and the button comes back
            self._finish(sentence(error))
            return
        seconds = time.monotonic() - self._started
        text = " ".join(
            [_("Done in {seconds:.0f} s.").format(seconds=seconds), self._logic.describeSequence(self._parameters())]
        )
        self._finish(text)

    def _on_failed(self, error):
        self._finish(sentence(error))

    def _finish(self, text):
        self._task = self._present = None
        self._ui.sequenceStatus.setText(text)
        self._show_running(False)

    def _show_running(self, running):
        self._ui.sequenceCancelButton.setEnabled(running)
        self._ui.sequenceProgress.setVisible(running)
        self._ui.sequenceProgress.setValue(0)
        self.update()
