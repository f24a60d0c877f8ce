"""The widgets that are bound to the scene, clicked and edited as a user would."""

import pytest


class Calls(list):
    def __call__(self, *arguments):
        self.append(arguments)


def add(kind, name=""):
    import slicer

    return slicer.mrmlScene.AddNewNodeByClass(kind, name)


VOLUME = "vtkMRMLScalarVolumeNode"


@pytest.fixture
def selector(application):
    import slicer

    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = [VOLUME]
    selector.setMRMLScene(slicer.mrmlScene)
    yield selector
    selector.delete()


def rows(selector):
    import qt

    combo = selector.findChild(qt.QComboBox)
    return [combo.itemText(row) for row in range(combo.count)]


def choose(selector, text):
    """What a user does: open the list, click a row."""
    import qt

    combo = selector.findChild(qt.QComboBox)
    row = rows(selector).index(text)
    combo.setCurrentIndex(row)
    combo.activated(row)


def test_a_selector_follows_nodes_that_come_are_renamed_and_go(selector):
    import slicer

    first = add(VOLUME, "first")
    assert (selector.nodeCount(), selector.currentNode()) == (1, first)
    second = add(VOLUME, "second")
    first.SetName("renamed")
    assert rows(selector)[:2] == ["renamed", "second"]
    assert selector.currentNode() is first
    leaving = Calls()
    selector.nodeAboutToBeRemoved.connect(leaving)
    slicer.mrmlScene.RemoveNode(first)
    assert leaving == [(first,)]
    assert (selector.nodeCount(), selector.currentNode()) == (1, second)
    slicer.mrmlScene.Clear(0)
    assert (selector.nodeCount(), selector.currentNode(), selector.currentNodeID) == (0, None, "")


def test_a_selector_with_none_starts_with_none_and_says_when_it_changes(selector):
    selector.noneEnabled = True
    changes, flags, ids = Calls(), Calls(), Calls()
    selector.currentNodeChanged.connect(changes)
    selector.connect("currentNodeChanged(bool)", flags)
    selector.currentNodeIDChanged.connect(ids)
    volume = add(VOLUME, "V")
    assert (selector.currentNode(), changes) == (None, [])
    selector.setCurrentNode(volume)
    selector.setCurrentNode(volume)
    selector.setCurrentNode(None)
    assert changes == [(volume,), (None,)]
    assert flags == [(True,), (False,)]
    assert ids == [(volume.GetID(),), ("",)]


def test_a_selector_shows_its_types_only_and_hides_what_the_scene_hides(selector):
    add("vtkMRMLModelNode", "model")
    hidden = add(VOLUME, "hidden")
    hidden.SetHideFromEditors(1)
    add("vtkMRMLLabelMapVolumeNode", "labels")
    assert rows(selector)[0] == "labels"
    assert selector.nodeCount() == 1
    selector.showChildNodeTypes = False
    assert selector.nodeCount() == 0
    selector.showHidden = True
    assert selector.nodeFromIndex(0) is hidden


def test_a_selector_filters_by_attribute(selector):
    plain, marked = add(VOLUME, "plain"), add(VOLUME, "marked")
    marked.SetAttribute("Role", "fixed")
    selector.addAttribute(VOLUME, "Role", "fixed")
    assert selector.nodeCount() == 1
    assert selector.nodeFromIndex(0) is marked
    plain.SetAttribute("Role", "fixed")
    assert selector.nodeCount() == 2
    selector.removeAttribute(VOLUME, "Role")
    assert selector.nodeCount() == 2


