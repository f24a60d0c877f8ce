"""The views of a report, each drawn in three planes: images, checkerboards, deformation, its maps, outlines."""

import colorsys
from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Tuple

import numpy as np
import SimpleITK as sitk

from ..geometry.grid import Grid
from ..geometry.resample import warp_volume
from ..geometry.transforms import transform_points
from ..metrics import displacement_magnitude, jacobian_image
from ..volumes import StructureMasks, as_structures, without_missing
from . import canvas
from .contents import ReportContents
from .lettering import write_directions
from .planes import Plane, plane_with_most, planes_of, upright

TILES = 9
GRID_LINES = 16
GRID_STEPS = (1, 1.5, 2, 2.5, 5)  # times a power of ten, mm
LIMIT_PERCENT = 99.5
LARGEST_LOG_JACOBIAN = float(np.log(2))
GRID_COLOR = (0.45, 0.85, 1.0)
MOVING_TINT = np.array((1.0, 0.84, 0.62))


@dataclass(frozen=True)
class Scene:
    """Everything that is drawn, as upright arrays (z, y, x) on the fixed grid; made by :func:`scene_of`.

    Attributes:
        grid: the upright fixed grid.
        images, windows: "fixed", "moving" (where it was before) and "warped", and what is black and white in each.
        transform, linear_part: the mapping of fixed points, and its best linear fit as (matrix, shift).
        linear: what the deformation was added to.
        jacobian: determinants.
        disagreement: of two solutions, mm, or None.
        fixed_labels, warped_labels: structures, or None.
        labels: all labels of both.
        planes, fold_planes: slices that are shown; those of the Jacobian go through most folds when there are any.
        grid_step_mm: distance of the lines of the deformation grid.
        limits_mm: what has full color in the views of lengths, by kind.
    """

    grid: Grid
    images: Dict[str, np.ndarray]
    windows: Dict[str, Tuple[float, float]]
    transform: sitk.Transform
    linear_part: Tuple[np.ndarray, np.ndarray]
    linear: sitk.Transform
    jacobian: np.ndarray
    disagreement: Optional[np.ndarray]
    fixed_labels: Optional[StructureMasks]
    warped_labels: Optional[StructureMasks]
    labels: List[int]
    planes: List[Plane]
    fold_planes: List[Plane]
    grid_step_mm: float
    limits_mm: Dict[str, float]

    @property
    def kinds(self) -> List[str]:
        """Those of :data:`KINDS` for which there is something to draw."""
        missing = {"outlines": not self.labels, "disagreement": self.disagreement is None}
        return [kind for kind in KINDS if not missing.get(kind)]

    @property
    def folded_voxels(self) -> int:
        """Number of voxels where the transform folds."""
        return int(np.count_nonzero(self.jacobian <= 0))


def scene_of(contents: ReportContents) -> Scene:
    """Bring everything onto the fixed grid, upright, and choose the slices."""
    fixed = upright(contents.fixed, outside=_lowest(contents.fixed))
    grid = Grid.of(fixed)
    before = warp_volume(contents.moving, sitk.Transform(3, sitk.sitkIdentity), grid)
    jacobian = contents.jacobian
    if jacobian is None:
        jacobian = jacobian_image(contents.transform, Grid.of(contents.fixed))
    fixed_labels, warped_labels = (
        None if labels is None else as_structures(labels, "The label map").with_layers(_upright_labels)
        for labels in (contents.fixed_labels, contents.warped_labels)
    )
    determinants = sitk.GetArrayFromImage(upright(jacobian, outside=1.0))
    marking = warped_labels if fixed_labels is None else fixed_labels
    planes = planes_of(fixed, None if marking is None else marking.marked())
    folded = determinants <= 0
    longest_mm = max(np.multiply(grid.size, grid.spacing))
    warped = sitk.GetArrayFromImage(upright(contents.warped, outside=_lowest(contents.warped)))
    moving_window = _window(sitk.GetArrayViewFromImage(contents.moving))
    linear = contents.linear or sitk.Transform(3, sitk.sitkIdentity)
    disagreement = None
    if contents.disagreement is not None:
        disagreement = sitk.GetArrayFromImage(upright(contents.disagreement))
    lengths = {"displacement": [_displaced(plane, grid, contents.transform, linear) for plane in planes]}
    if disagreement is not None:
        lengths["disagreement"] = [np.take(disagreement, plane.index, plane.axis) for plane in planes]
    return Scene(
        grid=grid,
        images={
            "fixed": sitk.GetArrayFromImage(fixed),
            "moving": sitk.GetArrayFromImage(before),
            "warped": warped,
        },
        windows={
            "fixed": _window(sitk.GetArrayViewFromImage(fixed)),
            "moving": moving_window,
            "warped": moving_window,
        },
        transform=contents.transform,
        linear_part=_linear_part(contents.transform, grid),
        linear=linear,
        jacobian=determinants,
        disagreement=disagreement,
        fixed_labels=fixed_labels,
        warped_labels=warped_labels,
        labels=sorted({label for side in (fixed_labels, warped_labels) if side is not None for label in side.labels}),
        planes=planes,
        fold_planes=[plane_with_most(plane, folded) if folded.any() else plane for plane in planes],
        grid_step_mm=_grid_step(longest_mm / GRID_LINES),
        limits_mm={kind: _limit(pieces, 0.1 * min(grid.spacing)) for kind, pieces in lengths.items()},
    )


