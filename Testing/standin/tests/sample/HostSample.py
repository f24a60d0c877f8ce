"""A small scripted module as an extension would ship it: it thresholds a volume into a segmentation."""

import logging
from typing import Annotated, Optional

import slicer
import vtk
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin


class HostSample(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Host sample")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Examples")]
        self.parent.dependencies = []
        self.parent.contributors = ["Nobody"]
        self.startups = 0
        slicer.app.connect("startupCompleted()", self.onStartupCompleted)

    def onStartupCompleted(self):
        self.startups += 1


@parameterNodeWrapper
class HostSampleParameterNode:
    inputVolume: vtkMRMLScalarVolumeNode
    outputSegmentation: vtkMRMLSegmentationNode
    threshold: Annotated[float, WithinRange(0, 200)] = 100
    below: bool = False
    note: Optional[str] = None


class HostSampleWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self._parameterNode = None
        self._guiTag = None
        self.calls = []

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/HostSample.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = HostSampleLogic()
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.ui.applyButton.connect("clicked(bool)", self.onApplyButton)
        self.initializeParameterNode()
        self.calls.append("setup")

    def cleanup(self):
        self.setParameterNode(None)
        self.removeObservers()
        self.calls.append("cleanup")

    def enter(self):
        self.initializeParameterNode()
        self.calls.append("enter")

    def exit(self):
        self.setParameterNode(None)
        self.calls.append("exit")

    def onSceneStartClose(self, caller, event):
        self.setParameterNode(None)

    def onSceneEndClose(self, caller, event):
        if self.parent.isEntered:
            self.initializeParameterNode()

    def initializeParameterNode(self):
        self.setParameterNode(self.logic.getParameterNode())
        if not self._parameterNode.inputVolume:
            firstVolumeNode = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
            if firstVolumeNode:
                self._parameterNode.inputVolume = firstVolumeNode

    def setParameterNode(self, parameterNode):
        if self._parameterNode:
            self._parameterNode.disconnectGui(self._guiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self._checkCanApply)
        self._parameterNode = parameterNode
        if self._parameterNode:
            self._guiTag = self._parameterNode.connectGui(self.ui)
            self.addObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self._checkCanApply)
            self._checkCanApply()

    def _checkCanApply(self, caller=None, event=None):
        ready = self._parameterNode is not None and self._parameterNode.inputVolume is not None
        self.ui.applyButton.text = _("Apply") if ready else _("Choose a volume")
        self.ui.applyButton.enabled = ready

    def onApplyButton(self, *_):
        parameters = self._parameterNode
        with slicer.util.tryWithErrorDisplay("Thresholding failed.", waitCursor=True):
            parameters.outputSegmentation = self.logic.process(
                parameters.inputVolume, parameters.threshold, parameters.below, parameters.outputSegmentation
            )


class HostSampleLogic(ScriptedLoadableModuleLogic):
    def getParameterNode(self):
        return HostSampleParameterNode(super().getParameterNode())

    def process(self, volume, threshold, below=False, segmentation=None):
        if not volume:
            raise ValueError("There is no volume to threshold.")
        array = slicer.util.arrayFromVolume(volume)
        mask = (array < threshold) if below else (array >= threshold)
        if segmentation is None:
            segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"{volume.GetName()} mask")
            segmentation.CreateDefaultDisplayNodes()
            segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
            segmentation.GetSegmentation().AddEmptySegment("mask", "mask", [1.0, 0.2, 0.2])
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype("uint8"), segmentation, "mask", volume)
        logging.info("Thresholded %s", volume.GetName())
        return segmentation


class HostSampleTest(ScriptedLoadableModuleTest):
    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_threshold()

    def test_threshold(self):
        import numpy as np

        values = np.zeros((4, 5, 6), np.float32)
        values[1:3, 1:4, 2:5] = 150
        volume = slicer.util.addVolumeFromArray(values, name="Box")
        segmentation = HostSampleLogic().process(volume, 100)
        mask = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, "mask", volume)
        assert int(mask.sum()) == 2 * 3 * 3
        self.delayDisplay("Test passed")
