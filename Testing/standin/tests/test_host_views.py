"""Slice views and the 3D view of the host, driven with the mouse and judged by their pixels."""

import numpy as np
import pytest
import slicer
import vtk
from Host import gestures
from PySide6 import QtCore
from vtkmodules.util.numpy_support import vtk_to_numpy

SLICES = ("Red", "Yellow", "Green")


def rotation(degrees_x, degrees_y, degrees_z):
    transform = vtk.vtkTransform()
    transform.RotateX(degrees_x)
    transform.RotateY(degrees_y)
    transform.RotateZ(degrees_z)
    return np.array([[transform.GetMatrix().GetElement(r, c) for c in range(3)] for r in range(3)])


def geometry(spacing, center, shape, directions):
    """IJK to RAS of a grid of this shape whose middle lies at `center`."""
    matrix = np.eye(4)
    matrix[:3, :3] = directions * np.asarray(spacing)
    matrix[:3, 3] = np.asarray(center) - matrix[:3, :3] @ ((np.asarray(shape) - 1) / 2)
    return matrix


STRAIGHT = geometry((1.5, 1.5, 1.5), (10, -20, 30), (70, 80, 60), np.diag([-1, -1, 1]))
OBLIQUE = geometry((0.9, 2.1, 3.4), (10, -20, 30), (110, 60, 40), rotation(25, -15, 35))
BALL = np.array([14.3, -27.1, 36.7])


def show_ball(a_ball_volume, matrix, shape):
    volume = a_ball_volume(BALL, matrix, shape)
    slicer.util.setSliceViewerLayers(background=volume, fit=True)
    for name in SLICES:
        slicer.app.layoutManager().sliceWidget(name).mrmlSliceNode().JumpSliceByOffsetting(*BALL)
    return volume


@pytest.fixture
def a_shown_ball(a_ball_volume):
    """A ball at BALL in an oblique, anisotropic volume, in the background of all slices through it."""
    return show_ball(a_ball_volume, OBLIQUE, (110, 60, 40))


@pytest.fixture
def a_shown_straight_ball(a_ball_volume):
    """The same in a volume along the axes of the patient, with cubic voxels."""
    return show_ball(a_ball_volume, STRAIGHT, (70, 80, 60))


def ball_pixel(frame):
    """Where the ball is seen: the center of gravity of its bright core, in pixels."""
    bright = frame[..., 0].astype(float)
    bright[bright < 100] = 0
    rows, columns = np.indices(bright.shape)
    return QtCore.QPoint(round((columns * bright).sum() / bright.sum()), round((rows * bright).sum() / bright.sum()))


def millimeters_per_pixel(view):
    return view.mrmlSliceNode().GetFieldOfView()[0] / view.renderWindow().GetSize()[0]


def start_placing():
    points = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Points")
    points.CreateDefaultDisplayNodes()
    slicer.modules.markups.logic().SetActiveList(points)
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    interaction.SetPlaceModePersistence(1)
    interaction.SetCurrentInteractionMode(slicer.vtkMRMLInteractionNode.Place)
    return points


def stop_placing():
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    interaction.SetCurrentInteractionMode(slicer.vtkMRMLInteractionNode.ViewTransform)
    slicer.app.processEvents()


def world_position(points, index=0):
    return np.array(points.GetNthControlPointPositionWorld(index))


@pytest.mark.parametrize("ball", ["a_shown_ball", "a_shown_straight_ball"])
@pytest.mark.parametrize("name", SLICES)
def test_a_point_placed_on_the_ball_lands_within_one_pixel_of_it_in_the_world(request, frame_of, name, ball):
    request.getfixturevalue(ball)
    view = gestures.slice_view(name)
    points = start_placing()
    gestures.click(view, ball_pixel(frame_of(view)))
    assert points.GetNumberOfDefinedControlPoints() == 1
    distance = np.linalg.norm(world_position(points) - BALL)
    assert distance < millimeters_per_pixel(view)


