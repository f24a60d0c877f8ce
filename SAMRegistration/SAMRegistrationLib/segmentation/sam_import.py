"""Importing segment-anything where torchvision came without its compiled operators."""

import functools
import importlib
import sys
from types import ModuleType

import torch

from ..errors import WeightsError


@functools.cache
def segment_anything() -> ModuleType:
    """The ``segment_anything`` package, with its ``modeling`` part imported.

    The package imports torchvision when it is imported. A torchvision whose compiled operators are missing or do not
    fit the installed torch then fails on ``torchvision::nms``; segment-anything's model itself uses none of them, so
    only in that case the two operators are declared (not implemented) before a second try.

    Raises:
        WeightsError: segment-anything or torchvision is not installed.
    """
    try:
        return _import()
    except ImportError as error:
        raise WeightsError(f"The SAM model needs the package {error.name}; install it with pip first.") from error
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
    _forget("torchvision", "segment_anything")
    package = _with_declared_operators()
    return package


def _import() -> ModuleType:
    package = importlib.import_module("segment_anything")
    importlib.import_module("segment_anything.modeling")
    return package


def _with_declared_operators() -> ModuleType:
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    package = _import()
    package.declared_torchvision_operators = library  # the declarations live as long as this object
    return package


def _forget(*packages: str) -> None:
    for name in list(sys.modules):
        if name.split(".")[0] in packages:
            del sys.modules[name]
