"""Steps that put structures and choices back to what they were; each gives the step that leads forth again.

What a step needs may have been removed since: then it raises an error of one sentence and changes nothing.
"""

from dataclasses import dataclass
from typing import Any, Dict, Optional, Sequence, Tuple, Union

import slicer
from slicer.i18n import tr as _

from ..errors import InputError
from .alignment import original_of
from .roles import put_role
from .segment_copy import SegmentCopy
from .structure_segments import remove_segment, structures_of

SIDES = ("fixed", "moving")
State = Union[None, SegmentCopy, Dict[str, Any]]


@dataclass(frozen=True)
class Structures:
    """The structures of both sides at some moment.

    Attributes:
        described: by side and id what describes them; copies: those that are about to be removed.
    """

    described: Dict[Tuple[str, str], Any]
    copies: Dict[Tuple[str, str], SegmentCopy]

    @classmethod
    def of(cls, parameters, removing: Sequence[str] = ()) -> "Structures":
        """Those of the segmentations in use; `removing` gives the ids of which masks and clicks are needed too."""
        nodes = {side: getattr(parameters, f"{side}Segmentation") for side in SIDES}
        described = {(side, entry.id): entry for side, node in nodes.items() for entry in structures_of(node)}
        copies = {
            (side, entry_id): SegmentCopy.of(nodes[side], entry_id)
            for side, entry_id in described
            if entry_id in removing
        }
        return cls(described, copies)

    def step_back(self, parameters, name: str) -> Optional["StructureStep"]:
        """What puts the structures back to how they were at that moment; None where nothing is changed."""
        now = Structures.of(parameters).described
        states: Dict[Tuple[str, str, str], State] = {}
        for side, structure_id in {**self.described, **now}:
            before, after = self.described.get((side, structure_id)), now.get((side, structure_id))
            if before == after:
                continue
            if after is None:
                state: State = self.copies[side, structure_id]
            elif before is None:
                state = None
            else:
                pairs = zip(before._fields, before, after)
                state = {field: old for field, old, new in pairs if old != new}
            node = getattr(parameters, f"{side}Segmentation")
            states[side, node.GetID(), structure_id] = state
        return StructureStep(name, states) if states else None


@dataclass(frozen=True)
class StructureStep:
    """States of segments, by side, id of the segmentation node and id of the segment: None where there was none, a
    copy of one that was removed, or the properties that were others."""

    name: str
    states: Dict[Tuple[str, str, str], State]

    @property
    def structure_ids(self) -> Tuple[str, ...]:
        """The structures that it changes."""
        return tuple(dict.fromkeys(structure_id for _side, _node, structure_id in self.states))

    def apply(self, parameters) -> "StructureStep":
        """Put the segments into their states.

        Returns:
            What takes that back.

        Raises:
            InputError: none of them is in use any more; nothing was changed.
        """
        inverse: Dict[Tuple[str, str, str], State] = {}
        for (side, node_id, structure_id), state in self.states.items():
            node = getattr(parameters, f"{side}Segmentation")
            if node is None or not _goes_on(node, node_id) or not _can_be_put(node, structure_id, state):
                continue
            inverse[side, node.GetID(), structure_id] = _put(node, structure_id, state)
        if not inverse:
            text = _("{name} cannot be undone or redone: the structure or its segmentation is no longer there.")
            raise InputError(text.format(name=self.name[:1].upper() + self.name[1:]))
        return StructureStep(self.name, inverse)


@dataclass(frozen=True)
class ChoiceStep:
    """Choices of nodes: by the name of the parameter the id of the node that was chosen, and of the one chosen then.

    An id is None where nothing was chosen.
    """

    name: str
    choices: Dict[str, Tuple[Optional[str], Optional[str]]]
    structure_ids = ()

    def apply(self, parameters) -> "ChoiceStep":
        """Choose the former nodes.

        Returns:
            What takes that back.

        Raises:
            InputError: one of them is no longer in the scene; nothing was changed.
        """
        nodes = {name: _node(node_id) for name, (node_id, _later) in self.choices.items()}
        if any(node is None and self.choices[name][0] is not None for name, node in nodes.items()):
            text = _("{name} cannot be undone or redone: what was chosen is no longer in the scene.")
            raise InputError(text.format(name=self.name[:1].upper() + self.name[1:]))
        inverse = {}
        for name, node in nodes.items():
            present = getattr(parameters, name)
            inverse[name] = (self.choices[name][1] if present is None else present.GetID(), self.choices[name][0])
            _show_instead_of_original(present, False)
            setattr(parameters, name, node)
            _show_instead_of_original(node, True)
        return ChoiceStep(self.name, inverse)


def _goes_on(node, node_id: str) -> bool:
    """Whether a segmentation node is the one of this id, or the copy of it in which the module goes on."""
    original = original_of(node)
    return node.GetID() == node_id or (original is not None and original.GetID() == node_id)


def _node(node_id: Optional[str]):
    return None if node_id is None else slicer.mrmlScene.GetNodeByID(node_id)


def _can_be_put(node, structure_id: str, state: State) -> bool:
    there = node.GetSegmentation().GetSegment(structure_id) is not None
    return not there and state.fits(node) if isinstance(state, SegmentCopy) else there


def _put(node, structure_id: str, state: State) -> State:
    """Put one segment into a state; the state it had."""
    if isinstance(state, SegmentCopy):
        state.put(node)
        return None
    if state is None:
        copy = SegmentCopy.of(node, structure_id)
        remove_segment(node, structure_id)
        return copy
    segment = node.GetSegmentation().GetSegment(structure_id)
    present = next(entry for entry in structures_of(node) if entry.id == structure_id)
    setters = {
        "name": segment.SetName,
        "color": segment.SetColor,
        "terminology": lambda text: _put_terminology(segment, text),
        "role": lambda role: put_role(segment, role),
    }
    for field, value in state.items():
        setters[field](value)
    return {field: getattr(present, field) for field in state}


def _put_terminology(segment, text: str) -> None:
    tag = slicer.vtkSegment.GetTerminologyEntryTagName()
    if text:
        segment.SetTag(tag, text)
    else:
        segment.RemoveTag(tag)


def _show_instead_of_original(node, instead: bool) -> None:
    """Let a working copy be seen instead of the segmentation that it is a copy of, or the other way around."""
    original = original_of(node)
    if original is not None and original.IsA("vtkMRMLSegmentationNode"):
        node.SetDisplayVisibility(instead)
        original.SetDisplayVisibility(not instead)
