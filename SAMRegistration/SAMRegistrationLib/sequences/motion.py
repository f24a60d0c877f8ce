"""The motion of one frame against the reference, started from that of its neighbor."""

import time
from dataclasses import dataclass, field, replace
from typing import Optional

import numpy as np
import SimpleITK as sitk
import torch

from ..environment import choose_device
from ..errors import InputError
from ..geometry.grid import Grid
from ..geometry.transforms import flow_transforms
from ..job import Job
from ..registration import RegistrationOptions
from ..registration.clock import Clock
from ..registration.prepare import prepare
from ..registration.working import field_of_view, on_grid, working_grid
from ..registration.working_pair import WorkingPair
from ..system_errors import translated
from ..volumes import check_volume, without_nan

COARSEST_OF_A_NEXT_FRAME = 4  # shrink factor; coarser levels have nothing to add to the motion of the neighbor
STEPS_OF_A_NEXT_FRAME = 0.5  # share of the steps of a level
FEWEST_STEPS_COARSE = 15  # at a level above the finest, where so many cost little


@dataclass(frozen=True)
class MotionOptions:
    """How the frames of a sequence are registered.

    Attributes:
        registration: preset, stiffness, similarity, modality (that of the fixed volume) and device; frames lie in one
            space, so there is no pre-alignment, and the network is not asked.
        cyclic: whether the first frame follows the last one.
    """

    registration: RegistrationOptions = field(default_factory=RegistrationOptions)
    cyclic: bool = False


@dataclass(frozen=True)
class FrameMotion:
    """Where the points of the reference are in a frame.

    Attributes:
        frame: number of the frame, from 0.
        transform: reference point -> point in the frame (LPS mm); it brings the frame onto the reference.
        inverse: point in the frame -> reference point.
        velocity: (3, d, h, w) in voxels of `grid`, from which both were integrated; None for the reference itself.
        grid: of the velocity.
        seconds: that its registration took.
    """

    frame: int
    transform: sitk.Transform
    inverse: sitk.Transform
    velocity: Optional[np.ndarray] = None
    grid: Optional[Grid] = None
    seconds: float = 0.0


def at_rest(frame: int) -> FrameMotion:
    """The motion of the reference: none."""
    return FrameMotion(frame, sitk.AffineTransform(3), sitk.AffineTransform(3))


def motion_of(frame: int, velocity: np.ndarray, grid: Grid, seconds: float = 0.0) -> FrameMotion:
    """The motion of a velocity (3, d, h, w) in voxels of `grid`."""
    transform, inverse = flow_transforms(torch.from_numpy(velocity)[None], grid)
    return FrameMotion(frame, transform, inverse, velocity, grid, seconds)


class MotionFinder:
    """Registers frames to the reference of their sequence; frames that lie differently in space are refused.

    Args:
        reference: the frame that the others are registered to.

    Raises:
        InputError: the volume or an option cannot be used.
    """

    def __init__(self, reference: sitk.Image, options: Optional[RegistrationOptions] = None):
        options = options or RegistrationOptions()
        check_volume(reference, "The reference")
        self._options = replace(options, moving_modality=options.fixed_modality, use_network=False, confidence=False)
        self._reference = reference
        self._device = choose_device(options.device)
        self._grid: Optional[Grid] = None

    def motion(self, frame: int, volume: sitk.Image, start: FrameMotion, job: Optional[Job] = None) -> FrameMotion:
        """Register one frame.

        Args:
            start: the motion of a neighbor, or of the reference.

        Raises:
            InputError: the volume cannot be used.
            SAMRegistrationError: the registration failed.
            Canceled: through `job`.
        """
        job, began = job or Job(), time.perf_counter()
        check_volume(volume, f"Frame {frame}")
        if not Grid.of(volume).matches(Grid.of(self._reference)):
            raise InputError(
                f"Frame {frame} does not lie on the grid of the reference; resample the frames to one grid."
            )
        with translated("The registration"):
            pair = self._pair(volume, job)
            options = self._options if start.velocity is None else next_frame(self._options)
            begun = None if start.velocity is None else torch.from_numpy(start.velocity)[None].to(self._device)
            velocity, _ = pair.velocity(options, job, Clock(), begun)
            stored = self._grid.with_size(velocity.shape[:1:-1])
            return motion_of(frame, velocity[0].cpu().numpy(), stored, time.perf_counter() - began)

    def _pair(self, volume: sitk.Image, job: Job) -> WorkingPair:
        prepared = prepare(self._reference, volume, self._options, job)
        if self._grid is None:
            self._grid = working_grid(prepared.units[0], self._options.largest_grid)
        identity = sitk.Transform(3, sitk.sitkIdentity)
        images = [on_grid(unit, self._grid, identity).to(self._device) for unit in prepared.units]
        covered = field_of_view(Grid.of(without_nan(volume)), self._grid, identity)
        covered = None if covered is None else covered.to(self._device)
        return WorkingPair(
            self._grid,
            *images,
            (covered, covered),
            (None, None),
            None,
            None,
            prepared.similarity,
            prepared.within_a_modality,
            prepared.same_scale,
        )


def next_frame(options: RegistrationOptions) -> RegistrationOptions:
    """Options for a frame that starts from the motion of its neighbor: the fine levels only, and fewer steps."""
    refinement, levels = options.refinement, []
    for shrink, steps in refinement.levels:
        fewest = min(steps, FEWEST_STEPS_COARSE) if shrink > 1 else 1
        if shrink <= COARSEST_OF_A_NEXT_FRAME:
            levels.append((shrink, max(fewest, round(steps * STEPS_OF_A_NEXT_FRAME))))
    narrow_steps = round(refinement.narrow_steps * STEPS_OF_A_NEXT_FRAME)
    return replace(options, refinement=replace(refinement, levels=tuple(levels), narrow_steps=narrow_steps))
