"""Undo and redo of clicks, structures and choices alike, in the order in which the user made them."""

from typing import Any, Dict, List

from slicer.i18n import tr as _

from .messages import sentence

MOST_STEPS = 50  # kept; removed structures hold their masks


class Undo:
    """A step has a `name` for the user and ``apply(parameters)``, which takes it back and gives the step that leads
    forth again; it raises where what it needs is gone, and is then dropped.

    Args:
        ui: widgets by name. parameters: function giving the parameter node or None.
        applied: called with a step and a sentence for the user when the step was undone, redone or dropped.
    """

    def __init__(self, ui, parameters, applied):
        self._ui, self._parameters, self._applied = ui, parameters, applied
        self._done: List[Any] = []
        self._undone: List[Any] = []
        self._reserved: Dict[Any, list] = {}
        self._applying = False
        ui.undoButton.clicked.connect(lambda *_args: self._go(self._done, self._undone, _("Undone: {name}.")))
        ui.redoButton.clicked.connect(lambda *_args: self._go(self._undone, self._done, _("Redone: {name}.")))

    def record(self, step) -> None:
        """Add a step that was made, in place of those that were undone; None, and what undo itself does, is none."""
        if step is not None and not self._applying:
            self._add(step)
            self._undone.clear()

    def reserve(self, step) -> None:
        """Give a step its place now; :meth:`settle` says later whether it was made."""
        self._add(step)
        self._reserved[step] = list(self._undone)

    def settle(self, step, made: bool) -> None:
        """Keep a reserved step, in place of those that were undone before it; or give its place back."""
        outdated = self._reserved.pop(step, []) if made else [step]
        self._reserved.pop(step, None)
        self._drop(lambda other: any(other is one for one in outdated))

    def forget(self, editor) -> None:
        """Let go of the clicks of an editor that is closed."""
        self._drop(lambda step: getattr(step, "editor", None) is editor)

    def clear(self) -> None:
        """Let go of everything, because the scene is another one."""
        self._done, self._undone, self._reserved = [], [], {}

    def show(self, usable: bool) -> None:
        """Let the buttons say what they would do; neither can be pressed where nothing is `usable` now."""
        undo, redo = self._ui.undoButton, self._ui.redoButton
        undo.setEnabled(bool(usable and self._done))
        redo.setEnabled(bool(usable and self._undone))
        last = _("Take back: {name} (Z).").format(name=self._done[-1].name) if self._done else ""
        next_one = _("Do again: {name} (Y).").format(name=self._undone[-1].name) if self._undone else ""
        undo.setToolTip(last or _("Nothing to take back yet (Z)."))
        redo.setToolTip(next_one or _("Nothing was undone (Y)."))

    def _add(self, step):
        self._done.append(step)
        del self._done[:-MOST_STEPS]

    def _go(self, source, target, text):
        step = source.pop()
        self._applying = True
        try:
            target.append(step.apply(self._parameters()))
            text = text.format(name=step.name)
        except Exception as error:  # noqa: BLE001 - shown as a sentence; the step is dropped
            text = sentence(error)
        finally:
            self._applying = False
        self._applied(step, text)

    def _drop(self, unwanted):
        for steps in (self._done, self._undone):
            steps[:] = [step for step in steps if not unwanted(step)]
