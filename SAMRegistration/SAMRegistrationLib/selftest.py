"""The way of a clinician through the module's own panel, for the module's test; in the application or its stand-in.

Buttons are clicked and the mouse is moved in a slice view, as a person does. A pair of volumes is made here, so that
the answer is known and no network is needed: a body with a bright ball and a spot, moved in the second volume. On any
other pair, such as the sample data, what must hold for every pair is checked.
"""

import hashlib
import time

import numpy as np
import SimpleITK as sitk
import slicer
import vtk
from slicer.i18n import tr as _

from .scene.grids import is_grid_visible
from .scene.space import lps
from .scene.volumes import image_of

SHIFT = (5.0, -4.0, 3.0)
SPOT = (16.0, 8.0, -8.0)
BALL_RADIUS = 13.0
SECONDS = 300


class Clinician:
    """Uses the panel of the module.

    Args:
        widget: SAMRegistrationWidget of the module, which is entered.
    """

    def __init__(self, widget):
        self.widget, self.ui, self.logic = widget, widget.ui, widget.logic

    @property
    def parameters(self):
        """The parameter node."""
        return self.widget.parameters()

    def load_pair(self) -> None:
        """Make both volumes and choose them, for a fast registration on the CPU."""
        self.ui.fixedSelector.setCurrentNode(ball_volume("Before", (0.0, 0.0, 0.0)))
        self.ui.movingSelector.setCurrentNode(ball_volume("After", SHIFT))
        self._choose_the_fast_way()

    def load_samples(self) -> bool:
        """Load the sample pair by its button, for a fast registration on the CPU; whether it could be loaded."""
        self.click(self.ui.sampleButton)
        if self.parameters.movingVolume is None:
            return False
        self._choose_the_fast_way()
        return True

    def _choose_the_fast_way(self) -> None:
        self.parameters.preset, self.parameters.device = "fast", "cpu"
        self.click(self.ui.fixedImageButton)

    def add_structure(self, name: str) -> str:
        """Add a structure by the button and type its name; its id."""
        self.click(self.ui.addStructureButton)
        rows = self.ui.structuresTable.rowCount
        self.ui.structuresTable.item(rows - 1, 2).setText(name)
        slicer.app.processEvents()
        return next(entry.id for entry in self.logic.structures(self.parameters) if entry.name == name)

    def choose(self, structure_id: str) -> None:
        """Choose a structure in the table."""
        ids = [entry.id for entry in self.logic.structures(self.parameters)]
        self.ui.structuresTable.setCurrentCell(ids.index(structure_id), 2)
        slicer.app.processEvents()

    def place(self, button, position) -> None:
        """Take the tool of a button and click at a position (RAS mm) in the red slice view."""
        if not button.checked:
            self.click(button)
        widget = slicer.app.layoutManager().sliceWidget("Red")
        node = widget.sliceLogic().GetSliceNode()
        node.JumpSliceByOffsetting(*position)
        self.settle()
        to_view = np.linalg.inv(slicer.util.arrayFromVTKMatrix(node.GetXYToRAS()))
        pixel = [round(float(value)) for value in (to_view @ [*position, 1.0])[:2]]
        slicer.util.clickAndDrag(widget, button="None", start=[pixel[0] - 2, pixel[1]], end=pixel, steps=3)
        slicer.util.clickAndDrag(widget, start=pixel, end=pixel, steps=1)
        self.settle()

    def segment(self, structure_id: str, inside, outside) -> None:
        """Click a structure in the fixed image, take a wrong click back, go to the volume, and on to the moving image.

        Args:
            inside, outside: positions in the structure and beside it (RAS mm).
        """
        self.choose(structure_id)
        self.place(self.ui.plusButton, inside)
        clicked = self.mask("fixed", structure_id)
        assert clicked.any(), "the click gave no mask"
        self.place(self.ui.minusButton, outside)
        assert len(self.prompts("fixed", structure_id)) == 2
        self.click(self.ui.undoButton)
        assert len(self.prompts("fixed", structure_id)) == 1
        assert (self.mask("fixed", structure_id) == clicked).all(), "undo did not bring the mask back"
        self.click(self.ui.propagateButton)
        assert self.mask("fixed", structure_id).sum() > clicked.sum(), "the mask did not grow to the volume"
        self.click(self.ui.proposeButton)
        assert all(prompt.proposed for prompt in self.prompts("moving", structure_id))
        self.click(self.ui.acceptButton)
        self.click(self.ui.propagateButton)
        assert self.mask("moving", structure_id).any(), "the accepted click gave no mask"
        self.click(self.ui.fixedImageButton)

    def register(self) -> None:
        """Click Register, and check what holds for every pair: nodes, names, transforms, and the inputs as before."""
        inputs = self.inputs()
        self.click(self.ui.registerButton)
        assert self.ui.registerStatus.text.startswith(_("Done in {seconds:.0f} s.").split("{")[0]), (
            self.ui.registerStatus.text
        )
        assert self.inputs() == inputs, "an input was changed"
        parameters = self.parameters
        fixed, transform = parameters.fixedVolume, parameters.resultTransform
        nodes = [transform, parameters.resultInverse, parameters.resultVolume, parameters.resultJacobian]
        nodes += [parameters.resultSegmentation, parameters.resultTable]
        assert None not in nodes, "a node is missing"
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
        folders = {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) for node in nodes}
        pair = f"{parameters.movingVolume.GetName()} to {fixed.GetName()}"
        assert [hierarchy.GetItemName(folder) for folder in folders] == [f"Registration of {pair}"]
        assert is_grid_visible(transform) == (True, True)
        segmentation = parameters.resultSegmentation.GetSegmentation()
        warped = [segmentation.GetNthSegment(n).GetName() for n in range(segmentation.GetNumberOfSegments())]
        assert warped == [structure.name for structure in self.logic.structures(parameters)]
        assert slicer.util.arrayFromVolume(parameters.resultJacobian).min() > 0, "the deformation folds"
        path = slicer.util.tempDirectory() + "/transform.h5"
        assert slicer.util.saveNode(transform, path)
        bounds = [0.0] * 6
        fixed.GetRASBounds(bounds)
        for part in ((0.5, 0.5, 0.5), (0.4, 0.6, 0.3), (0.7, 0.4, 0.6)):
            position = [low + share * (high - low) for low, high, share in zip(bounds[::2], bounds[1::2], part)]
            there = mapped(transform, position)
            assert np.allclose(mapped_by_file(path, position), there, atol=1e-2), "the file maps otherwise"
            back = mapped(parameters.resultInverse, there)
            assert np.linalg.norm(back - position) < 1, "the inverse does not lead back"

    def inputs(self) -> list:
        """What nobody may change: voxels, place and parent of both volumes, and their masks."""
        found = []
        for side in ("fixed", "moving"):
            volume = self.logic.volumeOf(self.parameters, side)
            segmentation = self.logic.segmentationOf(self.parameters, side)
            matrix = vtk.vtkMatrix4x4()
            volume.GetIJKToRASMatrix(matrix)
            place = slicer.util.arrayFromVTKMatrix(matrix).tolist()
            found += [volume.GetTransformNodeID(), place, _digest(slicer.util.arrayFromVolume(volume))]
            for structure in self.logic.structures(self.parameters):
                if segmentation is not None and segmentation.GetSegmentation().GetSegment(structure.id) is not None:
                    found.append(_digest(self.mask(side, structure.id)))
        return found

    def alike(self) -> tuple:
        """How alike fixed and moving volume are, as they lie and after the registration (normalized correlation)."""
        parameters = self.parameters
        fixed, moving = image_of(parameters.fixedVolume), image_of(parameters.movingVolume)
        as_it_lies = sitk.Resample(moving, fixed, sitk.Transform(3, sitk.sitkIdentity), sitk.sitkLinear)
        arrays = [sitk.GetArrayFromImage(fixed), sitk.GetArrayFromImage(as_it_lies)]
        arrays.append(slicer.util.arrayFromVolume(parameters.resultVolume))
        return tuple(float(np.corrcoef(arrays[0].ravel(), other.ravel())[0, 1]) for other in arrays[1:])

    def save_and_load(self) -> None:
        """Save the scene, close it and load it again; the masks must be the same."""
        before = self.inputs()
        path = slicer.util.tempDirectory() + "/scene.mrb"
        assert slicer.util.saveScene(path)
        slicer.mrmlScene.Clear()
        slicer.util.loadScene(path)
        self.settle()
        assert self.parameters.preset == "fast"
        assert self.inputs() == before, "a volume or a mask was changed by saving"

    def click(self, button) -> None:
        """Click a button and wait until its work is done."""
        assert button.enabled, f"the button {button.objectName} cannot be clicked"
        button.click()
        self.settle()

    def begin_to_register(self) -> None:
        """Click Register and wait until it is well under way."""
        self.ui.registerButton.click()
        self.wait(lambda: self.ui.registerProgress.value > 5)

    def settle(self) -> None:
        """Wait until nothing is done in the background."""
        self.wait(lambda: not self.widget.runner.busy)

    @staticmethod
    def wait(condition) -> None:
        """Turn the event loop until the condition holds."""
        end = time.monotonic() + SECONDS
        slicer.app.processEvents()
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            slicer.app.processEvents()
            time.sleep(0.005)
        slicer.app.processEvents()

    def mask(self, side: str, structure_id: str) -> np.ndarray:
        """The mask (z, y, x) of a structure on the grid of its volume."""
        segmentation, volume = (
            self.logic.segmentationOf(self.parameters, side),
            self.logic.volumeOf(self.parameters, side),
        )
        return slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, structure_id, volume) > 0

    def prompts(self, side: str, structure_id: str) -> tuple:
        """The prompts of a structure."""
        prompts = self.logic.promptsOf(self.parameters, side)
        return prompts.structure(structure_id).prompts if prompts.has(structure_id) else ()


