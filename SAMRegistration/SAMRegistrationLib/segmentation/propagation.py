"""From prompted slices to a volume: slice by slice outward, each slice prompted by its neighbor's mask."""

from functools import partial
from typing import Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from ..errors import InputError
from ..job import Job
from .anchors import Anchor, Anchors, extent_along, main_axis, prompted_slices, with_correction
from .planes import SlicePlane, slice_of
from .prompts import Structure
from .propagate_correction import propagate_correction
from .slice_clicks import clicks_in_plane
from .slice_propagation import Masks, SlicePropagation
from .slice_segmenter import SliceSegmenter, fingerprint
from .stretches import MaskMemory, Stretches

MENDED = 6  # slices on each side that a click mends at once


class Propagated(NamedTuple):
    """A structure in the whole volume.

    Attributes:
        mask: uint8 (z, y, x).
        unsure: bool (z, y, x), where the model's answers differ; see :class:`.slice_propagation.CarriedMask`.
    """

    mask: np.ndarray
    unsure: np.ndarray


class Propagator:
    """Extends one structure through the volume, or corrections through one mask of it."""

    def __init__(self, segmenter: SliceSegmenter, propagation: Optional[SlicePropagation] = None):
        self._segmenter = segmenter
        self._stretches = Stretches(segmenter, SlicePropagation() if propagation is None else propagation)
        self._corrections = MaskMemory()

    def run(
        self,
        structure: Structure,
        imported: Optional[np.ndarray],
        bases: Dict[SlicePlane, np.ndarray],
        job: Job,
    ) -> Propagated:
        """A structure in the whole volume.

        Slices whose prompts started the structure come first; corrections follow in the order in which they were set,
        each correcting the mask found so far on its slice. One that takes away nothing, as a click beside a mask, does
        not say that the mask is right: such a slice remains as it was found, unless the click is not kept in the end.

        Args:
            structure: with its prompts.
            imported: mask (z, y, x) from elsewhere that the prompts correct, or None.
            bases: masks that corrections were made on, where they are known.

        Raises:
            InputError: there is nothing to start from.
            Canceled: the job was canceled.
        """
        axis = main_axis(structure, self._segmenter.grid)
        starts, corrections = prompted_slices(structure, self._segmenter.grid, axis)
        anchors = {index: self._anchor(structure, SlicePlane(axis, index), None, job) for index in starts}
        if imported is None and not any(anchor.mask.any() for anchor in anchors.values()):
            raise InputError(f"Click at least once inside {structure.name} before it is extended to the volume.")
        passes, unchanged = len(corrections) + 1, []
        for number, index in enumerate(corrections):
            plane = SlicePlane(axis, index)
            before = self._fill(axis, anchors, imported, job.part(number / passes, (number + 1) / passes)).mask
            base = bases.get(plane, slice_of(before, plane).astype(bool))
            anchor = self._anchor(structure, plane, base, job)
            if anchor.asked or not np.array_equal(anchor.mask, base):
                values = slice_of(self._segmenter.volume, plane)
                anchors[index] = with_correction(anchor, base, values, extent_along(before, axis))
            else:
                unchanged.append(plane)
        filled = self._fill(axis, anchors, imported, job.part((passes - 1) / passes, 1.0))
        return self._enforced(structure, filled, unchanged, anchors, imported, job)

    def mended(self, shown: np.ndarray, corrected: Dict[SlicePlane, np.ndarray], axis: int, job: Job) -> np.ndarray:
        """The mask `shown`, uint8 (z, y, x), with corrected slices and their neighbors as far as the same error goes.

        Args:
            corrected: masks (H, W) of slices after their correction, oldest first.
            axis: slices across other axes mend no neighbors, which the model has never seen.
        """
        volume = shown.copy()
        for plane, mask in corrected.items():
            done = (plane, fingerprint(volume > 0), fingerprint(mask))
            work = partial(propagate_correction, self._segmenter, plane, mask, volume, job, MENDED)
            neighbors = self._corrections.get(done, work) if plane.axis == axis else {}
            _write(volume, plane.axis, {**neighbors, plane.index: mask})
        return volume

    def _enforced(
        self,
        structure: Structure,
        filled: Propagated,
        planes: List[SlicePlane],
        anchors: Anchors,
        imported: Optional[np.ndarray],
        job: Job,
    ) -> Propagated:
        """The volume with those of the `planes` corrected whose clicks it does not satisfy."""
        for plane in planes:
            found = slice_of(filled.mask, plane).astype(bool)
            anchor = self._anchor(structure, plane, found, job)
            if not np.array_equal(anchor.mask, found):
                anchors[plane.index] = anchor
                filled = self._fill(plane.axis, anchors, imported, job)
        return filled

    def _fill(self, axis: int, anchors: Anchors, imported: Optional[np.ndarray], job: Job) -> Propagated:
        unsure = np.zeros(self._segmenter.grid.shape, dtype=bool)
        volume = np.zeros(self._segmenter.grid.shape, dtype=np.uint8) if imported is None else imported.copy()
        if imported is None:
            carried = self._stretches.between(axis, anchors, job)
            _write(volume, axis, {index: found.mask for index, found in carried.items()})
            _write(unsure, axis, {index: found.unsure for index, found in carried.items()})
            _write(volume, axis, {index: anchor.mask for index, anchor in anchors.items()})
        else:
            self._correct(axis, anchors, volume, job)
        job.update(1.0, "extended to the volume")
        return Propagated(volume, unsure)

    def _correct(self, axis: int, anchors: Anchors, volume: np.ndarray, job: Job) -> None:
        done: Tuple = (axis, fingerprint(volume > 0))
        for number, (index, anchor) in enumerate(anchors.items()):
            job.update(number / len(anchors), f"slice {index + 1} of {self._segmenter.grid.size[axis]}")
            done = (*done, index, fingerprint(anchor.mask))
            plane = SlicePlane(axis, index)
            work = partial(propagate_correction, self._segmenter, plane, anchor.mask, volume, job)
            _write(volume, axis, {**self._corrections.get(done, work), index: anchor.mask})

    def _anchor(self, structure: Structure, plane: SlicePlane, base: Optional[np.ndarray], job: Job) -> Anchor:
        job.check()
        clicks = clicks_in_plane(structure, self._segmenter.grid, plane)
        mask = self._segmenter.predict(plane, clicks, base).mask
        return Anchor(mask, any(group.asks_for_something for group in clicks))


def _write(volume: np.ndarray, axis: int, masks: Masks) -> None:
    for index, mask in masks.items():
        slice_of(volume, SlicePlane(axis, index))[...] = mask
