"""How results look: Jacobian map, outlines, layers of the slice views."""

import json
from typing import Optional

import slicer

FOLD_COLOR, HATCHING_COLOR = (1.0, 0.0, 1.0), (0.0, 0.0, 0.0)
JACOBIAN_RANGE = (0.0, 2.0)
_JACOBIAN_COLORS = "SAMRegistration Jacobian"
_SHOWN = "SAMRegistration.Shown"
_STYLE = ("Visibility", "Visibility2DOutline", "Visibility2DFill", "Opacity2DFill", "SliceIntersectionThickness")


def copy_colors(source, target) -> None:
    """Give the volume node `target` the colors of `source`, where that has a display."""
    if source.GetDisplayNode() is not None and source.GetDisplayNode().GetColorNodeID():
        target.GetDisplayNode().SetAndObserveColorNodeID(source.GetDisplayNode().GetColorNodeID())


def show_as_jacobian(volume) -> None:
    """Color a Jacobian map with the window JACOBIAN_RANGE.

    Blue below 1, where the moving volume is expanded to fit, white at 1, red where it is compressed, magenta where it
    folds.
    """
    display = volume.GetDisplayNode()
    display.SetAndObserveColorNodeID(_jacobian_colors().GetID())
    display.SetInterpolate(False)


def show_layers(background=None, foreground=None, opacity: float = 0.5, views=None, fit: bool = False) -> None:
    """Show volume nodes in the slice views.

    Args:
        background, foreground: volume nodes; None shows nothing there.
        opacity: of the foreground.
        views: names of slice views ("Red", ...); None for all.
        fit: make the background fill those views that look past it; others keep their place.
    """
    manager = slicer.app.layoutManager()
    if manager is None:
        return
    for name in manager.sliceViewNames() if views is None else views:
        logic = manager.sliceWidget(name).sliceLogic()
        composite = logic.GetSliceCompositeNode()
        composite.SetBackgroundVolumeID(background.GetID() if background is not None else None)
        composite.SetForegroundVolumeID(foreground.GetID() if foreground is not None else None)
        composite.SetForegroundOpacity(opacity)
        if fit and background is not None and not _looks_at(logic, background):
            logic.FitSliceToAll()


def _looks_at(logic, volume) -> bool:
    """Whether a slice view was set up and its center lies within the bounds of a volume node."""
    node = logic.GetSliceNode()
    bounds = [0.0] * 6
    volume.GetRASBounds(bounds)
    center = [node.GetSliceToRAS().GetElement(row, 3) for row in range(3)]
    extent = max(bounds[1] - bounds[0], bounds[3] - bounds[2], bounds[5] - bounds[4])
    inside = all(low <= value <= high for value, low, high in zip(center, bounds[::2], bounds[1::2]))
    return inside and 0.2 * extent < max(node.GetFieldOfView()[:2]) < 3 * extent


def fit_views() -> None:
    """Make what is shown fill every visible slice view, which stays in its plane.

    After a change of the layout the views have their new size in the next turn of the event loop, not before.
    """
    manager = slicer.app.layoutManager()
    for widget in map(manager.sliceWidget, manager.sliceViewNames()):
        if widget.isVisible():
            logic = widget.sliceLogic()
            offset = logic.GetSliceOffset()
            logic.FitSliceToAll()
            logic.SetSliceOffset(offset)


def show_side_by_side(left, right) -> None:
    """Show two volume nodes in the views of the side-by-side layout, in the same orientation and at the same place."""
    manager = slicer.app.layoutManager()
    first, second = "Red", "Yellow"
    show_layers(left, views=[first], fit=True)
    show_layers(right, views=[second], fit=True)
    source, target = (manager.sliceWidget(name).mrmlSliceNode() for name in (first, second))
    target.GetSliceToRAS().DeepCopy(source.GetSliceToRAS())
    target.SetFieldOfView(*source.GetFieldOfView())
    target.UpdateMatrices()
    for name in (first, second):
        composite = manager.sliceWidget(name).mrmlSliceCompositeNode()
        composite.SetLinkedControl(True)
        composite.SetHotLinkedControl(True)


def before_side_by_side() -> tuple:
    """What :func:`show_side_by_side` changes of the two views, for :func:`leave_side_by_side`."""
    manager = slicer.app.layoutManager()
    matrix = manager.sliceWidget("Yellow").mrmlSliceNode().GetSliceToRAS()
    orientation = [matrix.GetElement(row, column) for row in range(4) for column in range(4)]
    composites = [manager.sliceWidget(name).mrmlSliceCompositeNode() for name in ("Red", "Yellow")]
    return orientation, [(node.GetLinkedControl(), node.GetHotLinkedControl()) for node in composites]


