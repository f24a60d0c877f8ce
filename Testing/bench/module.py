"""Benchmark of the panel in the stand-in application: entering, clicking, the event loop while work runs, cancelling.

python Testing/bench/module.py [--threads N] [--size N]
"""

import argparse
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for folder in ("SAMRegistration", "Testing"):
    sys.path.insert(0, str(ROOT / folder))
TICK_MS = 20
CENTER = (0.0, 0.0, 0.0)


def main() -> int:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--threads", type=int, default=2, help="threads of torch (default: 2)")
    parser.add_argument("--size", type=int, default=128, help="voxels per axis of both volumes (default: 128)")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    import Host

    application = Host.start(testing=True)
    try:
        for name, value in Measurement(options.size).run():
            print(f"{name:<62} {value}", flush=True)
    finally:
        application._shut_down()
    return 0


class Measurement:
    """Loads the module and takes the times."""

    def __init__(self, size: int):
        self.size = size

    def run(self):
        """Yield (what, value as text)."""
        import Host
        import slicer

        slicer.util.mainWindow().resize(1300, 900)
        slicer.util.mainWindow().show()
        slicer.app.processEvents()
        module = Host.load_module(ROOT / "SAMRegistration" / "SAMRegistration.py", select=False)
        start = time.perf_counter()
        slicer.util.selectModule(module.objectName)
        slicer.app.processEvents()
        yield "enter the module for the first time", f"{time.perf_counter() - start:.2f} s"
        yield "torch imported by entering", "yes" if "torch" in sys.modules else "no"
        self.widget = slicer.modules.SAMRegistrationWidget
        self.ui = self.widget.ui
        self.load()
        yield from self.clicks()
        yield from self.stalls()
        yield from self.cancelling()

    def load(self):
        """Two volumes of one textured body, the second moved and bent."""
        import numpy as np
        import slicer

        random = np.random.default_rng(1)
        centers, sizes = random.uniform(-40, 40, (30, 3)), random.uniform(4, 14, 30)
        step = 128 / self.size
        z, y, x = np.meshgrid(*[step * np.arange(self.size) - 64] * 3, indexing="ij")
        for name, selector, bend in (("Fixed", self.ui.fixedSelector, 0), ("Moving", self.ui.movingSelector, 5)):
            points = [x + bend * np.sin(y / 20), y + bend * np.cos(z / 25), z + bend]
            values = 80 / (1 + np.exp((np.sqrt(sum(p**2 for p in points)) - 50) / 2))
            for center, size in zip(centers, sizes):
                values += 60 * np.exp(-sum((p - c) ** 2 for p, c in zip(points, center)) / (2 * size**2))
            values += 100 * (np.sqrt(sum(p**2 for p in points)) < 15)
            matrix = np.diag([step, step, step, 1.0])
            matrix[:3, 3] = -64
            node = slicer.util.addVolumeFromArray(values.astype(np.float32), ijkToRAS=matrix, name=name)
            node.CreateDefaultDisplayNodes()
            selector.setCurrentNode(node)
        self.ui.fixedImageButton.click()
        self.ui.addStructureButton.click()

    def clicks(self):
        """From click to mask on the screen, the slice's embedding being there."""
        from Host import gestures

        self.ui.plusButton.click()
        self.settle()
        view = gestures.slice_view("Red")
        times = []
        for place in ((0, 0, 0), (4, 2, 0), (-5, 3, 0), (2, -6, 0), (7, 0, 0)):
            position = gestures.pixel_at(view, place)
            gestures.move(view, position)
            gestures.press(view, position)
            start = time.perf_counter()
            gestures.release(view, position)
            self.settle()
            times.append(time.perf_counter() - start)
        yield "first click to mask (with the slice's embedding)", f"{1000 * times[0]:.0f} ms"
        later = sorted(times[1:])
        yield "later click to mask, median of 4", f"{1000 * (later[1] + later[2]) / 2:.0f} ms"

    def stalls(self):
        """The longest pause of a timer of the event loop during each kind of work."""
        for name, button in (
            ("to volume", self.ui.propagateButton),
            ("registering (fast)", self.ui.registerButton),
        ):
            self.ui.presetCombo.setCurrentIndex(0)
            gaps = self.watch(button.click)
            longest = max(gaps)
            stage = f"after {sum(gaps[: gaps.index(longest)]):.1f} of {sum(gaps):.1f} s"
            yield f"longest stall of the event loop, {name}", f"{1000 * longest:.0f} ms, {stage}"

    def cancelling(self):
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
        self.wait(lambda: self.ui.registerProgress.value > 40)
        start = time.perf_counter()
        self.ui.cancelButton.click()
        self.wait(lambda: not self.widget.registerPanel.running)
        yield "click on Cancel to the button's return, registering", f"{1000 * (time.perf_counter() - start):.0f} ms"

    @staticmethod
    def longest_wait(work):
        """Run work and tell the longest time in which it did not look whether it was cancelled, and where."""
        from SAMRegistrationLib.job import Job

        looks, stage = [(time.perf_counter(), "start")], ["start"]

        def progress(fraction, message):
            stage[0] = f"{message}, {100 * fraction:.0f} %"

        work(Job(progress, lambda: looks.append((time.perf_counter(), stage[0]))))
        looks.append((time.perf_counter(), "end"))
        longest, where = max((later - earlier, where) for (earlier, where), (later, _) in zip(looks, looks[1:]))
        return f"{1000 * longest:.0f} ms, {where}"

    def watch(self, begin):
        """Seconds between the ticks of a timer while work runs in the background."""
        import qt

        ticks = []
        timer = qt.QTimer()
        timer.setInterval(TICK_MS)
        timer.timeout.connect(lambda: ticks.append(time.perf_counter()))
        timer.start()
        ticks.append(time.perf_counter())
        begin()
        self.settle()
        timer.stop()
        return [later - earlier for earlier, later in zip(ticks, ticks[1:])]

    def settle(self):
        """Turn the event loop until the work in the background is done."""
        self.wait(lambda: not self.widget.runner.busy)

    @staticmethod
    def wait(condition):
        """Turn the event loop until the condition holds."""
        import slicer

        slicer.app.processEvents()
        while not condition():
            slicer.app.processEvents()
            time.sleep(0.001)
        slicer.app.processEvents()


if __name__ == "__main__":
    sys.exit(main())
