"""Segmentation files as other programs write them, made byte by byte: every header that the format allows."""

import gzip
from pathlib import Path
from typing import Dict, Sequence

import numpy as np
from SAMRegistrationLib.geometry.grid import Grid

TYPES = {"uint8": "unsigned char", "uint16": "unsigned short", "int16": "short", "float32": "float"}


def segment(name: str = "", value: int = 1, layer: int = 0, color: str = "0.2 0.4 0.6", **more: str) -> Dict[str, str]:
    """The entries of a segment in a header; those that are None are left out."""
    entries = {"ID": f"Segment_{name}", "Name": name, "LabelValue": value, "Layer": layer, "Color": color, **more}
    return {key: str(entry) for key, entry in entries.items() if entry is not None}


def write(
    path: Path,
    grid: Grid,
    layers: Sequence[np.ndarray],
    segments: Sequence[Dict[str, str]],
    more: Sequence[str] = ("Segmentation_ContainedRepresentationNames:=Binary labelmap|",),
    fourth_axis: bool = False,
) -> Path:
    """Write a NRRD file (.nrrd, or .nhdr with its voxels beside it) with the header of a segmentation.

    Args:
        layers: arrays (z, y, x) of one type; one of them makes a file of three axes.
        segments: see :func:`segment`.
        fourth_axis: the layers come last, as an axis of space, as old programs wrote them.
    """
    space = ["({:.17g},{:.17g},{:.17g})".format(*column) for column in grid.axes.T]
    sizes, kinds = [str(n) for n in grid.size], ["domain"] * 3
    voxels = np.asarray(layers[0])
    if fourth_axis:
        sizes, kinds, space = [*sizes, str(len(layers))], ["domain"] * 3 + ["list"], [*space, "none"]
        voxels = np.stack(layers)
    elif len(layers) > 1:
        sizes, kinds, space = [str(len(layers)), *sizes], ["list", *kinds], ["none", *space]
        voxels = np.stack(layers, axis=-1)
    header = [
        "NRRD0004",
        f"type: {TYPES[voxels.dtype.name]}",
        f"dimension: {len(sizes)}",
        "space: left-posterior-superior",
        f"sizes: {' '.join(sizes)}",
        f"space directions: {' '.join(space)}",
        f"kinds: {' '.join(kinds)}",
        "endian: little",
        "encoding: gzip",
        "space origin: ({:.17g},{:.17g},{:.17g})".format(*grid.origin),
    ]
    fields = [
        *more,
        *(f"Segment{n}_{key}:={text}" for n, entries in enumerate(segments) for key, text in entries.items()),
    ]
    data = gzip.compress(np.ascontiguousarray(voxels).tobytes())
    path = Path(path)
    if path.suffix == ".nhdr":
        beside = path.with_suffix(".raw.gz")
        beside.write_bytes(data)
        path.write_bytes("\n".join([*header, f"data file: {beside.name}", *fields, ""]).encode())
    else:
        path.write_bytes("\n".join([*header, *fields, "", ""]).encode() + data)
    return path
