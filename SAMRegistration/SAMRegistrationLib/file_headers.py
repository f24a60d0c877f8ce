"""Headers of image and transform files that would end the process of the library that reads them.

ITK copies fields of a NRRD header and names in a MATLAB file into buffers of a fixed length, follows the places that a
HDF5 file names although its parts have moved, and takes names of voxel files for patterns of C's printf.
"""

import re
import struct
from pathlib import Path

from .errors import InputError
from .files import shown

LONGEST_FIELD = 500  # characters; the directions of a volume in full precision take less than 250
LONGEST_NAME = 100  # of a matrix
LONGEST_HEADER = 1 << 24
FREE_TEXT = (b"content", b"data file", b"datafile", b"labels", b"units", b"space units", b"sample units")
HDF5 = b"\x89HDF\r\n\x1a\n"
END_OF_FILE = {0: 40, 1: 44, 2: 28, 3: 28}  # by version of the superblock; source: HDF5 File Format Specification 3.0


def check_header(path: Path) -> None:
    """Refuse a file whose header cannot be handed to a library; files of other kinds pass.

    Raises:
        InputError: a NRRD header with a field that is far too long, names of voxel files with another pattern than
            that of a number, a HDF5 file that is not as long as it says, or a
            MATLAB file whose matrices are not in it.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(64)
            whole = start[:4] == b"NRRD" or path.name.lower().endswith((".mat", ".mha", ".mhd"))
            header = start + file.read(LONGEST_HEADER) if whole else start
    except OSError:  # who reads it says so
        return
    if start[:4] == b"NRRD":
        _check_nrrd(path, header)
    elif start[:8] == HDF5:
        _check_hdf5(path, start)
    elif path.name.lower().endswith(".mat"):
        _check_matlab(path, header)
    elif path.name.lower().endswith((".mha", ".mhd")):
        _check_meta(path, header)


def _check_nrrd(path: Path, header: bytes) -> None:
    for line in header.split(b"\n"):
        if not line.strip():
            return
        field = line.split(b":", 1)[0].strip().lower()
        if field in (b"data file", b"datafile"):
            _check_pattern(path, line)
        is_text = line.startswith(b"#") or b":=" in line[:LONGEST_FIELD] or field in FREE_TEXT
        if len(line) > LONGEST_FIELD and not is_text:
            raise InputError(f"{shown(path)} cannot be read: a line of its header is damaged; copy or export it again.")


def _check_meta(path: Path, header: bytes) -> None:
    for line in header.split(b"\n"):
        if line.split(b"=", 1)[0].strip() == b"ElementDataFile":
            _check_pattern(path, line)
            return


def _check_pattern(path: Path, line: bytes) -> None:
    if b"%" in re.sub(rb"%\d{0,2}d", b"", line, count=1):
        raise InputError(f"{shown(path)} cannot be read: the names of its voxel files are damaged; export it again.")


def _check_hdf5(path: Path, start: bytes) -> None:
    place = END_OF_FILE.get(start[8], len(start))
    expected = int.from_bytes(start[place : place + 8], "little")
    if expected != path.stat().st_size:
        raise InputError(f"{shown(path)} cannot be read: it is not whole; copy or export it again.")


def _check_matlab(path: Path, data: bytes) -> None:
    """Walk over the matrices of a file of MATLAB 4: five numbers, a name, and the values of each."""
    place = 0
    while place < len(data):
        if place + 20 > len(data):
            break
        order = "<" if data[place + 3] == 0 else ">"
        kind, rows, columns, imaginary, name = struct.unpack_from(order + "5i", data, place)
        is_usual = kind % 100 in (0, 10) and imaginary in (0, 1) and 0 < name <= LONGEST_NAME
        if not is_usual or min(rows, columns) < 0:
            break
        place += 20 + name + rows * columns * (8 if kind % 100 == 0 else 4) * (1 + imaginary)
    if place != len(data) or not data:
        raise InputError(f"{shown(path)} cannot be read: it is damaged or of another kind; copy or export it again.")
