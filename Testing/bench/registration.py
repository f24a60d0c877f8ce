"""Registration benchmark: every method on every pair, each in a process of its own, scored by the library's metrics.

Scores are kept in a file, so that an interrupted run goes on where it stopped and one method can be run again.
"""

import json
import os
import statistics
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import SimpleITK as sitk
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.geometry.resample import warp_labels
from SAMRegistrationLib.metrics import compare_labels, deformation_statistics, jacobian_image

HERE = Path(__file__).resolve().parent
OURS = ("ours-fast", "ours-balanced", "ours-accurate", "ours-balanced-half", "ours-accurate-half", "ours-balanced-all")
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
    """Files of one pair.

    `labels` names the structures that are scored, by their value in the label maps; `given` are those of them whose
    masks are shown to a method that is given half of them.
    """

    set_name: str
    name: str
    fixed: Path
    moving: Path
    fixed_labels: Path
    moving_labels: Path
    labels: Dict[str, str]
    given: Tuple[str, ...]

    def masks_for(self, method: str) -> Tuple[str, ...]:
        """The structures whose masks are shown to a method, as its name says: none, half or all."""
        return {"half": self.given, "all": tuple(self.labels)}.get(method.split("-")[-1], ())


def pairs_in(*folders: Path) -> List[Pair]:
    """All pairs whose files are in one of the folders."""
    found = []
    for set_name, description in PAIR_SETS.items():
        labels, given = description["labels"], tuple(description["given"])
        for entry in description["pairs"]:
            for folder in folders:
                files = {
                    f"{role}{suffix}": folder / description[kind].format(entry[role])
                    for role in ("fixed", "moving")
                    for suffix, kind in (("", "image"), ("_labels", "label_map"))
                }
                if all(file.is_file() for file in files.values()):
                    found.append(Pair(set_name, entry["name"], labels=labels, given=given, **files))
    return found


def methods_of(set_name: str) -> Tuple[str, ...]:
    """The methods that a set of pairs has rows for: with the masks of all structures only where the set asks for it."""
    ours = [name for name in OURS if not name.endswith("-all") or PAIR_SETS[set_name].get("all_masks")]
    return (*ours, *PEERS)


def run_method(method: str, pair: Pair, python: Path, threads: int, limit: float) -> Dict:
    """Register `pair` in a new process and score the transform it leaves; an ``error`` says why there is none.

    A process that takes longer than `limit` seconds is ended.
    """
    record: Dict = {"set": pair.set_name, "pair": pair.name, "method": method, "threads": threads}
    script = HERE / ("peers.py" if method in PEERS else "ours.py")
    count = str(threads)
    environment = dict(os.environ, OMP_NUM_THREADS=count, ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS=count)
    with tempfile.TemporaryDirectory() as folder:
        inputs = [pair.fixed, pair.moving, folder, threads]
        if method in OURS:
            inputs += [pair.fixed_labels, pair.moving_labels, *pair.masks_for(method)]
        command = [str(argument) for argument in (python, script, method, *inputs)]
        try:
            process = subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                check=False,
                timeout=limit,
            )
        except subprocess.TimeoutExpired:
            return {**record, "error": f"not finished after {limit:.0f} s"}
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
    """Scores in a file with a line of JSON for each registration, which several benchmarks can fill at a time."""

    def __init__(self, file: Path):
        self._file = file
        self._records: Dict[Tuple[str, str, str], Dict] = {}
        for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else ():
            self._keep(json.loads(line))

    @property
    def records(self) -> List[Dict]:
        """The latest score of each method on each pair."""
        return list(self._records.values())

    def find(self, method: str, pair: Pair) -> Optional[Dict]:
        """The score of `method` on `pair`, or None."""
        return self._records.get((method, pair.set_name, pair.name))

    def put(self, record: Dict) -> None:
        """Add a score, which takes the place of an older one of the same method and pair."""
        self._keep(record)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def _keep(self, record: Dict) -> None:
        self._records[record["method"], record["set"], record["pair"]] = record


def markdown(records: List[Dict]) -> str:
    """One table per set of pairs; methods in order of their mean Dice, and a row for each that has no score."""
    parts = []
    for set_name, description in PAIR_SETS.items():
        of_set = [r for r in records if r["set"] == set_name]
        if not of_set:
            continue
        names, given = description["labels"], description["given"]
        methods = sorted(methods_of(set_name), key=lambda name: -_mean(_of(of_set, name), "dice"))
        header = ["method", "pairs", "Dice %", "given %", "not given %"]
        header += [f"{name} %{' (given)' if label in given else ''}" for label, name in names.items()]
        header += ["HD95 mm", "folded %", "SDlogJ", "SDlogJ (L2R)", "seconds", "CPU seconds", "memory MB"]
        rows = [_row(method, _of(of_set, method), description) for method in methods]
        lines = [f"### {description['title']}", "", _line(header), _line(["---"] + ["---:"] * (len(header) - 1))]
        lines += [_line(row) for row in rows]
        lines += _remarks(of_set, methods)
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _of(records: List[Dict], method: str) -> List[Dict]:
    return [r for r in records if r["method"] == method and "error" not in r]


def _mean(records: List[Dict], key: str) -> float:
    values = [r[key] for r in records if r[key] is not None]
    return statistics.fmean(values) if values else float("nan") if records else -1.0


def _row(method: str, records: List[Dict], description: Dict) -> List[str]:
    labels, given, total = description["labels"], description["given"], len(description["pairs"])
    if not records:
        return [method, f"0/{total}"] + ["-"] * (10 + len(labels))
    dice = {
        label: 100 * statistics.fmean(r["structures"][n]["dice"] for r in records) for n, label in enumerate(labels)
    }
    halves = [[dice[label] for label in labels if (label in given) == shown] for shown in (True, False)]
    return [
        method,
        f"{len(records)}/{total}",
        f"{100 * _mean(records, 'dice'):.2f}",
        *(f"{statistics.fmean(half):.2f}" if half else "-" for half in halves),
        *(f"{value:.2f}" for value in dice.values()),
        f"{_mean(records, 'hd95_mm'):.2f}",
        f"{100 * _mean(records, 'folded_fraction'):.4f}",
        f"{_mean(records, 'sd_log_jacobian'):.3f}",
        f"{_mean(records, 'sd_log_jacobian_learn2reg'):.3f}",
        f"{_mean(records, 'seconds'):.1f}",
        f"{_mean(records, 'cpu_seconds'):.1f}",
        f"{max(r['peak_mb'] for r in records):.0f}",
    ]


def _remarks(records: List[Dict], methods: List[str]) -> List[str]:
    reasons: Dict[str, List[str]] = {}
    for record in records:
        if "error" in record:
            reasons.setdefault(f"{record['method']}: {record['error']}", []).append(record["pair"])
    lines = [f"- {reason} ({', '.join(pairs)})" for reason, pairs in sorted(reasons.items())]
    missing = sorted(set(methods) - {record["method"] for record in records})
    lines += [f"- not run: {', '.join(missing)}"] if missing else []
    return ["", *lines] if lines else []


def _line(cells: List[str]) -> str:
    return "| " + " | ".join(cells) + " |"
