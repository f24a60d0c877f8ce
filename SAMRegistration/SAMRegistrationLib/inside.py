"""Places within a folder for results, whatever the data call them: no name leads out of it, on any system."""

import os
import re
from pathlib import Path

from .errors import InputError
from .files import PathLike, shown

NAME = re.compile(r"\w[\w.-]{0,99}")  # no separator of folders, no drive of Windows, and no dot in front
OF_WINDOWS = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # names that Windows keeps for devices


def is_plain_name(name: str) -> bool:
    """Whether a name can be that of one file or folder on Linux, macOS and Windows.

    Example:
        >>> [is_plain_name(name) for name in ("liver_2.nrrd", "../liver", "C:liver", "CON")]
        [True, False, False, False]
    """
    return NAME.fullmatch(name) is not None and not name.endswith(".") and not OF_WINDOWS.fullmatch(name)


def inside(folder: PathLike, name: str) -> Path:
    """Where a file or folder that data name is written: directly in `folder`.

    Raises:
        InputError: the name is no plain one, or there is a link of that name, which may lead out of the folder.
    """
    if not is_plain_name(name):
        raise InputError(
            f"{shown(name)} cannot be the name of a file or folder; use letters, digits, dots, hyphens and underscores."
        )
    return no_link(Path(folder) / name)


def no_link(path: Path) -> Path:
    """The path itself.

    Raises:
        InputError: there is a link of that name, which may lead anywhere.
    """
    if path.is_symlink():
        raise InputError(f"{shown(path)} is a link; remove it, results are written within {shown(path.parent)} only.")
    return path


def is_inside(path: PathLike, folder: PathLike) -> bool:
    """Whether a path lies in a folder or below it once all links are followed."""
    return Path(os.path.realpath(folder)) in Path(os.path.realpath(path)).parents
