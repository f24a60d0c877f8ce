"""Checks of a data list that need its volumes: grids, labels, and no volume shared between splits."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Callable, Dict, Optional, TypeVar

import numpy as np
import SimpleITK as sitk

from ... import volumes
from ...errors import InputError
from ...geometry.grid import Grid
from ...job import Job
from ...volumes import StructureMasks, is_segmentation_file, name_key
from .datalist import Case, DataList

_Volume = TypeVar("_Volume", sitk.Image, StructureMasks)


def read_image(path: Path, case: Case) -> sitk.Image:
    """Read the volume of a case as float32.

    Raises:
        InputError: it cannot be used; the sentence names the file and the case.
    """
    return _read(volumes.read_volume, path, case)


def read_label_volume(path: Path, case: Case, data: DataList) -> StructureMasks:
    """Read a label map or a segmentation of a case, with the numbers of the list.

    Segments of a segmentation file go by their names, labels of a label map by their numbers.

    Raises:
        InputError: it cannot be used, or holds a structure that the list does not name.
    """
    found = _read(volumes.read_labels, path, case)
    if not is_segmentation_file(path):
        found = replace(found, structures=tuple(replace(structure, name="") for structure in found.structures))
    listed = {name_key(name): value for value, name in data.structures.items()}
    numbers: Dict[int, int] = {}
    for structure in found.structures:
        number = listed.get(name_key(structure.name)) if structure.name else structure.label
        if number not in data.structures or number in numbers.values():
            has = f'a segment "{structure.name}"' if structure.name else f"the label {structure.label}"
            if number in data.structures:
                raise InputError(f'The file {path} of case "{case.id}" has {has} twice; give them different names.')
            raise InputError(
                f'The file {path} of case "{case.id}" has {has}, which is not among the structures '
                f"of {data.name} ({', '.join(f'{value} {name}' for value, name in data.structures.items())})."
            )
        numbers[structure.label] = number
    return found.renumbered(numbers)


def read_landmarks(path: Path, case: Case) -> np.ndarray:
    """Landmarks (N, 3) in LPS mm from a CSV file of x, y, z rows.

    Raises:
        InputError: the file is not such a table.
    """
    try:
        points = np.loadtxt(path, delimiter=",", ndmin=2)
    except (OSError, ValueError) as error:
        raise InputError(f'The landmarks {path} of case "{case.id}" are not rows of x, y, z in mm.') from error
    if points.shape[1] != 3:
        raise InputError(f'The landmarks {path} of case "{case.id}" are not rows of x, y, z in mm.')
    return points


def check_data_list(data: DataList, job: Optional[Job] = None) -> None:
    """Open every volume of the list once and refuse what would spoil training or evaluation.

    Raises:
        InputError: an unreadable file, labels on another grid than their image or not in the map, landmarks that are
            no points, or the same voxels in two splits; the sentence names the file and the case.
        Canceled: the job was canceled.
    """
    job = job or Job()
    seen: Dict[str, Case] = {}
    for number, case in enumerate(data.cases):
        job.update(number / len(data.cases), f"check {case.id}")
        image = read_image(case.image, case)
        digest = hashlib.sha256(np.ascontiguousarray(sitk.GetArrayViewFromImage(image))).hexdigest()
        twin = seen.setdefault(digest, case)
        if twin.split != case.split:
            raise InputError(
                f'Cases "{twin.id}" ({twin.split}) and "{case.id}" ({case.split}) hold the same voxels '
                f"({twin.image} and {case.image}); a case may be in one split only."
            )
        for path in filter(None, (case.labels, case.masks)):
            labels = read_label_volume(path, case, data)
            if not labels.grid.matches(Grid.of(image), tolerance=0.01):
                raise InputError(
                    f'The file {path} of case "{case.id}" is of size {_size(labels.grid)} or placed elsewhere, '
                    f"its image {case.image} is of size {_size(Grid.of(image))}."
                )
        if case.landmarks:
            read_landmarks(case.landmarks, case)


def _read(reader: Callable[[Path], _Volume], path: Path, case: Case) -> _Volume:
    try:
        return reader(path)
    except InputError as error:
        raise InputError(f'Case "{case.id}" cannot be used: {error}') from error


def _size(grid: Grid) -> str:
    return " x ".join(map(str, grid.size))
