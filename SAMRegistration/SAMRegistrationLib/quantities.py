"""Lengths, volumes and times as text, with the digits and the unit that their size asks for."""

import math
from typing import Optional

VOLUME_UNITS = (("ml", 1.0, 0.1), ("mm3", 1e-3, 1e-6), ("um3", 1e-12, 0.0))  # size and smallest use, in milliliters
SMALLEST = 1e-9  # mm; what is below is rounding


def number_text(value: Optional[float], digits: int, missing: str = "-") -> str:
    """A value with `digits` decimals, or with three digits where those would not show it; `missing` for None."""
    if value is None:
        return missing
    if SMALLEST < abs(value) < 10.0 ** (1 - digits):
        return f"{value:.3g}"
    return f"{value:.{digits}f}"


def volume_text(milliliters: Optional[float], missing: str = "-") -> str:
    """A volume with its unit: "14.31 ml", "21.40 mm3" below a tenth of a milliliter, "1200 um3" for cells."""
    if milliliters is None:
        return missing
    if milliliters == 0:
        return "0 ml"
    name, size, _ = next(unit for unit in VOLUME_UNITS if milliliters >= unit[2])
    value = milliliters / size
    return f"{number_text(value, 2 if value < 1000 else 0)} {name}"


def time_left_text(seconds: float) -> str:
    """How long something still takes: "less than a minute left", "about 12 min left" or, from two hours on, "about 3 h
    left"."""
    if seconds < 60:
        return "less than a minute left"
    if seconds < 7200:
        return f"about {math.ceil(seconds / 60)} min left"
    return f"about {round(seconds / 3600)} h left"
