"""What the user reads for the values of the parameter node that are chosen from a list."""

from typing import Dict

from slicer.i18n import tr as _


def preset_names() -> Dict[str, str]:
    """The presets of the registration."""
    return {"fast": _("fast"), "balanced": _("balanced"), "accurate": _("accurate")}


def prealignment_names() -> Dict[str, str]:
    """What comes before the deformation."""
    return {"affine": _("affine"), "rigid": _("rigid"), "none": _("none, they lie in place")}


def role_names() -> Dict[str, str]:
    """What a structure is for in a registration."""
    return {"guide": _("guide"), "ignore": _("ignore"), "rigid": _("rigid")}


def modality_names() -> Dict[str, str]:
    """The kinds of a volume."""
    return {"auto": _("guessed"), "ct": _("CT"), "mr": _("MR"), "other": _("other")}
