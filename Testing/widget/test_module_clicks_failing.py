"""What goes wrong while clicking gives a sentence, and the panel stays usable."""

import numpy as np
import pytest
import slicer
from Host import gestures
from module_panel import CENTER, OUTER, choose, prompts_of
from SAMRegistrationLib.scene import editor
from SAMRegistrationLib.scene.structure_segments import PROMPTS
from SAMRegistrationLib.testing.driver import click, click_at, mask, place, save_and_load, settle
from unit.segmentation_samples import FloodPredictor


def test_a_mask_that_cannot_be_shown_gives_a_sentence_and_the_buttons_back(clicking, monkeypatch, caplog):
    place(clicking, clicking.ui.plusButton, CENTER)
    put_mask = editor.put_mask

    def fails(*_args):
        raise RuntimeError("no room")

    monkeypatch.setattr(editor, "put_mask", fails)
    click(clicking.ui.propagateButton)
    settle(clicking)
    assert "Something went wrong (RuntimeError)" in clicking.ui.clickStatus.text
    assert not clicking.ui.clickCancelButton.visible
    assert not clicking.ui.clickProgress.visible
    assert clicking.ui.propagateButton.enabled
    assert "no room" in caplog.text
    monkeypatch.setattr(editor, "put_mask", put_mask)
    before = mask(clicking).sum()
    place(clicking, clicking.ui.plusButton, OUTER)
    assert len(prompts_of(clicking)) == 2
    assert mask(clicking).sum() > before


@pytest.mark.parametrize(
    "damaged", ["{broken", "[]", "3", '{"place": {}}', '{"format": "sam-registration-prompts", "version": 1}']
)
def test_damaged_clicks_are_told_and_the_masks_can_be_used_and_clicked_anew(panel, a_pair, monkeypatch, damaged):
    monkeypatch.setattr(panel.logic, "openPredictor", lambda model, device: FloodPredictor(), raising=False)
    fixed_masks = a_pair[0][1]
    fixed_masks.SetAttribute(PROMPTS, damaged)
    choose(panel, a_pair)
    assert "The clicks saved with Before masks are damaged" in panel.ui.clickStatus.text
    assert panel.ui.registerButton.text == "Register After to Before, guided by masks (fast)"
    assert panel.ui.structuresTable.item(0, 3).text() == "mask"
    click(panel.ui.fixedImageButton)
    place(panel, panel.ui.plusButton, CENTER)
    assert prompts_of(panel) == [("positive", False)]


def test_damaged_clicks_of_a_loaded_scene_are_told(panel, a_pair, tmp_path):
    choose(panel, a_pair)
    a_pair[0][1].SetAttribute(PROMPTS, "{broken")
    save_and_load(tmp_path / "scene.mrb")
    assert "The clicks saved with Before masks are damaged" in panel.ui.clickStatus.text
    click(panel.ui.removeStructureButton)
    assert panel.ui.structuresTable.rowCount < 4


def test_a_click_whose_volume_was_moved_before_its_mask_was_there_is_told(clicking, held):
    click(clicking.ui.plusButton)
    click_at(CENTER)
    turn = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode")
    clicking.parameters().fixedVolume.SetAndObserveTransformNodeID(turn.GetID())
    held.set()
    settle(clicking)
    assert prompts_of(clicking) == []
    assert "do that again" in clicking.ui.clickStatus.text
    assert clicking.ui.plusButton.enabled


def test_masks_that_cannot_be_clicked_in_leave_no_button_down(panel, a_pair):
    choose(panel, a_pair)
    flat = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode")
    flat.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(np.diag([1.0, 1.0, 0.0, 1.0])))
    a_pair[0][1].SetAndObserveTransformNodeID(flat.GetID())
    click(panel.ui.plusButton)
    settle(panel)
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    assert panel.ui.clickStatus.text != ""
    assert interaction.GetCurrentInteractionMode() != interaction.Place
    assert not panel.ui.plusButton.checked


def test_a_right_click_in_a_view_ends_placing_and_lifts_the_button(clicking):
    place(clicking, clicking.ui.boxButton, (-20.0, -20.0, 5.0))
    view = gestures.slice_view("Red")
    gestures.click(view, gestures.pixel_at(view, (10.0, 10.0, 5.0)), gestures.RIGHT)
    settle(clicking)
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    assert interaction.GetCurrentInteractionMode() != interaction.Place
    assert not interaction.GetPlaceModePersistence()
    assert not clicking.ui.boxButton.checked
    points = slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")
    assert sum(node.GetNumberOfDefinedControlPoints() for node in points) == 0
    place(clicking, clicking.ui.plusButton, CENTER)
    assert prompts_of(clicking) == [("positive", False)]


def test_the_mouse_mode_of_the_application_lifts_the_button_also_after_a_refused_click(clicking):
    click(clicking.ui.plusButton)
    view = gestures.slice_view("Red")
    gestures.click(view, gestures.pixel_at(view, CENTER) * 0)
    settle(clicking)
    assert clicking.ui.plusButton.checked
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    interaction.SwitchToViewTransformMode()
    settle(clicking)
    assert not clicking.ui.plusButton.checked


def test_another_tool_that_takes_the_mouse_lifts_the_button(clicking):
    click(clicking.ui.plusButton)
    other = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Landmarks")
    slicer.app.applicationLogic().GetSelectionNode().SetActivePlaceNodeID(other.GetID())
    settle(clicking)
    assert not clicking.ui.plusButton.checked
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    assert interaction.GetCurrentInteractionMode() == interaction.Place


def test_undo_brings_nothing_of_a_removed_structure_back(clicking):
    click(clicking.ui.addStructureButton)
    kept, removed = (structure.id for structure in clicking.logic.structures(clicking.parameters()))
    for structure, position in ((kept, CENTER), (removed, OUTER), (removed, CENTER)):
        clicking.structuresTable.select(structure)
        place(clicking, clicking.ui.plusButton, position)
    click(clicking.ui.removeStructureButton)
    settle(clicking)
    assert prompts_of(clicking) == [("positive", False)]
    click(clicking.ui.undoButton)
    settle(clicking)
    assert prompts_of(clicking) == []
    assert not clicking.ui.undoButton.enabled
    assert not mask(clicking).any()
    click(clicking.ui.redoButton)
    settle(clicking)
    assert prompts_of(clicking) == [("positive", False)]
    assert not clicking.ui.redoButton.enabled
    prompts = clicking.logic.promptsOf(clicking.parameters(), "fixed")
    assert [structure.id for structure in prompts.structures if structure.prompts] == [kept]
