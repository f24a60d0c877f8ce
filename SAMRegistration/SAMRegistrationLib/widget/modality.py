"""What the choice "auto" takes a volume for, told beside it."""

from slicer.i18n import tr as _

from ..logic.choices import modality_names
from .panel import Panel


class ModalityGuess(Panel):
    """Args:
    ui: widgets by name. logic: SAMRegistrationLogic. runner: :class:`.runner.Runner`.
    parameters: function giving the parameter node or None.
    """

    def __init__(self, ui, logic, runner, parameters):
        self._logic, self._runner, self._parameters = logic, runner, parameters
        self._combos = {"fixed": ui.fixedModalityCombo, "moving": ui.movingModalityCombo}
        self._seen = dict.fromkeys(self._combos)
        self._guesses = dict.fromkeys(self._combos)

    def update(self) -> None:
        """Guess anew where another volume was chosen or voxels were changed, and tell what is known."""
        for side in self._combos:
            volume = self._logic.volumeOf(self._parameters(), side)
            data = None if volume is None else volume.GetImageData()
            empty = data is None or data.GetPointData().GetScalars() is None
            state = None if empty else (volume.GetID(), data.GetMTime())
            if state != self._seen[side]:
                self._seen[side], self._guesses[side] = state, None
                if state is not None:
                    self._guess(side, state, volume)
            self._show(side)

    def _guess(self, side, state, volume):
        def done(modality):
            if self._seen[side] == state:
                self._guesses[side] = modality
                self._show(side)

        self._runner.submit_aside(self._logic.startGuessingModality(volume), done)

    def _show(self, side):
        guess = self._guesses[side]
        names = modality_names()
        text = names["auto"] if guess is None else _("guessed: {modality}").format(modality=names[guess])
        self._combos[side].setItemText(0, text)
