"""The folder that the command register wrote."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..files import PathLike, require_usable_path, shown
from ..geometry.grid import Grid
from ..geometry.transforms import displacement_image, parts_of, read_transform
from ..volumes import StructureMasks, read_image, read_labels

ENDINGS = (".nii.gz", ".nrrd")


@dataclass(frozen=True)
class SavedResult:
    """A registration that was saved.

    Attributes:
        transform: fixed point -> moving point (LPS mm); `inverse` the other direction.
        warped: the moving volume on the fixed grid.
        labels: warped structures; None without any.
        summary: what metrics.json holds.
        folder: where it is.
    """

    transform: sitk.Transform
    inverse: sitk.Transform
    warped: sitk.Image
    labels: Optional[StructureMasks]
    summary: Dict[str, Any]
    folder: Path

    @property
    def fixed_grid(self) -> Grid:
        """The grid of the fixed volume."""
        return Grid.of(self.warped)


def read_saved(folder: PathLike) -> SavedResult:
    """Read what the command register wrote into a folder.

    Raises:
        InputError: the folder holds no result.
    """
    folder = require_usable_path(folder)
    warped, labels = _first(folder, "warped", ENDINGS), _first(folder, "warped_labels", (*ENDINGS, ".seg.nrrd"))
    if warped is None or not (folder / "transform.h5").is_file():
        raise InputError(f"{shown(folder)} holds no result; give a folder that the command register wrote.")
    try:
        summary = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        summary = {}
    return SavedResult(
        read_transform(folder / "transform.h5"),
        read_transform(folder / "inverse.h5"),
        read_image(warped),
        None if labels is None else read_labels(labels),
        summary,
        folder,
    )


def linear_and_field(transform: sitk.Transform, grid: Grid) -> Tuple[sitk.AffineTransform, Optional[sitk.Image]]:
    """A transform as ``x -> linear(x + field(x))``; the field (LPS mm) is None where there is no deformation.

    The result of a registration is made of these two parts, which are taken as they are. Any other transform is sampled
    on `grid`.
    """
    parts = parts_of(transform)
    kinds = [part.GetTransformEnum() == sitk.sitkDisplacementField for part in parts]
    if not any(kinds) and all(part.IsLinear() for part in parts):
        return _affine(transform), None
    if kinds == [False, True] and parts[0].IsLinear():
        return _affine(parts[0]), sitk.DisplacementFieldTransform(parts[1]).GetDisplacementField()
    return sitk.AffineTransform(3), displacement_image(transform, grid)


def matrix_of(affine: sitk.AffineTransform) -> np.ndarray:
    """The 4x4 matrix (LPS mm) of an affine transform."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(affine.GetMatrix(), (3, 3))
    matrix[:3, 3] = affine.TransformPoint((0.0, 0.0, 0.0))
    return matrix


def _affine(linear: sitk.Transform) -> sitk.AffineTransform:
    """Any linear transform as a matrix and an offset."""
    offset = np.array(linear.TransformPoint((0.0, 0.0, 0.0)))
    columns = [np.array(linear.TransformPoint(axis)) - offset for axis in np.eye(3).tolist()]
    affine = sitk.AffineTransform(3)
    affine.SetMatrix(np.stack(columns, axis=1).ravel().tolist())
    affine.SetTranslation(offset.tolist())
    return affine


def _first(folder: Path, name: str, endings) -> Optional[Path]:
    return next((folder / f"{name}{ending}" for ending in endings if (folder / f"{name}{ending}").is_file()), None)
