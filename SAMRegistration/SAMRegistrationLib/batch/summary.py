"""The table (CSV) and the page (HTML) of a batch."""

import csv
import statistics
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence
from urllib.parse import quote

from ..files import whole_files
from ..quantities import number_text
from ..report.templates import rendered
from .outcomes import DONE, FAILED, NUMBERS, WAITING, Outcome

FILES = ("summary.csv", "summary.html")
DIGITS = {"hd95_before_mm": 2, "hd95_after_mm": 2, "landmarks_before_mm": 2, "landmarks_after_mm": 2, "seconds": 1}


def write_summary(folder: Path, outcomes: Sequence[Outcome]) -> None:
    """Write summary.csv and summary.html, both or neither."""
    with whole_files(folder, replaces=FILES) as staging:
        with open(staging / "summary.csv", "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(_rows(outcomes))
        (staging / "summary.html").write_text(_page(outcomes), encoding="utf-8")


def _rows(outcomes: Sequence[Outcome]) -> List[List[str]]:
    rows = [["name", "state", *NUMBERS, "message"]]
    for outcome in outcomes:
        values = ("" if value is None else f"{value:.6g}" for value in outcome.numbers().values())
        rows.append([outcome.name, outcome.state, *values, outcome.message])
    return rows


def _page(outcomes: Sequence[Outcome]) -> str:
    numbers = {outcome.name: outcome.numbers() for outcome in outcomes}
    shown = [name for name in NUMBERS if any(of_pair[name] is not None for of_pair in numbers.values())]
    states = [outcome.state for outcome in outcomes]
    return rendered(
        Path(__file__).parent / "page.html",
        title="Batch report",
        counts={state: states.count(state) for state in (DONE, FAILED, WAITING)},
        columns=[_title(name) for name in shown],
        means=[_mean([numbers[outcome.name][name] for outcome in outcomes], _digits(name)) for name in shown],
        rows=[_row(outcome, [numbers[outcome.name][name] for name in shown], shown) for outcome in outcomes],
    )


def _row(outcome: Outcome, values: Sequence[Optional[float]], names: Sequence[str]) -> Dict[str, Any]:
    return {
        "name": outcome.name,
        "state": outcome.state,
        "message": outcome.message,
        "report": f"{quote(outcome.name)}/report.html" if outcome.state == DONE else "",
        "cells": [number_text(value, _digits(name), "\u2013") for name, value in zip(names, values)],
    }


def _mean(values: Sequence[Optional[float]], digits: int) -> str:
    there = [value for value in values if value is not None]
    if len(there) < 2:
        return ""
    return f"{statistics.fmean(there):.{digits}f} \u00b1 {statistics.stdev(there):.{digits}f}"


def _digits(name: str) -> int:
    return DIGITS.get(name, 3)


def _title(name: str) -> str:
    units = {"mm": "mm", "percent": "%"}
    *words, last = name.split("_")
    text = " ".join([*words, "" if last in units else last]).strip()
    text = text.replace("dice", "Dice").replace("hd95", "HD95").replace("sd log jacobian", "SDlogJ")
    return f"{text}, {units[last]}" if last in units else text
