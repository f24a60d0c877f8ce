"""The transform as a DICOM Deformable Spatial Registration object."""

from datetime import datetime
from typing import List, Optional

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..files import PathLike, whole_files
from ..geometry.affine_maps import matrix_of
from ..geometry.grid import Grid
from ..geometry.transforms import displacement_image
from .dicom_source import DicomSource, new_dataset, references_to, require_one_patient, write_dataset
from .saved import SavedResult, linear_and_field

DEFORMABLE_SPATIAL_REGISTRATION = "1.2.840.10008.5.1.4.1.1.66.3"
NAME = "registration.dcm"
NODES = 4  # along each axis of the grid of a transform without a deformation


def write_dicom_registration(
    result: SavedResult, folder: PathLike, fixed: Optional[DicomSource], moving: Optional[DicomSource]
) -> List[str]:
    """Write how the space of the moving series is sampled into that of the fixed one.

    PS3.3, C.20.3.1.1: a point of the registered space (the fixed one) gets the offset of the grid there, then the post
    deformation matrix, which leads to the source space (the moving one); there is no pre deformation matrix.

    Returns:
        The name of the file.

    Raises:
        InputError: a volume is no DICOM series, or they are of different patients.
    """
    if fixed is None or moving is None:
        raise InputError("A registration object refers to DICOM series; give those of both volumes.")
    require_one_patient(fixed, moving)
    linear, field = linear_and_field(result)
    if field is None:
        field = displacement_image(sitk.Transform(3, sitk.sitkIdentity), result.fixed_grid.with_size((NODES,) * 3))
    data = new_dataset(fixed, DEFORMABLE_SPATIAL_REGISTRATION, "REG", "Deformable registration")
    now = datetime.now()
    data.ContentDate, data.ContentTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    data.SeriesDate, data.SeriesTime = data.ContentDate, data.ContentTime
    data.InstanceNumber, data.ContentLabel, data.ContentDescription = 1, "REGISTRATION", "Fixed from moving"
    data.ContentCreatorName = ""
    data.FrameOfReferenceUID, data.PositionReferenceIndicator = fixed.frame_of_reference, ""
    data.DeformableRegistrationSequence = [_item(moving, field, linear)]
    _refer(data, fixed, moving)
    with whole_files(folder) as staging:
        write_dataset(data, staging / NAME)
    return [NAME]


def _item(moving: DicomSource, field: sitk.Image, linear: sitk.AffineTransform):
    import pydicom

    item, matrix, deformation = pydicom.Dataset(), pydicom.Dataset(), pydicom.Dataset()
    item.SourceFrameOfReferenceUID = moving.frame_of_reference
    item.ReferencedImageSequence = references_to(moving)
    item.RegistrationTypeCodeSequence = []
    matrix.FrameOfReferenceTransformationMatrixType = "AFFINE"
    matrix.FrameOfReferenceTransformationMatrix = [f"{value:.10g}" for value in matrix_of(linear).ravel()]
    item.PostDeformationMatrixRegistrationSequence = [matrix]
    grid, vectors = _right_handed(field)
    direction = np.reshape(grid.direction, (3, 3))
    deformation.ImagePositionPatient = [f"{value:.9g}" for value in grid.origin]
    deformation.ImageOrientationPatient = [f"{value:.10f}" for value in (*direction[:, 0], *direction[:, 1])]
    deformation.GridDimensions, deformation.GridResolution = list(grid.size), list(grid.spacing)
    deformation.VectorGridData = vectors.astype("<f4").tobytes()
    item.DeformableRegistrationGridSequence = [deformation]
    return item


def _right_handed(field: sitk.Image):
    """Grid and vectors (z, y, x, 3) of a field whose third axis is the cross product of the others, as DICOM has it."""
    grid, vectors = Grid.of(field), sitk.GetArrayFromImage(field)
    if not grid.is_orthogonal:
        raise InputError("A registration object needs a field with axes at right angles.")
    if np.linalg.det(np.reshape(grid.direction, (3, 3))) > 0:
        return grid, vectors
    last = grid.index_to_physical([[0, 0, grid.size[2] - 1]])[0]
    direction = np.reshape(grid.direction, (3, 3)) * (1, 1, -1)
    return Grid(grid.size, grid.spacing, tuple(last), tuple(direction.ravel())), vectors[::-1]


def _refer(data, fixed: DicomSource, moving: DicomSource) -> None:
    """Name the series, those of another study apart (Common Instance Reference)."""
    import pydicom

    for source in (fixed, moving):
        series = pydicom.Dataset()
        series.SeriesInstanceUID = source.headers[0].SeriesInstanceUID
        series.ReferencedInstanceSequence = references_to(source)
        if source.headers[0].StudyInstanceUID == data.StudyInstanceUID:
            data.ReferencedSeriesSequence = [*data.get("ReferencedSeriesSequence", []), series]
            continue
        study = pydicom.Dataset()
        study.StudyInstanceUID, study.ReferencedSeriesSequence = source.headers[0].StudyInstanceUID, [series]
        data.StudiesContainingOtherReferencedInstancesSequence = [study]
