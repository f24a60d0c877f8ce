"""Affine maps of points as 4 x 4 matrices: least squares rigid ones, and their flow in time.

``[[M, t], [0, 1]]`` maps a point x to M x + t.
"""

from typing import Optional, Tuple

import numpy as np
import SimpleITK as sitk

from .grid import Grid
from .linear import affine_of

ROOTS = 6  # square roots taken before the series of the logarithm
TERMS = 12  # of the series


def matrix_of(transform: sitk.Transform) -> np.ndarray:
    """The matrix of a linear transform of any kind (LPS mm)."""
    affine = affine_of(transform)
    return _matrix(np.reshape(affine.GetMatrix(), (3, 3)), affine.GetTranslation())


def frame_of(grid: Grid) -> np.ndarray:
    """What leads from the frame of :mod:`.flow_points` of an orthogonal grid to LPS mm."""
    directions = np.reshape(grid.direction, (3, 3))[:, ::-1]
    corner = grid.index_to_physical([[-0.5] * 3])[0]
    return _matrix(directions, corner)


def best_rotation(source: np.ndarray, target: np.ndarray, weights: Optional[np.ndarray] = None) -> np.ndarray:
    """Least squares rotation (3, 3) from points (N, 3) to others, both about their weighted mean.

    Source: Kabsch, Acta Crystallographica A32, 1976. ITK's LandmarkBasedTransformInitializer gives the same numbers,
    except for points on a line, such as vertebrae: there it may turn by 180 degrees about the line where this one does
    not turn.
    """
    weights = np.ones(len(source)) if weights is None else weights
    source, target = (points - _mean(points, weights) for points in (source, target))
    u, _, vt = np.linalg.svd((target * weights[:, None]).T @ source)
    return u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt


def best_rigid(source: np.ndarray, target: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The rigid map, as a matrix, that brings points (N, 3) to others with the least weighted sum of squares."""
    rotation = best_rotation(source, target, weights)
    return _matrix(rotation, _mean(target, weights) - rotation @ _mean(source, weights))


def apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points (N, 3) through a map."""
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def logarithm(matrix: np.ndarray) -> np.ndarray:
    """The stationary velocity ``x -> L [x, 1]``, as a matrix L, whose flow after unit time is a map near the identity.

    Square roots bring the map near the identity, where the series of the logarithm converges fast (inverse scaling and
    squaring; Arsigny et al., WBIR 2006); the roots by the iteration of Denman and Beavers, 1976.
    """
    root = matrix
    for _ in range(ROOTS):
        root = _square_root(root)
    rest, power, total = root - np.eye(4), np.eye(4), np.zeros((4, 4))
    for term in range(1, TERMS + 1):
        power = power @ rest
        total += power * ((-1) ** (term + 1) / term)
    return total * 2**ROOTS


def exponential(velocity: np.ndarray) -> np.ndarray:
    """The map that a velocity, as :func:`logarithm` gives it, leads to after unit time."""
    scaled, power, total = velocity / 2**ROOTS, np.eye(4), np.eye(4)
    for term in range(1, TERMS + 1):
        power = power @ scaled / term
        total += power
    for _ in range(ROOTS):
        total = total @ total
    return total


def _square_root(matrix: np.ndarray) -> np.ndarray:
    root, inverse = matrix, np.eye(4)
    for _ in range(20):
        root, inverse, before = (root + np.linalg.inv(inverse)) / 2, (inverse + np.linalg.inv(root)) / 2, root
        if np.abs(root - before).max() < 1e-12 * np.abs(root).max():
            break
    return root


def _matrix(linear, shift) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = linear, shift
    return matrix


def _mean(points: np.ndarray, weights: np.ndarray) -> Tuple[float, ...]:
    return weights @ points / weights.sum()
