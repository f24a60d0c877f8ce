"""Geometry of 2D masks: components, depth, bounding boxes. Masks are bool (H, W); pixels are (column, row)."""

from typing import List, Optional, Sequence, Tuple

import numpy as np
import SimpleITK as sitk

from ..geometry.boxes import box_of, marked_bounds

PixelSize = Tuple[float, float]
_FAR = 20.0  # diagonals of a slice: the distance of a border that is not there


def components(mask: np.ndarray) -> List[np.ndarray]:
    """The 8-connected parts of a mask, largest first."""
    if not mask.any():
        return []
    labels = sitk.GetArrayFromImage(_connected(mask))
    sizes = np.bincount(labels.ravel())[1:]
    return [labels == label + 1 for label in np.argsort(-sizes, kind="stable")]


def component_at(mask: np.ndarray, pixel: Sequence[int]) -> np.ndarray:
    """The 8-connected part of a mask that contains `pixel` (column, row); empty when that pixel is outside."""
    return components_at(mask, [pixel])


def components_at(mask: np.ndarray, pixels: Sequence[Sequence[int]]) -> np.ndarray:
    """The 8-connected parts of a mask that contain one of the `pixels` (column, row)."""
    touched = [pixel for pixel in pixels if mask[pixel[1], pixel[0]]]
    if not touched:
        return np.zeros_like(mask, dtype=bool)
    labels = sitk.GetArrayFromImage(_connected(mask))
    return np.isin(labels, [labels[row, column] for column, row in touched])


def depth(mask: np.ndarray, pixel_size: PixelSize = (1.0, 1.0)) -> np.ndarray:
    """Distance in mm from every pixel inside to the nearest pixel outside (the slice's border counts as outside)."""
    result, bounds = np.zeros(mask.shape, dtype=np.float32), marked_bounds(mask)
    if bounds is not None:
        part = box_of(bounds)
        outside = np.pad(~mask[part].astype(bool), 1, constant_values=True)
        result[part] = _distance_to(outside, pixel_size)[1:-1, 1:-1]
    return result


def signed_distance(mask: np.ndarray, pixel_size: PixelSize = (1.0, 1.0)) -> np.ndarray:
    """Distance in mm to the border of a mask, positive inside, negative outside; the slice's border is no border."""
    if mask.all() or not mask.any():
        far = _FAR * float(np.hypot(mask.shape[0] * pixel_size[0], mask.shape[1] * pixel_size[1]))
        return np.full(mask.shape, far if mask.any() else -far, dtype=np.float32)
    return _distance_to(~mask, pixel_size) - _distance_to(mask, pixel_size)


def shape_between(a: np.ndarray, b: np.ndarray, t: float, pixel_size: PixelSize = (1.0, 1.0)) -> np.ndarray:
    """Signed distance (mm) of the shape at fraction `t` of the way from mask `a` to mask `b`, neither empty.

    Both shapes are moved so that their centers of mass meet on the straight line between them (to the pixel), then
    their signed distances are averaged (shape-based interpolation: Raya and Udupa, IEEE TMI 1990).
    """
    way = _middle(b) - _middle(a)
    parts = [(a, t * way, 1 - t), (b, (t - 1) * way, t)]
    return sum(weight * signed_distance(_moved(mask, shift), pixel_size) for mask, shift, weight in parts)


def deepest(mask: np.ndarray, pixel_size: PixelSize = (1.0, 1.0)) -> Tuple[int, int]:
    """The pixel (column, row) of a non-empty mask that lies farthest inside."""
    row, column = np.unravel_index(np.argmax(depth(mask, pixel_size)), mask.shape)
    return int(column), int(row)


def bounding_box(mask: np.ndarray) -> Optional[np.ndarray]:
    """(4,) first column, first row, last column, last row of a mask; None when it is empty."""
    bounds = marked_bounds(mask)
    if bounds is None:
        return None
    rows, columns = bounds
    return np.array([columns[0], rows[0], columns[1], rows[1]], dtype=np.float64)


def slices_of_box(box: Sequence[float], shape: Tuple[int, int], margin: float) -> Tuple[slice, slice]:
    """(Rows, columns) of a box x0, y0, x1, y1 widened by `margin` of its longer side, cut to a slice of `shape`."""
    grow = margin * max(box[2] - box[0], box[3] - box[1])
    first = [max(int(np.floor(low - grow)), 0) for low in (box[1], box[0])]
    last = [min(int(np.ceil(high + grow)), size - 1) for high, size in zip((box[3], box[2]), shape)]
    return slice(first[0], last[0] + 1), slice(first[1], last[1] + 1)


def intersection_over_union(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two masks; 1 when both are empty."""
    union = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / union if union else 1.0


def _distance_to(target: np.ndarray, pixel_size: PixelSize) -> np.ndarray:
    """float32 distance in mm from every pixel to the nearest pixel of a non-empty mask, 0 in it."""
    image = sitk.GetImageFromArray(target.astype(np.uint8))
    image.SetSpacing((float(pixel_size[1]), float(pixel_size[0])))
    distance = sitk.SignedMaurerDistanceMap(image, squaredDistance=False, useImageSpacing=True)
    return np.maximum(sitk.GetArrayFromImage(distance), 0.0)


def _middle(mask: np.ndarray) -> np.ndarray:
    return np.argwhere(mask).mean(axis=0)


def _moved(mask: np.ndarray, shift: np.ndarray) -> np.ndarray:
    rows, columns = np.nonzero(mask)
    rows, columns = rows + round(float(shift[0])), columns + round(float(shift[1]))
    kept = (rows >= 0) & (rows < mask.shape[0]) & (columns >= 0) & (columns < mask.shape[1])
    result = np.zeros_like(mask)
    result[rows[kept], columns[kept]] = True
    return result


def _connected(mask: np.ndarray) -> sitk.Image:
    return sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8)), True)
