"""Calls that were tried in the running application: what works there works here, what fails there fails here."""

import pytest


@pytest.fixture(autouse=True)
def an_empty_scene(application):
    """Nothing here touches the scene: no need to clear it for each test."""


@pytest.fixture
def qt(application):
    import qt

    return qt


@pytest.fixture
def ctk(application):
    import ctk

    return ctk


class Calls(list):
    def __call__(self, *arguments):
        self.append(arguments)


def test_a_click_passes_false_to_a_slot_that_takes_anything(qt):
    button, calls = qt.QPushButton("Go"), Calls()
    button.clicked.connect(calls)
    button.click()
    assert calls == [(False,)]


def test_a_slot_without_arguments_gets_none(qt):
    button, calls = qt.QPushButton("Go"), []
    button.clicked.connect(lambda: calls.append(1))
    button.click()
    assert calls == [1]


def test_a_signal_is_connected_and_disconnected_by_its_signature(qt):
    button, calls = qt.QPushButton("Go"), Calls()
    assert button.connect("clicked(bool)", calls)
    button.click()
    assert button.disconnect("clicked(bool)", calls)
    button.click()
    assert calls == [(False,)]


def test_a_signature_without_arguments_passes_none_and_leaves_a_default_alone(qt):
    button, calls = qt.QPushButton("Go"), []
    slot = lambda path="default": calls.append(path)  # noqa: E731 (as modules bind a path to a button)
    button.connect("clicked()", slot)
    button.click()
    button.disconnect("clicked()", slot)
    button.click()
    assert calls == ["default"]


def test_an_unknown_signal_is_reported_and_not_connected(qt, caplog):
    assert qt.QPushButton().connect("pushed()", print) is False
    assert "pushed()" in caplog.text


def test_a_disconnected_bound_method_is_called_no_more(qt):
    class Receiver:
        count = 0

        def changed(self):
            self.count += 1

    box, receiver = qt.QSpinBox(), Receiver()
    box.valueChanged.connect(receiver.changed)
    box.setValue(3)
    box.valueChanged.disconnect(receiver.changed)
    box.setValue(4)
    assert receiver.count == 1


def test_a_signal_is_emitted_by_calling_it(qt):
    button, calls = qt.QPushButton(), Calls()
    button.toggled.connect(calls)
    button.toggled(True)
    assert calls == [(True,)]


@pytest.mark.parametrize(
    ("make", "name", "value"),
    [
        (lambda qt: qt.QPushButton("Go"), "text", "Go"),
        (lambda qt: qt.QTableWidget(2, 3), "rowCount", 2),
        (lambda qt: qt.QSlider(), "value", 0),
        (lambda qt: qt.QComboBox(), "currentText", ""),
    ],
)
def test_a_property_is_an_attribute_and_calling_it_fails(qt, make, name, value):
    widget = make(qt)
    assert getattr(widget, name) == value
    assert widget.property(name) == value
    with pytest.raises(TypeError, match="not callable"):
        getattr(widget, name)()


def test_the_is_methods_and_the_attributes_of_a_check_box_agree(qt):
    box = qt.QCheckBox()
    box.checked = True
    box.setEnabled(False)
    assert (box.isChecked(), box.checked) == (True, True)
    assert (box.isEnabled(), box.enabled) == (False, False)
    assert (box.isVisible(), box.visible) == (False, False)


def test_the_data_of_a_combo_box(qt):
    combo = qt.QComboBox()
    combo.addItem("one", 1)
    assert combo.itemData(0) == 1
    assert combo.currentData == 1


def test_the_items_of_a_table_keep_their_methods(qt):
    table = qt.QTableWidget(1, 1)
    table.setItem(0, 0, qt.QTableWidgetItem("cell"))
    assert table.item(0, 0).text() == "cell"


def test_a_combo_box_tells_its_new_index_as_a_number_and_its_text_on_request(qt):
    combo, numbers, texts = qt.QComboBox(), Calls(), Calls()
    combo.addItems(["a", "b"])
    combo.currentIndexChanged.connect(numbers)
    combo.connect("currentIndexChanged(QString)", texts)
    combo.setCurrentIndex(1)
    assert numbers == [(1,)]
    assert texts == [("b",)]


def test_a_slider_widget_takes_its_maximum_by_attribute_and_by_property_only(ctk):
    slider, calls = ctk.ctkSliderWidget(), Calls()
    slider.minimum, slider.maximum = 0, 5
    slider.valueChanged.connect(calls)
    slider.setValue(4)
    assert calls == [(4.0,)]
    with pytest.raises(AttributeError):
        slider.setMaximum(7)
    assert slider.setProperty("maximum", 3)
    assert (slider.maximum, slider.value) == (3.0, 3.0)


def test_a_collapsible_button_collapses_by_attribute_only(ctk, qt):
    button = ctk.ctkCollapsibleButton("Inputs")
    content = qt.QLabel("x")
    qt.QVBoxLayout(button).addWidget(content)
    calls = Calls()
    button.contentsCollapsed.connect(calls)
    button.collapsed = True
    assert (button.collapsed, button.checked, content.isHidden()) == (True, False, True)
    with pytest.raises(AttributeError):
        button.setCollapsed(False)
    button.click()
    assert (button.collapsed, content.isHidden()) == (False, False)
    assert calls == [(True,), (False,)]


