"""The button "Load sample data"."""

from .messages import sentence
from .panel import Panel


class SamplesPanel(Panel):
    """Args:
    ui: widgets by name. logic: SAMRegistrationLogic. runner: :class:`.runner.Runner`.
    parameters: function giving the parameter node or None.
    """

    def __init__(self, ui, logic, runner, parameters):
        self._ui, self._logic, self._runner, self._parameters = ui, logic, runner, parameters
        ui.sampleButton.clicked.connect(self.onLoad)

    def scene_closes(self) -> None:
        """Give the button back; what is being fetched is abandoned with all other work."""
        self._ui.sampleButton.setEnabled(True)

    def onLoad(self, *_args):
        try:
            work, present = self._logic.startLoadingSamples(self._parameters())
        except Exception as error:  # noqa: BLE001 - shown as a sentence
            self._end(sentence(error))
            return
        self._ui.sampleButton.setEnabled(False)
        self._runner.submit_download(
            work,
            lambda paths: self._present(present, paths),
            lambda error: self._end(sentence(error)),
            lambda _fraction, message: self._ui.volumesStatus.setText(message),
        )

    def _present(self, present, paths):
        try:
            present(paths)
        except Exception as error:  # noqa: BLE001 - shown as a sentence
            self._end(sentence(error))
        else:
            self._end("")

    def _end(self, text):
        self._ui.sampleButton.setEnabled(True)
        self._ui.volumesStatus.setText(text)