@pytest.mark.parametrize("name", SLICES)
def test_a_point_under_a_parent_transform_is_stored_where_the_world_shows_it(a_shown_ball, frame_of, name):
    parent = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "Parent")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, 40.0)
    parent.SetMatrixTransformToParent(matrix)
    points = start_placing()
    points.SetAndObserveTransformNodeID(parent.GetID())
    view = gestures.slice_view(name)
    gestures.click(view, ball_pixel(frame_of(view)))
    assert np.linalg.norm(world_position(points) - BALL) < millimeters_per_pixel(view)
    assert np.allclose(world_position(points) - points.GetNthControlPointPosition(0), (40, 0, 0))


@pytest.mark.parametrize("name", SLICES)
def test_a_dragged_point_moves_by_the_dragged_pixels(a_shown_ball, world_of_pixel, name):
    view = gestures.slice_view(name)
    points = start_placing()
    start, end = QtCore.QPoint(150, 140), QtCore.QPoint(210, 190)
    gestures.click(view, start)
    stop_placing()
    gestures.drag(view, start, end)
    assert points.GetNumberOfDefinedControlPoints() == 1
    error = np.linalg.norm(world_position(points) - world_of_pixel(view, end.x(), end.y()))
    assert error < millimeters_per_pixel(view)


def test_the_delete_key_removes_the_point_under_the_mouse_and_no_other(a_shown_ball):
    view = gestures.slice_view("Red")
    points = start_placing()
    gestures.click(view, QtCore.QPoint(150, 140))
    gestures.click(view, QtCore.QPoint(220, 200))
    stop_placing()
    kept = world_position(points, 1)
    gestures.move(view, QtCore.QPoint(150, 140))
    gestures.type_key(view, QtCore.Qt.Key.Key_Delete)
    assert points.GetNumberOfDefinedControlPoints() == 1
    assert np.allclose(world_position(points), kept)


def test_a_click_outside_place_mode_adds_no_point(a_shown_ball):
    points = start_placing()
    stop_placing()
    gestures.click(gestures.slice_view("Red"), QtCore.QPoint(150, 140))
    assert points.GetNumberOfControlPoints() == 0


def test_the_wheel_scrolls_by_one_voxel_of_a_straight_volume(a_ball_volume):
    matrix = geometry((1.5, 1.5, 3.25), (0, 0, 0), (40, 40, 30), np.eye(3))
    slicer.util.setSliceViewerLayers(background=a_ball_volume((0, 0, 0), matrix, (40, 40, 30)), fit=True)
    logic = slicer.app.layoutManager().sliceWidget("Red").sliceLogic()
    before = logic.GetSliceOffset()
    gestures.scroll(gestures.slice_view("Red"), 2)
    assert abs(logic.GetSliceOffset() - before) == pytest.approx(6.5)


def test_dragging_with_the_right_button_zooms(a_shown_ball):
    view = gestures.slice_view("Red")
    before = view.mrmlSliceNode().GetFieldOfView()[0]
    gestures.drag(view, QtCore.QPoint(150, 100), QtCore.QPoint(150, 180), gestures.RIGHT)
    assert view.mrmlSliceNode().GetFieldOfView()[0] != pytest.approx(before, rel=0.05)


def test_dragging_in_window_level_mode_changes_the_contrast_that_is_seen(a_shown_ball, frame_of):
    view = gestures.slice_view("Red")
    before, window = frame_of(view), a_shown_ball.GetDisplayNode().GetWindow()
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    interaction.SetCurrentInteractionMode(slicer.vtkMRMLInteractionNode.AdjustWindowLevel)
    gestures.drag(view, QtCore.QPoint(100, 100), QtCore.QPoint(160, 130))
    assert a_shown_ball.GetDisplayNode().GetWindow() != pytest.approx(window)
    assert np.abs(frame_of(view).astype(int) - before).max() > 10


