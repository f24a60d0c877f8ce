"""The result of a registration as nodes of the scene, in one folder of the subject hierarchy."""

from dataclasses import dataclass
from typing import Any, Optional

import slicer
from slicer.i18n import tr as _

from ..geometry.grid import Grid
from . import display, maps
from .batch import all_or_nothing
from .earlier import remember
from .grids import prepare_grid
from .maps import LengthMap
from .masks import add_segments, new_segmentation, put_mask
from .run import Outcome
from .surfaces import put_surfaces
from .tables import add_fold_table, add_table
from .transforms import add_transform
from .volumes import add_volume, window_of


@dataclass(frozen=True)
class RunNodes:
    """The nodes of one run; `segmentation`, `folds` and `fold_table` are None where there is nothing to show, and so is
    `disagreement` where it was not asked for."""

    folder: int
    transform: Any
    inverse: Any
    warped: Any
    jacobian: Any
    displacement: Any
    disagreement: Optional[Any]
    table: Any
    segmentation: Optional[Any]
    folds: Optional[Any]
    fold_table: Optional[Any]

    @property
    def all(self) -> list:
        """The nodes that exist."""
        shown = (self.transform, self.inverse, self.warped, self.segmentation, self.jacobian, self.folds)
        lengths = (self.displacement, self.disagreement)
        return [node for node in (*shown, *lengths, self.table, self.fold_table) if node is not None]


def present(outcome: Outcome, fixed, moving, moving_segmentation=None, grid_spacing: float = 15.0) -> RunNodes:
    """Put a computed result into the scene, or nothing of it; no node that was there is changed. On the main thread.

    Args:
        fixed, moving: the volume nodes of the pair.
        moving_segmentation: where names, colors and terminology of the warped segments come from.
        grid_spacing: of the displayed deformation grid, in units of :func:`.grids.unit_of` the fixed volume.

    Returns:
        The new nodes. The transform node maps fixed to moving points FROM parent, so that moving things under it
        appear in fixed space; the inverse node brings fixed things to moving space.
    """
    pair = f"{moving.GetName()} to {fixed.GetName()}"
    with all_or_nothing():
        transform = add_transform(outcome.transform, pair, fixed, moving)
        inverse = add_transform(outcome.inverse, f"{fixed.GetName()} to {moving.GetName()}", moving, fixed)
        warped = add_volume(outcome.warped, outcome.grid, f"{moving.GetName()} warped", window=window_of(moving))
        display.copy_colors(moving, warped)
        jacobian = add_volume(outcome.jacobian, outcome.map_grid, f"Jacobian of {pair}", window=maps.JACOBIAN_RANGE)
        maps.show_as_jacobian(jacobian)
        nodes = RunNodes(
            _folder(f"Registration of {pair}"),
            transform,
            inverse,
            warped,
            jacobian,
            _lengths(outcome.displacement, outcome.map_grid, f"Displacement of {pair}", _("Displacement\n(mm)")),
            _lengths(outcome.disagreement, outcome.map_grid, f"Disagreement of {pair}", _("Disagreement\n(mm)")),
            add_table(outcome, f"Measures of {pair}"),
            warped_segmentation(outcome, moving_segmentation, fixed),
            add_folds(outcome, fixed, pair),
            add_fold_table(outcome.fold_list, f"Folds of {pair}") if outcome.fold_list else None,
        )
        _file(nodes)
        remember(transform, outcome.result)
        prepare_grid(transform, fixed, grid_spacing)
    return nodes


def warped_segmentation(outcome: Outcome, source, fixed):
    """A node with the warped segments, shown by bold outlines; None where `source` has none of them any more."""
    if source is None or not any(source.GetSegmentation().GetSegment(segment_id) for segment_id in outcome.labelmaps):
        return None
    node = new_segmentation(f"{source.GetName()} warped", fixed)
    add_segments(source, outcome.labelmaps, node)
    put_surfaces(node, outcome.surfaces)
    display.show_as_warped(node)
    return node


def _lengths(lengths: Optional[LengthMap], grid: Grid, name: str, title: str):
    if lengths is None:
        return None
    node = add_volume(lengths.data, grid, name, window=(0.0, lengths.longest_mm))
    maps.show_as_lengths(node, title)
    return node


def add_folds(outcome: Outcome, fixed, pair: str):
    """A node that shows folds; None where there are none."""
    if outcome.folds is None:
        return None
    node = new_segmentation(f"Folds of {pair}", fixed)
    node.GetSegmentation().AddEmptySegment("folds", "Folds", maps.FOLD_COLOR)
    put_mask(node, "folds", outcome.folds)
    node.GetSegmentation().AddEmptySegment("hatching", "Folds (hatching)", maps.HATCHING_COLOR)
    put_mask(node, "hatching", outcome.hatching)
    display.show_folds(node)
    return node


def _folder(name: str) -> int:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    return hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), name)


def _file(nodes: RunNodes) -> None:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    for node in nodes.all:
        item = hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(nodes.folder, node)
        hierarchy.SetItemParent(item, nodes.folder)
