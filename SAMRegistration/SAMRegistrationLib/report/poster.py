"""All views of a registration in one picture."""

from typing import List

import numpy as np

from . import canvas
from .contents import ReportContents
from .views import LARGEST_LOG_JACOBIAN, TEXT_COLOR, Scene, draw

GAP, HEADER, FOOTER = 10, 34, 40
TITLES = {
    "fixed": "Fixed",
    "before": "Before",
    "after": "After",
    "deformation": "Deformation",
    "jacobian": "Jacobian",
    "outlines": "Outlines",
}


def poster(scene: Scene, contents: ReportContents) -> np.ndarray:
    """Views side by side, one plane a row, with headings, the scale of the Jacobian map and the result in numbers."""
    kinds = [kind for kind in TITLES if kind != "outlines" or scene.labels]
    columns = [draw(scene, kind) for kind in kinds]
    heights = [max(column[row].shape[0] for column in columns) for row in range(len(scene.planes))]
    width = max(picture.shape[1] for column in columns for picture in column)
    height = HEADER + sum(heights) + GAP * len(heights) + FOOTER
    sheet = np.empty((height, GAP + (width + GAP) * len(columns), 3))
    sheet[:] = canvas.BACKGROUND
    for number, (kind, column) in enumerate(zip(kinds, columns)):
        left, top = GAP + number * (width + GAP), HEADER
        title = TITLES[kind]
        canvas.write(sheet, title, 10, left + (width - canvas.text_width(title, 2)) // 2, TEXT_COLOR, 2)
        for picture, row_height in zip(column, heights):
            row, start = top + (row_height - picture.shape[0]) // 2, left + (width - picture.shape[1]) // 2
            sheet[row : row + picture.shape[0], start : start + picture.shape[1]] = picture
            top += row_height + GAP
        if kind == "jacobian":
            _scale(sheet, height - FOOTER + 4, left, width)
    canvas.write(sheet, "   ".join(_numbers(scene, contents)), height - 26, GAP, TEXT_COLOR, 2)
    return sheet


def _numbers(scene: Scene, contents: ReportContents) -> List[str]:
    folded = scene.folded_voxels
    parts = [f"{folded} folded voxels" if folded else "no folding"]
    deformation = contents.after.get("deformation")
    if deformation:
        parts.append(f"SDlogJ {deformation['sd_log_jacobian']:.3f}")
    return parts


def _scale(sheet: np.ndarray, row: int, left: int, width: int) -> None:
    bar = np.linspace(-LARGEST_LOG_JACOBIAN, LARGEST_LOG_JACOBIAN, width // 2)
    start = left + width // 4
    sheet[row : row + 8, start : start + bar.size] = canvas.diverging(bar, LARGEST_LOG_JACOBIAN)
    for text, place in (("0.5", 0.0), ("1", 0.5), ("2", 1.0)):
        column = start + round(place * bar.size) - canvas.text_width(text) // 2
        canvas.write(sheet, text, row + 12, column, TEXT_COLOR)
