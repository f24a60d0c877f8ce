"""Lengths and volumes as text, with the digits and the unit that their size asks for."""

from typing import Optional

VOLUME_UNITS = ((1.0, "ml"), (1e-3, "mm3"), (1e-12, "um3"))  # in millilitres, the largest first
SMALLEST = 1e-9  # mm; what is below is rounding


def number_text(value: Optional[float], digits: int, missing: str = "-") -> str:
    """A value with `digits` decimals, or with three digits where those would not show it; `missing` for None."""
    if value is None:
        return missing
    if SMALLEST < abs(value) < 10.0 ** (1 - digits):
        return f"{value:.3g}"
    return f"{value:.{digits}f}"


def volume_text(millilitres: Optional[float], missing: str = "-") -> str:
    """A volume with its unit: "14.31 ml", "21.40 mm3" below a tenth of a millilitre, "1200.00 um3" below that."""
    if millilitres is None:
        return missing
    unit, name = next((pair for pair in VOLUME_UNITS if millilitres >= 0.1 * pair[0]), VOLUME_UNITS[-1])
    return "0 ml" if millilitres == 0 else f"{number_text(millilitres / unit, 2)} {name}"
