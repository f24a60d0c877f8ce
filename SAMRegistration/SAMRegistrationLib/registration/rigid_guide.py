"""Rigid regions as guides: after every step the velocity is made to carry each region as one rigid body.

A rigid motion is fitted to where the points of a region go. The velocity whose flow is that motion is an affine
function of the place; it replaces the velocity wherever points of the region pass through while they flow, and fades
into it around (polyaffine transforms; Arsigny, Commowick, Pennec and Ayache, WBIR 2006).

What is rigid is the whole mapping, in millimeters: where the pre-alignment scales or shears, the deformation undoes it.
"""

from typing import Optional, Tuple

import numpy as np
import SimpleITK as sitk
import torch

from ..geometry import dense
from ..geometry.affine_maps import apply, best_rigid, exponential, frame_of, logarithm, matrix_of
from ..geometry.flow_points import centers, extent, from_physical, trajectories
from ..geometry.grid import Grid
from ..volumes import StructureMasks
from .guidance import LandmarkPairs

MOST_POINTS = 2000  # of a region, to which the motion is fitted
MARGIN = 1.5  # voxels around a region that move as it does at the end, so that interpolation in it sees nothing else
TRANSITION = 2.0  # voxels over which its motion fades
TRANSITIONS = (3.0, 4.5, 7.0, 10.0, 15.0)  # at the end: the first with which nothing folds
LEAST_JACOBIAN = 0.1  # of the deformation, below which a transition is too short
MOST_TIMES = 40  # at which the place of a region is looked at
NEAREST = 0.05  # voxels; nearer than that counts as inside
SHARPNESS = 3  # with which the nearer of two regions prevails
FARTHEST = MARGIN + max(TRANSITIONS) + 2  # voxels around a region in which distances are known
IDENTITY = sitk.Transform(3, sitk.sitkIdentity)


class RigidGuide:
    """Projects the velocity of a registration to rigid motions of regions.

    Args:
        regions: in fixed space, on any grid; they do not overlap.
        grid: the working grid.
        stored: the grid on which the velocity is turned into the result, of the same extent.
        before, after: linear transforms (LPS mm) that come before and after the flow of the velocity, in a mapping that
            is rigid in each region.
        landmarks: those within a region tell its motion as well.
    """

    def __init__(
        self,
        regions: StructureMasks,
        grid: Grid,
        stored: Grid,
        before: sitk.Transform,
        after: sitk.Transform,
        landmarks: Optional[LandmarkPairs] = None,
    ):
        self._lengths = torch.from_numpy(extent(grid)).float()
        self._start, self._end = (matrix_of(linear) @ frame_of(grid) for linear in (before, after))
        self._bodies = [_Body(regions, label, grid, stored, landmarks) for label in regions.labels]

    def __call__(self, velocity: torch.Tensor) -> torch.Tensor:
        """The velocity (1, 3, d, h, w; voxels of its own grid over the extent of the working grid), projected.

        What is next to a region is left as it is, as far as it goes, so that repeating it binds nothing else.
        """
        return self._projected(velocity, 0.0, TRANSITION)

    def settle(self, velocity: torch.Tensor) -> torch.Tensor:
        """The velocity, on the grid on which it is turned into the result, with which regions are rigid exactly."""
        least = min(LEAST_JACOBIAN, _least_jacobian(velocity))
        for transition in TRANSITIONS:
            found = self._projected(velocity, MARGIN, transition)
            if _least_jacobian(found) >= least:
                break
        return found

    def _projected(self, velocity: torch.Tensor, margin: float, transition: float) -> torch.Tensor:
        lengths = self._lengths.to(velocity)
        spacing = (lengths / torch.tensor(velocity.shape[2:], device=velocity.device)).view(1, 3, 1, 1, 1)
        axes = centers(velocity.shape[2:], lengths)
        blend = _Blend(velocity * spacing)
        for body in self._bodies:
            motion = logarithm(body.motion(velocity, lengths, self._start, self._end))
            times = body.times(motion)
            box = body.reach(motion, times, margin + transition, axes)
            places = torch.stack(torch.meshgrid(*(axis[part] for axis, part in zip(axes, box)), indexing="ij"), -1)
            if places.numel():
                distance = body.swept(motion, times, places)
                blend.add(box, _affine(motion, places), distance, _fading(distance - margin, transition))
        return blend.result() / spacing


