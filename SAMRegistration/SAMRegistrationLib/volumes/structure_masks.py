"""The structures of one image, which may overlap.

Structures that do not overlap share a layer, which is a label image; so a label image of any number of structures is
one layer, and overlapping structures need about as many layers as there are structures at one place.
"""

from dataclasses import dataclass, replace
from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Tuple, Union

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..geometry.boxes import box_of, cut_to_marked, marked_bounds
from ..geometry.grid import Grid
from ..geometry.resample import warp_labels

Color = Tuple[float, float, float]


def name_key(name: str) -> str:
    """What the names of one structure in two images have in common: case and outer blanks do not count."""
    return name.strip().casefold()


@dataclass(frozen=True)
class StructureMask:
    """One structure of :class:`StructureMasks`.

    Attributes:
        label: its number, above 0; no other structure of the image has it.
        layer, value: where its voxels are: those of this value in this layer.
        name: "" where the image does not name it.
        color: red, green, blue in [0, 1], where it is known.
    """

    label: int
    layer: int
    value: int
    name: str = ""
    color: Optional[Color] = None

    @property
    def title(self) -> Union[str, int]:
        """The name, or the number of a structure without one."""
        return self.name or self.label


class NamedMask(NamedTuple):
    """A structure and its mask (z, y, x); what is not 0 is inside."""

    label: int
    name: str
    mask: np.ndarray
    color: Optional[Color] = None


