"""Deformable registration that knows anatomy: the module as 3D Slicer sees it.

What computes is in SAMRegistrationLib; its numerical libraries are imported when they are needed, not here.
"""

from typing import Annotated, Optional

import slicer
import vtk
from SAMRegistrationLib.logic.clicks import ClicksLogic
from SAMRegistrationLib.logic.look import LookLogic
from SAMRegistrationLib.logic.registration import RegistrationLogic
from SAMRegistrationLib.logic.samples import SamplesLogic, register_sample_data
from SAMRegistrationLib.logic.training import TrainingLogic
from SAMRegistrationLib.logic.weights import WeightsLogic
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
        slicer.app.connect("startupCompleted()", register_sample_data)


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
    device: str = "auto"
    preset: Annotated[str, Choice(["fast", "balanced", "accurate"])] = "balanced"
    weights: str = ""
    trainingData: str = ""
    trainingOutput: str = ""
    trainingSteps: Annotated[int, WithinRange(1, 1000000), Default(1000)]
    gridSpacing: Annotated[float, WithinRange(2, 60), Default(15)]
    resultTransform: vtkMRMLTransformNode
    resultInverse: vtkMRMLTransformNode
    resultVolume: vtkMRMLScalarVolumeNode
    resultJacobian: vtkMRMLScalarVolumeNode
    resultSegmentation: vtkMRMLSegmentationNode
    resultFolds: vtkMRMLSegmentationNode
    resultTable: vtkMRMLTableNode
    resultFoldTable: vtkMRMLTableNode
    resultCheckerboard: vtkMRMLScalarVolumeNode


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

        from SAMRegistrationLib.widget.advanced import AdvancedPanel
        from SAMRegistrationLib.widget.clicks import ClickPanel
        from SAMRegistrationLib.widget.devices import DeviceChoice
        from SAMRegistrationLib.widget.installation import InstallationPanel
        from SAMRegistrationLib.widget.look import LookPanel
        from SAMRegistrationLib.widget.messages import sentence
        from SAMRegistrationLib.widget.register import RegisterPanel
        from SAMRegistrationLib.widget.runner import Runner
        from SAMRegistrationLib.widget.structures import StructuresTable
        from SAMRegistrationLib.widget.training import TrainingPanel

        self.runner = Runner()
        self.structuresTable = StructuresTable(
            self.ui, self.logic, self.parameters, self.onStructuresChanged, self.onStructureRemoved
        )
        self.clickPanel = ClickPanel(self.ui, self.logic, self.runner, self.parameters, self.structuresTable)
        self.registerPanel = RegisterPanel(self.ui, self.logic, self.runner, self.parameters, self.stepsToShow)
        self.lookPanel = LookPanel(self.ui, self.logic, self.runner, self.parameters)
        self.advancedPanel = AdvancedPanel(self.ui, self.logic, self.runner, self.parameters)
        self.trainingPanel = TrainingPanel(self.ui, self.logic, self.runner, self.parameters)
        self.installationPanel = InstallationPanel(self.ui, self.logic, self.onInstalled)
        self.deviceChoice = DeviceChoice(
            self.ui, self.logic, self.runner, self.parameters, self.installationPanel.show_report
        )
        self._sentence = sentence
        self.ui.sampleButton.clicked.connect(self.onLoadSampleData)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndImportEvent, self.onSceneEndClose)
        self.initializeParameterNode()

    def cleanup(self):
        self.clickPanel.exit()
        self.lookPanel.stop()
        self.registerPanel.abandon()
        self.runner.close()
        self.setParameterNode(None)
        self.removeObservers()

    def enter(self):
        self.initializeParameterNode()
        self.clickPanel.enter()
        self.deviceChoice.look()

    def exit(self):
        self.clickPanel.exit()
        self.lookPanel.stop()
        if self._parameterNode is not None:
            self._parameterNode.disconnectGui(self._guiTag)
            self._guiTag = None

    def onSceneStartClose(self, caller, event):
        self.registerPanel.abandon()
        self.advancedPanel.abandon()
        self.trainingPanel.scene_closes()
        self.clickPanel.scene_closes()
        self.lookPanel.stop()
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
        self.structuresTable.update()
        self.clickPanel.update()
        self.registerPanel.update()
        self.lookPanel.update()
        self.advancedPanel.update()
        self.trainingPanel.update()
        self.deviceChoice.update()

    def onStructuresChanged(self):
        self.clickPanel.update()
        self.registerPanel.update()

    def onStructureRemoved(self, structureId):
        self.clickPanel.structure_removed(structureId)

    def onInstalled(self):
        self.onParametersModified()
        self.deviceChoice.look()

    def stepsToShow(self) -> list:
        """What shows a result that has just entered the scene."""
        return [self.clickPanel.stop_placing, *self.lookPanel.steps()]

    def onLoadSampleData(self, *_args):
        try:
            self.logic.loadSampleData(self._parameterNode)
        except Exception as error:  # noqa: BLE001 - shown as a sentence
            self.ui.registerStatus.setText(self._sentence(error))