def test_a_user_creates_deletes_and_renames_a_node_from_the_list(selector, monkeypatch):
    import qt

    selector.renameEnabled = True
    selector.baseName = "Fixed"
    added, by_user, by_action = Calls(), Calls(), Calls()
    selector.nodeAdded.connect(added)
    selector.nodeAddedByUser.connect(by_user)
    selector.nodeAddedByUserAction.connect(by_action)
    choose(selector, "Create new Volume")
    node = selector.currentNode()
    assert node.GetName().startswith("Fixed")
    assert (len(added), len(by_user), len(by_action)) == (1, 1, 1)
    monkeypatch.setattr(qt.QInputDialog, "getText", lambda *_, **__: ("Better", True))
    choose(selector, "Rename current Volume")
    assert node.GetName() == "Better"
    selector.addNode()
    assert (selector.nodeCount(), len(by_action)) == (2, 1)
    choose(selector, "Delete current Volume")
    assert (selector.nodeCount(), selector.currentNode()) == (1, node)


def test_a_node_asked_for_before_the_scene_is_set_is_selected_with_it(application):
    import slicer

    add(VOLUME, "first")
    second = add(VOLUME, "second")
    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = [VOLUME]
    assert selector.isEnabled() is False
    selector.setCurrentNode(second)
    selector.setMRMLScene(slicer.mrmlScene)
    assert selector.currentNode() is second
    assert selector.isEnabled() is True


def test_a_selector_that_is_gone_does_not_disturb_the_scene(selector):
    import slicer

    other = slicer.qMRMLNodeComboBox()
    other.nodeTypes = [VOLUME]
    other.setMRMLScene(slicer.mrmlScene)
    other.delete()
    add(VOLUME, "after")
    assert selector.nodeCount() == 1


def test_a_selector_that_nobody_holds_is_freed(application):
    import gc
    import weakref

    import slicer

    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = [VOLUME]
    selector.setMRMLScene(slicer.mrmlScene)
    reference = weakref.ref(selector)
    del selector
    gc.collect()
    assert reference() is None
    add(VOLUME, "after")


# Markups


@pytest.fixture
def points(application):
    import slicer

    widget = slicer.qSlicerSimpleMarkupsWidget()
    widget.setMRMLScene(slicer.mrmlScene)
    node = add("vtkMRMLMarkupsFiducialNode", "F")
    node.CreateDefaultDisplayNodes()
    widget.setCurrentNode(node)
    yield widget
    widget.delete()


def interaction():
    import slicer

    return slicer.mrmlScene.GetNodeByID("vtkMRMLInteractionNodeSingleton")


def test_the_place_button_switches_place_mode_on_and_off(points):
    changes = Calls()
    points.activeMarkupsPlaceModeChanged.connect(changes)
    button = points.markupsPlaceWidget().placeButton()
    button.click()
    assert interaction().GetCurrentInteractionMode() == interaction().Place
    assert points.markupsPlaceWidget().placeModeEnabled is True
    button.click()
    assert interaction().GetCurrentInteractionMode() == interaction().ViewTransform
    assert changes == [(True,), (False,)]


def test_place_mode_left_elsewhere_releases_the_button(points):
    place = points.markupsPlaceWidget()
    place.setPlaceModeEnabled(True)
    assert interaction().GetCurrentInteractionMode() == 1
    interaction().SetCurrentInteractionMode(interaction().ViewTransform)
    assert (place.placeModeEnabled, place.placeButton().checked) == (False, False)


def test_many_or_single_points_are_placed_as_the_module_says(points):
    import slicer

    place = points.markupsPlaceWidget()
    place.setPlaceMultipleMarkups(slicer.qSlicerMarkupsPlaceWidget.ForcePlaceMultipleMarkups)
    place.setPlaceModeEnabled(True)
    assert (interaction().GetPlaceModePersistence(), place.placeModePersistency) == (1, True)
    place.placeMultipleMarkups = slicer.qSlicerMarkupsPlaceWidget.ForcePlaceSingleMarkup
    assert interaction().GetPlaceModePersistence() == 0


