"""Undo and redo of clicks, structures and choices, by the buttons of the panel, on oblique volumes under transforms."""

import threading

import numpy as np
import pytest
import qt
import slicer
from Host import gestures
from module_panel import CENTER, choose, rigid
from SAMRegistrationLib.scene.roles import role_of
from SAMRegistrationLib.testing.driver import (
    click,
    click_and_settle,
    click_at,
    enter_module,
    leave_module,
    mask,
    place,
    select_structure,
    settle,
)
from SAMRegistrationLib.widget.undo import MOST_STEPS
from unit.segmentation_samples import FloodPredictor

HERE, THERE = rigid((0.3, -0.2, 0.4), (12, -7, 5)), rigid((-0.2, 0.5, 0.1), (-25, 14, 30))
CORE, WHOLE = "Before masks-Core", "Before masks-Whole"
ROLE_IGNORE, ROLE_RIGID = 1, 2


def moved(matrix, place):
    return tuple((matrix @ [*place, 1.0])[:3])


@pytest.fixture
def turned(panel, a_pair, monkeypatch):
    """The pair with its masks, all under one parent transform, and a click model whose answer is known."""
    monkeypatch.setattr(panel.logic, "openPredictor", lambda model, device: FloodPredictor(), raising=False)
    parent = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "Place")
    parent.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(HERE))
    for volume, masks in a_pair:
        volume.SetAndObserveTransformNodeID(parent.GetID())
        masks.SetAndObserveTransformNodeID(parent.GetID())
    choose(panel, a_pair)
    click(panel.ui.fixedImageButton)
    look_at(panel, moved(HERE, CENTER))
    return panel


def look_at(panel, position):
    for name in slicer.app.layoutManager().sliceViewNames():
        slicer.app.layoutManager().sliceWidget(name).mrmlSliceNode().JumpSliceByCentering(*position)
    settle(panel)


def segments(panel, side):
    """Everything of the segments of a side that a user would miss, in their order."""
    parameters = panel.parameters()
    node, volume = panel.logic.segmentationOf(parameters, side), panel.logic.volumeOf(parameters, side)
    prompts = panel.logic.promptsOf(parameters, side)
    found = []
    for segment_id in () if node is None or volume is None else node.GetSegmentation().GetSegmentIDs():
        segment = node.GetSegmentation().GetSegment(segment_id)
        array = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, volume)
        own = prompts.structure(segment_id).prompts if prompts.has(segment_id) else ()
        shown = node.GetDisplayNode().GetSegmentVisibility(segment_id)
        marked = b"" if array is None else (array > 0).tobytes()
        about = (segment_id, segment.GetName(), segment.GetColor(), role_of(segment), shown)
        found.append((*about, marked, own))
    return found


def everything(panel):
    parameters = panel.parameters()
    chosen = [
        node and node.GetID()
        for side in ("fixed", "moving")
        for node in (panel.logic.volumeOf(parameters, side), panel.logic.segmentationOf(parameters, side))
    ]
    return chosen, segments(panel, "fixed"), segments(panel, "moving")


def undo(panel):
    click_and_settle(panel, panel.ui.undoButton)


def redo(panel):
    click_and_settle(panel, panel.ui.redoButton)


def rename(panel, row, name):
    panel.ui.structuresTable.item(row, 2).setText(name)
    slicer.app.processEvents()


def set_role(panel, structure_id, role):
    select_structure(panel, structure_id)
    panel.ui.roleCombo.setCurrentIndex(role)
    slicer.app.processEvents()


def remove(panel, structure_id):
    select_structure(panel, structure_id)
    click_and_settle(panel, panel.ui.removeStructureButton)


def click_into(panel, structure_id, position, button="plusButton"):
    select_structure(panel, structure_id)
    place(panel, getattr(panel.ui, button), moved(HERE, position))


