"""Deformable registration that knows anatomy: the module as 3D Slicer sees it.

Everything that computes is in SAMRegistrationLib, which is imported only when it is needed.
"""

from typing import Annotated, Optional

import slicer
import vtk
from slicer import (
    vtkMRMLScalarVolumeNode,
    vtkMRMLSegmentationNode,
    vtkMRMLTableNode,
    vtkMRMLTransformNode,
)
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import Choice, Default, WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin


class SAMRegistration(ScriptedLoadableModule):
    """What the application's module list shows."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("SAM Registration")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Registration")]
        self.parent.dependencies = []
        self.parent.contributors = ["SAMRegistration contributors"]
        self.parent.helpText = _(
            "Deformable registration of two volumes, guided by structures that are clicked in both. Choose a fixed and "
            "a moving volume, click into a few structures, correct the masks, and press Register."
        )
        self.parent.acknowledgementText = _(
            "Method: H. Xu et al., Medical Image Registration Meets Vision Foundation Model: Prototype Learning and "
            "Contour Awareness, IPMI 2025."
        )


@parameterNodeWrapper
class SAMRegistrationParameterNode:
    """What the user chose, and the nodes of the last result; saved with the scene."""

    fixedVolume: vtkMRMLScalarVolumeNode
    movingVolume: vtkMRMLScalarVolumeNode
    fixedModality: Annotated[str, Choice(["auto", "ct", "mr", "other"])] = "auto"
    movingModality: Annotated[str, Choice(["auto", "ct", "mr", "other"])] = "auto"
    fixedSegmentation: vtkMRMLSegmentationNode
    movingSegmentation: vtkMRMLSegmentationNode
    clickModel: str = "compact"
    device: Annotated[str, Choice(["auto", "cpu", "cuda"])] = "auto"
    preset: Annotated[str, Choice(["fast", "balanced", "accurate"])] = "balanced"
    weights: str = ""
    gridSpacing: Annotated[float, WithinRange(2, 60), Default(15)]
    resultTransform: vtkMRMLTransformNode
    resultInverse: vtkMRMLTransformNode
    resultVolume: vtkMRMLScalarVolumeNode
    resultJacobian: vtkMRMLScalarVolumeNode
    resultSegmentation: vtkMRMLSegmentationNode
    resultFolds: vtkMRMLSegmentationNode
    resultTable: vtkMRMLTableNode


class SAMRegistrationWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel; its sections are classes of SAMRegistrationLib.widget."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self._parameterNode = None
        self._guiTag = None

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/SAMRegistration.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = SAMRegistrationLogic()

        from SAMRegistrationLib.widget.register import RegisterPanel
        from SAMRegistrationLib.widget.runner import Runner

        self.runner = Runner()
        self.registerPanel = RegisterPanel(self.ui, self.logic, self.runner, self.parameters, self.onPresented)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndImportEvent, self.onSceneEndClose)
        self.initializeParameterNode()

    def cleanup(self):
        self.registerPanel.abandon()
        self.runner.close()
        self.setParameterNode(None)
        self.removeObservers()

    def enter(self):
        self.initializeParameterNode()

    def exit(self):
        if self._parameterNode is not None:
            self._parameterNode.disconnectGui(self._guiTag)
            self._guiTag = None

    def onSceneStartClose(self, caller, event):
        self.registerPanel.abandon()
        self.runner.abandon_all()
        self.setParameterNode(None)

    def onSceneEndClose(self, caller, event):
        if self.parent.isEntered:
            self.initializeParameterNode()

    def parameters(self) -> Optional[SAMRegistrationParameterNode]:
        """The parameter node, None while a scene is being closed."""
        return self._parameterNode

    def initializeParameterNode(self):
        self.setParameterNode(self.logic.getParameterNode())

    def setParameterNode(self, parameterNode):
        if self._parameterNode is not None:
            self._parameterNode.disconnectGui(self._guiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParametersModified)
        self._parameterNode = parameterNode
        self._guiTag = None
        if parameterNode is not None:
            self._guiTag = parameterNode.connectGui(self.ui)
            self.addObserver(parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParametersModified)
        self.onParametersModified()

    def onParametersModified(self, caller=None, event=None):
        self.registerPanel.update()

    def onPresented(self, nodes):
        """Show a result that has just entered the scene."""
        self.logic.showResult(self._parameterNode)


class SAMRegistrationLogic(ScriptedLoadableModuleLogic):
    """Everything the module does, without any widget.

    Example:
        >>> logic = SAMRegistrationLogic()                                         # doctest: +SKIP
        >>> nodes = logic.register(getNode("Fixed"), getNode("Moving"))            # doctest: +SKIP
        >>> slicer.util.saveNode(nodes.transform, "fixed-from-moving.h5")          # doctest: +SKIP
    """

    def getParameterNode(self) -> SAMRegistrationParameterNode:
        """The module's parameter node, as one object with typed attributes."""
        return SAMRegistrationParameterNode(super().getParameterNode())

    def register(
        self,
        fixed,
        moving,
        fixedSegmentation=None,
        movingSegmentation=None,
        options=None,
        gridSpacing=15.0,
        progress=None,
        cancelled=None,
    ):
        """Register two volume nodes and put the result into the scene; blocks until it is done.

        Args:
            fixed, moving: scalar volume nodes, under any parent transforms.
            fixedSegmentation, movingSegmentation: masks that guide the registration; segments of the same id or name
                are the same structure.
            options: SAMRegistrationLib.registration.RegistrationOptions; None for the balanced preset.
            gridSpacing: of the displayed grid, mm.
            progress: called with (fraction, message).
            cancelled: returns True to stop.

        Returns:
            SAMRegistrationLib.scene.present.RunNodes.

        Raises:
            SAMRegistrationError: its text is a sentence for the user; the scene is as it was.

        Example:
            >>> nodes = logic.register(fixed, moving, progress=lambda f, m: print(f, m))   # doctest: +SKIP
            >>> slicer.util.arrayFromVolume(nodes.warped).shape                              # doctest: +SKIP
        """
        from SAMRegistrationLib.job import Job
        from SAMRegistrationLib.scene.present import present
        from SAMRegistrationLib.scene.run import compute, read

        inputs = read(fixed, moving, fixedSegmentation, movingSegmentation)
        outcome = compute(inputs, options, Job(progress, cancelled))
        return present(outcome, fixed, moving, movingSegmentation, gridSpacing)

    def reasonNotToRegister(self, parameters) -> str:
        """Why the registration cannot start, as a sentence; empty when it can.

        Example:
            >>> logic.reasonNotToRegister(logic.getParameterNode())                          # doctest: +SKIP
            'Choose a fixed volume'
        """
        if parameters.fixedVolume is None:
            return _("Choose a fixed volume")
        if parameters.movingVolume is None:
            return _("Choose a moving volume")
        if parameters.fixedVolume is parameters.movingVolume:
            return _("Fixed and moving are the same")
        for node in (parameters.fixedVolume, parameters.movingVolume):
            if node.GetImageData() is None:
                return _("{name} holds no voxels").format(name=node.GetName())
        return ""

    def describeRegistration(self, parameters) -> str:
        """What a registration with these parameters will do, for the button.

        Example:
            >>> logic.describeRegistration(logic.getParameterNode())                         # doctest: +SKIP
            'Register CT2 to CT1 (balanced)'
        """
        texts = {"moving": parameters.movingVolume.GetName(), "fixed": parameters.fixedVolume.GetName()}
        segmentations = (parameters.fixedSegmentation, parameters.movingSegmentation)
        if all(node is not None and node.GetSegmentation().GetNumberOfSegments() for node in segmentations):
            text = _("Register {moving} to {fixed}, guided by masks ({preset})")
        else:
            text = _("Register {moving} to {fixed} ({preset})")
        return text.format(preset=parameters.preset, **texts)

    def startRegistration(self, parameters):
        """Read the scene for a registration with these parameters.

        Returns:
            (work, present): ``outcome = work(job)`` computes and may run on another thread; ``present(outcome)``, on
            the main thread, puts the result into the scene and into the parameters, and returns its RunNodes.

        Raises:
            InputError: an input cannot be used.

        Example:
            >>> work, present = logic.startRegistration(logic.getParameterNode())            # doctest: +SKIP
            >>> nodes = present(work(None))                                                  # doctest: +SKIP
        """
        from SAMRegistrationLib.scene.run import compute, read

        segmentations = (parameters.fixedSegmentation, parameters.movingSegmentation)
        inputs = read(parameters.fixedVolume, parameters.movingVolume, *segmentations)
        nodes = (parameters.fixedVolume, parameters.movingVolume, parameters.movingSegmentation)
        choices = (
            parameters.preset,
            parameters.device,
            parameters.weights,
            parameters.fixedModality,
            parameters.movingModality,
        )

        def work(job):
            return compute(inputs, self.options(*choices), job)

        def present(outcome):
            return self._present(outcome, parameters, *nodes)

        return work, present

    def options(self, preset="balanced", device="auto", weights="", fixedModality="auto", movingModality="auto"):
        """RegistrationOptions from the texts of the panel.

        Example:
            >>> logic.options("fast", "cpu")                                                 # doctest: +SKIP
        """
        from SAMRegistrationLib.registration import RegistrationOptions

        return RegistrationOptions.preset(
            preset,
            device=device,
            weights=weights or None,
            fixed_modality=None if fixedModality == "auto" else fixedModality,
            moving_modality=None if movingModality == "auto" else movingModality,
        )

    def showResult(self, parameters) -> None:
        """Show the last result: the warped volume over the fixed one, outlines of the masks, the grid.

        Example:
            >>> logic.showResult(logic.getParameterNode())                                   # doctest: +SKIP
        """
        from SAMRegistrationLib.scene import display

        display.show_layers(parameters.fixedVolume, parameters.resultVolume, fit=True)
        if parameters.fixedSegmentation is not None:
            display.show_outlines(parameters.fixedSegmentation, 3)
        if parameters.movingSegmentation is not None:
            parameters.movingSegmentation.SetDisplayVisibility(False)
        if parameters.resultSegmentation is not None:
            display.show_outlines(parameters.resultSegmentation, 1, 0.2)

    def _present(self, outcome, parameters, fixed, moving, movingSegmentation):
        from SAMRegistrationLib.errors import InputError
        from SAMRegistrationLib.scene.present import present

        if any(slicer.mrmlScene.GetNodeByID(node.GetID() or "") is not node for node in (fixed, moving)):
            raise InputError(_("A volume of the pair was removed meanwhile; choose both again."))
        nodes = present(outcome, fixed, moving, movingSegmentation, parameters.gridSpacing)
        parameters.resultTransform, parameters.resultInverse = nodes.transform, nodes.inverse
        parameters.resultVolume, parameters.resultJacobian = nodes.warped, nodes.jacobian
        parameters.resultSegmentation, parameters.resultFolds = nodes.segmentation, nodes.folds
        parameters.resultTable = nodes.table
        return nodes


class SAMRegistrationTest(ScriptedLoadableModuleTest):
    """Run in the application by "Reload and Test" and by the extension's tests."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