def test_the_table_shows_points_and_edits_move_them(points):
    node = points.currentNode()
    node.AddControlPoint(1, 2, 3, "P")
    table = points.tableWidget()
    assert [table.item(0, column).text() for column in range(4)] == ["P", "1.000", "2.000", "3.000"]
    table.item(0, 3).setText("7.5")
    table.item(0, 0).setText("top")
    assert node.GetNthControlPointPosition(0) == (1, 2, 7.5)
    assert node.GetNthControlPointLabel(0) == "top"
    table.item(0, 1).setText("not a number")
    assert (node.GetNthControlPointPosition(0), table.item(0, 1).text()) == ((1, 2, 7.5), "1.000")
    node.SetNthControlPointPosition(0, 9, 2, 7.5)
    assert table.item(0, 1).text() == "9.000"


def test_the_delete_button_takes_the_last_point_and_is_off_without_points(points):
    node, button = points.currentNode(), points.markupsPlaceWidget().deleteButton()
    assert button.isEnabled() is False
    node.AddControlPoint(1, 2, 3)
    node.AddControlPoint(4, 5, 6)
    button.click()
    assert (node.GetNumberOfControlPoints(), points.tableWidget().rowCount) == (1, 1)
    points.markupsPlaceWidget().deleteAllPoints()
    assert (node.GetNumberOfControlPoints(), button.isEnabled()) == (0, False)


def test_a_list_that_is_removed_empties_the_widget_and_ends_placing(points):
    import slicer

    points.markupsPlaceWidget().setPlaceModeEnabled(True)
    slicer.mrmlScene.RemoveNode(points.currentNode())
    assert points.currentNode() is None
    assert (points.tableWidget().rowCount, points.markupsPlaceWidget().placeModeEnabled) == (0, False)


def test_choosing_a_list_starts_placing_only_if_the_module_wants_it(points):
    second = add("vtkMRMLMarkupsFiducialNode", "G")
    points.setEnterPlaceModeOnNodeChange(False)
    points.markupsSelectorComboBox().setCurrentNode(second)
    assert (points.currentNode(), interaction().GetCurrentInteractionMode()) == (second, 2)
    points.enterPlaceModeOnNodeChange = True
    points.markupsSelectorComboBox().setCurrentNodeIndex(0)
    assert interaction().GetCurrentInteractionMode() == 1


# Segments


@pytest.fixture
def segmentation(application):
    node = add("vtkMRMLSegmentationNode", "S")
    node.CreateDefaultDisplayNodes()
    node.GetSegmentation().AddEmptySegment("a", "liver")
    node.GetSegmentation().AddEmptySegment("b", "kidney")
    return node


@pytest.fixture
def table(segmentation):
    import slicer

    table = slicer.qMRMLSegmentsTableView()
    table.setMRMLScene(slicer.mrmlScene)
    table.setSegmentationNode(segmentation)
    yield table
    table.delete()


def test_the_segments_table_follows_the_segmentation(table, segmentation):
    segments = segmentation.GetSegmentation()
    assert (table.segmentCount, table.displayedSegmentIDs()) == (2, ["a", "b"])
    segments.AddEmptySegment("c", "spleen")
    segments.GetSegment("a").SetName("Liver")
    assert table.displayedSegmentIDs() == ["a", "b", "c"]
    assert shown_names(table) == ["Liver", "kidney", "spleen"]
    segments.RemoveSegment("b")
    assert (table.rowForSegmentID("c"), table.rowForSegmentID("b"), table.segmentIDForRow(1)) == (1, -1, "c")


def shown_names(table):
    model = table.tableWidget().model()
    return [model.index(row, 3).data() for row in range(model.rowCount())]


def test_segments_are_selected_by_id_and_by_row(table, segmentation):
    changes = Calls()
    table.selectionChanged.connect(changes)
    table.setSelectedSegmentIDs(["b"])
    assert (table.selectedSegmentIDs(), len(changes)) == (["b"], 1)
    table.tableWidget().selectRow(0)
    assert table.selectedSegmentIDs() == ["a"]
    segmentation.GetSegmentation().RemoveSegment("b")
    assert table.selectedSegmentIDs() == ["a"]
    table.clearSelection()
    assert table.selectedSegmentIDs() == []


