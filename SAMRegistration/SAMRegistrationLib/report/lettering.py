"""Text on pictures held as float arrays (H, W, 3) in [0, 1].

Open Sans is used, as the font that comes with Pillow has no umlauts or accents.
"""

import functools
from pathlib import Path
from typing import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .planes import Plane

FONTS = Path(__file__).parent / "fonts"
TEXT_COLOR = (0.86, 0.89, 0.95)
SOFT_COLOR = (0.58, 0.63, 0.73)
DIRECTION_SIZE = 18
_ELLIPSIS = "…"


@functools.lru_cache(maxsize=16)
def font(size: int, strong: bool = False) -> ImageFont.FreeTypeFont:
    """The font with letters of `size` pixels."""
    return ImageFont.truetype(str(FONTS / f"OpenSans-{'Semibold' if strong else 'Regular'}.ttf"), size)


def text_width(text: str, size: int, strong: bool = False) -> int:
    """Pixels that `text` takes."""
    return int(np.ceil(font(size, strong).getlength(text)))


def shortened(text: str, size: int, width: int) -> str:
    """`text`, its end left out where it takes more than `width` pixels."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + _ELLIPSIS, size) > width:
        text = text[:-1]
    return text.rstrip() + _ELLIPSIS


def write(
    picture: np.ndarray,
    text: str,
    row: int,
    column: int,
    size: int,
    color: Sequence[float] = TEXT_COLOR,
    anchor: str = "ls",
    strong: bool = False,
    outline: int = 0,
) -> None:
    """Write `text` into `picture`; what lies outside of it is cut.

    Args:
        picture: changed in place.
        row, column: where the anchor is.
        size: of the letters in pixels.
        anchor: Pillow's two letters: left, middle or right, and ascender, middle, baseline (s) or descender.
        strong: in semibold letters.
        outline: width in pixels of a dark line round the letters, for text on images.
    """
    face = font(size, strong)
    left, top, right, bottom = face.getbbox(text, anchor=anchor, stroke_width=outline)
    shape = (max(right - left, 1), max(bottom - top, 1))
    for stroke, ink in ((outline, (0.0, 0.0, 0.0)), (0, color)):
        if ink is not color and not stroke:
            continue
        mask = Image.new("L", shape)
        ImageDraw.Draw(mask).text((-left, -top), text, fill=255, font=face, anchor=anchor, stroke_width=stroke)
        _lay(picture, np.asarray(mask, np.float32) / 255, row + int(top), column + int(left), ink)


def write_directions(picture: np.ndarray, plane: Plane) -> np.ndarray:
    """A copy of `picture` with a letter at every side that tells which direction of the body it is."""
    picture = picture.copy()
    rows, columns = picture.shape[:2]
    middle = (rows // 2, columns // 2)
    places = (
        (middle[0], 6, "lm"),
        (middle[0], columns - 6, "rm"),
        (4, middle[1], "ma"),
        (rows - 4, middle[1], "md"),
    )
    for letter, (row, column, anchor) in zip(plane.letters, places):
        write(picture, letter, row, column, DIRECTION_SIZE, anchor=anchor, strong=True, outline=2)
    return picture


def _lay(picture, opacity, row, column, color):
    """Blend `color` into the part of the picture under `opacity`, whose top left corner is at `row`, `column`."""
    opacity = opacity[max(-row, 0) :, max(-column, 0) :]
    part = picture[max(row, 0) :, max(column, 0) :][: opacity.shape[0], : opacity.shape[1]]
    weight = opacity[: part.shape[0], : part.shape[1], None]
    part[...] = part * (1 - weight) + np.asarray(color) * weight