def bright_spot(node) -> np.ndarray:
    """Where the middle of a volume node is brightest, over some millimeters (RAS mm)."""
    image = sitk.SmoothingRecursiveGaussian(sitk.Cast(image_of(node), sitk.sitkFloat32), 4.0)
    values = sitk.GetArrayFromImage(image)
    inner = tuple(slice(n // 4, n - n // 4) for n in values.shape)
    k, j, i = np.unravel_index(np.argmax(values[inner]), values[inner].shape)
    index = [int(at + part.start) for at, part in zip((i, j, k), reversed(inner))]
    return np.array(lps(image.TransformIndexToPhysicalPoint(index)))


def ball_volume(name: str, center):
    """A volume node with a bright ball around a center (RAS mm), inside a body with a spot on one side."""
    x, y, z = (axis - shift for axis, shift in zip(_axes(), center))
    ball = np.sqrt(x**2 + y**2 + z**2)
    body = np.sqrt(x**2 + (1.3 * y) ** 2 + (1.1 * z) ** 2)
    spot = sum((axis - place) ** 2 for axis, place in zip((x, y, z), SPOT))
    values = 60 / (1 + np.exp((body - 28) / 2)) + 120 / (1 + np.exp(ball - BALL_RADIUS)) + 100 * np.exp(-spot / 40)
    matrix = np.diag([2.0, 2.0, 2.0, 1.0])
    matrix[:3, 3] = (-44, -40, -36)
    node = slicer.util.addVolumeFromArray(values.astype(np.float32), ijkToRAS=matrix, name=name)
    node.CreateDefaultDisplayNodes()
    return node


def ball_mask(center) -> np.ndarray:
    """What the mask (z, y, x) of the ball around a center should be."""
    return sum((axis - shift) ** 2 for axis, shift in zip(_axes(), center)) <= BALL_RADIUS**2


def _axes():
    k, j, i = np.meshgrid(*[2.0 * np.arange(n) - n for n in (36, 40, 44)], indexing="ij")
    return i, j, k


def dice(one: np.ndarray, other: np.ndarray) -> float:
    """Dice overlap of two masks."""
    return 2 * np.count_nonzero(one & other) / max(np.count_nonzero(one) + np.count_nonzero(other), 1)


def mapped(transform_node, position) -> np.ndarray:
    """Where a transform node maps a position FROM parent (RAS mm)."""
    result = [0.0, 0.0, 0.0]
    transform_node.GetTransformFromParent().TransformPoint(position, result)
    return np.array(result)


def mapped_by_file(path: str, position) -> np.ndarray:
    """Where a transform file, read by SimpleITK, maps a position (RAS mm)."""
    flip = np.array([-1.0, -1.0, 1.0])
    return np.array(sitk.ReadTransform(path).TransformPoint((flip * position).tolist())) * flip


def _digest(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array)).hexdigest()


def all_nodes() -> set:
    """Ids of the nodes of the scene."""
    nodes = slicer.mrmlScene.GetNodes()
    return {nodes.GetItemAsObject(index).GetID() for index in range(nodes.GetNumberOfItems())}
