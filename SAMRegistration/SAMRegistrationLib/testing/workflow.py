"""The steps of a registration by the panel, each with the checks that hold for every pair of volumes."""

import hashlib

import numpy as np
import SimpleITK as sitk
import slicer
import vtk
from slicer.i18n import tr as _

from ..geometry.frames import flipped
from ..scene.grids import is_grid_visible
from ..scene.volumes import image_of
from .driver import (
    choose_volumes,
    click_and_settle,
    mask,
    place,
    prompts,
    save_and_load,
    select_structure,
    settle,
    wait,
)
from .phantom import SHIFT, ball_volume


def load_phantom(widget) -> None:
    """Choose the two volumes of the phantom, for a fast registration on the CPU."""
    choose_volumes(widget, ball_volume("Before", (0.0, 0.0, 0.0)), ball_volume("After", SHIFT))
    _use_fast_preset(widget)


def load_samples(widget) -> bool:
    """Load the sample pair by its button, for a fast registration on the CPU; whether it could be loaded."""
    click_and_settle(widget, widget.ui.sampleButton)
    if widget.parameters().movingVolume is None:
        return False
    _use_fast_preset(widget)
    return True


def _use_fast_preset(widget) -> None:
    parameters = widget.parameters()
    parameters.preset, parameters.device = "fast", "cpu"
    click_and_settle(widget, widget.ui.fixedImageButton)


def segment(widget, structure_id: str, inside, outside) -> None:
    """Click a structure in the fixed image, undo a click beside it, propagate, propose, accept and propagate again.

    Args:
        inside, outside: positions in the structure and beside it (RAS mm).
    """
    ui = widget.ui
    select_structure(widget, structure_id)
    place(widget, ui.plusButton, inside)
    clicked = mask(widget, "fixed", structure_id)
    assert clicked.any(), "the click gave no mask"
    place(widget, ui.minusButton, outside)
    assert len(prompts(widget, "fixed", structure_id)) == 2
    click_and_settle(widget, ui.undoButton)
    assert len(prompts(widget, "fixed", structure_id)) == 1
    assert (mask(widget, "fixed", structure_id) == clicked).all(), "undo did not restore the mask"
    click_and_settle(widget, ui.propagateButton)
    assert mask(widget, "fixed", structure_id).sum() > clicked.sum(), "the mask did not grow to the volume"
    click_and_settle(widget, ui.proposeButton)
    assert all(prompt.proposed for prompt in prompts(widget, "moving", structure_id))
    click_and_settle(widget, ui.acceptButton)
    click_and_settle(widget, ui.propagateButton)
    assert mask(widget, "moving", structure_id).any(), "the accepted click gave no mask"
    click_and_settle(widget, ui.fixedImageButton)


def register(widget) -> None:
    """Click Register, and check nodes, names and transforms, and that the inputs are unchanged."""
    inputs = input_digests(widget)
    click_and_settle(widget, widget.ui.registerButton)
    status = widget.ui.registerStatus.text
    assert status.startswith(_("Done in {seconds:.0f} s.").split("{")[0]), status
    assert input_digests(widget) == inputs, "an input was changed"
    parameters = widget.parameters()
    _check_nodes(widget, parameters)
    assert slicer.util.arrayFromVolume(parameters.resultJacobian).min() > 0, "the deformation folds"
    _check_transforms(parameters)


def _check_nodes(widget, parameters) -> None:
    """All nodes of the result are there, in one folder; the grid is shown; each structure was warped."""
    transform = parameters.resultTransform
    nodes = [transform, parameters.resultInverse, parameters.resultVolume, parameters.resultJacobian]
    nodes += [parameters.resultSegmentation, parameters.resultTable]
    assert None not in nodes, "a node is missing"
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    folders = {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) for node in nodes}
    pair = f"{parameters.movingVolume.GetName()} to {parameters.fixedVolume.GetName()}"
    assert [hierarchy.GetItemName(folder) for folder in folders] == [f"Registration of {pair}"]
    assert is_grid_visible(transform) == (True, True)
    segmentation = parameters.resultSegmentation.GetSegmentation()
    warped = [segmentation.GetNthSegment(n).GetName() for n in range(segmentation.GetNumberOfSegments())]
    assert warped == [structure.name for structure in widget.logic.structures(parameters)]


