"""A scripted module in the host: its panel, its parameter node, its life cycle, clicked with the mouse."""

from pathlib import Path

import Host
import numpy as np
import pytest
import slicer
from Host import gestures
from PySide6 import QtCore, QtTest

SAMPLE = Path(__file__).parent / "sample" / "HostSample.py"


@pytest.fixture(scope="module")
def sample(application):
    """The sample module's widget, shown in the panel."""
    Host.load_module(SAMPLE)
    slicer.app.processEvents()
    return slicer.modules.HostSampleWidget


@pytest.fixture(autouse=True)
def the_sample_is_entered(sample):
    slicer.util.selectModule("HostSample")
    slicer.app.processEvents()


@pytest.fixture
def a_box():
    """A box of 150 in a volume of zeros, 2 x 3 x 3 voxels large."""

    def a_box(name):
        values = np.zeros((4, 5, 6), np.float32)
        values[1:3, 1:4, 2:5] = 150
        node = slicer.util.addVolumeFromArray(values, name=name)
        node.CreateDefaultDisplayNodes()
        slicer.app.processEvents()
        return node

    return a_box


def click(button):
    QtTest.QTest.mouseClick(button, QtCore.Qt.MouseButton.LeftButton)
    slicer.app.processEvents()


def names_in(combo):
    return [combo.nodeFromIndex(index).GetName() for index in range(combo.nodeCount())]


def mask_of(sample, volume):
    segmentation = sample._parameterNode.outputSegmentation
    return slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, "mask", volume)


def test_the_panel_shows_the_module_and_its_buttons_do_their_work(sample, a_box):
    volume = a_box("Box")
    assert sample.ui.applyButton.visible
    assert not sample.ui.applyButton.enabled
    assert sample.ui.applyButton.text == "Choose a volume"
    sample.ui.inputSelector.setCurrentNode(volume)
    assert sample.ui.applyButton.text == "Apply"
    click(sample.ui.applyButton)
    assert mask_of(sample, volume).sum() == 2 * 3 * 3


def test_a_check_box_and_a_slider_change_what_the_button_does(sample, a_box):
    volume = a_box("Box")
    sample.ui.inputSelector.setCurrentNode(volume)
    QtTest.QTest.mouseClick(
        sample.ui.belowCheckBox,
        QtCore.Qt.MouseButton.LeftButton,
        QtCore.Qt.KeyboardModifier.NoModifier,
        QtCore.QPoint(7, 7),
    )
    click(sample.ui.applyButton)
    assert mask_of(sample, volume).sum() == 4 * 5 * 6 - 2 * 3 * 3
    sample.ui.thresholdSlider.setValue(0)
    click(sample.ui.applyButton)
    assert mask_of(sample, volume).sum() == 0


def test_the_node_selector_follows_the_scene(sample, a_box):
    combo = sample.ui.inputSelector
    first, second = a_box("First"), a_box("Second")
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "No volume")
    assert names_in(combo) == ["First", "Second"]
    second.SetName("Renamed")
    assert names_in(combo) == ["First", "Renamed"]
    combo.setCurrentNode(second)
    slicer.mrmlScene.RemoveNode(second)
    assert names_in(combo) == ["First"]
    assert sample._parameterNode.inputVolume is not second
    slicer.mrmlScene.RemoveNode(first)
    assert names_in(combo) == []
    assert sample._parameterNode.inputVolume is None
    assert not sample.ui.applyButton.enabled


def test_what_the_user_set_survives_saving_and_loading_a_scene_bundle(sample, a_box, tmp_path):
    volume = a_box("Kept")
    sample.ui.inputSelector.setCurrentNode(volume)
    sample.ui.thresholdSlider.setValue(37.5)
    sample.ui.belowCheckBox.setChecked(True)
    sample._parameterNode.note = "as set"
    path = str(tmp_path / "scene.mrb")
    assert slicer.util.saveScene(path)
    slicer.mrmlScene.Clear(0)
    slicer.app.processEvents()
    assert sample.ui.thresholdSlider.value == 100
    assert sample._parameterNode.inputVolume is None
    slicer.util.loadScene(path)
    slicer.app.processEvents()
    sample.initializeParameterNode()
    assert sample._parameterNode.inputVolume.GetName() == "Kept"
    assert sample.ui.inputSelector.currentNode().GetName() == "Kept"
    assert sample.ui.thresholdSlider.value == 37.5
    assert sample.ui.belowCheckBox.checked
    assert sample._parameterNode.note == "as set"


