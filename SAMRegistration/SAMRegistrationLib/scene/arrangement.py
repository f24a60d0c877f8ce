"""The arrangement of the views for two volumes side by side, and the way back."""

from typing import NamedTuple, Optional

import slicer

from .views import layout, set_layout, slice_widgets

SIDE_BY_SIDE = ("Red", "Yellow")  # slice views of the application's side-by-side layout


class Arrangement(NamedTuple):
    """What the side-by-side layout replaces.

    Attributes:
        layout: number of the layout, None without views.
        orientation: 16 numbers, the matrix of the second view (slice to RAS); None where it is not known.
        links: for both views whether they are linked, and whether while the mouse moves.
    """

    layout: Optional[int]
    orientation: Optional[list] = None
    links: tuple = ((False, False), (False, False))


def side_by_side_widgets() -> list:
    """The widgets of the two views; none where one of them is missing."""
    widgets = slice_widgets(SIDE_BY_SIDE)
    return widgets if len(widgets) == len(SIDE_BY_SIDE) else []


def begin_side_by_side() -> Arrangement:
    """Arrange two slice views side by side; what there was before.

    A scene that was saved side by side goes back to the usual layout, with a sagittal second view and no links.
    """
    layouts, present, widgets = slicer.vtkMRMLLayoutNode, layout(), side_by_side_widgets()
    before = Arrangement(present)
    if present == layouts.SlicerLayoutSideBySideView:
        before = Arrangement(layouts.SlicerLayoutFourUpView)
    elif widgets:
        matrix = widgets[1].mrmlSliceNode().GetSliceToRAS()
        orientation = [matrix.GetElement(row, column) for row in range(4) for column in range(4)]
        composites = [widget.mrmlSliceCompositeNode() for widget in widgets]
        links = tuple((node.GetLinkedControl(), node.GetHotLinkedControl()) for node in composites)
        before = Arrangement(present, orientation, links)
    set_layout(layouts.SlicerLayoutSideBySideView)
    return before


def end_side_by_side(before: Arrangement) -> None:
    """Give the second view its position and orientation, both views their links, and all views their layout back."""
    widgets = side_by_side_widgets()
    if widgets:
        node = widgets[1].mrmlSliceNode()
        if before.orientation is None:
            node.SetOrientation("Sagittal")
        else:
            node.GetSliceToRAS().DeepCopy(before.orientation)
            node.UpdateMatrices()
        for widget, (linked, hot) in zip(widgets, before.links):
            composite = widget.mrmlSliceCompositeNode()
            composite.SetLinkedControl(linked)
            composite.SetHotLinkedControl(hot)
    if before.layout is not None:
        set_layout(before.layout)
