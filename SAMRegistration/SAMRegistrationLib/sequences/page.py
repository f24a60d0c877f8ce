"""The page of a sequence: its curves, and what they say."""

import colorsys
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ..quantities import number_text
from ..report.templates import rendered
from .curves import Curves

WIDTH, HEIGHT = 1000, 300  # of a drawing, in its own unit
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 12, 40  # margins for the numbers
TICKS = 5


@dataclass(frozen=True)
class Line:
    """A curve as it is drawn: name, color as in CSS, points as SVG writes them."""

    name: str
    color: str
    points: str


@dataclass(frozen=True)
class Drawing:
    """Curves over one axis; ticks are places along the axis and their numbers."""

    title: str
    across: str
    lines: Sequence[Line]
    x_ticks: Sequence[Tuple[float, str]]
    y_ticks: Sequence[Tuple[float, str]]


def write_page(path: Path, summary: Dict[str, Any], curves: Curves) -> None:
    """Write the page of a sequence (HTML), which needs no other file.

    Args:
        summary: what :func:`.registering.register_sequence` returns.
    """
    times = summary["times_s"]
    drawings = []
    if curves.volumes:
        values = [(curve.name, curve.milliliters) for curve in curves.volumes]
        drawings.append(drawing("Volumes, ml", values, times))
    if curves.points:
        moved = [
            (point.name, {frame: point.displacement(frame) for frame in point.positions}) for point in curves.points
        ]
        drawings.append(drawing("Displacements of points, mm", moved, times))
    template = Path(__file__).parent / "page.html"
    page = rendered(
        template,
        title="Sequence report",
        facts={
            "input": summary["input"],
            "frames": len(summary["frames"]),
            "registered to frame": summary["reference"],
            "version": summary["version"],
            "seconds a frame": number_text(_mean(summary["seconds"]), 1),
        },
        structures=[_texts(measures) for measures in summary["structures"]],
        drawings=drawings,
        size=(WIDTH, HEIGHT),
        margins=(LEFT, RIGHT, TOP, BOTTOM),
    )
    path.write_text(page, encoding="utf-8")


def drawing(title: str, values: Sequence[Tuple[str, Dict[int, float]]], times: Optional[Sequence[float]]) -> Drawing:
    """Curves, each a name and its value by frame, over time in seconds, or over frames where `times` is None."""
    frames = sorted(values[0][1])
    places = [float(frame) if times is None else times[frame] for frame in frames]
    low_high = [value for _, curve in values for value in curve.values()]
    y_ticks = ticks(min(low_high), max(low_high))
    x_ticks = ticks(places[0], places[-1])
    x_range, y_range = (places[0], places[-1]), (y_ticks[0], y_ticks[-1])

    def across(x: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (x - x_range[0]) / ((x_range[1] - x_range[0]) or 1)

    def up(y: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (y - y_range[0]) / ((y_range[1] - y_range[0]) or 1)

    lines = [
        Line(name, _color(number), " ".join(f"{across(x):.1f},{up(curve[f]):.1f}" for f, x in zip(frames, places)))
        for number, (name, curve) in enumerate(values)
    ]
    return Drawing(
        title,
        "frame" if times is None else "time, s",
        lines,
        [(across(x), f"{x:g}") for x in x_ticks if x_range[0] <= x <= x_range[1]],
        [(up(y), f"{y:g}") for y in y_ticks],
    )


def ticks(low: float, high: float) -> List[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) from below `low` to above `high`, about TICKS of them.

    Example:
        >>> ticks(143.3, 193.5)
        [140.0, 160.0, 180.0, 200.0]
    """
    span = (high - low) or 1.0
    power = 10.0 ** math.floor(math.log10(span / TICKS))
    step = next(factor * power for factor in (1, 2, 5, 10) if span / (factor * power) <= TICKS)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [float(f"{number * step:.10g}") for number in range(first, max(last, first + 1) + 1)]


def _texts(measures: Dict[str, Any]) -> Dict[str, Any]:
    ejected = measures["ejection_fraction_percent"]
    return {
        "name": measures["name"],
        "largest": f"{number_text(measures['largest_ml'], 1)} (frame {measures['largest_frame']})",
        "smallest": f"{number_text(measures['smallest_ml'], 1)} (frame {measures['smallest_frame']})",
        "ejected": number_text(ejected, 1),
    }


def _mean(seconds: Sequence[float]) -> float:
    counted = [value for value in seconds if value > 0]
    return sum(counted) / max(len(counted), 1)


def _color(number: int) -> str:
    parts = colorsys.hsv_to_rgb((0.53 + 0.618034 * number) % 1.0, 0.6, 0.95)
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)