def leave_side_by_side(before: Optional[tuple]) -> None:
    """Give the second view its position and orientation, and both the links, as before :func:`show_side_by_side`.

    Args:
        before: of :func:`before_side_by_side`; None where it is not known, for a sagittal view without links.
    """
    manager = slicer.app.layoutManager()
    node = manager.sliceWidget("Yellow").mrmlSliceNode()
    orientation, links = before or (None, 2 * [(False, False)])
    if orientation is None:
        node.SetOrientation("Sagittal")
    else:
        node.GetSliceToRAS().DeepCopy(orientation)
        node.UpdateMatrices()
    for name, (linked, hot) in zip(("Red", "Yellow"), links):
        composite = manager.sliceWidget(name).mrmlSliceCompositeNode()
        composite.SetLinkedControl(linked)
        composite.SetHotLinkedControl(hot)


def view_center() -> tuple:
    """Where the first slice view is centered (RAS mm)."""
    manager = slicer.app.layoutManager()
    matrix = manager.sliceWidget(manager.sliceViewNames()[0]).mrmlSliceNode().GetSliceToRAS()
    return tuple(matrix.GetElement(row, 3) for row in range(3))


def set_opacity(opacity: float) -> None:
    """Set the opacity of the foreground in all slice views."""
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        composite.SetForegroundOpacity(opacity)


def show_outlines(segmentation, thickness: int, fill: float = 0.0) -> None:
    """Show the segments as outlines of `thickness` pixels with a fill of opacity `fill`."""
    if segmentation.GetDisplayNode() is None:
        segmentation.CreateDefaultDisplayNodes()
    display = segmentation.GetDisplayNode()
    display.SetVisibility2DOutline(True)
    display.SetVisibility2DFill(fill > 0)
    display.SetOpacity2DFill(fill)
    display.SetSliceIntersectionThickness(thickness)
    display.SetVisibility(True)


def remember(segmentation) -> None:
    """Keep how a segmentation is shown now until :func:`restore_all`, unless something is kept already."""
    if segmentation.GetDisplayNode() is None:
        segmentation.CreateDefaultDisplayNodes()
    display = segmentation.GetDisplayNode()
    if display.GetAttribute(_SHOWN) is None:
        display.SetAttribute(_SHOWN, json.dumps({name: getattr(display, f"Get{name}")() for name in _STYLE}))


def restore_all() -> bool:
    """Show segmentations as they were shown when they were remembered; whether there was any."""
    remembered = [
        node for node in slicer.util.getNodesByClass("vtkMRMLSegmentationDisplayNode") if node.GetAttribute(_SHOWN)
    ]
    for node in remembered:
        with slicer.util.NodeModify(node):
            for name, value in json.loads(node.GetAttribute(_SHOWN)).items():
                getattr(node, f"Set{name}")(value)
            node.RemoveAttribute(_SHOWN)
    return bool(remembered)


def show_folds(segmentation) -> None:
    """Show folds by an outline and by hatching, so that they can be told without color."""
    if segmentation.GetDisplayNode() is None:
        segmentation.CreateDefaultDisplayNodes()
    display = segmentation.GetDisplayNode()
    display.SetSliceIntersectionThickness(2)
    display.SetOpacity2DFill(1.0)
    for segment_id, hatched in (("folds", False), ("hatching", True)):
        display.SetSegmentVisibility2DFill(segment_id, hatched)
        display.SetSegmentVisibility2DOutline(segment_id, not hatched)
        display.SetSegmentVisibility3D(segment_id, not hatched)


def jump_to(position) -> None:
    """Center all slice views on a position (RAS mm)."""
    node = slicer.vtkMRMLSliceNode
    node.JumpAllSlices(slicer.mrmlScene, *position, node.CenteredJumpSlice)


def _jacobian_colors():
    existing = slicer.mrmlScene.GetFirstNodeByName(_JACOBIAN_COLORS)
    if existing is not None and existing.IsA("vtkMRMLColorTableNode"):
        return existing
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorTableNode", _JACOBIAN_COLORS)
    node.SetTypeToUser()
    node.SetNumberOfColors(256)
    node.SetHideFromEditors(True)
    for index in range(256):
        shrink, grow = max(1 - index / 127.5, 0.0), max(index / 127.5 - 1, 0.0)
        red, green, blue = 1 - 0.9 * shrink, 1 - 0.65 * shrink - 0.75 * grow, 1 - 0.2 * shrink - 0.8 * grow
        color = FOLD_COLOR if index == 0 else (red, green, blue)
        node.SetColor(index, f"J {index / 127.5:.2f}" if index else "folded", *color, 1.0)
    return node
