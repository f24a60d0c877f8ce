"""The section "Register": says what the button will do or why it cannot, runs, reports, cancels."""

import time

from slicer.i18n import tr as _

from ..errors import Canceled
from .fitting import button_text
from .messages import sentence
from .panel import Panel
from .stages import stage


class RegisterPanel(Panel):
    """Args:
    ui: widgets by name. logic: SAMRegistrationLogic. runner: :class:`.runner.Runner`.
    parameters: function giving the parameter node or None. steps: function giving the steps that show a new result.
    """

    def __init__(self, ui, logic, runner, parameters, steps):
        self._ui, self._logic, self._runner = ui, logic, runner
        self._parameters, self._steps = parameters, steps
        self._task = self._present = None
        self._started = 0.0
        ui.registerButton.clicked.connect(self.onRegister)
        ui.cancelButton.clicked.connect(self.onCancel)
        self._show_running(False)

    @property
    def running(self) -> bool:
        """Whether a registration is under way."""
        return self._task is not None

    def update(self) -> None:
        """Set the text and state of the button."""
        parameters = self._parameters()
        reason = _("There is no scene.") if parameters is None else self._logic.reasonNotToRegister(parameters)
        text = _("Registering...") if self.running else reason or self._logic.describeRegistration(parameters)
        self._ui.registerButton.setText(button_text(text))
        self._ui.registerButton.setEnabled(not self.running and not reason)
        self._ui.prealignmentCombo.setEnabled(parameters is None or parameters.initialTransform is None)

    def onRegister(self, *_args):
        if self.running:
            return
        parameters = self._parameters()
        try:
            work, present = self._logic.startRegistration(parameters)
        except Exception as error:  # noqa: BLE001 - shown as a sentence, and the button stays usable
            self._ui.registerStatus.setText(sentence(error))
            return
        self._started = time.monotonic()
        self._present = present
        self._task = self._runner.submit(work, self._on_done, self._on_failed, self._on_progress)
        self._ui.registerStatus.setText(_("Starting..."))
        self._show_running(True)

    def onCancel(self, *_args):
        """Give the panel back at once; the thread stops at its next look, and nothing of its work enters the scene."""
        if self._task is not None and not self._task.finished:
            self._task.abandon()
            self._finish(sentence(Canceled()))

    def scene_closes(self) -> None:
        """Stop without any result."""
        if self._task is not None:
            self._task.abandon()
        self._finish("")

    def _on_progress(self, fraction, message):
        self._ui.registerProgress.setValue(round(100 * fraction))
        message = stage(message)
        passed = time.monotonic() - self._started
        if fraction > 0.05 and passed > 2:
            left = passed * (1 - fraction) / fraction
            message = _("{stage}, about {seconds} s left").format(stage=message, seconds=round(left))
        self._ui.registerStatus.setText(message)

    def _on_done(self, outcome):
        notes = " ".join([_("Done in {seconds:.0f} s.").format(seconds=outcome.seconds), *outcome.result.notes])
        try:
            self._present(outcome)
        except Exception as error:  # noqa: BLE001 - shown as a sentence, and the button comes back
            self._finish(sentence(error))
            return
        self._runner.in_turns(*self._steps(), lambda: self._finish(notes))

    def _on_failed(self, error):
        self._finish(sentence(error))

    def _finish(self, text):
        self._task = self._present = None
        self._ui.registerStatus.setText(text)
        self._show_running(False)

    def _show_running(self, running):
        self._ui.cancelButton.setEnabled(running)
        self._ui.registerProgress.setVisible(running)
        self._ui.registerProgress.setValue(0)
        self.update()
