"""The whole registration: align, predict, refine, and turn the velocity into physical transforms."""

import platform
import time
from contextlib import contextmanager
from typing import Dict, Optional

import numpy as np
import SimpleITK as sitk
import torch

from .. import __version__
from ..environment import choose_device
from ..geometry.dense import resize_field
from ..geometry.grid import Grid
from ..geometry.invert import inverse_of
from ..geometry.transforms import flow_transforms, pull_back, push_forward
from ..job import Job
from ..losses.similarity import SIMILARITIES
from ..system_errors import translated
from ..volumes import Labels, as_structures, check_volume, with_numbers_of, without_nan
from .coverage import require_coverage
from .mask_channels import shared_structures
from .options import RegistrationOptions
from .prealign import prealign
from .predict import predict_velocity
from .prepare import prepare
from .refine import refine
from .result import RegistrationResult
from .terms import ImageTerm, MaskTerm
from .working import field_of_view, on_grid, working_grid

LARGEST_STORED_FIELD = 500_000  # voxels; above it the displacement is stored on the coarser grid of the velocity


def register(
    fixed: sitk.Image,
    moving: sitk.Image,
    fixed_masks: Optional[Labels] = None,
    moving_masks: Optional[Labels] = None,
    options: Optional[RegistrationOptions] = None,
    job: Optional[Job] = None,
) -> RegistrationResult:
    """Register `moving` to `fixed`; neither is changed.

    Args:
        fixed, moving: scalar 3D volumes of any size, spacing, orientation and modality.
        fixed_masks, moving_masks: label images of whole numbers (0 is background), or structures that may overlap
            (:class:`..volumes.StructureMasks`), on any grids. The same name, or without names the same number, is the
            same structure. They guide the registration; structures that only one side has are left out and noted.
        options: see :class:`.options.RegistrationOptions`.
        job: progress and cancel.

    Raises:
        InputError: a volume or mask cannot be used, or the volumes do not overlap.
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
    device = choose_device(options.device)
    inverse = None if options.initial_transform is None else inverse_of(options.initial_transform)
    with translated("The registration"):
        try:
            return _register(fixed, moving, fixed_masks, moving_masks, options, device, inverse, job, notes)
        except torch.cuda.OutOfMemoryError:
            torch.cuda.empty_cache()
            notes = [*notes, "The GPU ran out of memory, so the registration was done on the CPU."]
            return _register(fixed, moving, fixed_masks, moving_masks, options, "cpu", inverse, job, notes)


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
    fixed, moving, fixed_masks, moving_masks, options, device, initial_inverse, job, notes
) -> RegistrationResult:
    clock = _Clock()
    with clock.stage("prepare"):
        job.update(0.0, "Preparing")
        pair = prepare(fixed, moving, options, job)
        fixed, moving = without_nan(fixed), without_nan(moving)
    with clock.stage("prealign"):
        linear, start = _linear_part(*pair.units, fixed_masks, moving_masks, options, job.part(0.02, 0.25))
        linear_inverse = initial_inverse or linear.GetInverse()
        require_coverage(Grid.of(fixed), Grid.of(moving), linear, linear_inverse)
    with clock.stage("prepare"):
        grid = working_grid(pair.units[0], options.largest_grid)
        identity = sitk.Transform(3, sitk.sitkIdentity)
        images = [on_grid(unit, grid, mapping) for unit, mapping in zip(pair.units, (identity, linear))]
        job.check()
        fixed_image, moving_image = (image.to(device) for image in images)
        structures, left_out = shared_structures(
            fixed_masks, moving_masks, Grid.of(fixed), Grid.of(moving), grid, linear
        )
    velocity, weights = None, None
    if options.use_network and (options.weights or pair.within_a_modality):
        with clock.stage("predict"):
            job.update(0.25, "Predicting")
            velocity, weights = predict_velocity(
                fixed_image, moving_image, structures, grid.spacing[::-1], options.weights
            )
    if options.use_refinement:
        with clock.stage("refine"):
            covered = [
                None if Grid.of(fixed).is_orthogonal else field_of_view(Grid.of(fixed), grid, identity),
                field_of_view(Grid.of(moving), grid, linear),
            ]
            images = _image_term(fixed_image, moving_image, covered, pair.similarity)
            masks = None if structures is None else MaskTerm(structures.fixed.to(device), structures.moving.to(device))
            frame = (grid.shape, grid.spacing[::-1])
            velocity = refine(images, masks, *frame, options.refinement, velocity, device, job.part(0.35, 0.95))
    with clock.stage("finish"):
        job.update(0.95, "Finishing")
        transform, inverse = _transforms(velocity, grid, linear, linear_inverse)
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
        "structures": list(structures.titles) if structures else [],
        "working_grid": {"size": list(grid.size), "spacing_mm": list(grid.spacing)},
    }
    job.update(1.0, "Done")
    result = RegistrationResult(transform, inverse, linear, fixed, moving, facts, clock.seconds)
    return result.with_notes([*notes, *pair.notes, *left_out])


def _linear_part(fixed, moving, fixed_masks, moving_masks, options, job):
    if options.initial_transform is not None:
        return options.initial_transform, "given transform"
    found = prealign(fixed, moving, fixed_masks, moving_masks, options.prealignment, job)
    return found.transform, f"{options.prealignment} from {found.start}"


def _image_term(fixed, moving, covered, similarity: str) -> ImageTerm:
    covered = [None if part is None else part.to(fixed) for part in covered]
    chosen = SIMILARITIES[similarity]
    return ImageTerm(chosen.loss, chosen.features(fixed), chosen.features(moving), *covered)


def _transforms(velocity: Optional[torch.Tensor], grid: Grid, linear: sitk.Transform, inverse: sitk.Transform):
    if velocity is None:
        return sitk.CompositeTransform([linear]), sitk.CompositeTransform([inverse])
    velocity = velocity.cpu()
    if np.prod(grid.size) <= LARGEST_STORED_FIELD:
        velocity = resize_field(velocity, grid.shape)
    forward, backward = flow_transforms(velocity, grid.with_size(velocity.shape[:1:-1]))
    return pull_back(linear, forward), push_forward(inverse, backward)


class _Clock:
    def __init__(self):
        self.seconds: Dict[str, float] = {}

    @contextmanager
    def stage(self, name: str):
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
