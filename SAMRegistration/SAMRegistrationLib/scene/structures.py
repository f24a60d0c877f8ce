"""Structures as segments: the same id, name, color and terminology in the fixed and the moving segmentation.

What is one structure is said by its name; :mod:`.alignment` brings the ids of two segmentations in line with that.
"""

import json
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import slicer
import vtk

from ..errors import InputError
from ..segmentation.prompts import PromptSet, new_id
from ..segmentation.session import COLORS
from .masks import BINARY

PROMPTS = "SAMRegistration.Prompts"


class StructureInfo(NamedTuple):
    """What is known of a structure without its mask."""

    id: str
    name: str
    color: Tuple[float, float, float]
    terminology: str


def structures_of(node) -> List[StructureInfo]:
    """The segments of a segmentation node; none for None."""
    if node is None:
        return []
    segmentation = node.GetSegmentation()
    return [
        StructureInfo(segment_id, segment.GetName(), tuple(segment.GetColor()), terminology_of(segment))
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
    """Add an empty segment, or set name, color and terminology of the one with this id; its mask stays."""
    segmentation = node.GetSegmentation()
    segment = segmentation.GetSegment(structure.id)
    if segment is None:
        segmentation.AddEmptySegment(structure.id, structure.name, structure.color)
        segment = segmentation.GetSegment(structure.id)
    segment.SetName(structure.name)
    segment.SetColor(structure.color)
    if structure.terminology:
        segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), structure.terminology)


def has_mask(node, structure_id: str) -> bool:
    """Whether the segment has any voxel."""
    segment = None if node is None else node.GetSegmentation().GetSegment(structure_id)
    data = None if segment is None else segment.GetRepresentation(BINARY)
    if data is None or data.GetNumberOfPoints() == 0:
        return False
    extent = [0, -1, 0, -1, 0, -1]
    return bool(slicer.vtkOrientedImageDataResample.CalculateEffectiveExtent(data, extent, segment.GetLabelValue() - 1))


def read_prompts(node) -> PromptSet:
    """The prompts kept with a segmentation node; empty for None and for a node without.

    Raises:
        InputError: what is kept there is damaged.
    """
    text = None if node is None else node.GetAttribute(PROMPTS)
    if not text:
        return PromptSet()
    try:
        return PromptSet.from_dict(json.loads(text))
    except ValueError as error:
        raise InputError(f"The clicks saved with {node.GetName()} are damaged.") from error


def write_prompts(node, prompts: PromptSet) -> None:
    """Keep prompts with a segmentation node, so that they are saved with the scene."""
    node.SetAttribute(PROMPTS, json.dumps(prompts.to_dict()))


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
