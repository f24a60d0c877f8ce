"""Which structures have an ejection fraction: the cavities of the heart's ventricles, by what they are called."""

import re
from typing import List

VENTRICLE = {"ventricle", "ventricles", "ventricular"}
SIDE_OR_HEART = {"left", "right", "heart", "cardiac"}
WHOLE = {"lv", "rv", "lvc", "rvc", "lvbp", "rvbp", "lvendo", "rvendo", "bloodpool"}
BESIDES = {
    "cavity", "chamber", "lumen", "blood", "pool", "endo", "endocardium", "endocardial", "of", "the", "in", "volume",
    "mask", "contour", "segmentation", "structure", "manual", "auto", "ed", "es", "end", "diastole", "systole",
    "diastolic", "systolic",
}  # fmt: skip
OTHER_PARTS = ("myo", "epi", "atri", "wall", "musc", "sept")
SAYS_NOTHING = ("", "tissue")  # terms that the application gives by itself


def is_ventricle(name: str, terminology: str = "") -> bool:
    """Whether a structure is the cavity of a ventricle of the heart, whose change of volume is an ejection fraction.

    Every word of the name has to fit: what is not known to be a cavity ("LV lead") is none, nor are the ventricles of
    the brain. A term that is more than "Tissue" decides instead of the name, unless the name says that it is another
    part of the heart.

    Args:
        terminology: entry as 3D Slicer serializes it, or "".

    Example:
        >>> [is_ventricle(name) for name in ("LV", "right ventricle", "LV myocardium", "left atrium", "liver")]
        [True, True, False, False, False]
    """
    own, term = _words(name), _words(_meaning(terminology))
    if any(word.startswith(OTHER_PARTS) for word in (*own, *term)):
        return False
    return _fits(own if " ".join(term) in SAYS_NOTHING else term)


def _fits(words: List[str]) -> bool:
    there = set(words)
    said = there & WHOLE or (there & VENTRICLE and there & SIDE_OR_HEART) or {"blood", "pool"} <= there
    return bool(said) and there <= WHOLE | VENTRICLE | SIDE_OR_HEART | BESIDES


def _words(text: str) -> List[str]:
    """The words of a name in small letters; numbers are left out."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return re.findall(r"[^\W\d_]+", apart.lower())


def _meaning(terminology: str) -> str:
    """What the type of a serialized entry means: the third part between its third and fourth "~"."""
    parts = terminology.split("~")
    codes = parts[2].split("^") if len(parts) > 2 else []
    return codes[2] if len(codes) > 2 else ""
