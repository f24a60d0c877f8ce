"""Label images, and files with label images, as structures."""

from pathlib import Path
from typing import List, Tuple, Union

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..files import require_usable_path
from ..geometry.grid import Grid
from .checks import check_geometry
from .dicom_segmentation import is_dicom_segmentation, lost_its_places, read_dicom_segmentation
from .label_tables import label_table
from .reading import read_image
from .segments import SegmentEntry, is_segmentation_file, named_segments, read_segmentation
from .structure_masks import Labels, StructureMask, StructureMasks, holding

LARGEST_IN_LAYER = 2**31 - 1
LABEL_OBJECTS = (sitk.sitkLabelUInt8, sitk.sitkLabelUInt16, sitk.sitkLabelUInt32, sitk.sitkLabelUInt64)


def read_labels(path: Union[str, Path]) -> StructureMasks:
    """Read the structures of a 3D label map of whole numbers (0 is background), of a Slicer segmentation file, or of
    a DICOM Segmentation object (which needs pydicom).

    They have names where the file names them: in the header of a segmentation, or in the label table of a NIfTI file.

    Raises:
        InputError: missing, unreadable, not 3D, no label map (see :func:`as_structures`), or without any label.
    """
    path = require_usable_path(path)
    if is_dicom_segmentation(path):
        structures = read_dicom_segmentation(path)
    else:
        image = read_segmentation(path) if is_segmentation_file(path) else read_image(path)
        structures = as_structures(image, str(path))
    if not structures.structures:
        raise InputError(f"{path} holds no label: every voxel is 0.")
    table = label_table(path)
    return structures.named(
        {label: name for label, (name, _) in table.items()}, {label: color for label, (_, color) in table.items()}
    )


def as_structures(labels: Labels, name: str) -> StructureMasks:
    """The structures of a label image, or of a segmentation as SimpleITK reads Slicer's .seg.nrrd.

    Args:
        labels: a 3D image of whole numbers of any type, 0 is background; one with layers needs the header of a
            segmentation, which names them. What is :class:`.structure_masks.StructureMasks` already stays as it is.
        name: what to call the image in errors.

    Raises:
        InputError: no image, not 3D, several values per voxel, or voxels that are NaN, infinite, negative, fractions or
            too large for their type to tell them apart.
    """
    if isinstance(labels, StructureMasks):
        return labels
    if not isinstance(labels, sitk.Image):
        raise InputError(f"{name} is given as {type(labels).__name__}; give a SimpleITK image.")
    if labels.GetPixelID() in LABEL_OBJECTS:
        labels = sitk.LabelMapToLabel(labels)
    layers, segments = _layers(labels, name), named_segments(labels)
    grid = Grid.of(layers[0])
    found: List[StructureMask] = []
    images = []
    for number, layer in enumerate(layers):
        image, values = _layer(layer, grid, name)
        images.append(image)
        found += [StructureMask(label, number, value) for label, value in values]
    if not segments:
        return StructureMasks(tuple(images), tuple(found))
    return _described(StructureMasks(tuple(images), tuple(found)), segments, name)


def _layers(labels: sitk.Image, name: str) -> List[sitk.Image]:
    """The scalar 3D images of a label image; several where it is a segmentation with layers."""
    if lost_its_places(labels):
        raise InputError(
            f"{name} is a DICOM segmentation, of whose frames SimpleITK does not read where they are; read it with "
            "SAMRegistrationLib.volumes.read_labels."
        )
    components, described = labels.GetNumberOfComponentsPerPixel(), bool(named_segments(labels))
    if labels.GetDimension() == 4 and components == 1 and (described or labels.GetSize()[3] == 1):
        layers = [labels[:, :, :, n] for n in range(labels.GetSize()[3])]
    elif components > 1 and described:
        layers = [sitk.VectorIndexSelectionCast(labels, n) for n in range(components)]
    else:
        layers = [labels]
    if layers[0].GetDimension() == 3 and components > 1 and not described:
        raise InputError(
            f"{name} is not a label map: it has {components} values per voxel; give an image with one whole number per "
            "voxel, or a segmentation (.seg.nrrd)."
        )
    check_geometry(layers[0], name)
    return layers


