"""What is shown: colors, outlines, surfaces, the Jacobian map, captions, tables, and texts on a dark theme."""

import itertools
import json
import types

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk
from module_panel import MODULE, choose
from SAMRegistrationLib import engine
from SAMRegistrationLib.registration import RegistrationResult
from SAMRegistrationLib.testing.driver import click, settle, wait
from vtk.util.numpy_support import vtk_to_numpy

PRESETS = sorted((MODULE.parent / "SAMRegistrationLib" / "resources" / "presets").glob("*.json"))


@pytest.fixture
def quick(monkeypatch):
    """Registrations are over at once: the moving volume is stretched along one axis, so that the map has color."""

    def stretched(fixed, moving, *_others):
        mapping = sitk.AffineTransform(3)
        mapping.Scale((1.0, 1.0, 1.5))
        forward, back = (sitk.CompositeTransform([part]) for part in (mapping, mapping.GetInverse()))
        return RegistrationResult(forward, back, back, fixed, moving)

    monkeypatch.setattr(engine, "register", stretched)


@pytest.fixture
def looking(panel, a_pair, quick):
    choose(panel, a_pair)
    click(panel.ui.registerButton)
    settle(panel)
    return panel


def lab(color):
    """CIE L*a*b* (D65) of an sRGB color."""
    color = np.asarray(color)
    linear = np.where(color > 0.04045, ((color + 0.055) / 1.055) ** 2.4, color / 12.92)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ linear / (0.9505, 1.0, 1.089)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_no_two_structures_of_a_preset_have_colors_that_are_taken_for_each_other(path):
    colors = {
        entry["name"]: lab(entry["color"]) for entry in json.loads(path.read_text(encoding="utf-8"))["structures"]
    }
    alike = [
        (one, other)
        for (one, first), (other, second) in itertools.combinations(colors.items(), 2)
        if np.linalg.norm(first - second) < 20
    ]
    assert alike == []


def shown_display(node):
    display = node.GetDisplayNode()
    return {
        name: getattr(display, f"Get{name}")()
        for name in ("Visibility2DFill", "Visibility2DOutline", "Opacity2DFill", "SliceIntersectionThickness")
    }


def test_warped_masks_are_bold_light_outlines_and_the_display_of_the_fixed_ones_comes_back_as_the_user_made_it(
    panel, a_pair, quick, frame_of
):
    fixed_masks = a_pair[0][1]
    fixed_masks.GetDisplayNode().SetOpacity2DFill(0.7)
    before = shown_display(fixed_masks)
    choose(panel, a_pair)
    click(panel.ui.registerButton)
    settle(panel)
    warped = panel.parameters().resultSegmentation
    display = warped.GetDisplayNode()
    assert not display.GetVisibility2DFill()
    thickness = fixed_masks.GetDisplayNode().GetSliceIntersectionThickness()
    assert display.GetSliceIntersectionThickness() >= 2 * thickness
    panel.ui.gridCheckBox.setChecked(False)
    view = slicer.app.layoutManager().sliceWidget("Red").sliceView()
    both = frame_of(view).astype(float)
    warped.SetDisplayVisibility(False)
    one = frame_of(view).astype(float)
    outline = np.any(both != one, axis=2)
    assert outline.sum() > 200
    assert both[outline].mean() > one[outline].mean() + 30
    panel.ui.outlinesCheckBox.setChecked(False)
    assert (fixed_masks.GetDisplayVisibility(), warped.GetDisplayVisibility()) == (0, 0)
    click(panel.ui.fixedImageButton)
    assert shown_display(fixed_masks) == before


