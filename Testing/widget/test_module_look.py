"""The section "Look" of the panel, after a real registration."""

import itertools
import threading

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from module_panel import choose
from SAMRegistrationLib.testing.driver import click, save_and_load, settle, wait


@pytest.fixture
def looking(panel, a_pair):
    choose(panel, a_pair)
    click(panel.ui.registerButton)
    wait(lambda: not panel.registerPanel.running)
    return panel


def foreground(view="Red"):
    composite = slicer.app.layoutManager().sliceWidget(view).mrmlSliceCompositeNode()
    nodes = (composite.GetBackgroundVolumeID(), composite.GetForegroundVolumeID())
    return [slicer.mrmlScene.GetNodeByID(node) if node else None for node in nodes], composite.GetForegroundOpacity()


def test_the_result_can_be_looked_at_in_every_way(looking, tmp_path):
    ui, parameters = looking.ui, looking.parameters()
    grid = parameters.resultTransform.GetDisplayNode()
    assert foreground()[0] == [parameters.fixedVolume, parameters.resultVolume]
    ui.gridSpacingSlider.setValue(8)
    slicer.app.processEvents()
    assert grid.GetGridSpacingMm() == 8
    ui.gridCheckBox.setChecked(False)
    slicer.app.processEvents()
    assert not grid.GetVisibility2D()

    ui.jacobianCheckBox.setChecked(True)
    slicer.app.processEvents()
    assert foreground()[0] == [parameters.fixedVolume, parameters.resultJacobian]
    ui.jacobianCheckBox.setChecked(False)

    ui.opacitySlider.setValue(0.25)
    slicer.app.processEvents()
    assert foreground()[1] == pytest.approx(0.25)

    click(ui.checkerboardButton)
    wait(lambda: parameters.resultCheckerboard is not None and foreground()[0][0] is parameters.resultCheckerboard)

    click(ui.flickerButton)
    seen = set()
    wait(lambda: seen.add(foreground()[1]) or len(seen & {0.0, 1.0}) == 2, 20)

    click(ui.sideBySideButton)
    slicer.app.processEvents()
    assert foreground("Red")[0][0] is parameters.fixedVolume
    assert foreground("Yellow")[0][0] is parameters.resultVolume
    click(ui.blendButton)
    assert foreground("Yellow")[0] == [parameters.fixedVolume, parameters.resultVolume]

    rows = {ui.metricsTable.item(row, 0).text(): row for row in range(ui.metricsTable.rowCount)}
    assert {"Core: Dice", "Whole: Dice", "Whole: HD95 (mm)", "SDlogJ", "Folds", "Time"} <= set(rows)
    before, after = (float(ui.metricsTable.item(rows["Whole: Dice"], column).text()) for column in (1, 2))
    assert after > before
    path = tmp_path / "measures.csv"
    looking.measures.export(str(path))
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("Measure,Before,After")
    assert len(lines) == 1 + ui.metricsTable.rowCount


def layout():
    return slicer.app.layoutManager().layout


def test_what_was_chosen_to_look_at_comes_back_with_the_scene(looking, tmp_path):
    ui = looking.ui
    ui.gridCheckBox.setChecked(False)
    ui.outlinesCheckBox.setChecked(False)
    ui.jacobianCheckBox.setChecked(True)
    ui.opacitySlider.setValue(0.2)
    slicer.app.processEvents()
    path = tmp_path / "scene.mrb"
    assert slicer.util.saveScene(str(path))
    slicer.mrmlScene.Clear(0)
    looking.initializeParameterNode()
    assert [box.checked for box in (ui.gridCheckBox, ui.jacobianCheckBox)] == [True, False]
    assert ui.opacitySlider.value == pytest.approx(0.5)
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(str(path))
    slicer.app.processEvents()
    looking.initializeParameterNode()
    transform = looking.parameters().resultTransform
    shown = [transform.GetNthDisplayNode(n) for n in range(transform.GetNumberOfDisplayNodes())]
    assert not ui.gridCheckBox.checked
    assert not any(node.GetVisibility() and node.GetVisibility2D() for node in shown)
    assert ui.grid3DCheckBox.checked
    assert any(node.GetVisibility() and node.GetVisibility3D() for node in shown)
    assert ui.jacobianCheckBox.checked
    assert not ui.outlinesCheckBox.checked
    assert ui.opacitySlider.value == pytest.approx(0.2)


def flickers():
    seen = set()
    wait(lambda: seen.add(foreground()[1]) or len(seen & {0.0, 1.0}) == 2, 20)


def test_flicker_goes_on_when_the_module_is_entered_again_and_when_the_scene_is_loaded(looking, tmp_path):
    click(looking.ui.flickerButton)
    flickers()
    looking.exit()
    assert not looking.lookPanel._comparison._flicker.isActive()
    looking.enter()
    assert looking.ui.flickerButton.checked
    flickers()
    save_and_load(tmp_path / "scene.mrb")
    looking.enter()
    assert looking.ui.flickerButton.checked
    flickers()
    click(looking.ui.fixedImageButton)
    assert looking.ui.blendButton.checked
    assert not looking.lookPanel._comparison._flicker.isActive()