def test_a_widget_hidden_by_the_module_stays_hidden_when_its_section_opens(ctk, qt):
    button = ctk.ctkCollapsibleButton()
    content = qt.QLabel("x")
    qt.QVBoxLayout(button).addWidget(content)
    content.hide()
    button.collapsed = True
    button.collapsed = False
    assert content.isHidden()


def test_a_node_selector_takes_its_types_by_attribute_only(application):
    import slicer

    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = ["vtkMRMLModelNode", ""]
    assert selector.nodeTypes == ["vtkMRMLModelNode"]
    assert selector.currentNodeID == ""
    with pytest.raises(AttributeError):
        selector.setNodeTypes(["vtkMRMLModelNode"])
    with pytest.raises(TypeError):
        selector.currentNodeID()


def test_a_path_is_set_by_method_and_read_by_attribute(ctk):
    edit, calls = ctk.ctkPathLineEdit(), Calls()
    edit.currentPathChanged.connect(calls)
    edit.setCurrentPath("/tmp/x")
    assert edit.currentPath == "/tmp/x"
    assert calls == [("/tmp/x",)]


@pytest.mark.parametrize(("given", "shown"), [("x", "<p>x</p>"), ("", ""), ("<b>x</b>", "<b>x</b>")])
def test_a_plain_tool_tip_becomes_a_paragraph(qt, given, shown):
    widget = qt.QWidget()
    widget.setToolTip(given)
    assert widget.toolTip == shown
    widget.toolTip = given
    assert widget.toolTip == shown


def test_names_are_attributes_and_the_parent_is_called(qt):
    parent = qt.QWidget()
    child = qt.QLabel("x", parent)
    child.objectName = "label"
    assert child.parent() is parent
    assert (child.name, child.objectName) == ("label", "label")
    child.name = "other"
    assert parent.findChild(qt.QLabel, "other") is child
    with pytest.raises(TypeError):
        child.objectName()


def test_no_new_attribute_can_be_put_on_a_widget_of_qt_or_a_stand_in(qt, ctk):
    for widget in (qt.QPushButton(), ctk.ctkSliderWidget()):
        with pytest.raises(AttributeError, match="creation of new attributes"):
            widget.tooltip = "a typing error"


def test_a_class_written_in_python_has_its_own_attributes_and_virtual_functions(qt):
    class Square(qt.QWidget):
        def __init__(self):
            super().__init__()
            self.side = 40

        def sizeHint(self):
            return qt.QSize(self.side, self.side)

    square = Square()
    frame = qt.QWidget()
    layout = qt.QHBoxLayout(frame)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(square)
    assert layout.sizeHint() == qt.QSize(40, 40)


def test_objects_that_qt_makes_are_as_strict_as_those_made_in_python(qt):
    combo = qt.QComboBox()
    combo.setEditable(True)
    assert combo.lineEdit().text == ""
    menu = qt.QMenu()
    assert menu.addAction("Do").text == "Do"
    table = qt.QTableWidget(1, 1)
    assert table.horizontalHeader().defaultSectionSize > 0


def test_a_timer_fires_once_and_its_class_has_the_one_shot_function(qt, application):
    calls = Calls()
    timer = qt.QTimer()
    timer.singleShot = True
    timer.timeout.connect(calls)
    timer.start(1)
    qt.QTimer.singleShot(1, calls)
    wait_until(application, lambda: len(calls) == 2)
    assert timer.singleShot is True


def wait_until(application, done, seconds=10):
    import time

    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        application.processEvents()
        time.sleep(0.005)
    assert done()


def test_a_process_tells_its_exit_code_alone(qt, application):
    process, calls = qt.QProcess(), Calls()
    process.finished.connect(calls)
    process.start("sh", ["-c", "exit 3"])
    wait_until(application, lambda: calls)
    assert calls == [(3,)]


def test_a_python_thread_runs_while_qt_waits_for_events(qt, application):
    import threading

    done, ticks = [], Calls()
    timer = qt.QTimer()
    timer.timeout.connect(ticks)
    timer.start(5)
    thread = threading.Thread(target=lambda: done.append(sum(range(10**6))))
    thread.start()
    wait_until(application, lambda: done and len(ticks) > 2)
    thread.join()
    timer.stop()


def test_a_shortcut_is_made_from_a_key_sequence(qt):
    widget, calls = qt.QWidget(), Calls()
    shortcut = qt.QShortcut(qt.QKeySequence("Ctrl+Shift+9"), widget)
    shortcut.activated.connect(calls)
    shortcut.activated()
    assert calls == [()]


def test_enumerations_compare_with_the_integers_of_signals(qt):
    box, calls = qt.QCheckBox(), Calls()
    box.stateChanged.connect(calls)
    box.click()
    assert calls[0][0] == qt.Qt.Checked


def test_a_dialog_runs_with_both_spellings_of_exec(qt):
    dialog = qt.QDialog()
    for run in ("exec_", "exec"):
        qt.QTimer.singleShot(0, dialog.accept)
        assert getattr(dialog, run)() == qt.QDialog.Accepted


@pytest.mark.parametrize("name", ["ctkAxesWidget", "ctkSearchBox"])
def test_a_widget_of_the_application_without_a_stand_in_says_so(ctk, name):
    with pytest.raises(AttributeError, match="has no stand-in"):
        getattr(ctk, name)


def test_a_name_that_the_application_lacks_is_told_apart(ctk, qt):
    with pytest.raises(AttributeError, match="in 3D Slicer"):
        _ = ctk.ctkNonsense
    with pytest.raises(AttributeError, match="in 3D Slicer"):
        _ = qt.Signal
