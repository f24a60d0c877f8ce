"""The folder of one frame: its motion, and what was made of it; written whole or not at all."""

import json
from pathlib import Path
from typing import Any, Dict, Optional

import numpy as np
import SimpleITK as sitk

from ..files import whole_files
from ..geometry.grid import Grid
from ..geometry.resample import warp_volume
from ..geometry.transforms import write_transform
from ..image_files import has_right_angles, write_image
from ..inside import inside
from ..volumes import StructureMasks, write_segmentation
from .motion import FrameMotion, motion_of

DONE = "frame.json"
FILES = (
    "transform.h5",
    "inverse.h5",
    "velocity.nrrd",
    DONE,
    "labels.nii.gz",
    "labels.nrrd",
    "labels.seg.nrrd",
    "warped.nii.gz",
    "warped.nrrd",
)


def frame_folder(folder: Path, frame: int) -> Path:
    """Where the files of a frame are.

    Raises:
        InputError: that is a link, which may lead out of the folder of the sequence.
    """
    return inside(folder, f"frame_{frame:03d}")


def write_frame(
    folder: Path,
    motion: FrameMotion,
    key: Dict[str, Any],
    masks: Optional[StructureMasks],
    volume: Optional[sitk.Image],
) -> None:
    """Write the files of a frame.

    Args:
        folder: of the sequence.
        key: what the motion depends on; see :func:`known_motion`.
        masks: structures of the reference, which are warped to the frame; None without any.
        volume: the frame, which is warped to the reference; None to leave that out.
    """
    with whole_files(frame_folder(folder, motion.frame), replaces=FILES) as staging:
        write_transform(motion.transform, staging / "transform.h5")
        write_transform(motion.inverse, staging / "inverse.h5")
        if motion.velocity is not None:
            vectors = np.moveaxis(motion.velocity[::-1], 0, -1)
            write_image(motion.grid.image(np.ascontiguousarray(vectors)), staging / "velocity.nrrd")
        if masks is not None:
            _write_masks(masks.warped(motion.inverse, masks.grid, smooth=True), staging)
        if volume is not None:
            ending = ".nii.gz" if has_right_angles(volume) else ".nrrd"
            write_image(warp_volume(volume, motion.transform, Grid.of(volume)), staging / f"warped{ending}")
        done = {"key": key, "seconds": motion.seconds}
        (staging / DONE).write_text(json.dumps(done, indent=2) + "\n", encoding="utf-8")


def known_motion(folder: Path, frame: int, key: Dict[str, Any]) -> Optional[FrameMotion]:
    """The motion of a frame that was registered before from what `key` says; None where there is none."""
    own = frame_folder(folder, frame)
    try:
        done = json.loads((own / DONE).read_text(encoding="utf-8"))
        if done["key"] != key:
            return None
        image = sitk.ReadImage(str(own / "velocity.nrrd"), sitk.sitkVectorFloat32)
        vectors = sitk.GetArrayFromImage(image)
        velocity = np.ascontiguousarray(np.moveaxis(vectors, -1, 0)[::-1])
        return motion_of(frame, velocity, Grid.of(image), float(done["seconds"]))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):  # missing, of another kind or damaged: made again
        return None


def _write_masks(masks: StructureMasks, folder: Path) -> None:
    if masks.overlapping():
        write_segmentation(masks, folder / "labels.seg.nrrd")
        return
    labels = masks.label_image()
    write_image(labels, folder / ("labels.nii.gz" if has_right_angles(labels) else "labels.nrrd"))
