"""Check what ``make demo`` left in a folder: whole files, brains that agree better, pictures that show something.

python Testing/tools/check_demo.py [FOLDER]
"""

import json
import struct
import sys
import zlib
from pathlib import Path

FILES = ("transform.h5", "inverse.h5", "warped.nii.gz", "metrics.json", "report.html", "report.png", "module.png")


def main() -> int:
    """Print what is wrong and return 1, or print the agreement before and after and return 0."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo-output")
    problems = [f"{name} is missing" for name in FILES if not (folder / name).is_file()]
    if not problems:
        before, after = means(folder / "metrics.json")
        print(f"demo: mean Dice {before:.3f} before and {after:.3f} after")
        problems += [] if after > before else ["the brains do not agree better than before"]
        for name in ("report.png", "module.png"):
            problems += [] if shows_something(folder / name) else [f"{name} shows nothing"]
    for problem in problems:
        print(f"demo: {problem}", file=sys.stderr)
    return 1 if problems else 0


def means(path: Path):
    """Mean Dice of the structures before and after."""
    measures = json.loads(path.read_text(encoding="utf-8"))
    scores = ([row["dice"] for row in measures[when]["structures"]] for when in ("before", "after"))
    return tuple(sum(values) / len(values) for values in scores)


def shows_something(path: Path) -> bool:
    """Whether a PNG has the size of a window and is not one flat color, which compresses to almost nothing."""
    data = path.read_bytes()
    width, height = struct.unpack(">II", data[16:24])
    packed = b""
    place = 8
    while place < len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        packed += data[place + 8 : place + 8 + length] if kind == b"IDAT" else b""
        place += length + 12
    rows = zlib.decompress(packed)
    return width > 600 and height > 400 and len(set(rows[:: max(1, len(rows) // 100_000)])) > 20


if __name__ == "__main__":
    sys.exit(main())
