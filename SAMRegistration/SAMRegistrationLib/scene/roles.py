"""What the structures of a segmentation are for in a registration; kept with each segment, and so saved and copied."""

import vtk

from ..choices import GUIDE, ROLES

ROLE = "SAMRegistration.Role"


def role_of(segment) -> str:
    """The role of a segment, one of :data:`..choices.ROLES`; that of a segment without any, or another, is to guide."""
    text = vtk.reference("")
    found = segment.GetTag(ROLE, text)
    return str(text) if found and str(text) in ROLES else GUIDE


def put_role(segment, role: str) -> None:
    """Give a segment a role."""
    if role == GUIDE:
        segment.RemoveTag(ROLE)
    else:
        segment.SetTag(ROLE, role)


def common_role(*roles: str) -> str:
    """The role of a structure whose segments have these: the first one that says more than to guide."""
    return next((role for role in roles if role != GUIDE), GUIDE)
