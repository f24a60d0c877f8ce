"""The deformation grid of a transform node in slice views and in 3D.

The application samples the grid on the main thread, twice for every point, through a numerical inverse: some 10
microseconds a point. So each kind of view has a display node of its own, the first for slices, the second for 3D, and
neither samples more points than a moment allows: what is too fine for 3D, or would hide what it lies around, is shown
there with every second, third, ... line. Lines have one color; how far they were moved is said by their shape.
"""

import numpy as np
import slicer

MOST_POINTS_3D = 4_000
MOST_LINES_3D = 8
MOST_POINTS_ACROSS = 45
COLOR = (1.0, 0.85, 0.35)
_KIND = "vtkMRMLTransformDisplayNode"


def prepare_grid(transform, region, spacing: float) -> None:
    """Give a transform node its displays, which :func:`set_grid_visible` shows.

    Args:
        region: volume node over whose extent the grid is shown in 3D.
        spacing: distance of the lines, in units of :func:`unit_of` the region.
    """
    transform.CreateDefaultDisplayNodes()
    slices = transform.GetDisplayNode()
    if slices.GetColorNode() is None:
        slices.SetDefaultColors()
    colors = slices.GetColorMap()
    colors.RemoveAllPoints()
    for displacement in (0.0, 1.0):
        colors.AddRGBPoint(displacement, *COLOR)
    if transform.GetNumberOfDisplayNodes() < 2:
        transform.AddAndObserveDisplayNodeID(slicer.mrmlScene.AddNewNodeByClass(_KIND).GetID())
    for node in _displays(transform):
        with slicer.util.NodeModify(node):
            node.SetVisibility(False)
            node.SetVisualizationMode(node.VIS_MODE_GRID)
            node.SetAndObserveColorNodeID(slices.GetColorNodeID())
            node.SetAndObserveRegionNode(region)
            _settle(node)
    set_grid_spacing(transform, spacing)


def set_grid_spacing(transform, spacing: float) -> None:
    """Set the distance of the lines, in units of :func:`unit_of` the region.

    Where that would take too many, every second, third, ... line is shown.
    """
    displays = _displays(transform)
    extent = _extent(displays[0].GetRegionNode())
    spacing = spacing * unit_of(displays[0].GetRegionNode())
    for node, (lines, parts) in zip(displays, (_in_slices(extent, spacing), _in_3d(extent, spacing))):
        with slicer.util.NodeModify(node):
            node.SetGridSpacingMm(lines)
            node.SetGridResolutionMm(lines / parts)
            node.SetGridLineDiameterMm(max(lines / 40, extent.max() / 1000))


def unit_of(volume) -> float:
    """The length in mm, a power of ten, that suits a volume node: 1 for the human body; 1 for None."""
    from ..geometry.grid import Grid

    if volume is None or volume.GetImageData() is None:
        return 1.0
    return Grid(volume.GetImageData().GetDimensions(), volume.GetSpacing()).length_unit


def set_grid_visible(transform, in_slices: bool, in_3d: bool) -> None:
    """Show or hide the grid in slice views and in 3D views."""
    for node, flat, solid in zip(_displays(transform), (in_slices, False), (False, in_3d)):
        with slicer.util.NodeModify(node):
            node.SetVisibility2D(flat)
            node.SetVisibility3D(solid)
            node.SetVisibility(flat or solid)


def is_grid_visible(transform) -> tuple:
    """Whether the grid is shown (in slice views, in 3D views)."""
    nodes = _displays(transform)
    return (
        any(node.GetVisibility() and node.GetVisibility2D() for node in nodes),
        any(node.GetVisibility() and node.GetVisibility3D() for node in nodes),
    )


def _displays(transform) -> list:
    return [transform.GetNthDisplayNode(number) for number in range(transform.GetNumberOfDisplayNodes())]


def _settle(node) -> None:
    """Set what the view that shows the grid sets itself, which would make it compute the grid a second time."""
    table = node.GetColorNode().GetLookupTable()
    node.SetAutoScalarRange(False)
    if table is not None:
        node.SetScalarRange(*table.GetRange())
    node.SetScalarVisibility(True)
    node.SetBackfaceCulling(True)
    node.SetOpacity(1.0)


def _extent(region) -> np.ndarray:
    bounds = [0.0] * 6
    if region is not None:
        region.GetRASBounds(bounds)
    extent = np.subtract(bounds[1::2], bounds[::2])
    return np.maximum(extent, extent.max() / 1000 or 1.0)


def _in_slices(extent: np.ndarray, spacing: float):
    """Distance of the lines, and in how many straight parts each mesh is drawn."""
    finest = extent.max() / MOST_POINTS_ACROSS
    lines = spacing * np.ceil(finest / spacing)
    return lines, int(np.clip(lines // finest, 1, 3))


def _in_3d(extent: np.ndarray, spacing: float):
    def points(distance):
        return np.prod(np.round(extent / distance) + 1)

    lines = spacing * np.ceil(extent.max() / MOST_LINES_3D / spacing)
    parts = next((parts for parts in (3, 2) if points(lines / parts) <= MOST_POINTS_3D), 1)
    return lines, parts