def assert_each_is_undone_and_redone(panel, *actions):
    states, selected = [everything(panel)], []
    for number, action in enumerate(actions):
        action()
        settle(panel)
        assert panel.ui.clickStatus.text == "" or "goes on with its copy" in panel.ui.clickStatus.text
        states.append(everything(panel))
        selected.append(panel.ui.undoButton.toolTip)
        assert states[number + 1] != states[number], f"action {number} changed nothing"
    for number in reversed(range(len(actions))):
        assert panel.ui.undoButton.toolTip == selected[number]
        undo(panel)
        assert_same(everything(panel), states[number], f"undo of action {number}")
    for number in range(len(actions)):
        redo(panel)
        assert_same(everything(panel), states[number + 1], f"redo of action {number}")
    assert not panel.ui.redoButton.enabled


def assert_same(now, then, what):
    assert now[0] == then[0], what
    for ours, theirs in zip(now[1:], then[1:]):
        assert [one[:5] for one in ours] == [one[:5] for one in theirs], what
        assert [one[6] for one in ours] == [one[6] for one in theirs], what
        assert [one[5] == other[5] for one, other in zip(ours, theirs)] == [True] * len(ours), what


def test_structures_clicks_and_choices_are_undone_and_redone_in_their_order(turned):
    panel, ui = turned, turned.ui
    other = slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, panel.parameters().fixedVolume, "Other")

    def click_in_the_moving_image():
        click(ui.movingImageButton)
        click_into(panel, WHOLE, (28.0, 0.0, 5.0))
        click(ui.fixedImageButton)

    remove(panel, WHOLE)  # the module goes on in a copy of its own
    undo(panel)
    ui.structuresTable.item(0, 0).setCheckState(qt.Qt.Unchecked)
    assert_each_is_undone_and_redone(
        panel,
        lambda: click_into(panel, WHOLE, (34.0, 20.0, 5.0)),
        lambda: set_role(panel, CORE, ROLE_IGNORE),
        lambda: rename(panel, 1, "Body"),
        lambda: click_into(panel, CORE, CENTER),
        lambda: click_into(panel, CORE, (6.0, 0.0, 5.0), "minusButton"),
        lambda: set_role(panel, CORE, ROLE_RIGID),
        lambda: remove(panel, CORE),
        lambda: click(ui.addStructureButton),
        lambda: place(panel, ui.plusButton, moved(HERE, CENTER)),
        lambda: click_and_settle(panel, ui.propagateButton),
        click_in_the_moving_image,
        lambda: ui.fixedSelector.setCurrentNode(other),
    )


def test_a_removed_structure_comes_back_where_its_segmentation_lies_by_now(turned):
    panel = turned
    click_into(panel, CORE, CENTER)
    parent = panel.parameters().fixedVolume.GetParentTransformNode()
    before, clicked = mask(panel, "fixed", CORE), clicks(panel, CORE)
    remove(panel, CORE)
    parent.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(THERE))
    slicer.app.processEvents()
    for node in (panel.parameters().fixedVolume, panel.parameters().fixedSegmentation):
        node.HardenTransform()
    slicer.app.processEvents()
    undo(panel)
    assert np.array_equal(mask(panel, "fixed", CORE), before)
    motion = THERE @ np.linalg.inv(HERE)
    assert np.allclose(clicks(panel, CORE), [moved(motion, place) for place in clicked], atol=1e-6)
    place(panel, panel.ui.plusButton, moved(THERE, (2.0, 0.0, 5.0)))
    assert len(clicks(panel, CORE)) == 2


def clicks(panel, structure_id):
    """RAS positions of the clicks of a structure in the fixed image."""
    prompts = panel.logic.promptsOf(panel.parameters(), "fixed")
    points = [prompt.points[0] for prompt in prompts.structure(structure_id).prompts]
    return [(-x, -y, z) for x, y, z in points]


def test_a_new_edit_takes_the_place_of_what_was_undone(turned):
    rename(turned, 0, "Kern")
    undo(turned)
    assert turned.ui.redoButton.enabled
    rename(turned, 1, "Body")
    assert not turned.ui.redoButton.enabled
    undo(turned)
    assert [turned.ui.structuresTable.item(row, 2).text() for row in range(2)] == ["Core", "Whole"]


