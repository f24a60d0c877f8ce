"""Registering the chosen pair."""

from dataclasses import replace

import slicer
from slicer.i18n import tr as _

from ..choices import AUTO, PREALIGNMENT, PRESET
from .choices import preset_names
from .environment import EnvironmentLogic
from .landmarks import LandmarksLogic


class RegistrationLogic(EnvironmentLogic, LandmarksLogic):
    """Registration of two volume nodes, and of what the parameter node names."""

    def register(
        self,
        fixed,
        moving,
        fixedSegmentation=None,
        movingSegmentation=None,
        options=None,
        gridSpacing=15.0,
        progress=None,
        canceled=None,
        landmarks=(None, None),
        heldOut=(None, None),
    ):
        """Register two volume nodes and put the result into the scene; blocks until it is done.

        Args:
            fixed, moving: scalar volume nodes, under any parent transforms.
            fixedSegmentation, movingSegmentation: masks that guide the registration; segments of the same name (case
                and outer blanks ignored) are the same structure, whatever their ids.
            options: SAMRegistrationLib.registration.RegistrationOptions; None for the balanced preset.
            gridSpacing: of the displayed grid, mm for volumes of the human body; see scene.grids.unit_of.
            progress: called with (fraction, message).
            canceled: returns True to stop.
            landmarks: markups nodes of the fixed and of the moving volume, whose points of the same label are brought
                onto each other.
            heldOut: the same for points whose error is only measured.

        Returns:
            SAMRegistrationLib.scene.present.RunNodes.

        Raises:
            SAMRegistrationError: its text is a sentence for the user; the scene is as it was.

        Example:
            >>> nodes = logic.register(getNode("CT1"), getNode("CT2"))
            >>> slicer.util.arrayFromVolume(nodes.warped).shape
            (28, 40, 44)
        """
        from ..job import Job
        from ..scene.present import present
        from ..scene.run import compute, read

        inputs = read(fixed, moving, fixedSegmentation, movingSegmentation, landmarks, heldOut)
        outcome = compute(inputs, options, Job(progress, canceled))
        return present(outcome, fixed, moving, movingSegmentation, gridSpacing)

    def reasonNotToRegister(self, parameters) -> str:
        """Why the registration cannot start, as a sentence; empty when it can.

        Example:
            >>> logic.reasonNotToRegister(parameters)
            ''
        """
        if self.reasonNotToCompute():
            return self.reasonNotToCompute()
        if parameters.fixedVolume is None:
            return _("Choose a fixed volume")
        if parameters.movingVolume is None:
            return _("Choose a moving volume")
        if parameters.fixedVolume is parameters.movingVolume:
            return _("Fixed and moving are the same")
        if parameters.fixedSegmentation is not None and parameters.fixedSegmentation is parameters.movingSegmentation:
            return _("Fixed and moving masks are the same")
        for node in (parameters.fixedVolume, parameters.movingVolume):
            if node.GetImageData() is None or node.GetImageData().GetNumberOfPoints() == 0:
                return _("{name} holds no voxels").format(name=node.GetName())
            if min(node.GetImageData().GetDimensions()) < 2:
                return _("{name} is a single slice").format(name=node.GetName())
        start = parameters.initialTransform
        if start is not None and not start.IsTransformToWorldLinear():
            return _("{name} is not linear").format(name=start.GetName())
        return self.reasonNotToUseLandmarks(parameters)

    def describeRegistration(self, parameters) -> str:
        """What a registration with these parameters will do, for the button.

        Example:
            >>> logic.describeRegistration(parameters)
            'Register CT2 to CT1, guided by masks (balanced)'
        """
        from ..choices import IGNORE
        from ..scene.structure_segments import structures_of
        from ..volumes import name_key

        texts = {"moving": parameters.movingVolume.GetName(), "fixed": parameters.fixedVolume.GetName()}
        segmentations = (parameters.fixedSegmentation, parameters.movingSegmentation)
        fixed, moving = ({name_key(structure.name) for structure in structures_of(node)} for node in segmentations)
        ignored = {name_key(structure.name) for structure in self.structures(parameters) if structure.role == IGNORE}
        text = {
            (False, False): _("Register {moving} to {fixed} ({preset})"),
            (True, False): _("Register {moving} to {fixed}, guided by masks ({preset})"),
            (False, True): _("Register {moving} to {fixed}, guided by landmarks ({preset})"),
            (True, True): _("Register {moving} to {fixed}, guided by masks and landmarks ({preset})"),
        }[bool((fixed & moving) - ignored), parameters.fixedLandmarks is not None]
        return text.format(preset=preset_names()[parameters.preset], **texts)

    def startRegistration(self, parameters):
        """Read the scene for a registration with these parameters.

        Returns:
            (work, present): ``outcome = work(job)`` computes and may run on another thread; ``present(outcome)``, on
            the main thread, puts the result into the scene and into the parameters, and returns its RunNodes.

        Raises:
            InputError: an input cannot be used.

        Example:
            >>> work, present = logic.startRegistration(parameters)
            >>> nodes = present(work(Job()))
        """
        from ..scene.run import compute, read

        self.followOriginals(parameters)
        inputs = read(
            parameters.fixedVolume,
            parameters.movingVolume,
            parameters.fixedSegmentation,
            parameters.movingSegmentation,
            (parameters.fixedLandmarks, parameters.movingLandmarks),
            (parameters.fixedHeldOut, parameters.movingHeldOut),
        )
        nodes = (parameters.fixedVolume, parameters.movingVolume, parameters.movingSegmentation)
        choices = (
            parameters.preset,
            parameters.device,
            parameters.weights,
            parameters.fixedModality,
            parameters.movingModality,
            parameters.useNetwork,
            parameters.prealignment,
            self._initialTransform(parameters),
            parameters.stiffness,
            parameters.estimateConfidence,
        )

        def work(job):
            from ..environment import usable_device

            preset, device, *others = choices
            usable = usable_device(device)
            outcome = compute(inputs, self.options(preset, usable, *others), job)
            if usable != device:
                text = _("The device {device} is not on this computer; {used} was used.")
                note = text.format(device=device, used=outcome.result.facts["device"])
                outcome = replace(outcome, result=outcome.result.with_notes([note]))
            return outcome

        def present(outcome):
            return self._present(outcome, parameters, *nodes)

        return work, present

    def presentResult(self, parameters, result):
        """Put a result that was computed elsewhere, as on the command line, into the scene for the chosen pair.

        Args:
            result: SAMRegistrationLib.registration.RegistrationResult of the pair.

        Returns:
            SAMRegistrationLib.scene.present.RunNodes.

        Raises:
            InputError: an input cannot be used.

        Example:
            >>> work, present = logic.startRegistration(parameters)
            >>> result = work(Job()).result
            >>> nodes = logic.presentResult(parameters, result)
        """
        from ..scene.run import prepare, read

        self.followOriginals(parameters)
        nodes = (parameters.fixedVolume, parameters.movingVolume, parameters.movingSegmentation)
        inputs = read(*nodes[:2], parameters.fixedSegmentation, nodes[2])
        return self._present(prepare(inputs, result), parameters, *nodes)

    def options(
        self,
        preset=PRESET,
        device=AUTO,
        weights="",
        fixedModality=AUTO,
        movingModality=AUTO,
        useNetwork=True,
        prealignment=PREALIGNMENT,
        initialTransform=None,
        stiffness=1.0,
        confidence=False,
    ):
        """RegistrationOptions from the choices in the panel.

        Args:
            initialTransform: maps fixed points to moving points (SimpleITK, LPS mm) instead of a pre-alignment.
            stiffness: how smooth the deformation is: 1 as the preset, above smoother, below more flexible.
            confidence: also find a second solution, and by how much it differs; takes twice as long.

        Example:
            >>> logic.options("fast", "cpu", stiffness=2.0).stiffness
            2.0
        """
        from ..registration import RegistrationOptions

        withoutNetwork = {} if useNetwork else {"use_network": False}
        return RegistrationOptions.preset(
            preset,
            **withoutNetwork,
            device=device,
            weights=weights or None,
            fixed_modality=None if fixedModality == AUTO else fixedModality,
            moving_modality=None if movingModality == AUTO else movingModality,
            prealignment=prealignment,
            initial_transform=initialTransform,
            stiffness=stiffness,
            confidence=confidence,
        )

    @staticmethod
    def _initialTransform(parameters):
        from ..scene.transforms import initial_alignment

        node = parameters.initialTransform
        return None if node is None else initial_alignment(node, parameters.movingVolume)

    def _present(self, outcome, parameters, fixed, moving, movingSegmentation):
        from ..errors import InputError
        from ..scene.present import present

        if any(slicer.mrmlScene.GetNodeByID(node.GetID() or "") is not node for node in (fixed, moving)):
            raise InputError(_("A volume of the pair was removed meanwhile; choose both again."))
        nodes = present(outcome, fixed, moving, movingSegmentation, parameters.gridSpacing)
        with slicer.util.NodeModify(parameters):
            parameters.resultTransform, parameters.resultInverse = nodes.transform, nodes.inverse
            parameters.resultVolume, parameters.resultJacobian = nodes.warped, nodes.jacobian
            parameters.resultDisplacement, parameters.resultDisagreement = nodes.displacement, nodes.disagreement
            parameters.resultSegmentation, parameters.resultFolds = nodes.segmentation, nodes.folds
            parameters.resultTable, parameters.resultFoldTable = nodes.table, nodes.fold_table
            parameters.resultCheckerboard = None
        return nodes
