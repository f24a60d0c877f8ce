"""Geodesic growth: a click model without weights, in which inside and outside grow from the prompts and compete.

Every voxel goes to the side from whose seeds it is reached on the shorter path, where crossing the border between
intensities like those of the inside seeds and others is long (Bai and Sapiro, ICCV 2007; Criminisi, Sharp and Blake,
ECCV 2008). Thin and odd shapes are followed as far as their intensity goes. It runs on the CPU.
"""

from typing import NamedTuple, Sequence

import numpy as np
import SimpleITK as sitk

from ..choices import VOLUMES
from ..errors import InputError
from ..geometry.grid import Grid
from ..job import Job
from .geodesic_distance import geodesic_distance
from .planes import SlicePlane, pixel_size, plane_at, slice_of, voxel_at
from .prompts import LASSO, Prompt
from .regions import deepest
from .slice_clicks import prompts_in_plane
from .strokes import prompt_outline, prompt_voxels, voxel_of
from .volume_model import StructurePrompts, Volume, VolumeModel

_MIN_TOLERANCE = 0.05  # of [0, 1]: what differs less has the intensity of the structure
_NOISE = 0.02  # of [0, 1]: noise from which on intensities are smoothed
_CORE = 5.0  # mm: a mask that is corrected is taken for right farther than this from its border
_RELEASED = 10.0  # mm: but not as near as this to a click that contradicts it


class Seeds(NamedTuple):
    """Voxels that are known, bool (z, y, x)."""

    inside: np.ndarray
    outside: np.ndarray


class GeodesicModel(VolumeModel):
    """See the module. `device` is ignored."""

    name = "geodesic"
    capabilities = VOLUMES

    def __init__(self, device: str = "cpu"):
        del device

    def predict(self, volume: Volume, prompts: StructurePrompts, job: Job) -> np.ndarray:
        """See :meth:`VolumeModel.predict`.

        Raises:
            InputError: there is no positive point and no box, nor a mask to correct.
        """
        spacing = volume.grid.spacing[::-1]
        seeds = _clicked(prompts.structure.prompts, volume.grid)
        if prompts.imported is not None and prompts.imported.any():
            seeds = _with_core(seeds, prompts.imported.astype(bool), spacing)
        if not seeds.inside.any():
            raise InputError(
                f"Click at least once inside {prompts.structure.name} before it is extended to the volume."
            )
        return _compete(volume.array, seeds, spacing, job).astype(np.uint8)

    def preview(self, volume: Volume, prompts: StructurePrompts, plane: SlicePlane) -> np.ndarray:
        """See :meth:`VolumeModel.preview`; growth in the slice alone, by its own prompts."""
        spacing = (1.0, *pixel_size(volume.grid, plane.axis))
        here = prompts_in_plane(prompts.structure, volume.grid, plane)
        seeds = Seeds(*(slice_of(part, plane)[None] for part in _clicked(here, volume.grid)))
        base = prompts.base(volume.grid, plane)
        if base is not None and base.any():
            seeds = _with_core(seeds, base[None], spacing)
        if not seeds.inside.any():
            return np.zeros(seeds.inside.shape[1:], dtype=bool)
        return _compete(slice_of(volume.array, plane)[None], seeds, spacing, Job())[0]


def _compete(values: np.ndarray, seeds: Seeds, spacing: Sequence[float], job: Job) -> np.ndarray:
    """Bool (z, y, x): which voxels are nearer to the inside seeds than to the outside seeds."""
    likelihood = _likelihood(values, seeds.inside)
    borders = _borders(values.shape)
    unlike = borders & (likelihood < 0.5)
    outside = (seeds.outside | (unlike if unlike.any() else borders)) & ~seeds.inside
    diagonal = float(np.linalg.norm(np.multiply(values.shape, spacing)))
    fronts = np.stack([seeds.inside, outside])
    near, far = geodesic_distance(likelihood, fronts, spacing, diagonal, min(spacing), job)
    return near < far


