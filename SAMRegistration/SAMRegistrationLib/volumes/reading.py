"""Reading image files and DICOM folders."""

from pathlib import Path
from typing import Union

import SimpleITK as sitk

from ..errors import InputError
from .checks import check_volume


def read_volume(path: Union[str, Path]) -> sitk.Image:
    """Read a scalar 3D volume as float32: an image file that SimpleITK knows, or a folder with one DICOM series.

    Raises:
        InputError: missing, unreadable, not 3D, several DICOM series, or failing :func:`check_volume`.
    """
    image = sitk.Cast(read_image(path), sitk.sitkFloat32)
    check_volume(image, str(path))
    return image


def read_image(path: Union[str, Path]) -> sitk.Image:
    """Read a 3D image with one value per voxel, in the type of the file.

    Raises:
        InputError: missing, unreadable, not 3D, not scalar, or a folder with other than one DICOM series.
    """
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
