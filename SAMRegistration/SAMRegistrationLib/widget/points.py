"""Prompts of one structure as markup points in the views: placed, dragged and deleted with the mouse."""

from typing import Callable, Dict, List, Optional, Tuple

import slicer

from ..choices import BOX, NEGATIVE, POSITIVE
from ..geometry.frames import flipped

STYLES = {
    POSITIVE: ("+", (0.2, 1.0, 0.3), "CrossDot2D"),
    NEGATIVE: ("-", (1.0, 0.35, 0.3), "Dash2D"),
    BOX: ("▭", (0.3, 0.7, 1.0), "Square2D"),
}
Key = Tuple[str, int]
UNMOVED = 1e-7  # mm; less is rounding, even of the smallest voxels


class PromptPoints:
    """Three point lists, one per kind of prompt. They are not saved: prompts are kept with the segmentation.

    Args:
        placed: called with (kind, list of RAS positions, RAS normal or None) when the user placed a prompt.
        moved: called with (prompt id, list of RAS positions). deleted: called with a prompt id.
        switched: called when somebody else may have begun or ended place mode.
    """

    def __init__(self, placed: Callable, moved: Callable, deleted: Callable, switched: Callable):
        self._placed, self._moved, self._deleted, self._switched = placed, moved, deleted, switched
        self._nodes: Dict[str, object] = {}
        self._observations: List[tuple] = []
        self._modes_observed: List[tuple] = []
        self._prompts = ()
        self._persistence = None
        self._busy = False
        self._visible = True

    @property
    def placing(self) -> Optional[str]:
        """The kind of prompt that the mouse places now, None outside of place mode."""
        if not self.is_place_mode:
            return None
        selection = self._modes()[1]
        active = selection.GetActivePlaceNodeID()
        return next((kind for kind, node in self._nodes.items() if node.GetID() == active), None)

    @property
    def is_place_mode(self) -> bool:
        """Whether the mouse places points, of whatever list."""
        interaction, _ = self._modes()
        return interaction.GetCurrentInteractionMode() == interaction.Place

    def watch(self) -> None:
        """Tell from now on when somebody else begins or ends place mode, as with a right click in a view."""
        interaction, selection = self._modes()
        for node, event in (
            (interaction, interaction.InteractionModeChangedEvent),
            (selection, selection.ActivePlaceNodeIDChangedEvent),
        ):
            self._modes_observed.append((node, node.AddObserver(event, lambda *_args: self._busy or self._switched())))

    def start(self, kind: str) -> None:
        """Let every slice view place prompts of this kind until :meth:`stop`."""
        self._create()
        self._drop_unfinished()
        interaction, selection = self._modes()
        self._busy = True
        if self._persistence is None:
            self._persistence = interaction.GetPlaceModePersistence()
        selection.SetReferenceActivePlaceNodeClassName("vtkMRMLMarkupsFiducialNode")
        selection.SetActivePlaceNodeID(self._nodes[kind].GetID())
        interaction.SetPlaceModePersistence(1)
        interaction.SetCurrentInteractionMode(interaction.Place)
        self._busy = False

    def stop(self) -> None:
        """Give the mouse back."""
        interaction, _ = self._modes()
        self._busy = True
        if self.placing is not None:
            interaction.SetCurrentInteractionMode(interaction.ViewTransform)
        if self._persistence is not None:
            interaction.SetPlaceModePersistence(self._persistence)
            self._persistence = None
        self._busy = False
        self._drop_unfinished()

    def show(self, prompts) -> None:
        """Show these prompts (of :mod:`..segmentation.prompts`) and no others; the views draw only what is new.

        The first corner of a box that is being placed stays.
        """
        if self._are_shown(tuple(prompts)):
            return
        self._prompts = tuple(prompts)
        if not self._nodes and not self._prompts:
            return
        self._create()
        self._busy = True
        for kind, node in self._nodes.items():
            unfinished = [position for key, position in self._points(kind).items() if self._is_first_corner(kind, key)]
            blocked = node.StartModify()
            node.RemoveAllControlPoints()
            for prompt in self._prompts:
                if prompt.kind == kind:
                    for number, point in enumerate(prompt.points):
                        self._add(node, prompt, number, point)
            for position in unfinished:
                node.AddControlPoint(*position)
            node.EndModify(blocked)
        self._busy = False

    def set_visible(self, visible: bool) -> None:
        """Show the points in the views, or hide them without taking them away."""
        self._visible = visible
        for node in self._nodes.values():
            if slicer.mrmlScene.IsNodePresent(node):
                node.SetDisplayVisibility(visible)

    def _are_shown(self, prompts) -> bool:
        """Whether the views show these prompts already, where they are and none besides."""
        if prompts != self._prompts or not all(slicer.mrmlScene.IsNodePresent(node) for node in self._nodes.values()):
            return False
        for kind in self._nodes:
            places = {(p.id, n): flipped(point) for p in prompts if p.kind == kind for n, point in enumerate(p.points)}
            points = self._points(kind)
            shown = {key: place for key, place in points.items() if not self._is_first_corner(kind, key)}
            if shown.keys() != places.keys():
                return False
            if any(abs(a - b) > UNMOVED for key, place in places.items() for a, b in zip(shown[key], place)):
                return False
        return bool(self._nodes) or not prompts

    @staticmethod
    def _is_first_corner(kind: str, key: Key) -> bool:
        return kind == BOX and not key[0]

    def remove(self) -> None:
        """Remove the point lists from the scene and leave place mode."""
        for node, tag in self._modes_observed:
            node.RemoveObserver(tag)
        self._modes_observed = []
        self.stop()
        for node, tag in self._observations:
            node.RemoveObserver(tag)
        for node in self._nodes.values():
            slicer.mrmlScene.RemoveNode(node)
        self._nodes, self._observations = {}, []

    def forget(self) -> None:
        """Let go of the point lists because the scene removes them itself."""
        for node, tag in self._observations:
            node.RemoveObserver(tag)
        self._nodes, self._observations = {}, []

    def _modes(self):
        logic = slicer.app.applicationLogic()
        return logic.GetInteractionNode(), logic.GetSelectionNode()

    def _create(self):
        if self._nodes and all(slicer.mrmlScene.IsNodePresent(node) for node in self._nodes.values()):
            return
        self.forget()
        for kind, (symbol, color, glyph) in STYLES.items():
            node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLMarkupsFiducialNode")
            node.UnRegister(None)
            node.SetName(symbol)
            node.SetSaveWithScene(False)
            node.SetHideFromEditors(True)
            node = slicer.mrmlScene.AddNode(node)
            node.CreateDefaultDisplayNodes()
            display = node.GetDisplayNode()
            display.SetSaveWithScene(False)
            display.SetSelectedColor(*color)
            display.SetColor(*color)
            display.SetActiveColor(*color)
            display.SetGlyphTypeFromString(glyph)
            display.SetUseGlyphScale(True)
            display.SetGlyphScale(2.5)
            display.SetTextScale(3.0)
            display.SetPointLabelsVisibility(True)
            display.SetVisibility(self._visible)
            node.SetControlPointLabelFormat(symbol)
            self._nodes[kind] = node
            for event, handle in (
                (node.PointPositionDefinedEvent, self._on_defined),
                (node.PointEndInteractionEvent, self._on_moved),
                (node.PointRemovedEvent, self._on_removed),
            ):
                tag = node.AddObserver(event, lambda *_args, handle=handle, kind=kind: self._busy or handle(kind))
                self._observations.append((node, tag))

    def _add(self, node, prompt, number, point):
        index = node.AddControlPoint(*flipped(point))
        symbol = STYLES[prompt.kind][0]
        node.SetNthControlPointLabel(index, symbol + "?" if prompt.proposed else symbol)
        node.SetNthControlPointDescription(index, f"{prompt.id}#{number}")

    def _points(self, kind: str) -> Dict[Key, list]:
        """Positions by (prompt id, number); those just placed have the id ""."""
        node = self._nodes[kind]
        found = {}
        for index in range(node.GetNumberOfControlPoints()):
            if node.GetNthControlPointPositionStatus(index) != node.PositionDefined:
                continue
            prompt_id, _, number = node.GetNthControlPointDescription(index).partition("#")
            key = (prompt_id, int(number)) if number else ("", index)
            found[key] = list(node.GetNthControlPointPositionWorld(index))
        return found

    def _on_defined(self, kind):
        new = [position for (prompt_id, _), position in self._points(kind).items() if not prompt_id]
        if len(new) < (2 if kind == BOX else 1):
            return
        node = self._nodes[kind]
        for index in range(node.GetNumberOfControlPoints()):
            defined = node.GetNthControlPointPositionStatus(index) == node.PositionDefined
            if defined and not node.GetNthControlPointDescription(index):
                node.SetNthControlPointDescription(index, "pending#0")
        self._placed(kind, new, view_normal())

    def _on_moved(self, kind):
        points = self._points(kind)
        for prompt in self._prompts:
            if prompt.kind != kind:
                continue
            places = [points.get((prompt.id, number)) for number in range(len(prompt.points))]
            known = [flipped(point) for point in prompt.points]
            if None not in places and any(
                abs(a - b) > UNMOVED for place, point in zip(places, known) for a, b in zip(place, point)
            ):
                self._moved(prompt.id, places)

    def _on_removed(self, kind):
        points = self._points(kind)
        for prompt in self._prompts:
            if prompt.kind == kind and any((prompt.id, n) not in points for n in range(len(prompt.points))):
                self._deleted(prompt.id)

    def _drop_unfinished(self):
        """Remove the first corner of a box that was never finished."""
        node = self._nodes.get(BOX)
        if node is None:
            return
        self._busy = True
        for index in reversed(range(node.GetNumberOfControlPoints())):
            if not node.GetNthControlPointDescription(index):
                node.RemoveNthControlPoint(index)
        self._busy = False


def view_normal() -> Optional[tuple]:
    """Normal (RAS) of the slice view that the mouse is in; None elsewhere."""
    crosshair = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    node = None if crosshair is None else crosshair.GetCursorPositionXYZ([0.0, 0.0, 0.0])
    if node is None or not node.IsA("vtkMRMLSliceNode"):
        return None
    matrix = node.GetSliceToRAS()
    return tuple(matrix.GetElement(row, 2) for row in range(3))