@dataclass(frozen=True)
class StructureMasks:
    """Structures of one image on one grid; they may overlap.

    Attributes:
        layers: label images (0 is background) on the same grid; every other value of a layer is one structure.
        structures: in the order of their numbers.
        notes: sentences for the user about what was left out or taken differently when they were read.

    Example:
        >>> image = sitk.GetImageFromArray(np.array([[[0, 1, 1, 3]]], np.uint8))
        >>> from SAMRegistrationLib.volumes import as_structures
        >>> as_structures(image, "The image").labels
        (1, 3)
    """

    layers: Tuple[sitk.Image, ...]
    structures: Tuple[StructureMask, ...]
    notes: Tuple[str, ...] = ()

    @classmethod
    def of_masks(cls, masks: Iterable[NamedMask], grid: Grid, notes: Iterable[str] = ()) -> "StructureMasks":
        """Masks on `grid`, each in the first layer that is free where it is; empty ones are left out.

        Raises:
            InputError: a mask is not on the grid, or its number is below 1 or that of another one.
        """
        layers: List[np.ndarray] = []
        found: List[StructureMask] = []
        for entry in masks:
            if entry.mask.shape != grid.shape:
                raise InputError(f"The mask of structure {entry.name or entry.label} is not on the grid of the others.")
            if entry.label < 1 or any(other.label == entry.label for other in found):
                raise InputError(f"Structures need numbers above 0 of their own, but one has the number {entry.label}.")
            bounds = marked_bounds(entry.mask)
            if bounds is None:
                continue
            box = box_of(bounds)
            part = entry.mask[box] != 0
            number = next((n for n, layer in enumerate(layers) if not layer[box][part].any()), len(layers))
            if number == len(layers):
                layers.append(np.zeros(grid.shape, np.uint8))
            value = 1 + sum(other.layer == number for other in found)
            layers[number] = layers[number].astype(np.promote_types(layers[number].dtype, holding(value)), copy=False)
            layers[number][box][part] = value
            found.append(StructureMask(entry.label, number, value, entry.name, entry.color))
        layers = layers or [np.zeros(grid.shape, np.uint8)]
        ordered = sorted(found, key=lambda structure: structure.label)
        return cls(tuple(grid.image(layer) for layer in layers), tuple(ordered), tuple(notes))

    @property
    def grid(self) -> Grid:
        """The grid of all masks."""
        return Grid.of(self.layers[0])

    @property
    def labels(self) -> Tuple[int, ...]:
        """The numbers of the structures, in ascending order."""
        return tuple(structure.label for structure in self.structures)

    def structure(self, label: int) -> Optional[StructureMask]:
        """The structure of this number, None where there is none."""
        return next((structure for structure in self.structures if structure.label == label), None)

    def title(self, label: int) -> Union[str, int]:
        """The name of the structure of this number, or the number."""
        structure = self.structure(label)
        return label if structure is None else structure.title

    def inside(self, label: int, box=...) -> np.ndarray:
        """Whether voxels are in a structure, (z, y, x), bool; `box` is an index of the array, all of it without."""
        structure = self.structure(label)
        if structure is None:
            return np.zeros(self.grid.shape, bool)[box]
        return sitk.GetArrayViewFromImage(self.layers[structure.layer])[box] == structure.value

    def cut(self, label: int) -> Optional[Tuple[np.ndarray, Grid]]:
        """The mask of a structure cut to its voxels and one around, and its grid; None where it has no voxel."""
        return cut_to_marked(self.inside(label), self.grid)

    def marked(self) -> np.ndarray:
        """Whether voxels are in any structure, (z, y, x), bool."""
        arrays = [sitk.GetArrayViewFromImage(layer) for layer in self.layers]
        marked = arrays[0] != 0
        for array in arrays[1:]:
            marked |= array != 0
        return marked

    def overlapping(self) -> int:
        """How many voxels are in more than one structure."""
        if len(self.layers) == 1:
            return 0
        counts = np.zeros(self.grid.shape, np.uint16)
        for layer in self.layers:
            counts += sitk.GetArrayViewFromImage(layer) != 0
        return int(np.count_nonzero(counts > 1))

    def volumes_ml(self) -> Dict[int, float]:
        """The volume of every structure in milliliters, by number."""
        counts = [_counts(sitk.GetArrayViewFromImage(layer)) for layer in self.layers]
        voxel_ml = self.grid.voxel_volume / 1000
        return {s.label: counts[s.layer].get(s.value, 0) * voxel_ml for s in self.structures}

    def label_image(self) -> sitk.Image:
        """One label image of the numbers; where structures overlap the smaller one is on top."""
        if len(self.layers) == 1 and all(structure.value == structure.label for structure in self.structures):
            return self.layers[0]
        volumes = self.volumes_ml()
        labels = np.zeros(self.grid.shape, holding(max((0, *self.labels))))
        for label in sorted(self.labels, key=lambda label: -volumes[label]):
            labels[self.inside(label)] = label
        return self.grid.image(labels)

    def warped(self, transform: sitk.Transform, grid: Grid, smooth: bool = False) -> "StructureMasks":
        """The structures brought onto `grid`; see :func:`..geometry.resample.warp_labels`."""
        return self.with_layers(lambda layer: warp_labels(layer, transform, grid, smooth))

    def with_layers(self, change: Callable[[sitk.Image], sitk.Image]) -> "StructureMasks":
        """The same structures in changed layers."""
        return replace(self, layers=tuple(change(layer) for layer in self.layers))

    def renumbered(self, numbers: Dict[int, int]) -> "StructureMasks":
        """The structures with other numbers, by their present ones; those that are not named keep theirs."""
        renamed = [replace(s, label=numbers.get(s.label, s.label)) for s in self.structures]
        if len({structure.label for structure in renamed}) < len(renamed):
            raise ValueError("Two structures would have the same number.")
        return replace(self, structures=tuple(sorted(renamed, key=lambda structure: structure.label)))

    def named(self, names: Dict[int, str], colors: Optional[Dict[int, Color]] = None) -> "StructureMasks":
        """The structures with names and colors, by number, where they have none."""
        described = (
            replace(s, name=s.name or names.get(s.label, ""), color=s.color or (colors or {}).get(s.label))
            for s in self.structures
        )
        return replace(self, structures=tuple(described))


Labels = Union[sitk.Image, StructureMasks]


def holding(value: int) -> np.dtype:
    """The smallest type of unsigned whole numbers that holds a value."""
    return np.dtype(next(kind for kind in (np.uint8, np.uint16, np.uint32, np.uint64) if value <= np.iinfo(kind).max))


def _counts(array: np.ndarray) -> Dict[int, int]:
    if array.dtype.itemsize <= 2:
        counts = np.bincount(array.ravel())
        return {int(value): int(counts[value]) for value in np.flatnonzero(counts)}
    values, counts = np.unique(array[array != 0], return_counts=True)
    return dict(zip(values.tolist(), counts.tolist()))
