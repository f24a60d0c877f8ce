"""Lists of points in files: CSV and 3D Slicer's markups (.mrk.json).

Points in memory are LPS millimeters, as in ITK.
"""

import codecs
import csv
import io
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List

import numpy as np

from .errors import InputError
from .files import PathLike, require_usable_path, whole_file
from .geometry.frames import RAS_LPS_SIGNS


@dataclass(frozen=True, eq=False)
class PointList:
    """Points (N, 3) in LPS millimeters with N names; a point without a name has an empty one."""

    points: np.ndarray
    names: List[str] = field(default_factory=list)

    def __post_init__(self):
        points = np.asarray(self.points, dtype=np.float64).reshape(-1, 3)
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "names", list(self.names) if self.names else [""] * len(points))
        if len(self.names) != len(points):
            raise ValueError(f"{len(points)} points cannot have {len(self.names)} names.")

    def __len__(self) -> int:
        return len(self.points)


def read_points(path: PathLike) -> PointList:
    """Read a point list.

    Args:
        path: a CSV file with the columns x, y, z and optionally label, in LPS millimeters, with or without a header;
            or a list of 3D Slicer (.mrk.json, .fcsv), whose coordinate system (LPS or RAS) and columns are followed.

    Raises:
        InputError: the file is missing, of another kind, or holds no usable points.
    """
    path = require_usable_path(path)
    if not path.is_file():
        raise InputError(f"There is no point list {path}.")
    text = read_text(path)
    points = _read_markups(path, text) if path.suffix.lower() == ".json" else _read_csv(path, text)
    if len(points) == 0:
        raise InputError(f"The point list {path} holds no points.")
    if not np.isfinite(points.points).all():
        raise InputError(f"The point list {path} holds coordinates that are not finite numbers.")
    return points


def write_points(path: PathLike, points: PointList) -> None:
    """Write `points` as CSV (x, y, z, label) or, when `path` ends in .json, as Slicer markups; both in LPS millimeters.

    Raises:
        InputError: the folder cannot be written.
    """
    with whole_file(path) as temporary:
        if temporary.suffix.lower() == ".json":
            temporary.write_text(json.dumps(_markups(points), indent=1), encoding="utf-8")
            return
        with open(temporary, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["x", "y", "z", "label"])
            writer.writerows([*map(repr, map(float, point)), name] for point, name in zip(points.points, points.names))


def _read_csv(path: Path, text: str) -> PointList:
    """Rows of a CSV, or of a list of 3D Slicer before version 5.2 (.fcsv), whose comments name columns and frame."""
    lines = list(io.StringIO(text, newline=""))  # with their ends, which a quoted name may hold
    comments = [line.strip("# \r\n") for line in lines if line.startswith("#")]
    rows = _rows(path, [line for line in lines if not line.startswith("#")])
    columns = _columns(path, comments, rows)
    to_lps = _frame(path, comments)
    points, names = [], []
    for number, row in enumerate(rows, start=1):
        try:
            points.append([float(row[columns[axis]]) for axis in "xyz"])
        except (IndexError, ValueError) as error:
            raise InputError(f"Point {number} of {path} is not three numbers x, y, z.") from error
        column = columns.get("label", len(row))
        names.append(row[column] if column < len(row) else "")
    return PointList(np.array(points).reshape(-1, 3) * to_lps, names)


def _rows(path: Path, lines: List[str]) -> List[List[str]]:
    """Cells of the lines, separated by commas, semicolons or tabs; beside the last two, decimal commas are read."""
    first = next((line for line in lines if line.strip()), "")
    delimiter = next((mark for mark in (";", "\t") if first.count(mark) >= 2), ",")
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter)]
    except csv.Error as error:
        raise InputError(f"The point list {path} is no table of cells ({error}).") from error
    if delimiter != ",":
        rows = [[re.sub(r"^(-?\d+),(\d+)$", r"\1.\2", cell) for cell in row] for row in rows]
    return [row for row in rows if any(row)]


