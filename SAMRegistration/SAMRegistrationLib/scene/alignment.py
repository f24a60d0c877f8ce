"""Segmentations that the module works in: made for a volume, or copied where ids of segments have to change.

Across two segmentations an id is the same where, and only where, it is the same structure.

Ids given by the application ("Segment_1") say nothing about a structure; its name does.
"""

from collections import defaultdict, deque
from dataclasses import replace
from typing import Dict

import numpy as np
import slicer

from ..segmentation.prompts import new_id
from ..volumes import name_key
from .display import restore_all
from .folders import file_beside
from .masks import BINARY, copy_of_labelmap, has_voxels, new_segmentation
from .placement import geometry_of, hardened_since, may_compare
from .space import to_vtk
from .structure_segments import read_prompts, structures_of, write_prompts

ORIGINAL, PARENT = "SAMRegistration.Original", "SAMRegistration.OriginalParent"
GEOMETRY = "SAMRegistration.OriginalGeometry"
PROPERTIES = (
    "Visibility",
    "Visibility3D",
    "Visibility2DFill",
    "Visibility2DOutline",
    "Opacity3D",
    "Opacity2DFill",
    "Opacity2DOutline",
    "OverrideColor",
    "Pickable",
)


def aligned_ids(node, other) -> Dict[str, str]:
    """Which ids the segments of `node` need beside those of `other`; an id that may stay is mapped to itself.

    It is the id of a segment of `other` with the same name (case and outer blanks ignored), each given once; else the
    own id where `other` has none like it; else a new one.
    """
    own, others = structures_of(node), structures_of(other)
    names = {structure.id: name_key(structure.name) for structure in others}
    ids = {structure.id: structure.id for structure in own if names.get(structure.id) == name_key(structure.name)}
    free = defaultdict(deque)
    for structure in others:
        if structure.id not in ids:
            free[name_key(structure.name)].append(structure.id)
    for structure in own:
        same = free[name_key(structure.name)]
        if structure.id not in ids and same:
            ids[structure.id] = same.popleft()
        elif structure.id not in ids:
            ids[structure.id] = new_id() if structure.id in names else structure.id
    return {structure.id: ids[structure.id] for structure in own}


def aligned_copy(node, other, name: str):
    """A :func:`working_copy` of `node` with the ids of :func:`aligned_ids`, None where they are as they should be.

    Raises:
        InputError: the prompts kept with the node are damaged.
    """
    ids = aligned_ids(node, other)
    return None if all(old == new for old, new in ids.items()) else working_copy(node, name, ids)


def working_copy(node, name: str, ids: Dict[str, str]):
    """A copy of a segmentation node, which stays as it is.

    Masks, names, colors, terminology, display, reference geometry, parent transform, folder and the prompts kept with
    the node go along. The copy knows its original: :func:`follow_original`.

    Args:
        name: of the copy; a number is added where it is taken.
        ids: the id in the copy of every segment.

    Raises:
        InputError: the prompts kept with the node are damaged.
    """
    prompts = read_prompts(node)
    restore_all()
    copy = new_segmentation(name)
    copy.SetAndObserveTransformNodeID(node.GetTransformNodeID())
    _remember(copy, node)
    role = node.GetReferenceImageGeometryReferenceRole()
    copy.SetNodeReferenceID(role, node.GetNodeReferenceID(role))
    with (
        slicer.util.NodeModify(copy),
        slicer.util.NodeModify(copy.GetDisplayNode()),
    ):  # once, not per segment
        _copy_segments(node.GetSegmentation(), copy.GetSegmentation(), ids)
        copy_display(node.GetDisplayNode(), copy.GetDisplayNode(), ids)
    known = (structure for structure in prompts.structures if structure.id in ids)
    write_prompts(copy, replace(prompts, structures=tuple(replace(s, id=ids[s.id]) for s in known)))
    file_beside(copy, node)
    return copy


def masks_for(volume, name: str):
    """A new, empty segmentation node for a volume node: it lies where the volume lies, and goes where it goes."""
    node = new_segmentation(name)
    node.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    _remember(node, volume)
    return node


def original_of(node):
    """The segmentation node that `node` is a copy of, or the volume node that it was made for; None for others."""
    return None if node is None else node.GetNodeReference(ORIGINAL)


def is_copy_of(node, original) -> bool:
    """Whether `node` is a copy made here of `original`, with the same segments under the same ids."""
    same = original_of(node) is original
    return same and node.GetSegmentation().GetSegmentIDs() == original.GetSegmentation().GetSegmentIDs()


def is_working_copy(node) -> bool:
    """Whether a segmentation node was made by the module to work in; others are those of the user."""
    return node.GetAttribute(GEOMETRY) is not None


def follow_original(node) -> None:
    """Move a node with an :func:`original_of` as that was moved since: put under another parent, or by hardening it.

    A node whose original stayed is left alone, and so is one that was moved itself; and every other node.
    """
    original = original_of(node)
    if original is None:
        return
    follow_original(original)
    then, parent = node.GetAttribute(GEOMETRY), node.GetNodeReferenceID(PARENT)
    stayed = node.GetTransformNodeID() == parent and np.array_equal(hardened_since(node, then), np.eye(4))
    if stayed and may_compare(original, then):
        hardened = hardened_since(original, then)
        if original.GetTransformNodeID() != parent:
            node.SetAndObserveTransformNodeID(original.GetTransformNodeID())
        if not np.array_equal(hardened, np.eye(4)):
            node.ApplyTransformMatrix(to_vtk(hardened))
    _remember(node, original)


def _remember(copy, original) -> None:
    copy.SetNodeReferenceID(ORIGINAL, original.GetID())
    copy.SetNodeReferenceID(PARENT, original.GetTransformNodeID())
    copy.SetAttribute(GEOMETRY, geometry_of(original))


def _copy_segments(source, target, ids) -> None:
    """Copies under other ids; segments that share a labelmap share its copy."""
    target.SetSourceRepresentationName(source.GetSourceRepresentationName())
    target.CopyConversionParameters(source)
    copies = {}
    for old, new in ids.items():
        original, segment = source.GetSegment(old), slicer.vtkSegment()
        segment.DeepCopyMetadata(original)
        representations = []
        original.GetContainedRepresentationNames(representations)
        for representation in representations:
            data = original.GetRepresentation(representation)
            key = data.GetAddressAsString(data.GetClassName())
            if key not in copies:
                copies[key] = copy_of_labelmap(data) if representation == BINARY and has_voxels(data) else _copy(data)
            segment.AddRepresentation(representation, copies[key])
        target.AddSegment(segment, new)


def _copy(data):
    copy = data.NewInstance()
    copy.DeepCopy(data)
    return copy


def copy_display(source, target, ids) -> None:
    """Show segments (`ids`: old to new) by a display node as another one shows them; nothing where that is None."""
    if source is None:
        return
    target.CopyContent(source)
    for old, new in ids.items():
        for name in PROPERTIES:
            getattr(target, f"SetSegment{name}")(new, getattr(source, f"GetSegment{name}")(old))
