"""The motions of all frames, one after the other."""

from typing import Callable, Iterator, Optional

import SimpleITK as sitk

from ..job import Job
from .motion import FrameMotion, MotionFinder, MotionOptions, at_rest
from .order import order_of

Known = Callable[[int], Optional[FrameMotion]]


def motions(
    read: Callable[[int], sitk.Image],
    count: int,
    reference: int,
    options: Optional[MotionOptions] = None,
    job: Optional[Job] = None,
    known: Optional[Known] = None,
) -> Iterator[FrameMotion]:
    """Register every frame of a sequence to one of them, each from the motion of its neighbor.

    What is in memory does not grow with the number of frames: the reference, one frame, its motion and that of its
    neighbor.

    Args:
        read: gives a frame by its number, from 0; all frames lie on one grid.
        count: of all frames.
        reference: number of the frame that the others are registered to.
        known: gives the motion of a frame where it is known already, else None.

    Yields:
        The motion of every frame, that of the reference first; not in the order of their numbers.

    Raises:
        InputError: a frame cannot be used.
        SAMRegistrationError: a registration failed.
        Canceled: through `job`.
    """
    options, job = options or MotionOptions(), job or Job()
    steps = order_of(count, reference, options.cyclic)
    rest = latest = at_rest(reference)
    finder: Optional[MotionFinder] = None
    yield rest
    for number, step in enumerate(steps):
        part = job.part(number / len(steps), (number + 1) / len(steps))
        part.update(0.0, f"frame {number + 1} of {len(steps)}")
        motion = None if known is None else known(step.frame)
        if motion is None:
            finder = finder or MotionFinder(read(reference), options.registration)
            start = rest if step.start == reference else latest
            motion = finder.motion(step.frame, read(step.frame), start, part)
        latest = motion
        yield motion
    job.update(1.0, "Done")
