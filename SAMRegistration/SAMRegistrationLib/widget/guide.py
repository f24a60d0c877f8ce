"""The way through the panel: each section says what comes next, and opens when its turn comes."""

from .panel import Panel


class GuidePanel(Panel):
    """Args:
    ui: widgets by name. logic: SAMRegistrationLogic. parameters: function giving the parameter node or None.
    """

    def __init__(self, ui, logic, parameters):
        self._ui, self._logic, self._parameters = ui, logic, parameters
        self._turn = ()
        self._labels = {
            "volumes": ui.volumesHint,
            "structures": ui.structuresHint,
            "register": ui.registerHint,
            "look": ui.lookHint,
        }
        self._sections = {
            "volumes": ui.volumesSection,
            "structures": ui.structuresSection,
            "register": ui.registerSection,
            "look": ui.lookSection,
        }

    def update(self) -> None:
        """Say what comes next; open what has its turn now and had not before. What the user closed stays closed."""
        parameters = self._parameters()
        for name, text in self._logic.hints(parameters).items():
            self._labels[name].setText(text)
        turn = self._logic.sectionsInUse(parameters)
        for name in turn if turn != self._turn else ():
            self._sections[name].collapsed = False
        self._turn = turn
