"""Deformable registration that knows anatomy: the module as 3D Slicer sees it.

What computes is in SAMRegistrationLib; its numerical libraries are imported when they are needed, not here.
"""

from typing import Annotated, Optional

import slicer
import vtk
from SAMRegistrationLib.choices import (
    AUTO,
    BUILT_IN_CLICK_MODEL,
    MODALITIES,
    PREALIGNMENT,
    PREALIGNMENTS,
    PRESET,
    PRESETS,
)
from SAMRegistrationLib.logic.clicks import ClicksLogic
from SAMRegistrationLib.logic.correction import CorrectionLogic
from SAMRegistrationLib.logic.export import ExportLogic
from SAMRegistrationLib.logic.hints import HintsLogic
from SAMRegistrationLib.logic.landmarks import LandmarksLogic
from SAMRegistrationLib.logic.samples import SamplesLogic, register_sample_data
from SAMRegistrationLib.logic.sequences import SequencesLogic
from SAMRegistrationLib.logic.training import TrainingLogic
from SAMRegistrationLib.logic.weights import WeightsLogic
from slicer import (
    vtkMRMLMarkupsFiducialNode,
    vtkMRMLPlotChartNode,
    vtkMRMLScalarVolumeNode,
    vtkMRMLSegmentationNode,
    vtkMRMLSequenceNode,
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
    fixedModality: Annotated[str, Choice([AUTO, *MODALITIES])] = AUTO
    movingModality: Annotated[str, Choice([AUTO, *MODALITIES])] = AUTO
    fixedSegmentation: vtkMRMLSegmentationNode
    movingSegmentation: vtkMRMLSegmentationNode
    clickSide: Annotated[str, Choice(["fixed", "moving"])] = "fixed"
    chosenStructure: str = ""
    clickModel: str = BUILT_IN_CLICK_MODEL
    device: str = AUTO
    preset: Annotated[str, Choice(list(PRESETS))] = PRESET
    prealignment: Annotated[str, Choice(list(PREALIGNMENTS))] = PREALIGNMENT
    initialTransform: vtkMRMLTransformNode
    fixedLandmarks: vtkMRMLMarkupsFiducialNode
    movingLandmarks: vtkMRMLMarkupsFiducialNode
    fixedHeldOut: vtkMRMLMarkupsFiducialNode
    movingHeldOut: vtkMRMLMarkupsFiducialNode
    stiffness: Annotated[float, WithinRange(0.25, 4), Default(1)]
    estimateConfidence: bool = False
    useNetwork: bool = True
    weights: str = ""
    trainingData: str = ""
    trainingOutput: str = ""
    trainingMinutes: Annotated[int, WithinRange(0, 100000), Default(20)]
    trainingSteps: Annotated[int, WithinRange(1, 1000000), Default(1000)]
    gridSpacing: Annotated[float, WithinRange(2, 60), Default(15)]
    showGrid: bool = True
    showGrid3D: bool = True
    shownMap: Annotated[str, Choice(["none", "jacobian", "displacement", "disagreement"])] = "none"
    showOutlines: bool = True
    opacity: Annotated[float, WithinRange(0, 1), Default(0.5)]
    autoUpdate: bool = False
    compareMode: Annotated[str, Choice(["blend", "sideBySide", "checkerboard", "flicker"])] = "blend"
    resultTransform: vtkMRMLTransformNode
    resultInverse: vtkMRMLTransformNode
    resultVolume: vtkMRMLScalarVolumeNode
    resultJacobian: vtkMRMLScalarVolumeNode
    resultDisplacement: vtkMRMLScalarVolumeNode
    resultDisagreement: vtkMRMLScalarVolumeNode
    resultSegmentation: vtkMRMLSegmentationNode
    resultFolds: vtkMRMLSegmentationNode
    resultTable: vtkMRMLTableNode
    resultFoldTable: vtkMRMLTableNode
    resultCheckerboard: vtkMRMLScalarVolumeNode
    otherVolume: vtkMRMLScalarVolumeNode
    sequence: vtkMRMLSequenceNode
    sequenceReference: Annotated[int, WithinRange(0, 100000)] = 0
    sequenceCyclic: bool = False
    sequenceMasks: vtkMRMLSegmentationNode
    sequencePoints: vtkMRMLMarkupsFiducialNode
    sequenceMotion: vtkMRMLSequenceNode
    sequenceSegmentations: vtkMRMLSequenceNode
    sequenceTable: vtkMRMLTableNode
    sequenceChart: vtkMRMLPlotChartNode


class SAMRegistrationWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel; its sections are classes of SAMRegistrationLib.widget."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self._parameterNode = None
        self._guiTag = None
        self.panels = []

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/SAMRegistration.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = SAMRegistrationLogic()

        from SAMRegistrationLib.widget.advanced import AdvancedPanel
        from SAMRegistrationLib.widget.applying import Applying
        from SAMRegistrationLib.widget.choices import name_choices
        from SAMRegistrationLib.widget.click_panel import ClickPanel
        from SAMRegistrationLib.widget.correct import CorrectPanel
        from SAMRegistrationLib.widget.devices import DeviceChoice
        from SAMRegistrationLib.widget.diagnostics import Diagnostics
        from SAMRegistrationLib.widget.export import ExportPanel
        from SAMRegistrationLib.widget.guide import GuidePanel
        from SAMRegistrationLib.widget.history import HistoryPanel
        from SAMRegistrationLib.widget.installation import InstallationPanel
        from SAMRegistrationLib.widget.landmarks import LandmarksPanel
        from SAMRegistrationLib.widget.look import LookPanel
        from SAMRegistrationLib.widget.matching import Matching
        from SAMRegistrationLib.widget.measures import Measures
        from SAMRegistrationLib.widget.modality import ModalityGuess
        from SAMRegistrationLib.widget.originals import Originals
        from SAMRegistrationLib.widget.register import RegisterPanel
        from SAMRegistrationLib.widget.runner import Runner
        from SAMRegistrationLib.widget.samples import SamplesPanel
        from SAMRegistrationLib.widget.sequence import SequencePanel
        from SAMRegistrationLib.widget.structures_table import StructuresTable
        from SAMRegistrationLib.widget.training import TrainingPanel

        self.runner = Runner()
        shared = (self.ui, self.logic, self.runner, self.parameters)
        self.structuresTable = StructuresTable(
            self.ui, self.logic, self.parameters, self.onStructuresChanged, self.onStructureRemoved
        )
        self.clickPanel = ClickPanel(*shared, self.structuresTable, self.onMasksCarried)
        self.registerPanel = RegisterPanel(*shared, self.stepsToShow)
        self.lookPanel = LookPanel(*shared, self.clickPanel.hide_points)
        self.guidePanel = GuidePanel(self.ui, self.logic, self.parameters)
        history = self.logic.newHistory()
        self.historyPanel = HistoryPanel(self.ui, self.logic, self.parameters, history, self.onResultChanged)
        self.correctPanel = CorrectPanel(*shared, history, self.lookPanel, self.onResultChanged)
        self.measures = Measures(self.ui, self.logic, self.parameters, history, self.historyPanel)
        self.sequencePanel = SequencePanel(*shared)
        self.trainingPanel = TrainingPanel(*shared)
        self.installationPanel = InstallationPanel(self.ui, self.logic, self.onInstalled)
        self.deviceChoice = DeviceChoice(
            *shared, self.installationPanel.show_report, self.installationPanel.show_problem
        )
        self.panels = [
            Matching(self.ui, self.logic, self.parameters),
            Originals(self.logic, self.parameters, self.clickPanel.update),
            ModalityGuess(*shared),
            self.structuresTable,
            self.clickPanel,
            LandmarksPanel(self.ui, self.logic, self.parameters),
            self.registerPanel,
            self.historyPanel,
            self.lookPanel,
            self.correctPanel,
            self.measures,
            Applying(*shared),
            ExportPanel(*shared),
            self.sequencePanel,
            AdvancedPanel(*shared),
            self.trainingPanel,
            self.installationPanel,
            Diagnostics(self.ui, self.logic),
            self.deviceChoice,
            SamplesPanel(*shared),
            self.guidePanel,
        ]
        self._nameChoices = name_choices
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndImportEvent, self.onSceneEndImport)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.NodeRemovedEvent, self.onNodeRemoved)
        self.initializeParameterNode()

    def cleanup(self):
        for panel in self.panels:
            panel.exit()
            panel.scene_closes()
        self.setParameterNode(None)
        self.runner.close()
        self.removeObservers()

    def enter(self):
        self.initializeParameterNode()
        for panel in self.panels:
            panel.enter()

    def exit(self):
        for panel in self.panels:
            panel.exit()
        self._disconnect()

    def onSceneStartClose(self, caller, event):
        for panel in self.panels:
            panel.scene_closes()
        self.runner.abandon_all()
        self.setParameterNode(None)

    def onSceneEndClose(self, caller, event):
        if self.parent.isEntered:
            self.initializeParameterNode()

    def onSceneEndImport(self, caller, event):
        """Go on with what was loaded, which may be the content of the parameter node.

        Its last ModifiedEvent came before the nodes that it refers to were there. Wrappers of it that running work and
        scripts hold learn of those by another one.
        """
        for panel in self.panels:
            panel.scene_loaded()
        self._disconnect()
        self.logic.getParameterNode().Modified()
        if self.parent.isEntered:
            self.enter()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onNodeRemoved(self, caller, event, node):
        """Let go of what is removed while another module is shown, when the panel does not follow the parameters."""
        kinds = ("vtkMRMLVolumeNode", "vtkMRMLSegmentationNode", "vtkMRMLTableNode", "vtkMRMLMarkupsNode")
        if not (self.parent.isEntered or caller.IsClosing()) and any(map(node.IsA, kinds)):
            self.onParametersModified()

    def parameters(self) -> Optional[SAMRegistrationParameterNode]:
        """The parameter node, None while a scene is being closed."""
        return self._parameterNode

    def initializeParameterNode(self):
        """Follow the scene's parameter node, by a new wrapper: one that was kept may remember nodes of before."""
        self.setParameterNode(self.logic.getParameterNode())

    def setParameterNode(self, parameterNode):
        self._disconnect()
        self._parameterNode = parameterNode
        if parameterNode is not None:
            named = {widget.property("SlicerParameterName"): widget for widget in vars(self.ui).values()}
            named = {name: widget for name, widget in named.items() if name}
            self._guiTag = parameterNode.connectParametersToGui(named)  # connectGui gives no tag before Slicer 5.10
            self._nameChoices(self.ui)
            # The node, not its wrapper: what was observed once is kept by VTKObservationMixin forever.
            self.addObserver(parameterNode.parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParametersModified)
        self.onParametersModified()

    def _disconnect(self):
        """Let the panel and the parameter node no longer follow each other."""
        if self._guiTag is not None:
            self._parameterNode.disconnectGui(self._guiTag)
            node = self._parameterNode.parameterNode
            self.removeObserver(node, vtk.vtkCommand.ModifiedEvent, self.onParametersModified)
        self._guiTag = None

    def onParametersModified(self, caller=None, event=None):
        for panel in self.panels:
            panel.update()

    def onStructuresChanged(self):
        self.clickPanel.update()
        self.registerPanel.update()

    def onMasksCarried(self):
        self.correctPanel.masks_changed()
        self.guidePanel.update()

    def onResultChanged(self):
        self.onParametersModified()
        self.lookPanel.show_again()

    def onStructureRemoved(self, structureId, text):
        self.clickPanel.structure_removed(structureId, text)

    def onInstalled(self):
        self.onParametersModified()
        self.deviceChoice.enter()

    def stepsToShow(self) -> list:
        """What shows a result that has just entered the scene; nothing while the user is in another module."""
        steps = self.lookPanel.steps()
        return [self.clickPanel.stop_placing, *steps] if steps else []


