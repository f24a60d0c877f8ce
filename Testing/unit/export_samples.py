"""A saved result between an oblique fixed volume and a differently sampled moving one, made without registering."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import SimpleITK as sitk
import torch
from cases import dicom
from phantoms import Anatomy, inner_points, oblique_grid, voxel_centers
from SAMRegistrationLib import engine
from SAMRegistrationLib.export import SavedResult, read_saved
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.geometry.transforms import flow_transforms, pull_back, push_forward
from SAMRegistrationLib.registration import RegistrationResult
from SAMRegistrationLib.report import write_results
from SAMRegistrationLib.volumes import as_structures

FIXED = oblique_grid((30, 26, 14), (1.6, 1.9, 3.2))
MOVING = Grid((34, 30, 18), (1.5, 1.7, 2.8), tuple(np.add(FIXED.origin, (3.0, -4.0, -5.0))), FIXED.direction)


class Sample(NamedTuple):
    """The result as it was saved and read, the moving volume, and points of the fixed one (N, 3), LPS mm."""

    result: SavedResult
    moving: sitk.Image
    points: np.ndarray


def left_handed(grid: Grid) -> Grid:
    """The same places with the third axis turned around."""
    last = grid.index_to_physical([[0, 0, grid.size[2] - 1]])[0]
    direction = np.reshape(grid.direction, (3, 3)) * (1, 1, -1)
    return Grid(grid.size, grid.spacing, tuple(last), tuple(direction.ravel()))


def ball(grid: Grid, radius: float) -> sitk.Image:
    """A label map of a ball about the center of the fixed volume."""
    near = np.linalg.norm(voxel_centers(grid) - FIXED.center, axis=1).reshape(grid.shape) < radius
    return grid.image(near.astype(np.uint8))


def sample(folder: Path, fixed_grid: Grid = FIXED, deformed: bool = True, files: bool = False) -> Sample:
    """A result with a known transform.

    Args:
        files: also write it into the folder, and read it from there.
    """
    anatomy = Anatomy(FIXED.center, seed=4)
    fixed = anatomy.image(fixed_grid) * 300
    moving = anatomy.image(MOVING) * 300
    affine = sitk.AffineTransform(3)
    affine.SetCenter(FIXED.center.tolist())
    affine.SetMatrix((1.03, 0.04, -0.02, -0.03, 0.97, 0.05, 0.01, -0.04, 1.02))
    affine.SetTranslation((1.5, -1.0, 0.8))
    forward, backward = affine, affine.GetInverse()
    if deformed:
        k, j, i = np.indices(fixed_grid.shape)
        waves = np.stack([np.sin(i / 5.0), np.cos(k / 4.0), np.sin(j / 6.0 + 1)])
        velocity = torch.from_numpy(waves[None].astype(np.float32))
        flow = flow_transforms(velocity, fixed_grid)
        forward, backward = pull_back(affine, flow[0]), push_forward(affine.GetInverse(), flow[1])
    result = RegistrationResult(forward, backward, affine, fixed, moving, {"moving_modality": "mr"}, {"refine": 1.0})
    labels = (ball(fixed_grid, 14), ball(MOVING, 13))
    points = inner_points(fixed_grid, 60)
    if not files:
        warped = result.warp_labels(as_structures(labels[1], "the ball"))
        parts = (forward, backward, result.warp(), warped, {"facts": result.facts}, folder)
        return Sample(SavedResult(*parts), moving, points)
    measures = engine.measure(forward, *labels, jacobian=engine.jacobian_map(forward, fixed_grid))
    folder.mkdir(parents=True, exist_ok=True)
    write_results(folder, result, measures, *labels)
    return Sample(read_saved(folder), moving, points)


def series(folder: Path, patient: str = "1", positions=None, **fields):
    """A DICOM series of a patient, in a folder of its own."""

    def change(dataset, index):
        dataset.PatientID, dataset.PatientName, dataset.FrameOfReferenceUID = patient, "Test^Only", f"1.2.3.{patient}"
        dataset.StudyID = "S7"
        for name, value in fields.items():
            setattr(dataset, name, value)

    positions = dicom.places(9, 2.5 * dicom.NORMAL) if positions is None else positions
    dicom.write_series(folder, positions, change)
    return folder
