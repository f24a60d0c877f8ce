"""A registration of nodes in three steps: read the scene, compute, put the result into the scene.

:func:`read` and :func:`present` belong to the main thread and are quick; :func:`compute` and :func:`prepare` may run
on any thread and touch no node.
"""

import time
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import SimpleITK as sitk
from slicer.i18n import tr as _

from .. import engine
from ..choices import CLICKED_TOLERANCE, GUIDE, IGNORE, RIGID
from ..errors import InputError
from ..geometry.grid import Grid
from ..geometry.resample import warp_mask, warp_volume
from ..job import Job
from ..metrics import hatching
from .landmarks import Landmarks, landmarks_of
from .maps import LengthMap, length_range
from .masks import SegmentMask, labelmap, masks_of
from .pairing import both_sides, guiding, notes_of, one_side, parts_of
from .structure_segments import readable_prompts
from .surfaces import surface_of
from .transforms import oriented_grid, transform_grid
from .volumes import VolumeCopy, image_data

LARGEST_MAP = 8_000_000
NO_NODES = (None, None)


@dataclass(frozen=True)
class Inputs:
    """What is read from the scene: volumes, masks and landmarks in the world.

    Attributes:
        landmarks: those that guide; None without any.
        held_out: those that are only measured; None without any.
        clicked: whether structures that guide were made by clicks, so that their borders are not exact.
    """

    fixed: VolumeCopy
    moving: VolumeCopy
    fixed_masks: List[SegmentMask]
    moving_masks: List[SegmentMask]
    landmarks: Optional[Landmarks] = None
    held_out: Optional[Landmarks] = None
    clicked: bool = False


@dataclass(frozen=True)
class Outcome:
    """What is computed; `grids`, `images` and `labelmaps` hold VTK data ready to be put into nodes.

    Attributes:
        transform, inverse: displacement grids (FROM parent direction).
        warped: the moving volume on the fixed grid `grid`.
        jacobian: Jacobian determinant on `map_grid`; `folds` marks where it is not positive, and `hatching` the same
            places by stripes; both are None without folds. `fold_list` has them one by one (:class:`..metrics.Fold`).
        displacement: how far the deformation moves points beyond the pre-alignment, on `map_grid`.
        disagreement: how far a second solution is off, on `map_grid`; None where it was not asked for.
        labelmaps: warped mask of every segment of the moving segmentation, by its id; `surfaces` their borders.
        measures: one dictionary per structure: name, role, dice_before, dice_after, hd95_before, hd95_after.
        landmarks: one dictionary per landmark: name, guides (or was held out), error_before, error_after (mm).
        deformation: regularity, see DeformationStatistics.
    """

    result: Any
    grid: Grid
    map_grid: Grid
    transform: Any
    inverse: Any
    warped: Any
    jacobian: Any
    displacement: LengthMap
    disagreement: Optional[LengthMap]
    folds: Any
    hatching: Any
    fold_list: List[Any]
    labelmaps: Dict[str, Any]
    surfaces: Dict[str, Any]
    measures: List[Dict[str, Any]]
    landmarks: List[Dict[str, Any]]
    deformation: Dict[str, float]
    seconds: float


def read(
    fixed, moving, fixed_segmentation=None, moving_segmentation=None, landmarks=NO_NODES, held_out=NO_NODES
) -> Inputs:
    """Read a pair of volume nodes, with segmentation nodes or None; nothing in the scene changes.

    Args:
        landmarks: markups nodes of the fixed and of the moving volume whose points are brought onto each other, or
            None for both.
        held_out: the same for landmarks that are only measured.

    Raises:
        InputError: a node cannot be used, or both volumes are the same.
    """
    if fixed is None or moving is None:
        raise InputError(_("Choose a fixed and a moving volume."))
    if fixed is moving:
        raise InputError(_("Fixed and moving are the same volume; choose two."))
    masks = [[] if node is None else masks_of(node) for node in (fixed_segmentation, moving_segmentation)]
    points = [None if None in nodes else landmarks_of(*nodes) for nodes in (landmarks, held_out)]
    clicked = any(map(_clicked, (fixed_segmentation, moving_segmentation), masks))
    return Inputs(VolumeCopy(fixed), VolumeCopy(moving), *masks, *points, clicked)


def compute(inputs: Inputs, options, job: Optional[Job] = None) -> Outcome:
    """Register, measure and prepare everything that the scene will show.

    Args:
        options: RegistrationOptions.

    Raises:
        InputError, SAMRegistrationError, Canceled: see :func:`..registration.register`.
    """
    job = job or Job()
    parts = parts_of(inputs.fixed_masks, inputs.moving_masks)
    masks = both_sides(guiding(parts), inputs.fixed.grid, inputs.moving.grid)
    guidance, images = guidance_of(inputs, parts), (inputs.fixed.image, inputs.moving.image)
    if inputs.clicked:
        options = replace(options, mask_tolerance=CLICKED_TOLERANCE)
    result = engine.register(*images, *masks, options, job.part(0.0, 0.85), guidance)
    return _prepare(inputs, parts, result, job.part(0.85, 1.0))