def test_several_structures_of_an_anatomy_are_one_step(turned):
    click(turned.ui.addAnatomyButton)
    assert turned.ui.structuresTable.rowCount > 3
    undo(turned)
    assert turned.ui.structuresTable.rowCount == 2
    redo(turned)
    assert turned.ui.structuresTable.rowCount > 3


def test_a_choice_whose_node_was_removed_is_dropped_with_a_sentence_and_the_next_one_is_undone(turned):
    panel, ui = turned, turned.ui
    first, parameters = panel.parameters().fixedVolume, panel.parameters()
    other = slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, first, "Other")
    rename(panel, 0, "Kern")
    ui.fixedSelector.setCurrentNode(other)
    slicer.app.processEvents()
    slicer.mrmlScene.RemoveNode(first)
    slicer.app.processEvents()
    undo(panel)
    assert "Choice of the fixed volume cannot be undone or redone" in ui.clickStatus.text
    assert parameters.fixedVolume is other
    undo(panel)
    assert ui.structuresTable.item(0, 2).text() == "Core"


def test_a_structure_that_was_removed_elsewhere_leaves_its_steps_without_effect(turned):
    panel = turned
    rename(panel, 0, "Kern")
    rename(panel, 1, "Body")
    leave_module()
    for side in ("fixed", "moving"):
        panel.logic.segmentationOf(panel.parameters(), side).GetSegmentation().RemoveSegment(CORE)
    enter_module()
    undo(panel)
    assert panel.ui.structuresTable.item(0, 2).text() == "Whole"
    undo(panel)
    assert "Name of Core cannot be undone or redone" in panel.ui.clickStatus.text
    assert [panel.ui.structuresTable.item(row, 2).text() for row in range(panel.ui.structuresTable.rowCount)] == [
        "Whole"
    ]


def test_undo_keeps_what_others_changed_in_other_properties(turned):
    panel = turned
    set_role(panel, CORE, ROLE_RIGID)
    leave_module()
    segment = panel.parameters().fixedSegmentation.GetSegmentation().GetSegment(CORE)
    segment.SetColor(0.25, 0.5, 0.75)
    enter_module()
    undo(panel)
    assert role_of(segment) == "guide"
    assert segment.GetColor() == pytest.approx((0.25, 0.5, 0.75))


def test_a_segment_with_its_mask_that_was_edited_elsewhere_is_what_undo_and_redo_keep(turned):
    panel = turned
    click(panel.ui.addStructureButton)
    added = panel.logic.structures(panel.parameters())[-1].id
    painted = mask(panel, "fixed", WHOLE)
    node, volume = panel.parameters().fixedSegmentation, panel.parameters().fixedVolume
    leave_module()
    slicer.util.updateSegmentBinaryLabelmapFromArray(painted.astype(np.uint8), node, added, volume)
    enter_module()
    undo(panel)
    assert [structure.id for structure in panel.logic.structures(panel.parameters())] == [CORE, WHOLE]
    redo(panel)
    assert np.array_equal(mask(panel, "fixed", added), painted)


def test_nothing_is_left_to_undo_after_the_scene_was_closed(turned):
    rename(turned, 0, "Kern")
    undo(turned)
    rename(turned, 1, "Body")
    slicer.mrmlScene.Clear()
    slicer.app.processEvents()
    assert not turned.ui.undoButton.enabled
    assert not turned.ui.redoButton.enabled


def test_a_click_that_waits_for_its_mask_keeps_its_place_among_the_steps(turned, monkeypatch):
    panel, answer = turned, threading.Event()
    monkeypatch.setattr(panel.logic, "openPredictor", lambda *_args: answer.wait(60) and FloodPredictor())
    select_structure(panel, CORE)
    click(panel.ui.plusButton)
    click_at(moved(HERE, CENTER))
    rename(panel, 1, "Body")
    click(panel.ui.undoButton)
    assert panel.ui.structuresTable.item(1, 2).text() == "Whole"
    click(panel.ui.undoButton)
    answer.set()
    settle(panel)
    assert clicks(panel, CORE) == []
    redo(panel)
    assert len(clicks(panel, CORE)) == 1
    redo(panel)
    assert panel.ui.structuresTable.item(1, 2).text() == "Body"


