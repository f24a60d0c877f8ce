"""The part "Installation" of the section "Advanced", and the notice on top of the panel."""

import slicer
from slicer.i18n import tr as _

from .messages import sentence
from .panel import Panel


class InstallationPanel(Panel):
    """Args:
    ui: widgets by name. logic: SAMRegistrationLogic. changed: called when packages were installed.
    """

    def __init__(self, ui, logic, changed):
        self._ui, self._logic, self._changed = ui, logic, changed
        self._torch = ""
        ui.installButton.clicked.connect(self.onInstall)
        ui.noticeButton.clicked.connect(self.onShow)
        self.list_packages()

    def list_packages(self) -> None:
        """Tell which packages are there."""
        lines = []
        for package in self._logic.packages():
            version = _("missing") if package.version is None else package.version
            lines.append(f"{package.name}: {version}" + (self._torch if package.name == "torch" else ""))
        self._ui.packagesLabel.setText("\n".join(lines))
        missing = self._logic.missingPackages()
        self._ui.installButton.setEnabled(bool(missing))
        self._ui.installButton.setText(_("Install what is missing") if missing else _("Everything is installed"))
        notice = _("Missing: {names}. Install it below.").format(names=", ".join(missing)) if missing else ""
        self._ui.noticeLabel.setText(notice)
        for widget in (self._ui.noticeLabel, self._ui.noticeButton):
            widget.setVisible(bool(missing))

    def show_report(self, report) -> None:
        """Add whether torch computes on GPUs; `report` as of SAMRegistrationLogic.startEnvironmentReport."""
        if "problem" in report:
            text = _("cannot be loaded: {problem}").format(problem=report["problem"])
        else:
            text = _("CUDA {version}").format(version=report["cuda"]) if report["cuda"] else _("for the CPU only")
        self._torch = f" ({text})"
        self.list_packages()

    def show_problem(self, text: str) -> None:
        """Tell why there is no report."""
        self._ui.installStatus.setText(text)

    def onShow(self, *_args):
        self._ui.advancedSection.collapsed = False
        self._ui.installButton.setFocus()

    def onInstall(self, *_args):
        names = ", ".join(self._logic.missingPackages())
        question = _("{names} will be downloaded and installed into this application. This takes some minutes.")
        asks = not slicer.app.testingEnabled()
        if asks and not slicer.util.confirmOkCancelDisplay(question.format(names=names), _("Install packages")):
            return
        self._ui.installStatus.setText(_("Installing {names}...").format(names=names))
        slicer.app.processEvents()
        try:
            self._logic.installPackages()
        except Exception as error:  # noqa: BLE001 - shown as a sentence
            self._ui.installStatus.setText(sentence(error))
        else:
            missing = ", ".join(self._logic.missingPackages())
            still = _("{names} could not be installed; the application's log tells why.").format(names=missing)
            self._ui.installStatus.setText(still if missing else _("Installed."))
        self.list_packages()
        self._changed()