def test_a_name_and_a_visibility_edited_in_the_table_reach_the_segmentation(table, segmentation):
    import qt

    model = table.tableWidget().model()
    model.setData(model.index(0, 3), "Leber")
    model.setData(model.index(1, 0), qt.Qt.Unchecked, qt.Qt.CheckStateRole)
    assert segmentation.GetSegmentation().GetSegment("a").GetName() == "Leber"
    display = segmentation.GetDisplayNode()
    assert (display.GetSegmentVisibility("a"), display.GetSegmentVisibility("b")) == (True, False)
    display.SetSegmentVisibility("b", True)
    assert model.index(1, 0).data(qt.Qt.CheckStateRole) == qt.Qt.Checked


def test_a_segment_selector_keeps_its_segment_while_segments_come_and_go(segmentation):
    import slicer

    selector = slicer.qMRMLSegmentSelectorWidget()
    selector.setMRMLScene(slicer.mrmlScene)
    changes = Calls()
    selector.currentSegmentChanged.connect(changes)
    assert (selector.currentNode(), selector.currentSegmentID()) == (segmentation, "a")
    selector.setCurrentSegmentID("b")
    segmentation.GetSegmentation().AddEmptySegment("c", "spleen")
    assert (selector.currentSegmentID(), changes) == ("b", [("b",)])
    segmentation.GetSegmentation().RemoveSegment("b")
    assert selector.currentSegmentID() == "a"
    slicer.mrmlScene.Clear(0)
    assert selector.currentNode() is None


# .ui files


def ui(widgets, connections=""):
    return (
        f'<ui version="4.0"><class>Panel</class><widget class="qMRMLWidget" name="Panel">'
        f'<layout class="QVBoxLayout">{"".join(f"<item>{widget}</item>" for widget in widgets)}</layout></widget>'
        f"<resources/><connections>{connections}</connections></ui>"
    )


def connection(sender, signal, receiver, slot):
    parts = {"sender": sender, "signal": signal, "receiver": receiver, "slot": slot}
    return "<connection>" + "".join(f"<{tag}>{text}</{tag}>" for tag, text in parts.items()) + "</connection>"


SELECTOR = (
    '<widget class="qMRMLNodeComboBox" name="selector"><property name="nodeTypes"><stringlist>'
    f"<string>{VOLUME}</string></stringlist></property></widget>"
)


@pytest.fixture
def load(application, tmp_path):
    import slicer

    def load(text):
        (tmp_path / "panel.ui").write_text(text, encoding="utf-8")
        return slicer.util.loadUI(str(tmp_path / "panel.ui"))

    return load


def test_the_scene_reaches_the_widgets_by_the_connections_of_the_ui_file(load):
    import slicer

    scene = connection("Panel", "mrmlSceneChanged(vtkMRMLScene*)", "selector", "setMRMLScene(vtkMRMLScene*)")
    panel = load(ui([SELECTOR], scene))
    ui_widgets = slicer.util.childWidgetVariables(panel)
    assert type(panel) is slicer.qMRMLWidget
    assert type(ui_widgets.selector) is slicer.qMRMLNodeComboBox
    panel.setMRMLScene(slicer.mrmlScene)
    assert ui_widgets.selector.mrmlScene() is slicer.mrmlScene
    assert ui_widgets.selector.nodeTypes == [VOLUME]


def test_widgets_of_a_ui_file_are_of_the_classes_that_modules_compare_with(load):
    import ctk
    import qt
    import slicer

    names = ("QPushButton", "QCheckBox", "QSpinBox", "QTableWidget", "QProgressBar", "QToolButton", "QTextEdit")
    stand_ins = ("ctkSliderWidget", "ctkCollapsibleButton", "ctkPathLineEdit", "ctkRangeWidget", "ctkMenuButton")
    panel = load(ui([f'<widget class="{name}" name="{name}_1"/>' for name in names + stand_ins]))
    widgets = slicer.util.childWidgetVariables(panel)
    for name in names:
        assert type(getattr(widgets, name + "_1")) is getattr(qt, name)
    for name in stand_ins:
        assert type(getattr(widgets, name + "_1")) is getattr(ctk, name)


