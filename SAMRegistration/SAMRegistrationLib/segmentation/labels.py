"""Label images: many structures in one volume, and masks that come from elsewhere."""

from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..geometry.grid import Grid

_MOST_LABELS = 1000


class LabelledMask(NamedTuple):
    """The mask (z, y, x) of one structure and its label."""

    label: int
    mask: np.ndarray


class ImportedStructure(NamedTuple):
    """A structure found in a label map: its value there, name, color if known, and mask (z, y, x) on another grid."""

    label: int
    name: str
    color: Optional[Tuple[float, float, float]]
    mask: np.ndarray


def join_labels(masks: Sequence[LabelledMask], grid: Grid) -> np.ndarray:
    """One label array (z, y, x), uint8 or uint16; where masks overlap the smaller structure is on top."""
    highest = max([0] + [entry.label for entry in masks])
    labels = np.zeros(grid.shape, dtype=np.uint8 if highest < 256 else np.uint16)
    for entry in sorted(masks, key=lambda entry: -np.count_nonzero(entry.mask)):
        labels[entry.mask > 0] = entry.label
    return labels


def read_structures(image: sitk.Image, grid: Grid, names: Optional[Dict[int, str]] = None) -> List[ImportedStructure]:
    """The structures of any label map or segmentation, resampled (nearest neighbour) to `grid`.

    Args:
        image: integer label map on any grid; also Slicer's .seg.nrrd with its names, colors and overlapping layers.
        grid: where the masks are wanted.
        names: label -> name, used where the image itself does not name a segment.

    Raises:
        InputError: the image is no label map, is empty, or does not overlap `grid` at all.
    """
    if image.GetDimension() != 3:
        raise InputError("A label map needs three dimensions.")
    layers = [image]
    if image.GetNumberOfComponentsPerPixel() > 1:
        layers = [sitk.VectorIndexSelectionCast(image, n) for n in range(image.GetNumberOfComponentsPerPixel())]
    segments = _named_segments(image) or _all_labels(layers)
    if not segments:
        raise InputError("The label map is empty; choose one with at least one structure.")
    reference = grid.empty_image()
    arrays = [_resampled(layer, reference) for layer in layers]
    names = names or {}
    found = []
    for segment in segments:
        name = segment["name"] or names.get(segment["value"], f"Structure {segment['value']}")
        mask = (arrays[segment["layer"]] == segment["value"]).astype(np.uint8)
        found.append(ImportedStructure(segment["value"], name, segment["color"], mask))
    if not any(structure.mask.any() for structure in found):
        raise InputError("No structure of the label map lies within the volume; check that both show the same place.")
    return found


def _resampled(layer: sitk.Image, reference: sitk.Image) -> np.ndarray:
    whole = sitk.Cast(layer, sitk.sitkInt32)
    return sitk.GetArrayFromImage(sitk.Resample(whole, reference, sitk.Transform(), sitk.sitkNearestNeighbor, 0))


def _all_labels(layers: List[sitk.Image]) -> List[dict]:
    segments = []
    for number, layer in enumerate(layers):
        values = np.unique(sitk.GetArrayViewFromImage(layer))
        if not np.array_equal(values, np.round(values)) or values.min() < 0:
            raise InputError("A label map holds whole numbers from 0 up; this image holds other values.")
        if len(values) > _MOST_LABELS:
            raise InputError(f"This image has {len(values)} different values; it does not look like a label map.")
        segments += [{"value": int(v), "layer": number, "name": "", "color": None} for v in values if v > 0]
    return segments


def _named_segments(image: sitk.Image) -> List[dict]:
    """Segments described in the header of a .seg.nrrd file."""
    keys = set(image.GetMetaDataKeys())
    segments = []
    while f"Segment{len(segments)}_LabelValue" in keys:
        prefix = f"Segment{len(segments)}_"

        def value(name, default, prefix=prefix):
            return image.GetMetaData(prefix + name) if prefix + name in keys else default

        color = value("Color", "")
        segments.append(
            {
                "value": int(value("LabelValue", "0")),
                "layer": int(value("Layer", "0")),
                "name": value("Name", ""),
                "color": tuple(float(c) for c in color.split()) if color else None,
            }
        )
    return segments
