"""Benchmark of the panel under load: how long the main thread is busy at a time, in the stand-in application.

python Testing/bench/load.py [--size I J K] [--structures N] [--prompts N] [--rows N] [--no-window]

What is told is the longest time between two turns of the event loop, by the clock and by the processor time of the main
thread (which other programs on the computer do not change), and how often the table of structures was filled. The
stand-in's views draw in software; without a window they do not draw, and what remains is the panel's own work.
"""

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for folder in ("SAMRegistration", "Testing", "Testing/standin/src"):
    sys.path.insert(0, str(ROOT / folder))
TICK_MS = 10
LIMIT_MS = 200
CUBE = 6  # voxels
GRID = (128, 128, 150)  # of the structures


def main() -> int:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--size", type=int, nargs=3, default=(512, 512, 600), help="voxels of both volumes")
    parser.add_argument("--structures", type=int, default=120)
    parser.add_argument("--prompts", type=int, default=2000)
    parser.add_argument("--rows", type=int, default=5000, help="of the tables and of the lists of landmarks")
    parser.add_argument("--no-window", action="store_true", help="nothing is drawn")
    options = parser.parse_args()
    import Host

    application = Host.start(testing=True)
    try:
        for name, clock, processor, fills in Load(options).run():
            mark = " > limit" if processor > LIMIT_MS else ""
            print(f"{name:<56} {clock:5.0f} ms, busy {processor:5.0f} ms, {fills} fills{mark}", flush=True)
    finally:
        application._shut_down()
    return 0


