"""What a click model needs, told before its weights are loaded for the first time."""

import slicer
from slicer.i18n import tr as _


class FirstUse:
    """Asks once for each model and device, while the application runs.

    Args:
        logic: SAMRegistrationLogic.
    """

    def __init__(self, logic):
        self._logic = logic
        self._agreed = set()

    def agreed(self, model: str, device: str) -> bool:
        """Whether the user wants to use a model whose memory and time were told; True where they are little."""
        if (model, device) in self._agreed:
            return True
        needs = self._logic.describeNeeds(model, device)
        if needs and not slicer.app.testingEnabled():
            question = _("{needs} Load it now?").format(needs=needs)
            if not slicer.util.confirmOkCancelDisplay(question, _("Click model")):
                return False
        self._agreed.add((model, device))
        return True
