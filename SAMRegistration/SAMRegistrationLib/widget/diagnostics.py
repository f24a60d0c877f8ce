"""The button "Copy diagnostics" of the section "Advanced"."""

import logging

import slicer
from slicer.i18n import tr as _

from .messages import LOGGER
from .panel import Panel


class LastError(logging.Handler):
    """Keeps how the last error that was shown reads; not the error, which would hold on to volumes.

    Args:
        describe: function giving the text of an error.
    """

    def __init__(self, describe):
        super().__init__(logging.INFO)
        self._describe = describe
        self.text = ""

    def emit(self, record) -> None:
        if hasattr(record, "shown"):
            self.text = self._describe(record.shown)


class Diagnostics(Panel):
    """Args:
    ui: widgets by name. logic: SAMRegistrationLogic.
    """

    def __init__(self, ui, logic):
        self._ui, self._logic = ui, logic
        self._last = LastError(logic.describeError)
        logger = logging.getLogger(LOGGER)
        logger.handlers = [self._last]  # none of an earlier panel, as after reloading the module
        logger.setLevel(logging.INFO)
        ui.diagnosticsButton.clicked.connect(self.onCopy)

    def scene_closes(self) -> None:
        """Forget the error, which belongs to the data of that scene."""
        self._last.text = ""

    def onCopy(self, *_args):
        slicer.app.clipboard().setText(self._logic.diagnostics(self._last.text))
        self._ui.diagnosticsButton.setText(_("Copied; copy diagnostics again"))
