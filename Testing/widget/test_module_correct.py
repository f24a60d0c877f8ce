"""The loop of looking and correcting in the section "Look": by clicks, under parents, and what comes of it."""

import numpy as np
import pytest
import slicer
from module_panel import choose, rigid
from SAMRegistrationLib.testing import driver, workflow
from SAMRegistrationLib.testing.driver import click, click_and_settle, click_at, look_at, save_and_load, settle

WRONG_AT = (2.0, 3.0, 5.0)  # RAS mm, in the body of the pair
OFF = np.array([5.0, -3.0, 0.0])


@pytest.fixture
def looking(panel, a_pair, quick_registration):
    """The panel with a result that moves by a known shift."""
    choose(panel, a_pair)
    click_and_settle(panel, panel.ui.registerButton)
    return panel


def points_of(node):
    return [np.array(node.GetNthControlPointPositionWorld(n)) for n in range(node.GetNumberOfDefinedControlPoints())]


def drag(panel, by, number=-1):
    """Drag the counterpart of a pair in the moving volume, as the mouse does."""
    node = panel.parameters().movingLandmarks
    index = range(node.GetNumberOfControlPoints())[number]
    place = np.add(node.GetNthControlPointPositionWorld(index), by)
    node.SetNthControlPointPositionWorld(index, *place)
    node.InvokeEvent(node.PointEndInteractionEvent)
    slicer.app.processEvents()


def add_pair(panel, place=WRONG_AT, by=OFF):
    click_and_settle(panel, panel.ui.addPointsButton)
    look_at(place)
    click_at(place)
    settle(panel)
    drag(panel, by)


def error(panel, number=-1):
    parameters = panel.parameters()
    here, there = (points_of(node)[number] for node in (parameters.fixedLandmarks, parameters.movingLandmarks))
    return np.linalg.norm(workflow.mapped(parameters.resultTransform, here) - there)


def steps(panel):
    table = panel.ui.historyTable
    return [[table.item(row, column).text() for column in range(table.columnCount)] for row in range(table.rowCount)]


def result_ids(panel):
    parameters = panel.parameters()
    nodes = (parameters.resultTransform, parameters.resultInverse, parameters.resultVolume, parameters.resultTable)
    return [node.GetID() for node in nodes]


def test_a_click_proposes_the_counterpart_and_a_drag_and_update_correct_the_result(looking):
    panel, ui = looking, looking.ui
    inputs, ids = workflow.input_digests(panel), result_ids(panel)
    assert not ui.historyBox.isVisible()
    click_and_settle(panel, ui.addPointsButton)
    parameters, layouts = panel.parameters(), slicer.vtkMRMLLayoutNode
    assert slicer.app.layoutManager().layout == layouts.SlicerLayoutSideBySideView
    look_at(WRONG_AT)
    click_at(WRONG_AT)
    settle(panel)
    (here,), (there,) = points_of(parameters.fixedLandmarks), points_of(parameters.movingLandmarks)
    assert np.allclose(here, WRONG_AT, atol=1.0)
    assert np.allclose(there, workflow.mapped(parameters.resultTransform, here), atol=1e-3)
    labels = [node.GetNthControlPointLabel(0) for node in (parameters.fixedLandmarks, parameters.movingLandmarks)]
    assert labels == ["1", "1"]
    yellow = slicer.app.layoutManager().sliceWidget("Yellow").mrmlSliceNode().GetSliceToRAS()
    assert np.allclose([yellow.GetElement(row, 3) for row in range(3)], there, atol=0.1)

    drag(panel, OFF)
    assert error(panel) == pytest.approx(np.linalg.norm(OFF), abs=1e-3)
    before = workflow.mapped(parameters.resultTransform, (2.0, 3.0, -60.0))
    click_and_settle(panel, ui.updateButton)
    assert ui.updateStatus.text.startswith("Updated in"), ui.updateStatus.text
    assert "error at 1 point 5.8 mm before, " in ui.updateStatus.text
    assert error(panel) < 0.5
    assert np.allclose(workflow.mapped(parameters.resultTransform, (2.0, 3.0, -60.0)), before, atol=1e-3)
    back = workflow.mapped(parameters.resultInverse, points_of(parameters.movingLandmarks)[0])
    assert np.linalg.norm(back - here) < 1.0
    assert slicer.app.layoutManager().layout == layouts.SlicerLayoutFourUpView
    assert (workflow.input_digests(panel), result_ids(panel)) == (inputs, ids)
    assert [row[0] for row in steps(panel)] == ["Registration", "Update 1"]
    rows = {row[0]: row for row in panel.logic.tableRows(parameters.resultTable)}
    assert float(rows["Guiding landmarks (1): mean error (mm)"][2]) < 0.5


