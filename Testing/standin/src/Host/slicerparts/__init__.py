"""The pure-Python parts of the `slicer` package that slicer-core lacks, and the widgets that live in it."""

import importlib
import sys

from ..qtshim.environment import require_slicer_core

PARTS = ("i18n", "packaging", "ScriptedLoadableModule", "parameterNodeWrapper")


def install() -> None:
    """Add the widget classes and the missing modules to the `slicer` package. Calling it again does nothing.

    Needs `qtshim.install()` first. Raises HostError with one sentence when slicer-core is missing.
    """
    require_slicer_core()
    import slicer

    if "slicer.i18n" in sys.modules:
        return
    importlib.import_module("slicer.util")
    from .. import widgets

    for cls in widgets.classes("slicer"):
        setattr(slicer, cls.__name__, cls)
    for part in PARTS:
        module = importlib.import_module(f"{__name__}.{part}")
        sys.modules[f"slicer.{part}"] = module
        setattr(slicer, part, module)
