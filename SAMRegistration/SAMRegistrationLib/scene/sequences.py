"""Sequences of volume nodes: their frames in the world, and the motion that was found in them as nodes.

:func:`read` and :func:`present` belong to the main thread; :func:`compute` may run on any thread and touches no node.
"""

from dataclasses import dataclass
from typing import Any, Dict, List, Optional

import SimpleITK as sitk
import slicer
from slicer.i18n import tr as _

from .. import engine
from ..errors import InputError
from ..geometry.grid import Grid
from ..geometry.resample import warp_mask
from ..job import Job
from ..points import PointList
from .batch import all_or_nothing
from .landmarks import points_of
from .masks import SegmentMask, add_segments, labelmap, masks_of, structure_masks
from .plots import add_curves
from .space import grid_of_matrix, matrix_of_grid, parent_to_world
from .transforms import oriented_grid, transform_grid
from .volumes import VolumeCopy


@dataclass(frozen=True)
class SequenceInputs:
    """What is read of a sequence.

    Attributes:
        volumes: the frames, in the world.
        masks: segments of the reference.
        points: of the reference (LPS mm); None without any.
    """

    volumes: List[VolumeCopy]
    masks: List[SegmentMask]
    points: Optional[PointList]


@dataclass(frozen=True)
class FrameOutcome:
    """What is computed of a frame: a displacement grid (FROM parent, frame to reference), and its masks by segment."""

    transform: Any
    labelmaps: Dict[str, Any]


@dataclass(frozen=True)
class SequenceOutcome:
    """The frames by number, the curves (:class:`..sequences.curves.Curves`), and measures of the volume curves."""

    frames: Dict[int, FrameOutcome]
    curves: Any
    reference: int
    measures: List[Dict[str, Any]]


@dataclass(frozen=True)
class SequenceNodes:
    """The nodes of a result; None where there is nothing to show."""

    transforms: Any
    segmentations: Any
    table: Any
    chart: Any
    browser: Any


