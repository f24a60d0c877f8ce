"""The fixed and the warped volume as one picture."""

import numpy as np
import SimpleITK as sitk

from ..geometry.grid import Grid
from .space import matrix_of_grid, to_vtk
from .volumes import add_volume


def checkerboard(fixed: sitk.Image, warped: sitk.Image, fixed_window, warped_window, fields: int = 8) -> np.ndarray:
    """Fields of two images on the same grid in turn; uint8 (z, y, x).

    Args:
        fixed_window, warped_window: (low, high) of each image, shown as black and white; without width, the image's
            range is taken.
        fields: along the longest axis; fewer along the others, so that fields are about as long in mm.
    """
    extent = np.multiply(fixed.GetSize(), fixed.GetSpacing())
    pattern = [max(1, round(fields * part / extent.max())) for part in extent]
    first, second = _gray(fixed, *fixed_window), _gray(warped, *warped_window)
    second.CopyInformation(first)
    return sitk.GetArrayFromImage(sitk.CheckerBoard(first, second, pattern))


def _gray(image: sitk.Image, low: float, high: float) -> sitk.Image:
    if high <= low:
        values = sitk.GetArrayViewFromImage(image)
        low, high = float(values.min()), float(values.max())
    if high <= low:
        return sitk.Cast(image * 0, sitk.sitkUInt8)
    return sitk.Cast(sitk.IntensityWindowing(image, low, high, 0.0, 255.0), sitk.sitkUInt8)


def show_checkerboard(data, grid: Grid, node=None):
    """Put a checkerboard, as image data on a grid of the world, into a volume node, a new one for None; the node."""
    if node is None:
        return add_volume(data, grid, "Checkerboard", window=(0, 255))
    node.SetAndObserveTransformNodeID(None)
    node.SetIJKToRASMatrix(to_vtk(matrix_of_grid(grid)))
    node.SetAndObserveImageData(data)
    return node
