"""Rigid regions as guides: after every step the velocity is made to carry each region as one rigid body.

A rigid motion is fitted to where the points of a region go. The velocity whose flow is that motion is an affine
function of the place; it replaces the velocity wherever points of the region pass through while they flow, and fades
into it around (polyaffine transforms; Arsigny, Commowick, Pennec and Ayache, WBIR 2006).

What is rigid is the whole mapping, in millimeters: where the pre-alignment scales or shears, the deformation undoes it.
"""

from typing import List, Optional, Tuple

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
MOST_TIMES = 12  # at which the place of a region is looked at
NEAREST = 0.05  # voxels; nearer than that counts as inside
SHARPNESS = 3  # with which the nearer of two regions prevails


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
        self._spacing = torch.tensor(stored.spacing[::-1]).float()
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
        shape = velocity.shape[2:]
        own = lengths / torch.tensor(shape, device=velocity.device)
        to_own = own.view(1, 3, 1, 1, 1)
        places = torch.stack(torch.meshgrid(*centers(shape, lengths), indexing="ij"), -1)
        speed, found = velocity * to_own, []
        for body in self._bodies:
            motion = logarithm(body.motion(velocity, lengths, self._start, self._end))
            distance = body.swept(motion, places, lengths, self._spacing)
            aimed = _affine(motion, places)
            found.append((aimed, distance, _fading(distance - margin, transition)))
        return _blended(speed, found) / to_own


class _Body:
    """One region: its points in the frame of :mod:`..geometry.flow_points`, and the distance to it everywhere."""

    def __init__(self, regions: StructureMasks, label: int, grid: Grid, stored: Grid, landmarks):
        mask, own = regions.cut(label)
        index = np.argwhere(mask)[:, ::-1]
        index = index[:: -(-len(index) // MOST_POINTS)]
        self._points = from_physical(own.index_to_physical(index), grid)
        share = sitk.Resample(
            own.image(mask.astype(np.float32)), grid.empty_image(), sitk.Transform(3, sitk.sitkIdentity)
        )
        inside = sitk.Cast(share > 0, sitk.sitkUInt8)
        inside.SetSpacing([fine / coarse for fine, coarse in zip(grid.spacing, stored.spacing)])
        outward = sitk.SignedMaurerDistanceMap(
            inside, insideIsPositive=False, squaredDistance=False, useImageSpacing=True
        )
        self._distance = torch.from_numpy(sitk.GetArrayFromImage(outward))[None, None].float()
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

    def swept(self, motion: np.ndarray, places, lengths, spacing) -> torch.Tensor:
        """How far places (d, h, w, 3) are from where the region passes, (1, d, h, w), in voxels of the stored grid."""
        steps = np.abs(apply(exponential(motion), self._points) - self._points) / spacing.numpy()
        times = np.linspace(0, 1, int(min(MOST_TIMES, 2 + np.ceil(steps.max()))))
        distance, nearest = self._distance.to(places), None
        shape = torch.tensor(distance.shape[2:], device=places.device)
        for time in times:
            back = torch.from_numpy(exponential(-time * motion)).to(places)
            index = (places @ back[:3, :3].T + back[:3, 3]) * (shape / lengths) - 0.5
            there = dense.sample(distance, index.permute(3, 0, 1, 2)[None])[:, 0]
            nearest = there if nearest is None else torch.minimum(nearest, there)
        return nearest


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


def _blended(speed: torch.Tensor, found: List[Tuple[torch.Tensor, torch.Tensor, torch.Tensor]]) -> torch.Tensor:
    """A velocity with the motions of bodies, each (velocity, distance, weight); the nearest one prevails."""
    nearness = [weight / distance.clamp_min(NEAREST) ** SHARPNESS for _, distance, weight in found]
    total = sum(nearness).clamp_min(torch.finfo(speed.dtype).tiny)
    held = torch.stack([weight for _, _, weight in found]).amax(0)
    aimed = sum(velocity * (near / total) for (velocity, _, _), near in zip(found, nearness))
    return speed * (1 - held) + aimed * held


def _least_jacobian(velocity: torch.Tensor) -> float:
    return float(dense.jacobian(dense.integrate(velocity, dense.integration_steps(velocity))).min())
