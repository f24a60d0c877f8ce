"""Applying the last result to other nodes, in the section "Look"."""

from slicer.i18n import tr as _

from .messages import sentence
from .panel import Panel


class Applying(Panel):
    """Args:
    ui: widgets by name. logic: SAMRegistrationLogic. runner: :class:`.runner.Runner`.
    parameters: function giving the parameter node or None.
    """

    def __init__(self, ui, logic, runner, parameters):
        self._ui, self._logic, self._runner, self._parameters = ui, logic, runner, parameters
        ui.applyButton.clicked.connect(self.onApply)
        ui.applySelector.currentNodeChanged.connect(lambda *_args: self.update())

    def update(self) -> None:
        """Let the button be pressed where there is a result and a node."""
        parameters = self._parameters()
        there = parameters is not None and parameters.resultTransform is not None
        self._ui.applyButton.setEnabled(bool(there and self._ui.applySelector.currentNode() is not None))

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
            try:
                self._ui.lookStatus.setText(text.format(copy=present(result).GetName(), name=node.GetName()))
            except Exception as error:  # noqa: BLE001 - shown as a sentence
                self._on_failed(error)

        self._runner.submit_aside(work, applied, self._on_failed)

    def _on_failed(self, error):
        self._ui.lookStatus.setText(sentence(error))
