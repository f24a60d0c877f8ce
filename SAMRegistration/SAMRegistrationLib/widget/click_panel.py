"""The section "Structures and clicks": the mouse, the buttons and the two mask editors."""

from typing import Optional

import qt
import slicer
from slicer.i18n import tr as _

from ..choices import BOX, DRAWN, LASSO, NEGATIVE, NEGATIVE_SCRIBBLE, POSITIVE, SCRIBBLE
from .editors import SIDES, Editors
from .messages import sentence
from .panel import Panel
from .points import PromptPoints, view_normal
from .stages import stage
from .strokes import PromptStrokes

FIXED, MOVING = SIDES
SHORTCUTS = (
    ("1", "plusButton"),
    ("2", "minusButton"),
    ("3", "boxButton"),
    ("4", "scribbleButton"),
    ("5", "eraseButton"),
    ("6", "lassoButton"),
    ("D", "fixedImageButton"),
    ("E", "movingImageButton"),
    ("Z", "undoButton"),
    ("Y", "redoButton"),
    ("C", "propagateButton"),
    ("L", "leastSureButton"),
)


class ClickPanel(Panel):
    """Args:
    ui: widgets by name. logic: SAMRegistrationLogic. runner: :class:`.runner.Runner`.
    parameters: function giving the parameter node or None. table: :class:`.structures_table.StructuresTable`.
    carried: called when masks were carried through their volume.
    """

    def __init__(self, ui, logic, runner, parameters, table, carried):
        self._ui, self._logic, self._runner = ui, logic, runner
        self._parameters, self._table = parameters, table
        told = (self._on_placed, self._on_moved, self._on_deleted)
        self._points = PromptPoints(*told, self._on_switched)
        self._strokes = PromptStrokes(*told)
        self._tools = (self._points, self._strokes)
        self._editors = Editors(logic, runner, parameters)
        self.entered = False
        self._long_task = None
        self._carried, self._chain = carried, []
        self._waiting = 0
        self._shortcuts = []
        self._kinds = {
            **{ui.plusButton: POSITIVE, ui.minusButton: NEGATIVE, ui.boxButton: BOX},
            **{ui.scribbleButton: SCRIBBLE, ui.eraseButton: NEGATIVE_SCRIBBLE, ui.lassoButton: LASSO},
        }
        for button in self._kinds:
            button.clicked.connect(lambda *_args, button=button: self._on_place_button(button))
        ui.fixedImageButton.clicked.connect(lambda *_args: self.choose_side(FIXED))
        ui.movingImageButton.clicked.connect(lambda *_args: self.choose_side(MOVING))
        ui.undoButton.clicked.connect(lambda *_args: self._edit(lambda editor: editor.undo()))
        ui.redoButton.clicked.connect(lambda *_args: self._edit(lambda editor: editor.redo()))
        ui.acceptButton.clicked.connect(self.onAccept)
        ui.propagateButton.clicked.connect(self.onPropagate)
        ui.leastSureButton.clicked.connect(self.onLeastSure)
        ui.proposeButton.clicked.connect(self.onPropose)
        ui.carryAllButton.clicked.connect(self.onCarryAll)
        ui.clickCancelButton.clicked.connect(self.onStop)
        self._show_long(None)

    @property
    def side(self) -> str:
        """The image that is clicked in."""
        parameters = self._parameters()
        return FIXED if parameters is None else parameters.clickSide

    # --- life cycle

    def enter(self) -> None:
        """Bind the shortcuts and show the prompts."""
        window = slicer.util.mainWindow()
        if not self.entered:
            self.entered = True
            for keys, name in SHORTCUTS if window is not None else ():
                shortcut = qt.QShortcut(qt.QKeySequence(keys), window)
                shortcut.activated.connect(getattr(self._ui, name).click)
                self._shortcuts.append(shortcut)
            self._points.watch()
        self.update()

    def exit(self) -> None:
        """Release the shortcuts and the mouse; work goes on, and what others edit meanwhile is taken over later."""
        self.entered = False
        for shortcut in self._shortcuts:
            shortcut.setEnabled(False)
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._shortcuts = []
        for tool in self._tools:
            tool.remove()
        self._editors.leave()

    def scene_closes(self) -> None:
        """Let go of everything of the scene."""
        for tool in self._tools:
            tool.stop()
            tool.forget()
            tool.set_visible(True)
        self._editors.forget()
        self._waiting = 0
        self._show_long(None)

    def update(self) -> None:
        """Bring buttons, table and points in line with parameters and prompts."""
        parameters = self._parameters()
        ui = self._ui
        self._editors.drop_outdated()
        if self.entered and not self._waiting:
            self._editors.come_back()
        editor, structure_id = self._editors.get(self.side), self._table.current()
        ready = parameters is not None and self._logic.volumeOf(parameters, self.side) is not None
        idle, views = self._long_task is None, self._logic.hasSliceViews()
        for button, kind in self._kinds.items():
            button.setEnabled(bool(ready and structure_id and idle and views))
            button.setChecked(self._placing == kind)
        ui.fixedImageButton.setChecked(self.side == FIXED)
        ui.movingImageButton.setChecked(self.side == MOVING)
        prompts = self._prompts(structure_id)
        ui.undoButton.setEnabled(bool(idle and editor and editor.undo_label))
        ui.redoButton.setEnabled(bool(idle and editor and editor.redo_label))
        ui.propagateButton.setEnabled(bool(ready and idle and any(p.says_inside for p in prompts)))
        ui.leastSureButton.setEnabled(bool(idle and views and editor and editor.knows_least_sure(structure_id)))
        ui.proposeButton.setEnabled(bool(ready and idle and self._other_volume() is not None and prompts))
        ui.carryAllButton.setEnabled(
            bool(ready and idle and self._other_volume() is not None and self._clicked(self.side))
        )
        ui.acceptButton.setEnabled(bool(ready and idle and any(prompt.proposed for prompt in prompts)))
        for tool in self._tools if self.entered else ():
            tool.show(prompts)

    # --- actions

    def hide_points(self) -> None:
        """Hide the prompts while a result is looked at, until an image or a mouse button is chosen."""
        for tool in self._tools:
            tool.set_visible(False)

    def choose_side(self, side: str) -> None:
        """Show the fixed or the moving volume and click in it."""
        self._show_prompts()
        parameters = self._parameters()
        if parameters is not None:
            self._logic.showSide(parameters, side)
        self.update()

    def stop_placing(self) -> None:
        """Give the mouse back."""
        self._stop_tools()
        self.update()

    def structure_removed(self, structure_id: str, text: str) -> None:
        """Take a removed structure out of the sessions too, and show a text when that is done."""

        def say(_update=None):
            self._ui.clickStatus.setText(text)

        say()
        for editor in filter(None, map(self._editors.get, SIDES)):
            self._submit(editor, editor.forget(structure_id), say)

    def onAccept(self, *_args):
        structure_id = self._table.current()
        self._edit(lambda editor: editor.accept(structure_id))

    def onPropagate(self, *_args):
        structure_id = self._table.current()
        self._edit(lambda editor: editor.propagate(structure_id), long=True)

    def onLeastSure(self, *_args):
        self._logic.jumpTo(self._editors.get(self.side).next_least_sure(self._table.current()))

    def onPropose(self, *_args):
        structure_id, parameters = self._table.current(), self._parameters()
        other = MOVING if self.side == FIXED else FIXED
        try:
            source, target = self._editors.open(self.side), self._editors.open(other)
            transform = self._logic.proposalTransform(parameters, self.side)
        except Exception as error:  # noqa: BLE001 - shown as a sentence
            self._ui.clickStatus.setText(sentence(error))
            return
        work = target.propose(source, [structure_id], transform)
        self._show_long(self._submit(target, work, lambda update: self._on_proposed(update, other)))
        self.update()

    def onCarryAll(self, *_args):
        """Carry every clicked structure through this volume, and over to the other one where that has no clicks."""
        parameters, other = self._parameters(), MOVING if self.side == FIXED else FIXED
        try:
            source, target = self._editors.open(self.side), self._editors.open(other)
            transform = self._logic.proposalTransform(parameters, self.side)
        except Exception as error:  # noqa: BLE001 - shown as a sentence
            self._ui.clickStatus.setText(sentence(error))
            return
        clicked = self._clicked(self.side)
        new = [structure_id for structure_id in clicked if structure_id not in self._clicked(other)]
        works = [(source, source.propagate(structure_id)) for structure_id in clicked]
        works += [(target, target.propose(source, new, transform))] if new else []
        for structure_id in new:
            works += [(target, target.accept(structure_id)), (target, target.propagate(structure_id))]
        self._chain = [self._submit(editor, work) for editor, work in works]
        self._show_long(self._chain[-1])
        self.update()

    def onStop(self, *_args):
        if self._long_task is not None:
            for task in (*self._chain, self._long_task):
                task.cancel()
            self._ui.clickStatus.setText(_("Stopping..."))

    # --- mouse

    def _on_place_button(self, button):
        kind, before = self._kinds[button], self._placing
        self._show_prompts()
        self._stop_tools()
        if before != kind:
            normal = view_normal() or (0.0, 0.0, 1.0)
            if self._edit(lambda editor: editor.prepare(self._logic.viewCenter(), normal), quiet=True):
                (self._strokes if kind in DRAWN else self._points).start(kind)
        self.update()

    @property
    def _placing(self) -> Optional[str]:
        """The kind of prompt that the mouse sets now; None for none."""
        return self._points.placing or self._strokes.placing

    def _show_prompts(self):
        for tool in self._tools:
            tool.set_visible(True)

    def _stop_tools(self):
        for tool in self._tools:
            tool.stop()

    def _on_switched(self):
        """Show which button places points, in the next turn of the event loop: the views are busy with the mouse."""
        self._runner.in_turns(self._show_placing)

    def _show_placing(self):
        if self._points.placing is None:
            self._points.stop()
        if self._points.is_place_mode:
            self._strokes.stop()
        for button, kind in self._kinds.items():
            button.setChecked(self._placing == kind)

    def _on_placed(self, kind, positions, normal):
        structure_id = self._table.current()
        if kind == BOX:
            self._edit(lambda editor: editor.box(structure_id, *positions, normal))
        elif kind == LASSO:
            self._edit(lambda editor: editor.lasso(structure_id, positions, normal))
        elif kind in DRAWN:
            self._edit(lambda editor: editor.scribble(structure_id, positions, kind == SCRIBBLE, normal))
        else:
            self._edit(lambda editor: editor.point(structure_id, positions[0], kind == POSITIVE, normal))

    def _on_moved(self, prompt_id, positions):
        self._edit(lambda editor: editor.move(prompt_id, *positions))

    def _on_deleted(self, prompt_id):
        self._edit(lambda editor: editor.delete(prompt_id))

    # --- work

    def _edit(self, action, long=False, quiet=False):
        """Give an action of the present side's editor to the worker; whether that was possible."""
        try:
            editor = self._editors.open(self.side)
            work = action(editor)
        except Exception as error:  # noqa: BLE001 - shown as a sentence
            self._stop_tools()
            self._ui.clickStatus.setText(sentence(error))
            self.update()
            return False
        task = self._submit(editor, work, quiet=quiet)
        if long:
            self._show_long(task)
            self.update()
        return True

    def _submit(self, editor, work, shown=None, quiet=False):
        self._waiting += 1
        if not quiet:
            self._ui.clickStatus.setText(_("Working..."))
        task = self._runner.submit(
            work,
            lambda update: self._on_done(task, editor, update, shown, quiet),
            lambda error: self._finish(task, sentence(error)),
            self._on_progress,
        )
        return task

    def _on_progress(self, fraction, message):
        self._ui.clickProgress.setValue(round(100 * fraction))
        self._ui.clickStatus.setText(stage(message))

    def _on_done(self, task, editor, update, shown, quiet):
        self._editors.drop_outdated()
        if not self._editors.holds(editor):
            lost = _("The image or its masks were moved or exchanged meanwhile; do that again.")
            self._finish(task, "" if quiet else lost)
            return
        try:
            editor.show(update)
        except Exception as error:  # noqa: BLE001 - shown as a sentence, and the buttons come back
            self._finish(task, sentence(error))
            return
        self._finish(task, "")
        if shown is not None:
            shown(update)

    def _finish(self, task, text):
        self._waiting = max(self._waiting - 1, 0)
        self._ui.clickStatus.setText(text)
        if task is self._long_task:
            self._chain = []
            self._show_long(None)
            self._carried()
        self._table.update()
        if not self._waiting:
            self.update()

    def _on_proposed(self, update, side):
        if update.outside == 1:
            text = _("1 click falls outside the other image and was left out.")
        elif update.outside:
            text = _("{n} clicks fall outside the other image and were left out.").format(n=update.outside)
        else:
            text = _("Proposed; accept the clicks or move them.")
        if self.entered:
            self.choose_side(side)
        self._ui.clickStatus.setText(text)

    def _show_long(self, task):
        """Show progress and Stop of a long task, neither for None."""
        self._long_task = task
        self._ui.clickProgress.setVisible(task is not None)
        self._ui.clickProgress.setValue(0)
        self._ui.clickCancelButton.setVisible(task is not None)

    # --- what there is

    def _prompts(self, structure_id: Optional[str]):
        prompts = self._logic.promptsOf(self._parameters(), self.side)
        return prompts.structure(structure_id).prompts if structure_id and prompts.has(structure_id) else ()

    def _clicked(self, side: str) -> list:
        """The ids of the structures that have a click inside on a side."""
        prompts = self._logic.promptsOf(self._parameters(), side)
        return [s.id for s in prompts.structures if any(prompt.says_inside for prompt in s.prompts)]

    def _other_volume(self):
        return self._logic.volumeOf(self._parameters(), MOVING if self.side == FIXED else FIXED)
