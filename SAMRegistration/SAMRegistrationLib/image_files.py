"""Writing image files, whole or not at all."""

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from .errors import InputError
from .files import PathLike, require_writable_file, shown, whole_file

ENDINGS = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".hdr", ".img")
NEEDS_RIGHT_ANGLES = (".nii", ".nii.gz", ".hdr", ".img")  # NIfTI keeps sheared axes, but ITK refuses to read them
RIGHT_ANGLE = 1e-4


def require_image_path(path: PathLike) -> Path:
    """Check, before any work is done, that an image can be written to `path`.

    The endings are those of formats that keep spacing, origin and direction.

    Raises:
        InputError: the ending names no such format, or the file cannot be written.
    """
    if not _ending(path):
        raise InputError(
            f"The ending of {shown(path)} names no format for volumes; end its name in .nrrd, .nii.gz or .mha, in "
            "small letters."
        )
    return require_writable_file(path)


def write_image(image: sitk.Image, path: PathLike) -> None:
    """Write an image compressed, in the format that the ending of `path` names, with all the files of the format.

    Raises:
        InputError: see :func:`require_image_path`, or the format cannot hold the image.
    """
    path = require_image_path(path)
    if _ending(path) in NEEDS_RIGHT_ANGLES and not has_right_angles(image):
        raise InputError(f"{shown(path)} cannot hold axes that are not at right angles; end its name in .nrrd or .mha.")
    with whole_file(path) as temporary:
        sitk.WriteImage(image, str(temporary), True)


def has_right_angles(image: sitk.Image) -> bool:
    """Whether the index axes of a 3D image are at right angles to each other."""
    direction = np.asarray(image.GetDirection()).reshape(3, 3)
    return bool(np.abs(direction.T @ direction - np.eye(3)).max() < RIGHT_ANGLE)


def _ending(path: PathLike) -> str:
    name = Path(path).name
    fitting = [ending for ending in ENDINGS if name.endswith(ending) and len(name) > len(ending)]
    return max(fitting, key=len, default="")
