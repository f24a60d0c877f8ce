"""Benchmark of the panel in the stand-in application: entering, clicking, the event loop in every action, canceling.

python Testing/bench/module.py [--threads N] [--size I J K] [--spacing MM MM MM]

A stall is the longest pause between two ticks of a timer of 20 ms, with / without the time that the views took to draw
in software: in the event loop's turn in which the action begins ("at once"), and afterwards.
"""

import argparse
import faulthandler
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for folder in ("SAMRegistration", "Testing/standin/src"):
    sys.path.insert(0, str(ROOT / folder))
TICK_MS = 20
CENTER = (0.0, 0.0, 0.0)
ORGANS = 13
PATIENCE_SECONDS = 3600


def main() -> int:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--threads", type=int, default=2, help="threads of torch (default: 2)")
    parser.add_argument(
        "--size", type=int, nargs=3, default=[128] * 3, help="voxels of both volumes (default: 128 each)"
    )
    parser.add_argument("--spacing", type=float, nargs=3, default=[1.0] * 3, help="mm (default: 1 each)")
    parser.add_argument("--stacks", type=Path, help="file for what the main thread does in stalls of more than 0.15 s")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    import Host

    application = Host.start(testing=True)
    try:
        for name, value in Measurement(options.size, options.spacing, options.stacks).run():
            print(f"{name:<62} {value}", flush=True)
    finally:
        application._shut_down()
    return 0


