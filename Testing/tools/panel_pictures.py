"""Pictures of the whole panel in other looks: a dark theme, large letters, a small screen. For looking at, not to keep.

    python Testing/tools/panel_pictures.py FOLDER

A small phantom is registered and corrected once, so that every section has something to show.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for folder in ("SAMRegistration", "Testing/standin/src"):
    sys.path.insert(0, str(ROOT / folder))

SCROLL_BAR = 16
SMALL_SCREEN, LARGE_SCREEN = (1280, 720), (1920, 1080)
# A look: theme, part by which letters are larger, screen.
LOOKS = {
    "light": ("light", 1.0, LARGE_SCREEN),
    "dark": ("dark", 1.0, LARGE_SCREEN),
    "large": ("light", 1.5, LARGE_SCREEN),
    "small": ("light", 1.0, SMALL_SCREEN),
    "dark-large-small": ("dark", 1.5, SMALL_SCREEN),
}
# Colors of a dark theme by the names of QPalette's roles, those of 3D Slicer's style "Dark Slicer" in kind.
DARK = {
    "Window": "#323232",
    "WindowText": "#e6e6e6",
    "Base": "#1e1e1e",
    "AlternateBase": "#2a2a2a",
    "Text": "#e6e6e6",
    "Button": "#3c3c3c",
    "ButtonText": "#e6e6e6",
    "ToolTipBase": "#3c3c3c",
    "ToolTipText": "#e6e6e6",
    "PlaceholderText": "#969696",
    "Highlight": "#3d6fa5",
    "HighlightedText": "#ffffff",
}
DARK_DISABLED = "#8c8c8c"
SECTIONS = ("volumes", "structures", "register", "look", "sequence", "advanced")


def main() -> int:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.split(":", 1)[0])
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    import Host

    options.folder.mkdir(parents=True, exist_ok=True)
    application = Host.start(testing=True)
    try:
        Host.load_module(ROOT / "SAMRegistration" / "SAMRegistration.py")
        take_pictures(options.folder)
    finally:
        application._shut_down()
    return 0


def take_pictures(folder: Path) -> None:
    """All looks, of the empty panel and of one in use."""
    import slicer
    from PySide6 import QtWidgets

    widget = slicer.modules.SAMRegistrationWidget
    widget.enter()
    application = QtWidgets.QApplication.instance()
    usual = application.font(), application.palette()
    for state, prepare in (("empty", lambda _widget: None), ("used", use)):
        prepare(widget)
        for name, look in LOOKS.items():
            put_on(usual, *look)
            for section in SECTIONS:
                picture(widget, section, folder / f"{state}-{name}-{section}.png")


def use(widget) -> None:
    """Click two structures, register, and correct the result by a pair of points."""
    from SAMRegistrationLib.testing import driver, workflow

    ui = widget.ui
    workflow.load_phantom(widget)
    for name, inside, outside in (
        ("ball", (0.0, 0.0, 0.0), (0.0, -30.0, 0.0)),
        ("body", (20.0, 0.0, 8.0), (20.0, -30.0, 8.0)),
    ):
        workflow.segment(widget, driver.add_structure(widget, name), inside, outside)
    driver.click_and_settle(widget, ui.registerButton)
    driver.click_and_settle(widget, ui.addPointsButton)
    driver.look_at((3.0, 4.0, 0.0))
    driver.click_at((3.0, 4.0, 0.0))
    driver.settle(widget)
    node = widget.parameters().movingLandmarks
    place = node.GetNthControlPointPositionWorld(0)
    node.SetNthControlPointPositionWorld(0, place[0] + 4.0, place[1], place[2])
    driver.click_and_settle(widget, ui.updateButton)


def put_on(usual, theme: str, letters: float, screen) -> None:
    """Give the application a look; `usual` are its letters and its colors."""
    import slicer
    from PySide6 import QtGui, QtWidgets

    application, window = QtWidgets.QApplication.instance(), slicer.util.mainWindow()
    font, palette = QtGui.QFont(usual[0]), QtGui.QPalette(usual[1])
    font.setPointSizeF(font.pointSizeF() * letters)
    if theme == "dark":
        for role, color in DARK.items():
            palette.setColor(getattr(QtGui.QPalette.ColorRole, role), QtGui.QColor(color))
        for role in ("WindowText", "Text", "ButtonText"):
            disabled = QtGui.QPalette.ColorGroup.Disabled
            palette.setColor(disabled, getattr(QtGui.QPalette.ColorRole, role), QtGui.QColor(DARK_DISABLED))
    application.setPalette(palette)
    application.setFont(font)
    window.resize(*screen)
    window.show()


def picture(widget, section: str, path: Path) -> None:
    """Open one section and save the window."""
    import slicer
    from SAMRegistrationLib.testing import driver

    for name in SECTIONS:
        getattr(widget.ui, f"{name}Section").collapsed = name != section
    widget.onParametersModified()
    driver.pause(0.3)
    window = slicer.util.mainWindow()
    narrowest = widget.parent.minimumSizeHint.width() + SCROLL_BAR  # which the application grants
    window.centralWidget().setSizes([narrowest, window.width - narrowest])
    driver.pause(0.3)
    window.grab().save(str(path))
    panel = widget.ui.SAMRegistration
    panel.grab().save(str(path.with_name(f"{path.stem}-whole.png")))


if __name__ == "__main__":
    sys.exit(main())
