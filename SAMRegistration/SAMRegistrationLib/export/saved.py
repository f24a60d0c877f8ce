"""The folder that the command register wrote."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

import SimpleITK as sitk

from ..errors import InputError
from ..files import PathLike, require_usable_path, shown
from ..geometry.grid import Grid
from ..geometry.linear import affine_of
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
        linear: the linear part of `transform`, where that is not made of two parts and it is known.
        title: how a report calls it; its folder where there is none.
    """

    transform: sitk.Transform
    inverse: sitk.Transform
    warped: sitk.Image
    labels: Optional[StructureMasks]
    summary: Dict[str, Any]
    folder: Path
    linear: Optional[sitk.Transform] = None
    title: str = ""

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


def linear_and_field(result: SavedResult) -> Tuple[sitk.AffineTransform, Optional[sitk.Image]]:
    """The transform as ``x -> linear(x + field(x))``; the field (LPS mm) is None where there is no deformation.

    The result of a registration is made of these two parts, which are taken as they are. Any other transform is sampled
    on the fixed grid, beyond its linear part where that is known.
    """
    parts = parts_of(result.transform)
    kinds = [part.GetTransformEnum() == sitk.sitkDisplacementField for part in parts]
    if not any(kinds) and all(part.IsLinear() for part in parts):
        return affine_of(result.transform), None
    if kinds == [False, True] and parts[0].IsLinear():
        return affine_of(parts[0]), sitk.DisplacementFieldTransform(parts[1]).GetDisplacementField()
    linear = affine_of(result.linear or sitk.AffineTransform(3))
    beyond = sitk.CompositeTransform([linear.GetInverse(), result.transform])
    return linear, displacement_image(beyond, result.fixed_grid)


def _first(folder: Path, name: str, endings) -> Optional[Path]:
    return next((folder / f"{name}{ending}" for ending in endings if (folder / f"{name}{ending}").is_file()), None)