def test_moving_the_offset_slider_moves_the_slice(a_shown_ball):
    widget = slicer.app.layoutManager().sliceWidget("Green")
    slider = widget.sliceController().findChildren(QtCore.QObject)
    slider = next(child for child in slider if child.className() == "QSlider")
    before = widget.sliceLogic().GetSliceOffset()
    slider.setValue(slider.value + 5)
    assert widget.sliceLogic().GetSliceOffset() != pytest.approx(before)


def test_linked_slices_share_the_background_and_unlinked_ones_do_not(a_ball_volume):
    volume = a_ball_volume((0, 0, 0), geometry((2, 2, 2), (0, 0, 0), (30, 30, 30), np.eye(3)), (30, 30, 30))
    widgets = [slicer.app.layoutManager().sliceWidget(name) for name in SLICES]
    red = widgets[0].sliceLogic()
    for linked in (False, True):
        slicer.util.setSliceViewerLayers(background=None)
        widgets[0].sliceController().setSliceLink(linked)
        red.StartSliceCompositeNodeInteraction(slicer.vtkMRMLSliceCompositeNode.BackgroundVolumeFlag)
        red.GetSliceCompositeNode().SetBackgroundVolumeID(volume.GetID())
        red.EndSliceCompositeNodeInteraction()
        others = [widget.mrmlSliceCompositeNode().GetBackgroundVolumeID() for widget in widgets[1:]]
        assert others == [volume.GetID() if linked else None] * 2


def test_the_foreground_is_blended_over_the_background_by_its_opacity(frame_of):
    volumes = []
    for value in (200, 40):
        node = slicer.util.addVolumeFromArray(np.full((20, 40, 40), value, np.float32), name=str(value))
        node.CreateDefaultDisplayNodes()
        node.GetDisplayNode().SetAutoWindowLevel(False)
        node.GetDisplayNode().SetWindowLevelMinMax(0, 255)
        volumes.append(node)
    view = gestures.slice_view("Red")
    for opacity in (0.0, 0.25, 1.0):
        slicer.util.setSliceViewerLayers(*volumes, foregroundOpacity=opacity, fit=True)
        height, width, _ = frame_of(view).shape
        middle = frame_of(view)[height // 2, width // 2]
        assert middle == pytest.approx(np.full(3, (1 - opacity) * 200 + opacity * 40), abs=2)


def test_a_segmentation_is_blended_over_the_image_and_not_over_black(frame_of):
    """The share of the image that shows through must be the same for a dark and for a bright image."""
    values = np.full((20, 40, 40), 60, np.float32)
    values[:, :, 20:] = 220
    volume = slicer.util.addVolumeFromArray(values, name="Two grays")
    volume.CreateDefaultDisplayNodes()
    volume.GetDisplayNode().SetAutoWindowLevel(False)
    volume.GetDisplayNode().SetWindowLevelMinMax(0, 255)
    slicer.util.setSliceViewerLayers(background=volume, fit=True)
    view = gestures.slice_view("Red")
    pixels = [gestures.pixel_at(view, (i, 20, 10)) for i in (12, 28)]
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Segmentation")
    segmentation.CreateDefaultDisplayNodes()
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    identifier = segmentation.GetSegmentation().AddEmptySegment("a", "a", [1.0, 0.0, 0.0])
    slicer.util.updateSegmentBinaryLabelmapFromArray(np.ones(values.shape, np.uint8), segmentation, identifier, volume)
    segmentation.GetDisplayNode().SetOpacity2DFill(0.4)
    segmentation.GetDisplayNode().SetOpacity2DOutline(0.0)
    slicer.util.resetSliceViews()
    frame = frame_of(view)
    for pixel, gray in zip(pixels, (60, 220)):
        red, green, blue = frame[pixel.y(), pixel.x()].astype(float)
        assert (red, green, blue) == pytest.approx((0.6 * gray + 0.4 * 255, 0.6 * gray, 0.6 * gray), abs=3)


def bump_transform(center, radius, height):
    """A displacement (from parent) of `height` mm along x that is exactly zero from `radius` mm on."""
    size, spacing = 61, 3.0
    origin = np.asarray(center) - spacing * (size - 1) / 2
    axis = np.arange(size) * spacing
    z, y, x = np.meshgrid(axis + origin[2], axis + origin[1], axis + origin[0], indexing="ij")
    distance = np.sqrt((x - center[0]) ** 2 + (y - center[1]) ** 2 + (z - center[2]) ** 2)
    field = np.zeros((size, size, size, 3))
    field[..., 0] = height * np.where(distance < radius, np.cos(np.pi * distance / (2 * radius)) ** 2, 0)
    image = vtk.vtkImageData()
    image.SetDimensions(size, size, size)
    image.SetSpacing(spacing, spacing, spacing)
    image.SetOrigin(origin)
    image.AllocateScalars(vtk.VTK_DOUBLE, 3)
    vtk_to_numpy(image.GetPointData().GetScalars()).reshape(field.shape)[:] = field
    grid = slicer.vtkOrientedGridTransform()
    grid.SetDisplacementGridData(image)
    grid.SetInterpolationModeToLinear()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "Bump")
    node.SetAndObserveTransformFromParent(grid)
    return node