def test_the_panel_goes_on_after_the_scene_was_closed(sample, a_box):
    sample.ui.inputSelector.setCurrentNode(a_box("Before"))
    slicer.mrmlScene.Clear(0)
    slicer.app.processEvents()
    assert sample.ui.inputSelector.currentNode() is None
    volume = a_box("After")
    sample.ui.inputSelector.setCurrentNode(volume)
    click(sample.ui.applyButton)
    assert mask_of(sample, volume).sum() == 2 * 3 * 3


def test_selecting_another_module_exits_this_one_and_coming_back_enters_it(sample):
    del sample.calls[:]
    slicer.util.selectModule("Volumes")
    assert slicer.util.selectedModule() == "Volumes"
    assert sample.calls == ["exit"]
    slicer.util.selectModule("HostSample")
    assert sample.calls == ["exit", "enter"]
    assert sample._parameterNode is not None


def test_modules_are_found_by_name_as_in_the_application(sample):
    assert slicer.util.getModule("HostSample") is slicer.modules.hostsample
    assert slicer.util.getModuleWidget("HostSample") is sample
    assert slicer.util.getModuleLogic("HostSample") is sample.logic
    assert Path(slicer.util.modulePath("HostSample")) == SAMPLE
    assert slicer.modules.hostsample.widgetRepresentation().self() is sample
    assert slicer.modules.hostsample.title == "Host sample"
    assert "HostSample" in slicer.util.moduleNames()
    assert slicer.util.getModuleLogic("Volumes").IsA("vtkSlicerVolumesLogic")


def test_a_module_hears_once_that_the_startup_is_completed(sample):
    assert slicer.modules.HostSampleInstance.startups <= 1


def test_the_module_runs_its_own_test_class(sample):
    slicer.modules.HostSampleInstance.runTest(msec=0)
    assert slicer.util.getNode("Box") is not None


def test_reloading_makes_the_widget_anew_from_the_file(sample):
    slicer.util.reloadScriptedModule("HostSample")
    slicer.app.processEvents()
    again = slicer.modules.HostSampleWidget
    assert again is not sample
    assert sample.calls[-1] == "cleanup"
    assert again.calls == ["setup"]  # as the application does it
    assert again.ui.applyButton.visible


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("x = 1\n", "has no class Broken, so it is no Slicer module"), (None, "There is no module file")],
)
def test_a_file_that_is_no_module_is_refused_with_a_sentence(tmp_path, text, sentence):
    path = tmp_path / "Broken.py"
    if text:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(Host.HostError, match=sentence):
        Host.load_module(path)


def test_an_unknown_module_name_gives_a_sentence():
    with pytest.raises(AttributeError, match="has no module 'nosuchmodule'"):
        _ = slicer.modules.nosuchmodule
    with pytest.raises(Host.HostError, match="There is no module Nosuch"):
        slicer.util.selectModule("Nosuch")


def test_a_markups_widget_places_points_in_a_slice_with_its_button(a_box):
    slicer.util.setSliceViewerLayers(background=a_box("Box"), fit=True)
    points = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Prompts")
    points.CreateDefaultDisplayNodes()
    widget = slicer.qSlicerSimpleMarkupsWidget()
    widget.setMRMLScene(slicer.mrmlScene)
    widget.setCurrentNode(points)
    place = widget.markupsPlaceWidget()
    place.setPlaceModeEnabled(True)
    slicer.app.processEvents()
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    assert interaction.GetCurrentInteractionMode() == slicer.vtkMRMLInteractionNode.Place
    gestures.click(gestures.slice_view("Red"), QtCore.QPoint(120, 120))
    assert points.GetNumberOfDefinedControlPoints() == 1
    place.setPlaceModeEnabled(False)
    gestures.click(gestures.slice_view("Red"), QtCore.QPoint(60, 60))
    assert points.GetNumberOfDefinedControlPoints() == 1
    widget.setMRMLScene(None)
    widget.deleteLater()
