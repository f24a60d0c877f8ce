"""Leaving the module and coming back: work goes on, clicks and undo stay, and what others edited is taken over."""

import threading

import numpy as np
import slicer
from module_panel import CENTER, OUTER, choose, ijk_to_ras, prompts_of
from SAMRegistrationLib.scene.structure_segments import write_prompts
from SAMRegistrationLib.segmentation.prompts import Prompt, PromptSet, Structure
from SAMRegistrationLib.testing.driver import click, click_at, enter_module, leave_module, mask, place, settle, wait
from unit.segmentation_samples import FloodPredictor


def points_in_the_scene():
    return slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLMarkupsFiducialNode")


def chosen_structure(panel):
    return panel.logic.structures(panel.parameters())[-1].id


def paint(panel, position, side="fixed"):
    """Mark the voxel at a position as an editor elsewhere does; its index (k, j, i)."""
    parameters = panel.parameters()
    segmentation, volume = panel.logic.segmentationOf(parameters, side), panel.logic.volumeOf(parameters, side)
    to_voxel = np.linalg.inv(ijk_to_ras(volume))
    i, j, k = np.round((to_voxel @ [*position, 1])[:3]).astype(int)
    mask = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, chosen_structure(panel), volume)
    mask[k, j, i] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, segmentation, chosen_structure(panel), volume)
    return k, j, i


def test_a_click_that_waits_for_its_mask_gets_it_after_the_module_was_left(clicking, held):
    click(clicking.ui.plusButton)
    click_at(CENTER)
    leave_module()
    held.set()
    settle(clicking)
    assert prompts_of(clicking) == [("positive", False)]
    assert mask(clicking).any()
    assert points_in_the_scene() == 0
    enter_module()
    assert points_in_the_scene() == 3
    click(clicking.ui.undoButton)
    settle(clicking)
    assert prompts_of(clicking) == []
    assert not mask(clicking).any()


def test_to_volume_ends_after_the_module_was_left_and_can_be_undone(clicking, held):
    held.set()
    place(clicking, clicking.ui.plusButton, CENTER)
    slice_only = mask(clicking)
    clicking.ui.propagateButton.click()
    leave_module()
    settle(clicking)
    assert mask(clicking).sum() > 2 * slice_only.sum()
    enter_module()
    assert clicking.ui.propagateButton.enabled
    click(clicking.ui.undoButton)
    settle(clicking)
    assert np.array_equal(mask(clicking), slice_only)


def test_what_went_wrong_after_the_module_was_left_is_told_on_coming_back(clicking, monkeypatch):
    from SAMRegistrationLib.scene import editor

    def fails(*_args):
        raise RuntimeError("no room")

    place(clicking, clicking.ui.plusButton, CENTER)
    monkeypatch.setattr(editor, "put_mask", fails)
    clicking.ui.propagateButton.click()
    leave_module()
    settle(clicking)
    enter_module()
    settle(clicking)
    assert "Something went wrong (RuntimeError)" in clicking.ui.clickStatus.text
    assert clicking.ui.propagateButton.enabled


