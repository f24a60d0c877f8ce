"""The whole registration: align, predict, refine, and turn the velocity into physical transforms."""

import platform
from typing import Iterable, Optional

import SimpleITK as sitk
import torch

from .. import __version__
from ..environment import choose_device
from ..geometry.grid import Grid
from ..geometry.invert import inverse_of
from ..geometry.transforms import flow_transforms, pull_back, push_forward
from ..job import Job
from ..system_errors import translated
from ..volumes import Labels, as_structures, check_volume, with_numbers_of, without_nan
from .agreement import image_agreement, unlike
from .clock import Clock
from .confidence import with_second_solution
from .coverage import require_coverage
from .guidance import Guidance, checked, unmet
from .hold import hold_of, reverse_hold_of
from .ignoring import filled, heeded
from .mask_channels import shared_structures
from .options import RegistrationOptions
from .prealign import prealign
from .prepare import prepare
from .result import RegistrationResult
from .working import field_of_view, on_grid, working_grid
from .working_pair import WorkingPair


def register(
    fixed: sitk.Image,
    moving: sitk.Image,
    fixed_masks: Optional[Labels] = None,
    moving_masks: Optional[Labels] = None,
    options: Optional[RegistrationOptions] = None,
    job: Optional[Job] = None,
    guidance: Optional[Guidance] = None,
) -> RegistrationResult:
    """Register `moving` to `fixed`; neither is changed.

    Args:
        fixed, moving: scalar 3D volumes of any size, spacing, orientation and modality.
        fixed_masks, moving_masks: label images of whole numbers (0 is background), or structures that may overlap
            (:class:`..volumes.StructureMasks`), on any grids. The same name, or without names the same number, is the
            same structure. They guide the registration; structures that only one side has are left out and noted.
        options: see :class:`.options.RegistrationOptions`.
        job: progress and cancel.
        guidance: landmarks, regions to be ignored and regions that stay rigid.

    Raises:
        InputError: a volume, mask or guide cannot be used, or the volumes do not overlap.
        SAMRegistrationError: the registration failed.
        Canceled: through `job`.

    Example:
        >>> here, there = (14.0, 16.0, 16.0), (17.0, 16.0, 16.0)
        >>> fixed, moving = (sitk.GaussianSource(size=[32] * 3, sigma=[6] * 3, mean=mean) for mean in (here, there))
        >>> result = register(fixed, moving, options=RegistrationOptions.preset("fast", device="cpu"))
        >>> [round(x) for x in result.transform.TransformPoint(here)]
        [17, 16, 16]
        >>> result.warp().GetSize()
        (32, 32, 32)
    """
    options = options or RegistrationOptions()
    job = job or Job()
    check_volume(fixed, "The fixed volume")
    check_volume(moving, "The moving volume")
    fixed_masks, moving_masks, notes = _masks(fixed_masks, moving_masks)
    guides = checked(guidance, Grid.of(fixed), Grid.of(moving))
    notes += guides.notes
    device = choose_device(options.device)
    inverse = None if options.initial_transform is None else inverse_of(options.initial_transform)
    with translated("The registration"):
        try:
            return _register(fixed, moving, fixed_masks, moving_masks, guides, options, device, inverse, job, notes)
        except torch.cuda.OutOfMemoryError:
            torch.cuda.empty_cache()
            notes = [*notes, "The GPU ran out of memory, so the registration was done on the CPU."]
            return _register(fixed, moving, fixed_masks, moving_masks, guides, options, "cpu", inverse, job, notes)


def _masks(fixed: Optional[Labels], moving: Optional[Labels]):
    """The masks as structures, the same number for the same structure on both sides, and notes; None stays None."""
    found, notes = [], []
    for side, masks in (("fixed", fixed), ("moving", moving)):
        structures = None if masks is None else as_structures(masks, f"The {side} label image")
        if structures is not None:
            notes += structures.notes
        if structures is not None and not structures.structures:
            notes.append(f"The {side} masks are empty: every voxel is 0.")
        found.append(structures)
    fixed, moving = found
    if fixed is None or moving is None:
        return fixed, moving, notes
    moving, pairing = with_numbers_of(fixed, moving)
    return fixed, moving, notes + pairing


