"""Pictures of a correction in the module, made in the stand-in application, for docs/tutorial-correct.md.

    python Testing/tools/correct_pictures.py [--output FOLDER]

The brains of the demonstration are registered stiffly and without the network, so that the tip of a ventricle is off; a
pair of points corrects that.
"""

import argparse
import sys
from pathlib import Path

import screenshots

# The tip of the left occipital horn in ICBM152 and in Colin27 (RAS mm).
WRONG_AT, BELONGS_TO = (-29.0, -54.0, 10.0), (-28.0, -54.6, 13.6)
NEARER = 0.34  # field of view of the slices, as a part of the whole volume's
STIFFNESS = 4.0


def main() -> int:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.split(":", 1)[0])
    parser.add_argument("--output", type=Path, default=screenshots.ROOT / "Resources" / "Screenshots")
    options = parser.parse_args()
    import Host

    brains = {name: screenshots.brain(part, file) for name, (part, file) in screenshots.BRAINS.items()}
    application = Host.start(testing=True)
    try:
        Correction(options.output, brains).go()
    finally:
        application._shut_down()
    return 0


class Correction(screenshots.Tour):
    """From a result that is wrong somewhere to one that is not, with a picture after each step."""

    def go(self) -> None:
        """Take all pictures."""
        self.choose_volumes()
        parameters = self.widget.parameters()
        parameters.stiffness, parameters.useNetwork = STIFFNESS, False
        self.ui.presetCombo.setCurrentIndex(0)
        self.press(self.ui.registerButton)
        self.ui.gridCheckBox.setChecked(False)
        self.ui.grid3DCheckBox.setChecked(False)
        self.go_there(WRONG_AT)
        self.show(self.ui.correctBox, "correct-1-wrong")
        self.add_pair()
        self.press(self.ui.updateButton)
        self.go_there(WRONG_AT)
        self.show(self.ui.historyBox, "correct-3-updated")
        self.ui.compareCombo.setCurrentIndex(self.ui.compareCombo.findText("Registration"))
        self.press(self.ui.checkerboardButton)
        self.go_there(WRONG_AT)
        self.show(self.ui.metricsTable, "correct-4-compared")

    def add_pair(self) -> None:
        """Click the tip in the fixed volume, and drag its counterpart to where it belongs."""
        self.press(self.ui.addPointsButton)
        self.go_there(WRONG_AT)
        self.driver.click_at(WRONG_AT)
        self.driver.settle(self.widget)
        moving = self.widget.parameters().movingLandmarks
        moving.SetNthControlPointPositionWorld(0, *BELONGS_TO)
        moving.InvokeEvent(moving.PointEndInteractionEvent)
        self.driver.settle(self.widget)
        self.nearer("Yellow", BELONGS_TO)
        self.nearer("Red", WRONG_AT)
        self.show(self.ui.correctBox, "correct-2-pair")

    def go_there(self, place) -> None:
        """Show a place in all slice views, from near."""
        import slicer

        self.driver.look_at(place)
        for name in slicer.app.layoutManager().sliceViewNames():
            self.nearer(name, place)
        self.driver.settle(self.widget)

    @staticmethod
    def nearer(name: str, place) -> None:
        """Show a place in the middle of a slice view, from near."""
        import slicer

        logic = slicer.app.layoutManager().sliceWidget(name).sliceLogic()
        logic.FitSliceToAll()
        node = logic.GetSliceNode()
        width, height, depth = node.GetFieldOfView()
        node.SetFieldOfView(NEARER * width, NEARER * height, depth)
        node.JumpSliceByCentering(*place)

    def show(self, part, name: str) -> None:
        """Scroll the section Look to one of its parts, and save the window."""
        for button in self.sections:
            button.collapsed = button is not self.ui.lookSection
        self.driver.pause(0.5)
        area = self.window.centralWidget().widget(0)
        area.verticalScrollBar().setValue(part.pos.y() + self.ui.lookSection.pos.y() - 40)
        self.driver.pause(0.5)
        self.window.grab().save(str(self.folder / f"{name}.png"))

    def picture(self, name: str, section: int) -> None:
        """The steps of the tour before the correction need no pictures."""


if __name__ == "__main__":
    sys.exit(main())
