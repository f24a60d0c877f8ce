"""Masks and clicks go where their volume goes: under a parent transform, under another one, hardened, saved."""

import itertools

import numpy as np
import pytest
import slicer
import vtk
from module_panel import FIXED, choose, rigid
from SAMRegistrationLib.testing import driver
from SAMRegistrationLib.testing.driver import click, save_and_load, settle
from unit.segmentation_samples import FloodPredictor

NOWHERE, HERE, THERE = np.eye(4), rigid((0.3, -0.2, 0.4), (12, -7, 5)), rigid((-0.2, 0.5, 0.1), (-25, 14, 30))
CENTER, OUTER = (0.0, 0.0, 5.0), (17.0, 3.0, 5.0)


def a_transform(name, matrix):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", name)
    node.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    return node


def moved(matrix, place):
    return (matrix @ [*place, 1.0])[:3]


@pytest.fixture
def clicking(panel, a_pair, monkeypatch):
    """A function: the panel with an oblique, anisotropic volume under a transform of its own, and a structure."""
    monkeypatch.setattr(panel.logic, "openPredictor", lambda *_args: FloodPredictor())

    def clicking(matrix):
        for _, masks in a_pair:
            slicer.mrmlScene.RemoveNode(masks)
        volume = a_pair[0][0]
        if matrix is not NOWHERE:
            volume.SetAndObserveTransformNodeID(a_transform("Place", matrix).GetID())
        panel.ui.fixedSelector.setCurrentNode(volume)
        slicer.app.processEvents()
        click(panel.ui.fixedImageButton)
        click(panel.ui.addStructureButton)
        return panel

    return clicking


def place(panel, position):
    for name in slicer.app.layoutManager().sliceViewNames():
        slicer.app.layoutManager().sliceWidget(name).mrmlSliceNode().JumpSliceByCentering(*position)
    slicer.app.processEvents()
    driver.place(panel, panel.ui.plusButton, position)
    assert panel.ui.clickStatus.text == ""


def to_world(node):
    """Matrix from the node's own coordinates to the world, read from its parent alone."""
    parent, matrix = node.GetParentTransformNode(), slicer.util.vtkMatrixFromArray(np.eye(4))
    if parent is not None:
        parent.GetMatrixTransformToWorld(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


def marked(panel):
    """Where the marked voxels lie in the world (RAS), read from the labelmap itself."""
    node = panel.parameters().fixedSegmentation
    segment = node.GetSegmentation().GetNthSegment(0)
    data, matrix = segment.GetRepresentation("Binary labelmap"), slicer.util.vtkMatrixFromArray(np.eye(4))
    data.GetImageToWorldMatrix(matrix)
    labels = slicer.util.arrayFromSegmentInternalBinaryLabelmap(node, node.GetSegmentation().GetNthSegmentID(0))
    ijk = np.argwhere(labels == segment.GetLabelValue())[:, ::-1] + np.array(data.GetExtent()[::2])
    places = np.c_[ijk, np.ones(len(ijk))] @ (to_world(node) @ slicer.util.arrayFromVTKMatrix(matrix)).T
    return places[:, :3]


def clicked(panel):
    """Where the prompts lie in the world (RAS)."""
    (structure,) = panel.logic.promptsOf(panel.parameters(), "fixed").structures
    return np.array([prompt.points[0] for prompt in structure.prompts]) * (-1, -1, 1)


def are_voxels_of_the_body(places, to_world, volume):
    """Whether places are centers of bright voxels of the volume, given where its voxels lie in the world."""
    ijk = (np.c_[places, np.ones(len(places))] @ np.linalg.inv(to_world @ FIXED).T)[:, :3]
    centers = np.abs(ijk - np.round(ijk)).max() < 1e-3
    i, j, k = np.round(ijk).astype(int).T
    return centers and slicer.util.arrayFromVolume(volume)[k, j, i].min() > 50


def same_places(one, other):
    one, other = (np.array(sorted(np.round(places, 3).tolist())) for places in (one, other))
    return one.shape == other.shape and np.allclose(one, other, atol=5e-3)


@pytest.mark.parametrize("first", [NOWHERE, HERE], ids=["in the world", "under a transform"])
def test_masks_and_clicks_go_along_when_their_volume_is_moved_and_clicking_goes_on_there(clicking, first, tmp_path):
    panel = clicking(first)
    place(panel, moved(first, CENTER))
    volume, before, prompts = panel.parameters().fixedVolume, marked(panel), clicked(panel)
    assert len(before) > 20
    assert are_voxels_of_the_body(before, first, volume)

    change = THERE @ np.linalg.inv(first)
    if first is NOWHERE:
        volume.SetAndObserveTransformNodeID(a_transform("Place", THERE).GetID())
    else:
        slicer.util.getNode("Place").SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(THERE))
    slicer.app.processEvents()
    assert same_places(marked(panel), [moved(change, spot) for spot in before])
    assert np.allclose(clicked(panel), [moved(change, spot) for spot in prompts], atol=1e-3)

    place(panel, moved(THERE, OUTER))
    both = marked(panel)
    assert len(both) > len(before)
    assert are_voxels_of_the_body(both, THERE, volume)
    assert np.allclose(clicked(panel)[0], moved(change, prompts[0]), atol=1e-3)

    save_and_load(tmp_path / "scene.mrb")
    assert same_places(marked(panel), both)
    volume = panel.parameters().fixedVolume
    volume.HardenTransform()
    slicer.app.processEvents()
    assert panel.parameters().fixedSegmentation.GetTransformNodeID() is None
    assert same_places(marked(panel), both)
    assert len(clicked(panel)) == 2
    assert np.allclose(clicked(panel)[0], moved(change, prompts[0]), atol=1e-3)