def _register(
    fixed, moving, fixed_masks, moving_masks, guides, options, device, initial_inverse, job, notes
) -> RegistrationResult:
    clock = Clock()
    with clock.stage("prepare"):
        job.update(0.0, "Preparing")
        pair = prepare(*(filled(*side) for side in zip((fixed, moving), guides.ignored)), options, job)
        fixed, moving = without_nan(fixed), without_nan(moving)
    with clock.stage("prealign"):
        linear, start = _linear_part(*pair.units, fixed_masks, moving_masks, guides, options, job.part(0.02, 0.25))
        linear_inverse = initial_inverse or linear.GetInverse()
        require_coverage(Grid.of(fixed), Grid.of(moving), linear, linear_inverse)
    with clock.stage("prepare"):
        grid = working_grid(pair.units[0], options.largest_grid, guides.places(linear_inverse))
        identity = sitk.Transform(3, sitk.sitkIdentity)
        images = [on_grid(unit, grid, mapping) for unit, mapping in zip(pair.units, (identity, linear))]
        job.check()
        structures, left_out = shared_structures(
            fixed_masks, moving_masks, Grid.of(fixed), Grid.of(moving), grid, linear
        )
        working = WorkingPair(
            grid,
            *(image.to(device) for image in images),
            _on(device, _covered(fixed, moving, grid, linear)),
            _on(device, (heeded(*side) for side in zip(guides.ignored, (grid, grid), (identity, linear)))),
            structures,
            hold_of(guides, grid, linear, linear_inverse, options),
            pair.similarity,
            pair.within_a_modality,
            pair.same_scale,
        )
    share = 0.55 if options.confidence else 0.95
    velocity, weights = working.velocity(options, job.part(0.25, share), clock)
    with clock.stage("finish"):
        job.update(share, "Finishing")
        transform, inverse = _transforms(velocity, grid, linear, linear_inverse)
        agreement = image_agreement(working, velocity) if pair.within_a_modality else {}
    differing, disagreement = {}, None
    if options.confidence and velocity is None:
        notes = [*notes, "Without a deformation there is no second solution to compare, so there is no confidence map."]
    elif options.confidence:
        with clock.stage("confidence"):
            hold = reverse_hold_of(guides, grid, linear, linear_inverse, inverse, options)
            lengths, differing = with_second_solution(working, velocity, hold, options, job.part(share, 0.95))
            disagreement = sitk.Resample(lengths, fixed, identity, sitk.sitkLinear, 0.0, sitk.sitkFloat32)
    facts = {
        "version": __version__,
        "torch": torch.__version__,
        "simpleitk": sitk.Version.VersionString(),
        "python": platform.python_version(),
        "device": "CPU" if device == "cpu" else torch.cuda.get_device_name(device),
        "threads": torch.get_num_threads(),
        "fixed_modality": pair.modalities[0],
        "moving_modality": pair.modalities[1],
        "prealignment": start,
        "network": weights,
        "refinement_steps": options.refinement.steps if options.use_refinement else 0,
        "similarity": pair.similarity,
        "same_scale": pair.same_scale,
        "stiffness": options.stiffness,
        **({"mask_tolerance": options.mask_tolerance} if structures else {}),
        "structures": list(structures.titles) if structures else [],
        **guides.facts,
        **({"image_agreement": agreement} if agreement else {}),
        **({"disagreement": differing} if differing else {}),
        "working_grid": {"size": list(grid.size), "spacing_mm": list(grid.spacing)},
    }
    job.update(1.0, "Done")
    result = RegistrationResult(
        transform, inverse, linear, fixed, moving, facts, clock.seconds, disagreement=disagreement
    )
    missed = unmet(guides.landmarks, transform, min(grid.spacing))
    return result.with_notes([*unlike(agreement), *notes, *pair.notes, *left_out, *missed])


def _linear_part(fixed, moving, fixed_masks, moving_masks, guides, options, job):
    if options.initial_transform is not None:
        return options.initial_transform, "given transform"
    landmarks = None if guides.landmarks is None else (guides.landmarks.fixed, guides.landmarks.moving)
    found = prealign(fixed, moving, fixed_masks, moving_masks, options.prealignment, job, landmarks)
    return found.transform, f"{options.prealignment} from {found.start}"


def _covered(fixed: sitk.Image, moving: sitk.Image, grid: Grid, linear: sitk.Transform):
    """Where each volume was imaged, on the working grid; None for everywhere."""
    identity = sitk.Transform(3, sitk.sitkIdentity)
    within = Grid.of(fixed).is_orthogonal and Grid.of(fixed).contains(grid.corners()).all()
    yield None if within else field_of_view(Grid.of(fixed), grid, identity)
    yield field_of_view(Grid.of(moving), grid, linear)


def _on(device: str, parts: Iterable[Optional[torch.Tensor]]):
    return tuple(None if part is None else part.to(device) for part in parts)


def _transforms(velocity: Optional[torch.Tensor], grid: Grid, linear: sitk.Transform, inverse: sitk.Transform):
    if velocity is None:
        return sitk.CompositeTransform([linear]), sitk.CompositeTransform([inverse])
    velocity = velocity.cpu()
    forward, backward = flow_transforms(velocity, grid.with_size(velocity.shape[:1:-1]))
    return pull_back(linear, forward), push_forward(inverse, backward)
