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

SAMPLE_NAME = "SAMRegistrationBrains"


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
        slicer.app.connect("startupCompleted()", registerSampleData)


def registerSampleData():
    """Offer two brain MR volumes of one patient, before and after surgery, in the Sample Data module."""
    try:
        import SampleData
    except ImportError:
        return
    sums = (
        "998cb522173839c78657f4bc0ea907cea09fd04e44601f17c82ea27927937b95",
        "1a64f3f422eb3d1c9b093d1a18da354b13bcf307907c66317e2463ee530b7a97",
    )
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="SAMRegistration",
        sampleName=SAMPLE_NAME,
        thumbnailFileName=None,
        uris=["https://github.com/Slicer/SlicerTestingData/releases/download/SHA256/" + checksum for checksum in sums],
        fileNames=["RegLib_C01_1.nrrd", "RegLib_C01_2.nrrd"],
        nodeNames=["MRBrainTumor1", "MRBrainTumor2"],
        checksums=["SHA256:" + checksum for checksum in sums],
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
        from SAMRegistrationLib.widget.look import LookPanel
        from SAMRegistrationLib.widget.messages import sentence
        from SAMRegistrationLib.widget.register import RegisterPanel
        from SAMRegistrationLib.widget.runner import Runner
        from SAMRegistrationLib.widget.structures import StructuresTable

        self.runner = Runner()
        self.structuresTable = StructuresTable(
            self.ui, self.logic, self.parameters, self.onStructuresChanged, self.onStructureRemoved
        )
        self.clickPanel = ClickPanel(self.ui, self.logic, self.runner, self.parameters, self.structuresTable)
        self.registerPanel = RegisterPanel(self.ui, self.logic, self.runner, self.parameters, self.onPresented)
        self.lookPanel = LookPanel(self.ui, self.logic, self.runner, self.parameters)
        self.advancedPanel = AdvancedPanel(self.ui, self.logic, self.runner, self.parameters)
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

    def exit(self):
        self.clickPanel.exit()
        self.lookPanel.stop()
        if self._parameterNode is not None:
            self._parameterNode.disconnectGui(self._guiTag)
            self._guiTag = None

    def onSceneStartClose(self, caller, event):
        self.registerPanel.abandon()
        self.advancedPanel.abandon()
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

    def onStructuresChanged(self):
        self.clickPanel.update()
        self.registerPanel.update()

    def onStructureRemoved(self, structureId):
        self.clickPanel.structure_removed(structureId)

    def onPresented(self, nodes):
        """Show a result that has just entered the scene."""
        self.clickPanel.stop_placing()
        self.lookPanel.present()

    def onLoadSampleData(self, *_args):
        try:
            self.logic.loadSampleData(self._parameterNode)
        except Exception as error:  # noqa: BLE001 - shown as a sentence
            self.ui.registerStatus.setText(self._sentence(error))


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

    def showResult(
        self,
        parameters,
        grid=True,
        grid3D=True,
        jacobian=False,
        outlines=True,
        opacity=0.5,
        sideBySide=False,
        checkerboard=False,
    ) -> None:
        """Show the last result: the warped volume over the fixed one, outlines of the masks, the grid.

        Args:
            grid, grid3D: the deformation grid in slice views, in the 3D view.
            jacobian: the Jacobian map with its folds instead of the warped volume.
            outlines: masks of the fixed volume (thick) and warped masks (thin).
            opacity: of what lies over the fixed volume.
            sideBySide: fixed and warped volume in two views instead of one over the other.
            checkerboard: the checkerboard instead of both, where it was made.

        Example:
            >>> logic.showResult(logic.getParameterNode(), jacobian=True)                    # doctest: +SKIP
        """
        from SAMRegistrationLib.scene import display

        over = parameters.resultJacobian if jacobian else parameters.resultVolume
        if checkerboard and parameters.resultCheckerboard is not None:
            display.show_layers(parameters.resultCheckerboard, parameters.resultJacobian if jacobian else None, opacity)
        elif sideBySide:
            display.show_side_by_side(parameters.fixedVolume, parameters.resultVolume)
        else:
            display.show_layers(parameters.fixedVolume, over, opacity, fit=True)
        display.set_grid_visible(parameters.resultTransform, grid, grid3D)
        for node, thickness, fill in ((parameters.fixedSegmentation, 3, 0.0), (parameters.resultSegmentation, 1, 0.2)):
            if node is not None:
                display.show_outlines(node, thickness, fill)
                node.SetDisplayVisibility(outlines)
        if parameters.resultFolds is not None:
            display.show_outlines(parameters.resultFolds, 2, 0.5)
            parameters.resultFolds.SetDisplayVisibility(jacobian)
        if parameters.movingSegmentation is not None:
            parameters.movingSegmentation.SetDisplayVisibility(False)

    def startCheckerboard(self, parameters):
        """Compare the last result as a checkerboard.

        Returns:
            (work, present), as of :meth:`startRegistration`; the node is then ``parameters.resultCheckerboard``.

        Example:
            >>> work, present = logic.startCheckerboard(logic.getParameterNode())            # doctest: +SKIP
            >>> present(work(None))                                                          # doctest: +SKIP
        """
        from SAMRegistrationLib.errors import InputError
        from SAMRegistrationLib.scene import compare
        from SAMRegistrationLib.scene.volumes import grid_of, image_of

        fixed, warped = parameters.fixedVolume, parameters.resultVolume
        if fixed is None or warped is None:
            raise InputError(_("Register first."))
        grid = grid_of(warped)
        inputs = (image_of(fixed), image_of(warped), compare.window_of(fixed), compare.window_of(warped))
        if not grid.matches(grid_of(fixed)):
            raise InputError(_("The fixed volume was changed since the registration; register again."))

        def present(array):
            parameters.resultCheckerboard = compare.show_checkerboard(array, grid, parameters.resultCheckerboard)

        return lambda job: compare.checkerboard(*inputs), present

    def startApplying(self, parameters, node):
        """Bring a copy of a node of the moving volume's space to the fixed volume by the last result.

        Returns:
            (work, present), as of :meth:`startRegistration`; `present` returns the new node.

        Raises:
            InputError: the node cannot be transformed.

        Example:
            >>> work, present = logic.startApplying(logic.getParameterNode(), landmarks)     # doctest: +SKIP
            >>> warpedLandmarks = present(work(None))                                        # doctest: +SKIP
        """
        from SAMRegistrationLib.scene.compare import bring

        return bring(node, parameters.resultTransform, parameters.resultInverse, parameters.fixedVolume)

    def loadSampleData(self, parameters) -> None:
        """Download (once) and load the sample pair of the Sample Data module, and choose it.

        Raises:
            InputError: the Sample Data module is not there, or cannot load the pair.

        Example:
            >>> logic.loadSampleData(logic.getParameterNode())                               # doctest: +SKIP
        """
        from SAMRegistrationLib.errors import InputError

        try:
            import SampleData
        except ImportError as error:
            raise InputError(_("The module Sample Data is not available in this application.")) from error
        nodes = SampleData.SampleDataLogic().downloadSamples(SAMPLE_NAME)
        if not nodes or len(nodes) != 2 or None in nodes:
            raise InputError(_("The sample data could not be loaded; check the network connection."))
        parameters.fixedVolume, parameters.movingVolume = nodes

    # --- structures and clicks

    def volumeOf(self, parameters, side):
        """The volume node of a side, "fixed" or "moving"; None without any."""
        return None if parameters is None else getattr(parameters, f"{side}Volume")

    def segmentationOf(self, parameters, side):
        """The segmentation node of a side, "fixed" or "moving"; None without any."""
        return None if parameters is None else getattr(parameters, f"{side}Segmentation")

    def structures(self, parameters) -> list:
        """The structures of both segmentations, each once (StructureInfo).

        Example:
            >>> [s.name for s in logic.structures(logic.getParameterNode())]                 # doctest: +SKIP
            ['liver', 'spleen']
        """
        from SAMRegistrationLib.scene.structures import structures_of

        found = {}
        for side in ("fixed", "moving"):
            for structure in structures_of(self.segmentationOf(parameters, side)):
                found.setdefault(structure.id, structure)
        return list(found.values())

    def addStructure(self, parameters, name, color=None, terminology="") -> str:
        """Add a structure to the segmentations of both sides, which are made where there are none.

        Returns:
            Its id, which is that of its segments.

        Example:
            >>> liver = logic.addStructure(logic.getParameterNode(), "liver")                # doctest: +SKIP
        """
        from SAMRegistrationLib.scene.structures import new_structure

        structure = new_structure(name, len(self.structures(parameters)), color, terminology)
        self._putStructure(parameters, structure)
        return structure.id

    def anatomies(self) -> dict:
        """The presets: name of the anatomy to its structures."""
        from pathlib import Path

        from SAMRegistrationLib.scene.structures import anatomies

        return anatomies(Path(__file__).parent / "Resources" / "Presets")

    def addAnatomy(self, parameters, name) -> None:
        """Add the structures of a preset that are not there yet.

        Example:
            >>> logic.addAnatomy(logic.getParameterNode(), "Heart")                          # doctest: +SKIP
        """
        there = {structure.name.lower() for structure in self.structures(parameters)}
        for structure in self.anatomies()[name]:
            if structure.name.lower() not in there:
                self.addStructure(parameters, structure.name, structure.color, structure.terminology)

    def changeStructure(self, parameters, structureId, **changes) -> None:
        """Change name or color of a structure in both images.

        Example:
            >>> logic.changeStructure(logic.getParameterNode(), liver, name="Liver")         # doctest: +SKIP
        """
        structure = next(entry for entry in self.structures(parameters) if entry.id == structureId)
        self._putStructure(parameters, structure._replace(**changes))

    def removeStructure(self, parameters, structureId) -> None:
        """Remove a structure with its masks and prompts from both images.

        Example:
            >>> logic.removeStructure(logic.getParameterNode(), liver)                       # doctest: +SKIP
        """
        from SAMRegistrationLib.scene.structures import read_prompts, write_prompts

        for side in ("fixed", "moving"):
            node = self.segmentationOf(parameters, side)
            if node is not None:
                node.GetSegmentation().RemoveSegment(structureId)
                prompts = read_prompts(node)
                if prompts.has(structureId):
                    write_prompts(node, prompts.without_structure(structureId))

    def isStructureVisible(self, parameters, structureId) -> bool:
        """Whether a structure is shown in the views."""
        for side in ("fixed", "moving"):
            node = self.segmentationOf(parameters, side)
            known = node is not None and node.GetSegmentation().GetSegment(structureId) is not None
            if known and node.GetDisplayNode() is not None and node.GetDisplayNode().GetSegmentVisibility(structureId):
                return True
        return False

    def setStructureVisible(self, parameters, structureId, visible) -> None:
        """Show or hide a structure in the views."""
        for node in (parameters.fixedSegmentation, parameters.movingSegmentation, parameters.resultSegmentation):
            known = node is not None and node.GetSegmentation().GetSegment(structureId) is not None
            if known and node.GetDisplayNode() is not None:
                node.GetDisplayNode().SetSegmentVisibility(structureId, visible)

    def promptsOf(self, parameters, side):
        """The prompts of a side (PromptSet), as they are saved with the scene."""
        from SAMRegistrationLib.scene.structures import read_prompts

        return read_prompts(self.segmentationOf(parameters, side))

    def openEditor(self, parameters, side):
        """Start clicking in a volume: a SAMRegistrationLib.scene.editor.MaskEditor.

        Raises:
            InputError: there is no volume, or it cannot be used.

        Example:
            >>> editor = logic.openEditor(logic.getParameterNode(), "fixed")                 # doctest: +SKIP
            >>> editor.show(editor.point(liver, (40.0, 20.0, 110.0), True)(Job()))           # doctest: +SKIP
        """
        from SAMRegistrationLib.errors import InputError
        from SAMRegistrationLib.scene.editor import MaskEditor

        volume = self.volumeOf(parameters, side)
        if volume is None:
            raise InputError(_("Choose a {side} volume first.").format(side=side))
        model, device = parameters.clickModel, parameters.device
        segmentation = self._segmentation(parameters, side)
        return MaskEditor(volume, segmentation, lambda: self.openPredictor(model, device))

    def openPredictor(self, model="compact", device="auto"):
        """The click model; may run on any thread.

        Raises:
            WeightsError: its weights are missing or damaged.
        """
        from SAMRegistrationLib.segmentation.models import open_predictor

        return open_predictor(model, device)

    def proposalTransform(self, parameters, side):
        """Where clicks of a side are proposed on the other one: by the last result of this pair, else by position."""
        from SAMRegistrationLib.scene.editor import start_transform
        from SAMRegistrationLib.scene.transforms import library_transform
        from SAMRegistrationLib.scene.volumes import grid_of

        node = parameters.resultTransform if side == "fixed" else parameters.resultInverse
        ends = (self.volumeOf(parameters, side), self.volumeOf(parameters, "moving" if side == "fixed" else "fixed"))
        if node is not None:
            roles = (node.GetFixedNodeReferenceRole(), node.GetMovingNodeReferenceRole())
            transform = library_transform(node)
            if transform is not None and [node.GetNodeReference(role) for role in roles] == list(ends):
                return transform
        return start_transform(*map(grid_of, ends))

    def clickModels(self) -> dict:
        """The click models that can be chosen: name to whether it is there; what is not can be downloaded.

        Example:
            >>> logic.clickModels()                                                          # doctest: +SKIP
            {'compact': True, 'sam-vit-b': False, ...}
        """
        from SAMRegistrationLib.weights import MANIFEST, is_installed

        return {"compact": True, **{entry.name: is_installed(entry) for entry in MANIFEST}}

    def downloadModel(self, name, job):
        """Download the weights of a click model and verify them; may run on any thread.

        Raises:
            WeightsError: the server cannot be reached or sends another file.

        Example:
            >>> logic.downloadModel("sam-vit-b", Job(print))                                 # doctest: +SKIP
        """
        from SAMRegistrationLib.weights import download, find

        return download(find(name), job=job)

    def removeModel(self, name) -> bool:
        """Delete the downloaded weights of a click model; whether there was anything to delete."""
        from SAMRegistrationLib.weights import find, remove

        return remove(find(name))

    def showSide(self, parameters, side) -> None:
        """Show one volume with its masks in all slice views."""
        from SAMRegistrationLib.scene import display

        volume = self.volumeOf(parameters, side)
        if volume is None:
            return
        display.show_layers(volume, fit=True)
        for name in ("fixed", "moving"):
            node = self.segmentationOf(parameters, name)
            if node is not None:
                node.SetDisplayVisibility(name == side)
        for node in (parameters.resultSegmentation, parameters.resultFolds):
            if node is not None:
                node.SetDisplayVisibility(False)
        if parameters.resultTransform is not None:
            display.set_grid_visible(parameters.resultTransform, False, False)

    def viewCenter(self):
        """Where the slice views meet (RAS mm)."""
        from SAMRegistrationLib.scene.display import view_center

        return view_center()

    def _segmentation(self, parameters, side):
        from SAMRegistrationLib.scene.masks import new_segmentation
        from SAMRegistrationLib.scene.structures import put_structure

        node = self.segmentationOf(parameters, side)
        if node is None:
            volume = self.volumeOf(parameters, side)
            node = new_segmentation(f"{volume.GetName()} masks", volume)
            for structure in self.structures(parameters):
                put_structure(node, structure)
            setattr(parameters, f"{side}Segmentation", node)
        return node

    def _putStructure(self, parameters, structure):
        from SAMRegistrationLib.errors import InputError
        from SAMRegistrationLib.scene.structures import put_structure

        sides = [side for side in ("fixed", "moving") if self.volumeOf(parameters, side) is not None]
        if not sides:
            raise InputError(_("Choose a volume first."))
        for side in sides:
            put_structure(self._segmentation(parameters, side), structure)

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
