"""The structures of both images are matched by name as soon as a segmentation is chosen."""

import slicer
from slicer.i18n import tr as _

from .messages import sentence
from .panel import Panel


class Matching(Panel):
    """Goes on with a copy of the segmentation that was chosen last where it disagrees with the other one.

    Args:
        ui: widgets by name. logic: SAMRegistrationLogic. parameters: function giving the parameter node or None.
    """

    def __init__(self, ui, logic, parameters):
        self._ui, self._logic, self._parameters = ui, logic, parameters
        self._known = None

    def update(self) -> None:
        """Look at the segmentations where one of them is another node than before."""
        if slicer.mrmlScene.IsImporting() or slicer.mrmlScene.IsClosing():
            return
        parameters, before = self._parameters(), self._known
        if parameters is None:
            self._known = None
            return
        nodes = [self._logic.segmentationOf(parameters, side) for side in ("fixed", "moving")]
        self._known = nodes
        if nodes == before:
            return
        chosen = "fixed" if before is not None and before[1] is nodes[1] else "moving"
        text = self._told(parameters, chosen, nodes[chosen == "moving"])
        if text or before is not None or any(nodes):
            self._ui.clickStatus.setText(text)

    def scene_closes(self) -> None:
        """Forget the segmentations."""
        self._known = None

    def scene_loaded(self) -> None:
        """Look at them anew."""
        self._known = None

    def _told(self, parameters, chosen, node):
        text = ""
        try:
            copy = self._logic.alignStructures(parameters, chosen)
            if copy is not None:
                text = _(
                    "{name} was hidden and stays as it is; the module goes on with its copy {copy}, whose structures "
                    "are matched by name with those of the other image."
                ).format(name=node.GetName(), copy=copy.GetName())
        except Exception as error:  # noqa: BLE001 - shown as a sentence
            text = sentence(error)
        damaged = self._logic.damagedClicks(parameters)
        if damaged:
            text = _(
                "The clicks saved with {name} are damaged and cannot be shown; its masks are kept, and clicking there "
                "starts anew."
            ).format(name=damaged[0])
        return text