def draw(scene: Scene, kind: str) -> List[np.ndarray]:
    """One of :data:`KINDS` in the three planes, as pictures (rows, columns, 3)."""
    return [_DRAWERS[kind](scene, plane) for plane in planes_shown(scene, kind)]


def draw_lettered(scene: Scene, kind: str) -> List[np.ndarray]:
    """The same with the directions of the body at the sides."""
    return [write_directions(*pair) for pair in zip(draw(scene, kind), planes_shown(scene, kind))]


def planes_shown(scene: Scene, kind: str) -> List[Plane]:
    """The slices in which one of :data:`KINDS` is drawn."""
    return scene.fold_planes if kind == "jacobian" else scene.planes


def structure_color(scene: Scene, label: int) -> Tuple[float, float, float]:
    """Color of the outlines of a structure."""
    return colorsys.hsv_to_rgb((0.08 + 0.618034 * scene.labels.index(label)) % 1.0, 0.72, 1.0)


def _image(name: str) -> Callable[[Scene, Plane], np.ndarray]:
    return lambda scene, plane: canvas.gray(plane.cut(scene.images[name]), scene.windows[name])


def _checkerboard(name: str) -> Callable[[Scene, Plane], np.ndarray]:
    def drawn(scene, plane):
        other = _image(name)(scene, plane) * MOVING_TINT
        return canvas.checkerboard(_image("fixed")(scene, plane), other, max(8, max(plane.shape) // TILES))

    return drawn


def _deformation(scene: Scene, plane: Plane) -> np.ndarray:
    """Lines of equal coordinate of the points that a slice is taken from, its linear part left out."""
    slab = plane.slab(scene.grid)
    field = sitk.TransformToDisplacementField(
        scene.transform, sitk.sitkVectorFloat64, slab.size, slab.origin, slab.spacing, slab.direction
    )
    k, j, i = np.indices(slab.shape)
    points = slab.index_to_physical(np.stack([i, j, k], -1).reshape(-1, 3))
    matrix, shift = scene.linear_part
    mapped = points + sitk.GetArrayViewFromImage(field).reshape(-1, 3)
    without_linear = (mapped - shift) @ np.linalg.inv(matrix).T
    along_axes = scene.grid.physical_to_index(without_linear) * scene.grid.spacing
    picture = 0.5 * _image("fixed")(scene, plane)
    for axis in {0, 1, 2} - {2 - plane.axis}:
        coordinate = plane.picture(along_axes[:, axis].reshape(slab.shape).squeeze(plane.axis))
        picture = canvas.blend(picture, GRID_COLOR, 0.85 * canvas.grid_lines(coordinate, scene.grid_step_mm, 1.5))
    return picture


def _jacobian(scene: Scene, plane: Plane) -> np.ndarray:
    logarithms = np.log(np.maximum(np.take(scene.jacobian, plane.index, plane.axis), 1e-6))
    picture = canvas.diverging(plane.picture(logarithms), LARGEST_LOG_JACOBIAN)
    folded = plane.picture((np.take(scene.jacobian, plane.index, plane.axis) <= 0).astype(np.float32)) > 0.25
    return canvas.mark_folds(picture, folded)


def _displaced(plane: Plane, grid: Grid, transform: sitk.Transform, linear: sitk.Transform) -> np.ndarray:
    """How far the deformation moves the points of a slice beyond the linear part, mm, as the slice lies in arrays."""
    magnitude = displacement_magnitude(transform, plane.slab(grid), linear)
    return sitk.GetArrayFromImage(magnitude).squeeze(plane.axis)


def _limit(pieces: List[np.ndarray], smallest: float) -> float:
    """The round length in mm near which nearly all of these values end, `smallest` at least."""
    return _grid_step(max(smallest, *(float(np.percentile(piece, LIMIT_PERCENT)) for piece in pieces)))


def _displacement(scene: Scene, plane: Plane) -> np.ndarray:
    length = _displaced(plane, scene.grid, scene.transform, scene.linear)
    return canvas.sequential(plane.picture(length), scene.limits_mm["displacement"])


def _disagreement(scene: Scene, plane: Plane) -> np.ndarray:
    return canvas.sequential(plane.cut(scene.disagreement), scene.limits_mm["disagreement"])


def _outlines(scene: Scene, plane: Plane) -> np.ndarray:
    """Fixed structures in solid lines, warped ones dashed."""
    picture = 0.8 * _image("fixed")(scene, plane)
    dashes = canvas.dashes(plane.shape, 5)
    box = (slice(None),) * plane.axis + (plane.index,)
    for masks, cut, width in ((scene.fixed_labels, 1.0, 1.6), (scene.warped_labels, dashes, 2.2)):
        for label in () if masks is None else masks.labels:
            piece = masks.inside(label, box)
            if piece.any():
                line = canvas.level_line(plane.picture(piece.astype(np.float32)), 0.5, width) * cut
                picture = canvas.blend(picture, structure_color(scene, label), line)
    return picture


_DRAWERS = {
    "fixed": _image("fixed"),
    "moving": _image("moving"),
    "warped": _image("warped"),
    "before": _checkerboard("moving"),
    "after": _checkerboard("warped"),
    "deformation": _deformation,
    "displacement": _displacement,
    "jacobian": _jacobian,
    "disagreement": _disagreement,
    "outlines": _outlines,
}
KINDS = tuple(_DRAWERS)


def _upright_labels(labels: sitk.Image) -> sitk.Image:
    return upright(labels, sitk.sitkNearestNeighbor)


def _lowest(image: sitk.Image) -> float:
    return float(sitk.GetArrayViewFromImage(image).min())


def _grid_step(about_mm: float) -> float:
    """The round length nearest to one in mm."""
    power = 10.0 ** np.floor(np.log10(about_mm))
    steps = [step * power * decade for decade in (0.1, 1, 10) for step in GRID_STEPS]
    return float(f"{min(steps, key=lambda step: abs(step - about_mm)):.6g}")


def _window(array: np.ndarray) -> Tuple[float, float]:
    """What is black and what is white in pictures of an image (z, y, x); padding is black, whatever its value."""
    values = without_missing(array[::2, ::2, ::2] if array.size > 1e6 else array)
    low, high = np.percentile(values, (0.5, 99.7))
    return float(low), float(high)


def _linear_part(transform: sitk.Transform, grid: Grid) -> Tuple[np.ndarray, np.ndarray]:
    """Best linear fit to the transform over the grid, in the sense of least squares: y = matrix x + shift."""
    axes = [np.linspace(0, size - 1, 12) for size in grid.size]
    points = grid.index_to_physical(np.stack(np.meshgrid(*axes), -1).reshape(-1, 3))
    mapped = transform_points(transform, points)
    solution, *_ = np.linalg.lstsq(np.c_[points, np.ones(len(points))], mapped, rcond=None)
    return solution[:3].T, solution[3]