class Measurement:
    """Loads the module and takes the times."""

    def __init__(self, size, spacing, stacks=None):
        self.size, self.spacing = size, spacing
        self.stacks = stacks
        self.drawn = []

    def run(self):
        """Yield (what, value as text)."""
        import Host
        import slicer
        from SAMRegistrationLib.testing import driver

        self.driver = driver
        slicer.util.mainWindow().resize(1300, 900)
        slicer.util.mainWindow().show()
        slicer.app.processEvents()
        self.time_the_drawing()
        module = Host.load_module(ROOT / "SAMRegistration" / "SAMRegistration.py", select=False)
        start = time.perf_counter()
        slicer.util.selectModule(module.objectName)
        slicer.app.processEvents()
        yield "enter the module for the first time", f"{time.perf_counter() - start:.2f} s"
        yield "torch imported by entering", "yes" if "torch" in sys.modules else "no"
        self.widget = slicer.modules.SAMRegistrationWidget
        self.ui = self.widget.ui
        self.fixed, self.moving = self.volumes()
        yield from self.actions()
        yield from self.clicks()
        yield from self.canceling()
        yield from self.saving()
        yield "largest memory of the process", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GB"

    def time_the_drawing(self):
        """Note when the views draw, and how long that takes."""
        from Host.views.canvas import RenderCanvas

        def timed(draw):
            def wrapped(canvas):
                start = time.perf_counter()
                draw(canvas)
                self.drawn.append((start, time.perf_counter()))

            return wrapped

        for name in ("render_now", "_read_pixels"):
            setattr(RenderCanvas, name, timed(getattr(RenderCanvas, name)))

    def volumes(self):
        """Two CTs of one textured body, the second moved and bent, with a segmentation of 13 structures each."""
        import numpy as np
        import slicer

        random = np.random.default_rng(1)
        extent = np.multiply(self.size, self.spacing)
        unit = extent.min() / 128
        centers, sizes = unit * random.uniform(-40, 40, (ORGANS, 3)), unit * random.uniform(6, 14, ORGANS)
        centers[0], sizes[0] = CENTER, 8 * unit
        axes = [step * np.arange(n, dtype=np.float32) - n * step / 2 for n, step in zip(self.size, self.spacing)]
        z, y, x = np.meshgrid(*axes[::-1], indexing="ij", sparse=True)
        matrix = np.diag([*self.spacing, 1.0])
        matrix[:3, 3] = -extent / 2
        nodes = []
        for name, bend in (("Fixed", 0), ("Moving", 5 * unit)):
            points = [x + bend * np.sin(y / (20 * unit)), y + bend * np.cos(z / (25 * unit)), z + bend]
            distance = np.sqrt(sum((2.56 * p / length) ** 2 for p, length in zip(points, extent)))
            values = 1050 / (1 + np.exp(np.clip(40 * (distance - 1), -50, 50))) - 1000
            masks = []
            free = np.ones(values.shape, bool)
            for center, radius in zip(centers, sizes):
                masks.append(free & (sum((p - c) ** 2 for p, c in zip(points, center)) < radius**2))
                values[masks[-1]] += 90
                free &= ~masks[-1]
            values += random.normal(0, 10, values.shape).astype(np.float32)
            node = slicer.util.addVolumeFromArray(values.astype(np.int16), ijkToRAS=matrix, name=name)
            node.CreateDefaultDisplayNodes()
            organs = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"Organs of {name}")
            organs.CreateDefaultDisplayNodes()
            organs.SetReferenceImageGeometryParameterFromVolumeNode(node)
            for number, mask in enumerate(masks):
                organs.GetSegmentation().AddEmptySegment(f"{name}{number}", f"organ {number}")
                slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype(np.uint8), organs, f"{name}{number}", node)
            organs.GetSegmentation().CollapseBinaryLabelmaps(False)
            organs.SetDisplayVisibility(False)
            nodes.append((node, organs))
        slicer.app.processEvents()
        return nodes

    def actions(self):
        """The longest pause of the event loop during each action."""
        from Host import gestures
        from SAMRegistrationLib.testing.driver import click_at

        ui, parameters = self.ui, self.widget.parameters()
        yield self.stall("choose the fixed volume", lambda: ui.fixedSelector.setCurrentNode(self.fixed[0]))
        yield self.stall("choose the moving volume", lambda: ui.movingSelector.setCurrentNode(self.moving[0]))
        yield self.stall("leave the module", lambda: self.widget.exit())
        yield self.stall("enter it again", lambda: self.widget.enter())
        yield self.stall("show the fixed volume", ui.fixedImageButton.click)
        yield self.stall("add a structure", ui.addStructureButton.click)
        yield self.stall("plus button (opens the model)", ui.plusButton.click)
        yield self.stall("first click", lambda: click_at(CENTER))
        yield self.stall("second click", lambda: click_at((10, 4, 0)))
        yield self.stall("undo", ui.undoButton.click)
        yield self.stall("redo", ui.redoButton.click)
        yield self.stall("to volume", ui.propagateButton.click)
        yield self.stall("click after to volume", lambda: click_at((-10, 4, 0)))
        yield self.stall("propose in the moving image", ui.proposeButton.click)
        yield self.stall("accept", ui.acceptButton.click)
        yield self.stall("show the fixed volume again", ui.fixedImageButton.click)
        yield self.stall("take over 13 structures, fixed", lambda: ui.fixedMasksSelector.setCurrentNode(self.fixed[1]))
        yield self.stall("... moving (ids differ)", lambda: ui.movingMasksSelector.setCurrentNode(self.moving[1]))
        yield self.stall("click in a structure taken over", lambda: click_at((4, 2, 0)))
        yield self.stall("hide a structure", lambda: self.hide(True))
        yield self.stall("show it again", lambda: self.hide(False))
        ui.presetCombo.setCurrentIndex(0)
        yield self.stall("registering (fast)", ui.registerButton.click)
        assert parameters.resultVolume is not None, ui.registerStatus.text
        for name, button in (
            ("checkerboard", ui.checkerboardButton),
            ("side by side", ui.sideBySideButton),
            ("blend", ui.blendButton),
        ):
            yield self.stall(name, button.click)
        yield self.stall("flicker for 3 s", lambda: self.for_seconds(3, ui.flickerButton.click))
        ui.blendButton.click()
        yield self.stall("Jacobian overlay", lambda: ui.jacobianCheckBox.setChecked(True))
        yield self.stall("warped volume again", lambda: ui.jacobianCheckBox.setChecked(False))
        yield self.stall("grid off", lambda: ui.gridCheckBox.setChecked(False))
        yield self.stall("grid on", lambda: ui.gridCheckBox.setChecked(True))
        for spacing in (5, 30):
            yield self.stall(
                f"grid spacing {spacing} mm", lambda spacing=spacing: ui.gridSpacingSlider.setValue(spacing)
            )
        yield self.stall("scroll through slices", lambda: gestures.scroll(gestures.slice_view("Red"), 5))
        for node in (self.moving[0], self.moving[1]):
            ui.applySelector.setCurrentNode(node)
            yield self.stall(f"apply to {node.GetName()}", ui.applyButton.click)

    def hide(self, hidden):
        """Take the eye of the first structure away, or give it back."""
        import qt

        item = self.ui.structuresTable.item(0, 0)
        item.setCheckState(qt.Qt.Unchecked if hidden else qt.Qt.Checked)

    def for_seconds(self, seconds, begin):
        """Begin and turn the event loop for some time."""
        begin()
        self.driver.pause(seconds)

    def saving(self):
        """Saving the scene and loading it again, which the application does in one go."""
        import slicer

        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "scene.mrb")
            yield self.stall("save the scene (the application)", lambda: slicer.util.saveScene(path))
            yield self.stall("close the scene", lambda: slicer.mrmlScene.Clear())
            modules = slicer.mrmlScene
            yield self.stall("load it again (the application)", lambda: slicer.util.loadScene(path))
            start = time.perf_counter()
            modules.InvokeEvent(modules.EndImportEvent)
            yield "of it the module", f"{1000 * (time.perf_counter() - start):.0f} ms"

    def clicks(self):
        """From click to mask on the screen, the slice's embedding being there."""
        from Host import gestures

        self.ui.fixedImageButton.click()
        self.ui.addStructureButton.click()
        if not self.ui.plusButton.checked:
            self.ui.plusButton.click()
        self.driver.settle(self.widget, PATIENCE_SECONDS)
        view = gestures.slice_view("Red")
        times = []
        for place in ((0, 0, 0), (4, 2, 0), (-5, 3, 0), (2, -6, 0), (7, 0, 0)):
            position = gestures.pixel_at(view, place)
            gestures.move(view, position)
            gestures.press(view, position)
            start = time.perf_counter()
            gestures.release(view, position)
            self.driver.settle(self.widget, PATIENCE_SECONDS)
            times.append(time.perf_counter() - start)
        yield "first click to mask (with the slice's embedding)", f"{1000 * times[0]:.0f} ms"
        later = sorted(times[1:])
        yield "later click to mask, median of 4", f"{1000 * (later[1] + later[2]) / 2:.0f} ms"

    def canceling(self):
        """The longest time between two looks at Cancel, which is how long it may take, and one click on Cancel."""
        parameters, logic = self.widget.parameters(), self.widget.logic
        structure, editor = self.widget.structuresTable.current(), logic.openEditor(parameters, "fixed")
        for name, work in (
            ("first click", editor.point(structure, CENTER, True)),
            ("to volume", editor.propagate(structure)),
            ("registering (balanced)", logic.startRegistration(parameters)[0]),
        ):
            yield f"longest time between looks at Cancel, {name}", self.longest_wait(work)
        self.ui.registerButton.click()
        self.driver.wait(lambda: self.ui.registerProgress.value > 40, PATIENCE_SECONDS)
        start = time.perf_counter()
        self.ui.cancelButton.click()
        self.driver.wait(lambda: not self.widget.registerPanel.running, PATIENCE_SECONDS)
        yield "click on Cancel to the button's return, registering", f"{1000 * (time.perf_counter() - start):.0f} ms"

    @staticmethod
    def longest_wait(work):
        """Run work and tell the longest time in which it did not look whether it was canceled, and where."""
        from SAMRegistrationLib.job import Job

        looks, stage = [(time.perf_counter(), "start")], ["start"]

        def progress(fraction, message):
            stage[0] = f"{message}, {100 * fraction:.0f} %"

        work(Job(progress, lambda: looks.append((time.perf_counter(), stage[0]))))
        looks.append((time.perf_counter(), "end"))
        longest, where = max((later - earlier, where) for (earlier, where), (later, _) in zip(looks, looks[1:]))
        return f"{1000 * longest:.0f} ms, {where}"

    def stall(self, name, begin):
        """(What, its longest pause of the event loop as text) of an action and the work that it begins."""
        self.drawn.clear()
        with open(self.stacks or os.devnull, "a", encoding="utf-8") as file:
            print(f"== {name}", file=file, flush=True)
            times = self.ticks(begin, file)
        gaps = list(zip(times, times[1:]))
        parts = [f"at once {self.longest(gaps[:1])}"]
        if len(gaps) > 1:
            parts.append(f"later {self.longest(gaps[1:])}")
        return f"stall: {name}", f"{', '.join(parts)}, in {times[-1] - times[0]:.1f} s"

    def longest(self, gaps):
        """The longest of some pauses, all in all and without drawing, as text."""
        whole = max(end - start for start, end in gaps)
        rest = max(end - start - self.drawing(start, end) for start, end in gaps)
        return f"{1000 * whole:4.0f} / {1000 * rest:4.0f} ms"

    def drawing(self, start, end):
        """Seconds of an interval in which the views drew."""
        return sum(max(0.0, min(end, last) - max(start, first)) for first, last in self.drawn)

    def ticks(self, begin, file):
        """Times of the ticks of a timer while work runs in the background; what stalls it is written to a file."""
        import qt

        def tick():
            times.append(time.perf_counter())
            faulthandler.dump_traceback_later(0.15, file=file)

        times = []
        timer = qt.QTimer()
        timer.setInterval(TICK_MS)
        timer.timeout.connect(tick)
        timer.start()
        tick()
        begin()
        self.driver.settle(self.widget, PATIENCE_SECONDS)
        tick()
        timer.stop()
        faulthandler.cancel_dump_traceback_later()
        return times


if __name__ == "__main__":
    sys.exit(main())