def show_grid(node, visible=True):
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetVisualizationMode(display.VIS_MODE_GRID)
    display.SetGridSpacingMm(8)
    display.SetGridResolutionMm(2)
    display.SetVisibility(visible)
    display.SetVisibility2D(visible)


@pytest.mark.parametrize("name", SLICES)
def test_a_grid_transform_changes_the_pixels_where_its_field_is_not_zero_and_only_there(
    a_shown_ball, frame_of, world_of_pixel, name
):
    """The grid of a local bump against the grid of no displacement at all."""
    radius, height = 30.0, 9.0
    view = gestures.slice_view(name)
    frames = []
    for displacement in (0.0, height):
        node = bump_transform(BALL, radius, displacement)
        show_grid(node)
        frames.append(frame_of(view).astype(int))
        show_grid(node, visible=False)
    rows, columns = np.indices(frames[0].shape[:2])
    distance = np.linalg.norm(world_of_pixel(view, columns, rows) - BALL, axis=-1)
    changed = np.abs(frames[1] - frames[0]).max(-1) > 20
    inside = distance < 0.8 * radius
    assert changed[inside].mean() > 0.05
    reach = radius + height + 2 * millimeters_per_pixel(view)
    assert not changed[distance > reach].any()


def test_a_hidden_grid_leaves_no_pixel_behind(a_shown_ball, frame_of):
    view = gestures.slice_view("Red")
    before = frame_of(view)
    node = bump_transform(BALL, 30, 9)
    show_grid(node)
    assert (frame_of(view) != before).any()
    show_grid(node, visible=False)
    assert np.array_equal(frame_of(view), before)


def test_no_frame_is_rendered_while_nothing_changes(a_shown_ball, frame_of):
    view = gestures.slice_view("Red")
    frame_of(view)
    frames = []
    tag = view.renderWindow().AddObserver(vtk.vtkCommand.EndEvent, lambda *_: frames.append(1))
    timer = QtCore.QElapsedTimer()
    timer.start()
    while timer.elapsed() < 300:
        slicer.app.processEvents()
    assert not frames
    a_shown_ball.GetDisplayNode().SetWindowLevelMinMax(0, 100)
    slicer.app.processEvents()
    view.renderWindow().RemoveObserver(tag)
    assert len(frames) == 1


def test_a_paused_view_keeps_its_frame_and_catches_up_when_resumed(a_shown_ball, frame_of):
    view = gestures.slice_view("Red")
    before = frame_of(view)
    slicer.app.pauseRender()
    slicer.app.pauseRender()
    a_shown_ball.GetDisplayNode().SetWindowLevelMinMax(0, 50)
    slicer.app.resumeRender()
    assert np.array_equal(frame_of(view), before)
    slicer.app.resumeRender()
    assert not np.array_equal(frame_of(view), before)