def _columns(path: Path, comments: List[str], rows: List[List[str]]) -> Dict[str, int]:
    """Where x, y, z and the label stand; a header is taken out of `rows`."""
    named = [line.split("=", 1)[1] for line in comments if line.lower().startswith("columns") and "=" in line]
    header = [cell.strip().lower() for cell in named[-1].split(",")] if named else None
    if header is None and rows and not _is_number(rows[0][0]):
        header = [cell.lower() for cell in rows.pop(0)]
    if header is not None:
        if not {"x", "y", "z"} <= set(header):
            raise InputError(f"The point list {path} needs the columns x, y, z, but has {', '.join(header)}.")
        return {name: header.index(name) for name in ("x", "y", "z", "label") if name in header}
    four = [row for row in rows if len(row) > 3 and _is_number(row[3])]
    if not four:
        return {"x": 0, "y": 1, "z": 2, "label": 3}
    if len(four) == len(rows):
        counted = [all(row[column].isdigit() for row in rows) for column in (0, 3)]
        if counted == [True, False]:
            return {"label": 0, "x": 1, "y": 2, "z": 3}
        if counted == [False, True]:
            return {"x": 0, "y": 1, "z": 2, "label": 3}
    raise InputError(
        f"The point list {path} has four numbers in a row, so it is not clear which are x, y and z; give it a "
        "first line with the names of the columns, such as id,x,y,z."
    )


def _frame(path: Path, comments: List[str]) -> np.ndarray:
    """What brings coordinates to LPS: CSV files are LPS, lists of 3D Slicer say what they are, without a word RAS."""
    for line in comments:
        if line.lower().startswith("coordinatesystem") and "=" in line:
            system = line.split("=", 1)[1].strip().upper()
            system = {"0": "RAS", "1": "LPS", "2": "IJK"}.get(system, system)
            if system not in ("RAS", "LPS"):
                raise InputError(f"{path} uses the coordinate system {system}; LPS and RAS are understood.")
            return RAS_LPS_SIGNS if system == "RAS" else np.ones(3)
    return RAS_LPS_SIGNS if path.suffix.lower() == ".fcsv" else np.ones(3)


def _read_markups(path: Path, text: str) -> PointList:
    points, names = [], []
    try:
        for markup in json.loads(text)["markups"]:
            to_lps = _to_lps(path, markup)
            for point in markup.get("controlPoints", []):
                if point.get("positionStatus", "defined") == "defined":
                    points.append(np.array(point["position"], dtype=np.float64).reshape(3) * to_lps)
                    names.append(str(point.get("label", "")))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise InputError(f"{path} is not a Slicer markups file.") from error
    return PointList(np.array(points), names)


def _to_lps(path: Path, markup: Dict) -> np.ndarray:
    system = str(markup.get("coordinateSystem", "LPS")).upper()
    if system not in ("LPS", "RAS"):
        raise InputError(f"{path} uses the coordinate system {system}; LPS and RAS are understood.")
    units = markup.get("coordinateUnits", "mm")
    if (units[0] if isinstance(units, list) and units else units) != "mm":
        raise InputError(f"{path} is not in millimeters (its unit is {units}); convert it first.")
    return RAS_LPS_SIGNS if system == "RAS" else np.ones(3)


def _markups(points: PointList) -> Dict:
    control_points = [
        {"id": str(number), "label": name, "position": point.tolist(), "positionStatus": "defined"}
        for number, (point, name) in enumerate(zip(points.points, points.names), start=1)
    ]
    schema = "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    return {
        "@schema": schema + "markups-schema-v1.0.3.json#",
        "markups": [
            {
                "type": "Fiducial",
                "coordinateSystem": "LPS",
                "coordinateUnits": "mm",
                "controlPoints": control_points,
            }
        ],
    }


def read_text(path: Path) -> str:
    """The text of a file in UTF-8 or UTF-16, with or without a byte order mark.

    Raises:
        InputError: the file is missing, cannot be read, or is no text.
    """
    try:
        data = path.read_bytes()
        wide = data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except OSError as error:
        raise InputError(f"Cannot read {path} ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} cannot be read as text; save it in UTF-8.") from error
    if wide and not re.search(r"[ -~]", text):
        raise InputError(f"{path} cannot be read as text; save it in UTF-8.")
    return text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
