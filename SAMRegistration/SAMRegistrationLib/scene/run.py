"""A registration of nodes in three steps: read the scene, compute, put the result into the scene.

:func:`read` and :func:`present` belong to the main thread and are quick; :func:`compute` and :func:`prepare` may run
on any thread and touch no node.
"""

import time
from dataclasses import dataclass
from typing import Any, Dict, List, Optional

import numpy as np
import SimpleITK as sitk
from slicer.i18n import tr as _

from .. import engine
from ..errors import InputError
from ..geometry.grid import Grid
from ..geometry.resample import warp_mask, warp_volume
from ..job import Job
from ..metrics import hatching
from ..volumes import name_key
from .masks import SegmentMask, labelmap, masks_of, structure_masks
from .surfaces import surface_of
from .transforms import oriented_grid, transform_grid
from .volumes import VolumeCopy, image_data

LARGEST_MAP = 8_000_000
MOST_NAMED = 5


@dataclass(frozen=True)
class Inputs:
    """What is read from the scene: volumes and masks in the world."""

    fixed: VolumeCopy
    moving: VolumeCopy
    fixed_masks: List[SegmentMask]
    moving_masks: List[SegmentMask]


@dataclass(frozen=True)
class Outcome:
    """What is computed; `grids`, `images` and `labelmaps` hold VTK data ready to be put into nodes.

    Attributes:
        transform, inverse: displacement grids (FROM parent direction).
        warped: the moving volume on the fixed grid `grid`.
        jacobian: Jacobian determinant on `map_grid`; `folds` marks where it is not positive, and `hatching` the same
            places by stripes; both are None without folds. `fold_list` has them one by one (:class:`..metrics.Fold`).
        labelmaps: warped mask of every segment of the moving segmentation, by its id; `surfaces` their borders.
        measures: one dictionary per structure: name, dice_before, dice_after, hd95_before, hd95_after.
        deformation: regularity, see DeformationStatistics.
    """

    result: Any
    grid: Grid
    map_grid: Grid
    transform: Any
    inverse: Any
    warped: Any
    jacobian: Any
    folds: Any
    hatching: Any
    fold_list: List[Any]
    labelmaps: Dict[str, Any]
    surfaces: Dict[str, Any]
    measures: List[Dict[str, Any]]
    deformation: Dict[str, float]
    seconds: float


def read(fixed, moving, fixed_segmentation=None, moving_segmentation=None) -> Inputs:
    """Read a pair of volume nodes, with segmentation nodes or None; nothing in the scene changes.

    Raises:
        InputError: a node cannot be used, or both volumes are the same.
    """
    if fixed is None or moving is None:
        raise InputError(_("Choose a fixed and a moving volume."))
    if fixed is moving:
        raise InputError(_("Fixed and moving are the same volume; choose two."))
    masks = [[] if node is None else masks_of(node) for node in (fixed_segmentation, moving_segmentation)]
    return Inputs(VolumeCopy(fixed), VolumeCopy(moving), *masks)


def compute(inputs: Inputs, options, job: Optional[Job] = None) -> Outcome:
    """Register, measure and prepare everything that the scene will show.

    Args:
        options: RegistrationOptions.

    Raises:
        InputError, SAMRegistrationError, Canceled: see :func:`..registration.register`.
    """
    job = job or Job()
    structures = _structures(inputs)
    result = engine.register(inputs.fixed.image, inputs.moving.image, *structures[1:], options, job.part(0.0, 0.85))
    return _prepare(inputs, structures, result, job.part(0.85, 1.0))


def prepare(inputs: Inputs, result, job: Optional[Job] = None) -> Outcome:
    """Measure a RegistrationResult of the inputs and prepare everything that the scene will show.

    Raises:
        Canceled: `job` was canceled.
    """
    return _prepare(inputs, _structures(inputs), result, job or Job())


def _prepare(inputs: Inputs, structures, result, job: Job) -> Outcome:
    start = time.perf_counter()
    names, fixed_labels, moving_labels = structures
    result = result.with_notes(_left_out(inputs))
    grid, moving_grid = inputs.fixed.grid, inputs.moving.grid
    job.update(0.1, "Warping")
    warped = warped_data(inputs.moving, result.transform, grid, job)
    labelmaps = warped_labelmaps(inputs.moving_masks, result.transform, grid, job)
    job.update(0.4, "Measuring")
    map_grid = _limited(grid)
    jacobian, deformation, fold_list = _jacobian(result.transform, map_grid, job)
    job.update(0.7, "Measuring")
    measures = _measures(names, result.transform, fixed_labels, moving_labels)
    folded = sitk.GetArrayViewFromImage(jacobian) <= 0
    job.update(0.9, "Preparing the views")
    surfaces = {segment_id: surface_of(mask) for segment_id, mask in labelmaps.items()}
    return Outcome(
        result,
        grid,
        map_grid,
        oriented_grid(result.transform, transform_grid(result.transform, grid)),
        oriented_grid(result.inverse, transform_grid(result.inverse, moving_grid)),
        warped,
        image_data(sitk.GetArrayViewFromImage(jacobian)),
        labelmap(folded, map_grid) if fold_list else None,
        labelmap(*hatching(folded, map_grid)) if fold_list else None,
        fold_list,
        labelmaps,
        surfaces,
        measures,
        deformation,
        sum(result.seconds.values()) + time.perf_counter() - start,
    )


