"""Words in slice views that say which volume is seen."""

from typing import Dict

import vtk

from .views import slice_widgets


class Captions:
    """One line at the top of slice views."""

    def __init__(self):
        self._shown = []

    def show(self, texts: Dict[str, str]) -> None:
        """Show a text in each of these slice views ("Red", ...), and none elsewhere."""
        self.hide()
        for name, text in texts.items():
            for widget in slice_widgets([name]):
                self._show(widget.sliceView(), text)

    def _show(self, view, text):
        actor = vtk.vtkTextActor()
        actor.SetInput(text)
        actor.GetPositionCoordinate().SetCoordinateSystemToNormalizedViewport()
        actor.SetPosition(0.5, 0.97)
        style = actor.GetTextProperty()
        style.SetFontSize(18)
        style.SetJustificationToCentered()
        style.SetVerticalJustificationToTop()
        style.ShadowOn()
        renderer = view.renderWindow().GetRenderers().GetItemAsObject(0)
        renderer.AddViewProp(actor)
        self._shown.append((view, renderer, actor))
        view.scheduleRender()

    def hide(self) -> None:
        """Take all texts away."""
        for view, renderer, actor in self._shown:
            renderer.RemoveViewProp(actor)
            view.scheduleRender()
        self._shown = []
