"""The mask editors of both images, each kept for as long as it fits what is in the scene."""

from typing import Dict, Optional

from ..errors import Canceled
from .first_use import FirstUse

SIDES = ("fixed", "moving")


class Editors:
    """Args:
    logic: SAMRegistrationLogic. runner: :class:`.runner.Runner`.
    parameters: function giving the parameter node or None. closed: called with an editor that is no longer of use.
    """

    def __init__(self, logic, runner, parameters, closed):
        self._logic, self._runner, self._parameters, self._closed = logic, runner, parameters, closed
        self._first_use = FirstUse(logic)
        self._found: Dict[str, object] = {}
        self._aside: Dict[str, object] = {}
        self._opened_for: Dict[object, tuple] = {}
        self._away = False

    def get(self, side: str) -> Optional[object]:
        """The MaskEditor of a side, None where none is open."""
        return self._found.get(side)

    def open(self, side: str):
        """The MaskEditor of a side, a new one where none is open.

        Raises:
            InputError: there is no volume, or it cannot be used.
            Canceled: the user was told what the click model needs, and does not want to use it.
        """
        self.drop_outdated()
        if side in self._found and self._found[side].was_edited:
            self._drop(side)
        if side not in self._found:
            if not self._first_use.agreed(*self._choice()):
                raise Canceled
            self._found[side] = self._logic.openEditor(self._parameters(), side)
            self._opened_for[self._found[side]] = self._choice()
        return self._found[side]

    def holds(self, editor) -> bool:
        """Whether an editor is still in use."""
        return editor in self._found.values()

    def drop_outdated(self) -> None:
        """Close the editors whose volume or segmentation lies elsewhere now, and take those in use that fit.

        One editor a side whose volume or segmentation is not chosen now is set aside, for the return of that choice.
        """
        for side, editor in list(self._found.items()):
            if not editor.is_current:
                self._drop(side)
            elif not self._fits(side, editor):
                self._set_aside(side)
        for side, editor in list(self._aside.items()):
            if not editor.is_current:
                self._close(self._aside.pop(side))
            elif side not in self._found and self._fits(side, editor):
                del self._aside[side]
                if editor.was_edited or self._opened_for[editor] != self._choice():
                    self._close(editor)
                    continue
                self._found[side] = editor
                if not self._away:
                    editor.come_back()

    def leave(self) -> None:
        """Note what there is while the user is elsewhere."""
        self._away = True
        for editor in self._found.values():
            editor.leave()

    def come_back(self) -> None:
        """Close the editors whose volume or masks were edited elsewhere meanwhile, and those of another click model.

        What is there is then taken over by another editor, which can undo nothing of before.
        """
        self._away = False
        for side, editor in list(self._found.items()):
            if not editor.come_back() or self._opened_for[editor] != self._choice():
                self._drop(side)

    def forget(self) -> None:
        """Let go of all editors because the scene closes."""
        self._found, self._aside, self._opened_for = {}, {}, {}

    def _choice(self):
        parameters = self._parameters()
        return ("", "") if parameters is None else (parameters.clickModel, parameters.device)

    def _fits(self, side, editor):
        parameters = self._parameters()
        volume, node = (self._logic.volumeOf(parameters, side), self._logic.segmentationOf(parameters, side))
        return editor.volume is volume and editor.goes_on_in(node)

    def _set_aside(self, side):
        if side in self._aside:
            self._close(self._aside.pop(side))
        self._aside[side] = self._found.pop(side)
        self._aside[side].leave()

    def _drop(self, side):
        self._close(self._found.pop(side))

    def _close(self, editor):
        del self._opened_for[editor]
        self._closed(editor)
        self._runner.submit(editor.close())