def new_sequence(volumes, name: str):
    """A sequence node of copies of volume nodes, whose index is the number of the frame, and its browser node."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", slicer.mrmlScene.GenerateUniqueName(name))
    node.SetIndexName("frame")
    node.SetIndexUnit("")
    for number, volume in enumerate(volumes):
        node.SetDataNodeAtValue(volume, str(number))
    return node, browser_of(node)


def browser_of(sequence):
    """The browser node of a sequence; a new one where it has none."""
    browser = slicer.modules.sequences.logic().GetFirstBrowserNodeForSequenceNode(sequence)
    if browser is None:
        name = slicer.mrmlScene.GenerateUniqueName(f"{sequence.GetName()} browser")
        browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", name)
        browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    return browser


def read(sequence, segmentation=None, points=None) -> SequenceInputs:
    """Read a sequence node of volumes, and what is known of its reference; nothing in the scene changes.

    Frames lie where the node lies that shows them: its linear parent transforms count.

    Args:
        segmentation: masks of the reference, or None.
        points: markups node of the reference, or None.

    Raises:
        InputError: the frames are no volumes, or too few, or under a deformable transform.
    """
    if sequence.GetNumberOfDataNodes() < 2:
        raise InputError(_("{name} has less than two frames.").format(name=sequence.GetName()))
    shown = _shown(sequence)
    volumes = []
    for number in range(sequence.GetNumberOfDataNodes()):
        node = sequence.GetNthDataNode(number)
        if not node.IsA("vtkMRMLScalarVolumeNode"):
            raise InputError(_("{name} is no sequence of volumes.").format(name=sequence.GetName()))
        copy = VolumeCopy(node)
        if shown is not None:
            copy.grid = grid_of_matrix(parent_to_world(shown) @ matrix_of_grid(copy.grid), copy.grid.size)
        volumes.append(copy)
    masks = [] if segmentation is None else masks_of(segmentation)
    return SequenceInputs(volumes, masks, None if points is None else points_of(points))


def compute(inputs: SequenceInputs, reference: int, options, job: Optional[Job] = None) -> SequenceOutcome:
    """Register all frames to the reference, and warp its masks and points to all of them.

    Args:
        options: :class:`..sequences.MotionOptions`.

    Raises:
        InputError, SAMRegistrationError, Canceled: see :func:`..sequences.chain.motions`.
    """
    from ..sequences.curves import Curves

    grid = inputs.volumes[0].grid
    numbers = range(1, len(inputs.masks) + 1)
    masks = structure_masks(inputs.masks, numbers, [mask.name for mask in inputs.masks], grid)
    curves, frames = Curves.of(masks, inputs.points), {}
    images = [VolumeOnce(copy) for copy in inputs.volumes]
    for motion in engine.sequence_motions(
        lambda n: images[n].image(n == reference), len(images), reference, options, job
    ):
        curves.add(motion.frame, motion.transform)
        frames[motion.frame] = FrameOutcome(_grid(motion.transform, grid), _masks(inputs.masks, motion.inverse, grid))
    return SequenceOutcome(frames, curves, reference, [curve.measures() for curve in curves.volumes])


def present(outcome: SequenceOutcome, sequence, segmentation=None) -> SequenceNodes:
    """Put a computed result into the scene, or nothing of it; no data that was there is changed. On the main thread.

    The transforms (FROM parent: reference to frame) hold still what is under them. They and the warped masks are shown
    in step with the frames by the browser of the sequence.

    Args:
        segmentation: where names, colors and terminology of the warped masks come from.
    """
    name = sequence.GetName()
    with all_or_nothing():
        transforms = _sequence_like(sequence, _("Motion of {name}").format(name=name))
        segmentations = None
        if segmentation is not None and outcome.curves.volumes:
            segmentations = _sequence_like(sequence, _("Masks of {name}").format(name=name))
        for number in sorted(outcome.frames):
            value, frame = sequence.GetNthIndexValue(number), outcome.frames[number]
            node = slicer.vtkMRMLTransformNode()
            node.SetName(transforms.GetName())
            node.SetAndObserveTransformFromParent(frame.transform)
            transforms.SetDataNodeAtValue(node, value)
            if segmentations is not None:
                masks = slicer.vtkMRMLSegmentationNode()
                masks.SetName(segmentations.GetName())
                add_segments(segmentation, frame.labelmaps, masks)
                segmentations.SetDataNodeAtValue(masks, value)
        table, chart = add_curves(sequence, outcome)
        browser = browser_of(sequence)
        for node in filter(None, (transforms, segmentations)):
            browser.AddSynchronizedSequenceNodeID(node.GetID())
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    return SequenceNodes(transforms, segmentations, table, chart, browser)


class VolumeOnce:
    """A frame whose voxels are copied when they are asked for, and kept for the reference alone."""

    def __init__(self, copy: VolumeCopy):
        self._copy = copy
        self._kept: Optional[sitk.Image] = None

    def image(self, keep: bool) -> sitk.Image:
        """The frame as float32."""
        if self._kept is not None:
            return self._kept
        image = sitk.Cast(self._copy.image, sitk.sitkFloat32)
        self._kept, self._copy = (image if keep else None), None
        return image


def _shown(sequence):
    """The node of the scene that shows the frames of a sequence; None where nothing does."""
    browser = slicer.modules.sequences.logic().GetFirstBrowserNodeForSequenceNode(sequence)
    return None if browser is None else browser.GetProxyNode(sequence)


def _grid(transform: sitk.Transform, grid: Grid):
    composite = sitk.CompositeTransform([transform])
    return oriented_grid(composite, transform_grid(composite, grid))


def _masks(masks: List[SegmentMask], inverse: sitk.Transform, grid: Grid) -> Dict[str, Any]:
    return {mask.id: labelmap(warp_mask(mask.image, inverse, grid), grid) for mask in masks if mask.image is not None}


def _sequence_like(sequence, name: str):
    """An empty sequence node with the index of another one."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", slicer.mrmlScene.GenerateUniqueName(name))
    node.SetIndexName(sequence.GetIndexName())
    node.SetIndexUnit(sequence.GetIndexUnit())
    node.SetIndexType(sequence.GetIndexType())
    return node
