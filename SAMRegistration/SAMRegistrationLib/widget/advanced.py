"""The part "Models" of the section "Advanced": click model and registration weights, download and removal."""

from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from ..choices import BUILT_IN_CLICK_MODEL, CLICK_MODELS
from .messages import sentence
from .panel import Panel


class AdvancedPanel(Panel):
    """Args:
    ui: widgets by name. logic: SAMRegistrationLogic. runner: :class:`.runner.Runner`.
    parameters: function giving the parameter node or None.
    """

    def __init__(self, ui, logic, runner, parameters):
        self._ui, self._logic, self._runner, self._parameters = ui, logic, runner, parameters
        self._task = None
        self._filling = False
        self._names, self._families = [], []
        ui.modelCombo.currentIndexChanged.connect(self._on_model)
        ui.weightsPath.currentPathChanged.connect(self._on_weights)
        ui.builtInWeightsButton.clicked.connect(lambda *_args: self._on_weights(""))
        ui.downloadButton.clicked.connect(self.onDownload)
        ui.deleteWeightsButton.clicked.connect(self.onRemove)
        ui.weightsStopButton.clicked.connect(self.onStop)
        self.update()

    def update(self) -> None:
        """Bring the part in line with the parameters."""
        parameters, ui = self._parameters(), self._ui
        name = BUILT_IN_CLICK_MODEL if parameters is None else parameters.clickModel
        missing, running = self._fill(name), self._task is not None
        weights = "" if parameters is None else parameters.weights
        if ui.weightsPath.currentPath != weights:
            ui.weightsPath.setCurrentPath(weights)
        ui.builtInWeightsButton.setEnabled(bool(weights))
        ui.weightsLabel.setText(self._logic.describeWeights(weights))
        ui.modelCombo.setEnabled(not running)
        ui.downloadButton.setEnabled(bool(missing) and not running)
        ui.deleteWeightsButton.setEnabled(self._logic.isRemovable(name) and not running)
        ui.weightsStopButton.setVisible(running)
        ui.weightsProgress.setVisible(running)
        if not running and missing:
            absent = _("The weights of {name} are not there yet; download them.").format(name=name)
            ui.weightsStatus.setText(" ".join([absent, self._needs(name)]))

    def onDownload(self, *_args):
        name = self._parameters().clickModel
        self._task = self._runner.submit_download(
            lambda job: self._logic.downloadModel(name, job),
            lambda path: self._finish(_("Installed in {folder}.").format(folder=path.parent)),
            lambda error: self._finish(sentence(error)),
            self._on_progress,
        )
        self.update()

    def onRemove(self, *_args):
        self._logic.removeModel(self._parameters().clickModel)
        self._ui.weightsStatus.setText("")
        self.update()

    def onStop(self, *_args):
        if self._task is not None:
            self._task.cancel()

    def scene_closes(self) -> None:
        """Stop without a message."""
        if self._task is not None:
            self._task.abandon()
            self._finish("")

    def _fill(self, chosen):
        """List the models with the chosen one, which may be a file; the megabytes that this one still lacks."""
        models = self._logic.clickModels()
        self._names = [*models, *([] if chosen in models else [chosen])]
        self._families = self._logic.packageModels()
        texts = [self._text(name, models.get(name)) for name in self._names]
        texts += [_("{name}...").format(name=family.title) for family in self._families] + [_("Choose a file...")]
        combo, self._filling = self._ui.modelCombo, True
        if [combo.itemText(index) for index in range(combo.count)] != texts:
            combo.clear()
            combo.addItems(texts)
        combo.setCurrentIndex(self._names.index(chosen))
        self._filling = False
        return models.get(chosen, 0)

    def _text(self, name, missing):
        if missing is None:
            return Path(name).name
        if missing:
            return _("{name} ({size} MB to download)").format(name=name, size=missing)
        return (
            _("{name} (built in)").format(name=name)
            if any(model.name == name and not model.needs_download for model in CLICK_MODELS)
            else _("{name} (here)").format(name=name)
        )

    def _on_model(self, index):
        if self._filling or self._parameters() is None or index < 0:
            return
        self._ui.weightsStatus.setText("")
        chosen = self._names[index] if index < len(self._names) else self._ask(index - len(self._names))
        if chosen:
            self._parameters().clickModel = chosen
            self._ui.weightsStatus.setText(self._needs(chosen))
        self.update()

    def _needs(self, name):
        return self._logic.describeNeeds(name, self._parameters().device)

    def _ask(self, number):
        """The file or folder of the family of that number; those after the last are SAM's."""
        family = self._families[number] if number < len(self._families) else None
        window = slicer.util.mainWindow()
        if family is not None and family.is_folder:
            return qt.QFileDialog.getExistingDirectory(window, _("Model of {name}").format(name=family.title))
        title = _("Weights of {name}").format(name="SAM" if family is None else family.title)
        endings = "*.safetensors *.pth" if family is None else f"*{family.ending}"
        path = qt.QFileDialog.getOpenFileName(window, title, "", _("Weights ({endings})").format(endings=endings))
        return path[0] if isinstance(path, tuple) else path

    def _on_weights(self, path):
        if self._parameters() is not None:
            self._parameters().weights = path
            self.update()

    def _on_progress(self, fraction, message):
        self._ui.weightsProgress.setValue(round(100 * fraction))
        self._ui.weightsStatus.setText(message)

    def _finish(self, text):
        self._task = None
        self._ui.weightsStatus.setText(text)
        self.update()
