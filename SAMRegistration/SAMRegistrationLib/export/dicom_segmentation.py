"""The warped structures as a DICOM Segmentation object, by the package highdicom."""

from typing import List

import numpy as np

from .. import __version__
from ..errors import InputError, PackageError
from ..files import PathLike, whole_files
from ..image_files import has_right_angles
from .dicom_source import DicomSource
from .saved import SavedResult

NAME = "segmentation.dcm"
LONGEST_LABEL = 64


def write_dicom_segmentation(result: SavedResult, folder: PathLike, source: DicomSource) -> List[str]:
    """Write the warped structures, which may overlap.

    Args:
        source: the series that they belong to: the fixed one, or that of the warped volume.

    Returns:
        The name of the file.

    Raises:
        PackageError: highdicom is not installed.
        InputError: there are no structures, or the axes of the volume are not at right angles.
    """
    if result.labels is None:
        raise InputError("There are no warped structures; register with masks or labels first.")
    if not has_right_angles(result.warped):
        raise InputError("DICOM slices need axes at right angles; resample the fixed volume to a regular grid first.")
    try:
        import highdicom as hd
        from highdicom.sr.coding import CodedConcept
    except ImportError as error:
        raise PackageError(
            "A DICOM Segmentation is written by highdicom, which is not installed; install it with: python -m pip "
            "install highdicom."
        ) from error
    tissue = CodedConcept("85756007", "SCT", "Tissue")
    program = hd.AlgorithmIdentificationSequence(
        "SAMRegistration", CodedConcept("113110", "DCM", "Registration"), __version__
    )
    structures = result.labels.structures
    descriptions = [
        hd.seg.SegmentDescription(
            number,
            str(structure.title)[:LONGEST_LABEL],
            tissue,
            tissue,
            hd.seg.SegmentAlgorithmTypeValues.SEMIAUTOMATIC,
            algorithm_identification=program,
            tracking_id=str(structure.title)[:LONGEST_LABEL],
            tracking_uid=hd.UID(),
        )
        for number, structure in enumerate(structures, start=1)
    ]
    grid = result.fixed_grid
    pixels = np.stack([result.labels.inside(structure.label) for structure in structures], axis=-1).astype(np.uint8)
    direction = np.reshape(grid.direction, (3, 3))
    places = [grid.index_to_physical([[0, 0, number]])[0] for number in range(grid.size[2])]
    segmentation = hd.seg.Segmentation(
        source.headers,
        pixels,
        hd.seg.SegmentationTypeValues.BINARY,
        descriptions,
        hd.UID(),
        100,
        hd.UID(),
        1,
        "SAMRegistration",
        "SAMRegistration",
        __version__,
        "0",
        pixel_measures=hd.PixelMeasuresSequence(
            pixel_spacing=(grid.spacing[1], grid.spacing[0]),
            slice_thickness=grid.spacing[2],
            spacing_between_slices=grid.spacing[2],
        ),
        plane_orientation=hd.PlaneOrientationSequence("PATIENT", [*direction[:, 0], *direction[:, 1]]),
        plane_positions=[hd.PlanePositionSequence("PATIENT", place) for place in places],
        series_description="Structures registered by SAMRegistration",
    )
    with whole_files(folder) as staging:
        segmentation.save_as(staging / NAME)
    return [NAME]