def test_masks_that_were_moved_by_the_user_as_well_are_not_moved_twice(clicking):
    panel = clicking(NOWHERE)
    place(panel, CENTER)
    before, node = marked(panel), panel.parameters().fixedSegmentation
    there = a_transform("There", THERE)
    for moving in (node, panel.parameters().fixedVolume):
        moving.SetAndObserveTransformNodeID(there.GetID())
    slicer.app.processEvents()
    expected = [moved(THERE, spot) for spot in before]
    assert same_places(marked(panel), expected)
    for moving in (node, panel.parameters().fixedVolume):
        moving.HardenTransform()
    slicer.app.processEvents()
    assert same_places(marked(panel), expected)


def bent_transform():
    bend, source, target = vtk.vtkThinPlateSplineTransform(), vtk.vtkPoints(), vtk.vtkPoints()
    for corner in itertools.product((-60, 60), repeat=3):
        source.InsertNextPoint(corner)
        target.InsertNextPoint(np.add(corner, (40, 0, 0)))
    source.InsertNextPoint(0, 0, 0)
    target.InsertNextPoint(46, 4, -3)
    bend.SetSourceLandmarks(source)
    bend.SetTargetLandmarks(target)
    bend.SetBasisToR()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "Bent")
    node.SetAndObserveTransformToParent(bend)
    return node, lambda place: np.array(bend.TransformPoint(place))


def test_a_pair_and_its_segmentations_under_a_deformable_transform_are_registered_and_corrected(
    panel, a_pair, monkeypatch
):
    monkeypatch.setattr(panel.logic, "openPredictor", lambda *_args: FloodPredictor())
    bent, to_world = bent_transform()
    for node in itertools.chain(*a_pair):
        node.SetAndObserveTransformNodeID(bent.GetID())
    choose(panel, a_pair)
    click(panel.ui.registerButton)
    settle(panel)
    assert panel.ui.registerStatus.text.startswith("Done in")
    table = panel.ui.metricsTable
    dice = {table.item(row, 0).text(): float(table.item(row, 2).text()) for row in range(2)}
    assert dice["Core: Dice"] > 0.8, dice

    click(panel.ui.fixedImageButton)
    panel.structuresTable.select("Before masks-Core")
    before = slicer.util.arrayFromSegmentBinaryLabelmap(a_pair[0][1], "Before masks-Core", a_pair[0][0])
    place(panel, to_world(OUTER))
    after = slicer.util.arrayFromSegmentBinaryLabelmap(a_pair[0][1], "Before masks-Core", a_pair[0][0])
    i, j, k = np.round(np.linalg.solve(FIXED, [*OUTER, 1])[:3]).astype(int)
    assert not before[k, j, i]
    assert after[k - 1 : k + 2, j, i].any()
    assert after.sum() > before.sum()


def test_masks_that_are_made_under_a_deformable_transform_stay_on_their_volume_when_it_is_removed(clicking):
    panel = clicking(NOWHERE)
    bent, to_world = bent_transform()
    volume, parameters = panel.parameters().fixedVolume, panel.parameters()
    volume.SetAndObserveTransformNodeID(bent.GetID())
    slicer.app.processEvents()
    place(panel, to_world(CENTER))
    i, j, k = np.round(np.linalg.solve(FIXED, [*CENTER, 1])[:3]).astype(int)

    def mask():
        node = parameters.fixedSegmentation
        return slicer.util.arrayFromSegmentBinaryLabelmap(node, node.GetSegmentation().GetNthSegmentID(0), volume)

    assert parameters.fixedSegmentation.GetTransformNodeID() == bent.GetID()
    marked = mask()
    assert marked[k - 1 : k + 2, j, i].any()
    slicer.mrmlScene.RemoveNode(bent)
    slicer.app.processEvents()
    assert parameters.fixedSegmentation.GetTransformNodeID() is None
    assert np.array_equal(mask(), marked)


def test_points_and_undo_are_in_line_when_the_transform_of_the_volume_changes(clicking):
    panel = clicking(HERE)
    place(panel, moved(HERE, CENTER))
    parent = panel.parameters().fixedVolume.GetParentTransformNode()
    parent.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(THERE))
    slicer.app.processEvents()
    (points,) = [
        node
        for node in slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")
        if node.GetNumberOfControlPoints() == 1
    ]
    assert np.allclose(points.GetNthControlPointPositionWorld(0), moved(THERE, CENTER), atol=1.5)
    assert not panel.ui.undoButton.enabled
