"""Transforms in the conventions of ANTs, FSL and elastix. (ITK and 3D Slicer read transform.h5 as it is.)"""

import gzip
from pathlib import Path
from typing import List

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..files import PathLike, whole_files
from ..geometry.frames import RAS_LPS
from ..geometry.grid import Grid
from ..geometry.transforms import displacement_image
from ..image_files import has_right_angles, write_image
from .saved import SavedResult, linear_and_field

INTENT_CODE = 68  # where NIfTI-1 headers have it
FNIRT_DISPLACEMENT = 2006  # FSL's code for a field of displacements


def write_ants(result: SavedResult, folder: PathLike) -> List[str]:
    """Write a transform as antsRegistration does.

    ``antsApplyTransforms -t result1Warp.nii.gz -t result0GenericAffine.mat`` brings moving volumes to the fixed one,
    ``-t [result0GenericAffine.mat,1] -t result1InverseWarp.nii.gz`` fixed volumes to the moving one.

    Returns:
        The names of the files.
    """
    affine, field = linear_and_field(result)
    names = ["result0GenericAffine.mat"]
    with whole_files(folder) as staging:
        sitk.WriteTransform(affine, str(staging / names[0]))
        if field is not None:
            names += ["result1Warp.nii.gz", "result1InverseWarp.nii.gz"]
            backward = sitk.CompositeTransform([result.inverse, affine])
            _write_field(field, staging / names[1])
            _write_field(displacement_image(backward, Grid.of(field)), staging / names[2])
    return names


def write_elastix(result: SavedResult, folder: PathLike) -> List[str]:
    """Write a transform as a parameter file of elastix.

    ``transformix -in moving -tp TransformParameters.txt -out .``, called in this folder, brings moving volumes to the
    fixed one.

    Returns:
        The names of the files.
    """
    names = ["TransformParameters.txt", "deformationField.mha"]
    grid = result.fixed_grid
    direction = np.reshape(grid.direction, (3, 3)).T.ravel()  # elastix lists columns
    entries = {
        "Transform": '"DeformationFieldTransform"',
        "NumberOfParameters": "0",
        "InitialTransformParameterFileName": '"NoInitialTransform"',
        "HowToCombineTransforms": '"Compose"',
        "FixedImageDimension": "3",
        "MovingImageDimension": "3",
        "FixedInternalImagePixelType": '"float"',
        "MovingInternalImagePixelType": '"float"',
        "Size": _listed(grid.size),
        "Index": "0 0 0",
        "Spacing": _listed(grid.spacing),
        "Origin": _listed(grid.origin),
        "Direction": _listed(direction),
        "UseDirectionCosines": '"true"',
        "DeformationFieldFileName": f'"{names[1]}"',
        "DeformationFieldInterpolationOrder": "1",
        "ResampleInterpolator": '"FinalLinearInterpolator"',
        "Resampler": '"DefaultResampler"',
        "DefaultPixelValue": "0",
        "ResultImageFormat": '"nii.gz"',
        "ResultImagePixelType": '"float"',
        "CompressResultImage": '"true"',
    }
    with whole_files(folder) as staging:
        _write_field(displacement_image(result.transform, grid), staging / names[1])
        text = "".join(f"({name} {value})\n" for name, value in entries.items())
        (staging / names[0]).write_text(text, encoding="utf-8")
    return names


def write_fsl(result: SavedResult, moving: sitk.Image, folder: PathLike) -> List[str]:
    """Write a transform as a relative warp field of FSL, the affine part included.

    ``applywarp -i moving -r fixed -w warp.nii.gz --rel`` brings moving volumes to the fixed one.

    At a voxel of the fixed volume the field has the place in the moving volume minus the place in the fixed one, both
    as FSL counts: in millimeters from the first voxel along the axes of the volume, the first axis turned around where
    the volume is not stored in radiological order.

    Args:
        moving: the moving volume, for its grid.

    Returns:
        The names of the files.

    Raises:
        InputError: the axes of a volume are not at right angles, which NIfTI files cannot hold.
    """
    if not (has_right_angles(result.warped) and has_right_angles(moving)):
        raise InputError("FSL's warp fields need axes at right angles; resample the volumes to regular grids first.")
    grid, other = result.fixed_grid, Grid.of(moving)
    k, j, i = np.indices(grid.shape).reshape(3, -1)
    index = np.stack([i, j, k], axis=-1).astype(float)
    field = sitk.GetArrayFromImage(displacement_image(result.transform, grid)).reshape(-1, 3)
    there = other.physical_to_index(grid.index_to_physical(index) + field)
    vectors = (_fsl_places(there, other) - _fsl_places(index, grid)).reshape(*grid.shape, 3).astype(np.float32)
    parts = [grid.image(np.ascontiguousarray(vectors[..., axis])) for axis in range(3)]
    with whole_files(folder) as staging:
        plain = staging / "warp.nii"
        sitk.WriteImage(sitk.JoinSeries(parts), str(plain))
        data = bytearray(plain.read_bytes())
        data[INTENT_CODE : INTENT_CODE + 2] = np.array(FNIRT_DISPLACEMENT, "<i2").tobytes()
        with gzip.open(staging / "warp.nii.gz", "wb") as file:
            file.write(data)
        plain.unlink()
    return ["warp.nii.gz"]


def _fsl_places(index: np.ndarray, grid: Grid) -> np.ndarray:
    """Places (N, 3) that FSL gives to voxels (i, j, k)."""
    index = index.copy()
    if np.linalg.det(RAS_LPS[:3, :3] @ grid.axes) > 0:
        index[:, 0] = grid.size[0] - 1 - index[:, 0]
    return index * grid.spacing


def _write_field(field: sitk.Image, path: Path) -> None:
    write_image(sitk.Cast(field, sitk.sitkVectorFloat32), path)


def _listed(values) -> str:
    return " ".join(f"{value:.17g}" for value in values)
