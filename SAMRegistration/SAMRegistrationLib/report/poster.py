"""All views of a registration in one picture."""

from typing import List, Tuple

import numpy as np

from ..metrics import mean_over_structures
from . import canvas
from .contents import ReportContents
from .lettering import SOFT_COLOR, TEXT_COLOR, shortened, text_width, write
from .views import LARGEST_LOG_JACOBIAN, Scene, draw_lettered, structure_color

GAP, MARGIN = 12, 26
HEADER, HEADINGS, CAPTIONS, LEGEND_ROW = 124, 84, 62, 38
TITLE, HEADING, TEXT, SMALL = 40, 30, 24, 20
GOOD_COLOR, BAD_COLOR = (0.36, 0.83, 0.60), (1.0, 0.45, 0.52)
VIEWS = {
    "fixed": ("Fixed", "the image that stays"),
    "before": ("Before", "fixed gray, moving warm"),
    "after": ("After", "fixed gray, warped warm"),
    "deformation": ("Deformation", "a line every {step:g} mm"),
    "jacobian": ("Jacobian", "local change of volume"),
    "outlines": ("Outlines", "solid fixed, dashed warped"),
}
LONGEST_NAME = 420


def poster(scene: Scene, contents: ReportContents) -> np.ndarray:
    """Title and result in numbers, views side by side with a plane in each row, and the structures by color.

    Returns:
        Picture (H, W, 3) in [0, 1].
    """
    kinds = [kind for kind in VIEWS if kind in scene.kinds]
    columns = [draw_lettered(scene, kind) for kind in kinds]
    heights = [picture.shape[0] for picture in columns[0]]
    width = max(picture.shape[1] for column in columns for picture in column)
    total = 2 * MARGIN + len(columns) * (width + GAP) - GAP
    legend = _legend_rows(scene, contents, total - 2 * MARGIN)
    rows = [HEADER + HEADINGS + sum(heights[:row]) + GAP * row for row in range(len(heights))]
    below = rows[-1] + heights[-1]
    sheet = canvas.blank(below + CAPTIONS + LEGEND_ROW * len(legend), total)
    _write_header(sheet, scene, contents)
    for number, (kind, column) in enumerate(zip(kinds, columns)):
        left = MARGIN + number * (width + GAP)
        _write_heading(sheet, kind, scene, left + width // 2)
        corners = [left + (width - picture.shape[1]) // 2 for picture in column]
        for picture, row, corner in zip(column, rows, corners):
            canvas.put(sheet, picture, row, corner)
        if number == 0:
            _name_planes(sheet, scene, rows, corners)
        if kind == "jacobian":
            _draw_scale(sheet, below + 12, left, width)
    _write_legend(sheet, legend, below + CAPTIONS)
    return sheet


def _write_header(sheet: np.ndarray, scene: Scene, contents: ReportContents) -> None:
    verdict, color = _verdict(scene)
    right = sheet.shape[1] - MARGIN
    room = right - text_width(verdict, HEADING, True) - MARGIN - 60
    write(sheet, shortened(contents.title, TITLE, room), 58, MARGIN, TITLE, strong=True)
    write(sheet, verdict, 58, right, HEADING, color, "rs", strong=True)
    write(sheet, "     ".join(_numbers(contents)), 100, MARGIN, TEXT, SOFT_COLOR)


def _verdict(scene: Scene) -> Tuple[str, Tuple[float, float, float]]:
    folded = scene.folded_voxels
    if not folded:
        return "No folding", GOOD_COLOR
    return f"{folded} folded voxels ({100 * folded / scene.jacobian.size:.3f} %)", BAD_COLOR


def _numbers(contents: ReportContents) -> List[str]:
    """The measures, each before and after."""
    parts = []
    for key, name, digits, unit in (("dice", "Mean Dice", 3, ""), ("hd95_mm", "mean HD95", 2, " mm")):
        means = [mean_over_structures(side.get("structures", []), key) for side in (contents.before, contents.after)]
        if None not in means:
            parts.append(f"{name} {means[0]:.{digits}f} before, {means[1]:.{digits}f}{unit} after")
    deformation = contents.after.get("deformation")
    if deformation:
        parts.append(f"SDlogJ {deformation['sd_log_jacobian']:.3f}")
    return parts


def _write_heading(sheet: np.ndarray, kind: str, scene: Scene, middle: int) -> None:
    title, explanation = VIEWS[kind]
    write(sheet, title, HEADER + 30, middle, HEADING, anchor="ms", strong=True)
    write(sheet, explanation.format(step=scene.grid_step_mm), HEADER + 62, middle, SMALL, SOFT_COLOR, "ms")


def _name_planes(sheet: np.ndarray, scene: Scene, rows: List[int], columns: List[int]) -> None:
    for plane, row, column in zip(scene.planes, rows, columns):
        write(sheet, plane.name.capitalize(), row + 8, column + 8, SMALL, anchor="la", outline=2)


def _draw_scale(sheet: np.ndarray, row: int, left: int, width: int) -> None:
    """The colors of the Jacobian map, with the determinants that they stand for."""
    bar = np.linspace(-LARGEST_LOG_JACOBIAN, LARGEST_LOG_JACOBIAN, round(0.8 * width))
    start = left + (width - bar.size) // 2
    sheet[row : row + 12, start : start + bar.size] = canvas.diverging(bar, LARGEST_LOG_JACOBIAN)
    for text, place in (("0.5", 0.0), ("1", 0.5), ("2", 1.0)):
        write(sheet, text, row + 34, start + round(place * bar.size), SMALL, SOFT_COLOR, "ms")


def _legend_rows(scene: Scene, contents: ReportContents, width: int) -> List[List[Tuple]]:
    """Entries (color, text, place in the row) by row."""
    rows: List[List[Tuple]] = []
    left = width
    for label in scene.labels:
        name = shortened(contents.label_name(label), TEXT, LONGEST_NAME)
        needed = 34 + text_width(name, TEXT) + 34
        if left + needed > width:
            rows.append([])
            left = 0
        rows[-1].append((structure_color(scene, label), name, left))
        left += needed
    return rows


def _write_legend(sheet: np.ndarray, rows: List[List[Tuple]], top: int) -> None:
    for number, row in enumerate(rows):
        for color, name, left in row:
            start, middle = MARGIN + left, top + number * LEGEND_ROW + 8
            sheet[middle - 9 : middle + 9, start : start + 18] = color
            write(sheet, name, middle, start + 28, TEXT, TEXT_COLOR, "lm")
