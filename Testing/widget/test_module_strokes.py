"""Scribbles and lassos drawn with the mouse in slice views, and what becomes of them."""

import numpy as np
import pytest
import slicer
from Host import gestures
from module_panel import CENTER, OUTER, ijk_to_ras, prompts_of
from PySide6 import QtCore
from SAMRegistrationLib.testing.driver import click, click_at, look_at, mask, place, settle

CURVES = ("vtkMRMLMarkupsCurveNode", "vtkMRMLMarkupsClosedCurveNode")


def curves():
    return [node for name in CURVES for node in slicer.util.getNodesByClass(name) if node.GetClassName() == name]


def positions(panel, side="fixed"):
    """Vertices (RAS) of the last prompt."""
    prompts = panel.logic.promptsOf(panel.parameters(), side).structures[0].prompts
    return np.array(prompts[-1].points) * (-1, -1, 1)


def draw(panel, button, places, view="Red", wait=True):
    """Take the tool of a button and draw through world positions (RAS) in a slice view."""
    if not button.checked:
        click(button)
        settle(panel)
    window = gestures.slice_view(view)
    pixels = [gestures.pixel_at(window, place) for place in places]
    gestures.move(window, pixels[0])
    gestures.press(window, pixels[0])
    for start, end in zip(pixels, pixels[1:]):
        for step in range(1, 5):
            between = QtCore.QPoint(
                start.x() + (end.x() - start.x()) * step // 4, start.y() + (end.y() - start.y()) * step // 4
            )
            gestures.move(window, between, gestures.LEFT)
    gestures.release(window, pixels[-1])
    if wait:
        settle(panel)


def stroke(half=12.0):
    return [(x, 0.3 * x, CENTER[2]) for x in np.linspace(-half, half, 5)]


def ring(radius, count=16):
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return [(radius * np.cos(a), radius * np.sin(a), CENTER[2]) for a in angles]


def voxels(panel, ras):
    matrix = np.linalg.inv(ijk_to_ras(panel.parameters().fixedVolume))
    return np.round((np.c_[ras, np.ones(len(ras))] @ matrix.T)[:, :3]).astype(int)


def test_a_scribble_marks_the_structure_under_it_and_the_curve_lies_where_it_was_drawn(clicking):
    draw(clicking, clicking.ui.scribbleButton, stroke())
    assert prompts_of(clicking) == [("scribble", False)]
    marked, drawn = mask(clicking), positions(clicking)
    assert len(drawn) > 4
    assert all(marked[k, j, i] for i, j, k in voxels(clicking, drawn[1:-1]))
    (curve,) = curves()
    shown = [curve.GetNthControlPointPositionWorld(n) for n in range(curve.GetNumberOfControlPoints())]
    np.testing.assert_allclose(shown, drawn, atol=1e-6)
    assert np.abs(drawn[:, 1] - 0.3 * drawn[:, 0]).max() < 1.5
    assert np.abs(drawn[:, 2] - CENTER[2]).max() < 3.5
    assert clicking.ui.structuresTable.item(0, 3).text() == "mask, 1 click"


@pytest.mark.parametrize("view", ["Yellow", "Green"])
def test_strokes_are_drawn_in_any_view_of_a_volume_under_a_parent_transform(clicking, view):
    turn = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = np.eye(4)
    matrix[:3, :3] = [[0.96, -0.28, 0.0], [0.28, 0.96, 0.0], [0.0, 0.0, 1.0]]
    matrix[:3, 3] = (2.0, -3.0, 4.0)
    turn.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    clicking.parameters().fixedVolume.SetAndObserveTransformNodeID(turn.GetID())
    look_at(CENTER)
    places = [(0, t, 5) if view == "Yellow" else (t, 0, 5) for t in np.linspace(-9, 9, 5)]
    draw(clicking, clicking.ui.scribbleButton, places, view)
    drawn = positions(clicking)
    local = (np.c_[drawn, np.ones(len(drawn))] @ np.linalg.inv(matrix).T)[:, :3]
    marked = mask(clicking)
    assert marked.sum() > 20
    assert all(marked[k, j, i] for i, j, k in voxels(clicking, local[1:-1]))


def test_what_was_drawn_is_undone_redone_and_saved_with_the_scene(clicking, tmp_path):
    place(clicking, clicking.ui.plusButton, CENTER)
    before = mask(clicking)
    draw(clicking, clicking.ui.eraseButton, [(x, 8.0, 5.0) for x in (-6.0, 0.0, 6.0)])
    after, drawn = mask(clicking), positions(clicking)
    assert prompts_of(clicking) == [("positive", False), ("negative scribble", False)]
    assert not any(after[k, j, i] for i, j, k in voxels(clicking, drawn[1:-1]))
    click(clicking.ui.undoButton)
    settle(clicking)
    assert np.array_equal(mask(clicking), before)
    assert curves() == []
    click(clicking.ui.redoButton)
    settle(clicking)
    assert np.array_equal(mask(clicking), after)
    assert len(curves()) == 1
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    clicking.initializeParameterNode()
    slicer.app.processEvents()
    assert prompts_of(clicking) == [("positive", False), ("negative scribble", False)]
    np.testing.assert_allclose(positions(clicking), drawn, atol=1e-9)
    assert len(curves()) == 1


