"""Corrections stay where they were made: a click changes its own surroundings and leaves the rest of the mask alone."""

import numpy as np
import SimpleITK as sitk


def local_change(previous: np.ndarray, proposed: np.ndarray, points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The previous logits with those parts of the proposed ones that clicks ask for.

    A click that the previous mask contradicts adds (label 1) or removes (label 0) the connected region around it that
    the proposed mask adds or removes, as far as no click of the other label is nearer. When the previous mask
    contradicts no click, the proposed logits are taken as they are.

    Args:
        previous, proposed: (h, w) logits, inside where > 0.
        points: (N, 2) clicks (x, y) in pixels of these logits.
        labels: (N,) 1 inside, 0 outside.
    """
    result = previous.copy()
    height, width = previous.shape
    columns, rows = np.clip(np.rint(points).astype(int), 0, (width - 1, height - 1)).T
    contradicted = (previous[rows, columns] > 0) != (labels == 1)
    if not contradicted.any():
        return proposed
    distance = {label: _distance(points[labels == label], previous.shape) for label in (0, 1)}
    for row, column, label in zip(rows[contradicted], columns[contradicted], labels[contradicted]):
        wanted = (proposed > 0) == (label == 1)
        region = wanted & ((previous > 0) != (label == 1)) & (distance[label] <= distance[1 - label])
        parts = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(region.astype(np.uint8))))
        if parts[row, column]:
            chosen = parts == parts[row, column]
            result[chosen] = proposed[chosen]
    return result


def _distance(points, shape):
    """Distance (h, w) to the nearest of the points, infinite without any."""
    y, x = np.indices(shape)
    return np.min([np.hypot(x - column, y - row) for column, row in points] + [np.full(shape, np.inf)], 0)
