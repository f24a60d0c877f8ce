"""The curves of a sequence as rows of text, and as CSV files."""

import csv
from pathlib import Path
from typing import Iterable, List, Optional, Sequence

from .curves import Curves


def volume_rows(curves: Curves, times: Optional[Sequence[float]] = None) -> List[List[str]]:
    """A line of titles, and a row for every frame: number, time in seconds where it is known, volumes in ml."""
    frames = sorted({frame for curve in curves.volumes for frame in curve.milliliters})
    rows = [["frame", *_time_title(times), *(f"{curve.name} (ml)" for curve in curves.volumes)]]
    for frame in frames:
        volumes = (f"{curve.milliliters[frame]:.4f}" for curve in curves.volumes)
        rows.append([str(frame), *_time(times, frame), *volumes])
    return rows


def point_rows(curves: Curves, times: Optional[Sequence[float]] = None) -> List[List[str]]:
    """A line of titles, and a row for every point in every frame: its position (LPS mm), and how far it moved (mm)."""
    rows = [["frame", *_time_title(times), "point", "x", "y", "z", "displacement (mm)"]]
    for point in curves.points:
        for frame in sorted(point.positions):
            place = (f"{value:.4f}" for value in point.positions[frame])
            moved = f"{point.displacement(frame):.4f}"
            rows.append([str(frame), *_time(times, frame), point.name, *place, moved])
    return rows


def write_rows(rows: Iterable[Sequence[str]], path: Path) -> None:
    """Write rows as CSV (UTF-8)."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def _time_title(times: Optional[Sequence[float]]) -> List[str]:
    return [] if times is None else ["time (s)"]


def _time(times: Optional[Sequence[float]], frame: int) -> List[str]:
    return [] if times is None else [f"{times[frame]:.4f}"]
