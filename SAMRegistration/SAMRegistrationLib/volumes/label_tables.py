"""Names that NIfTI files keep for their labels: an extension with a table as XML.

TotalSegmentator and Connectome Workbench write it: `<LabelTable><Label Key="1" Red="1" ...>liver</Label></LabelTable>`.
"""

import gzip
import struct
from pathlib import Path
from typing import Dict, Iterator, Optional, Tuple, Union
from xml.etree import ElementTree

from .structure_masks import Color

ENDINGS = (".nii", ".nii.gz")
_LARGEST = 1 << 24  # bytes of a header with its extensions


def label_table(path: Union[str, Path]) -> Dict[int, Tuple[str, Optional[Color]]]:
    """Name and color (red, green, blue in [0, 1]) by label; nothing where the file has no table that can be read."""
    if not Path(path).is_file() or not str(path).lower().endswith(ENDINGS):
        return {}
    try:
        for extension in _extensions(_header(Path(path))):
            if b"<LabelTable" in extension:
                return _labels(extension)
    except (OSError, EOFError, struct.error, ValueError, ElementTree.ParseError):
        return {}  # the voxels are read by others, who say what is wrong with the file
    return {}


def _header(path: Path) -> bytes:
    with open(path, "rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    with gzip.open(path, "rb") if packed else open(path, "rb") as file:
        start = file.read(544)
        order, first, voxels = _layout(start)
        return order.encode() + (start + file.read(min(max(voxels - len(start), 0), _LARGEST)))[first:voxels]


def _layout(start: bytes) -> Tuple[str, int, int]:
    """Byte order, and where extensions and voxels begin."""
    for order in "<>":
        size = struct.unpack_from(order + "i", start)[0]
        if size == 348:
            return order, 348, int(struct.unpack_from(order + "f", start, 108)[0])
        if size == 540:
            return order, 540, struct.unpack_from(order + "q", start, 168)[0]
    raise ValueError("This is no NIfTI header.")


def _extensions(header: bytes) -> Iterator[bytes]:
    order, rest = header[:1].decode(), header[1:]
    if len(rest) < 4 or not rest[0]:
        return
    place = 4
    while place + 8 <= len(rest):
        size = struct.unpack_from(order + "i", rest, place)[0]
        if size < 8:
            return
        yield rest[place + 8 : place + size]
        place += size


def _labels(xml: bytes) -> Dict[int, Tuple[str, Optional[Color]]]:
    table = ElementTree.fromstring(xml.strip(b"\0 \r\n\t")).find(".//LabelTable")
    found = {}
    for entry in [] if table is None else table.findall("Label"):
        name, color = (entry.text or "").strip(), None
        if all(part in entry.attrib for part in ("Red", "Green", "Blue")):
            color = tuple(min(max(float(entry.attrib[part]), 0.0), 1.0) for part in ("Red", "Green", "Blue"))
        if name:
            found[int(entry.attrib["Key"])] = (name, color)
    return found
