"""Choices of volumes and masks as steps of undo."""

import slicer

from .panel import Panel


class Chosen(Panel):
    """Args:
    logic: SAMRegistrationLogic. parameters: function giving the parameter node or None. undo: :class:`.undo.Undo`.
    """

    def __init__(self, logic, parameters, undo):
        self._logic, self._parameters, self._undo = logic, parameters, undo
        self._known = None

    def update(self) -> None:
        """Record what was chosen since the last look."""
        if slicer.mrmlScene.IsImporting() or slicer.mrmlScene.IsClosing():
            return
        parameters, before = self._parameters(), self._known
        self._known = None if parameters is None else self._logic.choicesNow(parameters)
        if self._known is not None and before is not None:
            self._undo.record(self._logic.choicesStep(parameters, before))

    def scene_closes(self) -> None:
        """Forget the choices and all steps."""
        self._known = None
        self._undo.clear()

    def scene_loaded(self) -> None:
        """Forget them: what they refer to may have been exchanged."""
        self.scene_closes()
