"""The section "Structures and clicks": points placed with the mouse in slice views, and what becomes of them."""

import numpy as np
import pytest
import slicer
from Host import gestures
from module_panel import CENTER, OUTER, ijk_to_ras, prompts_of
from PySide6 import QtCore
from SAMRegistrationLib.testing.driver import click, click_at, mask, place, settle, wait


def state(panel, column):
    return panel.ui.structuresTable.item(0, column).text()


@pytest.mark.parametrize("view", ["Red", "Yellow", "Green"])
def test_a_click_in_any_slice_view_gives_a_mask_around_it(clicking, view):
    place(clicking, clicking.ui.plusButton, CENTER, view)
    marked = mask(clicking)
    assert marked.sum() > 20
    matrix = np.linalg.inv(ijk_to_ras(clicking.parameters().fixedVolume))
    i, j, k = np.round((matrix @ [*CENTER, 1])[:3]).astype(int)
    assert marked[k - 1 : k + 2, j - 1 : j + 2, i - 1 : i + 2].any()
    assert prompts_of(clicking) == [("positive", False)]
    assert state(clicking, 3) == "mask, 1 click"
    assert state(clicking, 4) == "nothing yet"


def test_a_negative_click_undo_and_redo_change_the_mask_back_and_forth(clicking):
    place(clicking, clicking.ui.plusButton, OUTER)
    ring = mask(clicking)
    place(clicking, clicking.ui.minusButton, CENTER)
    corrected = mask(clicking)
    assert prompts_of(clicking) == [("positive", False), ("negative", False)]
    click(clicking.ui.undoButton)
    settle(clicking)
    assert np.array_equal(mask(clicking), ring)
    click(clicking.ui.undoButton)
    settle(clicking)
    assert not mask(clicking).any()
    assert not clicking.ui.undoButton.enabled
    for _ in range(2):
        click(clicking.ui.redoButton)
        settle(clicking)
    assert np.array_equal(mask(clicking), corrected)


def test_quick_clicks_one_after_the_other_are_all_kept_in_order(clicking):
    click(clicking.ui.plusButton)
    for x in (-8.0, -4.0, 0.0, 4.0, 8.0):
        click_at((x, 0.0, 5.0))
    settle(clicking)
    prompts = clicking.logic.promptsOf(clicking.parameters(), "fixed").structures[0].prompts
    assert [round(-prompt.points[0][0] / 4) for prompt in prompts] == [-2, -1, 0, 1, 2]


def test_a_box_is_two_clicks(clicking):
    place(clicking, clicking.ui.boxButton, (-20.0, -20.0, 5.0))
    assert prompts_of(clicking) == []
    place(clicking, clicking.ui.boxButton, (20.0, 20.0, 5.0))
    assert prompts_of(clicking) == [("box", False)]
    assert mask(clicking).any()


def test_the_first_corner_of_a_box_stays_while_the_view_is_prepared(clicking, held):
    click(clicking.ui.boxButton)
    click_at((-20.0, -20.0, 5.0))
    held.set()
    settle(clicking)
    click_at((20.0, 20.0, 5.0))
    settle(clicking)
    assert prompts_of(clicking) == [("box", False)]


def test_dragging_a_point_moves_its_prompt_and_deleting_it_removes_it(clicking):
    place(clicking, clicking.ui.plusButton, CENTER)
    click(clicking.ui.plusButton)
    view = gestures.slice_view("Red")
    start, end = (gestures.pixel_at(view, ras) for ras in (CENTER, OUTER))
    gestures.drag(view, start, end)
    settle(clicking)
    moved = clicking.logic.promptsOf(clicking.parameters(), "fixed").structures[0].prompts[0].points[0]
    assert np.linalg.norm(np.array(moved) * (-1, -1, 1) - OUTER) < 1.0
    gestures.move(view, end)
    gestures.type_key(view, QtCore.Qt.Key.Key_Delete)
    settle(clicking)
    assert prompts_of(clicking) == []
    assert not mask(clicking).any()