def _layer(image: sitk.Image, grid: Grid, name: str) -> Tuple[sitk.Image, List[Tuple[int, int]]]:
    """An image with a value for every label of `image`, and the labels with their values."""
    array = sitk.GetArrayViewFromImage(image)
    if array.dtype.kind == "c":
        raise InputError(f"{name} is not a label map: it holds complex numbers; give an image of whole numbers.")
    if array.dtype.kind == "f":
        array = _whole(array, name)
    low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
    if low < 0:
        raise InputError(
            f"{name} holds negative labels ({low}); labels are whole numbers from 1 up and 0 is background, so change "
            "them first."
        )
    if high > LARGEST_IN_LAYER:
        values = [int(value) for value in np.unique(array[array != 0])]
        compact = np.searchsorted(np.array([0, *values], array.dtype), array).astype(holding(len(values)))
        return grid.image(compact), [(label, number) for number, label in enumerate(values, start=1)]
    if array.dtype.kind == "f" or array.dtype.itemsize > 4:
        array = array.astype(holding(high))
        image = grid.image(array)
    return image, [(label, label) for label in _values(array, high)]


def _whole(array: np.ndarray, name: str) -> np.ndarray:
    if not np.isfinite(array).all():
        raise InputError(f"{name} is not a label map: it holds NaN or infinite voxels; replace them by 0 first.")
    if not np.array_equal(array, np.round(array)):
        raise InputError(f"{name} is not a label map: it holds fractions; give an image of whole numbers.")
    largest = 2 ** (np.finfo(array.dtype).nmant + 1)
    if array.size and array.max() > largest:
        raise InputError(
            f"{name} holds labels above {largest}, which its {8 * array.dtype.itemsize}-bit fractional numbers cannot "
            "tell apart; save it with whole numbers."
        )
    return array


def _values(array: np.ndarray, high: int) -> List[int]:
    """The values above 0, ascending."""
    if high < 2**16:
        return [int(value) for value in np.flatnonzero(np.bincount(array.ravel())) if value]
    return [int(value) for value in np.unique(array[array != 0])]


def _described(found: StructureMasks, segments: List[SegmentEntry], name: str) -> StructureMasks:
    """Structures as the header of a segmentation names and numbers them."""
    notes: List[str] = []
    by_place = {(structure.layer, structure.value): structure for structure in found.structures}
    if len(found.structures) != len(by_place):
        raise ValueError("Two structures share their voxels.")
    distinct = len({segment.value for segment in segments}) == len(segments)
    structures: List[StructureMask] = []
    for order, segment in enumerate(segments, start=1):
        structure = by_place.pop((segment.layer, segment.value), None)
        if segment.value == 0:
            notes.append(f'Segment "{segment.name}" of {name} has the label value 0, background, and is left out.')
        elif structure is None:
            notes.append(f'Segment "{segment.name}" of {name} is empty and left out.')
        else:
            label = segment.value if distinct else order
            structures.append(StructureMask(label, structure.layer, structure.value, segment.name, segment.color))
    others = list(by_place.values())
    structures += _unnamed(others, structures)
    labels = dict.fromkeys(other.label for other in others)
    notes += [f"{name} holds the label {label}, which none of its segments describes." for label in labels]
    if not distinct and any(not structure.name for structure in structures):
        notes.append(f"Segments of {name} share label values, so they are numbered in their order.")
    return StructureMasks(found.layers, tuple(sorted(structures, key=lambda s: s.label)), tuple(notes))


def _unnamed(others, structures: List[StructureMask]) -> List[StructureMask]:
    """Structures that no segment describes, with numbers of their own."""
    taken, found = {structure.label for structure in structures}, []
    for other in others:
        label = other.label if other.label not in taken else 1 + max(taken)
        taken.add(label)
        found.append(StructureMask(label, other.layer, other.value))
    return found
