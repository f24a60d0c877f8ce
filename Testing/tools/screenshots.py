"""Pictures of every step in the module, made in the stand-in application: `make screenshots`.

    python Testing/tools/screenshots.py [--output FOLDER]

The brains of the demonstration are loaded, which `make brains` fetches; two structures are clicked and proposed in the
other image, and the result of the registration is looked at.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for folder in ("SAMRegistration", "Testing/standin/src", "Resources/SampleData"):
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
    """The workflow of the module, with a picture after each step."""

    def __init__(self, folder: Path, brains: dict):
        import Host
        import slicer
        from SAMRegistrationLib.testing import driver

        self.driver = driver
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
        self.press(self.ui.fixedImageButton)
        self.zoom()
        self.picture("1-volumes", 0)

    def add_structures(self) -> None:
        """One structure with a name of its own and one of an anatomy."""
        self.driver.add_structure(self.widget, "pons")
        self.ui.anatomyCombo.setCurrentIndex(list(self.widget.logic.anatomies()).index("Brain"))
        self.press(self.ui.addAnatomyButton)
        for name in self.driver.structure_ids(self.widget):
            if name not in CLICKS:
                self.do(name, self.ui.removeStructureButton)

    def click(self) -> None:
        """Click two structures in the fixed volume, correct one, propose both in the moving one and accept them."""
        self.add_structures()
        for name, clicks in CLICKS.items():
            self.select(name)
            for kind, place in clicks:
                self.place(kind, place)
        self.driver.look_at(CLICKS["pons"][0][1])
        self.picture("2-clicks", 1)
        for name in CLICKS:
            self.do(name, self.ui.propagateButton)
        self.driver.look_at(TOO_FAR)
        self.picture("3-to-volume", 1)
        self.press(self.ui.undoButton)  # carrying the pons through the volume was the last step
        for place in NOT_HERE:
            self.place("-", place)
        self.do("pons", self.ui.propagateButton)
        self.driver.look_at(CLICKS["pons"][0][1])
        self.picture("3-corrected", 1)
        for name in CLICKS:
            self.press(self.ui.fixedImageButton)
            self.do(name, self.ui.proposeButton)
        self.picture("4-proposed", 1)
        for name in CLICKS:
            self.do(name, self.ui.acceptButton)
            self.do(name, self.ui.propagateButton)
        self.picture("5-accepted", 1)

    def place(self, kind: str, place) -> None:
        """Click at a position (RAS mm) in its axial slice, inside (+) or outside (-) of the chosen structure."""
        button = self.ui.plusButton if kind == "+" else self.ui.minusButton
        self.driver.look_at(place)
        self.driver.place(self.widget, button, place)

    def select(self, name: str) -> None:
        """Select a structure by its name."""
        self.driver.select_structure(self.widget, self.driver.structure_ids(self.widget)[name])
        self.driver.settle(self.widget)

    def do(self, name: str, button) -> None:
        """Click a button for a structure and wait for what it does."""
        self.select(name)
        self.press(button)

    def press(self, button) -> None:
        """Click a button and wait for what it does."""
        self.driver.click_and_settle(self.widget, button, PATIENCE_SECONDS)

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
        self.driver.click(self.ui.registerButton)
        self.driver.wait(lambda: self.ui.registerProgress.value > 50, PATIENCE_SECONDS)
        self.picture("6-registering", 2)
        self.driver.settle(self.widget, PATIENCE_SECONDS)

    def look(self) -> None:
        """Every way of looking at the result."""
        self.driver.look_at(RESULT_AT)
        self.picture("7-result", 3)
        self.ui.jacobianCheckBox.setChecked(True)
        self.picture("8-jacobian", 3)
        self.ui.displacementCheckBox.setChecked(True)
        self.picture("8-displacement", 3)
        self.ui.displacementCheckBox.setChecked(False)
        self.ui.gridCheckBox.setChecked(False)
        self.press(self.ui.checkerboardButton)
        self.picture("9-checkerboard", 3)
        self.press(self.ui.sideBySideButton)
        self.picture("10-side-by-side", 3)
        self.press(self.ui.blendButton)
        self.picture("11-advanced", 4)

    def picture(self, name: str, section: int) -> None:
        """Open one section of the panel and save the window."""
        for number, button in enumerate(self.sections):
            button.collapsed = number != section
        self.driver.pause(0.5)
        self.window.grab().save(str(self.folder / f"module-{name}.png"))


if __name__ == "__main__":
    sys.exit(main())