class SAMRegistrationLogic(
    SequencesLogic,
    CorrectionLogic,
    ExportLogic,
    HintsLogic,
    ClicksLogic,
    LandmarksLogic,
    WeightsLogic,
    TrainingLogic,
    SamplesLogic,
    ScriptedLoadableModuleLogic,
):
    """Everything the module does, without any widget; every action of the panel is one call of it.

    Example:
        >>> logic = SAMRegistrationLogic()
        >>> nodes = logic.register(getNode("CT1"), getNode("CT2"))
        >>> slicer.util.saveNode(nodes.transform, str(folder / "fixed-from-moving.h5"))
        True
    """

    def getParameterNode(self) -> SAMRegistrationParameterNode:
        """The module's parameter node, as one object with typed attributes.

        It remembers nodes: ask for it again after a scene was loaded.

        Example:
            >>> logic.getParameterNode().fixedVolume.GetName()
            'CT1'
        """
        return SAMRegistrationParameterNode(super().getParameterNode())


class SAMRegistrationTest(ScriptedLoadableModuleTest):
    """The whole workflow by the module's own panel and slice views: on a small pair whose answer is known, and on the
    sample pair where it is available."""

    def setUp(self):
        slicer.mrmlScene.Clear()
        if not SAMRegistrationLogic().hasSliceViews():
            self.skipTest("There are no slice views to click in; start the application with its main window.")
        slicer.util.selectModule("SAMRegistration")
        widget = slicer.util.getModuleWidget("SAMRegistration")
        reason = widget.logic.reasonNotToCompute()
        if reason:
            self.skipTest(reason)
        self.panel = widget

    def runTest(self):
        import unittest

        for test in (
            self.test_click_register_look_save_and_go_on,
            self.test_cancel_in_the_middle,
            self.test_close_the_scene_in_the_middle,
            self.test_the_whole_way_on_the_sample_pair,
        ):
            try:
                self.setUp()
                test()
            except unittest.SkipTest as reason:
                self.delayDisplay(str(reason))

    def test_click_register_look_save_and_go_on(self):
        import numpy as np
        from SAMRegistrationLib.metrics import mask_dice
        from SAMRegistrationLib.testing import driver, phantom, workflow

        panel, ui = self.panel, self.panel.ui
        assert ui.registerButton.text == _("Choose a fixed volume")
        workflow.load_phantom(panel)
        ball, body = driver.add_structure(panel, "ball"), driver.add_structure(panel, "body")
        workflow.segment(panel, ball, (0.0, 0.0, 0.0), (0.0, -30.0, 0.0))
        workflow.segment(panel, body, (20.0, 0.0, 8.0), (20.0, -30.0, 8.0))
        for side, center in (("fixed", (0.0, 0.0, 0.0)), ("moving", phantom.SHIFT)):
            dice = mask_dice(driver.mask(panel, side, ball), phantom.ball_mask(center))
            assert dice > 0.7, f"the mask of the {side} ball has a Dice of {dice:.2f} only"
        self.delayDisplay("Structures are clicked")

        workflow.register(panel)
        transform, table = panel.parameters().resultTransform, panel.parameters().resultTable.GetTable()
        rows = {
            table.GetValue(n, 0).ToString(): [float(table.GetValue(n, c).ToString()) for c in (1, 2)] for n in range(4)
        }
        assert rows["ball: Dice"][1] > rows["ball: Dice"][0], rows
        for name, place, most in (("center of the ball", (0.0, 0.0, 0.0), 2.5), ("spot", phantom.SPOT, 5.0)):
            error = np.linalg.norm(workflow.mapped(transform, place) - np.add(place, phantom.SHIFT))
            assert error < most, f"the {name} was missed by {error:.1f} mm"
        self.delayDisplay("Registered")

        workflow.check_saving(panel)
        driver.click_and_settle(panel, ui.fixedImageButton)
        driver.select_structure(panel, ball)
        driver.place(panel, ui.plusButton, (4.0, 4.0, 0.0))
        assert len(driver.prompts(panel, "fixed", ball)) == 2
        assert ui.registerButton.enabled
        self.delayDisplay("Saved, loaded and continued")

    def test_the_whole_way_on_the_sample_pair(self):
        from SAMRegistrationLib.testing import driver, workflow

        panel = self.panel
        if not workflow.load_samples(panel):
            self.skipTest("The sample pair is not in the cache of Sample Data and cannot be downloaded.")
        spot = workflow.bright_spot(panel.parameters().fixedVolume)
        structure = driver.add_structure(panel, "bright spot")
        workflow.segment(panel, structure, spot, (spot[0] + 40.0, *spot[1:]))
        workflow.register(panel)
        before, after = workflow.correlations(panel)
        assert after > before, f"the volumes are not more alike: {before:.3f} before, {after:.3f} after"
        workflow.check_saving(panel)
        self.delayDisplay("The whole way on the sample pair")

    def test_cancel_in_the_middle(self):
        from SAMRegistrationLib.testing import driver, workflow

        panel, ui = self.panel, self.panel.ui
        workflow.load_phantom(panel)
        before = driver.node_ids()
        workflow.begin_to_register(panel)
        ui.cancelButton.click()
        driver.settle(panel)
        assert ui.registerStatus.text == _("Canceled; nothing was changed.")
        assert ui.registerButton.enabled
        assert driver.node_ids() == before
        self.delayDisplay("Canceled")

    def test_close_the_scene_in_the_middle(self):
        from SAMRegistrationLib.testing import driver, workflow

        panel, ui = self.panel, self.panel.ui
        workflow.load_phantom(panel)
        workflow.begin_to_register(panel)
        slicer.mrmlScene.Clear()
        driver.settle(panel)
        assert ui.registerButton.text == _("Choose a fixed volume")
        assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0
        self.delayDisplay("Closed")
