"""What helps to find a mistake, as text that can be passed on: versions, devices and the last error, no data."""

import platform
import re
import sys
import traceback
from pathlib import PurePath

from . import __version__
from .environment import devices, packages, processor
from .errors import SAMRegistrationError

_QUOTED = r"\"[^\"\n]*\"|'[^'\n]*'"
_PATH = r"(?:[A-Za-z]:[\\/]|~|\.{0,2}/)(?:[^\s:;,\"'()<>|]|(?<=\S) (?=\S*[\\/]))+"
LINES = 12  # of the code that led to an error


def diagnostics(application: str = "", last_error: str = "") -> str:
    """Versions, devices and the last error.

    Args:
        application: name and version of the application, where there is one.
        last_error: as :func:`describe` tells it; empty without any.

    Example:
        >>> diagnostics("3D Slicer 5.8", describe(ValueError("no /home/ada/scan.nii"))).splitlines()[-1]
        'ValueError: no <file>.nii'
    """
    there = devices() if "torch" in sys.modules else [processor()]
    lines = [f"SAMRegistration {__version__}", *([application] if application else [])]
    lines.append(f"Python {platform.python_version()}, {platform.system()} {platform.release()}, {platform.machine()}")
    lines += [f"{package.name} {package.version or 'missing'}" for package in packages()]
    lines += [f"{one.id}: {one.name}{'' if one.free is None else f', {one.free / 1e9:.1f} GB free'}" for one in there]
    return "\n".join([*lines, f"Last error:\n{last_error}" if last_error else "No error."])


def describe(error: BaseException) -> str:
    """An error and the code that led to it; names of files and whatever it quotes are left out."""
    frames = traceback.extract_tb(error.__traceback__)[-LINES:]
    places = [f"  {PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    kind = "" if isinstance(error, SAMRegistrationError) else f"{type(error).__name__}: "
    return "\n".join([*places, kind + without_names(str(error))])


def without_names(text: str) -> str:
    """A text without paths, of which only the ending of the last name stays, and without what it quotes.

    Example:
        >>> without_names('C:\\\\Users\\\\ada\\\\Doe John\\\\ct.nrrd has a segment "Doe"')
        '<file>.nrrd has a segment <name>'
    """
    text = re.sub(_QUOTED, "<name>", text)
    return re.sub(_PATH, lambda found: "<file>" + PurePath(found.group().rstrip(".")).suffix, text)