class SAMRegistrationLogic(
    RegistrationLogic,
    ClicksLogic,
    LookLogic,
    WeightsLogic,
    TrainingLogic,
    SamplesLogic,
    ScriptedLoadableModuleLogic,
):
    """Everything the module does, without any widget; every action of the panel is one call of it.

    Example:
        >>> logic = SAMRegistrationLogic()                                         # doctest: +SKIP
        >>> nodes = logic.register(getNode("Fixed"), getNode("Moving"))            # doctest: +SKIP
        >>> slicer.util.saveNode(nodes.transform, "fixed-from-moving.h5")          # doctest: +SKIP
    """

    def getParameterNode(self) -> SAMRegistrationParameterNode:
        """The module's parameter node, as one object with typed attributes."""
        return SAMRegistrationParameterNode(super().getParameterNode())


class SAMRegistrationTest(ScriptedLoadableModuleTest):
    """The way of a clinician on a small simulated pair, by the logic alone; the panel has tests of its own."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_click_register_and_look()

    def test_click_register_and_look(self):
        from SAMRegistrationLib.job import Job

        logic = SAMRegistrationLogic()
        parameters = logic.getParameterNode()
        parameters.fixedVolume = self.ball("Before", (0.0, 0.0, 0.0))
        assert logic.reasonNotToRegister(parameters) == _("Choose a moving volume")
        parameters.movingVolume = self.ball("After", (5.0, -4.0, 3.0))
        assert logic.reasonNotToRegister(parameters) == ""
        parameters.preset, parameters.device = "fast", "cpu"

        ball = logic.addStructure(parameters, "ball")
        fixed, moving = (logic.openEditor(parameters, side) for side in ("fixed", "moving"))
        fixed.show(fixed.point(ball, (0.0, 0.0, 0.0), True)(Job()))
        fixed.show(fixed.point(ball, (20.0, 20.0, 0.0), False)(Job()))
        fixed.show(fixed.undo()(Job()))
        assert len(logic.promptsOf(parameters, "fixed").structure(ball).prompts) == 1
        transform = logic.proposalTransform(parameters, "fixed")
        moving.show(moving.propose(fixed, [ball], transform)(Job()))
        moving.show(moving.accept(ball)(Job()))
        for editor in (fixed, moving):
            editor.show(editor.propagate(ball)(Job()))
        self.delayDisplay("Structures are clicked")

        work, present = logic.startRegistration(parameters)
        nodes = present(work(Job()))
        logic.showResult(parameters)
        mapped = [0.0, 0.0, 0.0]
        nodes.transform.GetTransformFromParent().TransformPoint((16.0, 8.0, -8.0), mapped)
        distance = sum((a - b) ** 2 for a, b in zip(mapped, (21.0, 4.0, -5.0))) ** 0.5
        assert distance < 2.5, f"the spot was missed by {distance:.1f} mm"
        assert nodes.segmentation.GetSegmentation().GetSegment(ball).GetName() == "ball"
        assert nodes.transform.GetDisplayNode().GetVisibility2D()
        self.delayDisplay("Test passed")

    def ball(self, name, center):
        """A volume node with a bright ball around a center (RAS mm), inside a body with a spot on one side."""
        import numpy as np

        k, j, i = np.meshgrid(*[2.0 * np.arange(n) - n for n in (36, 40, 44)], indexing="ij")
        x, y, z = i - center[0], j - center[1], k - center[2]
        ball = np.sqrt(x**2 + y**2 + z**2)
        body = np.sqrt(x**2 + (1.3 * y) ** 2 + (1.1 * z) ** 2)
        spot = (x - 16) ** 2 + (y - 8) ** 2 + (z + 8) ** 2
        values = 60 / (1 + np.exp((body - 28) / 2)) + 120 / (1 + np.exp(ball - 13)) + 100 * np.exp(-spot / 40)
        matrix = np.diag([2.0, 2.0, 2.0, 1.0])
        matrix[:3, 3] = (-44, -40, -36)
        node = slicer.util.addVolumeFromArray(values.astype(np.float32), ijkToRAS=matrix, name=name)
        node.CreateDefaultDisplayNodes()
        return node