def test_the_3d_view_shows_a_closed_surface_and_turns_with_the_mouse(frame_of):
    sphere = vtk.vtkSphereSource()
    sphere.SetRadius(40)
    sphere.SetCenter(30, 0, 0)
    sphere.Update()
    model = slicer.modules.models.logic().AddModel(sphere.GetOutput())
    model.GetDisplayNode().SetColor(1, 0, 0)
    view = slicer.app.layoutManager().threeDWidget(0).threeDView()
    view.resetFocalPoint()
    view.resetCamera()
    frame = frame_of(view).astype(int)
    height, width, _ = frame.shape
    red, green, _ = frame[height // 2, width // 2]
    assert red > green + 80
    position = view.cameraNode().GetPosition()
    gestures.drag(view, QtCore.QPoint(100, 100), QtCore.QPoint(180, 120))
    assert np.linalg.norm(np.subtract(view.cameraNode().GetPosition(), position)) > 10


@pytest.mark.parametrize(
    ("layout", "slices", "volumes"),
    [
        ("SlicerLayoutOneUpRedSliceView", {"Red"}, 0),
        ("SlicerLayoutFourUpView", {"Red", "Yellow", "Green"}, 1),
        ("SlicerLayoutOneUp3DView", set(), 1),
        ("SlicerLayoutThreeOverThreeView", {"Red", "Yellow", "Green", "Red+", "Yellow+", "Green+"}, 0),
    ],
)
def test_a_layout_shows_its_views_and_hides_the_others(layout, slices, volumes):
    manager = slicer.app.layoutManager()
    manager.setLayout(getattr(slicer.vtkMRMLLayoutNode, layout))
    slicer.app.processEvents()
    assert manager.layout == getattr(slicer.vtkMRMLLayoutNode, layout)
    assert {name for name in manager.sliceViewNames() if manager.sliceWidget(name).visible} == slices
    assert sum(manager.threeDWidget(i).visible for i in range(manager.threeDViewCount)) == volumes


def test_a_layout_of_ones_own_puts_two_groups_of_views_side_by_side():
    view = '<item><view class="vtkMRMLSliceNode" singletontag="{0}"><property name="orientation" action="default">Axial\
</property><property name="viewgroup" action="default">{1}</property></view></item>'
    manager = slicer.app.layoutManager()
    node = manager.layoutLogic().GetLayoutNode()
    node.AddLayoutDescription(
        7001, '<layout type="horizontal">' + view.format("Fixed", 1) + view.format("Moving", 2) + "</layout>"
    )
    manager.setLayout(7001)
    slicer.app.processEvents()
    fixed, moving = manager.sliceWidget("Fixed"), manager.sliceWidget("Moving")
    assert fixed.visible
    assert moving.visible
    assert fixed.mapToGlobal(QtCore.QPoint()).x() < moving.mapToGlobal(QtCore.QPoint()).x()
    assert moving.mrmlSliceNode().GetViewGroup() == 2


def test_a_table_layout_shows_the_active_table_and_follows_its_changes():
    manager = slicer.app.layoutManager()
    manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpTableView)
    table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", "Metrics")
    slicer.util.updateTableFromArray(table, [np.array([0.5, 0.75])], ["Dice"])
    slicer.app.applicationLogic().GetSelectionNode().SetActiveTableID(table.GetID())
    slicer.app.applicationLogic().PropagateTableSelection()
    slicer.app.processEvents()
    view = manager.tableWidget(0).tableView()
    assert view.visible
    assert view.mrmlTableNode() is table
    assert view.model().horizontalHeaderItem(0).text() == "Dice"
    assert [view.model().item(row, 0).text() for row in (0, 1)] == ["0.5", "0.75"]
    slicer.util.updateTableFromArray(table, [np.array([0.9])], ["Dice"])
    assert view.model().item(0, 0).text() == "0.9"
    slicer.mrmlScene.RemoveNode(table)
    assert view.model().rowCount() == 0
