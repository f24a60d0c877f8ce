"""Reading image files and DICOM folders."""

from pathlib import Path
from typing import List, Tuple, Union

import SimpleITK as sitk

from ..errors import InputError
from ..file_headers import check_header
from ..files import require_usable_path
from .checks import check_volume
from .dicom import read_dicom
from .dicom_headers import is_dicom
from .dicom_segmentation import is_dicom_segmentation
from .loaded import LoadedVolume
from .nifti import ENDINGS as NIFTI_ENDINGS
from .nifti import check_nifti, placement_notes

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff")
ADVICE = {
    ".mgz": "convert it to .nii.gz, for example by mri_convert of FreeSurfer",
    ".mgh": "convert it to .nii.gz, for example by mri_convert of FreeSurfer",
    ".par": "convert it to .nii.gz, for example by dcm2niix",
    ".zip": "unpack it and give the file or folder in it",
    ".mrb": "open it in 3D Slicer and save the volume as a file",
    ".mat": "save the volume as .nrrd or .nii.gz",
    ".npy": "save the volume as .nrrd or .nii.gz",
}


def read_volume(path: Union[str, Path]) -> sitk.Image:
    """Read a scalar 3D volume as float32; see :func:`load_volume`, whose notes it leaves out."""
    return load_volume(path).image


def load_volume(path: Union[str, Path]) -> LoadedVolume:
    """Read a scalar 3D volume as float32, with notes about what was put right.

    Args:
        path: an image file that SimpleITK knows, a folder with the slices of one DICOM volume, or one file of them.

    Raises:
        InputError: missing, unreadable, not whole, not 3D, several volumes, or failing :func:`check_volume`.
    """
    loaded = load_image(path)
    image = sitk.Cast(loaded.image, sitk.sitkFloat32)
    check_volume(image, str(path))
    return LoadedVolume(image, loaded.notes)


def read_image(path: Union[str, Path]) -> sitk.Image:
    """Read a 3D image with one value per voxel, in the type of the file; see :func:`load_image`."""
    return load_image(path).image


def load_image(path: Union[str, Path]) -> LoadedVolume:
    """Read a 3D image with one value per voxel, in the type of the file, with notes about what was put right.

    Raises:
        InputError: missing, unreadable, not whole, not 3D, not scalar, or several volumes.
    """
    path = require_usable_path(path)
    if not path.exists():
        raise InputError(f"There is no file or folder {path}.")
    if path.is_dir() or is_dicom(path):
        return _read_folder_or_dicom(path)
    image, notes = _read_file(path)
    return LoadedVolume(_scalar_volume(image, path), tuple(notes))


def _read_folder_or_dicom(path: Path) -> LoadedVolume:
    if path.is_dir() and not is_dicom(path):
        raise InputError(f"The folder {path} holds no DICOM series; give a volume file, or a folder with DICOM files.")
    if is_dicom_segmentation(path):
        raise InputError(f"{path} is a DICOM Segmentation, no volume; give it as masks or labels.")
    return read_dicom(path)


def _read_file(path: Path) -> Tuple[sitk.Image, List[str]]:
    name = path.name.lower()
    for ending, advice in ADVICE.items():
        if name.endswith(ending):
            raise InputError(f"{path} cannot be read as an image: files of this kind are not supported; {advice}.")
    nifti = name.endswith(NIFTI_ENDINGS)
    if nifti:
        check_nifti(path)
    check_header(path)
    try:
        image = sitk.ReadImage(str(path))
    except (RuntimeError, UnicodeError) as error:  # what ITK says may quote the file
        raise InputError(f"{path} cannot be read as an image: {_reason(error, path)}.") from error
    notes = placement_notes(path, image) if nifti and image.GetDimension() == 3 else []
    if name.endswith(PICTURES) and image.GetDimension() == 3:
        notes.append(f"{path} is a stack of pictures, which does not say how large a voxel is; 1 mm is taken.")
    return image, notes


def _scalar_volume(image: sitk.Image, path: Path) -> sitk.Image:
    size = image.GetSize()
    shape = " x ".join(str(n) for n in size)
    if image.GetDimension() > 3 and all(n == 1 for n in size[3:]):
        image = _first_of_one(image)
    elif image.GetDimension() == 4:
        raise InputError(
            f"{path} is not a 3D volume: it holds {size[3]} volumes ({shape} voxels); save the one that is meant as a "
            "file of its own."
        )
    if image.GetDimension() != 3 or min(image.GetSize()) < 2:
        raise InputError(f"{path} is not a 3D volume (it has {shape} voxels); give a single 3D volume.")
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(f"{path} has {image.GetNumberOfComponentsPerPixel()} values per voxel; give a scalar volume.")
    if "complex" in image.GetPixelIDTypeAsString():
        raise InputError(f"{path} has complex voxels; save their magnitude as a scalar volume.")
    return image


def _first_of_one(image: sitk.Image) -> sitk.Image:
    """The only volume of an image with further axes of one entry each."""
    size = list(image.GetSize())
    return sitk.Extract(image, size[:3] + [0] * (len(size) - 3), [0] * len(size))


def _reason(error: Exception, path: Path) -> str:
    """What is wrong with a file, in words, from what ITK says about it."""
    text = str(error)
    if path.stat().st_size == 0:
        return "it is empty"
    if isinstance(error, UnicodeError):
        return "it is damaged"
    if "Unable to determine ImageIO reader" in text:
        return "it is of no format that is known, or its name has the wrong ending"
    if "orthonormal" in text:
        return "its axes are not at right angles (sheared); resample it to a regular grid first"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    last = lines[-1] if lines else "unknown reason"
    last = last.split("ERROR:", 1)[-1].strip()
    if "(0x" in last and "): " in last:
        last = last.split("): ", 1)[1]
    return last.rstrip(".!")[:200] or "it is damaged"
