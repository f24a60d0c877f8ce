"""Reading label maps."""

from pathlib import Path
from typing import Set, Union

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from .checks import check_geometry
from .reading import read_image


def read_labels(path: Union[str, Path]) -> sitk.Image:
    """Read a 3D label map as int32 (0 is background).

    Raises:
        InputError: missing, unreadable, not 3D, not whole numbers, or without any label.
    """
    image = read_image(path)
    array = sitk.GetArrayViewFromImage(image)
    if array.dtype.kind == "f" and not np.array_equal(array, np.round(array)):
        raise InputError(f"{path} is not a label map: it holds fractions; give an image of whole numbers.")
    labels = sitk.Cast(image, sitk.sitkInt32)
    check_geometry(labels, str(path))
    if not sitk.GetArrayViewFromImage(labels).any():
        raise InputError(f"{path} holds no label: every voxel is 0.")
    return labels


def label_values(labels: sitk.Image) -> Set[int]:
    """The labels of a label map, background (0) left out."""
    array = sitk.GetArrayViewFromImage(labels)
    return {int(value) for value in np.unique(array[array != 0])}
