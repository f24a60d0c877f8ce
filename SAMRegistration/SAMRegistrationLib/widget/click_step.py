"""An edit of clicks as a step of undo: the session of its editor takes it back and does it again."""

from slicer.i18n import tr as _

from ..errors import InputError


class ClickStep:
    """Args:
    editor: that makes it. side: "fixed" or "moving".
    submit: called with editor, work and side to let the work be done and shown; False where the editor is not in use.
    """

    structure_ids = ()

    def __init__(self, editor, side, submit):
        self.editor, self._side, self._submit = editor, side, submit
        self._done = True

    @property
    def name(self) -> str:
        """What it is, for the user."""
        return _("last edit in the fixed image") if self._side == "fixed" else _("last edit in the moving image")

    def apply(self, _parameters) -> "ClickStep":
        """Undo it, or redo it where it was undone; on the worker thread, after what waits there.

        Raises:
            InputError: it was made in another image or other masks than those in use.
        """
        work = self.editor.undo(self) if self._done else self.editor.redo(self)
        if not self._submit(self.editor, work, self._side):
            raise InputError(_("That click was made in an image or in masks that are not chosen now; it stays."))
        self._done = not self._done
        return self
