"""Registration benchmark: every method on every pair, each in a process of its own, scored by the library's metrics.

Scores are kept in a JSON file, so that an interrupted run goes on where it stopped and one method can be run again.
"""

import json
import os
import statistics
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional

import numpy as np
import SimpleITK as sitk
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.geometry.resample import warp_labels
from SAMRegistrationLib.metrics import compare_labels, deformation_statistics, jacobian_image

HERE = Path(__file__).resolve().parent
OURS = ("ours-fast", "ours-balanced", "ours-accurate", "ours-balanced-mask1")
PEERS = (
    "initial",
    "affine",
    "demons",
    "elastix",
    "convexadam",
    "ants-syn",
    "ants-syncc",
    "greedy",
    "greedy-after-affine",
)
PAIR_SETS = json.loads((HERE / "pairs.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Pair:
    """Files of one pair; `labels` names the structures that are scored, by their value in the label maps."""

    set_name: str
    name: str
    fixed: Path
    moving: Path
    fixed_labels: Path
    moving_labels: Path
    labels: Dict[str, str]


def pairs_in(data: Path) -> List[Pair]:
    """All pairs whose files are in the folder `data`."""
    found = []
    for set_name, description in PAIR_SETS.items():
        for entry in description["pairs"]:
            files = {role: data / entry[role] for role in ("fixed", "moving", "fixed_labels", "moving_labels")}
            if all(file.is_file() for file in files.values()):
                found.append(Pair(set_name, entry["name"], labels=description["labels"], **files))
    return found


def run_method(method: str, pair: Pair, python: Path, threads: int) -> Dict:
    """Register `pair` in a new process and score the transform it leaves; an ``error`` says why there is none."""
    record: Dict = {"set": pair.set_name, "pair": pair.name, "method": method, "threads": threads}
    script = HERE / ("peers.py" if method in PEERS else "ours.py")
    count = str(threads)
    environment = dict(os.environ, OMP_NUM_THREADS=count, ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS=count)
    with tempfile.TemporaryDirectory() as folder:
        inputs = [pair.fixed, pair.moving, folder, threads, pair.fixed_labels, pair.moving_labels]
        command = [str(argument) for argument in (python, script, method, *inputs)]
        process = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)
        outcome_file = Path(folder) / "outcome.json"
        if process.returncode != 0 or not outcome_file.is_file():
            last_line = (process.stderr or process.stdout).strip().splitlines()[-1:]
            return {**record, "error": f"exit code {process.returncode}: {' '.join(last_line)}"}
        outcome = json.loads(outcome_file.read_text(encoding="utf-8"))
        if "not_applicable" in outcome:
            return {**record, "error": f"not applicable: {outcome['not_applicable']}"}
        return {**record, **outcome, **score(pair, sitk.ReadTransform(str(Path(folder) / "transform.h5")))}


def score(pair: Pair, transform: sitk.Transform) -> Dict:
    """Overlap, surface distance and regularity of a transform (fixed points to moving points) on a pair."""
    fixed, moving = (sitk.ReadImage(str(file), sitk.sitkUInt8) for file in (pair.fixed_labels, pair.moving_labels))
    grid = Grid.of(fixed)
    scores = {str(s.label): s.as_dict() for s in compare_labels(fixed, warp_labels(moving, transform, grid))}
    scored = [scores[label] for label in pair.labels]
    distances = [s["hd95_mm"] for s in scored if s["hd95_mm"] is not None]
    return {
        "dice": statistics.fmean(s["dice"] for s in scored),
        "hd95_mm": statistics.fmean(distances) if distances else None,
        "structures": scored,
        **deformation_statistics(jacobian_image(transform, grid)).as_dict(),
    }


class Results:
    """Scores in a JSON file, written after every registration."""

    def __init__(self, file: Path):
        self._file = file
        self.records: List[Dict] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []

    def find(self, method: str, pair: Pair) -> Optional[Dict]:
        """The score of `method` on `pair`, or None."""
        wanted = (method, pair.set_name, pair.name)
        return next((r for r in self.records if (r["method"], r["set"], r["pair"]) == wanted), None)

    def put(self, record: Dict) -> None:
        """Add a score in place of an older one of the same method and pair."""
        key = (record["method"], record["set"], record["pair"])
        self.records = [r for r in self.records if (r["method"], r["set"], r["pair"]) != key] + [record]
        self._file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._file.with_suffix(".part")
        temporary.write_text(json.dumps(self.records, indent=1), encoding="utf-8")
        temporary.replace(self._file)


def markdown(records: List[Dict]) -> str:
    """One table per set of pairs; methods in order of their mean Dice."""
    parts = []
    for set_name, description in PAIR_SETS.items():
        of_set = [r for r in records if r["set"] == set_name]
        if not of_set:
            continue
        names = description["labels"]
        methods = sorted({r["method"] for r in of_set}, key=lambda name: -_mean(_of(of_set, name), "dice"))
        header = ["method", "pairs", "Dice %", *(f"{name} %" for name in names.values()), "HD95 mm", "folded %"]
        header += ["SDlogJ", "SDlogJ (L2R)", "seconds", "CPU seconds", "memory MB"]
        rows = [_row(method, _of(of_set, method), len(description["pairs"]), names) for method in methods]
        lines = [f"### {description['title']}", "", _line(header), _line(["---"] + ["---:"] * (len(header) - 1))]
        lines += [_line(row) for row in rows]
        lines += _remarks(of_set)
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _of(records: List[Dict], method: str) -> List[Dict]:
    return [r for r in records if r["method"] == method and "error" not in r]


def _mean(records: List[Dict], key: str) -> float:
    values = [r[key] for r in records if r[key] is not None]
    return statistics.fmean(values) if values else float("nan") if records else -1.0


def _row(method: str, records: List[Dict], total: int, names: Dict[str, str]) -> List[str]:
    if not records:
        return [method, f"0/{total}"] + ["-"] * (8 + len(names))
    per_structure = [100 * float(np.mean([r["structures"][n]["dice"] for r in records])) for n in range(len(names))]
    return [
        method,
        f"{len(records)}/{total}",
        f"{100 * _mean(records, 'dice'):.2f}",
        *(f"{value:.2f}" for value in per_structure),
        f"{_mean(records, 'hd95_mm'):.2f}",
        f"{100 * _mean(records, 'folded_fraction'):.4f}",
        f"{_mean(records, 'sd_log_jacobian'):.3f}",
        f"{_mean(records, 'sd_log_jacobian_learn2reg'):.3f}",
        f"{_mean(records, 'seconds'):.1f}",
        f"{_mean(records, 'cpu_seconds'):.1f}",
        f"{max(r['peak_mb'] for r in records):.0f}",
    ]


def _remarks(records: List[Dict]) -> List[str]:
    reasons: Dict[str, List[str]] = {}
    for record in records:
        if "error" in record:
            reasons.setdefault(f"{record['method']}: {record['error']}", []).append(record["pair"])
    return ["", *(f"- {reason} ({', '.join(pairs)})" for reason, pairs in sorted(reasons.items()))] if reasons else []


def _line(cells: List[str]) -> str:
    return "| " + " | ".join(cells) + " |"
