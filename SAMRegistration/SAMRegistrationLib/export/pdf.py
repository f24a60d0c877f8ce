"""The report on sheets of paper (PDF): what was measured, and the picture of the report.

Pillow, which draws the report's picture too, writes the sheets as images.
"""

from typing import Any, List, Sequence, Tuple

from PIL import Image, ImageDraw

from ..errors import InputError
from ..files import PathLike, shown, whole_file
from ..metrics import mean_over_structures
from ..quantities import number_text
from ..report.lettering import font, shortened
from .saved import SavedResult

DOTS_PER_INCH = 150
SHEET = (1240, 1754)  # A4
MARGIN, LETTERS, HEADING, STEP = 90, 21, 30, 32
INK, SOFT, PAPER = (20, 24, 32), (95, 103, 118), (255, 255, 255)


def write_pdf(result: SavedResult, path: PathLike) -> None:
    """Write the report of a saved result as PDF, whole or not at all.

    Raises:
        InputError: the folder of the result has no report, or the file cannot be written.
    """
    picture = result.folder / "report.png"
    if not picture.is_file():
        raise InputError(f"{shown(result.folder)} holds no report.png; register again.")
    paper = _Paper()
    paper.heading("Registration report")
    paper.line(result.title or str(result.folder))
    with Image.open(picture) as image:
        paper.picture(image.convert("RGB"))
    before, after = (result.summary.get(side, {}) for side in ("before", "after"))
    rows = _summary(before, after)
    if rows:
        paper.heading("Result")
        paper.table(("", "before", "after"), rows)
    structures = _structures(before, after)
    if structures:
        paper.heading("Structures")
        paper.table(("structure", "Dice", "after", "HD95", "after"), structures)
    notes = result.summary.get("notes", [])
    if notes:
        paper.heading("Notes")
        for note in notes:
            paper.line(note)
    paper.heading("What was used")
    for name, fact in result.summary.get("facts", {}).items():
        paper.line(f"{name.replace('_', ' ')}: {fact}")
    with whole_file(path) as temporary:
        first, *others = paper.sheets
        first.save(temporary, "PDF", resolution=DOTS_PER_INCH, save_all=True, append_images=others, quality=92)


def _summary(before: Any, after: Any) -> List[Tuple[str, str, str]]:
    rows = []
    for score, name, digits in (("dice", "mean Dice", 3), ("hd95_mm", "mean HD95, mm", 2)):
        if after.get("structures"):
            means = (mean_over_structures(side.get("structures", []), score) for side in (before, after))
            rows.append((name, *(number_text(mean, digits) for mean in means)))
    for kind, name in (("landmarks", "landmark error, mm"), ("guiding_landmarks", "guiding landmarks, mm")):
        if after.get(kind):
            rows.append((name, *(number_text(side.get(kind, {}).get("mean_mm"), 2) for side in (before, after))))
    deformation = after.get("deformation")
    if deformation:
        rows.append(("SDlogJ", "", number_text(deformation["sd_log_jacobian"], 3)))
        rows.append(("folded voxels", "", str(deformation["folded_voxels"])))
    return rows


def _structures(before: Any, after: Any) -> List[List[str]]:
    first = {scores["label"]: scores for scores in before.get("structures", [])}
    rows = []
    for scores in after.get("structures", []):
        sides = (first.get(scores["label"], {}), scores)
        cells = [number_text(side.get(key), digits) for key, digits in (("dice", 3), ("hd95_mm", 2)) for side in sides]
        rows.append([str(scores.get("name") or scores["label"]), *cells])
    return rows


class _Paper:
    """Sheets that are filled from top to bottom."""

    def __init__(self):
        self.sheets: List[Image.Image] = []
        self._new()

    def heading(self, text: str) -> None:
        self._need(3 * STEP)
        self._row += STEP // 2
        self._write(text, MARGIN, HEADING, INK, strong=True)
        self._row += HEADING + STEP // 2

    def line(self, text: str) -> None:
        """A paragraph, in lines as long as the sheet is wide."""
        width = SHEET[0] - 2 * MARGIN
        line = ""
        for word in [*text.split(), None]:
            longer = f"{line} {word}".strip()
            if word is not None and font(LETTERS).getlength(longer) <= width:
                line = longer
                continue
            self._need(STEP)
            self._write(shortened(line, LETTERS, width), MARGIN, LETTERS, INK)
            self._row += STEP
            line = word or ""

    def table(self, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Rows of cells; the first column takes half of the width."""
        half = (SHEET[0] - 2 * MARGIN) // 2
        step = half // (len(titles) - 1)
        for number, row in enumerate([titles, *rows]):
            self._need(STEP)
            color = SOFT if number == 0 else INK
            for column, cell in enumerate(row):
                place = MARGIN if column == 0 else MARGIN + half + (column - 1) * step
                self._write(shortened(cell, LETTERS, (half if column == 0 else step) - 10), place, LETTERS, color)
            self._row += STEP

    def picture(self, image: Image.Image) -> None:
        """A picture as wide as the sheet allows, on a new sheet where it does not fit below."""
        width, height = SHEET[0] - 2 * MARGIN, SHEET[1] - 2 * MARGIN
        scale = min(width / image.width, height / image.height)
        image = image.resize((round(image.width * scale), round(image.height * scale)), Image.LANCZOS)
        self._need(image.height + STEP)
        self.sheets[-1].paste(image, (MARGIN, self._row))
        self._row += image.height + STEP

    def _need(self, height: int) -> None:
        if self._row + height > SHEET[1] - MARGIN and self._row > MARGIN:
            self._new()

    def _new(self) -> None:
        self.sheets.append(Image.new("RGB", SHEET, PAPER))
        self._row = MARGIN

    def _write(self, text: str, column: int, size: int, color, strong: bool = False) -> None:
        drawing = ImageDraw.Draw(self.sheets[-1])
        drawing.text((column, self._row), text, fill=color, font=font(size, strong), anchor="la")