def test_the_3d_view_shows_the_warped_structures_as_surfaces_and_the_whole_volume(looking, frame_of):
    parameters = looking.parameters()
    segmentation, fixed = parameters.resultSegmentation.GetSegmentation(), parameters.fixedVolume
    for segment_id in segmentation.GetSegmentIDs():
        surface = segmentation.GetSegment(segment_id).GetRepresentation("Closed surface")
        points = vtk_to_numpy(surface.GetPoints().GetData())
        mask = slicer.util.arrayFromSegmentBinaryLabelmap(parameters.resultSegmentation, segment_id, fixed) > 0
        matrix = vtk.vtkMatrix4x4()
        fixed.GetIJKToRASMatrix(matrix)
        ijk = np.argwhere(mask)[:, ::-1]
        ras = (np.c_[ijk, np.ones(len(ijk))] @ slicer.util.arrayFromVTKMatrix(matrix).T)[:, :3]
        for extreme in (np.min, np.max):
            assert np.allclose(extreme(points, axis=0), extreme(ras, axis=0), atol=3.5)
    view = slicer.app.layoutManager().threeDWidget(0).threeDView()
    looking.ui.grid3DCheckBox.setChecked(False)
    with_surfaces = frame_of(view)
    looking.ui.outlinesCheckBox.setChecked(False)
    assert np.any(frame_of(view) != with_surfaces, axis=2).sum() > 1000

    bounds = [0.0] * 6
    fixed.GetRASBounds(bounds)
    renderer = view.renderWindow().GetRenderers().GetItemAsObject(0)
    reach = []
    for corner in itertools.product(bounds[:2], bounds[2:4], bounds[4:]):
        renderer.SetWorldPoint(*corner, 1.0)
        renderer.WorldToView()
        reach.append(np.abs(renderer.GetViewPoint()[:2]).max())
    assert 0.5 < max(reach) <= 1.0


def test_the_grid_in_3d_is_sparse(looking):
    node = looking.parameters().resultTransform.GetNthDisplayNode(1)
    bounds = [0.0] * 6
    looking.parameters().fixedVolume.GetRASBounds(bounds)
    for spacing in (2, 15, 60):
        looking.ui.gridSpacingSlider.setValue(spacing)
        slicer.app.processEvents()
        assert max(np.subtract(bounds[1::2], bounds[::2])) / node.GetGridSpacingMm() <= 8
        assert node.GetGridSpacingMm() % spacing == pytest.approx(0)


def legend_is_seen(view):
    nodes = slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode")
    (legend,) = [node for node in nodes if node.GetTitleText() == "Jacobian"]
    manager = view.displayableManagerByClassName("vtkMRMLColorLegendDisplayableManager")
    actor = manager.GetColorLegendActor(legend)
    return bool(actor is not None and actor.GetVisibility())


def test_the_colors_of_the_jacobian_map_are_explained_where_and_while_it_is_shown(looking):
    views = [slicer.app.layoutManager().sliceWidget(name).sliceView() for name in ("Red", "Yellow", "Green")]
    slicer.app.processEvents()
    assert [legend_is_seen(view) for view in views] == [False] * 3
    looking.ui.jacobianCheckBox.setChecked(True)
    slicer.app.processEvents()
    assert [legend_is_seen(view) for view in views] == [True] * 3
    click(looking.ui.sideBySideButton)
    settle(looking)
    composite = slicer.app.layoutManager().sliceWidget("Yellow").mrmlSliceCompositeNode()
    assert composite.GetForegroundVolumeID() == looking.parameters().resultJacobian.GetID()
    assert legend_is_seen(views[1])
    click(looking.ui.blendButton)
    click(looking.ui.fixedImageButton)
    slicer.app.processEvents()
    assert [legend_is_seen(view) for view in views] == [False] * 3


def test_the_jacobian_map_is_transparent_where_nothing_changes_size(panel, frame_of):
    from SAMRegistrationLib.scene import display, maps

    shape = (20, 20, 20)
    gray = slicer.util.addVolumeFromArray(np.full(shape, 50.0, np.float32), name="Gray")
    values = np.ones(shape, np.float32)
    values[..., 10:] = 1.6
    values[:, :10, :10] = 1.15
    jacobian = slicer.util.addVolumeFromArray(values, name="Map")
    for node, window in ((gray, (0.0, 100.0)), (jacobian, maps.JACOBIAN_RANGE)):
        node.CreateDefaultDisplayNodes()
        node.GetDisplayNode().SetAutoWindowLevel(False)
        node.GetDisplayNode().SetWindowLevelMinMax(*window)
    maps.show_as_jacobian(jacobian)
    for legend in slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode"):
        legend.SetVisibility(False)
    view = slicer.app.layoutManager().sliceWidget("Red").sliceView()
    display.show_layers(gray, fit=True)
    without = frame_of(view)
    display.show_layers(gray, jacobian, 0.5)
    changed = np.any(frame_of(view) != without, axis=2)
    body = without[..., 0] > 100
    share = changed[body].mean()
    assert 0.4 < share < 0.6, share  # the half that is compressed, and neither 1.00 nor 1.15


