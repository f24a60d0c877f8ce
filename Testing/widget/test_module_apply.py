"""Applying a result to other nodes of the moving space, all of them under a parent transform."""

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk
from module_panel import FIXED, MOVING, choose
from SAMRegistrationLib import engine
from SAMRegistrationLib.registration import RegistrationResult
from SAMRegistrationLib.testing.driver import click, settle

PARENT = np.eye(4)
PARENT[:3, :3] = np.array(sitk.Euler3DTransform((0, 0, 0), 0.2, -0.1, 0.3).GetMatrix()).reshape(3, 3)
PARENT[:3, 3] = (6.0, -4.0, 9.0)
MAPPING = sitk.AffineTransform(3)  # fixed to moving points, LPS
MAPPING.Rotate(0, 1, 0.25)
MAPPING.Scale((1.05, 0.97, 1.02))
MAPPING.SetTranslation((-9.0, 6.0, 4.0))
PLACES = [(5.0, -3.0, 8.0), (-12.0, 6.0, 0.0), (20.0, 11.0, -9.0)]


@pytest.fixture
def registered(panel, a_pair, monkeypatch):
    """The panel after a registration whose outcome is known, with everything of the moving space under a parent."""

    def known(fixed, moving, *_others):
        forward, back = (sitk.CompositeTransform([part]) for part in (MAPPING, MAPPING.GetInverse()))
        return RegistrationResult(forward, back, back, fixed, moving)

    monkeypatch.setattr(engine, "register", known)
    parent = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "Parent")
    parent.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(PARENT))
    for node in a_pair[1]:
        node.SetAndObserveTransformNodeID(parent.GetID())
    choose(panel, a_pair)
    click(panel.ui.registerButton)
    settle(panel)
    return panel, parent


def apply(panel, node):
    panel.ui.applySelector.setCurrentNode(node)
    slicer.app.processEvents()
    before = {n.GetID() for n in slicer.util.getNodesByClass(node.GetClassName())}
    click(panel.ui.applyButton)
    settle(panel)
    (new,) = [n for n in slicer.util.getNodesByClass(node.GetClassName()) if n.GetID() not in before]
    assert new.GetName() == f"{node.GetName()} warped" or new.GetName().startswith(f"{node.GetName()} warped_")
    assert new.GetParentTransformNode() is None
    return new


def moved(place):
    """Where a place of the moving nodes (RAS, below their parent) is in fixed space (RAS)."""
    world = (PARENT @ [*place, 1])[:3]
    return np.array(MAPPING.GetInverse().TransformPoint((-world[0], -world[1], world[2]))) * (-1, -1, 1)


def voxels_of_moving(points):
    """Continuous voxels (i, j, k) of the moving volume at places of the fixed space (RAS)."""
    world = np.array([np.array(MAPPING.TransformPoint((-x, -y, z))) * (-1, -1, 1) for x, y, z in points])
    return (np.linalg.inv(PARENT @ MOVING) @ np.c_[world, np.ones(len(world))].T).T[:, :3]


def fixed_points(*ijk):
    return [(FIXED @ [*index, 1])[:3] for index in ijk]


@pytest.mark.parametrize("kind", ["Fiducial", "Curve", "Plane"])
def test_markups_go_where_their_points_go(registered, kind):
    panel, parent = registered
    node = slicer.mrmlScene.AddNewNodeByClass(f"vtkMRMLMarkups{kind}Node", "Marks")
    for place in PLACES:
        node.AddControlPoint(*place)
    node.SetAndObserveTransformNodeID(parent.GetID())
    copy = apply(panel, node)
    assert copy.GetNumberOfControlPoints() == node.GetNumberOfControlPoints() >= 1
    for index, place in enumerate(PLACES[: node.GetNumberOfControlPoints()]):
        assert np.allclose(copy.GetNthControlPointPositionWorld(index), moved(place), atol=0.05)
        assert np.allclose(node.GetNthControlPointPosition(index), place)
    assert node.GetTransformNodeID() == parent.GetID()


def test_models_go_where_their_points_go(registered):
    panel, parent = registered
    source = vtk.vtkSphereSource()
    source.SetCenter(4.0, -2.0, 6.0)
    source.SetRadius(9.0)
    source.Update()
    node = slicer.modules.models.logic().AddModel(source.GetOutput())
    node.SetName("Ball")
    node.SetAndObserveTransformNodeID(parent.GetID())
    before = slicer.util.arrayFromModelPoints(node).copy()
    copy = apply(panel, node)
    assert np.allclose(slicer.util.arrayFromModelPoints(copy), [moved(point) for point in before], atol=0.05)
    assert np.array_equal(slicer.util.arrayFromModelPoints(node), before)
    assert node.GetTransformNodeID() == parent.GetID()


def test_volumes_are_resampled_through_parent_and_mapping(registered, a_pair):
    from test_module_register import trilinear

    panel, parent = registered
    moving = a_pair[1][0]
    array = slicer.util.arrayFromVolume(moving).copy()
    copy = apply(panel, moving)
    indices = [(20, 18, 12), (24, 16, 14), (15, 22, 10)]
    warped = slicer.util.arrayFromVolume(copy)
    for index, voxel in zip(indices, voxels_of_moving(fixed_points(*indices))):
        assert warped[index[::-1]] == pytest.approx(trilinear(array, voxel), abs=0.5)
    assert np.array_equal(slicer.util.arrayFromVolume(moving), array)
    assert moving.GetTransformNodeID() == parent.GetID()


