"""Geodesic distances in a volume: shortest paths on which every change of a map costs extra.

A path goes from a voxel to any of its 26 neighbors; a step costs its length in mm and a weight times the change of the
map (weighted distances of gray-level images: Toivanen, Pattern Recognition Letters 17, 1996). Raster scans across
planes, in six directions, are repeated until the distances settle, which gives the shortest paths of that graph.
"""

import itertools
from typing import Sequence

import numpy as np

from ..job import Job

_MAX_SCANS = 64


def geodesic_distance(
    likelihood: np.ndarray, seeds: np.ndarray, spacing: Sequence[float], weight: float, tolerance: float, job: Job
) -> np.ndarray:
    """Distances from seeds, for several fronts at once.

    Args:
        likelihood: float32 (z, y, x), the map whose changes cost extra.
        seeds: bool (fronts, z, y, x).
        spacing: size of a voxel (z, y, x) in mm.
        weight: what a change of the map by 1 costs, in mm.
        tolerance: the scans end when no distance was shortened by more than this, in mm.
        job: progress and cancel.

    Returns:
        float32 (fronts, z, y, x) in mm, 0 at the seeds, infinite for a front without seeds.

    Raises:
        Canceled: the job was canceled.
    """
    distance = np.where(seeds, np.float32(0), np.float32(np.inf))
    weighted = np.float32(weight) * np.asarray(likelihood, dtype=np.float32)
    for scan in range(_MAX_SCANS):
        before = distance.copy()
        for axis in range(3):
            _scan(distance, weighted, spacing, axis, job)
        job.update(1 - 0.5 ** (scan + 1), "geodesic distances")
        if np.all(before <= distance + np.float32(tolerance)):
            break
    return distance


def _scan(distance: np.ndarray, weighted: np.ndarray, spacing: Sequence[float], axis: int, job: Job) -> None:
    """One pass forward and one back across `axis`, in place."""
    planes = np.ascontiguousarray(np.moveaxis(distance, axis + 1, 0))
    maps = np.ascontiguousarray(np.moveaxis(weighted, axis, 0))
    in_plane = [spacing[other] for other in range(3) if other != axis]
    count = len(planes)
    for order, back in ((range(1, count), -1), (range(count - 2, -1, -1), 1)):
        for index in order:
            job.check()
            _relax(planes[index], planes[index + back], maps[index], maps[index + back], spacing[axis], in_plane)
    distance[...] = np.moveaxis(planes, 0, axis + 1)


def _relax(here, there, map_here, map_there, step: float, in_plane: Sequence[float]) -> None:
    """Shorten the distances of a plane (fronts, H, W), in place, by steps from the plane beside it."""
    for rows, columns in itertools.product((-1, 0, 1), repeat=2):
        to, source = (_shifted(rows), _shifted(columns)), (_shifted(-rows), _shifted(-columns))
        cost = np.abs(map_here[to] - map_there[source])
        cost += np.float32(np.sqrt(step**2 + (rows * in_plane[0]) ** 2 + (columns * in_plane[1]) ** 2))
        for front in range(len(here)):
            np.minimum(here[front][to], there[front][source] + cost, out=here[front][to])


def _shifted(offset: int) -> slice:
    return slice(max(offset, 0), offset if offset < 0 else None)
