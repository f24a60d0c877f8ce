"""The mask editors of both images, each kept for as long as it fits what is in the scene."""

from typing import Dict, Optional

from ..errors import Canceled
from .first_use import FirstUse

SIDES = ("fixed", "moving")


class Editors:
    """Args:
    logic: SAMRegistrationLogic. runner: :class:`.runner.Runner`.
    parameters: function giving the parameter node or None.
    """

    def __init__(self, logic, runner, parameters):
        self._logic, self._runner, self._parameters = logic, runner, parameters
        self._first_use = FirstUse(logic)
        self._found: Dict[str, object] = {}
        self._opened_for: Dict[str, tuple] = {}

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
            self._opened_for[side] = self._choice()
        return self._found[side]

    def holds(self, editor) -> bool:
        """Whether an editor is still in use."""
        return editor in self._found.values()

    def drop_outdated(self) -> None:
        """Close the editors whose volume or segmentation is another one now, or lies elsewhere."""
        parameters = self._parameters()
        for side, editor in list(self._found.items()):
            volume, node = (self._logic.volumeOf(parameters, side), self._logic.segmentationOf(parameters, side))
            if editor.volume is not volume or not editor.is_current or not editor.goes_on_in(node):
                self._drop(side)

    def leave(self) -> None:
        """Note what there is while the user is elsewhere."""
        for editor in self._found.values():
            editor.leave()

    def come_back(self) -> None:
        """Close the editors whose volume or masks were edited elsewhere meanwhile, and those of another click model.

        What is there is then taken over by another editor, which can undo nothing of before.
        """
        for side, editor in list(self._found.items()):
            if not editor.come_back() or self._opened_for[side] != self._choice():
                self._drop(side)

    def forget(self) -> None:
        """Let go of all editors because the scene closes."""
        self._found = {}

    def _choice(self):
        parameters = self._parameters()
        return ("", "") if parameters is None else (parameters.clickModel, parameters.device)

    def _drop(self, side):
        self._runner.submit(self._found.pop(side).close())
