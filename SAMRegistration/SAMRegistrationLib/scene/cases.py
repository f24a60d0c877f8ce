"""Pairs of the scene as files for training and evaluation: volumes and label maps in the world, and their data list."""

from dataclasses import replace
from pathlib import Path
from typing import Callable, List, Tuple

import numpy as np
import SimpleITK as sitk
from slicer.i18n import tr as _

from ..errors import InputError
from ..geometry.grid import Grid
from ..image_files import write_image
from ..inside import inside, is_inside, no_link
from ..job import Job
from ..training.registration.datalist import SPLITS, Case, DataList, read_data_list, write_data_list
from ..training.registration.recipe import DATA_LIST
from ..volumes import SEGMENTATION_ENDING, StructureMasks, name_key, write_segmentation
from .masks import SegmentMask, structure_masks
from .run import read


def pair_writer(
    folder: Path, split: str, fixed, moving, fixed_segmentation=None, moving_segmentation=None
) -> Callable[[Job], Path]:
    """Read a pair of volume nodes and their segmentations; the returned work writes them into a folder.

    Volumes (.nrrd) and label maps, or segmentations (.seg.nrrd) where structures overlap, are in world coordinates,
    parent transforms included; ``cases.json`` lists them, with the pair in the given split, and
    goes on from what the folder holds already. A volume that is there is used again; another one of the same name gets
    a number.

    Args:
        split: "train" (the pair then goes in both directions), "validation" or "test".

    Returns:
        ``work(job) -> path of the data list``, which may run on any thread.

    Raises:
        InputError: a node cannot be used; from the work: the folder cannot be written, or a volume of it is in another
            split.
    """
    if split not in SPLITS:
        raise InputError(
            _("There is no split {split}; choose one of {splits}.").format(split=repr(split), splits=", ".join(SPLITS))
        )
    inputs = read(fixed, moving, fixed_segmentation, moving_segmentation)
    pairs = ((inputs.fixed, inputs.fixed_masks), (inputs.moving, inputs.moving_masks))

    def work(job: Job) -> Path:
        writer = _Writer(Path(folder), split)
        names = []
        for number, (volume, masks) in enumerate(pairs):
            job.update(number / 2, f"Writing {volume.name}")
            names.append(writer.add(volume.name, volume.image, masks))
        return writer.finish(*names)

    return work


class _Writer:
    def __init__(self, folder: Path, split: str):
        self.folder, self.split, self.path = folder, split, folder / DATA_LIST
        data = read_data_list(self.path) if self.path.is_file() else DataList(folder.name, {}, ())
        self.name, self.structures, self.pairs = data.name, dict(data.structures), dict(data.pairs)
        self.cases: List[Case] = list(data.cases)
        self._replaced: List[Path] = []

    def add(self, name: str, image: sitk.Image, masks: List[SegmentMask]) -> str:
        """Write a volume with its masks, the volume only if it is not there yet; the id of its case."""
        number = next((n for n, case in enumerate(self.cases) if _is_called(case, name) and _same(case, image)), None)
        if number is None:
            number = len(self.cases)
            path = self._image_path(number)
            write_image(image, path)
            self.cases.append(Case(self._free_id(name), self.split, path))
        case = self.cases[number]
        if case.split != self.split:
            text = _('{id} is used for "{split}" in {folder} already; a volume belongs to one split only.')
            raise InputError(text.format(id=case.id, split=case.split, folder=self.folder))
        drawn = [mask for mask in masks if mask.image is not None]
        numbers, names = [self._label(mask.name) for mask in drawn], [mask.name for mask in drawn]
        structures = structure_masks(drawn, numbers, names, Grid.of(image))
        if structures is not None:
            image = case.image if is_inside(case.image, self.folder) else self._image_path(number)
            path = _write_labels(structures, image)
            self._replaced += [other for other in _label_files(image) if other != path]
            self.cases[number] = replace(case, labels=path)
        return case.id

    def finish(self, fixed: str, moving: str) -> Path:
        """Write the list with the pair; its path."""
        new = [(fixed, moving), *([(moving, fixed)] if self.split == "train" else [])]
        pairs = {**self.pairs, self.split: tuple(dict.fromkeys([*self.pairs.get(self.split, ()), *new]))}
        write_data_list(DataList(self.name, self.structures, tuple(self.cases), pairs), self.path)
        for path in self._replaced:
            path.unlink(missing_ok=True)
        return self.path

    def _image_path(self, number: int) -> Path:
        return inside(self.folder, f"{number + 1:03d}.nrrd")

    def _free_id(self, name: str) -> str:
        taken = {case.id for case in self.cases}
        names = [name, *(f"{name}#{number}" for number in range(2, len(taken) + 2))]
        return next(name for name in names if name not in taken)

    def _label(self, structure: str) -> int:
        """The label of a structure in all label maps of the folder."""
        for value, name in self.structures.items():
            if name_key(name) == name_key(structure):
                return value
        value = max(self.structures, default=0) + 1
        self.structures[value] = structure
        return value


def _is_called(case: Case, name: str) -> bool:
    return case.id == name or case.id.startswith(f"{name}#")


def _label_files(image: Path) -> Tuple[Path, Path]:
    """Where the label map, and the segmentation, of an image are written."""
    return tuple(no_link(image.with_name(f"{image.stem}-labels{ending}")) for ending in (".nrrd", SEGMENTATION_ENDING))


def _write_labels(structures: StructureMasks, image: Path) -> Path:
    """Write a label map beside an image, or where structures overlap a segmentation, which holds all of them whole."""
    label_map, segmentation = _label_files(image)
    if not structures.overlapping():
        write_image(structures.label_image(), label_map)
        return label_map
    write_segmentation(structures, segmentation)
    return segmentation


def _same(case: Case, image: sitk.Image) -> bool:
    there = sitk.ReadImage(str(case.image))
    if not Grid.of(there).matches(Grid.of(image)):
        return False
    return np.array_equal(sitk.GetArrayViewFromImage(there), sitk.GetArrayViewFromImage(image))