def test_steps_are_undone_redone_named_and_compared_with_one_set_of_nodes(looking):
    panel, ui = looking, looking.ui
    at = np.array(WRONG_AT)
    shift = workflow.mapped(panel.parameters().resultTransform, at) - at
    add_pair(panel)
    click_and_settle(panel, ui.updateButton)
    add_pair(panel, (-12.0, -8.0, 5.0), (0.0, 4.0, 0.0))
    nodes = driver.node_ids()
    click_and_settle(panel, ui.updateButton)
    assert driver.node_ids() == nodes, "an update added nodes"
    assert [row[0] for row in steps(panel)] == ["Registration", "Update 1", "Update 2"]
    assert not ui.redoStepButton.enabled
    assert "Go back to: Update 1" in ui.undoStepButton.toolTip
    assert "This is the last step." in ui.redoStepButton.toolTip
    corrected = slicer.util.arrayFromVolume(panel.parameters().resultVolume).copy()

    click_and_settle(panel, ui.undoStepButton)
    click_and_settle(panel, ui.undoStepButton)
    assert not ui.undoStepButton.enabled
    assert "This is the first step." in ui.undoStepButton.toolTip
    assert "Go on to: Update 1" in ui.redoStepButton.toolTip
    shown = ui.historyTable.height
    assert shown - ui.historyTable.horizontalHeader().height == pytest.approx(
        sum(ui.historyTable.rowHeight(row) for row in range(3)), abs=4
    )
    assert np.allclose(workflow.mapped(panel.parameters().resultTransform, at) - at, shift, atol=1e-4)
    assert np.abs(slicer.util.arrayFromVolume(panel.parameters().resultVolume) - corrected).max() > 1
    click_and_settle(panel, ui.redoStepButton)
    click_and_settle(panel, ui.redoStepButton)
    assert (slicer.util.arrayFromVolume(panel.parameters().resultVolume) == corrected).all()

    ui.historyTable.item(1, 0).setText("pons corrected")
    slicer.app.processEvents()
    assert steps(panel)[1][0] == "pons corrected"
    ui.compareCombo.setCurrentIndex(ui.compareCombo.findText("pons corrected"))
    slicer.app.processEvents()
    header = [ui.metricsTable.horizontalHeaderItem(column).text() for column in range(4)]
    assert header == ["Measure", "pons corrected", "Update 2", "Change"]
    composite = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
    assert composite.GetBackgroundVolumeID() == panel.parameters().otherVolume.GetID()
    click_and_settle(panel, ui.checkerboardButton)
    click_and_settle(panel, ui.flickerButton)
    click_and_settle(panel, ui.blendButton)
    ui.compareCombo.setCurrentIndex(0)
    slicer.app.processEvents()
    assert panel.parameters().otherVolume is None
    board = panel.parameters().resultCheckerboard
    assert driver.node_ids() - nodes == {board.GetID(), board.GetDisplayNodeID()}

    click_and_settle(panel, ui.undoStepButton)
    add_pair(panel, (10.0, -8.0, 5.0), (0.0, 4.0, 0.0))
    click_and_settle(panel, ui.updateButton)
    assert [row[0] for row in steps(panel)] == ["Registration", "pons corrected", "Update 2"]


def test_an_update_comes_by_itself_where_it_was_asked_for_and_can_be_canceled(looking):
    panel, ui = looking, looking.ui
    ui.autoUpdateCheckBox.setChecked(True)
    add_pair(panel)
    settle(panel)
    assert error(panel) < 0.5
    drag(panel, (0.0, 0.0, 4.0))
    driver.wait(lambda: panel.correctPanel.running)
    before = [workflow.mapped(panel.parameters().resultTransform, WRONG_AT), steps(panel)]
    click(ui.updateCancelButton)
    settle(panel)
    assert ui.updateStatus.text == "Canceled; nothing was changed."
    assert np.allclose(workflow.mapped(panel.parameters().resultTransform, WRONG_AT), before[0])
    assert steps(panel) == before[1]
    assert ui.updateButton.enabled


def test_a_changed_mask_is_followed_and_nothing_changed_is_told(looking, a_pair):
    panel, ui = looking, looking.ui
    click_and_settle(panel, ui.updateButton)
    assert "nothing to correct" in ui.updateStatus.text
    (fixed, masks), _moving = a_pair
    segment_id = masks.GetSegmentation().GetNthSegmentID(1)
    array = slicer.util.arrayFromSegmentBinaryLabelmap(masks, segment_id, fixed)
    array = np.roll(array, 2, axis=2)
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, masks, segment_id, fixed)
    click_and_settle(panel, ui.updateButton)
    assert "Dice around the correction" in ui.updateStatus.text, ui.updateStatus.text
    before, after = (float(row[1]) for row in steps(panel))
    assert after > before


def test_pairs_and_results_lie_in_the_world_under_parents_and_go_on_after_loading(panel, a_pair, tmp_path):
    """A real registration, oblique volumes under a parent, saved after an update and corrected again."""
    parent = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode")
    parent.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(rigid((0.2, -0.1, 0.3), (30.0, -12.0, 7.0))))
    for node in (node for nodes in a_pair for node in nodes):
        node.SetAndObserveTransformNodeID(parent.GetID())
    choose(panel, a_pair)
    click_and_settle(panel, panel.ui.registerButton)
    place = (rigid((0.2, -0.1, 0.3), (30.0, -12.0, 7.0)) @ [*WRONG_AT, 1.0])[:3]
    add_pair(panel, place)
    click_and_settle(panel, panel.ui.updateButton)
    assert error(panel) < 0.5
    there = workflow.mapped(panel.parameters().resultTransform, place)
    save_and_load(tmp_path / "scene.mrb")
    settle(panel)
    there_again = workflow.mapped(panel.parameters().resultTransform, place)
    assert np.allclose(there_again, there, atol=0.1)  # a loaded grid is interpolated by cubic splines
    assert error(panel) < 0.5
    add_pair(panel, np.add(place, (-12.0, 2.0, 0.0)), (0.0, 3.0, 3.0))
    click_and_settle(panel, panel.ui.updateButton)
    assert panel.ui.updateStatus.text.startswith("Updated in"), panel.ui.updateStatus.text
    assert error(panel) < 0.5
    assert error(panel, 0) < 0.5
    assert len(steps(panel)) == 2


def test_leaving_in_the_middle_of_a_pair_gives_mouse_views_and_lists_back(looking):
    panel = looking
    click_and_settle(panel, panel.ui.addPointsButton)
    driver.leave_module()
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    assert interaction.GetCurrentInteractionMode() == interaction.ViewTransform
    assert slicer.app.layoutManager().layout == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
    driver.enter_module()
    assert panel.parameters().fixedLandmarks is None
    assert panel.ui.registerButton.enabled
