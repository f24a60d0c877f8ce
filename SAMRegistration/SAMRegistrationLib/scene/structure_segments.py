"""Structures as segments: the same id, name, color and terminology in the fixed and the moving segmentation.

What is one structure is said by its name; :mod:`.alignment` brings the ids of two segmentations in line with that.
"""

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from ..choices import GUIDE
from ..errors import InputError
from ..geometry.frames import RAS_LPS
from ..segmentation.prompt_editor import COLORS
from ..segmentation.prompts import Prompt, PromptSet, new_id
from .placement import motion_since, place_of
from .roles import put_role, role_of

PROMPTS, PLACE = "SAMRegistration.Prompts", "place"


class StructureInfo(NamedTuple):
    """What is known of a structure without its mask."""

    id: str
    name: str
    color: Tuple[float, float, float]
    terminology: str
    role: str = GUIDE


def structures_of(node) -> List[StructureInfo]:
    """The segments of a segmentation node; none for None."""
    if node is None:
        return []
    segmentation = node.GetSegmentation()
    return [
        StructureInfo(
            segment_id, segment.GetName(), tuple(segment.GetColor()), terminology_of(segment), role_of(segment)
        )
        for segment_id in segmentation.GetSegmentIDs()
        for segment in [segmentation.GetSegment(segment_id)]
    ]


def terminology_of(segment) -> str:
    """The serialized terminology entry of a segment, "" without one."""
    text = vtk.reference("")
    found = segment.GetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), text)
    return str(text) if found else ""


def new_structure(name: str, taken: int, color: Optional[Sequence[float]] = None, terminology: str = ""):
    """A structure with an id of its own; `taken` says how many there are, which chooses the color."""
    return StructureInfo(new_id(), name, tuple(color or COLORS[taken % len(COLORS)]), terminology)


def put_structure(node, structure: StructureInfo) -> None:
    """Add an empty segment, or set name, color, terminology and role of the one with this id; its mask stays."""
    segmentation = node.GetSegmentation()
    with slicer.util.NodeModify(node):
        segment = segmentation.GetSegment(structure.id)
        if segment is None:
            segmentation.AddEmptySegment(structure.id, structure.name, structure.color)
            segment = segmentation.GetSegment(structure.id)
        segment.SetName(structure.name)
        segment.SetColor(structure.color)
        put_role(segment, structure.role)
        if structure.terminology:
            segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), structure.terminology)


def read_prompts(node) -> PromptSet:
    """The prompts kept with a segmentation node, moved along with it; empty for None and for a node without.

    Raises:
        InputError: what is kept there is damaged.
    """
    text = None if node is None else node.GetAttribute(PROMPTS)
    if not text:
        return PromptSet()
    try:
        prompts, place = _parsed(text)
        motion = None if place is None else motion_since(node, place)
    except (InputError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(_("The clicks saved with {name} are damaged.").format(name=node.GetName())) from error
    return prompts if motion is None else _moved(text, tuple((RAS_LPS @ motion @ RAS_LPS).ravel().tolist()))


def readable_prompts(node) -> PromptSet:
    """The prompts as :func:`read_prompts` gives them; none where they are damaged."""
    try:
        return read_prompts(node)
    except InputError:
        return PromptSet()


def write_prompts(node, prompts: PromptSet) -> None:
    """Keep prompts with a segmentation node, so that they are saved with the scene."""
    node.SetAttribute(PROMPTS, json.dumps({**prompts.to_dict(), PLACE: place_of(node)}))


@lru_cache(maxsize=4)
def _parsed(text: str) -> Tuple[PromptSet, Any]:
    """What is kept with a node, and its place then; thousands of clicks are parsed once and not at every look."""
    data = json.loads(text)
    place = data.pop(PLACE, None)
    return PromptSet.from_dict(data), place


@lru_cache(maxsize=4)
def _moved(text: str, numbers: Tuple[float, ...]) -> PromptSet:
    """Prompts moved by a 4x4 matrix (LPS mm), given row by row."""
    prompts, motion = _parsed(text)[0], np.reshape(numbers, (4, 4))
    turn = np.linalg.inv(motion[:3, :3]).T

    def moved(prompt: Prompt) -> Prompt:
        points = tuple((motion @ [*point, 1.0])[:3] for point in prompt.points)
        return replace(prompt, points=points, normal=None if prompt.normal is None else _unit(turn @ prompt.normal))

    return replace(
        prompts,
        structures=tuple(
            replace(structure, prompts=tuple(map(moved, structure.prompts))) for structure in prompts.structures
        ),
    )


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def anatomies(folder: Path) -> Dict[str, List[StructureInfo]]:
    """The anatomy presets of a folder: name to structures, whose ids are empty."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        found[data["name"]] = [
            StructureInfo("", entry["name"], tuple(entry["color"]), entry["terminology"])
            for entry in data["structures"]
        ]
    return found
