"""Copies of nodes of the moving space, brought to the fixed space by the result of a registration."""

import SimpleITK as sitk
import slicer
from slicer.i18n import tr as _

from ..errors import InputError
from .alignment import copy_display
from .batch import all_or_nothing
from .display import copy_colors
from .masks import add_segments, masks_of, new_segmentation
from .run import warped_data, warped_labelmaps
from .transforms import library_transform
from .volumes import VolumeCopy, add_volume, grid_of, image_data, window_of


def apply_transform(node, transform, inverse, fixed):
    """Work and presentation that bring a copy of `node` from moving to fixed space.

    Args:
        node: volume, segmentation, markups or model node in the moving volume's space.
        transform, inverse: the transform nodes of a registration.
        fixed: volume node whose grid volumes and masks get.

    Returns:
        (work, present): ``result = work(job)`` on any thread, ``present(result)`` on the main thread gives the node.

    Raises:
        InputError: the node cannot be transformed.
    """
    mapping = library_transform(transform)
    if mapping is None:
        raise InputError(_("The transform of the last registration was changed; register again."))
    name = f"{node.GetName()} warped"
    if node.IsA("vtkMRMLScalarVolumeNode"):
        volume, grid, labels = VolumeCopy(node), grid_of(fixed), node.IsA("vtkMRMLLabelMapVolumeNode")

        def work(job):
            if labels:
                warped = sitk.Resample(volume.image, grid.empty_image(), mapping, sitk.sitkNearestNeighbor, 0)
                return image_data(sitk.GetArrayViewFromImage(warped))
            return warped_data(volume, mapping, grid, job)

        def present(data):
            result = add_volume(data, grid, name, node.GetClassName(), None if labels else window_of(node))
            copy_colors(node, result)
            return result

        return work, present
    if node.IsA("vtkMRMLSegmentationNode"):
        return _apply_to_segments(node, mapping, fixed, name)
    if node.IsA("vtkMRMLTransformableNode") and node.CanApplyNonLinearTransforms():
        return (lambda job: None), lambda _: _moved_copy(node, inverse, name)
    text = _("{name} cannot be transformed; choose a volume, segmentation, markups or model.")
    raise InputError(text.format(name=node.GetName()))


def _apply_to_segments(node, mapping, fixed, name):
    masks, grid = masks_of(node), grid_of(fixed)

    @all_or_nothing()
    def present(labelmaps):
        result = new_segmentation(name, fixed)
        add_segments(node, labelmaps, result)
        kept = result.GetSegmentation().GetSegmentIDs()
        copy_display(node.GetDisplayNode(), result.GetDisplayNode(), dict(zip(kept, kept)))
        return result

    return (lambda job: warped_labelmaps(masks, mapping, grid, job)), present


@all_or_nothing()
def _moved_copy(node, inverse, name):
    """A copy whose points went through the inverse (moving to fixed points), which needs no numerical inversion."""
    copy = slicer.mrmlScene.AddNewNodeByClass(node.GetClassName(), slicer.mrmlScene.GenerateUniqueName(name))
    copy.CopyContent(node)
    copy.CreateDefaultDisplayNodes()
    if node.GetDisplayNode() is not None:
        copy.GetDisplayNode().CopyContent(node.GetDisplayNode())
    copy.SetAndObserveTransformNodeID(node.GetTransformNodeID())
    copy.HardenTransform()
    forward = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode")
    forward.SetAndObserveTransformToParent(inverse.GetTransformFromParent())
    copy.SetAndObserveTransformNodeID(forward.GetID())
    copy.HardenTransform()
    slicer.mrmlScene.RemoveNode(forward)
    return copy