def test_a_lasso_means_what_it_holds(clicking):
    draw(clicking, clicking.ui.lassoButton, ring(9.0))
    assert prompts_of(clicking) == [("lasso", False)]
    k, j, i = np.nonzero(mask(clicking))
    assert len(i) > 20
    ras = (np.c_[i, j, k, np.ones(len(i))] @ ijk_to_ras(clicking.parameters().fixedVolume).T)[:, :3]
    assert np.linalg.norm(ras - CENTER, axis=1).max() < 12.0
    assert curves()[0].GetClassName() == "vtkMRMLMarkupsClosedCurveNode"


def test_quick_strokes_are_all_kept_in_order_and_points_can_follow_at_once(clicking, held):
    for shift in (0.0, 4.0, 8.0):
        places = [(x, y + shift, z) for x, y, z in stroke(6.0)]
        if shift:
            draw(clicking, clicking.ui.scribbleButton, places, wait=False)
        else:
            click(clicking.ui.scribbleButton)
            draw(clicking, clicking.ui.scribbleButton, places, wait=False)
    assert len(curves()) == 3
    click(clicking.ui.plusButton)
    click_at(OUTER)
    held.set()
    settle(clicking)
    prompts = clicking.logic.promptsOf(clicking.parameters(), "fixed").structures[0].prompts
    assert [prompt.kind for prompt in prompts] == ["scribble"] * 3 + ["positive"]
    assert [round(np.mean(prompt.points, axis=0)[1] / -4) for prompt in prompts[:3]] == [0, 1, 2]
    assert len(curves()) == 3


def test_one_tool_holds_the_mouse_at_a_time_and_gives_it_back(clicking):
    ui = clicking.ui
    click(ui.scribbleButton)
    settle(clicking)
    click(ui.plusButton)
    settle(clicking)
    assert (ui.scribbleButton.checked, ui.plusButton.checked) == (False, True)
    place(clicking, ui.plusButton, CENTER)
    click(ui.lassoButton)
    settle(clicking)
    assert (ui.lassoButton.checked, ui.plusButton.checked) == (True, False)
    click(ui.lassoButton)
    assert not ui.lassoButton.checked
    view = gestures.slice_view("Red")
    gestures.drag(view, *(gestures.pixel_at(view, ras) for ras in ((-15.0, 9.0, 5.0), (-9.0, 15.0, 5.0))))
    settle(clicking)
    assert prompts_of(clicking) == [("positive", False)]
    click(ui.scribbleButton)
    settle(clicking)
    clicking.exit()
    draws = len(curves())
    gestures.drag(view, *(gestures.pixel_at(view, ras) for ras in ((-15.0, 9.0, 5.0), (-9.0, 15.0, 5.0))))
    assert len(curves()) == draws == 0
    clicking.enter()


def test_a_stroke_outside_the_volume_is_refused_and_its_curve_goes(clicking):
    click(clicking.ui.scribbleButton)
    settle(clicking)
    view = gestures.slice_view("Red")
    gestures.drag(view, QtCore.QPoint(2, 2), QtCore.QPoint(9, 2))
    settle(clicking)
    assert "outside" in clicking.ui.clickStatus.text
    assert prompts_of(clicking) == []
    assert curves() == []


def test_dragging_a_vertex_moves_the_stroke_and_deleting_one_removes_it(clicking):
    draw(clicking, clicking.ui.scribbleButton, stroke())
    click(clicking.ui.scribbleButton)
    before = positions(clicking)
    (curve,) = curves()
    curve.SetNthControlPointPosition(0, before[0][0] + 3.0, *before[0][1:])
    curve.InvokeEvent(curve.PointEndInteractionEvent)
    settle(clicking)
    assert positions(clicking)[0][0] == pytest.approx(before[0][0] + 3.0, abs=1e-6)
    (curve,) = curves()
    curve.RemoveNthControlPoint(1)
    settle(clicking)
    assert prompts_of(clicking) == []
    assert curves() == []


def test_strokes_are_proposed_in_the_other_image(clicking):
    draw(clicking, clicking.ui.lassoButton, ring(14.0))
    click(clicking.ui.proposeButton)
    settle(clicking)
    assert prompts_of(clicking, "moving") == [("lasso", True)]
    assert mask(clicking, "moving").any()


def test_closing_the_scene_while_a_stroke_is_drawn_leaves_a_usable_panel(clicking):
    click(clicking.ui.scribbleButton)
    settle(clicking)
    view = gestures.slice_view("Red")
    gestures.press(view, gestures.pixel_at(view, CENTER))
    gestures.move(view, gestures.pixel_at(view, OUTER), gestures.LEFT)
    slicer.mrmlScene.Clear(0)
    gestures.release(view, QtCore.QPoint(30, 30))
    settle(clicking)
    assert curves() == []
    assert not clicking.ui.scribbleButton.checked