def test_a_click_outside_the_volume_is_refused_with_a_sentence_and_leaves_no_point(clicking):
    place(clicking, clicking.ui.plusButton, CENTER)
    click(clicking.ui.plusButton)
    click(clicking.ui.plusButton)
    view = gestures.slice_view("Red")
    gestures.click(view, QtCore.QPoint(3, 3))
    settle(clicking)
    assert "outside" in clicking.ui.clickStatus.text
    assert prompts_of(clicking) == [("positive", False)]
    points = [node for node in slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")]
    assert sum(node.GetNumberOfDefinedControlPoints() for node in points) == 1


def test_to_volume_fills_the_structure_and_can_be_undone(clicking):
    place(clicking, clicking.ui.plusButton, CENTER)
    slice_only = mask(clicking)
    click(clicking.ui.propagateButton)
    settle(clicking)
    assert mask(clicking).sum() > 2 * slice_only.sum()
    assert clicking.ui.plusButton.enabled
    click(clicking.ui.undoButton)
    settle(clicking)
    assert np.array_equal(mask(clicking), slice_only)


def test_the_views_jump_to_where_a_propagated_structure_is_least_sure(clicking):
    ui = clicking.ui
    place(clicking, ui.plusButton, CENTER)
    assert not ui.leastSureButton.enabled
    click(ui.propagateButton)
    settle(clicking)
    click(ui.leastSureButton)
    first = clicking.logic.viewCenter()
    assert first != pytest.approx(CENTER, abs=0.5)
    click(ui.leastSureButton)
    assert clicking.logic.viewCenter() != pytest.approx(first, abs=0.5)
    place(clicking, ui.minusButton, (CENTER[0] + 4, *CENTER[1:]))
    assert not ui.leastSureButton.enabled


def test_clicks_proposed_in_the_other_image_are_shown_as_proposals_until_accepted(clicking):
    place(clicking, clicking.ui.plusButton, CENTER)
    click(clicking.ui.proposeButton)
    settle(clicking)
    assert clicking.clickPanel.side == "moving"
    assert prompts_of(clicking, "moving") == [("positive", True)]
    assert state(clicking, 4) == "mask, 1 proposed"
    labels = [
        node.GetNthControlPointLabel(0)
        for node in slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")
        if node.GetNumberOfDefinedControlPoints()
    ]
    assert labels == ["+?"]
    click(clicking.ui.acceptButton)
    settle(clicking)
    assert prompts_of(clicking, "moving") == [("positive", False)]
    assert mask(clicking, "moving").any()


def test_proposing_shows_its_progress_and_can_be_stopped(clicking, held):
    held.set()
    place(clicking, clicking.ui.plusButton, CENTER)
    held.clear()
    click(clicking.ui.proposeButton)
    wait(lambda: "Loading the model" in clicking.ui.clickStatus.text)
    assert clicking.ui.clickProgress.visible
    assert not clicking.ui.proposeButton.enabled
    click(clicking.ui.clickCancelButton)
    held.set()
    settle(clicking)
    assert clicking.ui.clickStatus.text == "Canceled; nothing was changed."
    assert not clicking.ui.clickProgress.visible
    assert prompts_of(clicking, "moving") == []
    assert clicking.clickPanel.side == "fixed"
    click(clicking.ui.proposeButton)
    settle(clicking)
    assert prompts_of(clicking, "moving") == [("positive", True)]


def test_an_existing_segmentation_is_taken_over_and_corrected(clicking, a_pair):
    fixed_masks = a_pair[0][1]
    clicking.ui.fixedMasksSelector.setCurrentNode(fixed_masks)
    slicer.app.processEvents()
    names = [clicking.ui.structuresTable.item(row, 2).text() for row in range(clicking.ui.structuresTable.rowCount)]
    assert names[:2] == ["Core", "Whole"]
    clicking.structuresTable.select("Before masks-Core")
    volume = clicking.parameters().fixedVolume
    before = slicer.util.arrayFromSegmentBinaryLabelmap(fixed_masks, "Before masks-Core", volume)
    place(clicking, clicking.ui.plusButton, OUTER)
    after = slicer.util.arrayFromSegmentBinaryLabelmap(fixed_masks, "Before masks-Core", volume)
    assert after.sum() > before.sum()
    assert np.array_equal(after * before, before)


def test_anatomy_presets_bring_names_colors_and_terminology(clicking):
    clicking.ui.anatomyCombo.setCurrentIndex(0)
    click(clicking.ui.addAnatomyButton)
    structures = clicking.logic.structures(clicking.parameters())
    assert len(structures) == 14
    liver = next(structure for structure in structures if structure.name == "liver")
    assert liver.terminology.split("~")[2] == "SCT^10200004^Liver"
    click(clicking.ui.addAnatomyButton)
    assert len(clicking.logic.structures(clicking.parameters())) == 14


def test_a_renamed_structure_has_its_name_in_both_images_and_a_removed_one_is_gone(clicking):
    clicking.ui.structuresTable.item(0, 2).setText("Tumor")
    slicer.app.processEvents()
    place(clicking, clicking.ui.plusButton, CENTER)
    for side in ("fixed", "moving"):
        segmentation = clicking.logic.segmentationOf(clicking.parameters(), side).GetSegmentation()
        assert segmentation.GetNthSegment(0).GetName() == "Tumor"
    assert clicking.logic.promptsOf(clicking.parameters(), "fixed").structures[0].name == "Tumor"
    click(clicking.ui.removeStructureButton)
    settle(clicking)
    assert clicking.logic.structures(clicking.parameters()) == []
    assert clicking.ui.structuresTable.rowCount == 0


def test_a_new_structure_gets_a_name_that_no_other_has(clicking):
    for _ in range(2):
        click(clicking.ui.addStructureButton)
    clicking.ui.structuresTable.setCurrentCell(0, 2)
    click(clicking.ui.removeStructureButton)
    click(clicking.ui.addStructureButton)
    names = [structure.name for structure in clicking.logic.structures(clicking.parameters())]
    assert len(names) == len(set(names)) == 3
    assert all(name.startswith("Structure ") for name in names)


def test_the_dialog_for_a_color_starts_with_the_present_one(clicking, monkeypatch):
    import qt

    asked = []
    monkeypatch.setattr(qt.QColorDialog, "getColor", lambda color, *_args: asked.append(color) or qt.QColor(0, 255, 51))
    (structure,) = clicking.logic.structures(clicking.parameters())
    clicking.ui.structuresTable.cellDoubleClicked.emit(0, 1)
    assert isinstance(asked[0], qt.QColor)
    assert np.allclose([asked[0].redF(), asked[0].greenF(), asked[0].blueF()], structure.color, atol=1 / 255)
    (structure,) = clicking.logic.structures(clicking.parameters())
    assert structure.color == pytest.approx((0, 1, 0.2))


def test_shortcuts_work_in_the_module_and_nowhere_else(clicking):
    from PySide6 import QtTest

    window = slicer.util.mainWindow()
    window.activateWindow()
    slicer.app.processEvents()
    QtTest.QTest.keyClick(window, QtCore.Qt.Key.Key_2)
    slicer.app.processEvents()
    assert clicking.ui.minusButton.checked
    clicking.exit()
    QtTest.QTest.keyClick(window, QtCore.Qt.Key.Key_1)
    slicer.app.processEvents()
    assert not clicking.ui.plusButton.checked
    clicking.enter()


def test_the_chosen_image_and_structure_come_back_with_the_scene_and_with_the_module(clicking, tmp_path):
    for _ in range(2):
        click(clicking.ui.addStructureButton)
    chosen = clicking.logic.structures(clicking.parameters())[1].id
    clicking.structuresTable.select(chosen)
    click(clicking.ui.movingImageButton)
    clicking.exit()
    clicking.enter()
    assert (clicking.structuresTable.current(), clicking.clickPanel.side) == (chosen, "moving")
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    slicer.mrmlScene.Clear(0)
    clicking.initializeParameterNode()
    assert clicking.clickPanel.side == "fixed"
    assert clicking.ui.fixedImageButton.checked
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    clicking.initializeParameterNode()
    assert (clicking.structuresTable.current(), clicking.clickPanel.side) == (chosen, "moving")
    assert clicking.ui.movingImageButton.checked


def test_the_keys_of_a_slice_view_move_its_slice_and_choose_no_image(clicking):
    view = gestures.slice_view("Red")
    slicer.util.mainWindow().activateWindow()
    gestures.move(view, gestures.pixel_at(view, CENTER))
    logic = slicer.app.layoutManager().sliceWidget("Red").sliceLogic()
    before = logic.GetSliceOffset()
    gestures.type_key(view, QtCore.Qt.Key.Key_F)
    slicer.app.processEvents()
    assert logic.GetSliceOffset() > before
    gestures.type_key(view, QtCore.Qt.Key.Key_G)
    slicer.app.processEvents()
    assert clicking.clickPanel.side == "fixed"
    gestures.type_key(view, QtCore.Qt.Key.Key_E)
    slicer.app.processEvents()
    assert clicking.clickPanel.side == "moving"


def test_closing_the_scene_while_a_click_is_answered_leaves_a_usable_panel(clicking):
    click(clicking.ui.plusButton)
    click_at(CENTER)
    slicer.mrmlScene.Clear(0)
    settle(clicking)
    assert clicking.ui.structuresTable.rowCount == 0
    assert not clicking.ui.plusButton.enabled
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