def test_clicks_proposed_while_the_module_was_left_leave_the_views_alone(clicking, held):
    held.set()
    place(clicking, clicking.ui.plusButton, CENTER)
    shown = [node.GetBackgroundVolumeID() for node in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")]
    clicking.ui.proposeButton.click()
    leave_module()
    settle(clicking)
    assert prompts_of(clicking, "moving") == [("positive", True)]
    assert [node.GetBackgroundVolumeID() for node in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")] == shown
    enter_module()


def test_what_was_painted_elsewhere_meanwhile_stays_with_the_next_click(clicking):
    place(clicking, clicking.ui.plusButton, CENTER)
    leave_module()
    painted = paint(clicking, (0.0, 0.0, 30.0))
    enter_module()
    assert mask(clicking)[painted]
    place(clicking, clicking.ui.plusButton, OUTER)
    assert len(prompts_of(clicking)) == 2
    assert mask(clicking)[painted]


def test_what_was_painted_while_a_click_waited_stays_with_the_next_click(clicking, held):
    held.set()
    first = chosen_structure(clicking)
    place(clicking, clicking.ui.plusButton, CENTER)
    click(clicking.ui.addStructureButton)
    held.clear()
    clicking.parameters().clickModel = "sam-vit-b"
    clicking.structuresTable.select(first)
    click_at(OUTER)
    leave_module()
    painted = paint(clicking, (0.0, 0.0, 30.0))
    held.set()
    enter_module()
    settle(clicking)
    assert len(prompts_of(clicking)) == 2
    clicking.structuresTable.select(chosen_structure(clicking))
    place(clicking, clicking.ui.plusButton, CENTER)
    assert len(prompts_of(clicking)) == 3
    assert mask(clicking)[painted]


def test_another_click_model_is_asked_from_the_next_click_on(clicking, monkeypatch):
    asked = []
    monkeypatch.setattr(
        clicking.logic, "openPredictor", lambda model, device: asked.append(model) or FloodPredictor(), raising=False
    )
    place(clicking, clicking.ui.plusButton, CENTER)
    clicking.parameters().clickModel = "sam-vit-b"
    place(clicking, clicking.ui.plusButton, OUTER)
    assert asked == ["compact", "sam-vit-b"]
    assert len(prompts_of(clicking)) == 2


def test_no_points_come_into_the_scene_while_the_module_is_left(clicking):
    place(clicking, clicking.ui.plusButton, CENTER)
    leave_module()
    assert points_in_the_scene() == 0
    clicking.parameters().preset = "accurate"
    slicer.app.processEvents()
    settle(clicking)
    assert points_in_the_scene() == 0
    enter_module()
    wait(lambda: points_in_the_scene() == 3)
    assert clicking.ui.presetCombo.currentIndex == 2


def two_structures_and_work_that_waits(panel):
    """The ids of two structures with a click each, the first chosen, and an event that lets the thread go on."""
    first = chosen_structure(panel)
    place(panel, panel.ui.plusButton, CENTER)
    click(panel.ui.addStructureButton)
    place(panel, panel.ui.plusButton, OUTER)
    go_on = threading.Event()
    panel.structuresTable.select(first)
    panel.runner.submit(lambda job: go_on.wait(60))
    return chosen_structure(panel), go_on


def test_what_was_painted_elsewhere_is_kept_when_the_module_is_left_twice_while_work_waits(clicking):
    second, go_on = two_structures_and_work_that_waits(clicking)
    clicking.ui.propagateButton.click()
    leave_module()
    painted = paint(clicking, (0.0, 0.0, 30.0))
    enter_module()
    leave_module()
    go_on.set()
    settle(clicking)
    enter_module()
    clicking.structuresTable.select(second)
    place(clicking, clicking.ui.plusButton, CENTER)
    assert mask(clicking)[painted]


def test_what_was_painted_elsewhere_is_kept_when_its_structure_is_clicked_while_older_work_waits(clicking):
    second, go_on = two_structures_and_work_that_waits(clicking)
    click_at(OUTER)
    leave_module()
    painted = paint(clicking, (0.0, 0.0, 30.0))
    enter_module()
    clicking.structuresTable.select(second)
    if not clicking.ui.plusButton.checked:
        clicking.ui.plusButton.click()
    click_at(CENTER)
    go_on.set()
    settle(clicking)
    assert mask(clicking)[painted]


def test_a_result_that_arrives_while_the_user_is_elsewhere_is_shown_on_coming_back(panel, a_pair):
    choose(panel, a_pair)
    go_on = threading.Event()
    panel.runner.submit(lambda job: go_on.wait(60))
    panel.ui.registerButton.click()
    leave_module()
    moving = panel.parameters().movingSegmentation
    composite = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
    before = (moving.GetDisplayVisibility(), composite.GetBackgroundVolumeID(), composite.GetForegroundVolumeID())
    go_on.set()
    settle(panel)
    assert panel.parameters().resultVolume is not None
    seen = (moving.GetDisplayVisibility(), composite.GetBackgroundVolumeID(), composite.GetForegroundVolumeID())
    assert seen == before
    enter_module()
    settle(panel)
    assert composite.GetForegroundVolumeID() == panel.parameters().resultVolume.GetID()


def test_clicks_of_the_next_scene_are_shown_after_a_result_was_looked_at(clicking, a_pair):
    clicking.clickPanel.hide_points()
    slicer.mrmlScene.Clear(0)
    slicer.app.processEvents()
    clicking.initializeParameterNode()
    volume = slicer.util.addVolumeFromArray(np.zeros((20, 30, 30), np.float32), name="Next")
    volume.CreateDefaultDisplayNodes()
    clicking.ui.fixedSelector.setCurrentNode(volume)
    click(clicking.ui.addStructureButton)
    node = write_a_point(clicking, volume)
    assert node.GetDisplayVisibility()


def write_a_point(panel, volume):
    """The point list that shows a click in the middle of a volume."""
    structure = chosen_structure(panel)
    segmentation = panel.logic.segmentationOf(panel.parameters(), "fixed")
    prompts = PromptSet((Structure("a", 1, id=structure, prompts=(Prompt("positive", ((-15.0, -15.0, 10.0),)),)),))
    write_prompts(segmentation, prompts)
    panel.clickPanel.update()
    return slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")[0]
