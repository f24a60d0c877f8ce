"""No text of the panel is cut: in a narrow panel, with large letters, with long names, and whatever is chosen."""

import pytest
import slicer
from module_panel import choose
from PySide6 import QtGui, QtWidgets
from SAMRegistrationLib.environment import Device
from SAMRegistrationLib.testing.driver import click, enter_module, leave_module, settle

NARROW = 420
LONG = "12: T1 MPRAGE sagittal isotropic, after contrast"


@pytest.fixture(params=[1.0, 1.6], ids=["usual letters", "large letters"])
def narrow(panel, request):
    """The panel as narrow as the application makes it, all sections open."""
    window, font = slicer.util.mainWindow(), QtWidgets.QApplication.font()
    larger = QtGui.QFont(font)
    larger.setPointSizeF(font.pointSizeF() * request.param)
    QtWidgets.QApplication.setFont(larger)
    size = window.size
    window.resize(1300, 2600)
    window.centralWidget().setSizes([NARROW, 1300 - NARROW])
    sections = [w for w in vars(panel.ui).values() if type(w).__name__ == "ctkCollapsibleButton"]
    before = [section.collapsed for section in sections]
    for section in sections:
        section.collapsed = False
    settle_sizes()
    panel.onParametersModified()
    for table in (panel.ui.structuresTable, panel.ui.metricsTable, panel.ui.foldsTable):
        table.resizeColumnsToContents()  # which happens by itself when a table is filled
    settle_sizes()
    yield panel
    QtWidgets.QApplication.setFont(font)
    for section, collapsed in zip(sections, before):
        section.collapsed = collapsed
    window.resize(size)
    settle_sizes()


def settle_sizes():
    for _ in range(5):
        slicer.app.processEvents()


def cut_texts(panel):
    """What is wider than the room that it has: (widget, text)."""
    settle_sizes()
    cut = []
    for name, widget in vars(panel.ui).items():
        if isinstance(widget, QtWidgets.QWidget) and widget.isVisible():
            cut += [(name, text) for text in cut_texts_of(widget)]
    return cut


def cut_texts_of(widget):
    if isinstance(widget, QtWidgets.QComboBox):
        return [text for text in texts_of(widget) if width_of(widget, text) > field_of(widget)]
    if isinstance(widget, QtWidgets.QTableWidget):
        header = widget.horizontalHeader()
        sections = range(widget.columnCount)
        titles = [widget.horizontalHeaderItem(column).text() for column in sections]
        return [t for t, column in zip(titles, sections) if width_of(header, t) > header.sectionSize(column) - 4]
    if isinstance(widget, QtWidgets.QLabel) and widget.wordWrap:
        fits = widget.heightForWidth(widget.width) <= widget.height
        words = max([width_of(widget, word) for word in widget.text.split()], default=0)
        return [] if fits and words <= widget.width else [widget.text]
    if isinstance(widget, (QtWidgets.QLabel, QtWidgets.QAbstractButton)) and widget.text:
        return [widget.text] if widget.sizeHint.width() > widget.width else []
    return []


def texts_of(combo):
    return [combo.itemText(index) for index in range(combo.count)]


def width_of(widget, text):
    return widget.fontMetrics().horizontalAdvance(text)


def field_of(combo):
    option = QtWidgets.QStyleOptionComboBox()
    combo.initStyleOption(option)
    kind = QtWidgets.QStyle.ComplexControl.CC_ComboBox
    part = QtWidgets.QStyle.SubControl.SC_ComboBoxEditField
    return combo.style().subControlRect(kind, option, part, combo).width()


def width_of_panel():
    return slicer.util.mainWindow().centralWidget().sizes()[0]


def test_an_empty_panel_cuts_no_text(narrow):
    assert cut_texts(narrow) == []


def test_the_guessed_kinds_are_read_beside_long_names_of_volumes(narrow, a_pair):
    for (volume, _), name in zip(a_pair, (LONG, "After")):
        volume.SetName(name)
    choose(narrow, a_pair, masks=False)
    settle(narrow)
    assert narrow.ui.fixedModalityCombo.itemText(0).startswith("guessed: ")
    assert cut_texts(narrow) == []


def test_a_panel_in_use_cuts_no_text(narrow, a_pair, quick_registration):
    choose(narrow, a_pair)
    click(narrow.ui.registerButton)
    settle(narrow)
    assert cut_texts(narrow) == []
    assert narrow.ui.metricsTable.isVisible()


def test_names_of_devices_and_models_are_read(narrow):
    gigabyte = 10**9
    card = Device("cuda:0", "NVIDIA RTX 6000 Ada Generation", 47 * gigabyte)
    narrow.deviceChoice._fill_known([narrow.logic.processor(), card])
    try:
        assert cut_texts(narrow) == []
    finally:
        narrow.deviceChoice._fill_known([narrow.logic.processor()])


def test_long_names_do_not_widen_the_panel_and_are_read_on_the_button(panel, a_pair):
    sections = [w for w in vars(panel.ui).values() if type(w).__name__ == "ctkCollapsibleButton"]
    for section in sections:
        section.collapsed = False  # the guide opens some of them
    settle_sizes()
    narrowest = panel.parent.minimumSizeHint.width()
    for number, (volume, masks) in enumerate(a_pair):
        volume.SetName(f"{LONG} & series {number}")
        masks.SetName(f"Masks of {volume.GetName()}")
    choose(panel, a_pair, masks=False)
    settle(panel)
    panel.ui.applySelector.setCurrentNode(a_pair[1][0])
    settle_sizes()
    leave_module()
    enter_module()  # selectors ask for room for the longest name when they are shown
    settle_sizes()
    assert panel.parent.minimumSizeHint.width() <= max(narrowest, NARROW - 20)
    assert panel.ui.fixedSelector.width >= 100
    shown = panel.ui.registerButton.text.replace("\n", " ").replace("&&", "&")
    assert shown == f"Register {LONG} & series 1 to {LONG} & series 0 (fast)"
