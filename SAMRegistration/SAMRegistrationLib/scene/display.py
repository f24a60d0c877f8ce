"""How results look: outlines, folds, layers of the slice views."""

import json

import slicer

from .arrangement import SIDE_BY_SIDE, side_by_side_widgets
from .views import slice_widgets, threed_views

OUTLINE_PIXELS = 3
_SHOWN = "SAMRegistration.Shown"
_STYLE = ("Visibility", "Visibility2DOutline", "Visibility2DFill", "Opacity2DFill", "SliceIntersectionThickness")


def copy_colors(source, target) -> None:
    """Give the volume node `target` the colors of `source`, where that has a display."""
    if source.GetDisplayNode() is not None and source.GetDisplayNode().GetColorNodeID():
        target.GetDisplayNode().SetAndObserveColorNodeID(source.GetDisplayNode().GetColorNodeID())


def show_layers(background=None, foreground=None, opacity: float = 0.5, views=None, fit: bool = False) -> None:
    """Show volume nodes in the slice views, where there are any.

    Args:
        background, foreground: volume nodes; None shows nothing there.
        opacity: of the foreground.
        views: names of slice views ("Red", ...); None for all.
        fit: make the background fill those views that look past it; others keep their place.
    """
    for widget in slice_widgets(views):
        logic = widget.sliceLogic()
        composite = logic.GetSliceCompositeNode()
        composite.SetBackgroundVolumeID(background.GetID() if background is not None else None)
        composite.SetForegroundVolumeID(foreground.GetID() if foreground is not None else None)
        composite.SetForegroundOpacity(opacity)
        if fit and background is not None and not _looks_at(logic, background):
            logic.FitSliceToAll()
    for legend in slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode"):
        legend.Modified()  # views do not look by themselves whether the volume of a legend is shown


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
    for widget in slice_widgets():
        if widget.isVisible():
            logic = widget.sliceLogic()
            offset = logic.GetSliceOffset()
            logic.FitSliceToAll()
            logic.SetSliceOffset(offset)


def fit_3d_views(volume) -> None:
    """Let every 3D view look at the whole of a volume node from where it looks."""
    bounds = [0.0] * 6
    volume.GetRASBounds(bounds)
    for view in threed_views():
        renderer = view.renderWindow().GetRenderers().GetItemAsObject(0)
        renderer.ResetCamera(bounds)
        renderer.GetActiveCamera().Dolly(1.2)
        renderer.ResetCameraClippingRange()
        view.scheduleRender()


def show_side_by_side(left, right, over=None, opacity: float = 0.5) -> None:
    """Show two volume nodes in the views of the side-by-side layout, in the same orientation and at the same place.

    Args:
        over: volume node shown over both with an opacity; None for nothing.
    """
    for name, volume in zip(SIDE_BY_SIDE, (left, right)):
        show_layers(volume, over, opacity, views=[name], fit=True)
    widgets = side_by_side_widgets()
    if not widgets:
        return
    source, target = (widget.mrmlSliceNode() for widget in widgets)
    target.GetSliceToRAS().DeepCopy(source.GetSliceToRAS())
    target.SetFieldOfView(*source.GetFieldOfView())
    target.UpdateMatrices()
    for widget in widgets:
        composite = widget.mrmlSliceCompositeNode()
        composite.SetLinkedControl(True)
        composite.SetHotLinkedControl(True)


def view_center() -> tuple:
    """Where the first slice view is centered (RAS mm); the origin without any."""
    widgets = slice_widgets()
    if not widgets:
        return (0.0, 0.0, 0.0)
    matrix = widgets[0].mrmlSliceNode().GetSliceToRAS()
    return tuple(matrix.GetElement(row, 3) for row in range(3))


def set_opacity(opacity: float) -> None:
    """Set the opacity of the foreground in all slice views."""
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        composite.SetForegroundOpacity(opacity)


def foreground_opacity() -> float:
    """The opacity of the foreground in the slice views; 0 without any."""
    composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    return composites[0].GetForegroundOpacity() if composites else 0.0


def show_thin_outlines(segmentation) -> None:
    """Show the segments as outlines of one pixel without fill."""
    display = segmentation.GetDisplayNode()
    display.SetVisibility2DOutline(True)
    display.SetVisibility2DFill(False)
    display.SetOpacity2DFill(0.0)
    display.SetSliceIntersectionThickness(1)


def show_as_warped(segmentation) -> None:
    """Show the segments as bold light outlines without fill, which can be told from the masks that they should meet."""
    display = segmentation.GetDisplayNode()
    display.SetVisibility2DOutline(True)
    display.SetVisibility2DFill(False)
    display.SetSliceIntersectionThickness(OUTLINE_PIXELS)
    for segment_id in segmentation.GetSegmentation().GetSegmentIDs():
        color = segmentation.GetSegmentation().GetSegment(segment_id).GetColor()
        display.SetSegmentOverrideColor(segment_id, *((part + 1) / 2 for part in color))


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
