"""The section "Sequence": a ball that beats, under a parent transform, registered and looked at by the panel."""

import csv

import numpy as np
import pytest
import slicer
from module_cine import RADII, SPACING, cine_nodes
from SAMRegistrationLib.testing.driver import click, save_and_load, settle, wait


@pytest.fixture
def cine(panel):
    """A sequence that is shown under a parent transform, with a mask and a point in its frame 0, in the world."""
    return cine_nodes(panel.logic)


@pytest.fixture
def registered(panel, cine):
    sequence, _, segmentation, points, _ = cine
    ui = panel.ui
    assert ui.sequenceButton.text == "Choose a sequence"
    ui.sequenceSelector.setCurrentNode(sequence)
    ui.sequenceMasksSelector.setCurrentNode(segmentation)
    ui.sequencePointsSelector.setCurrentNode(points)
    ui.sequenceCyclicCheckBox.setChecked(True)
    slicer.app.processEvents()
    assert ui.sequenceButton.text == "Register 4 frames"
    click(ui.sequenceButton)
    wait(lambda: not panel.sequencePanel.running)
    assert ui.sequenceStatus.text.startswith("Done in"), ui.sequenceStatus.text
    return cine


def test_the_curves_follow_the_ball(panel, registered, tmp_path):
    ui, parameters = panel.ui, panel.parameters()
    panel.sequencePanel.export(str(tmp_path / "curves.csv"))
    with open(tmp_path / "curves.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["frame"]) for row in rows] == [0, 1, 2, 3]
    expected = [4 / 3 * np.pi * radius**3 / 1000 for radius in RADII]
    assert [float(row["LV (ml)"]) for row in rows] == pytest.approx(expected, rel=0.06)
    moved = [float(row["wall: displacement (mm)"]) for row in rows]
    assert moved == pytest.approx([RADII[0] - radius for radius in RADII], abs=0.7)
    chart = parameters.sequenceChart
    assert chart.GetNumberOfPlotSeriesNodes() == 2
    series = chart.GetNthPlotSeriesNode(0)
    assert (series.GetXColumnName(), series.GetYColumnName()) == ("frame", "LV (ml)")
    assert series.GetTableNode() is parameters.sequenceTable
    low, high = chart.GetYAxisRange()
    assert not chart.GetYAxisRangeAuto()
    assert low == 0
    assert high > 1.1 * max(expected)
    click(ui.sequencePlotButton)


def test_the_status_tells_the_ejection_fraction(panel, registered):
    text = panel.logic.describeSequence(panel.parameters())
    share = float(text.split("ejection fraction ")[1].split(" ")[0])
    assert share == pytest.approx(100 * (1 - (min(RADII) / max(RADII)) ** 3), abs=4)
    assert text in panel.ui.sequenceStatus.text


def test_the_masks_are_shown_in_step_with_the_frames_where_they_are_in_the_world(panel, registered):
    sequence, browser, _, _, center = registered
    masks = browser.GetProxyNode(panel.parameters().sequenceSegmentations)
    assert masks.GetDisplayNode() is not None
    volumes = []
    for number in range(len(RADII)):
        browser.SetSelectedItemNumber(number)
        slicer.app.processEvents()
        masks = browser.GetProxyNode(panel.parameters().sequenceSegmentations)
        segment = masks.GetSegmentation().GetSegment("ball")
        assert segment.GetName() == "LV"
        assert np.linalg.norm(np.array(masks.GetSegmentCenterRAS("ball")) - center) < 2.5
        shown = browser.GetProxyNode(sequence)
        volumes.append(slicer.util.arrayFromSegmentBinaryLabelmap(masks, "ball", shown).sum() * np.prod(SPACING))
    assert volumes == pytest.approx([4 / 3 * np.pi * radius**3 for radius in RADII], rel=0.1)


def test_a_frame_under_its_motion_lies_on_the_reference(panel, registered):
    _, browser, _, _, center = registered
    browser.SetSelectedItemNumber(2)
    slicer.app.processEvents()
    motion = browser.GetProxyNode(panel.parameters().sequenceMotion)
    to_frame, outward = [0.0, 0.0, 0.0], np.array([0.6, 0.8, 0.0])
    motion.GetTransformFromParent().TransformPoint(center + RADII[0] * outward, to_frame)
    assert np.linalg.norm(np.array(to_frame) - center) == pytest.approx(RADII[2], abs=0.8)


def test_the_shown_frame_becomes_the_reference(panel, cine):
    sequence, browser, *_ = cine
    panel.ui.sequenceSelector.setCurrentNode(sequence)
    browser.SetSelectedItemNumber(3)
    slicer.app.processEvents()
    click(panel.ui.shownFrameButton)
    assert panel.parameters().sequenceReference == 3
    assert panel.ui.sequenceReferenceSpinBox.value == 3


def test_a_canceled_sequence_leaves_the_scene_as_it_was(panel, cine):
    sequence, *_ = cine
    panel.ui.sequenceSelector.setCurrentNode(sequence)
    slicer.app.processEvents()
    before = slicer.mrmlScene.GetNumberOfNodes()
    click(panel.ui.sequenceButton)
    click(panel.ui.sequenceCancelButton)
    assert panel.ui.sequenceStatus.text.startswith("Canceled")
    settle(panel)
    assert slicer.mrmlScene.GetNumberOfNodes() == before
    assert panel.ui.sequenceButton.enabled


def test_a_result_comes_back_with_the_scene(panel, registered, tmp_path):
    text = panel.logic.describeSequence(panel.parameters())
    save_and_load(tmp_path / "scene.mrb")
    parameters = panel.parameters()
    assert parameters.sequence.GetNumberOfDataNodes() == len(RADII)
    assert parameters.sequenceMotion.GetNumberOfDataNodes() == len(RADII)
    assert parameters.sequenceSegmentations.GetNumberOfDataNodes() == len(RADII)
    assert panel.logic.describeSequence(parameters) == text


def test_what_cannot_be_registered_is_told(panel):
    sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "empty")
    panel.ui.sequenceSelector.setCurrentNode(sequence)
    slicer.app.processEvents()
    assert panel.ui.sequenceButton.text == "The sequence has less than two frames"
    assert not panel.ui.sequenceButton.enabled
    for number in range(2):
        sequence.SetDataNodeAtValue(slicer.vtkMRMLTransformNode(), str(number))
    panel.onParametersModified()
    click(panel.ui.sequenceButton)
    assert panel.ui.sequenceStatus.text == "empty is no sequence of volumes."
