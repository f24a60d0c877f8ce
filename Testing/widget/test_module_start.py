"""Where a registration starts, chosen in the section "Register": pre-alignment and initial transform."""

import numpy as np
import pytest
import slicer
import vtk
from module_panel import choose, rigid
from SAMRegistrationLib.scene.space import to_numpy, to_vtk
from SAMRegistrationLib.scene.transforms import initial_alignment
from SAMRegistrationLib.testing.driver import click, settle, wait

FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])
CENTER = np.array([0.0, 0.0, 5.0])


AWAY = rigid((2.6, -0.4, 1.9), (410.0, -230.0, 95.0))  # where the moving volume is put, RAS mm
PARENT = rigid((0.5, 0.2, -0.7), (12.0, 40.0, -9.0))


def transform_node(matrix, name, parent=None):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", name)
    node.SetMatrixTransformToParent(to_vtk(matrix))
    if parent is not None:
        node.SetAndObserveTransformNodeID(parent.GetID())
    return node


def back_node():
    """The inverse of AWAY, as a node under a parent: PARENT @ own = inverse(AWAY)."""
    parent = transform_node(PARENT, "Parent")
    return transform_node(np.linalg.inv(PARENT) @ np.linalg.inv(AWAY), "Back", parent)


def put_away(volume):
    """A copy of a volume node that lies where AWAY brings it."""
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    array = slicer.util.arrayFromVolume(volume)
    return slicer.util.addVolumeFromArray(array, ijkToRAS=AWAY @ to_numpy(matrix), name="Put away")


def registered(panel):
    click(panel.ui.registerButton)
    wait(lambda: not panel.registerPanel.running)
    return panel.parameters().resultTransform


def mapped(node, ras):
    """A point from fixed to moving space by the FROM parent direction of a transform node."""
    return np.array(node.GetTransformFromParent().TransformPoint(*map(float, ras)))


def test_a_volume_far_away_and_turned_over_is_brought_back_by_an_initial_transform_under_a_parent(panel, a_pair):
    choose(panel, a_pair, masks=False)
    panel.ui.movingSelector.setCurrentNode(put_away(a_pair[0][0]))
    panel.ui.initialTransformSelector.setCurrentNode(back_node())
    slicer.app.processEvents()
    assert panel.parameters().initialTransform.GetName() == "Back"
    assert not panel.ui.prealignmentCombo.enabled
    result = registered(panel)
    for offset in ((0, 0, 0), (18, 0, 0), (0, -10, 14)):
        expected = (AWAY @ [*(CENTER + offset), 1])[:3]
        assert np.linalg.norm(mapped(result, CENTER + offset) - expected) < 0.5


def test_the_initial_transform_is_that_of_world_coordinates_from_fixed_to_moving(panel, a_pair):
    """The moving volume lies under a parent of its own; what counts is where it lies, and the node's whole chain."""
    moving = a_pair[1][0]
    moving.SetAndObserveTransformNodeID(transform_node(AWAY, "Away").GetID())
    alignment = initial_alignment(back_node(), moving)
    for ras in ([3.0, -7.0, 11.0], [0.0, 0.0, 0.0]):
        lps = FLIP[:3, :3] @ ras
        expected = FLIP[:3, :3] @ (AWAY @ [*ras, 1])[:3]
        np.testing.assert_allclose(alignment.TransformPoint(lps.tolist()), expected, atol=1e-9)


def test_a_moving_volume_under_the_chosen_transform_starts_from_where_it_lies(panel, a_pair):
    child = transform_node(np.eye(4), "Child", node := transform_node(AWAY, "Away"))
    a_pair[1][0].SetAndObserveTransformNodeID(child.GetID())
    for chosen in (node, child):
        assert initial_alignment(chosen, a_pair[1][0]).TransformPoint((1.0, 2.0, 3.0)) == (1.0, 2.0, 3.0)


def test_a_transform_that_is_not_linear_is_told_on_the_button(panel, a_pair):
    choose(panel, a_pair, masks=False)
    bent = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "Bent")
    bent.SetAndObserveTransformFromParent(slicer.vtkOrientedGridTransform())
    panel.ui.initialTransformSelector.setCurrentNode(bent)
    slicer.app.processEvents()
    assert (panel.ui.registerButton.text, panel.ui.registerButton.enabled) == ("Bent is not linear", False)
    panel.ui.initialTransformSelector.setCurrentNode(None)
    slicer.app.processEvents()
    assert panel.ui.registerButton.enabled


def test_a_transform_without_an_inverse_gives_a_sentence(panel, a_pair):
    choose(panel, a_pair, masks=False)
    panel.ui.initialTransformSelector.setCurrentNode(transform_node(np.diag([1.0, 1.0, 0.0, 1.0]), "Flat"))
    slicer.app.processEvents()
    click(panel.ui.registerButton)
    assert panel.ui.registerStatus.text == "Flat has no inverse; choose another transform."
    assert not panel.registerPanel.running


@pytest.mark.parametrize(("index", "start"), [(0, "affine from"), (1, "rigid from"), (2, "none from identity")])
def test_the_pre_alignment_that_is_chosen_is_done(panel, a_pair, monkeypatch, index, start):
    choose(panel, a_pair, masks=False)
    seen = []
    present = panel.logic._present
    monkeypatch.setattr(
        panel.logic, "_present", lambda outcome, *more: (seen.append(outcome), present(outcome, *more))[1]
    )
    panel.ui.prealignmentCombo.setCurrentIndex(index)
    slicer.app.processEvents()
    registered(panel)
    assert seen[0].result.facts["prealignment"].startswith(start)


def test_a_single_slice_is_told_on_the_button(panel, a_pair):
    choose(panel, a_pair, masks=False)
    slice_node = slicer.util.addVolumeFromArray(np.random.default_rng(0).random((1, 30, 40)), name="Slice")
    panel.ui.movingSelector.setCurrentNode(slice_node)
    slicer.app.processEvents()
    assert (panel.ui.registerButton.text, panel.ui.registerButton.enabled) == ("Slice is a single slice", False)


def test_what_was_guessed_is_told_when_the_kinds_differ(panel, a_pair):
    choose(panel, a_pair, masks=False)
    array = slicer.util.arrayFromVolume(a_pair[1][0])
    slicer.util.updateVolumeFromArray(a_pair[1][0], array * 6 - 1000)
    registered(panel)
    assert "fixed volume was taken for MR and the moving volume was taken for CT" in panel.ui.registerStatus.text
    assert "MIND" in panel.ui.registerStatus.text


def test_a_volume_of_ten_micrometers_has_a_grid_of_its_own_size(panel, a_pair):
    for volume, _ in a_pair:
        matrix = vtk.vtkMatrix4x4()
        volume.GetIJKToRASMatrix(matrix)
        volume.SetIJKToRASMatrix(to_vtk(np.diag([0.01, 0.01, 0.01, 1]) @ to_numpy(matrix)))
    choose(panel, a_pair, masks=False)
    result = registered(panel)
    np.testing.assert_allclose(mapped(result, 0.01 * CENTER), 0.01 * CENTER, atol=0.04)
    settle(panel)
    lines = result.GetDisplayNode().GetGridSpacingMm()
    assert 0.1 < lines < 0.3
    assert panel.ui.gridSpacingSlider.suffix == " x 0.01 mm"
