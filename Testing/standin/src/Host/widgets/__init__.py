"""Stand-ins for the CTK and Slicer widgets that modules and their .ui files name, measured against Host.record."""

from typing import List, Optional

from ..errors import HostError

__all__ = ["HostError", "classes"]


def classes(namespace: Optional[str] = None) -> List[type]:
    """Every stand-in class, or those of one namespace ("ctk" or "slicer"). Needs the Qt shim to be installed."""
    # Each registers its classes.
    from . import (  # noqa: F401
        base,
        buttons,
        combos,
        markups,
        nodes,
        numbers,
        paths,
        place,
        ranges,
        segment_selector,
        segments,
        tables,
        terminology,
    )
    from .standin import REGISTERED

    return [cls for name, cls in REGISTERED.items() if namespace is None or name.startswith(f"{namespace}.")]