def prepare(inputs: Inputs, result, job: Optional[Job] = None) -> Outcome:
    """Measure a RegistrationResult of the inputs and prepare everything that the scene will show.

    Raises:
        Canceled: `job` was canceled.
    """
    return _prepare(inputs, parts_of(inputs.fixed_masks, inputs.moving_masks), result, job or Job())


def _clicked(segmentation, masks: List[SegmentMask]) -> bool:
    if segmentation is None:
        return False
    guides = {mask.id for mask in masks if mask.role == GUIDE}
    return any(structure.id in guides and structure.prompts for structure in readable_prompts(segmentation).structures)


def _prepare(inputs: Inputs, parts, result, job: Job) -> Outcome:
    start = time.perf_counter()
    result = result.with_notes(_notes(inputs, parts))
    grid, moving_grid = inputs.fixed.grid, inputs.moving.grid
    job.update(0.1, "Warping")
    warped = warped_data(inputs.moving, result.transform, grid, job)
    labelmaps = warped_labelmaps(inputs.moving_masks, result.transform, grid, job)
    job.update(0.4, "Measuring")
    map_grid = _limited(grid)
    jacobian, deformation, fold_list = _jacobian(result.transform, map_grid, job)
    job.update(0.6, "Measuring")
    displacement = _lengths(engine.displacement_map(result.transform, map_grid, result.linear, job), map_grid)
    disagreement = None if result.disagreement is None else _lengths(result.disagreement, map_grid)
    job.update(0.7, "Measuring")
    measures, landmarks = _measures(inputs, parts, result.transform)
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
        displacement,
        disagreement,
        labelmap(folded, map_grid) if fold_list else None,
        labelmap(*hatching(folded, map_grid)) if fold_list else None,
        fold_list,
        labelmaps,
        surfaces,
        measures,
        landmarks,
        deformation,
        sum(result.seconds.values()) + time.perf_counter() - start,
    )


def guidance_of(inputs: Inputs, parts):
    """What guides beside masks, None without any; a role counts on both sides, whichever segment has it."""
    from ..registration import Guidance

    ignored = [part for part in parts if part.role == IGNORE]
    regions = (
        one_side([part.fixed for part in ignored if part.fixed is not None], inputs.fixed.grid),
        one_side([part.moving for part in ignored if part.moving is not None], inputs.moving.grid),
        one_side([part.fixed for part in parts if part.role == RIGID and part.fixed is not None], inputs.fixed.grid),
    )
    points = (None, None) if inputs.landmarks is None else (inputs.landmarks.fixed, inputs.landmarks.moving)
    guides = (*points, *regions)
    return None if all(guide is None for guide in guides) else Guidance(*guides)


def _notes(inputs: Inputs, parts) -> List[str]:
    found = notes_of(parts, bool(inputs.fixed_masks and inputs.moving_masks))
    for landmarks in (inputs.landmarks, inputs.held_out):
        found += [] if landmarks is None else landmarks.notes
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


def _lengths(image: sitk.Image, grid: Grid) -> LengthMap:
    """A map of lengths (mm) in fixed space, brought onto `grid` where it has another one."""
    if not Grid.of(image).matches(grid):
        image = warp_volume(image, sitk.Transform(3, sitk.sitkIdentity), grid)
    lengths = sitk.GetArrayViewFromImage(image)
    return LengthMap(image_data(lengths), length_range(lengths))


def _jacobian(transform: sitk.Transform, grid: Grid, job: Job):
    from ..metrics import deformation_statistics, find_folds

    jacobian = engine.jacobian_map(transform, grid, job)
    return jacobian, deformation_statistics(jacobian).as_dict(), find_folds(jacobian)


def _measures(inputs: Inputs, parts, transform) -> Tuple[List[Dict[str, Any]], List[Dict[str, Any]]]:
    """Rows of structures that both images have, and of landmarks."""
    from ..registration import Guidance

    paired = [part for part in parts if part.is_paired]
    structures = both_sides(paired, inputs.fixed.grid, inputs.moving.grid)
    guides = None if inputs.landmarks is None else Guidance(inputs.landmarks.fixed, inputs.landmarks.moving)
    held_out = (None, None) if inputs.held_out is None else (inputs.held_out.fixed, inputs.held_out.moving)
    measured = engine.measure(transform, *structures, *held_out, guidance=guides)
    before, after = (
        {scores["label"]: scores for scores in measured[when].get("structures", ())} for when in ("before", "after")
    )
    rows = []
    for label, part in enumerate(paired, start=1):
        row = {"name": part.name, "role": part.role}
        for when, scores in (("before", before.get(label, {})), ("after", after.get(label, {}))):
            row[f"dice_{when}"] = scores.get("dice")
            row[f"hd95_{when}"] = scores.get("hd95_mm")
        rows.append(row)
    return (rows if measured["after"].get("structures") else []), _landmark_rows(measured)


def _landmark_rows(measured) -> List[Dict[str, Any]]:
    rows = []
    for key, guides in (("guiding_landmarks", True), ("landmarks", False)):
        if key in measured["after"]:
            before, after = measured["before"][key], measured["after"][key]
            rows += [
                {"name": name or str(number), "guides": guides, "error_before": first, "error_after": then}
                for number, (name, first, then) in enumerate(
                    zip(after["names"], before["errors_mm"], after["errors_mm"]), start=1
                )
            ]
    return rows
