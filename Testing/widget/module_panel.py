"""What the tests of the module's panel share: where it is, its pair of volumes, and its clicks."""

from pathlib import Path

import numpy as np
import SimpleITK as sitk
import slicer
import vtk
from SAMRegistrationLib.testing.driver import choose_volumes

CENTER = (0.0, 0.0, 5.0)
OUTER = (17.0, 3.0, 5.0)
MODULE = Path(__file__).parents[2] / "SAMRegistration" / "SAMRegistration.py"


ROTATION = np.array(sitk.Euler3DTransform((0, 0, 0), 0.3, 0.1, -0.2).GetMatrix()).reshape(3, 3)
FIXED = np.eye(4)
FIXED[:3, :3] = ROTATION * [2.0, 2.2, 3.1]
FIXED[:3, 3] = (0, 0, 5) - FIXED[:3, :3] @ (21.5, 19.5, 13.5)
MOVING = np.eye(4)
MOVING[:3, :3] = np.diag([-1.9, -2.4, 2.6])
MOVING[:3, 3] = (50, 45, -35)


def rigid(angles, shift):
    """4x4 matrix of a rotation (radians around x, y, z) and a shift (mm)."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(sitk.Euler3DTransform((0, 0, 0), *angles).GetMatrix(), (3, 3))
    matrix[:3, 3] = shift
    return matrix


def ijk_to_ras(volume):
    """4x4 matrix from the voxels of a volume node to its own coordinates."""
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


def body(ijk_to_ras, shape, bump):
    """A ball with a brighter core, in world coordinates; `bump` makes it lopsided."""
    i, j, k = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    world = (np.stack([i, j, k, np.ones_like(i)], -1) @ ijk_to_ras.T)[..., :3] - (0, 0, 5)
    radius = np.linalg.norm(world * (1, 1, 1.2), axis=-1)
    angle = world[..., 0] / np.maximum(radius, 1)
    edge = 26 + bump * angle
    values = 100 / (1 + np.exp((radius - edge) / 2)) + 120 / (1 + np.exp((radius - edge / 2) / 2))
    core = (radius < edge / 2).astype(np.uint8)
    whole = (radius < edge).astype(np.uint8)
    return [array.transpose(2, 1, 0) for array in (values.astype(np.float32), core, whole)]


def segmentation_of(volume, name, **masks):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    for number, (segment, mask) in enumerate(masks.items()):
        segment_id = f"{name}-{segment}"
        node.GetSegmentation().AddEmptySegment(segment_id, segment, (0.9, 0.3 * number, 0.2))
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, segment_id, volume)
    return node


def choose(panel, a_pair, masks=True):
    (fixed, fixed_masks), (moving, moving_masks) = a_pair
    choose_volumes(panel, fixed, moving)
    if masks:
        panel.ui.fixedMasksSelector.setCurrentNode(fixed_masks)
        panel.ui.movingMasksSelector.setCurrentNode(moving_masks)
    panel.ui.presetCombo.setCurrentIndex(0)
    slicer.app.processEvents()


def prompts_of(panel, side="fixed"):
    prompts = panel.logic.promptsOf(panel.parameters(), side)
    return [(prompt.kind, prompt.proposed) for structure in prompts.structures for prompt in structure.prompts]
