"""Whether a volume can be used."""

import numpy as np
import SimpleITK as sitk

from ..errors import InputError


def check_volume(image: sitk.Image, name: str) -> None:
    """Refuse a volume that cannot be registered.

    Raises:
        InputError: not a scalar 3D image, a single slice, degenerate geometry, infinite voxels, NaN in all voxels, or
            one constant value.
    """
    check_geometry(image, name)
    if min(image.GetSize()) < 2:
        shape = " x ".join(str(n) for n in image.GetSize())
        raise InputError(f"{name} is a single slice ({shape} voxels); a registration needs two slices at least.")
    array = sitk.GetArrayViewFromImage(image)
    if array.dtype.kind == "f":
        if np.isinf(array).any():
            raise InputError(f"{name} holds infinite voxels; replace them first.")
        array = array[~np.isnan(array)] if np.isnan(array).any() else array
        if array.size == 0:
            raise InputError(f"{name} holds NaN in every voxel; there is nothing to register.")
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
    lengths = np.linalg.norm(direction, axis=0)
    if not lengths.all() or abs(np.linalg.det(direction / lengths)) < 1e-3:
        raise InputError(f"{name} has image axes that do not span space; its header is damaged.")
