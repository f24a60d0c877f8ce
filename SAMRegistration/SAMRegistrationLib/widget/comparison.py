"""Ways to compare the fixed and the warped volume: over each other, side by side, as a checkerboard, in turns."""

import qt
from slicer.i18n import tr as _

FLICKER_MS = 500
BLEND, SIDE_BY_SIDE, CHECKERBOARD, FLICKER = "blend", "sideBySide", "checkerboard", "flicker"


class Comparison:
    """The mode in which the views are, and what it changes in them.

    Args:
        logic: SAMRegistrationLogic. runner: :class:`.runner.Runner`.
        background, foreground: functions giving the words for what is compared, the latter over the former.
    """

    def __init__(self, logic, runner, background, foreground):
        self._logic, self._runner = logic, runner
        self._background, self._foreground = background, foreground
        self._captions = logic.newCaptions()
        self._arrangement = None
        self._flicker = qt.QTimer()
        self._flicker.setInterval(FLICKER_MS)
        self._flicker.timeout.connect(self._on_flicker)
        self.mode = BLEND

    def begin(self, mode: str) -> None:
        """Leave the present mode and begin another one."""
        self.end()
        self.mode = mode
        if mode == SIDE_BY_SIDE:
            self._arrangement = self._logic.beginSideBySide()
            self._captions.show({"Red": self._background(), "Yellow": _("Warped")})
            self._fit()
        elif mode == FLICKER:
            self._flicker.start()

    def end(self) -> None:
        """Go back to one volume over the other."""
        self.mode = BLEND
        self._flicker.stop()
        self._captions.hide()
        if self._arrangement is not None:
            self._logic.endSideBySide(self._arrangement)
            self._arrangement = None
            self._fit()

    def _fit(self):
        self._runner.in_turns(self._logic.fitViews)

    def _on_flicker(self, *_args):
        fixed = self._logic.showsForeground()
        self._logic.setForegroundOpacity(0.0 if fixed else 1.0)
        text = self._background() if fixed else self._foreground()
        self._captions.show(dict.fromkeys(self._logic.sliceViewNames(), text))
