"""The role of each structure in the table: it is chosen below, seen in its row, saved, and followed."""

import numpy as np
import pytest
import slicer
from module_life import known_result
from module_panel import choose, ijk_to_ras, rigid
from SAMRegistrationLib import engine
from SAMRegistrationLib.testing.driver import click_and_settle, save_and_load, select_structure, structure_ids

NAME, MEANING = 2, 5
GUIDE, IGNORE, RIGID = range(3)


@pytest.fixture
def asked(monkeypatch):
    """Guidances that registrations with a known outcome were asked to follow, with the masks of the fixed image."""
    found = []

    def register(fixed, moving, fixed_masks, moving_masks, options, job, guidance):
        found.append((guidance, fixed_masks))
        return known_result(fixed, moving)

    monkeypatch.setattr(engine, "register", register)
    return found


def roles(panel):
    table = panel.ui.structuresTable
    found = {}
    for row in range(table.rowCount):
        *role, term = table.item(row, MEANING).text().split("\n")
        assert term == "Tissue"
        found[table.item(row, NAME).text()] = role[0] if role else "guide"
    return found


def give(panel, name, role):
    select_structure(panel, structure_ids(panel)[name])
    panel.ui.roleCombo.setCurrentIndex(role)
    slicer.app.processEvents()


def measured(panel):
    table = panel.ui.metricsTable
    return [table.item(row, 0).text() for row in range(table.rowCount)]


def test_roles_are_chosen_seen_followed_and_saved(panel, a_pair, asked, tmp_path):
    choose(panel, a_pair)
    assert roles(panel) == {"Core": "guide", "Whole": "guide"}
    give(panel, "Core", IGNORE)
    assert roles(panel) == {"Core": "ignore", "Whole": "guide"}
    table = panel.ui.structuresTable
    assert [table.item(row, MEANING).font().bold() for row in range(2)] == [True, False]
    select_structure(panel, structure_ids(panel)["Whole"])
    assert panel.ui.roleCombo.currentIndex == GUIDE
    select_structure(panel, structure_ids(panel)["Core"])
    assert panel.ui.roleCombo.currentIndex == IGNORE

    click_and_settle(panel, panel.ui.registerButton)
    guidance, masks = asked[-1]
    assert [structure.name for structure in masks.structures] == ["Whole"]
    assert [region.structures[0].name for region in (guidance.ignored_fixed, guidance.ignored_moving)] == ["Core"] * 2
    assert {"Core (ignored): Dice", "Whole: Dice"} <= set(measured(panel))

    save_and_load(tmp_path / "scene.mrb")
    assert roles(panel) == {"Core": "ignore", "Whole": "guide"}
    give(panel, "Core", RIGID)
    click_and_settle(panel, panel.ui.registerButton)
    guidance, masks = asked[-1]
    assert [structure.name for structure in masks.structures] == ["Core", "Whole"]
    assert [structure.name for structure in guidance.rigid.structures] == ["Core"]
    assert guidance.ignored_fixed is None
    assert "Core (rigid): Dice" in measured(panel)
    give(panel, "Core", GUIDE)
    click_and_settle(panel, panel.ui.registerButton)
    assert asked[-1][0] is None


def test_the_button_says_what_roles_do(panel, a_pair):
    choose(panel, a_pair)
    assert "guided by masks" in panel.ui.registerButton.text
    for name in ("Core", "Whole"):
        give(panel, name, IGNORE)
    assert "guided by masks" not in panel.ui.registerButton.text.replace("\n", " ")


def test_a_role_stays_in_the_copy_that_the_module_goes_on_with(panel, a_pair):
    choose(panel, a_pair)
    give(panel, "Core", RIGID)
    select_structure(panel, structure_ids(panel)["Whole"])
    panel.ui.removeStructureButton.click()
    slicer.app.processEvents()
    assert roles(panel) == {"Core": "rigid"}


def test_a_rigid_structure_of_oblique_volumes_under_a_parent_moves_as_one_body(panel, a_pair):
    parent = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode")
    parent.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(rigid((0.2, -0.1, 0.3), (30.0, -12.0, 7.0))))
    for node in (node for nodes in a_pair for node in nodes):
        node.SetAndObserveTransformNodeID(parent.GetID())
    choose(panel, a_pair)
    give(panel, "Core", RIGID)
    click_and_settle(panel, panel.ui.registerButton)
    assert panel.ui.registerStatus.text.startswith("Done in")
    transform = panel.parameters().resultTransform.GetTransformFromParent()
    fixed, masks = a_pair[0]
    inside = np.argwhere(slicer.util.arrayFromSegmentBinaryLabelmap(masks, "Before masks-Core", fixed) > 0)[::7, ::-1]
    matrix = slicer.util.arrayFromTransformMatrix(parent) @ ijk_to_ras(fixed)
    points = (np.c_[inside, np.ones(len(inside))] @ matrix.T)[:, :3]
    moved = np.array([transform.TransformPoint(point) for point in points])
    assert rigid_residual(points, moved) < 0.1  # mm; the edges of a voxel are 2 to 3.1


def rigid_residual(points, moved):
    """How far points are at most from where the rigid motion nearest to theirs brings them (Kabsch, 1976)."""
    first, then = points - points.mean(0), moved - moved.mean(0)
    u, _s, v = np.linalg.svd(first.T @ then)
    turn = u @ np.diag([1, 1, np.linalg.det(u @ v)]) @ v
    return np.linalg.norm(first @ turn - then, axis=1).max()
