"""A picture of a registered cine for docs/sequences.md: slices with the carried masks, and the curves of the volumes.

sam-registration sequence CINE -o RESULT --reference N --masks MASKS --cyclic
python Testing/tools/cine_pictures.py CINE RESULT FRAME FRAME ... [--output FILE]
"""

import argparse
import csv
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "SAMRegistration"))

COLORS = ((0.95, 0.35, 0.25), (0.35, 0.75, 1.0))
SIDE, CHART_HEIGHT, MARGIN = 420, 320, 60
CUT = 0.28  # of the slice that is left out at each side


def main() -> int:
    """Draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__.split(":", 1)[0])
    parser.add_argument("cine", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("frames", type=int, nargs="+")
    parser.add_argument("--output", type=Path, default=ROOT / "Resources" / "Screenshots" / "cine.png")
    options = parser.parse_args()
    import numpy as np
    from SAMRegistrationLib.report import canvas

    slices = canvas.side_by_side([draw_frame(options.cine, options.result, frame) for frame in options.frames])
    chart = draw_curves(options.result / "volumes.csv", slices.shape[1], options.frames)
    options.output.write_bytes(canvas.png(np.concatenate([slices, chart])))
    return 0


def draw_frame(cine: Path, result: Path, frame: int):
    """The middle slice of a frame with the outlines of its masks."""
    import numpy as np
    import SimpleITK as sitk
    from SAMRegistrationLib.report import canvas, lettering
    from SAMRegistrationLib.sequences import open_frames

    values = sitk.GetArrayFromImage(open_frames(cine).read(frame))
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(result / f"frame_{frame:03d}" / "labels.nii.gz")))
    middle = len(values) // 2
    rows, columns = (slice(int(CUT * n), int((1 - CUT) * n)) for n in values.shape[1:])
    shape = (SIDE, SIDE)
    picture = canvas.gray(canvas.resize(values[middle, rows, columns], shape), tuple(np.percentile(values, (1, 99.7))))
    for number, color in reversed(list(enumerate(COLORS, start=1))):
        inside = canvas.resize((labels[middle, rows, columns] == number).astype(np.float32), shape)
        picture = canvas.blend(picture, color, canvas.level_line(inside, 0.5, 2.5))
    lettering.write(picture, f"frame {frame}", 30, 14, 22, strong=True, outline=2)
    return picture


def draw_curves(path: Path, width: int, marked):
    """The volumes over time, with a line at the frames that are shown."""
    import numpy as np
    from PIL import Image, ImageDraw
    from SAMRegistrationLib.report import canvas, lettering
    from SAMRegistrationLib.sequences.page import ticks

    with open(path, newline="", encoding="utf-8") as file:
        titles, *rows = csv.reader(file)
    values = np.array(rows, dtype=float)
    first = titles.index(next(title for title in titles if title.endswith("(ml)")))
    marks = ticks(values[:, first:].min(), values[:, first:].max())
    picture = canvas.blank(CHART_HEIGHT, width)
    image = Image.fromarray(np.round(255 * picture).astype(np.uint8))
    drawing = ImageDraw.Draw(image)

    def across(row: int) -> float:
        return MARGIN + (width - 2 * MARGIN) * row / (len(values) - 1)

    def up(value: float) -> float:
        return CHART_HEIGHT - MARGIN - (CHART_HEIGHT - 1.5 * MARGIN) * (value - marks[0]) / (marks[-1] - marks[0])

    for mark in marks:
        drawing.line([(MARGIN, up(mark)), (width - MARGIN, up(mark))], fill=(42, 48, 69))
    for frame in marked:
        drawing.line([(across(frame), MARGIN / 2), (across(frame), CHART_HEIGHT - MARGIN)], fill=(110, 120, 145))
    for column in range(first, values.shape[1]):
        color = tuple(round(255 * part) for part in COLORS[(column - first) % len(COLORS)])
        points = [(across(row), up(value)) for row, value in enumerate(values[:, column])]
        drawing.line(points, fill=color, width=4, joint="curve")
    picture = np.asarray(image, np.float32) / 255
    for mark in marks:
        lettering.write(picture, f"{mark:g}", round(up(mark)) + 6, MARGIN - 10, 17, lettering.SOFT_COLOR, "rs")
    for frame in range(0, len(values), 2):
        place = round(across(frame))
        lettering.write(picture, str(frame), CHART_HEIGHT - MARGIN + 24, place, 17, lettering.SOFT_COLOR, "ms")
    text = "volume (ml) over the frames"
    lettering.write(picture, text, CHART_HEIGHT - 10, width // 2, 18, lettering.SOFT_COLOR, "ms")
    return picture


if __name__ == "__main__":
    sys.exit(main())
