"""Which segments have a mask, without searching large labelmaps over and over."""

from typing import Dict, Set

import numpy as np

from .masks import BINARY, has_voxels
from .volumes import voxels


class Presence:
    """Remembers which segments have any voxel; a labelmap is searched again only when it was changed."""

    def __init__(self):
        self._layers: Dict[str, Dict[str, _Layer]] = {}

    def masked(self, node) -> Set[str]:
        """The ids of the segments of a segmentation node that have any voxel; none for None."""
        if node is None:
            return set()
        segmentation, known, layers, found = node.GetSegmentation(), self._layers.get(node.GetID(), {}), {}, set()
        for segment_id in segmentation.GetSegmentIDs():
            segment = segmentation.GetSegment(segment_id)
            data = segment.GetRepresentation(BINARY)
            if has_voxels(data):
                address = data.GetAddressAsString(data.GetClassName())
                if address not in layers:
                    layer = known.get(address)
                    layers[address] = layer if layer is not None and layer.is_of(data) else _Layer(data)
                if layers[address].has(data, segment.GetLabelValue()):
                    found.add(segment_id)
        self._layers[node.GetID()] = layers
        return found


class _Layer:
    """The labels found in a labelmap so far."""

    def __init__(self, data):
        self._changed = data.GetMTime()
        labels = voxels(data)
        self._found = {int(label): True for label in np.unique(labels[::4, ::8, ::8])}
        self._tops = labels.max(axis=(1, 2))

    def is_of(self, data) -> bool:
        return self._changed == data.GetMTime()

    def has(self, data, label: int) -> bool:
        if label not in self._found:
            parts = (part for part, top in zip(voxels(data), self._tops) if top >= label)
            self._found[label] = any((part == label).any() for part in parts)
        return self._found[label]
