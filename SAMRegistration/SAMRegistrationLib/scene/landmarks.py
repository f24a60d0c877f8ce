"""Corresponding landmarks of two markups nodes: placed in the views, read in the world."""

from collections import Counter
from typing import List, NamedTuple, Tuple

import slicer
from slicer.i18n import tr as _

from ..errors import InputError
from ..geometry.frames import flipped
from ..points import PointList


class Landmarks(NamedTuple):
    """Points of both images (LPS mm) to be paired by :func:`..metrics.pair_landmarks`, and sentences about others."""

    fixed: PointList
    moving: PointList
    notes: Tuple[str, ...] = ()


def landmarks_of(fixed, moving) -> Landmarks:
    """The landmarks of two markups nodes, matched by label.

    Where labels agree, those that only one list has, or has several times, are left out and noted. Where none agree, as
    with labels that the application made of the lists' names, the order counts.

    Raises:
        InputError: a list has no points, or no labels agree and the lists differ in length.
    """
    sides = [points_of(fixed), points_of(moving)]
    once = [{name for name, count in Counter(side.names).items() if name and count == 1} for side in sides]
    common = once[0] & once[1]
    if not common:
        if len(sides[0]) != len(sides[1]):
            text = _("{fixed} and {moving} have no labels in common and differ in length; label what belongs together.")
            raise InputError(text.format(fixed=fixed.GetName(), moving=moving.GetName()))
        return Landmarks(*sides)
    left_out = [name for side in sides for name in dict.fromkeys(side.names) if name not in common]
    text = _("Landmarks left out, as no single one has the same label in the other list: {names}.")
    notes = [text.format(names=", ".join(dict.fromkeys(left_out)))] if left_out else []
    return Landmarks(*(_chosen(side, common) for side in sides), tuple(notes))


def new_list(name: str):
    """An empty markups node whose points are labeled 1, 2, ..., as those of its counterpart are."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", slicer.mrmlScene.GenerateUniqueName(name))
    node.CreateDefaultDisplayNodes()
    node.SetControlPointLabelFormat("%d")
    return node


def start_placing(node) -> None:
    """Let clicks in the views add points to a markups node, until the user or :func:`stop_placing` ends it."""
    logic = slicer.modules.markups.logic()
    logic.SetActiveList(node)
    logic.StartPlaceMode(True)


def stop_placing(nodes) -> None:
    """Let clicks no longer add points to one of these markups nodes."""
    application = slicer.app.applicationLogic()
    interaction, active = application.GetInteractionNode(), application.GetSelectionNode().GetActivePlaceNodeID()
    placing = interaction.GetCurrentInteractionMode() == interaction.Place
    if placing and any(node is not None and node.GetID() == active for node in nodes):
        interaction.SetCurrentInteractionMode(interaction.ViewTransform)


def points_of(node) -> PointList:
    """The points of a markups node that were placed, through all of its parents."""
    places: List = []
    names: List[str] = []
    for index in range(node.GetNumberOfControlPoints()):
        if node.GetNthControlPointPositionStatus(index) == node.PositionDefined:
            places.append(flipped(node.GetNthControlPointPositionWorld(index)))
            names.append(node.GetNthControlPointLabel(index).strip())
    if not places:
        raise InputError(_("{name} has no landmarks; place some, or choose no list.").format(name=node.GetName()))
    return PointList(places, names)


def _chosen(points: PointList, names) -> PointList:
    kept = [number for number, name in enumerate(points.names) if name in names]
    return PointList(points.points[kept], [points.names[number] for number in kept])