def captions():
    """The texts in the slice views by their names."""
    found = {}
    for name in ("Red", "Yellow", "Green"):
        view = slicer.app.layoutManager().sliceWidget(name).sliceView()
        props = view.renderWindow().GetRenderers().GetItemAsObject(0).GetViewProps()
        actors = [props.GetItemAsObject(index) for index in range(props.GetNumberOfItems())]
        texts = [actor.GetInput() for actor in actors if isinstance(actor, vtk.vtkTextActor)]
        found[name] = next((text for text in texts if text in ("Fixed", "Warped")), None)
    return found


def test_captions_say_which_volume_is_seen_side_by_side_and_flickering(looking):
    click(looking.ui.sideBySideButton)
    settle(looking)
    assert (captions()["Red"], captions()["Yellow"]) == ("Fixed", "Warped")
    click(looking.ui.flickerButton)
    seen = set()

    def both_seen():
        opacity = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode().GetForegroundOpacity()
        seen.add((opacity, captions()["Red"]))
        return {(0.0, "Fixed"), (1.0, "Warped")} <= seen

    wait(both_seen, 20)
    assert not seen & {(1.0, "Fixed"), (0.0, "Warped")}
    click(looking.ui.blendButton)
    assert set(captions().values()) == {None}


def test_clicks_are_hidden_while_a_result_is_looked_at_and_come_back_with_the_image(panel, a_pair, quick):
    from SAMRegistrationLib.scene.structure_segments import write_prompts
    from SAMRegistrationLib.segmentation.prompts import POSITIVE, Prompt, PromptSet, Structure

    def points_are_visible():
        lists = slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")
        assert sum(node.GetNumberOfControlPoints() for node in lists) == 1
        return {bool(node.GetDisplayVisibility()) for node in lists}

    choose(panel, a_pair)
    click(panel.ui.fixedImageButton)
    prompt = Prompt(POSITIVE, ((0.0, 0.0, 5.0),))
    structure = Structure("Core", 1, id=panel.structuresTable.current(), prompts=(prompt,))
    write_prompts(a_pair[0][1], PromptSet((structure,)))
    panel.onParametersModified()
    assert points_are_visible() == {True}
    click(panel.ui.registerButton)
    settle(panel)
    assert points_are_visible() == {False}
    click(panel.ui.fixedImageButton)
    assert points_are_visible() == {True}
    click(panel.ui.checkerboardButton)
    settle(panel)
    assert points_are_visible() == {False}


def cut_off(table):
    """What of a table is not in sight at its present width, beside what lies below."""
    header, width = table.horizontalHeader(), table.viewport().width
    wrong = ["scroll bar"] if table.horizontalScrollBar().maximum else []
    for column in range(header.count()):
        title = table.horizontalHeaderItem(column).text()
        left, size = header.sectionViewportPosition(column), header.sectionSize(column)
        if left < 0 or left + size > width or size < header.fontMetrics().horizontalAdvance(title):
            wrong.append(title)
    return wrong


def test_no_column_of_the_tables_is_cut_off_in_a_narrow_panel(looking):
    slicer.util.mainWindow().centralWidget().setSizes([380, 920])
    for button in ("volumesSection", "registerSection", "advancedSection"):
        getattr(looking.ui, button).collapsed = True
    for _ in range(3):
        slicer.app.processEvents()
    assert cut_off(looking.ui.structuresTable) == []
    assert cut_off(looking.ui.metricsTable) == []


def test_values_that_got_worse_are_called_so():
    from SAMRegistrationLib.scene.tables import columns, structure_rows

    entry = {
        "name": "liver",
        "role": "guide",
        "dice_before": 0.9,
        "dice_after": 0.8,
        "hd95_before": 7.35,
        "hd95_after": 8.49,
    }
    assert [row[3] for row in structure_rows([entry])] == ["worse", "worse"]
    assert columns()[3] == "Change"
    entry = {
        "name": "liver",
        "role": "guide",
        "dice_before": 0.8,
        "dice_after": 0.9,
        "hd95_before": 2.001,
        "hd95_after": 2.002,
    }
    assert [row[3] for row in structure_rows([entry])] == ["better", "same"]
    entry = {
        "name": "liver",
        "role": "guide",
        "dice_before": 0.8,
        "dice_after": 0.9,
        "hd95_before": None,
        "hd95_after": 2.0,
    }
    assert [row[3] for row in structure_rows([entry])] == ["better", ""]