class _Body:
    """One region: its points in the frame of :mod:`..geometry.flow_points`, and the distance to it around it."""

    def __init__(self, regions: StructureMasks, label: int, grid: Grid, stored: Grid, landmarks):
        mask, own = regions.cut(label)
        index = np.argwhere(mask)[:, ::-1]
        index = index[:: -(-len(index) // MOST_POINTS)]
        self._points = from_physical(own.index_to_physical(index), grid)
        self._corners = from_physical(own.corners(), grid)
        self._spacing = np.asarray(stored.spacing[::-1])
        part = _around(grid, own, FARTHEST * np.asarray(stored.spacing))
        share = sitk.Resample(own.image(mask.astype(np.float32)), part.empty_image(), IDENTITY)
        inside = sitk.Cast(share > 0, sitk.sitkUInt8)
        inside.SetSpacing([fine / coarse for fine, coarse in zip(grid.spacing, stored.spacing)])
        outward = sitk.SignedMaurerDistanceMap(inside, False, False, True)  # not squared, in this spacing
        self._distance = torch.from_numpy(sitk.GetArrayFromImage(outward))[None, None].float()
        self._fine = torch.tensor(grid.spacing[::-1]).float()
        self._first = torch.from_numpy(from_physical([part.origin], grid)[0]).float()
        self._landmarks = _landmarks_within(landmarks, regions, label, grid)

    def motion(self, velocity: torch.Tensor, lengths: torch.Tensor, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """The deformation of the region, as a matrix in the frame of the grid, that makes the whole mapping rigid.

        Args:
            start, end: lead from that frame to LPS mm where the whole mapping starts and where it ends.
        """
        ends = trajectories(velocity, torch.from_numpy(self._points).to(velocity), lengths)[-1]
        source, target = apply(start, self._points), apply(end, ends.double().cpu().numpy())
        weights = np.full(len(source), 1 / len(source))
        if self._landmarks is not None:
            here, there = self._landmarks
            source, target = np.concatenate([source, apply(start, here)]), np.concatenate([target, there])
            weights = np.concatenate([weights, np.full(len(here), 1 / len(here))])
        return np.linalg.inv(end) @ best_rigid(source, target, weights) @ start

    def times(self, motion: np.ndarray) -> np.ndarray:
        """Times in [0, 1] between which the region moves by about a voxel of the stored grid at most."""
        steps = np.abs(apply(exponential(motion), self._corners) - self._corners) / self._spacing
        return np.linspace(0, 1, int(min(MOST_TIMES, 2 + np.ceil(steps.max()))))

    def reach(self, motion: np.ndarray, times: np.ndarray, farther: float, axes) -> Tuple[slice, slice, slice]:
        """The part of a grid with voxel centers `axes` that is near where the region passes.

        Args:
            farther: voxels of the stored grid around it.
        """
        corners = np.concatenate([apply(exponential(time * motion), self._corners) for time in times])
        low, high = corners.min(0) - farther * self._spacing, corners.max(0) + farther * self._spacing
        return tuple(
            slice(*np.searchsorted(axis.cpu().numpy(), ends).tolist()) for axis, ends in zip(axes, zip(low, high))
        )

    def swept(self, motion: np.ndarray, times: np.ndarray, places: torch.Tensor) -> torch.Tensor:
        """How far places (d, h, w, 3) are from where the region passes, (1, d, h, w), in voxels of the stored grid."""
        distance, first, fine = (part.to(places) for part in (self._distance, self._first, self._fine))
        nearest = None
        for time in times:
            back = torch.from_numpy(exponential(-time * motion)).to(places)
            index = (places @ back[:3, :3].T + back[:3, 3] - first) / fine
            there = dense.sample(distance, index.permute(3, 0, 1, 2)[None])[:, 0]
            nearest = there if nearest is None else torch.minimum(nearest, there)
        return nearest


class _Blend:
    """A velocity (1, 3, d, h, w) with the motions of bodies; where several reach, the nearest one prevails."""

    def __init__(self, speed: torch.Tensor):
        self._speed = speed
        self._held, self._total = (torch.zeros_like(speed[:, :1]) for _ in range(2))
        self._aimed = torch.zeros_like(speed)

    def add(self, box, aimed: torch.Tensor, distance: torch.Tensor, weight: torch.Tensor) -> None:
        """A body's velocity in a part of the grid, with the distance to it and its weight."""
        part = (slice(None), slice(None), *box)
        near = (weight / distance.clamp_min(NEAREST) ** SHARPNESS)[:, None]
        self._total[part] += near
        self._aimed[part] += aimed * near
        self._held[part] = torch.maximum(self._held[part], weight[:, None])

    def result(self) -> torch.Tensor:
        """The velocity with all that was added."""
        aimed = self._aimed / self._total.clamp_min(torch.finfo(self._speed.dtype).tiny)
        return self._speed * (1 - self._held) + aimed * self._held


def _around(grid: Grid, part: Grid, margin: np.ndarray) -> Grid:
    """The voxels of `grid` within a margin (mm along its axes) of the voxels of another one, not cut at its border."""
    index, width = grid.physical_to_index(part.corners()), margin / np.asarray(grid.spacing)
    start = np.floor(index.min(0) - width).astype(int)
    return grid.crop(start, np.ceil(index.max(0) + width).astype(int) - start + 1)


def _landmarks_within(
    landmarks: Optional[LandmarkPairs], regions: StructureMasks, label: int, grid: Grid
) -> Optional[Tuple[np.ndarray, np.ndarray]]:
    """Landmarks in a region, in the frame of the grid, and their counterparts in LPS mm; None without any."""
    if landmarks is None:
        return None
    index = np.round(regions.grid.physical_to_index(landmarks.fixed)).astype(int)
    known = np.all((index >= 0) & (index < regions.grid.size), axis=1)
    i, j, k = np.where(known[:, None], index, 0).T
    chosen = landmarks.chosen(known & regions.inside(label)[k, j, i])
    return (from_physical(chosen.fixed, grid), chosen.moving) if len(chosen) else None


def _affine(motion: np.ndarray, places: torch.Tensor) -> torch.Tensor:
    """An affine velocity at places (d, h, w, 3): (1, 3, d, h, w)."""
    matrix = torch.from_numpy(motion).to(places)
    return (places @ matrix[:3, :3].T + matrix[:3, 3]).permute(3, 0, 1, 2)[None]


def _fading(distance: torch.Tensor, width: float) -> torch.Tensor:
    """1 up to a distance of 0, 0 from `width` on."""
    return torch.cos((distance / width).clamp(0, 1) * (np.pi / 2)) ** 2


def _least_jacobian(velocity: torch.Tensor) -> float:
    return float(dense.jacobian(dense.integrate(velocity, dense.integration_steps(velocity))).min())
