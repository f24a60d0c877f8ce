"""The choice of the device: names and free memory, found in the background and kept as the parameter node has it."""

import sys

from slicer.i18n import tr as _

from ..environment import Device
from .messages import sentence
from .panel import Panel

AUTOMATIC = "auto"


class DeviceChoice(Panel):
    """Args:
    ui: widgets by name. logic: SAMRegistrationLogic. runner: :class:`.runner.Runner`.
    parameters: function giving the parameter node or None.
    found: called with the report of packages and devices (see SAMRegistrationLogic.startEnvironmentReport).
    failed: called with a sentence when there can be no report.
    """

    def __init__(self, ui, logic, runner, parameters, found, failed):
        self._ui, self._logic, self._runner = ui, logic, runner
        self._parameters, self._found, self._failed = parameters, found, failed
        self._asked = self._known = self._filling = False
        self._ids = []
        ui.deviceCombo.currentIndexChanged.connect(self._on_chosen)
        self._fill([self._logic.processor()])

    def enter(self) -> None:
        """Find out which devices there are: here, once torch is loaded, and in another process before that."""
        if sys.modules.get("torch") is not None:
            self._runner.submit(self._logic.devices, self._fill_known)
        elif not self._asked and not self._logic.reasonNotToCompute():
            self._asked = True
            try:
                report = self._logic.startEnvironmentReport(done=self._on_report, failed=self._on_failed)
            except Exception as error:  # noqa: BLE001 - shown as a sentence; all else of the panel works without
                self._on_failed(error)
            else:
                self._runner.follow(report)

    def update(self) -> None:
        """Show the choice of the parameters."""
        parameters, combo = self._parameters(), self._ui.deviceCombo
        wanted = AUTOMATIC if parameters is None else parameters.device
        wanted = "cuda:0" if wanted == "cuda" else wanted
        self._filling = True
        while combo.count > len(self._ids):
            combo.removeItem(combo.count - 1)
        there = wanted in self._ids
        missing = self._known and not there
        if not there:
            combo.addItem(_("{device} (not on this computer)").format(device=wanted) if missing else wanted)
        combo.setCurrentIndex(self._ids.index(wanted) if there else len(self._ids))
        self._filling = False
        text = _("The device {device} of this scene is not on this computer; another one is taken automatically.")
        self._ui.deviceStatus.setText(text.format(device=wanted) if missing else "")
        self._ui.deviceStatus.setVisible(missing)

    def _on_report(self, report):
        self._fill_known([Device(**device) for device in report["devices"]])
        self._found(report)

    def _on_failed(self, error):
        text = _("GPUs are listed after the first click or registration. {reason}")
        self._failed(text.format(reason=sentence(error)))

    def _fill_known(self, devices):
        self._known = True
        self._fill(devices)

    def _fill(self, devices):
        self._filling = True
        combo = self._ui.deviceCombo
        combo.clear()
        self._ids = [AUTOMATIC, *(device.id for device in devices)]
        combo.addItems([_("Automatic"), *map(_text, devices)])
        self._filling = False
        self.update()

    def _on_chosen(self, index):
        if not self._filling and self._parameters() is not None and 0 <= index < len(self._ids):
            self._parameters().device = self._ids[index]


def _text(device) -> str:
    if device.free is None:
        return device.name
    return _("{name}, {free:.1f} GB free").format(name=device.name, free=device.free / 1e9)
