"""Writing the result for other programs."""

from pathlib import Path

from slicer.i18n import tr as _

from ..choices import EXPORTS
from .registration import RegistrationLogic


class ExportLogic(RegistrationLogic):
    """The last result in the forms that other programs read."""

    def exportForms(self) -> dict:
        """What the result can be written for, by the names that the command line has for it.

        Example:
            >>> logic.exportForms()["pdf"]
            'Report (PDF)'
        """
        titles = {
            "itk": _("ITK, command line"),
            "ants": _("ANTs"),
            "fsl": _("FSL"),
            "elastix": _("elastix"),
            "dicom": _("DICOM series"),
            "dicom-seg": _("DICOM segmentation"),
            "dicom-registration": _("DICOM registration"),
            "pdf": _("Report (PDF)"),
        }
        return {form: titles[form] for form in ("itk", *EXPORTS)}

    def reasonNotToExport(self, parameters, form) -> str:
        """Why the result cannot be written in a form, as a sentence; empty when it can, as far as is known before.

        Example:
            >>> logic.reasonNotToExport(parameters, "ants")
            ''
        """
        from ..environment import is_there

        if self.reasonNotToCompute():
            return self.reasonNotToCompute()
        if parameters is None or parameters.resultTransform is None:
            return _("Register first")
        if None in (parameters.resultInverse, parameters.resultVolume, parameters.fixedVolume, parameters.movingVolume):
            return _("A node of the result was removed; register again")
        if form == "dicom-seg" and parameters.resultSegmentation is None:
            return _("There are no warped masks; register with masks")
        if form == "dicom-seg" and not is_there("highdicom"):
            text = _("The Python package {name} is missing; install it in the Python console: {command}")
            return text.format(name="highdicom", command='slicer.util.pip_install("highdicom")')
        return ""

    def startExport(self, parameters, form, folder):
        """Write the result into the folder of that form in a folder.

        What is written is in the coordinates that both volumes have below their parent transforms, as their files are;
        the report says what is measured in the scene.

        Args:
            form: one of :meth:`exportForms`.

        Returns:
            (work, present), as of :meth:`startRegistration`; `present` returns a sentence about it.

        Raises:
            InputError: the nodes of the result do not belong together any more, or a parent transform is deformable.

        Example:
            >>> work, present = logic.startExport(parameters, "elastix", folder)
            >>> present(work(Job()))
            'Files written: 2, into ...elastix.'
        """
        from ..errors import InputError
        from ..scene.export import read_result, write_result

        reason = self.reasonNotToExport(parameters, form)
        if reason:
            raise InputError(reason + ".")
        self.followOriginals(parameters)
        result = read_result(parameters)

        def present(files):
            text = _("Files written: {n}, into {folder}.")
            folders = sorted({str(Path(file).parent) for file in files})
            text = text.format(n=len(files), folder=", ".join(folders))
            if form.startswith("dicom") and not result.names_patient(form):
                text += " " + _("They name no patient, as the volumes were not loaded from DICOM.")
            return text

        return lambda job: write_result(result, form, folder, job), present
