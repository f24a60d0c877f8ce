"""The correction of a result of nodes: computed on any thread, and put into the nodes that the result has."""

from typing import List, NamedTuple, Optional

from slicer.i18n import tr as _

from .. import engine
from ..errors import InputError
from ..job import Job
from .earlier import Earlier, remember
from .folders import file_beside
from .masks import SegmentMask, copy_segment, masks_of, put_mask
from .pairing import both_sides, guiding, parts_of
from .present import add_folds, warped_segmentation
from .run import Inputs, Outcome, guidance_of, prepare
from .surfaces import put_surfaces
from .tables import add_fold_table, measures_table


class PairMasks(NamedTuple):
    """The segments of both sides as they were when they were read."""

    fixed: List[SegmentMask]
    moving: List[SegmentMask]


def pair_masks(fixed_segmentation, moving_segmentation) -> PairMasks:
    """The segments of two segmentation nodes, each None for none."""
    return PairMasks(*([] if node is None else masks_of(node) for node in (fixed_segmentation, moving_segmentation)))


def compute_update(inputs: Inputs, earlier: Earlier, former: PairMasks, options, job: Optional[Job] = None) -> Outcome:
    """Correct a result, measure it and prepare all that the scene will show.

    Args:
        inputs: the pair as it is now.
        former: the segments with which the earlier result was made.
        options: RegistrationOptions.

    Raises:
        InputError: there is nothing to correct, or a correction cannot be used.
        Canceled: through `job`.
    """
    from ..registration import Corrections, Guidance

    job = job or Job()
    grids = (inputs.fixed.grid, inputs.moving.grid)
    parts = parts_of(inputs.fixed_masks, inputs.moving_masks)
    masks, before = both_sides(guiding(parts), *grids), both_sides(guiding(parts_of(*former)), *grids)
    guidance = guidance_of(inputs, parts) or Guidance()
    result = engine.update(
        earlier.result(inputs.fixed.image, inputs.moving.image),
        Corrections(guidance, *masks, *before),
        options,
        job.part(0.0, 0.6),
    )
    return prepare(inputs, result, job.part(0.6, 1.0))


def renew(outcome: Outcome, nodes) -> None:
    """Put a corrected result into the nodes of the earlier one, on the main thread.

    Args:
        nodes: what names the nodes of a result: the parameter node.

    Raises:
        InputError: the volume was changed since the registration.
    """
    warped = nodes.resultVolume
    if warped is None or tuple(warped.GetImageData().GetDimensions()) != tuple(outcome.grid.size):
        raise InputError(_("The fixed volume was changed since the registration; register again."))
    nodes.resultTransform.SetAndObserveTransformFromParent(outcome.transform)
    nodes.resultInverse.SetAndObserveTransformFromParent(outcome.inverse)
    remember(nodes.resultTransform, outcome.result)
    warped.SetAndObserveImageData(outcome.warped)
    nodes.resultJacobian.SetAndObserveImageData(outcome.jacobian)
    if nodes.resultDisplacement is not None:
        nodes.resultDisplacement.SetAndObserveImageData(outcome.displacement.data)
        nodes.resultDisplacement.GetDisplayNode().SetWindowLevelMinMax(0.0, outcome.displacement.longest_mm)
    nodes.resultDisagreement = None  # of the earlier result
    nodes.resultTable.SetAndObserveTable(measures_table(outcome))
    _renew_segments(outcome, nodes)
    pair = nodes.resultTransform.GetName()
    folds = add_folds(outcome, nodes.fixedVolume, pair)
    table = add_fold_table(outcome.fold_list, f"Folds of {pair}") if outcome.fold_list else None
    for node in (folds, table):
        if node is not None:
            file_beside(node, nodes.resultTransform)
    nodes.resultFolds, nodes.resultFoldTable = folds, table


def _renew_segments(outcome: Outcome, nodes) -> None:
    source, node = nodes.movingSegmentation, nodes.resultSegmentation
    if source is None:
        return
    if node is None:
        nodes.resultSegmentation = warped_segmentation(outcome, source, nodes.fixedVolume)
        if nodes.resultSegmentation is not None:
            file_beside(nodes.resultSegmentation, nodes.resultTransform)
        return
    segments = node.GetSegmentation()
    for segment_id in segments.GetSegmentIDs():
        if segment_id not in outcome.labelmaps:
            segments.RemoveSegment(segment_id)
    for segment_id, mask in outcome.labelmaps.items():
        if segments.GetSegment(segment_id) is None and source.GetSegmentation().GetSegment(segment_id) is not None:
            copy_segment(source, segment_id, node)
        if segments.GetSegment(segment_id) is not None:
            put_mask(node, segment_id, mask)
    put_surfaces(node, outcome.surfaces)