def _likelihood(values: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """float32 (z, y, x) in [0, 1]: how much intensities are like those of the inside seeds."""
    noise = _noise(values)
    if noise > _NOISE:
        radius = [int(size > 1) for size in values.shape[::-1]]
        values = sitk.GetArrayFromImage(sitk.Median(sitk.GetImageFromArray(values), radius))
        noise = _noise(values)
    tolerance = max(_MIN_TOLERANCE, 3 * noise)
    low, high = np.percentile(values[inside], [5, 95])
    difference = np.maximum(np.maximum(low - values, values - high), 0)
    return np.clip(2 - difference / np.float32(tolerance), 0, 1).astype(np.float32)


def _noise(values: np.ndarray) -> float:
    """Standard deviation of noise: from the median absolute difference of neighbors in a row."""
    return float(np.median(np.abs(np.diff(values, axis=2)))) / (0.6745 * np.sqrt(2)) if values.shape[2] > 1 else 0.0


def _borders(shape: Sequence[int]) -> np.ndarray:
    borders = np.zeros(shape, dtype=bool)
    for axis, size in enumerate(shape):
        if size > 1:
            np.moveaxis(borders, axis, 0)[[0, -1]] = True
    return borders


def _clicked(prompts: Sequence[Prompt], grid: Grid) -> Seeds:
    """The voxels of points and scribbles, the middle of boxes and lassos without a positive one in them, and what lies
    around boxes and lassos in their slices."""
    seeds = Seeds(*np.zeros((2, *grid.shape), dtype=bool))
    marks = [
        (index, prompt.says_inside) for prompt in prompts if not prompt.is_area for index in prompt_voxels(prompt, grid)
    ]
    held = {}
    for area in (prompt for prompt in prompts if prompt.is_area):
        plane = plane_at(grid, area.points[0], area.normal)
        inside, middle = _held(area, grid, plane)
        mask = np.zeros(grid.shape, dtype=bool)
        slice_of(mask, plane)[...] = inside
        held[plane] = held.get(plane, False) | inside
        if not any(positive and mask[index[::-1]] for index, positive in marks):
            seeds.inside[middle[::-1]] = True
    for plane, inside in held.items():
        slice_of(seeds.outside, plane)[...] = ~inside
    for index, positive in marks:
        seeds.inside[index[::-1]], seeds.outside[index[::-1]] = positive, not positive
    return seeds


def _held(area: Prompt, grid: Grid, plane: SlicePlane):
    """The pixels, bool (H, W), within a box or lasso, and its middle voxel (i, j, k)."""
    if area.kind == LASSO:
        inside = prompt_outline(area, grid)
        return inside, voxel_of(plane, deepest(inside, pixel_size(grid, plane.axis)))
    low, high = _corners(area, grid, plane)
    mask = np.zeros(grid.shape, dtype=bool)
    mask[tuple(slice(a, b + 1) for a, b in zip(low[::-1], high[::-1]))] = True
    return slice_of(mask, plane), tuple(int(value) for value in (low + high) // 2)


def _corners(box: Prompt, grid: Grid, plane: SlicePlane):
    """Smallest and largest voxel index (i, j, k) of a box."""
    voxels = np.array([voxel_at(grid, point) for point in box.points])
    voxels[:, plane.axis] = plane.index
    return voxels.min(axis=0), voxels.max(axis=0)


def _with_core(seeds: Seeds, mask: np.ndarray, spacing: Sequence[float]) -> Seeds:
    """The seeds with what is taken for right of a mask (bool) that they correct."""
    depth = _signed_distance(mask, spacing)
    inside = (depth > _CORE) & (_distance(seeds.outside, spacing) > _RELEASED)
    outside = (depth < -_CORE) & (_distance(seeds.inside, spacing) > _RELEASED)
    if not inside.any() and not seeds.inside.any():
        inside = (depth == depth.max()) & ~seeds.outside
    return Seeds((seeds.inside | inside) & ~seeds.outside, (seeds.outside | outside) & ~seeds.inside)


def _signed_distance(mask: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """Distance in mm to the border, positive inside."""
    return _distance(~mask, spacing) - _distance(mask, spacing)


def _distance(target: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """Distance in mm to the nearest voxel of a mask, 0 in it; infinite where the mask is empty."""
    if not target.any():
        return np.full(target.shape, np.inf, dtype=np.float32)
    image = sitk.GetImageFromArray(target.astype(np.uint8))
    image.SetSpacing([float(size) for size in spacing[::-1]])
    distance = sitk.SignedMaurerDistanceMap(image, squaredDistance=False, useImageSpacing=True)
    return np.maximum(sitk.GetArrayFromImage(distance), 0)