def test_choices_are_words_and_scenes_with_their_values_still_load(panel, a_pair, tmp_path):
    def texts(combo):
        return [combo.itemText(index) for index in range(combo.count)]

    ui = panel.ui
    assert texts(ui.fixedModalityCombo) == texts(ui.movingModalityCombo) == ["guessed", "CT", "MR", "other"]
    assert texts(ui.presetCombo) == ["fast", "balanced", "accurate"]
    ui.movingModalityCombo.setCurrentIndex(2)
    assert panel.parameters().movingModality == "mr"
    raw = panel.parameters().parameterNode
    raw.SetParameter("fixedModality", "ct")
    raw.SetParameter("preset", "accurate")
    path = str(tmp_path / "scene.mrb")
    assert slicer.util.saveScene(path)
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(path)
    panel.initializeParameterNode()
    combos = (ui.fixedModalityCombo, ui.movingModalityCombo, ui.presetCombo)
    assert [combo.currentText for combo in combos] == ["CT", "MR", "accurate"]
    panel.exit()
    panel.enter()
    assert texts(ui.fixedModalityCombo) == ["guessed", "CT", "MR", "other"]


def test_the_time_left_is_shown_while_registering(panel, a_pair, monkeypatch):
    from SAMRegistrationLib.widget import register

    clock = types.SimpleNamespace(now=100.0)
    monkeypatch.setattr(register, "time", types.SimpleNamespace(monotonic=lambda: clock.now))
    released = []

    def slow(_fixed, _moving, _fixed_masks, _moving_masks, _options, job, _guidance):
        clock.now = 130.0
        job.update(0.25 / 0.85, "Predicting")  # the registration is the first 85 % of all
        while not released:
            job.update(0.25 / 0.85, "Predicting")
        raise RuntimeError

    monkeypatch.setattr(engine, "register", slow)
    choose(panel, a_pair)
    click(panel.ui.registerButton)
    try:
        wait(lambda: "left" in panel.ui.registerStatus.text, 20)
        assert panel.ui.registerStatus.text == "Predicting, about 90 s left"
        assert panel.ui.registerProgress.value == 25
    finally:
        released.append(True)
        settle(panel)


@pytest.fixture
def dark(application):
    from PySide6 import QtGui, QtWidgets

    app = QtWidgets.QApplication.instance()
    before, palette = app.palette(), QtGui.QPalette()
    for role, value in (
        ("Window", 53), ("Base", 35), ("AlternateBase", 53), ("Button", 53), ("ToolTipBase", 35),
        ("WindowText", 255), ("Text", 255), ("ButtonText", 255), ("ToolTipText", 255),
    ):  # fmt: skip
        palette.setColor(getattr(QtGui.QPalette.ColorRole, role), QtGui.QColor(value, value, value))
    app.setPalette(palette)
    yield
    app.setPalette(before)


def test_texts_can_be_read_on_a_dark_theme(looking, dark):
    from PySide6 import QtWidgets

    sections = (
        "volumesSection",
        "structuresSection",
        "registerSection",
        "lookSection",
        "sequenceSection",
        "advancedSection",
    )
    seen, dull = 0, []
    for section in sections:
        getattr(looking.ui, section).collapsed = False
    slicer.app.processEvents()
    kinds = (QtWidgets.QLabel, QtWidgets.QPushButton, QtWidgets.QCheckBox, QtWidgets.QTableWidget)
    for name in vars(looking.ui):
        widget = getattr(looking.ui, name)
        if not isinstance(widget, kinds) or not widget.isVisible() or not widget.isEnabled():
            continue
        if not isinstance(widget, QtWidgets.QTableWidget) and not widget.property("text"):
            continue
        image = widget.grab().toImage().convertToFormat(widget.grab().toImage().Format.Format_Grayscale8)
        gray = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)[:, : image.width()]
        background = np.bincount(gray.ravel()).argmax()
        seen += 1
        if background > 110 or int(gray.max()) - int(background) < 100:
            dull.append((name, int(background), int(gray.max())))
    assert seen > 20
    assert dull == []


def test_the_panel_sets_no_colors_of_its_own():
    library = MODULE.parent / "SAMRegistrationLib" / "widget"
    texts = [path.read_text(encoding="utf-8") for path in library.glob("*.py")]
    texts.append((MODULE.parent / "Resources" / "UI" / "SAMRegistration.ui").read_text(encoding="utf-8"))
    assert not [word for word in ("styleSheet", "setStyleSheet", "<font", "QPalette") for t in texts if word in t]
