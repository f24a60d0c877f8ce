"""Stages of the work in the background in the user's language; the library itself knows no translation."""

import re
from typing import Dict

from slicer.i18n import tr as _

NUMBER = re.compile(r"\d+")


def stage(message: str) -> str:
    """The message of a job as the user reads it; one that is not known stays as it is."""
    known = stages().get(NUMBER.sub("{}", message))
    return message if known is None else known.format(*NUMBER.findall(message))


def stages() -> Dict[str, str]:
    """What registration, segmentation and preparation for the scene say, with {} for every number."""
    return {
        "Preparing": _("Preparing"),
        "Aligning: rigid": _("Aligning: rigid"),
        "Aligning: rigid, fine": _("Aligning: rigid, fine"),
        "Aligning: affine": _("Aligning: affine"),
        "Predicting": _("Predicting"),
        "Refining, {}/{} resolution": _("Refining, {}/{} resolution"),
        "Following the guides": _("Following the guides"),
        "Finishing": _("Finishing"),
        "Done": _("Done"),
        "Warping": _("Warping"),
        "Measuring": _("Measuring"),
        "Preparing the views": _("Preparing the views"),
        "Reading": _("Reading"),
        "Writing": _("Writing"),
        "Loading the model": _("Loading the model"),
        "Preparing the volume": _("Preparing the volume"),
        "Proposing the clicks": _("Proposing the clicks"),
        "frame {} of {}": _("frame {} of {}"),
        "slice {} of {}": _("slice {} of {}"),
        "prompt {} of {}": _("prompt {} of {}"),
        "extended to the volume": _("extended to the volume"),
        "geodesic distances": _("geodesic distances"),
    }
