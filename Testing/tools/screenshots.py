"""Pictures of every step in the module, made in the stand-in application: `make screenshots`.

    python Testing/tools/screenshots.py [--output FOLDER]

A phantom and its twin in another posture are loaded, two structures are clicked and proposed in the other image, and
the result of the registration is looked at.
"""

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for folder in ("SAMRegistration", "Testing", "Testing/tools"):
    sys.path.insert(0, str(ROOT / folder))

# Structure: where it is and where it is not (RAS mm), in one axial slice.
CLICKS = {
    "liver": (((60, 20, -25),), ((-5, 20, -25),)),
    "left kidney": (((-54, -50, -25),), ((-54, -5, -25),)),
}
WINDOW_SIZE, PANEL_WIDTH = (1500, 1000), 440
# Where the left kidney, carried to the other slices, has run into the spleen.
WRONG = (-85.5, -34.5, 25.5)


def main() -> int:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.split(":", 1)[0])
    parser.add_argument("--output", type=Path, default=ROOT / "Resources" / "Screenshots")
    options = parser.parse_args()
    import Host

    application = Host.start(testing=True)
    try:
        Tour(options.output).go()
    finally:
        application._shut_down()
    return 0


class Tour:
    """One way through the module, with a picture after each step."""

    def __init__(self, folder: Path):
        import Host
        import slicer

        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.window = slicer.util.mainWindow()
        self.window.resize(*WINDOW_SIZE)
        self.window.show()
        self.window.centralWidget().setSizes([PANEL_WIDTH, WINDOW_SIZE[0] - PANEL_WIDTH])
        Host.load_module(ROOT / "SAMRegistration" / "SAMRegistration.py")
        self.widget = slicer.modules.SAMRegistrationWidget
        self.ui = self.widget.ui
        self.sections = [
            self.ui.volumesSection,
            self.ui.structuresSection,
            self.ui.registerSection,
            self.ui.lookSection,
            self.ui.advancedSection,
        ]

    def go(self) -> None:
        """Take all pictures."""
        self.choose_volumes()
        self.click()
        self.register()
        self.look()

    def choose_volumes(self) -> None:
        """Load the phantom and its twin."""
        import SimpleITK as sitk
        from phantom import GRID, phantom_pair
        from SAMRegistrationLib.scene.volumes import add_volume, image_data

        names, selectors = ("Phantom", "Phantom turned"), (self.ui.fixedSelector, self.ui.movingSelector)
        for image, name, selector in zip(phantom_pair(), names, selectors):
            data = image_data(sitk.GetArrayViewFromImage(image))
            selector.setCurrentNode(add_volume(data, GRID, name, window=(-200, 320)))
        self.ui.fixedImageButton.click()
        self.picture("1-volumes", 0)

    def click(self) -> None:
        """Click two structures in the fixed volume, correct one, propose both in the moving one and accept them."""
        from Host import gestures

        anatomies = list(self.widget.logic.anatomies())
        self.ui.anatomyCombo.setCurrentIndex(anatomies.index("Abdomen"))
        self.ui.addAnatomyButton.click()
        structures = {entry.name: entry.id for entry in self.widget.logic.structures(self.widget.parameters())}
        for name in [name for name in structures if name not in CLICKS]:
            self.widget.structuresTable.select(structures[name])
            self.ui.removeStructureButton.click()
        view = gestures.slice_view("Red")
        for name, (plus, minus) in CLICKS.items():
            self.widget.structuresTable.select(structures[name])
            self.look_at(plus[0])
            for button, places in ((self.ui.plusButton, plus), (self.ui.minusButton, minus)):
                if not button.checked:
                    button.click()
                self.settle()
                for place in places:
                    gestures.click(view, gestures.pixel_at(view, place))
                    self.settle()
        self.picture("2-clicks", 1)
        for name in CLICKS:
            self.do(structures[name], self.ui.propagateButton)
        self.picture("3-to-volume", 1)
        self.look_at(WRONG)
        gestures.click(view, gestures.pixel_at(view, WRONG))
        self.settle()
        self.do(structures["left kidney"], self.ui.propagateButton)
        self.picture("3-corrected", 1)
        self.look_at(CLICKS["left kidney"][0][0])
        for name in CLICKS:
            self.ui.fixedImageButton.click()
            self.do(structures[name], self.ui.proposeButton)
        self.picture("4-proposed", 1)
        for name in CLICKS:
            self.do(structures[name], self.ui.acceptButton)
            self.do(structures[name], self.ui.propagateButton)
        self.picture("5-accepted", 1)

    def do(self, structure: str, button) -> None:
        """Click a button for a structure and wait for what it does."""
        self.widget.structuresTable.select(structure)
        self.settle()
        button.click()
        self.settle()

    @staticmethod
    def look_at(position) -> None:
        """Bring all slice views to a position (RAS mm)."""
        import slicer

        for name in slicer.app.layoutManager().sliceViewNames():
            slicer.app.layoutManager().sliceWidget(name).mrmlSliceNode().JumpSliceByOffsetting(*position)

    def register(self) -> None:
        """Register with the fast preset."""
        self.ui.presetCombo.setCurrentIndex(0)
        self.ui.registerButton.click()
        self.wait(lambda: self.ui.registerProgress.value > 50)
        self.picture("6-registering", 2)
        self.settle()

    def look(self) -> None:
        """Every way of looking at the result."""
        self.picture("7-result", 3)
        self.ui.jacobianCheckBox.setChecked(True)
        self.picture("8-jacobian", 3)
        self.ui.jacobianCheckBox.setChecked(False)
        self.ui.gridCheckBox.setChecked(False)
        self.ui.checkerboardButton.click()
        self.settle()
        self.picture("9-checkerboard", 3)
        self.ui.sideBySideButton.click()
        self.picture("10-side-by-side", 3)
        self.ui.blendButton.click()
        self.picture("11-advanced", 4)

    def picture(self, name: str, section: int) -> None:
        """Open one section of the panel and save the window."""
        for number, button in enumerate(self.sections):
            button.collapsed = number != section
        self.wait(lambda: False, 0.5)
        self.window.grab().save(str(self.folder / f"module-{name}.png"))

    def settle(self) -> None:
        """Wait for the work in the background."""
        self.wait(lambda: not self.widget.runner.busy, 300)

    def wait(self, condition, seconds: float = 120) -> None:
        """Turn the event loop until the condition holds or the time is over."""
        import slicer

        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            slicer.app.processEvents()
            time.sleep(0.005)


if __name__ == "__main__":
    sys.exit(main())
