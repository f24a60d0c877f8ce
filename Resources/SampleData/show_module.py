"""Open the Slicer module on the result of the demonstration; without a screen, write its picture instead.

    python Resources/SampleData/show_module.py [--output FOLDER]

The module runs in the stand-in application of Testing/standin, which needs the packages of the extra "host".
"""

import argparse
import json
import os
import sys
from pathlib import Path

from needed import sentence_for

ROOT = Path(__file__).resolve().parents[2]
for folder in ("SAMRegistration", "Testing/standin/src"):
    sys.path.insert(0, str(ROOT / folder))
PICTURE = "module.png"


def main() -> int:
    """Show the result that lies in the folder."""
    parser = argparse.ArgumentParser(description=__doc__.split(";", 1)[0])
    parser.add_argument("--output", type=Path, default=Path("demo-output"), help="folder of the demonstration")
    folder = parser.parse_args().output
    on_screen = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    try:
        import Host

        application = Host.start(offscreen=not on_screen, testing=not on_screen)
    except ImportError as error:
        print(f"demo: the module cannot be shown here. {sentence_for(error)}", file=sys.stderr)
        return 1
    except Host.HostError as error:
        print(f"demo: the module cannot be shown here. {error}", file=sys.stderr)
        return 1
    try:
        window = show(folder)
        if on_screen:
            print("The module shows the result; close its window to end.")
            application.exec()
        else:
            window.grab().save(str(folder / PICTURE))
            print(f"The module with the result: {(folder / PICTURE).resolve()}")
    finally:
        application._shut_down()
    return 0


def show(folder: Path):
    """The application's window with the module on the result in the folder."""
    import Host
    import slicer
    from SAMRegistrationLib.testing import driver

    window = slicer.util.mainWindow()
    window.resize(1500, 1000)
    window.show()
    Host.load_module(ROOT / "SAMRegistration" / "SAMRegistration.py")
    widget = slicer.modules.SAMRegistrationWidget
    load(widget, folder)
    for section in (widget.ui.volumesSection, widget.ui.structuresSection, widget.ui.registerSection):
        section.collapsed = True
    widget.ui.lookSection.collapsed = False
    widget.runner.in_turns(*widget.stepsToShow())
    driver.settle(widget)
    return window


def load(widget, folder: Path) -> None:
    """Put the demonstration's volumes, tissues and transforms into the scene."""
    import SimpleITK as sitk
    import subjects
    from SAMRegistrationLib.geometry.grid import Grid
    from SAMRegistrationLib.registration import RegistrationResult
    from SAMRegistrationLib.scene.volumes import add_volume, image_data

    pair, parameters = subjects.load(), widget.parameters()
    transform, inverse = (sitk.ReadTransform(str(folder / name)) for name in ("transform.h5", "inverse.h5"))
    nodes = []
    for name, image, labels in (
        ("ICBM152", pair.fixed, pair.fixed_tissues),
        ("Colin27", pair.moving, pair.moving_tissues),
    ):
        volume = add_volume(image_data(sitk.GetArrayViewFromImage(image)), Grid.of(image), name)
        nodes.append((volume, tissues(volume, labels, subjects.TISSUES)))
    (parameters.fixedVolume, parameters.fixedSegmentation), (parameters.movingVolume, parameters.movingSegmentation) = (
        nodes
    )
    linear = sitk.Transform(3, sitk.sitkIdentity)
    result = RegistrationResult(transform, inverse, linear, pair.fixed, pair.moving, seconds=seconds_of(folder))
    widget.logic.presentResult(parameters, result)


def seconds_of(folder: Path) -> dict:
    """How long the stages of the registration took."""
    return json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["seconds"]


def tissues(volume, labels, names):
    """A segmentation node with a segment for each label of a label image."""
    import SimpleITK as sitk
    from SAMRegistrationLib.geometry.grid import Grid
    from SAMRegistrationLib.scene.masks import labelmap, new_segmentation, put_mask
    from SAMRegistrationLib.scene.structure_segments import new_structure, put_structure

    node = new_segmentation(f"{volume.GetName()} tissues", volume)
    for number, (label, name) in enumerate(names.items()):
        structure = new_structure(name, number)._replace(id=name)
        put_structure(node, structure)
        put_mask(node, name, labelmap(sitk.GetArrayViewFromImage(labels) == label, Grid.of(labels)))
    return node


if __name__ == "__main__":
    sys.exit(main())