def _structures(inputs: Inputs):
    """Names of the structures that both sides have, and these structures (1, 2, ...) of each, None without any."""
    pairs = _pairs(inputs.fixed_masks, inputs.moving_masks)
    names, numbers = [fixed.name for fixed, _moving in pairs], range(1, len(pairs) + 1)
    return (
        names,
        structure_masks([fixed for fixed, _moving in pairs], numbers, names, inputs.fixed.grid),
        structure_masks([moving for _fixed, moving in pairs], numbers, names, inputs.moving.grid),
    )


def _pairs(fixed: List[SegmentMask], moving: List[SegmentMask]):
    """Structures of both segmentations with a mask in each, matched by name (case and outer blanks ignored).

    Segments whose name occurs several times are matched only where their ids agree too.
    """
    fixed_names, moving_names = (_by_name(masks) for masks in (fixed, moving))
    pairs = []
    for name, masks in fixed_names.items():
        others = moving_names.get(name, [])
        if len(masks) == len(others) == 1:
            pairs.append((masks[0], others[0]))
        else:
            pairs += [(mask, other) for mask in masks for other in others if mask.id == other.id]
    return pairs


def _left_out(inputs: Inputs) -> List[str]:
    """A sentence about the structures with a mask that have no partner, if there are any."""
    pairs = _pairs(inputs.fixed_masks, inputs.moving_masks)
    paired = {id(mask) for pair in pairs for mask in pair}
    masks = (*inputs.fixed_masks, *inputs.moving_masks) if inputs.fixed_masks and inputs.moving_masks else ()
    alone = [mask.name for mask in masks if mask.image is not None and id(mask) not in paired]
    if not alone:
        return []
    names = ", ".join(alone[:MOST_NAMED]) + (", ..." if len(alone) > MOST_NAMED else "")
    return [_("Left out, as only one image has a mask of that name: {names}.").format(names=names)]


def _by_name(masks: List[SegmentMask]) -> Dict[str, List[SegmentMask]]:
    found: Dict[str, List[SegmentMask]] = {}
    for mask in masks:
        if mask.image is not None:
            found.setdefault(name_key(mask.name), []).append(mask)
    return found


def warped_data(volume: VolumeCopy, transform: sitk.Transform, grid: Grid, job: Optional[Job] = None):
    """A volume brought onto `grid`, as image data for a node."""
    warped = warp_volume(volume.image, transform, grid, job=job)
    return image_data(sitk.GetArrayViewFromImage(warped))


def warped_labelmaps(masks: List[SegmentMask], transform: sitk.Transform, grid: Grid, job: Optional[Job] = None):
    """Segments brought onto `grid` with a smooth border, by their ids, each made by :func:`labelmap`."""
    nothing = np.zeros(grid.shape, np.uint8)
    return {
        mask.id: labelmap(nothing if mask.image is None else warp_mask(mask.image, transform, grid, job), grid)
        for mask in masks
    }


def _limited(grid: Grid) -> Grid:
    """`grid`, or a coarser one over the same extent when it has more than LARGEST_MAP voxels."""
    factor = (np.prod(grid.size) / LARGEST_MAP) ** (1 / 3)
    return grid if factor <= 1 else grid.with_size([max(2, int(n / factor)) for n in grid.size])


def _jacobian(transform: sitk.Transform, grid: Grid, job: Job):
    from ..metrics import deformation_statistics, find_folds

    jacobian = engine.jacobian_map(transform, grid, job)
    return jacobian, deformation_statistics(jacobian).as_dict(), find_folds(jacobian)


def _measures(names, transform, fixed_labels, moving_labels) -> List[Dict[str, Any]]:
    if fixed_labels is None or moving_labels is None:
        return []
    measured = engine.measure(transform, fixed_labels, moving_labels)
    before, after = (
        {scores["label"]: scores for scores in measured[when]["structures"]} for when in ("before", "after")
    )
    rows = []
    for label, name in enumerate(names, start=1):
        row = {"name": name}
        for when, scores in (("before", before.get(label, {})), ("after", after.get(label, {}))):
            row[f"dice_{when}"] = scores.get("dice")
            row[f"hd95_{when}"] = scores.get("hd95_mm")
        rows.append(row)
    return rows
