"""The correction of a result in the section "Look": pairs of points, and the update that follows them."""

from slicer.i18n import tr as _

from ..errors import Canceled
from .messages import sentence
from .panel import Panel
from .stages import stage


class CorrectPanel(Panel):
    """Args:
    ui: widgets by name. logic: SAMRegistrationLogic. runner: :class:`.runner.Runner`.
    parameters: function giving the parameter node or None. history: of :meth:`logic.newHistory`.
    look: :class:`.look.LookPanel`. changed: called when the nodes of the result hold something else.
    """

    def __init__(self, ui, logic, runner, parameters, history, look, changed):
        self._ui, self._logic, self._runner, self._parameters = ui, logic, runner, parameters
        self._history, self._look, self._changed = history, look, changed
        self._points = logic.newPairPoints(self._on_added, self._on_moved)
        self._captions = logic.newCaptions()
        self._arrangement = None
        self._task = self._present = None
        self._again = self._entered = False
        ui.addPointsButton.clicked.connect(self.onAddPair)
        ui.updateButton.clicked.connect(self.onUpdate)
        ui.updateCancelButton.clicked.connect(self.onCancel)
        self._show_running(False)

    @property
    def running(self) -> bool:
        """Whether an update is under way."""
        return self._task is not None

    # --- life cycle

    def update(self) -> None:
        """Say what can be done."""
        parameters, ui = self._parameters(), self._ui
        reason = _("There is no scene.") if parameters is None else self._logic.reasonNotToUpdate(parameters)
        if parameters is not None and self._entered:
            self._logic.watchPairs(parameters, self._points)
        there = parameters is not None and parameters.resultTransform is not None
        ui.updateButton.setEnabled(not reason and not self.running)
        ui.addPointsButton.setEnabled(there and not self.running and self._logic.hasSliceViews())
        ui.autoUpdateCheckBox.setEnabled(there)
        ui.addPointsButton.setChecked(self._arrangement is not None)
        if not there:
            ui.correctHint.setText(
                _("After a registration: say here where it is wrong, and it follows within seconds.")
            )
        elif self._arrangement is not None:
            ui.correctHint.setText(
                _("Click in the left view; drag the point of the right view to where it belongs; then Update.")
            )
        else:
            ui.correctHint.setText(
                reason or _("Where it is wrong, add a pair of points, or correct a mask in section 2; then Update.")
            )

    def enter(self) -> None:
        """Follow the points of the pair."""
        self._entered = True
        self.update()

    def exit(self) -> None:
        """Give mouse and views back; an update goes on."""
        self._entered = False
        self._leave_pair()
        self._points.leave()
        self.update()

    def scene_closes(self) -> None:
        """Stop without any result."""
        self._points.leave()
        self._captions.hide()
        if self._arrangement is not None:
            self._logic.endSideBySide(self._arrangement)
            self._arrangement = None
        if self._task is not None:
            self._task.abandon()
        self._finish("")

    def masks_changed(self) -> None:
        """Follow a mask that was carried through its volume, where updates come by themselves."""
        self._correct_by_itself()

    # --- actions

    def onAddPair(self, *_args):
        """Show both volumes side by side and let the next click add a pair of points."""
        try:
            if self._arrangement is None:
                self._look.leave()
                self._arrangement = self._logic.beginSideBySide()
            self._logic.startPair(self._parameters(), self._points)
        except Exception as error:  # noqa: BLE001 - shown as a sentence
            self._leave_pair()
            self._ui.updateStatus.setText(sentence(error))
            return
        self._captions.show({"Red": _("Fixed"), "Yellow": _("Moving")})
        self._runner.in_turns(self._logic.fitViews)
        self.update()

    def onUpdate(self, *_args):
        """Correct the result by points and masks."""
        try:
            work, present = self._logic.startUpdate(self._parameters(), self._history)
        except Exception as error:  # noqa: BLE001 - shown as a sentence, and the button stays usable
            self._ui.updateStatus.setText(sentence(error))
            return
        self._present, self._again = present, False
        self._task = self._runner.submit(work, self._on_done, self._on_failed, self._on_progress)
        self._ui.updateStatus.setText(_("Updating..."))
        self._show_running(True)

    def onCancel(self, *_args):
        """Give the panel back at once; nothing of the work enters the scene."""
        if self._task is not None and not self._task.finished:
            self._task.abandon()
            self._finish(sentence(Canceled()))

    # --- what the mouse and the work say

    def _on_added(self):
        self._ui.updateStatus.setText(_("Drag the point in the right view to where it belongs."))
        self._runner.in_turns(self.update)

    def _on_moved(self):
        self._runner.in_turns(self._correct_by_itself)

    def _correct_by_itself(self):
        parameters = self._parameters()
        if parameters is None or not parameters.autoUpdate or self._logic.reasonNotToUpdate(parameters):
            return
        if self.running:
            self._again = True
        else:
            self.onUpdate()

    def _on_progress(self, fraction, message):
        self._ui.updateProgress.setValue(round(100 * fraction))
        self._ui.updateStatus.setText(stage(message))

    def _on_done(self, outcome):
        try:
            text = self._present(outcome)
        except Exception as error:  # noqa: BLE001 - shown as a sentence, and the button comes back
            self._finish(sentence(error))
            return
        place, pairing = self._points.last(), self._arrangement is not None
        self._leave_pair()
        self._changed()
        if pairing and place is not None and self._entered:
            self._logic.jumpTo(place)
        again = self._again
        self._finish(text)
        if again:
            self.onUpdate()

    def _on_failed(self, error):
        self._finish(sentence(error))

    def _leave_pair(self):
        parameters = self._parameters()
        self._captions.hide()
        if parameters is not None:
            self._logic.endPair(parameters, self._points)
        if self._arrangement is not None:
            self._logic.endSideBySide(self._arrangement)
            self._arrangement = None
            self._look.come_back()

    def _finish(self, text):
        self._task = self._present = None
        self._again = False
        self._ui.updateStatus.setText(text)
        self._show_running(False)

    def _show_running(self, running):
        self._ui.updateCancelButton.setVisible(running)
        self._ui.updateProgress.setVisible(running)
        self._ui.updateProgress.setValue(0)
        self.update()
