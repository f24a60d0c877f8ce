"""Reading volumes, judging whether they can be used, and bringing their intensities to [0, 1]."""

from pathlib import Path
from typing import Set, Tuple, Union

import numpy as np
import SimpleITK as sitk

from .errors import InputError
from .geometry.grid import Grid

MODALITIES = ("ct", "mr", "other")
CT_WINDOW = (-200.0, 300.0)
PERCENTILES = (0.5, 99.5)


def read_volume(path: Union[str, Path]) -> sitk.Image:
    """Read a scalar 3D volume as float32: an image file that SimpleITK knows, or a folder with one DICOM series.

    Raises:
        InputError: missing, unreadable, not 3D, several DICOM series, or failing :func:`check_volume`.
    """
    image = sitk.Cast(_read(path), sitk.sitkFloat32)
    check_volume(image, str(path))
    return image


def read_labels(path: Union[str, Path]) -> sitk.Image:
    """Read a 3D label map as int32 (0 is background).

    Raises:
        InputError: missing, unreadable, not 3D, not whole numbers, or without any label.
    """
    image = _read(path)
    array = sitk.GetArrayViewFromImage(image)
    if array.dtype.kind == "f" and not np.array_equal(array, np.round(array)):
        raise InputError(f"{path} is not a label map: it holds fractions; give an image of whole numbers.")
    labels = sitk.Cast(image, sitk.sitkInt32)
    _check_geometry(labels, str(path))
    if not sitk.GetArrayViewFromImage(labels).any():
        raise InputError(f"{path} holds no label: every voxel is 0.")
    return labels


def label_values(labels: sitk.Image) -> Set[int]:
    """The labels of a label map, background (0) left out."""
    array = sitk.GetArrayViewFromImage(labels)
    return {int(value) for value in np.unique(array[array != 0])}


def check_volume(image: sitk.Image, name: str) -> None:
    """Refuse a volume that cannot be registered.

    Raises:
        InputError: not a scalar 3D image, degenerate geometry, NaN or infinite voxels, or one constant value.
    """
    _check_geometry(image, name)
    array = sitk.GetArrayViewFromImage(image)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError(f"{name} holds NaN or infinite voxels; replace them first.")
    if array.min() == array.max():
        raise InputError(f"{name} has the same value in every voxel; there is nothing to register.")


def guess_modality(image: sitk.Image) -> str:
    """ "ct" where values look like Hounsfield units (air near -1000), otherwise "mr"."""
    return modality_of_values(sitk.GetArrayViewFromImage(image)[::2, ::2, ::2])


def modality_of_values(values: np.ndarray) -> str:
    """As :func:`guess_modality`, from a representative part of the voxels."""
    low, high = np.percentile(values, [1, 99.5])
    return "ct" if -4000 < low < -150 and 100 < high < 5000 else "mr"


def intensity_window(image: sitk.Image, modality: str) -> Tuple[float, float]:
    """The values that become 0 and 1: a soft tissue window for CT, percentiles for everything else."""
    if modality == "ct":
        return CT_WINDOW
    array = sitk.GetArrayViewFromImage(image)
    low, high = np.percentile(array, PERCENTILES)
    if low == high:
        low, high = float(array.min()), float(array.max())
    return float(low), float(high)


def normalize(image: sitk.Image, modality: str) -> sitk.Image:
    """The volume as float32 in [0, 1]; see :func:`intensity_window`."""
    low, high = intensity_window(image, modality)
    array = sitk.GetArrayViewFromImage(image).astype(np.float32)
    array -= low
    array /= max(high - low, 1e-12)
    return Grid.of(image).image(np.clip(array, 0, 1, out=array))


def _read(path: Union[str, Path]) -> sitk.Image:
    path = Path(path)
    if not path.exists():
        raise InputError(f"There is no file or folder {path}.")
    try:
        image = _read_dicom_folder(path) if path.is_dir() else sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise InputError(f"{path} cannot be read as an image.") from error
    if image.GetDimension() == 4 and image.GetSize()[3] == 1:
        image = image[:, :, :, 0]
    if image.GetDimension() != 3 or min(image.GetSize()) < 2:
        shape = " x ".join(str(n) for n in image.GetSize())
        raise InputError(f"{path} is not a 3D volume (it has {shape} voxels); give a single 3D volume.")
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(f"{path} has {image.GetNumberOfComponentsPerPixel()} values per voxel; give a scalar volume.")
    return image


def _read_dicom_folder(folder: Path) -> sitk.Image:
    reader = sitk.ImageSeriesReader()
    series = reader.GetGDCMSeriesIDs(str(folder))
    if not series:
        raise InputError(f"The folder {folder} holds no DICOM series.")
    if len(series) > 1:
        raise InputError(f"The folder {folder} holds {len(series)} DICOM series; give a folder with a single one.")
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder), series[0]))
    return reader.Execute()


def _check_geometry(image: sitk.Image, name: str) -> None:
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(f"{name} is not a scalar 3D volume.")
    spacing, direction = np.array(image.GetSpacing()), np.array(image.GetDirection()).reshape(3, 3)
    if not (np.isfinite(spacing).all() and (spacing > 0).all()):
        raise InputError(f"{name} has a voxel spacing of {tuple(spacing.tolist())} mm; every spacing must be positive.")
    if abs(np.linalg.det(direction)) < 1e-3:
        raise InputError(f"{name} has image axes that do not span space; its header is damaged.")
