"""The dialog in which the terminology of a structure is chosen."""

import qt
import slicer
from slicer.i18n import tr as _


class TerminologyDialog:
    """Slicer's terminology navigator in a dialog that holds up nothing.

    Args:
        chosen: called with the serialized entry that was accepted.
    """

    def __init__(self, chosen):
        self._chosen = chosen
        self._dialog = self._navigator = None

    def open(self, name: str, terminology: str) -> None:
        """Ask for the terminology of the structure called `name`, which has the serialized entry `terminology` now."""
        dialog = qt.QDialog(slicer.util.mainWindow())
        dialog.setWindowTitle(_("Terminology of {name}").format(name=name))
        navigator = slicer.qSlicerTerminologyNavigatorWidget()
        navigator.setMRMLScene(slicer.mrmlScene)
        navigator.setOverrideSectionVisible(False)
        buttons = qt.QDialogButtonBox()
        buttons.setStandardButtons(qt.QDialogButtonBox.Ok | qt.QDialogButtonBox.Cancel)
        layout = qt.QVBoxLayout(dialog)
        layout.addWidget(navigator)
        layout.addWidget(buttons)
        accept = buttons.button(qt.QDialogButtonBox.Ok)
        accept.setEnabled(False)
        navigator.selectionValidityChanged.connect(accept.setEnabled)
        navigator.typeDoubleClicked.connect(dialog.accept)
        buttons.accepted.connect(dialog.accept)
        buttons.rejected.connect(dialog.reject)
        dialog.finished.connect(self._on_finished)
        self._dialog, self._navigator = dialog, navigator
        entry = slicer.vtkSlicerTerminologyEntry()
        if slicer.modules.terminologies.logic().DeserializeTerminologyEntry(terminology, entry):
            accept.setEnabled(bool(navigator.setTerminologyEntry(entry)))
        dialog.open()

    def close(self) -> None:
        """Close the dialog without a choice."""
        if self._dialog is not None:
            self._dialog.reject()

    def _on_finished(self, result, *_args):
        dialog, self._dialog = self._dialog, None
        navigator, self._navigator = self._navigator, None
        entry = slicer.vtkSlicerTerminologyEntry()
        if result == qt.QDialog.Accepted and navigator.terminologyEntry(entry):
            self._chosen(slicer.vtkSlicerTerminologiesModuleLogic.SerializeTerminologyEntry(entry))
        dialog.deleteLater()
