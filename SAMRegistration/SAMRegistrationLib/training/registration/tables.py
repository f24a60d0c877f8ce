"""Tables of an evaluation: every measurement as CSV, and means with standard deviations as CSV and Markdown."""

from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np

from ...files import whole_file
from ...metrics import DeformationStatistics, StructureScores
from ..log import write_csv
from .datalist import DataList


@dataclass(frozen=True)
class Measurement:
    """One method on one pair.

    Attributes:
        guided: whether masks were shown to the method.
        scores: per structure.
        landmark_errors: millimeters, (N,), or None without landmarks.
        seconds, peak_mb: time of the registration (without the metrics) and memory.
    """

    method: str
    guided: bool
    fixed: str
    moving: str
    scores: List[StructureScores]
    landmark_errors: Optional[np.ndarray]
    regularity: DeformationStatistics
    seconds: float
    peak_mb: Optional[float]

    @property
    def row(self) -> str:
        """Name of the method in tables."""
        return f"{self.method}, masks" if self.guided else self.method


def write_tables(measurements: Sequence[Measurement], data: DataList, evaluation) -> List[List[str]]:
    """Write results.csv (a line per method, pair and structure), table.csv and table.md; returns header and rows."""
    write_csv(evaluation.output / "results.csv", *_details(measurements, data))
    header, rows = summary(measurements, data)
    write_csv(evaluation.output / "table.csv", header, rows)
    pairs = len({(item.fixed, item.moving) for item in measurements})
    text = markdown(header, rows)
    text += f"\n\n{pairs} pairs of {data.name} ({evaluation.split}); mean ± standard deviation over pairs."
    if any(item.guided for item in measurements):
        text += " Masks: " + (
            f"with random errors, Dice {evaluation.mask_dice:g}."
            if evaluation.mask_dice < 1
            else "as in the data list."
        )
    with whole_file(evaluation.output / "table.md") as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
    return [header, *rows]


def summary(measurements: Sequence[Measurement], data: DataList) -> Tuple[List[str], List[List[str]]]:
    """Header and one row per method, in the order in which they were measured.

    A structure counts in the pairs in which both label maps have it; its distances where the warped one still does.
    """
    columns: Dict[str, Callable[[Measurement], Any]] = {"Dice %": lambda item: _mean(100 * s.dice for s in item.scores)}
    for value, name in data.structures.items():
        columns[f"{name} Dice %"] = lambda item, value=value: _mean(
            100 * s.dice for s in item.scores if s.label == value
        )
    columns["HD95 mm"] = lambda item: _mean(s.hd95_mm for s in item.scores)
    columns["ASSD mm"] = lambda item: _mean(s.assd_mm for s in item.scores)
    columns["TRE mm"] = lambda item: None if item.landmark_errors is None else float(item.landmark_errors.mean())
    columns["SDlogJ"] = lambda item: item.regularity.sd_log_jacobian
    columns["SDlogJ (L2R)"] = lambda item: item.regularity.sd_log_jacobian_learn2reg
    columns["folds %"] = lambda item: 100 * item.regularity.folded_fraction
    columns["s"] = lambda item: item.seconds
    columns["MB"] = lambda item: item.peak_mb
    digits = {"SDlogJ": 3, "SDlogJ (L2R)": 3, "folds %": 3, "HD95 mm": 2, "ASSD mm": 2, "TRE mm": 2, "MB": 0}
    methods = list(dict.fromkeys(item.row for item in measurements))
    cells: Dict[str, List[str]] = {}
    for name, value in columns.items():
        found = {row: [value(item) for item in measurements if item.row == row] for row in methods}
        if any(number is not None for numbers in found.values() for number in numbers):
            cells[name] = [_cell(found[row], digits.get(name, 1)) for row in methods]
    return ["method", *cells], [[row, *(cells[name][index] for name in cells)] for index, row in enumerate(methods)]


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _details(measurements: Sequence[Measurement], data: DataList):
    header = ["method", "masks", "fixed", "moving", "structure", "dice", "hd95_mm", "assd_mm", "tre_mm"]
    header += ["sd_log_jacobian", "sd_log_jacobian_learn2reg", "folded_fraction", "seconds", "peak_mb"]
    lines = []
    for item in measurements:
        error = None if item.landmark_errors is None else float(item.landmark_errors.mean())
        regularity = item.regularity
        ending = [error, regularity.sd_log_jacobian, regularity.sd_log_jacobian_learn2reg]
        ending += [regularity.folded_fraction, item.seconds, item.peak_mb]
        for score in item.scores:
            start = [item.method, "with" if item.guided else "without", item.fixed, item.moving]
            name = data.structures[score.label]
            lines.append([_plain(v) for v in [*start, name, score.dice, score.hd95_mm, score.assd_mm, *ending]])
    return header, lines


def _mean(values) -> Optional[float]:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _cell(values, digits: int) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return ""
    if len(known) == 1:
        return f"{known[0]:.{digits}f}"
    return f"{np.mean(known):.{digits}f} ± {np.std(known, ddof=1):.{digits}f}"


def _plain(value: Any) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
