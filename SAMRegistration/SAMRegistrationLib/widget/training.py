"""The part "Training and evaluation" of the section "Advanced"."""

from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from ..errors import Canceled
from ..logic.training import is_configuration
from .messages import sentence
from .panel import Panel

SPLITS = ("train", "validation", "test")


class TrainingPanel(Panel):
    """A training belongs to no scene: it goes on when the scene is closed, and stops with the application.

    Args:
        ui: widgets by name. logic: SAMRegistrationLogic. runner: :class:`.runner.Runner`.
        parameters: function giving the parameter node or None.
    """

    def __init__(self, ui, logic, runner, parameters):
        self._ui, self._logic, self._runner, self._parameters = ui, logic, runner, parameters
        self._command = self._writing = None
        self._asked_to_stop = self._wants_table = False
        self._trained = ""
        self._where = ("", "")
        ui.splitCombo.addItems([_("training"), _("validation"), _("test")])
        ui.trainingDataPath.currentPathChanged.connect(lambda path: self._keep("trainingData", path))
        ui.trainingOutputPath.currentPathChanged.connect(lambda path: self._keep("trainingOutput", path))
        ui.addPairButton.clicked.connect(self.onAddPair)
        ui.trainButton.clicked.connect(self.onTrain)
        ui.evaluateButton.clicked.connect(self.onEvaluate)
        ui.trainingStopButton.clicked.connect(self.onStop)
        ui.useWeightsButton.clicked.connect(self.onUseWeights)
        self.update()

    @property
    def running(self) -> bool:
        """Whether a training or an evaluation is under way."""
        return self._command is not None

    def update(self) -> None:
        """Bring widgets in line with the parameters and with what is running."""
        parameters, ui = self._parameters(), self._ui
        there, running = parameters is not None, self.running
        data, output = (parameters.trainingData, parameters.trainingOutput) if there else ("", "")
        for widget, path in ((ui.trainingDataPath, data), (ui.trainingOutputPath, output)):
            if there and widget.currentPath != path:
                widget.setCurrentPath(path)
        reason = self._logic.reasonNotToTrain(data, output) or self._logic.reasonNotToCompute()
        for widget in (ui.trainingOutputPath, ui.minutesSpinBox, ui.stepsSpinBox):
            widget.setEnabled(there and not running and not is_configuration(data))
        ui.trainingDataPath.setEnabled(there and not running)
        for button in (ui.trainButton, ui.evaluateButton):
            button.setEnabled(there and not running and not reason)
        volumes = there and parameters.fixedVolume is not None and parameters.movingVolume is not None
        ui.addPairButton.setEnabled(bool(volumes and self._writing is None))
        ui.trainingStopButton.setVisible(running)
        ui.trainingStopButton.setText(_("Stop now") if self._asked_to_stop else _("Stop"))
        ui.trainingProgress.setVisible(running or self._writing is not None)
        ui.useWeightsButton.setEnabled(there and bool(self._trained) and parameters.weights != self._trained)
        if not running and not ui.trainingStatus.text:
            ui.trainingStatus.setText(reason)

    def scene_closes(self) -> None:
        """Show nothing of a running evaluation in the next scene; its files are written anyway."""
        self._wants_table = False
        if self._writing is not None:
            self._writing.abandon()
            self._end_writing("")

    # --- pairs of the scene

    def onAddPair(self, *_args):
        data = Path(self._parameters().trainingData)
        folder = str(data.parent)
        if not self._logic.isDataList(data):
            title = _("Folder for the training data")
            folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title)
        if folder:
            self.add_pair(folder)

    def add_pair(self, folder: str) -> None:
        """Write the chosen pair into a folder, and train on what is in there."""
        split = SPLITS[self._ui.splitCombo.currentIndex]
        try:
            work = self._logic.startWritingPair(self._parameters(), folder, split)
        except Exception as error:  # noqa: BLE001 - shown as a sentence
            self._say(sentence(error))
            return
        self._writing = self._runner.submit_aside(
            work, self._on_written, lambda error: self._end_writing(sentence(error)), self._on_progress
        )
        self.update()

    def _on_written(self, path):
        self._parameters().trainingData = str(path)
        self._end_writing(_("The pair is in {path}.").format(path=path))

    def _end_writing(self, text):
        self._writing = None
        self._say(text)

    # --- training and evaluation

    def onTrain(self, *_args):
        parameters = self._parameters()
        choices = (parameters.trainingSteps, parameters.weights, parameters.trainingMinutes)
        self._start(self._logic.startTraining, self._on_trained, self._on_training_failed, *choices)

    def onEvaluate(self, *_args):
        parameters = self._parameters()
        self._wants_table = True
        choices = (parameters.weights, parameters.preset)
        self._start(self._logic.startEvaluation, self._on_evaluated, self._on_failed, *choices)

    def onStop(self, *_args):
        if self._command is None:
            return
        if self._asked_to_stop:
            self._command.kill()
            return
        self._command.stop()
        self._asked_to_stop = True
        self._say(_("Stopping after the present step..."))

    def onUseWeights(self, *_args):
        self._parameters().weights = self._trained
        self._say(_("The next registration uses {path}.").format(path=self._trained))

    def _start(self, start, done, failed, *choices):
        parameters = self._parameters()
        self._where = (parameters.trainingData, parameters.trainingOutput)
        told = {"done": done, "failed": failed, "progress": self._on_progress, "log": self._on_log}
        self._ui.trainingLog.clear()
        try:
            command = start(parameters.trainingData, parameters.trainingOutput, *choices, **told)
            self._command = self._runner.follow(command)
        except Exception as error:  # noqa: BLE001 - shown as a sentence, and the buttons stay usable
            self._say(sentence(error))
            return
        self._say(_("Starting..."))

    def _on_progress(self, fraction, message):
        self._ui.trainingProgress.setValue(round(100 * fraction))
        self._ui.trainingStatus.setText(message)
        self._on_log(message)

    def _on_log(self, line):
        self._ui.trainingLog.appendPlainText(line)

    def _on_trained(self, result):
        self._trained = result["weights"]
        text = _("Trained {steps} steps; the weights are in {path}.")
        self._end(text.format(steps=result["step"], path=self._trained))

    def _on_evaluated(self, result):
        if self._wants_table and self._parameters() is not None:
            self._logic.showEvaluation(result["rows"], _("Evaluation"))
        self._end(
            _("Pairs evaluated: {n}; the tables are in {path}.").format(n=result["pairs"], path=result["files"][0])
        )

    def _on_training_failed(self, error):
        so_far = self._logic.trainedWeights(*self._where) if isinstance(error, Canceled) else ""
        if so_far:
            self._trained = so_far
            self._end(_("Stopped; started again, it goes on from here. The weights so far can be used."))
        else:
            self._on_failed(error)

    def _on_failed(self, error):
        canceled = isinstance(error, Canceled)
        self._end(_("Stopped; started again, a training goes on from here.") if canceled else sentence(error))

    def _end(self, text):
        self._command, self._asked_to_stop = None, False
        self._on_log(text)
        self._say(text)

    def _say(self, text):
        self._ui.trainingStatus.setText(text)
        if not self.running and self._writing is None:
            self._ui.trainingProgress.setValue(0)
        self.update()

    def _keep(self, name, path):
        if self._parameters() is not None:
            self._ui.trainingStatus.setText("")
            setattr(self._parameters(), name, path)
            self.update()
