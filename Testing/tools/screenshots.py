"""Pictures of every step in the module, made in the stand-in application: `make screenshots`.

    python Testing/tools/screenshots.py [--output FOLDER]

Two brains are loaded (those of `make demo`), a structure is clicked, proposed in the other image, and the result of the
registration is looked at.
"""

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for folder in ("SAMRegistration", "Testing", "Resources/SampleData"):
    sys.path.insert(0, str(ROOT / folder))

CLICK, OUTSIDE = (6.0, 10.0, 18.0), (30.0, 10.0, 18.0)


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
        self.window.resize(1500, 1000)
        self.window.show()
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
        """Load both brains."""
        import SimpleITK as sitk
        import subjects
        from SAMRegistrationLib.geometry.grid import Grid
        from SAMRegistrationLib.geometry.resample import warp_volume
        from SAMRegistrationLib.scene.volumes import add_volume, image_data

        pair = subjects.load()
        for image, name, selector in (
            (pair.fixed, "ICBM152", self.ui.fixedSelector),
            (pair.moving, "Colin27", self.ui.movingSelector),
        ):
            grid = Grid.of(image).with_spacing((2.0, 2.0, 2.0))
            small = warp_volume(sitk.Cast(image, sitk.sitkFloat32), sitk.Transform(), grid)
            selector.setCurrentNode(add_volume(image_data(sitk.GetArrayViewFromImage(small)), grid, name))
        self.ui.fixedImageButton.click()
        self.picture("1-volumes", 0)

    def click(self) -> None:
        """Click a structure in the fixed brain and propose it in the moving one."""
        import slicer
        from Host import gestures

        self.ui.addStructureButton.click()
        self.ui.structuresTable.item(0, 2).setText("lateral ventricles")
        for name in slicer.app.layoutManager().sliceViewNames():
            slicer.app.layoutManager().sliceWidget(name).mrmlSliceNode().JumpSliceByOffsetting(*CLICK)
        view = gestures.slice_view("Red")
        for button, place in ((self.ui.plusButton, CLICK), (self.ui.minusButton, OUTSIDE)):
            button.click()
            self.settle()
            gestures.click(view, gestures.pixel_at(view, place))
            self.settle()
        self.picture("2-clicks", 1)
        self.ui.propagateButton.click()
        self.settle()
        self.picture("3-to-volume", 1)
        self.ui.proposeButton.click()
        self.settle()
        self.picture("4-proposed", 1)
        self.ui.acceptButton.click()
        self.settle()
        self.ui.propagateButton.click()
        self.settle()

    def register(self) -> None:
        """Register with the fast preset."""
        self.ui.presetCombo.setCurrentIndex(0)
        self.ui.registerButton.click()
        self.wait(lambda: self.ui.registerProgress.value > 50)
        self.picture("5-registering", 2)
        self.settle()

    def look(self) -> None:
        """Every way of looking at the result."""
        self.picture("6-result", 3)
        self.ui.jacobianCheckBox.setChecked(True)
        self.picture("7-jacobian", 3)
        self.ui.jacobianCheckBox.setChecked(False)
        self.ui.gridCheckBox.setChecked(False)
        self.ui.checkerboardButton.click()
        self.settle()
        self.picture("8-checkerboard", 3)
        self.ui.sideBySideButton.click()
        self.picture("9-side-by-side", 3)
        self.ui.blendButton.click()
        self.picture("10-advanced", 4)

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
