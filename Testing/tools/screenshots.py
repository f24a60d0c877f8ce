"""Pictures of every step in the module, made in the stand-in application: `make screenshots`.

    python Testing/tools/screenshots.py [--output FOLDER]

The brains of the demonstration are loaded, which `make brains` fetches; two structures are clicked and proposed in the
other image, and the result of the registration is looked at.
"""

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for folder in ("SAMRegistration", "Testing", "Resources/SampleData"):
    sys.path.insert(0, str(ROOT / folder))

# Structure: clicks inside (+) and outside (-) in axial slices, in their order (RAS mm).
CLICKS = {
    "ventricles": (
        ("+", (-10, -14, 22)),
        ("+", (10, -14, 22)),
        ("+", (-6, 12, 14)),
        ("+", (6, 12, 14)),
        ("-", (0, 4, 6)),
    ),
    "pons": (("+", (0, -28, -34)), ("-", (-18, -42, -34)), ("-", (18, -42, -34))),
}
# The pons, carried to the other slices, runs on into the midbrain above it and the medulla below; where it is not.
TOO_FAR, NOT_HERE = (0, -28, -14), ((0, -28, -20), (0, -30, -48))
RESULT_AT = (-5, -22, 21)
BRAINS = {"ICBM152": ("fixed", "icbm152_t1.nii.gz"), "Colin27": ("moving", "colin27_t1.nii.gz")}
WINDOW_SIZE, PANEL_WIDTH = (1500, 1000), 440
NEARER = 0.78  # field of view of the slices, as a part of the whole volume's
PATIENCE_SECONDS = 3600


def main() -> int:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.split(":", 1)[0])
    parser.add_argument("--output", type=Path, default=ROOT / "Resources" / "Screenshots")
    options = parser.parse_args()
    import fetch
    import Host

    try:
        brains = {name: brain(part, file) for name, (part, file) in BRAINS.items()}
    except fetch.FetchError as error:
        print(f"The pictures need the brains of the demonstration. {error}", file=sys.stderr)
        return 1
    application = Host.start(testing=True)
    try:
        Tour(options.output, brains).go()
    finally:
        application._shut_down()
    return 0


def brain(part: str, file: str):
    """The image of a part of the sample data.

    Raises:
        fetch.FetchError: it is not in the cache and cannot be fetched.
    """
    import fetch
    import SimpleITK as sitk

    return sitk.ReadImage(str(fetch.fetch(part, fetch.cache_folder())[file]), sitk.sitkFloat32)


class Tour:
    """One way through the module, with a picture after each step."""

    def __init__(self, folder: Path, brains: dict):
        import Host
        import slicer

        self.folder, self.brains = folder, brains
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
        """Load both brains."""
        import SimpleITK as sitk
        from SAMRegistrationLib.geometry.grid import Grid
        from SAMRegistrationLib.scene.volumes import add_volume, image_data

        for (name, image), selector in zip(self.brains.items(), (self.ui.fixedSelector, self.ui.movingSelector)):
            data = image_data(sitk.GetArrayViewFromImage(image))
            selector.setCurrentNode(add_volume(data, Grid.of(image), name))
        self.ui.fixedImageButton.click()
        self.settle()
        self.zoom()
        self.picture("1-volumes", 0)

    def add_structures(self) -> None:
        """One structure with a name of its own and one of an anatomy."""
        self.ui.addStructureButton.click()
        self.ui.structuresTable.item(0, 2).setText("pons")
        self.settle()
        self.ui.anatomyCombo.setCurrentIndex(list(self.widget.logic.anatomies()).index("Brain"))
        self.ui.addAnatomyButton.click()
        for name, structure in self.structures().items():
            if name not in CLICKS:
                self.widget.structuresTable.select(structure)
                self.ui.removeStructureButton.click()
        self.settle()

    def structures(self) -> dict:
        """The ids of the structures by their names."""
        return {entry.name: entry.id for entry in self.widget.logic.structures(self.widget.parameters())}

    def click(self) -> None:
        """Click two structures in the fixed volume, correct one, propose both in the moving one and accept them."""
        self.add_structures()
        for name, clicks in CLICKS.items():
            self.widget.structuresTable.select(self.structures()[name])
            for kind, place in clicks:
                self.place(kind, place)
        self.look_at(CLICKS["pons"][0][1])
        self.picture("2-clicks", 1)
        for name in CLICKS:
            self.do(name, self.ui.propagateButton)
        self.look_at(TOO_FAR)
        self.picture("3-to-volume", 1)
        self.ui.undoButton.click()  # carrying the pons through the volume was the last step
        self.settle()
        for place in NOT_HERE:
            self.place("-", place)
        self.do("pons", self.ui.propagateButton)
        self.look_at(CLICKS["pons"][0][1])
        self.picture("3-corrected", 1)
        for name in CLICKS:
            self.ui.fixedImageButton.click()
            self.do(name, self.ui.proposeButton)
        self.picture("4-proposed", 1)
        for name in CLICKS:
            self.do(name, self.ui.acceptButton)
            self.do(name, self.ui.propagateButton)
        self.picture("5-accepted", 1)

    def place(self, kind: str, place) -> None:
        """Click at a position (RAS mm) in its axial slice, inside (+) or outside (-) of the chosen structure."""
        from Host import gestures

        button = self.ui.plusButton if kind == "+" else self.ui.minusButton
        if not button.checked:
            button.click()
        self.look_at(place)
        self.settle()
        view = gestures.slice_view("Red")
        gestures.click(view, gestures.pixel_at(view, place))
        self.settle()

    def do(self, name: str, button) -> None:
        """Click a button for a structure and wait for what it does."""
        self.widget.structuresTable.select(self.structures()[name])
        self.settle()
        button.click()
        self.settle()

    @staticmethod
    def look_at(position) -> None:
        """Bring all slice views to a position (RAS mm)."""
        import slicer

        for name in slicer.app.layoutManager().sliceViewNames():
            slicer.app.layoutManager().sliceWidget(name).mrmlSliceNode().JumpSliceByOffsetting(*position)

    @staticmethod
    def zoom() -> None:
        """Bring the slice views nearer."""
        import slicer

        for name in slicer.app.layoutManager().sliceViewNames():
            node = slicer.app.layoutManager().sliceWidget(name).mrmlSliceNode()
            width, height, depth = node.GetFieldOfView()
            node.SetFieldOfView(NEARER * width, NEARER * height, depth)

    def register(self) -> None:
        """Register with the fast preset."""
        self.ui.presetCombo.setCurrentIndex(0)
        self.ui.registerButton.click()
        self.wait(lambda: self.ui.registerProgress.value > 50, PATIENCE_SECONDS)
        self.picture("6-registering", 2)
        self.settle()

    def look(self) -> None:
        """Every way of looking at the result."""
        self.look_at(RESULT_AT)
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
        """Wait for the work in the background.

        Raises:
            TimeoutError: it takes too long; a picture of it would not show what the tutorial says.
        """
        self.wait(lambda: not self.widget.runner.busy, PATIENCE_SECONDS)
        if self.widget.runner.busy:
            raise TimeoutError("The work in the background does not end.")

    @staticmethod
    def wait(condition, seconds: float) -> None:
        """Turn the event loop until the condition holds or the time is over."""
        import slicer

        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            slicer.app.processEvents()
            time.sleep(0.005)


if __name__ == "__main__":
    sys.exit(main())