def test_side_by_side_gives_the_layout_back_on_leaving_and_also_after_loading_the_scene(looking, tmp_path):
    layouts, red, yellow = slicer.vtkMRMLLayoutNode, "Red", "Yellow"
    click(looking.ui.sideBySideButton)
    looking.exit()
    assert layout() == layouts.SlicerLayoutFourUpView
    looking.enter()
    assert layout() == layouts.SlicerLayoutSideBySideView
    assert looking.ui.sideBySideButton.checked
    save_and_load(tmp_path / "scene.mrb")
    looking.enter()
    settle(looking)
    parameters = looking.parameters()
    assert layout() == layouts.SlicerLayoutSideBySideView
    assert looking.ui.sideBySideButton.checked
    assert (foreground(red)[0][0], foreground(yellow)[0][0]) == (parameters.fixedVolume, parameters.resultVolume)
    click(looking.ui.blendButton)
    settle(looking)
    assert layout() == layouts.SlicerLayoutFourUpView
    nodes = [slicer.app.layoutManager().sliceWidget(name).mrmlSliceNode() for name in (red, yellow)]
    normals = [[node.GetSliceToRAS().GetElement(row, 2) for row in range(3)] for node in nodes]
    assert abs(np.dot(*normals)) < 0.1


def whole_body_in_its_plane(name, volume):
    """Whether a slice view shows all corners of a volume and is not larger than needed; and where its plane is."""
    node = slicer.app.layoutManager().sliceWidget(name).mrmlSliceNode()
    to_slice = np.linalg.inv(slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS()))
    bounds = [0.0] * 6
    volume.GetRASBounds(bounds)
    corners = np.array([[*corner, 1] for corner in itertools.product(bounds[:2], bounds[2:4], bounds[4:])])
    reach = np.abs((corners @ to_slice.T)[:, :2]).max(axis=0) / (np.array(node.GetFieldOfView()[:2]) / 2)
    offset = slicer.app.layoutManager().sliceWidget(name).sliceLogic().GetSliceOffset()
    return 0.9 < reach.max() < 1.01, offset


def test_a_new_layout_shows_the_whole_body_in_every_view_at_the_same_place(panel, a_pair):
    parent = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode")
    turn = np.eye(4)
    turn[:3, :3] = np.array(sitk.Euler3DTransform((0, 0, 0), 0.2, -0.1, 0.3).GetMatrix()).reshape(3, 3)
    turn[:3, 3] = (30.0, -12.0, 7.0)
    parent.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(turn))
    for node in (node for nodes in a_pair for node in nodes):
        node.SetAndObserveTransformNodeID(parent.GetID())
    choose(panel, a_pair)
    click(panel.ui.registerButton)
    wait(lambda: not panel.registerPanel.running)
    fixed, manager = panel.parameters().fixedVolume, slicer.app.layoutManager()
    for name, shift in zip(("Red", "Yellow", "Green"), (9.0, -6.0, 4.0)):
        logic = manager.sliceWidget(name).sliceLogic()
        logic.SetSliceOffset(logic.GetSliceOffset() + shift)
    offsets = {name: whole_body_in_its_plane(name, fixed)[1] for name in ("Red", "Yellow", "Green")}

    click(panel.ui.sideBySideButton)
    settle(panel)
    node = manager.sliceWidget("Red").mrmlSliceNode()
    width, height = node.GetDimensions()[:2]
    assert height > width, "the view has not its new size"
    for name in ("Red", "Yellow"):
        assert whole_body_in_its_plane(name, fixed) == (True, pytest.approx(offsets["Red"])), name

    click(panel.ui.blendButton)
    settle(panel)
    for name, offset in offsets.items():
        assert whole_body_in_its_plane(name, fixed) == (True, pytest.approx(offset)), name


