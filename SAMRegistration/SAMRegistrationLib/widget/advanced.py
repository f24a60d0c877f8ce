"""The section "Advanced": which click model and which registration weights, download and removal."""

from slicer.i18n import tr as _

from .messages import sentence

BUILT_IN = "compact"


class AdvancedPanel:
    """Args:
    ui: widgets by name. logic: SAMRegistrationLogic. runner: :class:`.runner.Runner`.
    parameters: function giving the parameter node or None.
    """

    def __init__(self, ui, logic, runner, parameters):
        self._ui, self._logic, self._runner, self._parameters = ui, logic, runner, parameters
        self._task = None
        self._names = list(logic.clickModels())
        ui.modelCombo.addItems(self._names)
        ui.modelCombo.currentIndexChanged.connect(self._on_model)
        ui.weightsPath.currentPathChanged.connect(self._on_weights)
        ui.downloadButton.clicked.connect(self.onDownload)
        ui.deleteWeightsButton.clicked.connect(self.onRemove)
        ui.weightsStopButton.clicked.connect(self.onStop)
        self.update()

    def update(self) -> None:
        """Bring the section in line with the parameters."""
        parameters, ui = self._parameters(), self._ui
        name = BUILT_IN if parameters is None else parameters.clickModel
        there, running = self._logic.clickModels().get(name, True), self._task is not None
        if name in self._names and ui.modelCombo.currentIndex != self._names.index(name):
            ui.modelCombo.setCurrentIndex(self._names.index(name))
        if parameters is not None and ui.weightsPath.currentPath != parameters.weights:
            ui.weightsPath.setCurrentPath(parameters.weights)
        ui.downloadButton.setEnabled(not there and not running)
        ui.deleteWeightsButton.setEnabled(there and name != BUILT_IN and not running)
        ui.weightsStopButton.setVisible(running)
        ui.weightsProgress.setVisible(running)
        if not running and not there:
            ui.weightsStatus.setText(_("The weights of {name} are not there yet; download them.").format(name=name))

    def onDownload(self, *_args):
        name = self._parameters().clickModel
        self._task = self._runner.submit(
            lambda job: self._logic.downloadModel(name, job),
            lambda path: self._finish(_("Installed in {folder}.").format(folder=path.parent)),
            lambda error: self._finish(sentence(error)),
            self._on_progress,
        )
        self.update()

    def onRemove(self, *_args):
        name = self._parameters().clickModel
        self._logic.removeModel(name)
        self._ui.weightsStatus.setText("")
        self.update()

    def onStop(self, *_args):
        if self._task is not None:
            self._task.cancel()

    def abandon(self) -> None:
        """Stop without a message, as when the scene closes."""
        if self._task is not None:
            self._task.abandon()
            self._finish("")

    def _on_model(self, index):
        if self._parameters() is not None and 0 <= index < len(self._names):
            self._parameters().clickModel = self._names[index]
            self._ui.weightsStatus.setText("")
            self.update()

    def _on_weights(self, path):
        if self._parameters() is not None:
            self._parameters().weights = path

    def _on_progress(self, fraction, message):
        self._ui.weightsProgress.setValue(round(100 * fraction))
        self._ui.weightsStatus.setText(message)

    def _finish(self, text):
        self._task = None
        self._ui.weightsStatus.setText(text)
        self.update()
