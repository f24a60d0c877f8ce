"""The section "Look": what the views show of a result."""

from slicer.i18n import tr as _

from .comparison import BLEND, CHECKERBOARD, FLICKER, SIDE_BY_SIDE, Comparison
from .messages import sentence
from .panel import Panel


class LookPanel(Panel):
    """Args:
    ui: widgets by name. logic: SAMRegistrationLogic. runner: :class:`.runner.Runner`.
    parameters: function giving the parameter node or None. looked: called when the views show a result.
    """

    def __init__(self, ui, logic, runner, parameters, looked):
        self._ui, self._logic, self._runner, self._parameters = ui, logic, runner, parameters
        self._looked = looked
        self._comparison = Comparison(logic, runner, self._background, self._foreground)
        self._entered = self._unseen = self._outlined = self._filling = False
        self._modes = {
            ui.blendButton: BLEND,
            ui.sideBySideButton: SIDE_BY_SIDE,
            ui.checkerboardButton: CHECKERBOARD,
            ui.flickerButton: FLICKER,
        }
        for button, mode in self._modes.items():
            button.clicked.connect(lambda *_args, mode=mode: self.compare(mode))
        self._boxes = {
            ui.gridCheckBox: "showGrid",
            ui.grid3DCheckBox: "showGrid3D",
            ui.outlinesCheckBox: "showOutlines",
        }
        for box, name in self._boxes.items():
            box.toggled.connect(lambda *_args, box=box, name=name: self._on_box(name, box.isChecked()))
        self._maps = {
            ui.jacobianCheckBox: "jacobian",
            ui.displacementCheckBox: "displacement",
            ui.disagreementCheckBox: "disagreement",
        }
        for box, name in self._maps.items():
            box.toggled.connect(
                lambda *_args, box=box, name=name: self._on_box("shownMap", name if box.isChecked() else "none")
            )
        ui.opacitySlider.valueChanged.connect(self._on_opacity)

    # --- life cycle

    def update(self) -> None:
        """Bring boxes, slider and buttons in line with the parameters."""
        parameters, ui = self._parameters(), self._ui
        there = self._has_result()
        for widget in [*self._boxes, ui.opacitySlider, *self._modes]:
            widget.setEnabled(there)
        for box, name in self._maps.items():
            box.setEnabled(there and self._logic.resultMap(parameters, name) is not None)
        if parameters is not None:
            self._show_choices(parameters)
        if there:
            unit = self._logic.applyGridSpacing(parameters)
            ui.gridSpacingSlider.suffix = " mm" if unit == 1 else f" x {unit:g} mm"

    def enter(self) -> None:
        """Go on where the module was left or the scene was saved, or show the result that came meanwhile."""
        self._entered = True
        self._resume()
        if self._unseen:
            self._unseen = False
            self._runner.in_turns(*self.steps())

    def exit(self) -> None:
        """Give the layout and the displays of the inputs back."""
        self._entered = False
        self._comparison.end()
        self._outlined = self._logic.restoreDisplays()

    def scene_closes(self) -> None:
        """Give them back for good: the next scene is shown as it was saved."""
        self._comparison.end()
        self._logic.restoreDisplays()
        self._outlined = self._unseen = False

    def _resume(self):
        """Show outlines as before the module was left, and what changes the views by itself as it was saved."""
        parameters = self._parameters()
        if not self._has_result():
            return
        outlined, self._outlined = self._outlined, False
        if outlined:
            self._logic.showOutlines(parameters, parameters.showOutlines)
        if parameters.compareMode in (SIDE_BY_SIDE, FLICKER) and parameters.compareMode != self._comparison.mode:
            self.compare(parameters.compareMode)

    # --- actions

    def steps(self) -> list:
        """What shows a new result, whatever was hidden of an earlier one: volumes and outlines, then the grids. Nothing
        while the user is in another module; then it is shown when the module is entered."""
        self._unseen = not self._entered
        return [] if self._unseen else [self._start_over, lambda: self._show(grid3D=False), self._show, self._fit_3d]

    def compare(self, mode: str) -> None:
        """Compare fixed and warped volume in one of the modes."""
        self._parameters().compareMode = mode
        self._begin(mode)
        self._show()

    def show_again(self) -> None:
        """Show what the nodes of the result hold now, in the present mode."""
        if self._entered and self._has_result():
            if self._comparison.mode == CHECKERBOARD:
                self._make_checkerboard()
            self._show()

    def leave(self) -> None:
        """Give the views to something else, until :meth:`come_back`."""
        self._comparison.end()

    def come_back(self) -> None:
        """Compare in the mode that was chosen."""
        if self._entered and self._has_result():
            self.compare(self._parameters().compareMode)

    def _has_result(self):
        return self._parameters() is not None and self._parameters().resultTransform is not None

    def _start_over(self):
        self._logic.resetLook(self._parameters())
        self._ui.lookStatus.setText("")
        self._begin(BLEND)
        self._show(grid=False, grid3D=False)
        self.update()

    def _fit_3d(self):
        if self._parameters() is not None:
            self._logic.fit3DViews(self._parameters().fixedVolume)

    def _begin(self, mode):
        self._comparison.begin(mode)
        if mode == CHECKERBOARD:
            self._make_checkerboard()

    def _show(self, grid=True, grid3D=True):
        parameters = self._parameters()
        if not self._has_result():
            return
        self._logic.showResult(
            parameters,
            grid=grid and parameters.showGrid,
            grid3D=grid3D and parameters.showGrid3D,
            shownMap=parameters.shownMap,
            outlines=parameters.showOutlines,
            opacity=parameters.opacity,
            sideBySide=parameters.compareMode == SIDE_BY_SIDE,
            checkerboard=parameters.compareMode == CHECKERBOARD,
        )
        self._looked()

    def _show_choices(self, parameters):
        self._filling = True
        for box, name in self._boxes.items():
            box.setChecked(getattr(parameters, name))
        for box, name in self._maps.items():
            box.setChecked(name == parameters.shownMap)
        self._ui.opacitySlider.setValue(parameters.opacity)
        self._filling = False
        for button, mode in self._modes.items():
            button.setChecked(mode == parameters.compareMode)
        if parameters.compareMode == BLEND and self._comparison.mode != BLEND:
            self._comparison.end()

    def _on_box(self, name, value):
        if not self._filling and self._parameters() is not None:
            setattr(self._parameters(), name, value)
            self._show()

    def _on_opacity(self, value):
        if not self._filling and self._parameters() is not None:
            self._parameters().opacity = value
            self._logic.setForegroundOpacity(value)

    def _make_checkerboard(self):
        try:
            work, present = self._logic.startCheckerboard(self._parameters())
        except Exception as error:  # noqa: BLE001 - shown as a sentence
            self._on_failed(error)
            return

        def shown(array):
            try:
                present(array)
                if self._comparison.mode == CHECKERBOARD:
                    self._show()
            except Exception as error:  # noqa: BLE001 - shown as a sentence
                self._on_failed(error)

        self._runner.submit_aside(work, shown, self._on_failed)

    def _on_failed(self, error):
        self._ui.lookStatus.setText(sentence(error))

    def _background(self):
        other = self._parameters().otherVolume
        return _("Fixed") if other is None else other.GetName()

    def _foreground(self):
        names = {
            "jacobian": _("Jacobian map"),
            "displacement": _("Displacement (mm)"),
            "disagreement": _("Disagreement (mm)"),
        }
        return names.get(self._parameters().shownMap, _("Warped"))
