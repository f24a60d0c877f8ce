"""The buttons in the section "Register" that place landmarks."""

from ..logic.landmarks import LISTS
from .messages import sentence
from .panel import Panel


class LandmarksPanel(Panel):
    """Args:
    ui: widgets by name. logic: SAMRegistrationLogic. parameters: function giving the parameter node or None.
    """

    def __init__(self, ui, logic, parameters):
        self._ui, self._logic, self._parameters = ui, logic, parameters
        buttons = (
            ui.placeFixedLandmarksButton,
            ui.placeMovingLandmarksButton,
            ui.placeFixedHeldOutButton,
            ui.placeMovingHeldOutButton,
        )
        self._buttons = dict(zip(LISTS, buttons))
        for name, button in self._buttons.items():
            button.clicked.connect(lambda *_args, name=name: self.onPlace(name))

    def update(self) -> None:
        """Landmarks are placed in a volume only."""
        parameters = self._parameters()
        for name, button in self._buttons.items():
            side = "fixed" if name.startswith("fixed") else "moving"
            button.setEnabled(self._logic.volumeOf(parameters, side) is not None)

    def onPlace(self, name: str) -> None:
        """Let clicks in the views add landmarks to a list."""
        try:
            self._logic.placeLandmarks(self._parameters(), name)
        except Exception as error:  # noqa: BLE001 - shown as a sentence
            self._ui.registerStatus.setText(sentence(error))

    def exit(self) -> None:
        """Give the mouse back."""
        if self._parameters() is not None:
            self._logic.stopPlacingLandmarks(self._parameters())
