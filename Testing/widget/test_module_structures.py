"""Taking over two segmentations that were made apart: structures go by their names, not by the ids of segments."""

import threading

import numpy as np
import pytest
import slicer
from module_panel import MOVING, choose
from SAMRegistrationLib.scene.structure_segments import PROMPTS, write_prompts
from SAMRegistrationLib.segmentation.prompts import Prompt, PromptSet, Structure
from SAMRegistrationLib.testing.driver import click, click_at, look_at, node_ids, save_and_load, settle, wait
from unit.segmentation_samples import FloodPredictor

CENTER = (0.0, 0.0, 5.0)


def automatic_ids(volume, masks, *names):
    """A copy of the masks whose segments have the ids that Slicer gives, and these names."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"{volume.GetName()} organs")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    for number, (source, name) in enumerate(zip(masks.GetSegmentation().GetSegmentIDs(), names), start=1):
        array = slicer.util.arrayFromSegmentBinaryLabelmap(masks, source, volume)
        node.GetSegmentation().AddEmptySegment(f"Segment_{number}", name, (0.3 * number, 0.5, 0.1))
        slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, f"Segment_{number}", volume)
    slicer.mrmlScene.RemoveNode(masks)
    return node


@pytest.fixture
def a_collision(panel, a_pair):
    """The pair, with segmentations whose first segment has the same id and another name, and whose second agrees."""
    (fixed, fixed_masks), (moving, moving_masks) = a_pair
    panel.ui.fixedSelector.setCurrentNode(fixed)
    panel.ui.movingSelector.setCurrentNode(moving)
    panel.ui.presetCombo.setCurrentIndex(0)
    return (
        automatic_ids(fixed, fixed_masks, "liver", "body"),
        automatic_ids(moving, moving_masks, "spleen", "body"),
    )


def choose_masks(panel, fixed=None, moving=None):
    for selector, node in ((panel.ui.fixedMasksSelector, fixed), (panel.ui.movingMasksSelector, moving)):
        if node is not None:
            selector.setCurrentNode(node)
    slicer.app.processEvents()


def rows(panel):
    table = panel.ui.structuresTable
    return [tuple(table.item(row, column).text() for column in (2, 3, 4)) for row in range(table.rowCount)]


def state(node):
    """Everything of a segmentation that a user would miss."""
    segmentation = node.GetSegmentation()
    found = [(node.GetName(), node.GetTransformNodeID(), node.GetAttribute(PROMPTS))]
    for segment_id in segmentation.GetSegmentIDs():
        segment, mask = (
            segmentation.GetSegment(segment_id),
            slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id),
        )
        found.append((segment_id, segment.GetName(), segment.GetColor(), mask))
    return found


def same(one, other):
    return len(one) == len(other) and all(
        a is b or np.array_equal(a, b) for first, second in zip(one, other) for a, b in zip(first, second)
    )


def names_of(node):
    segmentation = node.GetSegmentation()
    return [segmentation.GetNthSegment(n).GetName() for n in range(segmentation.GetNumberOfSegments())]


def segmentations():
    return [node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode")]


def test_colliding_ids_are_two_structures_that_are_renamed_apart_and_not_paired(panel, a_collision):
    fixed, moving = a_collision
    before = [state(node) for node in a_collision]
    choose_masks(panel, fixed, moving)
    expected = [("liver", "mask", "nothing yet"), ("body", "mask", "mask"), ("spleen", "nothing yet", "mask")]
    assert rows(panel) == expected
    parameters = panel.parameters()
    assert parameters.fixedSegmentation is fixed
    copy = parameters.movingSegmentation
    assert copy.GetName() == "After organs (for Before)"
    assert panel.ui.movingMasksSelector.currentNode() is copy
    assert "After organs was hidden and stays as it is" in panel.ui.clickStatus.text
    assert (moving.GetDisplayVisibility(), copy.GetDisplayVisibility()) == (0, 1)

    click(panel.ui.registerButton)
    wait(lambda: not panel.registerPanel.running)
    assert panel.ui.registerStatus.text.startswith("Done in")
    table = panel.ui.metricsTable
    measured = {table.item(row, 0).text().split(":")[0] for row in range(table.rowCount)}
    assert "body" in measured
    assert not {"liver", "spleen"} & measured
    warped = parameters.resultSegmentation.GetSegmentation()
    assert [warped.GetNthSegment(n).GetName() for n in range(2)] == ["spleen", "body"]
    assert all(same(state(node), kept) for node, kept in zip(a_collision, before))

    panel.ui.structuresTable.item(2, 2).setText("Milz")
    slicer.app.processEvents()
    assert [name for name, *_ in rows(panel)] == ["liver", "body", "Milz"]
    assert same(state(moving), before[1])


def test_the_segmentation_that_was_chosen_last_is_the_one_that_is_copied(panel, a_collision):
    fixed, moving = a_collision
    choose_masks(panel, moving=moving)
    choose_masks(panel, fixed=fixed)
    assert panel.parameters().movingSegmentation is moving
    assert panel.parameters().fixedSegmentation.GetName() == "Before organs (for After)"
    assert segmentations() == ["Before organs", "After organs", "Before organs (for After)"]


def test_equal_names_with_ids_of_their_own_are_one_row_with_a_mask_in_both(panel, a_pair):
    choose(panel, a_pair)
    assert rows(panel) == [("Core", "mask", "mask"), ("Whole", "mask", "mask")]


def test_equal_names_with_crossed_ids_are_one_structure_that_guides(panel, a_collision):
    fixed, moving = a_collision
    for segment_id, name in (("Segment_1", "Body"), ("Segment_2", " Liver")):
        moving.GetSegmentation().GetSegment(segment_id).SetName(name)
    before = state(moving)
    choose_masks(panel, fixed, moving)
    assert rows(panel) == [("liver", "mask", "mask"), ("body", "mask", "mask")]
    panel.ui.structuresTable.item(0, 2).setText("Leber")
    slicer.app.processEvents()
    names = [segment.name for segment in panel.logic.structures(panel.parameters())]
    assert names == ["Leber", "body"]
    click(panel.ui.registerButton)
    wait(lambda: not panel.registerPanel.running)
    table = panel.ui.metricsTable
    assert {"Leber", "body"} <= {table.item(row, 0).text().split(":")[0] for row in range(table.rowCount)}
    assert same(state(moving), before)


def test_segmentations_that_agree_are_taken_over_as_they_are(panel, a_collision):
    fixed, moving = a_collision
    moving.GetSegmentation().GetSegment("Segment_1").SetName("LIVER")
    nodes = node_ids()
    choose_masks(panel, fixed, moving)
    assert (panel.parameters().fixedSegmentation, panel.parameters().movingSegmentation) == (fixed, moving)
    assert node_ids() == nodes
    assert panel.ui.clickStatus.text == ""


def test_clicks_that_came_with_a_segmentation_go_on_in_the_copy(panel, a_collision, monkeypatch):
    fixed, moving = a_collision
    monkeypatch.setattr(panel.logic, "openPredictor", lambda model, device: FloodPredictor(), raising=False)
    kept = Prompt("positive", ((0.0, 0.0, 5.0),))
    write_prompts(moving, PromptSet((Structure("spleen", 1, prompts=(kept,), id="Segment_1"),)))
    before = state(moving)
    choose_masks(panel, fixed, moving)
    assert rows(panel)[2] == ("spleen", "nothing yet", "mask, 1 click")
    assert rows(panel)[0] == ("liver", "mask", "nothing yet")
    spleen = panel.logic.structures(panel.parameters())[2].id
    copy, volume = panel.parameters().movingSegmentation, panel.parameters().movingVolume

    def mask():
        return slicer.util.arrayFromSegmentBinaryLabelmap(copy, spleen, volume) > 0

    def prompts(side="moving"):
        found = panel.logic.promptsOf(panel.parameters(), side)
        return found.structure(spleen).prompts if found.has(spleen) else ()

    panel.structuresTable.select(spleen)
    click(panel.ui.movingImageButton)
    look_at(CENTER)
    taken = mask()
    click(panel.ui.plusButton)
    settle(panel)
    click_at((20.0, 3.0, 5.0))
    settle(panel)
    assert prompts()[0] == kept
    assert len(prompts()) == 2
    clicked = mask()
    assert clicked.sum() > taken.sum()
    click(panel.ui.propagateButton)
    settle(panel)
    assert mask().sum() > clicked.sum()
    click(panel.ui.undoButton)
    settle(panel)
    assert np.array_equal(mask(), clicked)
    click(panel.ui.undoButton)
    settle(panel)
    assert prompts() == (kept,)
    others = np.arange(len(taken)) != round((CENTER[2] - MOVING[2, 3]) / MOVING[2, 2])  # but the clicked slice
    assert np.array_equal(mask()[others], taken[others])
    click(panel.ui.proposeButton)
    settle(panel)
    assert [prompt.proposed for prompt in prompts("fixed")] == [True]
    assert [name for name, *_ in rows(panel)] == ["liver", "body", "spleen"]
    assert same(state(moving), before)


def test_a_copy_is_saved_with_the_scene_and_comes_back_without_another_one(panel, a_collision, tmp_path):
    choose_masks(panel, *a_collision)
    expected, names = rows(panel), segmentations()
    path = str(tmp_path / "scene.mrb")
    assert slicer.util.saveScene(path)
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(path)
    slicer.app.processEvents()
    assert segmentations() == names
    assert rows(panel) == expected
    assert panel.parameters().movingSegmentation.GetName() == "After organs (for Before)"
    panel.exit()
    panel.enter()
    assert segmentations() == names


def test_a_scene_that_was_saved_with_colliding_ids_is_mended_once_it_is_there(
    panel, a_collision, tmp_path, monkeypatch
):
    choose_masks(panel, *a_collision)
    panel.exit()
    panel.setParameterNode(None)
    node = panel.logic.getParameterNode()
    slicer.mrmlScene.RemoveNode(node.movingSegmentation)
    node.movingSegmentation = a_collision[1]
    path = str(tmp_path / "scene.mrb")
    assert slicer.util.saveScene(path)
    slicer.mrmlScene.Clear(0)
    panel.enter()
    align, busy = panel.logic.alignStructures, []

    def watched(*arguments):
        busy.append(slicer.mrmlScene.IsImporting() or slicer.mrmlScene.IsClosing())
        return align(*arguments)

    monkeypatch.setattr(panel.logic, "alignStructures", watched, raising=False)
    slicer.util.loadScene(path)
    slicer.app.processEvents()
    assert segmentations() == ["Before organs", "After organs", "After organs (for Before)"]
    assert [name for name, *_ in rows(panel)] == ["liver", "body", "spleen"]
    choose_masks(panel, moving=slicer.util.getNode("Before organs"))
    assert len(segmentations()) == 3
    slicer.mrmlScene.Clear(0)
    assert segmentations() == []
    assert busy
    assert not any(busy)


def test_a_copy_goes_with_its_volume_and_original_at_once_and_after_loading_the_scene_again(
    panel, a_collision, tmp_path
):
    fixed, moving = a_collision
    choose_masks(panel, fixed, moving)
    parameters = panel.parameters()
    volume, copy = parameters.movingVolume, parameters.movingSegmentation
    spleen = next(structure.id for structure in panel.logic.structures(parameters) if structure.name == "spleen")

    def mask(node, segment_id, volume):
        return slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, volume)

    expected = mask(copy, spleen, volume)
    assert expected.any()
    turn = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "Turn")
    matrix = np.eye(4)
    matrix[:3] = [[0.8, -0.6, 0.0, 25.0], [0.6, 0.8, 0.0, -10.0], [0.0, 0.0, 1.0, 6.0]]
    turn.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    for node in (volume, moving):
        node.SetAndObserveTransformNodeID(turn.GetID())
    assert np.array_equal(mask(copy, spleen, volume), expected)

    save_and_load(tmp_path / "scene.mrb")
    volume, copy = panel.parameters().movingVolume, panel.parameters().movingSegmentation
    for name in ("After", "After organs"):
        slicer.util.getNode(name).HardenTransform()
    assert copy.GetTransformNodeID() is None
    assert np.array_equal(mask(copy, spleen, volume), expected)


def test_a_click_after_the_volume_was_moved_is_made_where_the_volume_is_now(panel, a_pair, monkeypatch):
    monkeypatch.setattr(panel.logic, "openPredictor", lambda *_args: FloodPredictor())
    choose(panel, a_pair)
    volume, masks = a_pair[0]
    structure = panel.logic.structures(panel.parameters())[0].id
    panel.structuresTable.select(structure)
    click(panel.ui.fixedImageButton)
    panel.clickPanel._on_placed("positive", [CENTER], (0.0, 0.0, 1.0))
    settle(panel)
    (prompt,) = panel.logic.promptsOf(panel.parameters(), "fixed").structure(structure).prompts
    turn = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode")
    matrix = np.eye(4)
    matrix[:3] = [[0.8, -0.6, 0.0, 25.0], [0.6, 0.8, 0.0, -10.0], [0.0, 0.0, 1.0, 6.0]]
    turn.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    for node in (volume, masks):
        node.SetAndObserveTransformNodeID(turn.GetID())
    place = (matrix @ [5.0, 5.0, 5.0, 1.0])[:3]
    panel.clickPanel._on_placed("positive", [tuple(place)], (0.0, 0.0, 1.0))
    settle(panel)
    assert panel.ui.clickStatus.text == ""
    first, second = panel.logic.promptsOf(panel.parameters(), "fixed").structure(structure).prompts
    assert np.allclose(np.multiply(first.points[0], (-1, -1, 1)), (matrix @ [*CENTER, 1.0])[:3])
    assert np.allclose(np.multiply(second.points[0], (-1, -1, 1)), place)
    assert prompt.id == first.id


def test_a_structure_that_is_removed_while_registering_is_not_in_the_result(panel, a_pair):
    choose(panel, a_pair)
    panel.structuresTable.select("Before masks-Core")
    click(panel.ui.registerButton)
    click(panel.ui.removeStructureButton)
    assert panel.registerPanel.running
    settle(panel)
    assert panel.ui.registerStatus.text.startswith("Done in")
    assert names_of(panel.parameters().resultSegmentation) == ["Whole"]


def test_segments_that_are_removed_while_they_are_brought_over_are_left_out(panel, a_pair):
    choose(panel, a_pair)
    click(panel.ui.registerButton)
    settle(panel)
    masks = a_pair[1][1]
    panel.ui.applySelector.setCurrentNode(masks)
    slicer.app.processEvents()
    click(panel.ui.applyButton)
    masks.GetSegmentation().RemoveSegment("After masks-Core")
    settle(panel)
    assert names_of(slicer.util.getNode("After masks warped")) == ["Whole"]


def test_removing_a_structure_of_a_users_segmentation_leaves_that_as_it_is_and_clicks_go_on_in_a_copy(
    panel, a_pair, monkeypatch
):
    monkeypatch.setattr(panel.logic, "openPredictor", lambda *_args: FloodPredictor())
    choose(panel, a_pair)
    (volume, masks), parameters = a_pair[0], panel.parameters()
    before, moving = state(masks), parameters.movingSegmentation
    panel.structuresTable.select("Before masks-Whole")
    click(panel.ui.fixedImageButton)
    look_at(CENTER)

    def mask():
        return slicer.util.arrayFromSegmentBinaryLabelmap(parameters.fixedSegmentation, "Before masks-Whole", volume)

    taken = mask()
    panel.structuresTable.select("Before masks-Core")
    click(panel.ui.removeStructureButton)
    settle(panel)
    assert same(state(masks), before)
    copy = parameters.fixedSegmentation
    assert copy is not masks
    assert names_of(copy) == names_of(moving) == ["Whole"]
    assert parameters.movingSegmentation is moving, "a copy that the module made needs no other one"
    assert [name for name, *_ in rows(panel)] == ["Whole"]
    assert (masks.GetDisplayVisibility(), copy.GetDisplayVisibility()) == (0, 1)
    assert panel.ui.clickStatus.text == (
        f"Before masks was hidden and keeps the structure; the module goes on with its copy {copy.GetName()}."
    )
    assert np.array_equal(mask(), taken)

    click(panel.ui.plusButton)
    click_at((34.0, 30.0, 5.0))
    settle(panel)
    assert mask().sum() > taken.sum()
    assert same(state(masks), before)
    click(panel.ui.removeStructureButton)
    settle(panel)
    assert rows(panel) == []
    assert parameters.fixedSegmentation is copy
    choose_masks(panel, fixed=masks)
    assert [name for name, *_ in rows(panel)] == ["Core", "Whole"]


def test_a_click_that_is_not_answered_yet_is_not_lost_when_another_structure_is_removed(panel, a_pair, monkeypatch):
    answer = threading.Event()
    monkeypatch.setattr(panel.logic, "openPredictor", lambda *_args: answer.wait(30) and FloodPredictor())
    choose(panel, a_pair)
    volume, masks = a_pair[0]
    before = state(masks)[1:]
    panel.structuresTable.select("Before masks-Whole")
    click(panel.ui.fixedImageButton)
    look_at(CENTER)
    click(panel.ui.plusButton)
    click_at((34.0, 30.0, 5.0))
    panel.structuresTable.select("Before masks-Core")
    click(panel.ui.removeStructureButton)
    answer.set()
    settle(panel)
    copy = panel.parameters().fixedSegmentation
    (structure,) = panel.logic.promptsOf(panel.parameters(), "fixed").structures
    assert (structure.name, len(structure.prompts)) == ("Whole", 1)
    after = slicer.util.arrayFromSegmentBinaryLabelmap(copy, "Before masks-Whole", volume)
    assert after.sum() > slicer.util.arrayFromSegmentBinaryLabelmap(masks, "Before masks-Whole", volume).sum()
    assert same(state(masks)[1:], before)
    panel.structuresTable.select("Before masks-Whole")
    assert panel.ui.undoButton.enabled