class Load:
    """Loads the module, puts a load on it, and takes the times."""

    def __init__(self, options):
        self.options, self.fills = options, 0

    def run(self):
        """Yield (what, ms by the clock, ms of the main thread, fillings of the table of structures)."""
        import Host
        import slicer
        from SAMRegistrationLib.testing import driver
        from SAMRegistrationLib.widget.structures_table import StructuresTable
        from unit.segmentation_samples import FloodPredictor

        self.driver, fill = driver, StructuresTable.update

        def counted(table):
            self.fills += 1
            fill(table)

        StructuresTable.update = counted
        slicer.util.mainWindow().resize(1300, 900)
        if not self.options.no_window:
            slicer.util.mainWindow().show()
        module = Host.load_module(ROOT / "SAMRegistration" / "SAMRegistration.py", select=False)
        slicer.util.selectModule(module.objectName)
        slicer.app.processEvents()
        self.widget = slicer.modules.SAMRegistrationWidget
        self.widget.logic.openPredictor = lambda model, device: FloodPredictor()
        yield from self.volumes()
        yield from self.structures()
        yield from self.prompts()
        yield from self.rows()

    def volumes(self):
        """The largest volumes are chosen and clicked in."""
        import numpy as np
        import slicer

        ui, nodes = self.widget.ui, []
        matrix = np.diag([0.7, 0.7, 1.0, 1.0])
        matrix[:3, 3] = -np.diag(matrix)[:3] * self.options.size / 2
        for name, kind in (("Fixed", np.int16), ("Moving", np.int16), ("Float", np.float32)):
            slices = self.options.size[2] * (1 if kind is np.int16 else 5) // (1 if kind is np.int16 else 3)
            array = np.zeros((slices, self.options.size[1], self.options.size[0]), kind)
            array[: slices // 2, 100:400, 100:400] = 40
            nodes.append(slicer.util.addVolumeFromArray(array, ijkToRAS=matrix, name=name))
            nodes[-1].CreateDefaultDisplayNodes()
            gigabytes = array.nbytes / 1e9
        self.fixed = nodes[0]
        slicer.app.processEvents()
        yield self.action("choose the fixed volume", lambda: ui.fixedSelector.setCurrentNode(nodes[0]))
        yield self.action("choose the moving volume", lambda: ui.movingSelector.setCurrentNode(nodes[1]))
        name = f"choose a volume of {gigabytes:.2f} GB as moving"
        yield self.action(name, lambda: ui.movingSelector.setCurrentNode(nodes[2]))
        yield self.action("choose the moving volume again", lambda: ui.movingSelector.setCurrentNode(nodes[1]))
        yield self.action("show the fixed volume", ui.fixedImageButton.click)
        yield self.action("add a structure", ui.addStructureButton.click)
        yield self.action("plus button (opens the model)", ui.plusButton.click)
        yield self.action("first click", lambda: self.driver.click_at((0.0, 0.0, 0.0)))
        yield self.action("second click", lambda: self.driver.click_at((8.0, 4.0, 0.0)))

    def structures(self):
        """Many structures are taken over and used."""
        import numpy as np
        import qt
        import slicer

        ui, nodes, random = self.widget.ui, [], np.random.default_rng(0)
        matrix = np.diag([2.8, 2.8, 4.0, 1.0])
        matrix[:3, 3] = -np.diag(matrix)[:3] * GRID / 2
        reference = slicer.util.addVolumeFromArray(np.zeros(GRID[::-1], np.uint8), ijkToRAS=matrix, name="Grid")
        for side in ("fixed", "moving"):
            node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"Organs, {side}")
            node.CreateDefaultDisplayNodes()
            node.SetReferenceImageGeometryParameterFromVolumeNode(reference)
            for number in range(self.options.structures):
                mask = np.zeros(GRID[::-1], np.uint8)
                k, j, i = random.integers(0, np.array(mask.shape) - CUBE)
                mask[k : k + CUBE, j : j + CUBE, i : i + CUBE] = 1
                node.GetSegmentation().AddEmptySegment(f"{side}{number}", f"organ {number}")
                slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, f"{side}{number}", reference)
            nodes.append(node)
        count = self.options.structures
        yield self.action(f"{count} structures, fixed", lambda: ui.fixedMasksSelector.setCurrentNode(nodes[0]))
        yield self.action("... moving (ids differ)", lambda: ui.movingMasksSelector.setCurrentNode(nodes[1]))
        yield self.action("choose another structure", lambda: ui.structuresTable.setCurrentCell(7, 2))
        yield self.action("rename it", lambda: ui.structuresTable.item(7, 2).setText("renamed"))
        yield self.action("hide it", lambda: ui.structuresTable.item(7, 0).setCheckState(qt.Qt.Unchecked))
        yield self.action("change its role", lambda: ui.roleCombo.setCurrentIndex(1))
        yield self.action("add a structure", ui.addStructureButton.click)
        yield self.action("remove it", ui.removeStructureButton.click)
        yield self.action("click in one of them", lambda: self.driver.click_at((8.0, 4.0, 0.0)))
        yield self.action("leave the module", self.driver.leave_module)
        yield self.action("enter it again", self.driver.enter_module)

    def prompts(self):
        """Many clicks are kept with the segmentation of the fixed volume."""
        from SAMRegistrationLib.scene.structure_segments import structures_of, write_prompts
        from SAMRegistrationLib.segmentation.prompts import PromptSet, Structure

        parameters, ui = self.widget.parameters(), self.widget.ui
        segments = structures_of(parameters.fixedSegmentation)
        each = self.options.prompts // len(segments)
        write_prompts(
            parameters.fixedSegmentation,
            PromptSet(
                tuple(
                    Structure(segment.name, number + 1, id=segment.id, prompts=tuple(map(_prompt, range(each))))
                    for number, segment in enumerate(segments)
                )
            ),
        )
        yield self.action(f"{each * len(segments)} clicks: enter the module", self.widget.enter)
        yield self.action("choose another structure", lambda: ui.structuresTable.setCurrentCell(9, 2))
        if not ui.plusButton.checked:
            yield self.action("plus button", ui.plusButton.click)
        yield self.action("click", lambda: self.driver.click_at((8.0, 4.0, 0.0)))
        yield self.action("another click", lambda: self.driver.click_at((12.0, 4.0, 0.0)))
        yield self.action("undo", ui.undoButton.click)

    def rows(self):
        """Long tables and long lists of landmarks."""
        import numpy as np
        import slicer
        from SAMRegistrationLib.scene.tables import add_text_table, columns

        parameters, ui, count = self.widget.parameters(), self.widget.ui, self.options.rows
        points = np.random.default_rng(0).uniform(-100, 100, (count, 3))
        lists = []
        for name in ("landmarks, fixed", "landmarks, moving"):
            lists.append(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name))
            slicer.util.updateMarkupsControlPointsFromArray(lists[-1], points)
        yield self.action(f"{count} landmarks, fixed", lambda: setattr(parameters, "fixedLandmarks", lists[0]))
        yield self.action("... moving", lambda: setattr(parameters, "movingLandmarks", lists[1]))
        table = add_text_table("Measures", columns(), *([f"row {number}", "1", "2", ""] for number in range(count)))
        yield self.action(f"a table of {count} rows", lambda: setattr(parameters, "resultTable", table))
        yield self.action("choose another structure", lambda: ui.structuresTable.setCurrentCell(11, 2))

    def action(self, name, begin):
        """What an action and the work that it begins take of the main thread at a time."""
        import qt

        def tick():
            times.append((time.perf_counter(), time.thread_time()))

        times, before = [], self.fills
        timer = qt.QTimer()
        timer.setInterval(TICK_MS)
        timer.timeout.connect(tick)
        timer.start()
        tick()
        begin()
        tick()
        self.driver.settle(self.widget, 3600)
        tick()
        timer.stop()
        gaps = [(1000 * (b[0] - a[0]), 1000 * (b[1] - a[1])) for a, b in zip(times, times[1:])]
        return name, max(gap[0] for gap in gaps), max(gap[1] for gap in gaps), self.fills - before


def _prompt(number):
    from SAMRegistrationLib.segmentation.prompts import Prompt

    return Prompt("positive", ((5.0 * number, 3.0, 0.0),), (0.0, 0.0, 1.0))


if __name__ == "__main__":
    sys.exit(main())