def test_segments_are_brought_over_with_names_and_colors(registered, a_pair):
    panel, parent = registered
    (fixed, _), (moving, masks) = a_pair
    copy = apply(panel, masks)
    source, target = masks.GetSegmentation(), copy.GetSegmentation()
    assert target.GetSegmentIDs() == source.GetSegmentIDs()
    for segment_id in source.GetSegmentIDs():
        assert target.GetSegment(segment_id).GetName() == source.GetSegment(segment_id).GetName()
        assert target.GetSegment(segment_id).GetColor() == source.GetSegment(segment_id).GetColor()
    whole = "After masks-Whole"
    found = slicer.util.arrayFromSegmentBinaryLabelmap(copy, whole, fixed) > 0
    mask = slicer.util.arrayFromSegmentBinaryLabelmap(masks, whole, moving) > 0
    indices = np.argwhere(np.ones(found.shape))[::7, ::-1]
    voxels = np.round(voxels_of_moving([(FIXED @ [*index, 1])[:3] for index in indices])).astype(int)
    inside = np.all((voxels >= 0) & (voxels < mask.shape[::-1]), axis=1)
    expected = np.zeros(len(indices), bool)
    expected[inside] = mask[tuple(voxels[inside].T[::-1])]
    agreed = found[tuple(indices.T[::-1])] == expected
    assert expected.sum() > 200
    assert agreed.mean() > 0.985
    assert masks.GetTransformNodeID() == parent.GetID()


def test_the_measures_are_exported_by_a_click_and_a_bad_folder_gives_a_sentence(registered, tmp_path, monkeypatch):
    import csv

    import qt

    panel, _ = registered
    for answer in (str(tmp_path / "m.csv"), (str(tmp_path / "n.csv"), "Table (*.csv)")):  # both forms of the bindings
        monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", lambda *_args, answer=answer: answer)
        click(panel.ui.exportButton)
    rows = list(csv.reader((tmp_path / "n.csv").open(encoding="utf-8")))
    assert (tmp_path / "m.csv").read_text(encoding="utf-8") == (tmp_path / "n.csv").read_text(encoding="utf-8")
    table = panel.ui.metricsTable
    assert rows[1:] == [[table.item(r, c).text() for c in range(4)] for r in range(table.rowCount)]
    (tmp_path / "file").touch()
    monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", lambda *_args: str(tmp_path / "file" / "m.csv"))
    click(panel.ui.exportButton)
    assert "choose another output folder" in panel.ui.lookStatus.text


def folder_of(node):
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    return hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node))


def test_a_copy_looks_like_the_original_lies_in_the_folder_of_the_run_and_is_told_of(registered):
    panel, _ = registered
    marks = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Marks")
    marks.AddControlPoint(*PLACES[0])
    source = vtk.vtkSphereSource()
    source.Update()
    ball = slicer.modules.models.logic().AddModel(source.GetOutput())
    ball.SetName("Ball")
    marks.GetDisplayNode().SetSelectedColor(0.1, 0.2, 0.9)
    marks.GetDisplayNode().SetGlyphScale(7.5)
    ball.GetDisplayNode().SetColor(0.1, 0.2, 0.9)
    ball.GetDisplayNode().SetOpacity(0.35)
    copies = []
    for node in (marks, ball):
        copies.append(apply(panel, node))
        assert copies[-1].GetName() in panel.ui.lookStatus.text
        assert folder_of(copies[-1]) == folder_of(panel.parameters().resultTransform)
    assert copies[0].GetDisplayNode().GetSelectedColor() == (0.1, 0.2, 0.9)
    assert copies[0].GetDisplayNode().GetGlyphScale() == 7.5
    assert copies[1].GetDisplayNode().GetColor() == (0.1, 0.2, 0.9)
    assert copies[1].GetDisplayNode().GetOpacity() == 0.35
    assert copies[1].GetDisplayNode() is not ball.GetDisplayNode()


def test_the_checkerboard_lies_in_the_folder_of_the_run(registered):
    panel, _ = registered
    click(panel.ui.checkerboardButton)
    settle(panel)
    parameters = panel.parameters()
    assert folder_of(parameters.resultCheckerboard) == folder_of(parameters.resultTransform)


def test_what_goes_wrong_while_looking_is_told_in_that_section(registered):
    panel, _ = registered
    marks = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Marks")
    marks.AddControlPoint(*PLACES[0])
    before = panel.ui.registerStatus.text
    panel.parameters().resultTransform.SetAndObserveTransformFromParent(vtk.vtkThinPlateSplineTransform())
    panel.ui.applySelector.setCurrentNode(marks)
    click(panel.ui.applyButton)
    settle(panel)
    assert "register again" in panel.ui.lookStatus.text
    panel.parameters().fixedVolume.SetSpacing(1.0, 1.0, 1.0)
    click(panel.ui.checkerboardButton)
    settle(panel)
    assert "was changed since the registration" in panel.ui.lookStatus.text
    assert panel.ui.registerStatus.text == before


def test_copies_of_volumes_and_segmentations_are_shown_like_the_originals(registered, a_pair):
    panel, _ = registered
    volume, masks = a_pair[1]
    volume.GetDisplayNode().SetAndObserveColorNodeID("vtkMRMLColorTableNodeRed")
    masks.GetDisplayNode().SetVisibility2DFill(False)
    assert apply(panel, volume).GetDisplayNode().GetColorNodeID() == "vtkMRMLColorTableNodeRed"
    assert not apply(panel, masks).GetDisplayNode().GetVisibility2DFill()
