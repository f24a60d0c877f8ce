"""A segment as it was when it was removed: enough to bring it back where it then belongs."""

import zlib
from dataclasses import dataclass, replace
from typing import Any, Dict, Optional, Tuple

import numpy as np
import slicer
import vtk

from ..geometry.boxes import box_of, marked_bounds
from .alignment import PROPERTIES
from .masks import BINARY, has_voxels
from .placement import geometry_of, hardened_since
from .space import is_linear_to_world, to_numpy, to_vtk
from .structure_segments import prompts_in, prompts_text, readable_prompts, write_prompts
from .volumes import scalars, voxels


@dataclass(frozen=True)
class PackedMask:
    """A mask that is kept small, cut to what is marked.

    Attributes:
        bits: its voxels, eight a byte, compressed.
        extent: of the voxels, as VTK writes it.
        matrix: 4x4, voxels to the coordinates of the segmentation node (RAS mm).
        geometry: of the node then, as :func:`.placement.geometry_of` writes it.
    """

    bits: bytes
    extent: Tuple[int, ...]
    matrix: np.ndarray
    geometry: str

    @classmethod
    def of(cls, node, segment) -> Optional["PackedMask"]:
        """The mask of a segment; None where nothing is marked."""
        data = segment.GetRepresentation(BINARY)
        marked = voxels(data) == segment.GetLabelValue() if has_voxels(data) else np.zeros((1, 1, 1), bool)
        bounds = marked_bounds(marked)
        if bounds is None:
            return None
        matrix, first = vtk.vtkMatrix4x4(), data.GetExtent()[::2]
        data.GetImageToWorldMatrix(matrix)
        extent = tuple(start + end for start, pair in zip(first, reversed(bounds)) for end in pair)
        bits = zlib.compress(np.packbits(marked[box_of(bounds)]).tobytes(), 1)
        return cls(bits, extent, to_numpy(matrix), geometry_of(node))

    def image(self, node):
        """The mask as an oriented image in the coordinates of the node as they are now."""
        size = [high - low + 1 for low, high in zip(self.extent[::2], self.extent[1::2])][::-1]
        image = slicer.vtkOrientedImageData()
        image.SetImageToWorldMatrix(to_vtk(hardened_since(node, self.geometry) @ self.matrix))
        image.SetExtent(*self.extent)
        packed = np.frombuffer(zlib.decompress(self.bits), np.uint8)
        image.GetPointData().SetScalars(scalars(np.unpackbits(packed, count=int(np.prod(size))).reshape(size)))
        return image


@dataclass(frozen=True)
class SegmentCopy:
    """A segment with its mask, place in the list, display and clicks.

    Attributes:
        segment: what describes it, and its surface where it has no mask.
        prompts: its clicks as text; `number` says where it stood among the structures that have some.
        parent: id of the node's parent transform then; `follows` says whether it can follow when that is hardened.
    """

    segment_id: str
    segment: Any
    mask: Optional[PackedMask]
    index: int
    display: Dict[str, Any]
    prompts: str
    number: int
    parent: Optional[str]
    follows: bool

    @classmethod
    def of(cls, node, segment_id: str) -> "SegmentCopy":
        """The copy of a segment of a segmentation node."""
        segmentation, display = node.GetSegmentation(), node.GetDisplayNode()
        original, segment = segmentation.GetSegment(segment_id), slicer.vtkSegment()
        segment.DeepCopyMetadata(original)
        names = []
        original.GetContainedRepresentationNames(names)
        if BINARY not in names:
            for name in names:
                segment.AddRepresentation(name, original.GetRepresentation(name))
        shown = {} if display is None else {n: getattr(display, f"GetSegment{n}")(segment_id) for n in PROPERTIES}
        prompts = readable_prompts(node)
        ids = [structure.id for structure in prompts.structures]
        own = tuple(structure for structure in prompts.structures if structure.id == segment_id)
        return cls(
            segment_id,
            segment,
            PackedMask.of(node, original),
            segmentation.GetSegmentIndex(segment_id),
            shown,
            prompts_text(node, replace(prompts, structures=own)),
            ids.index(segment_id) if own else -1,
            node.GetTransformNodeID(),
            is_linear_to_world(node) and not (names and BINARY not in names),
        )

    def fits(self, node) -> bool:
        """Whether it is known where it belongs now; surfaces, and what was bent, do not follow a hardened transform."""
        return self.follows or node.GetTransformNodeID() == self.parent

    def put(self, node) -> None:
        """Add the segment to the node again, as it was; other segments stay."""
        segmentation, segment = node.GetSegmentation(), slicer.vtkSegment()
        segment.DeepCopyMetadata(self.segment)
        names = []
        self.segment.GetContainedRepresentationNames(names)
        for name in names:
            segment.AddRepresentation(name, self.segment.GetRepresentation(name))
        segmentation.AddSegment(segment, self.segment_id)
        if self.mask is not None:
            logic = slicer.vtkSlicerSegmentationsModuleLogic
            logic.SetBinaryLabelmapToSegment(self.mask.image(node), node, self.segment_id, logic.MODE_REPLACE)
        segmentation.SetSegmentIndex(self.segment_id, min(self.index, segmentation.GetNumberOfSegments() - 1))
        for name, value in self.display.items() if node.GetDisplayNode() is not None else ():
            getattr(node.GetDisplayNode(), f"SetSegment{name}")(self.segment_id, value)
        self._put_prompts(node)

    def _put_prompts(self, node) -> None:
        own, present = prompts_in(node, self.prompts).structures, readable_prompts(node)
        if not own or present.has(self.segment_id):
            return
        (structure,) = own
        if any(other.label == structure.label for other in present.structures):
            structure = replace(structure, label=present.free_label())
        before, after = present.structures[: self.number], present.structures[self.number :]
        write_prompts(node, replace(present, structures=(*before, structure, *after)))
