"""Lists of points in files: CSV and 3D Slicer's markups (.mrk.json).

Points in memory are LPS millimetres, as in ITK.
"""

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List

import numpy as np

from .errors import InputError
from .files import PathLike, whole_file

RAS_TO_LPS = np.array([-1.0, -1.0, 1.0])


@dataclass(frozen=True, eq=False)
class PointList:
    """Points (N, 3) in LPS millimetres with N names; a point without a name has an empty one."""

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
        path: a CSV file with the columns x, y, z and optionally label, in LPS millimetres, with or without a header;
            or a Slicer markups file (.mrk.json), whose coordinate system (LPS or RAS) is honored.

    Raises:
        InputError: the file is missing, of another kind, or holds no usable points.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no point list {path}.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The point list {path} cannot be read ({error}).") from error
    points = _read_markups(path, text) if path.suffix.lower() == ".json" else _read_csv(path, text)
    if len(points) == 0:
        raise InputError(f"The point list {path} holds no points.")
    if not np.isfinite(points.points).all():
        raise InputError(f"The point list {path} holds coordinates that are not finite numbers.")
    return points


def write_points(path: PathLike, points: PointList) -> None:
    """Write `points` as CSV (x, y, z, label) or, when `path` ends in .json, as Slicer markups; both in LPS millimetres.

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
    rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines())]
    rows = [row for row in rows if any(row) and not row[0].startswith("#")]
    columns = {"x": 0, "y": 1, "z": 2, "label": 3}
    if rows and not _is_number(rows[0][0]):
        header = [cell.lower() for cell in rows.pop(0)]
        if not {"x", "y", "z"} <= set(header):
            raise InputError(f"The point list {path} needs the columns x, y, z, but has {', '.join(header)}.")
        columns = {name: header.index(name) for name in columns if name in header}
    points, names = [], []
    for number, row in enumerate(rows, start=1):
        try:
            points.append([float(row[columns[axis]]) for axis in "xyz"])
        except (IndexError, ValueError) as error:
            raise InputError(f"Point {number} of {path} is not three numbers x, y, z.") from error
        column = columns.get("label", len(row))
        names.append(row[column] if column < len(row) else "")
    return PointList(points, names)


def _read_markups(path: Path, text: str) -> PointList:
    points, names = [], []
    try:
        for markup in json.loads(text)["markups"]:
            to_lps = _to_lps(path, markup)
            for point in markup.get("controlPoints", []):
                if point.get("positionStatus", "defined") == "defined":
                    points.append(np.array(point["position"], dtype=np.float64).reshape(3) * to_lps)
                    names.append(str(point.get("label", "")))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path} is not a Slicer markups file.") from error
    return PointList(np.array(points), names)


def _to_lps(path: Path, markup: Dict) -> np.ndarray:
    system = str(markup.get("coordinateSystem", "LPS")).upper()
    if system not in ("LPS", "RAS"):
        raise InputError(f"{path} uses the coordinate system {system}; LPS and RAS are understood.")
    if markup.get("coordinateUnits", "mm") != "mm":
        raise InputError(f"{path} is not in millimetres.")
    return RAS_TO_LPS if system == "RAS" else np.ones(3)


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


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