def test_a_structure_that_is_removed_while_its_click_waits_comes_back_with_the_click(turned, monkeypatch):
    panel, answer = turned, threading.Event()
    monkeypatch.setattr(panel.logic, "openPredictor", lambda *_args: answer.wait(60) and FloodPredictor())
    select_structure(panel, CORE)
    click(panel.ui.plusButton)
    click_at(moved(HERE, CENTER))
    click(panel.ui.removeStructureButton)
    answer.set()
    settle(panel)
    assert [structure.id for structure in panel.logic.structures(panel.parameters())] == [WHOLE]
    undo(panel)
    assert len(clicks(panel, CORE)) == 1
    undo(panel)
    assert clicks(panel, CORE) == []


def test_a_click_that_is_refused_is_no_step(turned):
    panel = turned
    rename(panel, 0, "Kern")
    undo(panel)
    rename(panel, 0, "Nucleus")
    select_structure(panel, CORE)
    click(panel.ui.plusButton)
    view = gestures.slice_view("Red")
    gestures.click(view, gestures.pixel_at(view, moved(HERE, CENTER)) * 0)
    settle(panel)
    assert panel.ui.clickStatus.text != ""
    assert "name of Core" in panel.ui.undoButton.toolTip


def test_the_image_whose_click_is_undone_is_shown(turned):
    panel = turned
    click_into(panel, CORE, CENTER)
    click(panel.ui.movingImageButton)
    undo(panel)
    assert panel.parameters().clickSide == "fixed"


def test_undo_and_redo_touch_neither_the_volumes_nor_a_result(turned, quick_registration):
    panel, parameters = turned, turned.parameters()
    click_into(panel, CORE, CENTER)
    click_and_settle(panel, panel.ui.registerButton)
    nodes = [parameters.fixedVolume, parameters.movingVolume, parameters.resultVolume, parameters.resultJacobian]
    arrays = [slicer.util.arrayFromVolume(node).copy() for node in nodes]
    times = [node.GetImageData().GetMTime() for node in nodes]
    result = parameters.resultTransform.GetTransformFromParent()
    remove(panel, CORE)
    remove(panel, WHOLE)
    for _ in range(3):
        undo(panel)
    for _ in range(3):
        redo(panel)
    assert all(np.array_equal(slicer.util.arrayFromVolume(node), array) for node, array in zip(nodes, arrays))
    assert [node.GetImageData().GetMTime() for node in nodes] == times
    assert parameters.resultTransform.GetTransformFromParent() is result
    assert parameters.resultSegmentation.GetSegmentation().GetNumberOfSegments() == 2


def test_choosing_masks_that_are_copied_is_one_step_and_undo_shows_the_original_again(turned):
    panel, ui = turned, turned.ui
    theirs, first = panel.parameters().movingSegmentation, panel.parameters().movingSegmentation.GetID()
    own = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Own masks")
    own.CreateDefaultDisplayNodes()
    own.GetSegmentation().AddEmptySegment(CORE, "Another name")
    ui.movingMasksSelector.setCurrentNode(own)
    settle(panel)
    copy = panel.parameters().movingSegmentation
    assert copy not in (own, theirs)
    assert (own.GetDisplayVisibility(), copy.GetDisplayVisibility()) == (0, 1)
    undo(panel)
    assert panel.parameters().movingSegmentation.GetID() == first
    assert (own.GetDisplayVisibility(), copy.GetDisplayVisibility()) == (1, 0)
    redo(panel)
    assert panel.parameters().movingSegmentation is copy
    assert (own.GetDisplayVisibility(), copy.GetDisplayVisibility()) == (0, 1)


def test_only_the_last_steps_are_kept(turned):
    for number in range(MOST_STEPS + 3):
        rename(turned, 0, f"Core {number}")
    undone = 0
    while turned.ui.undoButton.enabled:
        undo(turned)
        undone += 1
    assert undone == MOST_STEPS
    assert turned.ui.structuresTable.item(0, 2).text() == "Core 2"
