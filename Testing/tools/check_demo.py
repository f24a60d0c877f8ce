"""What `make demo` left is complete and right: python Testing/tools/check_demo.py FOLDER

Run by the environment of the demonstration. Prints what was found; ends with 1 and a sentence where something is
missing or wrong.
"""

import json
import sys
from pathlib import Path
from typing import Dict, List

import numpy as np
import SimpleITK as sitk

TRANSFORMS = ("transform.h5", "inverse.h5")
VOLUMES = ("warped.nii.gz", "warped_labels.nii.gz", "fixed_masks.nii.gz", "moving_masks.nii.gz")
MARGIN_MM = 1.0


class DemoError(Exception):
    """Something is missing or wrong; the text says what."""


def check(folder: Path) -> List[str]:
    """Lines that say what was found.

    Raises:
        DemoError: something is missing or wrong.
    """
    return [
        *_page(folder / "report.html"),
        *(_picture(folder / name) for name in ("report.png", "module.png")),
        _transforms(folder),
        *_volumes(folder),
        _measures(folder / "metrics.json"),
    ]


def _needed(path: Path) -> Path:
    if not path.is_file() or not path.stat().st_size:
        raise DemoError(f"{path} is missing or empty.")
    return path


def _page(path: Path) -> List[str]:
    text = _needed(path).read_text(encoding="utf-8")
    if "</html>" not in text or text.count("data:image/png;base64,") < 8:
        raise DemoError(f"{path} is not a whole report.")
    if "{{" in text or "{%" in text:
        raise DemoError(f"{path} was not filled in.")
    return [f"{path.name}: {len(text) / 1e6:.1f} MB"]


def _picture(path: Path) -> str:
    picture = sitk.GetArrayFromImage(sitk.ReadImage(str(_needed(path))))
    pixels = picture.reshape(-1, picture.shape[-1])[:, :3]
    colors = len(np.unique(pixels[::17], axis=0))
    if colors < 100 or pixels.std() < 10:
        raise DemoError(f"{path} is blank: {colors} colors.")
    return f"{path.name}: {colors} colors"


def _transforms(folder: Path) -> str:
    forth, back = (sitk.ReadTransform(str(_needed(folder / name))) for name in TRANSFORMS)
    grid = sitk.ReadImage(str(_needed(folder / "warped.nii.gz")))
    middle = grid.TransformContinuousIndexToPhysicalPoint([(size - 1) / 2 for size in grid.GetSize()])
    points = [np.add(middle, offset) for offset in ((0, 0, 0), (20, 0, 0), (0, -25, 5), (-10, 10, 15))]
    errors = [np.linalg.norm(np.subtract(back.TransformPoint(forth.TransformPoint(point)), point)) for point in points]
    moved = max(np.linalg.norm(np.subtract(forth.TransformPoint(point), point)) for point in points)
    if max(errors) > MARGIN_MM or moved < 0.1:
        raise DemoError(f"The transforms are no inverses, or do nothing: {max(errors):.2f} and {moved:.2f} mm.")
    return f"transforms: points move up to {moved:.1f} mm and come back within {max(errors):.2f} mm"


def _volumes(folder: Path) -> List[str]:
    lines = []
    for name in VOLUMES:
        values = sitk.GetArrayFromImage(sitk.ReadImage(str(_needed(folder / name))))
        if values.min() == values.max():
            raise DemoError(f"{folder / name} holds one value only.")
        lines.append(f"{name}: {' x '.join(map(str, values.shape[::-1]))}")
    return lines


def _measures(path: Path) -> str:
    measures = json.loads(_needed(path).read_text(encoding="utf-8"))
    before, after = (_mean_dice(measures[side]) for side in ("before", "after"))
    folded = measures["after"]["deformation"]["folded_voxels"]
    if after <= before:
        raise DemoError(f"Dice is not better after the registration: {before:.3f} before, {after:.3f} after.")
    return f"metrics.json: mean Dice {before:.3f} before, {after:.3f} after; {folded} folded voxels"


def _mean_dice(measures: Dict) -> float:
    return float(np.mean([structure["dice"] for structure in measures["structures"]]))


def main() -> int:
    """Check the folder that is named."""
    try:
        for line in check(Path(sys.argv[1])):
            print(line)
    except DemoError as error:
        print(f"check-demo: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
