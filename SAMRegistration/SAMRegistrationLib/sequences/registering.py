"""A whole sequence from files to files."""

import json
from typing import Any, Dict, Optional

import SimpleITK as sitk

from .. import __version__
from ..files import PathLike, require_writable_folder, whole_files
from ..geometry.grid import Grid
from ..job import Job
from ..points import PointList
from ..volumes import StructureMasks
from .chain import motions
from .curves import Curves
from .frame_files import known_motion, write_frame
from .frames import Frames
from .motion import MotionOptions
from .order import require_frame
from .page import write_page
from .tables import point_rows, volume_rows, write_rows

FILES = ("sequence.json", "volumes.csv", "points.csv", "sequence.html")


def register_sequence(
    frames: Frames,
    folder: PathLike,
    reference: int = 0,
    masks: Optional[StructureMasks] = None,
    points: Optional[PointList] = None,
    options: Optional[MotionOptions] = None,
    warped: bool = False,
    job: Optional[Job] = None,
) -> Dict[str, Any]:
    """Register all frames to one of them and write everything about it.

    A folder for every frame (frame_000, ...) holds transform.h5 (reference points to points in the frame), inverse.h5,
    and with masks labels.nii.gz, the structures in the frame. volumes.csv, points.csv, sequence.json and sequence.html
    hold the curves. Frames that an earlier run with the same settings finished are not registered again.

    Args:
        reference: number of the frame that the others are registered to, from 0.
        masks: structures of the reference.
        points: points of the reference.
        warped: also write every frame on the reference (warped.nii.gz).

    Returns:
        What sequence.json holds.

    Raises:
        InputError: a frame cannot be used, or the folder cannot be written.
        Canceled: through `job`; what is finished stays.
    """
    options, job = options or MotionOptions(), job or Job()
    require_frame(len(frames), reference)
    folder = require_writable_folder(folder)
    keys = [_key(frames, frame, reference, options) for frame in range(len(frames))]
    if masks is not None:
        masks = masks.warped(sitk.Transform(3, sitk.sitkIdentity), Grid.of(frames.read(reference)))
    curves, seconds = Curves.of(masks, points), {}
    found = motions(
        frames.read,
        len(frames),
        reference,
        options,
        job,
        lambda frame: known_motion(folder, frame, keys[frame]),
    )
    for motion in found:
        curves.add(motion.frame, motion.transform)
        seconds[motion.frame] = motion.seconds
        write_frame(folder, motion, keys[motion.frame], masks, frames.read(motion.frame) if warped else None)
    summary = {
        "input": str(frames.path),
        "version": __version__,
        "reference": reference,
        "frames": list(frames.names),
        "times_s": frames.times,
        "seconds": [seconds[frame] for frame in range(len(frames))],
        "structures": [curve.measures() for curve in curves.volumes],
        "points": [
            {"name": point.name, "largest_displacement_mm": max(map(point.displacement, point.positions))}
            for point in curves.points
        ],
    }
    with whole_files(folder, replaces=FILES) as staging:
        if curves.volumes:
            write_rows(volume_rows(curves, frames.times), staging / "volumes.csv")
        if curves.points:
            write_rows(point_rows(curves, frames.times), staging / "points.csv")
        (staging / "sequence.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
        write_page(staging / "sequence.html", summary, curves)
    return summary


def _key(frames: Frames, frame: int, reference: int, options: MotionOptions) -> Dict[str, Any]:
    """What the motion of a frame depends on; files count by name, size and time of change."""
    return {
        "version": __version__,
        "frame": frames.stamp(frame),
        "reference": frames.stamp(reference),
        "options": repr(options),
    }
