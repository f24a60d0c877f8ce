"""Maps of a result in colors, with a legend in the views that show them: the Jacobian, and lengths in millimeters."""

import math
from typing import NamedTuple

import numpy as np
import slicer
from slicer.i18n import tr as _

FOLD_COLOR, HATCHING_COLOR = (1.0, 0.0, 1.0), (0.0, 0.0, 0.0)
JACOBIAN_RANGE = (0.0, 2.0)
NO_CHANGE = 0.2
PALE_BLUE, FULL_BLUE = (0.75, 0.85, 1.0), (0.0, 0.15, 0.9)
PALE_RED, FULL_RED = (1.0, 0.85, 0.75), (0.85, 0.05, 0.0)
SHORT, MIDDLE, LONG = (1.0, 1.0, 0.7), (0.95, 0.5, 0.1), (0.35, 0.0, 0.3)
NOTHING = 0.05  # of the range of lengths, below which a map is transparent
SHOWN_BELOW = 99.0  # percentile of the lengths that the range holds at least
_COLORS = 256


class LengthMap(NamedTuple):
    """Image data of lengths, and the length (mm) that has the last color; see :func:`length_range`."""

    data: object
    longest_mm: float


def length_range(lengths: np.ndarray) -> float:
    """A round number (1, 2 or 5 times a power of ten) that most lengths are below; 1 where all are 0."""
    high = float(np.percentile(lengths, SHOWN_BELOW)) or float(lengths.max())
    if high <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(high))
    return next(factor * unit for factor in (1, 2, 5, 10) if high <= factor * unit * (1 + 1e-6))


def show_as_jacobian(volume) -> None:
    """Color a Jacobian map with the window JACOBIAN_RANGE, and explain the colors in the views that show it.

    Blue below 1, where the moving volume is expanded to fit, red above 1, where it is compressed, magenta where it
    folds; transparent within NO_CHANGE of 1.
    """
    _show(volume, _color_table("SAMRegistration Jacobian", _jacobian_color), _("Jacobian"), "%.1f")


def show_as_lengths(volume, title: str) -> None:
    """Color a map of lengths over its window, from pale yellow to dark purple, and explain the colors with a title.

    Transparent below NOTHING of the window. Numbers of one width give the legends of all maps letters of one size.
    """
    _show(volume, _color_table("SAMRegistration lengths", _length_color), title, "%5.3g")


def _show(volume, colors, title: str, labels: str) -> None:
    display = volume.GetDisplayNode()
    display.SetAndObserveColorNodeID(colors.GetID())
    display.SetInterpolate(False)
    legend = slicer.modules.colors.logic().AddDefaultColorLegendDisplayNode(display)
    legend.SetTitleText(title)
    legend.SetLabelFormat(labels)
    legend.SetNumberOfLabels(3)
    legend.SetSize(0.1, 0.3)
    legend.SetPosition(0.98, 0.06)


def _color_table(name: str, color_of):
    """The color table of this name; where it is not there yet, with `color_of` a part of the range: name, and RGBA."""
    existing = slicer.mrmlScene.GetFirstNodeByName(name)
    if existing is not None and existing.IsA("vtkMRMLColorTableNode"):
        return existing
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorTableNode", name)
    node.SetTypeToUser()
    node.SetNumberOfColors(_COLORS)
    node.SetHideFromEditors(True)
    for index in range(_COLORS):
        called, color, opacity = color_of(index / (_COLORS - 1))
        node.SetColor(index, called, *color, opacity)
    return node


def _jacobian_color(part: float):
    jacobian = JACOBIAN_RANGE[1] * part
    if part == 0:
        return "folded", FOLD_COLOR, 1.0
    change = abs(jacobian - 1)
    color = _between(PALE_BLUE, FULL_BLUE, change) if jacobian < 1 else _between(PALE_RED, FULL_RED, change)
    return f"J {jacobian:.2f}", color, 0.0 if change < NO_CHANGE else 1.0


def _length_color(part: float):
    color = _between(SHORT, MIDDLE, 2 * part) if part < 0.5 else _between(MIDDLE, LONG, 2 * part - 1)
    return f"{100 * part:.0f} %", color, 0.0 if part < NOTHING else 1.0


def _between(first, last, part: float):
    return [a + (b - a) * part for a, b in zip(first, last)]
