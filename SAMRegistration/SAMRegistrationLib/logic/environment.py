"""Packages and devices of this computer."""

import slicer
from slicer.i18n import tr as _


class EnvironmentLogic:
    """What is installed, what is missing and how it gets here; nothing is installed unless :meth:`installPackages` is
    called."""

    def packages(self) -> list:
        """The packages that are needed (name, module, version or None), none of which is imported.

        Example:
            >>> [package.name for package in logic.packages() if package.version is None]
            []
        """
        from ..environment import packages

        return packages()

    def missingPackages(self) -> list:
        """The names of the packages that are not installed.

        Example:
            >>> logic.missingPackages()
            []
        """
        from ..environment import missing_packages

        return missing_packages()

    def reasonNotToCompute(self) -> str:
        """Why nothing can be computed, as a sentence; empty when it can.

        Example:
            >>> logic.reasonNotToCompute()
            ''
        """
        packages = self.packages()
        missing = [package.name for package in packages if package.version is None]
        if "torch" in missing:
            return _("PyTorch is missing; install it in the section Advanced")
        if missing:
            return _("{names} is missing; install it in the section Advanced").format(names=", ".join(missing))
        for package in packages:
            if package.is_too_old:
                text = _("{name} {version} is too old, {oldest} is needed; update it and restart the application")
                return text.format(name=package.name, version=package.version, oldest=package.oldest)
        return ""

    def installPackages(self) -> None:
        """Install what is missing: PyTorch by the extension of that name, the rest by pip.

        NumPy and SimpleITK, which come with the application, stay as they are: if something wants another version, the
        installation fails. Asks nothing.

        Raises:
            InputError: the extension PyTorch is not installed, or pip failed.

        Example:
            >>> logic.installPackages()                                                      # doctest: +SKIP
            >>> logic.missingPackages()                                                      # doctest: +SKIP
            []
        """
        from ..scene.install import install

        install(self.missingPackages())

    def processor(self):
        """The CPU (id, name, free memory in bytes); quick.

        Example:
            >>> logic.processor().name
            'CPU (... cores)'
        """
        from ..environment import processor

        return processor()

    def devices(self, job=None) -> list:
        """The CPU and every GPU (id, name, free memory in bytes); imports torch, may run on any thread.

        Example:
            >>> logic.devices()[0].name
            'CPU (... cores)'
        """
        from ..environment import devices

        return devices()

    def describeError(self, error) -> str:
        """An error and the code that led to it, without names of files and what it quotes.

        Example:
            >>> logic.describeError(ValueError("no /home/ada/scan.nii"))
            'ValueError: no <file>.nii'
        """
        from ..diagnostics import describe

        return describe(error)

    def diagnostics(self, lastError="") -> str:
        """Versions, devices and the last error as text that can be passed on; nothing of the data.

        Args:
            lastError: as :meth:`describeError` tells it; empty without any.

        Example:
            >>> logic.diagnostics().splitlines()[-1]
            'No error.'
        """
        import re

        from ..diagnostics import diagnostics

        app = slicer.app
        names = {node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLStorableNode")}
        for name in sorted(filter(None, names), key=len, reverse=True):
            lastError = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "<name>", lastError)
        return diagnostics(f"{app.applicationName} {app.applicationVersion}", lastError)

    def startEnvironmentReport(self, **told):
        """Look at packages and devices in another process, so that torch need not be imported here.

        Returns:
            The BackgroundCommand, which is to be polled; its result has "packages", "devices" and "cuda".

        Example:
            >>> command = logic.startEnvironmentReport(done=print)                           # doctest: +SKIP
        """
        from ..background import BackgroundCommand

        return BackgroundCommand(["environment"], **told)