def test_enumerations_of_stand_ins_are_set_from_the_ui_file(load):
    import qt
    import slicer

    settings = (
        '<widget class="ctkPathLineEdit" name="path"><property name="filters">'
        "<set>ctkPathLineEdit::Dirs</set></property></widget>",
        '<widget class="qSlicerMarkupsPlaceWidget" name="place"><property name="placeMultipleMarkups">'
        "<enum>qSlicerMarkupsPlaceWidget::ForcePlaceMultipleMarkups</enum></property></widget>",
        '<widget class="ctkSliderWidget" name="slider"><property name="spinBoxAlignment">'
        "<set>Qt::AlignRight|Qt::AlignVCenter</set></property></widget>",
    )
    widgets = slicer.util.childWidgetVariables(load(ui(settings)))
    assert widgets.path.filters == 1
    assert widgets.place.placeMultipleMarkups == slicer.qSlicerMarkupsPlaceWidget.ForcePlaceMultipleMarkups
    assert widgets.slider.spinBoxAlignment == qt.Qt.AlignRight | qt.Qt.AlignVCenter


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (ui(['<widget class="qMRMLPlotWidget" name="plot"/>']), "uses qMRMLPlotWidget, which has no stand-in"),
        (
            ui(['<widget class="ctkSliderWidget" name="s"><property name="nonsense"/></widget>']),
            "sets nonsense of s",
        ),
        (
            ui(
                [SELECTOR],
                connection("Panel", "mrmlSceneChanged(vtkMRMLScene*)", "selector", "setScene(vtkMRMLScene*)"),
            ),
            "one of them does not exist",
        ),
        (ui([SELECTOR], connection("Panel", "x()", "other", "hide()")), "no widget has that name"),
    ],
)
def test_what_a_ui_file_names_and_no_stand_in_covers_is_an_error_at_load(load, text, sentence):
    from Host import HostError

    with pytest.raises(HostError, match=sentence):
        load(text)


def test_a_slider_without_tracking_tells_its_value_when_it_is_released(application):
    import ctk
    import qt

    slider = ctk.ctkSliderWidget()
    slider.tracking = False
    changed, changing = Calls(), Calls()
    slider.valueChanged.connect(changed)
    slider.valueIsChanging.connect(changing)
    inner = slider.findChild(qt.QSlider)
    inner.setSliderDown(True)
    inner.setValue(inner.maximum // 2)
    assert (changed, len(changing), slider.value) == ([], 1, 0.0)
    inner.setSliderDown(False)
    assert len(changed) == 1
    assert slider.value == pytest.approx(changing[0][0])


def test_what_is_shown_or_hidden_while_a_collapsible_button_is_collapsed_is_so_when_it_is_expanded(application, qt):
    import ctk

    button = ctk.ctkCollapsibleButton()
    shown, hidden = qt.QLabel("shown", button), qt.QLabel("hidden", button)
    button.show()
    shown.hide()
    button.collapsed = True
    shown.setVisible(True)
    hidden.setVisible(False)
    assert shown.isHidden()
    button.collapsed = False
    assert not shown.isHidden()
    assert hidden.isHidden()
    button.deleteLater()


def test_what_is_laid_out_in_a_collapsed_button_is_hidden_and_shown_unless_the_module_hides_it(application, qt):
    import ctk

    button = ctk.ctkCollapsibleButton()
    layout = qt.QVBoxLayout(button)
    button.collapsed = True  # before anything is in it, as when a .ui file is loaded
    kept, hidden = qt.QLabel("kept"), qt.QLabel("hidden")
    for label in (kept, hidden):
        layout.addWidget(label)
    button.show()
    assert not kept.isVisible()
    hidden.setVisible(False)
    for _ in range(2):
        button.collapsed = False
        assert (kept.isHidden(), hidden.isHidden()) == (False, True)
        button.collapsed = True
        assert kept.isHidden()
    button.deleteLater()
