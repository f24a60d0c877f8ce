"""Slices with places of their own as a volume on a regular grid."""

from typing import List, Sequence, Tuple

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..geometry.grid import Grid
from .dicom_headers import DicomSlice

NEAR = 0.02  # of a voxel by which slices may be off a regular grid
GAP = 1.5  # times the usual distance, above which slices may be missing
MOST_SLICES = 4000


def stack(slices: Sequence[DicomSlice], pixels: np.ndarray, name: str) -> Tuple[sitk.Image, List[str]]:
    """A volume (LPS mm) from parallel slices in the order of their places, and notes about what was put right.

    Slices that are shifted within their planes (a tilted gantry) are moved to their places, and slices at different
    distances are interpolated at the smallest one, both linearly.

    Args:
        slices: two or more, of one size and orientation, each at another place.
        pixels: their voxels (z, y, x).
        name: what to call the volume in errors.

    Raises:
        InputError: a single slice, or missing ones.
    """
    if len(slices) < 2:
        raise InputError(f"{name} holds a single slice ({slices[0].path.name}); a volume needs two at least.")
    axes, spacing = slices[0].axes, np.asarray(slices[0].spacing)
    normal = np.cross(*axes)
    normal /= np.linalg.norm(normal)
    offsets = np.stack([one.position for one in slices]) - slices[0].position
    heights = offsets @ normal
    _require_no_gap(slices, heights, name)
    shifts = offsets @ axes.T / spacing
    usual = float(np.median(np.diff(heights)))
    notes: List[str] = []
    if np.abs(shifts).max() > NEAR:
        pixels, first = _unsheared(pixels, shifts)
        angle = np.degrees(np.arctan2(np.linalg.norm(shifts[-1] * spacing), heights[-1]))
        notes.append(
            f"The slices of {name} are shifted against each other (a tilt of {angle:.1f} degrees); they were resampled "
            "to a regular grid."
        )
    else:
        first = np.zeros(2)
    distance = heights[-1] / (len(heights) - 1)
    if np.abs(heights - distance * np.arange(len(heights))).max() > NEAR * distance:
        steps = np.diff(heights)
        notes.append(
            f"The slices of {name} lie {steps.min():.4g} to {steps.max():.4g} mm apart; they were interpolated to a "
            f"distance of {min(usual, steps.min()):.4g} mm."
        )
        pixels, distance = _evenly(pixels, heights, name)
    origin = slices[0].position + (first * spacing) @ axes
    direction = np.stack([*axes, normal], axis=1)
    grid = Grid(pixels.shape[::-1], (*spacing, distance), tuple(origin), tuple(direction.ravel()))
    return grid.image(pixels), notes


def _require_no_gap(slices: Sequence[DicomSlice], heights: np.ndarray, name: str) -> None:
    steps = np.diff(heights)
    usual = float(np.median(steps))
    numbers = [one.number for one in slices]
    counted = None
    if None not in numbers:
        jumps = np.abs(np.diff(numbers))
        counted = jumps if (np.diff(np.sign(np.diff(numbers))) == 0).all() else None
    for index in np.flatnonzero(steps > GAP * usual):
        alone = not any(
            0 <= other < len(steps) and abs(steps[other] - steps[index]) < NEAR * usual
            for other in (index - 1, index + 1)
        )
        skipped = counted is not None and counted[index] > np.median(counted)
        if skipped or (alone and counted is None) or (alone and 0 < index < len(steps) - 1):
            missing = max(round(steps[index] / usual) - 1, 1)
            raise InputError(
                f"{name} lacks about {missing} of its slices between {slices[index].path.name} and "
                f"{slices[index + 1].path.name}, which are {steps[index]:.4g} mm apart where others are "
                f"{usual:.4g} mm; export the series again."
            )


def _unsheared(pixels: np.ndarray, shifts: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Slices moved within their planes to their places, on a grid that holds all of them.

    Args:
        shifts: (n, 2) place of each slice's first voxel, in voxels along x and y.

    Returns:
        The voxels, and the place of the first of them (x, y) in voxels.
    """
    first = np.floor(shifts.min(axis=0) + NEAR)
    size = np.ceil(shifts.max(axis=0) - NEAR).astype(int) - first.astype(int) + pixels.shape[:0:-1]
    outside = float(pixels.min())
    moved = []
    for plane, shift in zip(pixels, shifts):
        image = sitk.GetImageFromArray(plane)
        image.SetOrigin(shift.tolist())
        target = sitk.Image([int(n) for n in size], image.GetPixelID())
        target.SetOrigin(first.tolist())
        moved.append(
            sitk.GetArrayFromImage(
                sitk.Resample(image, target, sitk.Transform(2, sitk.sitkIdentity), sitk.sitkLinear, outside)
            )
        )
    return np.stack(moved), first


def _evenly(pixels: np.ndarray, heights: np.ndarray, name: str) -> Tuple[np.ndarray, float]:
    """Slices interpolated linearly at the smallest of their distances, and that distance in mm."""
    distance = float(np.diff(heights).min())
    number = round(heights[-1] / distance) + 1
    if number > MOST_SLICES:
        raise InputError(f"The slices of {name} are too uneven ({distance:.4g} mm to {np.diff(heights).max():.4g} mm).")
    distance = heights[-1] / (number - 1)
    places = np.clip(np.arange(number) * distance, 0, heights[-1])
    below = np.clip(np.searchsorted(heights, places, side="right") - 1, 0, len(heights) - 2)
    share = ((places - heights[below]) / (heights[below + 1] - heights[below]))[:, None, None]
    mixed = pixels[below] * (1 - share) + pixels[below + 1] * share
    return (np.round(mixed) if pixels.dtype.kind in "iu" else mixed).astype(pixels.dtype), distance