def _check_transforms(parameters) -> None:
    """The saved file maps as the node does, and the inverse leads back."""
    path = slicer.util.tempDirectory() + "/transform.h5"
    assert slicer.util.saveNode(parameters.resultTransform, path)
    bounds = [0.0] * 6
    parameters.fixedVolume.GetRASBounds(bounds)
    for part in ((0.5, 0.5, 0.5), (0.4, 0.6, 0.3), (0.7, 0.4, 0.6)):
        position = [low + share * (high - low) for low, high, share in zip(bounds[::2], bounds[1::2], part)]
        there = mapped(parameters.resultTransform, position)
        assert np.allclose(_mapped_by_file(path, position), there, atol=1e-2), "the file maps otherwise"
        back = mapped(parameters.resultInverse, there)
        assert np.linalg.norm(back - position) < 1, "the inverse does not lead back"


def input_digests(widget) -> list:
    """What a registration must not change: voxels, place and parent of both volumes, and their masks."""
    found = []
    parameters, logic = widget.parameters(), widget.logic
    for side in ("fixed", "moving"):
        volume, segmentation = logic.volumeOf(parameters, side), logic.segmentationOf(parameters, side)
        matrix = vtk.vtkMatrix4x4()
        volume.GetIJKToRASMatrix(matrix)
        place_of_voxels = slicer.util.arrayFromVTKMatrix(matrix).tolist()
        found += [volume.GetTransformNodeID(), place_of_voxels, _digest(slicer.util.arrayFromVolume(volume))]
        for structure in logic.structures(parameters):
            if segmentation is not None and segmentation.GetSegmentation().GetSegment(structure.id) is not None:
                found.append(_digest(mask(widget, side, structure.id)))
    return found


def correlations(widget) -> tuple:
    """Normalized correlation of fixed and moving volume, as they lie and after the registration."""
    parameters = widget.parameters()
    fixed, moving = image_of(parameters.fixedVolume), image_of(parameters.movingVolume)
    as_it_lies = sitk.Resample(moving, fixed, sitk.Transform(3, sitk.sitkIdentity), sitk.sitkLinear)
    arrays = [sitk.GetArrayFromImage(fixed), sitk.GetArrayFromImage(as_it_lies)]
    arrays.append(slicer.util.arrayFromVolume(parameters.resultVolume))
    return tuple(float(np.corrcoef(arrays[0].ravel(), other.ravel())[0, 1]) for other in arrays[1:])


def check_saving(widget) -> None:
    """Save the scene, close it and load it again; volumes and masks must be the same."""
    before = input_digests(widget)
    save_and_load(slicer.util.tempDirectory() + "/scene.mrb")
    settle(widget)
    assert widget.parameters().preset == "fast"
    assert input_digests(widget) == before, "a volume or a mask was changed by saving"


def begin_to_register(widget) -> None:
    """Click Register and wait until it is well under way."""
    widget.ui.registerButton.click()
    wait(lambda: widget.ui.registerProgress.value > 5)


def bright_spot(node) -> np.ndarray:
    """Where the middle of a volume node is brightest, over some millimeters (RAS mm)."""
    image = sitk.SmoothingRecursiveGaussian(sitk.Cast(image_of(node), sitk.sitkFloat32), 4.0)
    values = sitk.GetArrayFromImage(image)
    inner = tuple(slice(n // 4, n - n // 4) for n in values.shape)
    k, j, i = np.unravel_index(np.argmax(values[inner]), values[inner].shape)
    index = [int(at + part.start) for at, part in zip((i, j, k), reversed(inner))]
    return np.array(flipped(image.TransformIndexToPhysicalPoint(index)))


def mapped(transform_node, position) -> np.ndarray:
    """Where a transform node maps a position FROM parent (RAS mm)."""
    result = [0.0, 0.0, 0.0]
    transform_node.GetTransformFromParent().TransformPoint(position, result)
    return np.array(result)


def _mapped_by_file(path: str, position) -> np.ndarray:
    """Where a transform file, read by SimpleITK, maps a position (RAS mm)."""
    return np.array(flipped(sitk.ReadTransform(path).TransformPoint(flipped(position))))


def _digest(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array)).hexdigest()
