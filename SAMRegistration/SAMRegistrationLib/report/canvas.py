"""Drawing on pictures held as float arrays (H, W, 3), red, green, blue in [0, 1]."""

from io import BytesIO
from typing import List, Tuple

import numpy as np
from PIL import Image

BACKGROUND = (0.055, 0.066, 0.105)
FOLD_STRIPES = ((1.0, 1.0, 1.0), (0.85, 0.0, 0.75))


def resize(values: np.ndarray, shape: Tuple[int, int]) -> np.ndarray:
    """Linear interpolation of (H, W[, C]) to another `shape` of the same extent, pixel borders included."""
    values = np.asarray(values, dtype=np.float32)
    for axis, size in enumerate(shape):
        old = values.shape[axis]
        position = np.clip((np.arange(size) + 0.5) * old / size - 0.5, 0, old - 1)
        low = np.minimum(position.astype(int), max(old - 2, 0))
        weight = (position - low).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(values.ndim)])
        high = np.minimum(low + 1, old - 1)
        values = np.take(values, low, axis) * (1 - weight) + np.take(values, high, axis) * weight
    return values


def gray(values: np.ndarray, window: Tuple[float, float]) -> np.ndarray:
    """Gray picture of `values` (H, W); `window` holds what becomes black and what becomes white."""
    low, high = window
    return np.repeat(np.clip((values - low) / ((high - low) or 1.0), 0, 1)[..., None], 3, axis=2)


def blend(picture: np.ndarray, color, opacity: np.ndarray) -> np.ndarray:
    """`picture` under a color (or another picture) of the given `opacity` (H, W)."""
    return picture * (1 - opacity[..., None]) + np.asarray(color) * opacity[..., None]


def checkerboard(first: np.ndarray, second: np.ndarray, tile: int) -> np.ndarray:
    """Tiles of `tile` pixels, in turn from two pictures."""
    rows, columns = np.indices(first.shape[:2]) // tile
    return np.where(((rows + columns) % 2 == 0)[..., None], first, second)


def level_line(values: np.ndarray, level: float, width: float) -> np.ndarray:
    """Opacity (H, W) of a smooth line of `width` pixels where `values` cross `level`."""
    return _line(np.abs(values - level) / _slope(values), width)


def grid_lines(coordinate: np.ndarray, step: float, width: float) -> np.ndarray:
    """Opacity (H, W) of lines of `width` pixels where `coordinate` is a multiple of `step`."""
    coordinate = coordinate / step
    return _line(np.abs((coordinate + 0.5) % 1 - 0.5) / _slope(coordinate), width)


def dashes(shape: Tuple[int, int], length: int) -> np.ndarray:
    """Opacity (H, W) that cuts a line of any direction into dashes of about `length` pixels."""
    rows, columns = np.indices(shape)
    return (((rows // length) + (columns // length)) % 2 == 0).astype(np.float32)


def diverging(values: np.ndarray, limit: float) -> np.ndarray:
    """Colors for values round 0: blue below, dark at 0, orange above, full at `limit`."""
    share = np.clip(values / limit, -1, 1)[..., None]
    middle, low, high = np.array((0.13, 0.14, 0.19)), np.array((0.30, 0.70, 1.0)), np.array((1.0, 0.58, 0.20))
    return middle + np.abs(share) * (np.where(share < 0, low, high) - middle)


def sequential(values: np.ndarray, limit: float) -> np.ndarray:
    """Colors for values from 0, dark, over violet to yellow, full at `limit`."""
    stops = np.array([(0.10, 0.10, 0.16), (0.45, 0.20, 0.62), (0.93, 0.42, 0.36), (1.0, 0.92, 0.40)])
    place = np.clip(values / limit, 0, 1) * (len(stops) - 1)
    return np.stack([np.interp(place, np.arange(len(stops)), channel) for channel in stops.T], axis=-1)


def mark_folds(picture: np.ndarray, folded: np.ndarray) -> np.ndarray:
    """Stripe the `folded` pixels (bool, H, W) and put a white ring round each place, so that a small one is seen."""
    if not folded.any():
        return picture
    rows, columns = np.indices(folded.shape)
    stripes = np.where((((rows + columns) // 3) % 2 == 0)[..., None], *map(np.array, FOLD_STRIPES))
    picture = np.where(folded[..., None], stripes, picture)
    remaining, radius = folded.copy(), max(9.0, min(folded.shape) / 28)
    while remaining.any():
        row, column = np.argwhere(remaining)[0]
        near = np.hypot(rows - row, columns - column)
        group = remaining & (near <= 2 * radius)
        center = np.argwhere(group).mean(axis=0)
        distance = np.hypot(rows - center[0], columns - center[1])
        picture = blend(picture, (1.0, 1.0, 1.0), _line(np.abs(distance - radius), 2.0))
        remaining &= near > 2 * radius
    return picture


def side_by_side(pictures: List[np.ndarray], gap: int = 8) -> np.ndarray:
    """Pictures of any height beside each other, `gap` pixels apart, each in the middle of the height."""
    height = max(picture.shape[0] for picture in pictures)
    sheet = blank(height, sum(picture.shape[1] for picture in pictures) + gap * (len(pictures) - 1))
    left = 0
    for picture in pictures:
        put(sheet, picture, (height - picture.shape[0]) // 2, left)
        left += picture.shape[1] + gap
    return sheet


def blank(height: int, width: int) -> np.ndarray:
    """A picture of the background's color."""
    return np.tile(np.array(BACKGROUND, dtype=np.float32), (height, width, 1))


def put(sheet: np.ndarray, picture: np.ndarray, row: int, column: int) -> None:
    """Put `picture` into `sheet` with its top left corner at `row`, `column`."""
    sheet[row : row + picture.shape[0], column : column + picture.shape[1]] = picture


def png(picture: np.ndarray) -> bytes:
    """The picture as a PNG file."""
    file = BytesIO()
    pixels = np.round(255 * np.clip(picture, 0, 1)).astype(np.uint8)
    Image.fromarray(pixels).save(file, "PNG", compress_level=4)  # the highest level takes seven times as long
    return file.getvalue()


def _slope(values: np.ndarray) -> np.ndarray:
    return np.maximum(np.hypot(*np.gradient(values)), 1e-6)


def _line(distance: np.ndarray, width: float) -> np.ndarray:
    return np.clip(width / 2 - distance + 0.5, 0, 1)
