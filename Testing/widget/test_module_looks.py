"""Every section is read and reached in a dark theme, with large letters, and on a small screen."""

import ast

import pytest
import slicer
from module_panel import MODULE, choose
from PySide6 import QtGui, QtWidgets
from SAMRegistrationLib.testing.driver import add_structure, click_and_settle
from test_module_widths import cut_texts, settle_sizes

SMALL_SCREEN = (1280, 720)
SCROLL_BAR = 16
WIDGETS = sorted((MODULE.parent / "SAMRegistrationLib" / "widget").glob("*.py"))
UI = MODULE.parent / "Resources" / "UI" / "SAMRegistration.ui"


@pytest.fixture
def small_screen(panel):
    """A function that shows one section, in letters of a size, in a panel as narrow as the application makes it."""
    window, font = slicer.util.mainWindow(), QtWidgets.QApplication.font()
    before, sizes = window.size, window.centralWidget().sizes()
    sections = {
        name: widget for name, widget in vars(panel.ui).items() if type(widget).__name__ == "ctkCollapsibleButton"
    }
    collapsed = {name: section.collapsed for name, section in sections.items()}

    def show(section, letters):
        larger = QtGui.QFont(font)
        larger.setPointSizeF(font.pointSizeF() * letters)
        QtWidgets.QApplication.setFont(larger)
        window.resize(*SMALL_SCREEN)
        for name, widget in sections.items():
            widget.collapsed = name != section
        settle_sizes()
        panel.onParametersModified()
        for name, widget in sections.items():
            widget.collapsed = name != section
        settle_sizes()
        narrowest = panel.parent.minimumSizeHint.width() + SCROLL_BAR
        window.centralWidget().setSizes([narrowest, SMALL_SCREEN[0] - narrowest])
        settle_sizes()
        return narrowest

    yield show
    QtWidgets.QApplication.setFont(font)
    for name, section in sections.items():
        section.collapsed = collapsed[name]
    window.resize(before)
    window.centralWidget().setSizes(sizes)
    settle_sizes()


def sections_of(panel):
    return [name for name, widget in vars(panel.ui).items() if type(widget).__name__ == "ctkCollapsibleButton"]


def test_the_views_keep_most_of_a_small_screen_and_no_text_of_any_section_is_cut(
    panel, a_pair, quick_registration, small_screen
):
    choose(panel, a_pair)
    add_structure(panel, "left ventricle")
    click_and_settle(panel, panel.ui.registerButton)
    for letters, most in ((1.0, 0.37), (1.5, 0.52)):
        for section in sections_of(panel):
            width = small_screen(section, letters)
            assert width <= most * SMALL_SCREEN[0], (section, letters, width)
            assert cut_texts(panel) == [], (section, letters)


def test_what_is_below_the_screen_is_reached_by_scrolling(panel, a_pair, quick_registration, small_screen):
    choose(panel, a_pair)
    click_and_settle(panel, panel.ui.registerButton)
    small_screen("lookSection", 1.5)
    area = panel.parent.parentWidget()
    while not isinstance(area, QtWidgets.QScrollArea):
        area = area.parentWidget()
    assert area.verticalScrollBar().maximum > 0
    area.ensureWidgetVisible(panel.ui.exportResultButton)
    settle_sizes()
    assert not panel.ui.exportResultButton.visibleRegion().isEmpty()


def test_nothing_that_is_not_under_way_shows_progress_and_no_empty_table_takes_room(panel, small_screen):
    for section in sections_of(panel):
        small_screen(section, 1.0)
        shown = [w for w in vars(panel.ui).values() if isinstance(w, QtWidgets.QProgressBar) and w.isVisible()]
        assert shown == [], section
    small_screen("lookSection", 1.0)
    assert not any(table.isVisible() for table in (panel.ui.metricsTable, panel.ui.foldsTable, panel.ui.historyTable))


@pytest.mark.parametrize("path", WIDGETS, ids=lambda path: path.stem)
def test_colors_are_those_of_the_theme(path):
    """Texts and backgrounds of a color of their own are not read in some theme."""
    calls = {"setStyleSheet", "setForeground", "setBackground", "setPalette", "setTextColor", "setBackgroundColor"}
    wrong = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in calls:
            wrong.append((node.lineno, node.func.attr))
        if isinstance(node, ast.Attribute) and node.attr == "styleSheet":
            wrong.append((node.lineno, node.attr))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "<font" in node.value:
            wrong.append((node.lineno, node.value))
    assert wrong == []


def test_the_panels_file_sets_no_colors():
    text = UI.read_text(encoding="utf-8")
    assert not any(word in text for word in ("styleSheet", "<palette", "color:", "<color"))
