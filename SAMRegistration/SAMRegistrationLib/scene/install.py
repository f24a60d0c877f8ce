"""Packages into the application's Python, without touching those that it came with."""

import os
import tempfile
from contextlib import contextmanager
from importlib import invalidate_caches
from pathlib import Path
from subprocess import CalledProcessError
from typing import Iterator, Sequence

import slicer
from slicer.i18n import tr as _

from .. import environment
from ..errors import InputError

_TORCH = "torch"
_KEPT = ("numpy", "SimpleITK")


def install(names: Sequence[str]) -> None:
    """Install packages: torch by the PyTorch extension, the others by pip.

    Raises:
        InputError: the extension PyTorch is not there, or an installation failed.
    """
    with _kept():
        try:
            if _TORCH in names:
                _pytorch().installTorch()
            others = [name for name in names if name != _TORCH]
            if others:
                slicer.util.pip_install(others)
        except CalledProcessError as error:
            raise InputError(_("The packages could not be installed; the application's log tells why.")) from error
        finally:
            invalidate_caches()


def _pytorch():
    try:
        import PyTorchUtils
    except ImportError as error:
        raise InputError(
            _("Install the extension PyTorch with the Extensions Manager, restart the application, and try again.")
        ) from error
    return PyTorchUtils.PyTorchUtilsLogic()


@contextmanager
def _kept() -> Iterator[None]:
    """Let pip, whoever starts it, refuse to replace packages of the application."""
    there = [package for package in environment.packages() if package.name in _KEPT and package.version is not None]
    before = os.environ.get("PIP_CONSTRAINT")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder).resolve() / "constraints.txt"
        path.write_text("".join(f"{package.name}=={package.version}\n" for package in there), encoding="utf-8")
        os.environ["PIP_CONSTRAINT"] = path.as_uri()  # pip splits the variable at spaces, which an address has none of
        try:
            yield
        finally:
            os.environ.pop("PIP_CONSTRAINT")
            if before is not None:
                os.environ["PIP_CONSTRAINT"] = before
