"""The section "Structures and clicks": the mouse, the buttons and the two mask editors."""

from typing import Dict, Optional

import qt
import slicer
from slicer.i18n import tr as _

from ..segmentation.prompts import BOX, NEGATIVE, POSITIVE
from .messages import sentence
from .points import PromptPoints, view_normal
from .stages import stage

FIXED, MOVING = "fixed", "moving"
SHORTCUTS = (
    ("1", "plusButton"),
    ("2", "minusButton"),
    ("3", "boxButton"),
    ("F", "fixedImageButton"),
    ("G", "movingImageButton"),
    ("Z", "undoButton"),
    ("Y", "redoButton"),
    ("V", "propagateButton"),
)


class ClickPanel:
    """Args:
    ui: widgets by name. logic: SAMRegistrationLogic. runner: :class:`.runner.Runner`.
    parameters: function giving the parameter node or None. table: :class:`.structures.StructuresTable`.
    """

    def __init__(self, ui, logic, runner, parameters, table):
        self._ui, self._logic, self._runner = ui, logic, runner
        self._parameters, self._table = parameters, table
        self._points = PromptPoints(self._on_placed, self._on_moved, self._on_deleted)
        self._editors: Dict[str, object] = {}
        self._long_task = None
        self._waiting = 0
        self._shortcuts = []
        self.side = FIXED
        self._kinds = {ui.plusButton: POSITIVE, ui.minusButton: NEGATIVE, ui.boxButton: BOX}
        for button in self._kinds:
            button.clicked.connect(lambda *_args, button=button: self._on_place_button(button))
        ui.fixedImageButton.clicked.connect(lambda *_args: self.choose_side(FIXED))
        ui.movingImageButton.clicked.connect(lambda *_args: self.choose_side(MOVING))
        ui.undoButton.clicked.connect(lambda *_args: self._edit(lambda editor: editor.undo()))
        ui.redoButton.clicked.connect(lambda *_args: self._edit(lambda editor: editor.redo()))
        ui.acceptButton.clicked.connect(self.onAccept)
        ui.propagateButton.clicked.connect(self.onPropagate)
        ui.proposeButton.clicked.connect(self.onPropose)
        ui.clickCancelButton.clicked.connect(self.onStop)
        self._show_long(False)

    # --- life cycle

    def enter(self) -> None:
        """Bind the shortcuts and show the prompts."""
        for keys, name in SHORTCUTS:
            shortcut = qt.QShortcut(qt.QKeySequence(keys), slicer.util.mainWindow())
            shortcut.activated.connect(getattr(self._ui, name).click)
            self._shortcuts.append(shortcut)
        self.update()

    def exit(self) -> None:
        """Release the shortcuts and the mouse; what others edit meanwhile is taken over at the next click."""
        for shortcut in self._shortcuts:
            shortcut.setEnabled(False)
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._shortcuts = []
        self._points.remove()
        self._forget_editors()

    def scene_closes(self) -> None:
        """Let go of everything of the scene."""
        self._points.stop()
        self._points.forget()
        self._editors = {}
        self._long_task, self._waiting = None, 0
        self._show_long(False)

    def update(self) -> None:
        """Bring buttons, table and points in line with parameters and prompts."""
        parameters = self._parameters()
        ui = self._ui
        self._drop_outdated_editors(parameters)
        editor, structure_id = self._editors.get(self.side), self._table.current()
        ready = parameters is not None and self._logic.volumeOf(parameters, self.side) is not None
        idle = self._long_task is None
        for button, kind in self._kinds.items():
            button.setEnabled(bool(ready and structure_id and idle))
            button.setChecked(self._points.placing == kind)
        prompts = self._prompts(structure_id)
        ui.undoButton.setEnabled(bool(idle and editor and editor.undo_label))
        ui.redoButton.setEnabled(bool(idle and editor and editor.redo_label))
        ui.propagateButton.setEnabled(bool(ready and idle and any(p.kind != NEGATIVE for p in prompts)))
        ui.proposeButton.setEnabled(bool(ready and idle and self._other_volume() is not None and prompts))
        ui.acceptButton.setEnabled(bool(ready and idle and any(prompt.proposed for prompt in prompts)))
        self._points.show(prompts)

    # --- actions

    def hide_points(self) -> None:
        """Hide the clicks while a result is looked at, until an image or a mouse button is chosen."""
        self._points.set_visible(False)

    def choose_side(self, side: str) -> None:
        """Show the fixed or the moving volume and click in it."""
        self._points.set_visible(True)
        self.side = side
        self._ui.fixedImageButton.setChecked(side == FIXED)
        self._ui.movingImageButton.setChecked(side == MOVING)
        parameters = self._parameters()
        if parameters is not None:
            self._logic.showSide(parameters, side)
        self.update()

    def stop_placing(self) -> None:
        """Give the mouse back."""
        self._points.stop()
        self.update()

    def structure_removed(self, structure_id: str, text: str) -> None:
        """Take a removed structure out of the sessions too, and show a text when that is done."""

        def say(_update=None):
            self._ui.clickStatus.setText(text)

        say()
        for side in list(self._editors):
            self._submit(side, self._editors[side].forget(structure_id), say)

    def onAccept(self, *_args):
        structure_id = self._table.current()
        self._edit(lambda editor: editor.accept(structure_id))

    def onPropagate(self, *_args):
        structure_id = self._table.current()
        self._edit(lambda editor: editor.propagate(structure_id), long=True)

    def onPropose(self, *_args):
        structure_id, parameters = self._table.current(), self._parameters()
        other = MOVING if self.side == FIXED else FIXED
        try:
            source, target = self._editor(self.side), self._editor(other)
            transform = self._logic.proposalTransform(parameters, self.side)
        except Exception as error:  # noqa: BLE001 - shown as a sentence
            self._ui.clickStatus.setText(sentence(error))
            return
        self._submit(other, target.propose(source, [structure_id], transform), self._on_proposed)

    def onStop(self, *_args):
        if self._long_task is not None:
            self._long_task.cancel()
            self._ui.clickStatus.setText(_("Stopping..."))

    # --- mouse

    def _on_place_button(self, button):
        kind = self._kinds[button]
        self._points.set_visible(True)
        if self._points.placing == kind:
            self._points.stop()
        else:
            self._points.start(kind)
            normal = view_normal() or (0.0, 0.0, 1.0)
            self._edit(lambda editor: editor.prepare(self._logic.viewCenter(), normal), quiet=True)
        self.update()

    def _on_placed(self, kind, positions, normal):
        structure_id = self._table.current()
        if kind == BOX:
            self._edit(lambda editor: editor.box(structure_id, *positions, normal))
        else:
            self._edit(lambda editor: editor.point(structure_id, positions[0], kind == POSITIVE, normal))

    def _on_moved(self, prompt_id, positions):
        self._edit(lambda editor: editor.move(prompt_id, *positions))

    def _on_deleted(self, prompt_id):
        self._edit(lambda editor: editor.delete(prompt_id))

    # --- work

    def _edit(self, action, long=False, quiet=False):
        """Give an action of the present side's editor to the worker."""
        try:
            work = action(self._editor(self.side))
        except Exception as error:  # noqa: BLE001 - shown as a sentence
            self._ui.clickStatus.setText(sentence(error))
            self.update()
            return
        task = self._submit(self.side, work, quiet=quiet)
        if long:
            self._long_task = task
            self._show_long(True)
            self.update()

    def _submit(self, side, work, shown=None, quiet=False):
        editor = self._editors[side]
        self._waiting += 1
        if not quiet:
            self._ui.clickStatus.setText(_("Working..."))
        task = self._runner.submit(
            work,
            lambda update: self._on_done(task, editor, update, shown),
            lambda error: self._on_failed(task, error),
            self._on_progress,
        )
        return task

    def _on_progress(self, fraction, message):
        self._ui.clickProgress.setValue(round(100 * fraction))
        self._ui.clickStatus.setText(stage(message))

    def _on_done(self, task, editor, update, shown):
        self._drop_outdated_editors(self._parameters())
        if editor in self._editors.values() and update is not None:
            editor.show(update)
        self._finish(task, "")
        if shown is not None:
            shown(update)

    def _on_failed(self, task, error):
        self._finish(task, sentence(error))

    def _finish(self, task, text):
        self._waiting = max(self._waiting - 1, 0)
        self._ui.clickStatus.setText(text)
        if task is self._long_task:
            self._long_task = None
            self._show_long(False)
        self._table.update()
        if not self._waiting:
            self.update()

    def _on_proposed(self, update):
        if update.outside:
            text = _("{n} clicks fall outside the other image and were left out.").format(n=update.outside)
        else:
            text = _("Proposed; accept the clicks or move them.")
        self.choose_side(MOVING if self.side == FIXED else FIXED)
        self._ui.clickStatus.setText(text)

    def _show_long(self, running):
        self._ui.clickProgress.setVisible(running)
        self._ui.clickProgress.setValue(0)
        self._ui.clickCancelButton.setVisible(running)

    # --- editors

    def _editor(self, side):
        self._drop_outdated_editors(self._parameters())
        if side not in self._editors:
            self._editors[side] = self._logic.openEditor(self._parameters(), side)
        return self._editors[side]

    def _drop_outdated_editors(self, parameters):
        for side, editor in list(self._editors.items()):
            volume, node = (
                (None, None)
                if parameters is None
                else (
                    self._logic.volumeOf(parameters, side),
                    self._logic.segmentationOf(parameters, side),
                )
            )
            if editor.volume is not volume or not editor.is_current or not editor.goes_on_in(node):
                del self._editors[side]
                self._runner.submit(editor.close())

    def _forget_editors(self):
        for editor in self._editors.values():
            self._runner.submit(editor.close())
        self._editors = {}

    def _prompts(self, structure_id: Optional[str]):
        prompts = self._logic.promptsOf(self._parameters(), self.side)
        return prompts.structure(structure_id).prompts if structure_id and prompts.has(structure_id) else ()

    def _other_volume(self):
        return self._logic.volumeOf(self._parameters(), MOVING if self.side == FIXED else FIXED)