def test_folds_are_hatched_listed_and_found_by_a_click_and_come_back_with_the_scene(
    panel, a_pair, monkeypatch, tmp_path, frame_of
):
    from PySide6 import QtCore, QtTest
    from SAMRegistrationLib import engine
    from SAMRegistrationLib.geometry.grid import Grid
    from SAMRegistrationLib.registration import RegistrationResult

    center = (0.0, 0.0, 5.0)

    def folded(fixed, moving, *_others):
        grid = Grid.of(fixed)
        offsets = grid.index_to_physical(np.argwhere(np.ones(grid.shape))[:, ::-1]) - center
        pull = -2.5 * offsets * np.exp(-np.sum(offsets**2, 1) / (2 * 6.0**2))[:, None]
        field = sitk.DisplacementFieldTransform(grid.image(pull.reshape(*grid.shape, 3)))
        whole, nothing = sitk.CompositeTransform([field]), sitk.CompositeTransform([sitk.AffineTransform(3)])
        return RegistrationResult(whole, nothing, nothing, fixed, moving)

    monkeypatch.setattr(engine, "register", folded)
    choose(panel, a_pair)
    click(panel.ui.registerButton)
    wait(lambda: not panel.registerPanel.running)
    ui, parameters = panel.ui, panel.parameters()
    assert ui.foldsTable.rowCount == len(panel.logic.folds(parameters)) >= 1
    volume, jacobian, *place = panel.logic.folds(parameters)[0]
    assert ui.foldsTable.item(0, 0).text() == f"{volume:.1f}"
    array = slicer.util.arrayFromVolume(parameters.resultJacobian)
    assert jacobian == pytest.approx(array.min(), abs=1e-3)
    assert np.linalg.norm(np.array(place) * (-1, -1, 1) - center) < 15
    assert "choose one to see it" in ui.metricsLabel.text

    ui.foldsTable.scrollToItem(ui.foldsTable.item(0, 0))
    spot = ui.foldsTable.visualItemRect(ui.foldsTable.item(0, 1)).center()
    QtTest.QTest.mouseClick(ui.foldsTable.viewport(), QtCore.Qt.MouseButton.LeftButton, pos=spot)
    slicer.app.processEvents()
    for name in slicer.app.layoutManager().sliceViewNames():
        matrix = slicer.app.layoutManager().sliceWidget(name).mrmlSliceNode().GetSliceToRAS()
        assert np.allclose([matrix.GetElement(row, 3) for row in range(3)], place, atol=0.06), name
    assert ui.jacobianCheckBox.checked
    display = parameters.resultFolds.GetDisplayNode()
    assert display.GetVisibility()
    assert not display.GetSegmentVisibility2DFill("folds")
    assert display.GetSegmentVisibility2DFill("hatching")
    ui.gridCheckBox.setChecked(False)
    ui.outlinesCheckBox.setChecked(False)
    view = slicer.app.layoutManager().sliceWidget("Red").sliceView()
    node = view.mrmlSliceNode()
    node.SetFieldOfView(*(size / 4 for size in node.GetFieldOfView()[:2]), node.GetFieldOfView()[2])
    shown = frame_of(view)
    display.SetSegmentVisibility("hatching", False)
    plain = frame_of(view)
    assert 100 < np.any(shown != plain, axis=2).sum() < 0.5 * shown.shape[0] * shown.shape[1]
    display.SetSegmentVisibility("hatching", True)

    scene = str(tmp_path / "scene.mrb")
    rows = panel.logic.folds(parameters)
    assert slicer.util.saveScene(scene)
    slicer.mrmlScene.Clear(0)
    assert ui.foldsTable.rowCount == 0
    slicer.util.loadScene(scene)
    panel.initializeParameterNode()
    assert panel.logic.folds(panel.parameters()) == rows
    assert ui.foldsTable.rowCount == len(rows)


def test_landmarks_volumes_and_segmentations_of_the_moving_space_are_brought_over_as_copies(looking, a_pair, tmp_path):
    parameters = looking.parameters()
    moving, moving_masks = a_pair[1]
    points = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Landmarks")
    places = [(5.0, -3.0, 8.0), (-12.0, 6.0, 0.0)]
    for place in places:
        points.AddControlPoint(*place)
    path = str(tmp_path / "inverse.h5")
    assert slicer.util.saveNode(parameters.resultInverse, path)
    inverse = sitk.ReadTransform(path)
    for node in (points, moving, moving_masks):
        count = slicer.mrmlScene.GetNumberOfNodesByClass(node.GetClassName())
        looking.ui.applySelector.setCurrentNode(node)
        slicer.app.processEvents()
        click(looking.ui.applyButton)
        settle(looking)
        assert slicer.mrmlScene.GetNumberOfNodesByClass(node.GetClassName()) == count + 1
    copy = slicer.util.getNode("Landmarks warped")
    for index, (x, y, z) in enumerate(places):
        expected = np.array(inverse.TransformPoint((-x, -y, z))) * (-1, -1, 1)
        assert np.allclose(copy.GetNthControlPointPositionWorld(index), expected, atol=1e-2)
        assert np.allclose(points.GetNthControlPointPositionWorld(index), (x, y, z))
    again = slicer.util.getNode("After warped_1")
    difference = slicer.util.arrayFromVolume(again) - slicer.util.arrayFromVolume(parameters.resultVolume)
    assert np.abs(difference).max() < 1e-2


def test_a_checkerboard_that_comes_late_does_not_take_the_views_from_clicking(looking):
    go_on = threading.Event()
    looking.runner.submit_aside(lambda job: go_on.wait(60))
    looking.ui.checkerboardButton.click()
    looking.ui.movingImageButton.click()
    go_on.set()
    settle(looking)
    composite = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
    assert composite.GetBackgroundVolumeID() == looking.parameters().movingVolume.GetID()
    assert composite.GetForegroundVolumeID() is None
    assert looking.parameters().resultCheckerboard is not None
