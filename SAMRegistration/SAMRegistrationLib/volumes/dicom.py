"""Volumes from DICOM files: the slices of one volume are found and held against what their headers say."""

from itertools import groupby
from pathlib import Path
from typing import Callable, Dict, List, Sequence, Tuple

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from .dicom_headers import DicomSlice, is_dicom, read_headers
from .dicom_stack import stack
from .loaded import LoadedVolume

SAME_DIRECTION = 1e-3  # largest difference of direction cosines within one orientation
SAME_PLACE = 0.01  # of the in-plane spacing
SEVERAL_VOLUMES = "give the path of one file of the {kind} that you want, instead of the folder"


def read_dicom(path: Path) -> LoadedVolume:
    """Read one volume from a folder of DICOM files, or the one that a DICOM file is a slice of.

    The headers of all slices give the geometry (LPS mm); see :func:`.dicom_stack.stack` for what is put right.

    Args:
        path: a folder with the slices of one volume, or one file; a file chooses its series, orientation and time
            point where the folder holds several.

    Raises:
        InputError: no DICOM image, several volumes and none chosen, or slices that make no volume.
    """
    folder, chosen = (path, None) if path.is_dir() else (path.parent, path)
    if chosen is not None and len(read_headers([chosen])[0]) > 1:  # a multi-frame file is a volume of its own
        headers, ignored = read_headers([chosen])[0], 0
    else:
        headers, ignored = read_headers(sorted(file for file in folder.iterdir() if file.is_file()))
    if not headers:
        raise InputError(f"{path} holds no DICOM image.")
    headers = _chosen(headers, chosen, "series", lambda one: one.series, _tell_series, path)
    headers = _chosen(headers, chosen, "orientation", _orientation_key(headers), _tell_count, path)
    _require_one_size(headers, path)
    headers = _one_volume(headers, chosen, path)
    notes = [f"{ignored} files beside the slices in {folder} are no DICOM images and were ignored."] if ignored else []
    image, more = stack(headers, _pixels(headers, path), str(path))
    return LoadedVolume(image, (*notes, *more))


def _chosen(headers, chosen, kind: str, key: Callable, tell: Callable, path: Path) -> List[DicomSlice]:
    """The group of slices that `chosen` belongs to, or the only one there is."""
    groups: Dict = {}
    for header in headers:
        groups.setdefault(key(header), []).append(header)
    if len(groups) == 1:
        return headers
    for group in groups.values():
        if chosen is not None and any(header.path == chosen for header in group):
            return group
    listed = "; ".join(tell(group) for group in list(groups.values())[:8])
    several = {"series": "DICOM series", "orientation": "orientations of slices"}[kind]
    raise InputError(f"{path} holds {len(groups)} {several} ({listed}); {SEVERAL_VOLUMES.format(kind=kind)}.")


def _tell_series(group: Sequence[DicomSlice]) -> str:
    return f'"{group[0].description or "without a name"}", {len(group)} slices, such as {group[0].path.name}'


def _tell_count(group: Sequence[DicomSlice]) -> str:
    return f"{len(group)} slices, such as {group[0].path.name}"


def _orientation_key(headers: Sequence[DicomSlice]) -> Callable[[DicomSlice], int]:
    found: List[np.ndarray] = []

    def key(header: DicomSlice) -> int:
        for number, axes in enumerate(found):
            if np.abs(axes - header.axes).max() < SAME_DIRECTION:
                return number
        found.append(header.axes)
        return len(found) - 1

    return key


def _require_one_size(headers: Sequence[DicomSlice], path: Path) -> None:
    first = headers[0]
    for header in headers:
        if header.size != first.size:
            sizes = " and ".join(f"{one.size[0]} x {one.size[1]}" for one in (first, header))
            names = " and ".join(one.path.name for one in (first, header))
            raise InputError(
                f"The slices in {path} have different sizes ({sizes} voxels in {names}); remove the others."
            )
        if np.abs(np.subtract(header.spacing, first.spacing)).max() > SAME_PLACE * min(first.spacing):
            names = " and ".join(one.path.name for one in (first, header))
            raise InputError(f"The slices in {path} have different pixel spacings ({names}); remove the others.")


def _one_volume(headers: List[DicomSlice], chosen, path: Path) -> List[DicomSlice]:
    """The slices in the order of their places; where several share a place, those of the chosen time point or echo."""
    ordered = _in_order(headers)
    twins = _twins(ordered)
    if not twins:
        return ordered
    for name in headers[0].marks:
        values = sorted({header.marks[name] for header in headers})
        groups = {value: _in_order([header for header in headers if header.marks[name] == value]) for value in values}
        if 1 < len(values) < len(headers) and not any(_twins(group) for group in groups.values()):
            for group in groups.values():
                if chosen is not None and any(header.path == chosen for header in group):
                    return group
            listed = "; ".join(f"{value}, such as {group[0].path.name}" for value, group in list(groups.items())[:6])
            raise InputError(
                f"{path} holds {len(groups)} volumes in one series, which differ in {name} ({listed}); "
                f"{SEVERAL_VOLUMES.format(kind='volume')}."
            )
    first, second = twins[0]
    place = ", ".join(f"{value:.1f}" for value in first.position)
    what = "is a copy of" if first.instance == second.instance else "lies at the same place as"
    raise InputError(
        f"In {path}, {second.path.name} {what} {first.path.name} (at {place} mm; {len(twins)} such pairs); remove one "
        "of each."
    )


def _in_order(headers: Sequence[DicomSlice]) -> List[DicomSlice]:
    normal = np.cross(*headers[0].axes)
    return sorted(headers, key=lambda header: (float(normal @ header.position), str(header.path)))


def _twins(ordered: Sequence[DicomSlice]) -> List[Tuple[DicomSlice, DicomSlice]]:
    near = SAME_PLACE * min(ordered[0].spacing)
    normal = np.cross(*ordered[0].axes)
    return [
        (one, other)
        for one, other in zip(ordered[:-1], ordered[1:])
        if abs(normal @ (other.position - one.position)) < near
    ]


def _pixels(headers: Sequence[DicomSlice], path: Path) -> np.ndarray:
    """Voxels (z, y, x) of the slices in their order, each with the scale of its own file."""
    slices: List[np.ndarray] = [np.empty(0)] * len(headers)
    numbered = sorted(enumerate(headers), key=lambda one: str(one[1].path))
    for file, group in groupby(numbered, key=lambda one: one[1].path):
        try:
            image = sitk.ReadImage(str(file))
        except RuntimeError as error:
            raise InputError(
                f"The voxels of {file} cannot be read; the file is damaged or compressed in a way that is "
                "not supported."
            ) from error
        if image.GetNumberOfComponentsPerPixel() != 1:
            raise InputError(f"{file} is a color image; give scalar volumes.")
        frames = sitk.GetArrayFromImage(image).reshape(-1, *headers[0].size[::-1])
        for number, header in group:
            slices[number] = frames[header.frame]
    return np.stack(slices).astype(np.result_type(*{one.dtype for one in slices}), copy=False)


__all__ = ["is_dicom", "read_dicom"]
