"""Whether a volume can be used."""

import numpy as np
import SimpleITK as sitk

from ..errors import InputError


def check_volume(image: sitk.Image, name: str) -> None:
    """Refuse a volume that cannot be registered.

    Raises:
        InputError: not a scalar 3D image, degenerate geometry, NaN or infinite voxels, or one constant value.
    """
    check_geometry(image, name)
    array = sitk.GetArrayViewFromImage(image)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError(f"{name} holds NaN or infinite voxels; replace them first.")
    if array.min() == array.max():
        raise InputError(f"{name} has the same value in every voxel; there is nothing to register.")


def check_geometry(image: sitk.Image, name: str) -> None:
    """Refuse an image that is no scalar 3D volume or whose voxels do not span space.

    Raises:
        InputError: as it says.
    """
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(f"{name} is not a scalar 3D volume.")
    spacing, direction = np.array(image.GetSpacing()), np.array(image.GetDirection()).reshape(3, 3)
    if not (np.isfinite(spacing).all() and (spacing > 0).all()):
        raise InputError(f"{name} has a voxel spacing of {tuple(spacing.tolist())} mm; every spacing must be positive.")
    if abs(np.linalg.det(direction)) < 1e-3:
        raise InputError(f"{name} has image axes that do not span space; its header is damaged.")
