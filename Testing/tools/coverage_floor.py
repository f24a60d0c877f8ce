"""The coverage of the last test run as a short table, held against the floor: ``make test`` runs it at its end.

    python Testing/tools/coverage_floor.py [--raise]

The floor, percent of statements and branches together, stands in pyproject.toml (``fail_under`` of coverage). Below it
the run has failed, and so has one with a floor that is lower than in the last commits. Above it by more than
:data:`SLACK` the table says what the floor can be raised to; ``--raise`` writes that.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Optional

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ROOT / "pyproject.toml"
SLACK = 1.0  # percent points that the floor may lie below what is covered: tests that are left out on some computers
WORST = 10  # files told
FEWEST = 20  # statements of a file that is told
FLOOR = re.compile(r"^(fail_under = )(\d+\.\d)$", re.MULTILINE)


def main() -> int:
    """Print the table; 1 where less is covered than the floor asks for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--raise", dest="raises", action="store_true", help="write the floor that can be held")
    options = parser.parse_args()
    report, text = measured(), SETTINGS.read_text(encoding="utf-8")
    floor = floor_of(text)
    print("\n".join(table(report, floor)))
    earlier = max(committed_floors(), default=floor)
    if floor < earlier:
        print(f"The floor was {earlier:.1f} and only rises.")
    higher = higher_floor(covered(report["totals"]), floor)
    if options.raises and higher is not None:
        SETTINGS.write_text(FLOOR.sub(rf"\g<1>{higher:.1f}", text), encoding="utf-8")
    return int(covered(report["totals"]) < floor or floor < earlier)


def measured() -> Dict[str, Any]:
    """The report of coverage, as JSON, of everything that the tests and the processes they started left."""
    import coverage

    run = coverage.Coverage(config_file=str(SETTINGS))
    run.combine(keep=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "coverage.json"
        run.json_report(outfile=str(file))
        return json.loads(file.read_text(encoding="utf-8"))


def floor_of(settings: str) -> float:
    """The floor in the text of pyproject.toml."""
    found = FLOOR.search(settings)
    if found is None:
        raise SystemExit(f"{SETTINGS.name} has no line 'fail_under = NN.N'.")
    return float(found.group(2))


def committed_floors() -> List[float]:
    """The floors of the last commit and the one before it, as far as git knows them."""
    found: List[float] = []
    if shutil.which("git") is None:
        return found
    for commit in ("HEAD", "HEAD^"):
        shown = subprocess.run(
            ["git", "-C", str(ROOT), "show", f"{commit}:{SETTINGS.name}"],
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        found += [float(floor) for _, floor in FLOOR.findall(shown.stdout)]
    return found


def covered(numbers: Dict[str, Any]) -> float:
    """Percent of statements and branches together that were come by."""
    every = numbers["num_statements"] + numbers["num_branches"]
    return 100 * (numbers["covered_lines"] + numbers["covered_branches"]) / every if every else 100.0


def higher_floor(percent: float, floor: float) -> Optional[float]:
    """The floor that leaves SLACK below a percentage; None unless it is higher than the present one."""
    possible = int(10 * (percent - SLACK)) / 10
    return possible if possible > floor else None


def table(report: Dict[str, Any], floor: float) -> List[str]:
    """The lines to print."""
    totals = report["totals"]
    lines = [
        f"statements: {_share(totals['covered_lines'], totals['num_statements'])}",
        f"branches:   {_share(totals['covered_branches'], totals['num_branches'])}",
        f"together:   {covered(totals):.1f} %, floor {floor:.1f} %",
        f"least covered files of {FEWEST} statements or more:",
    ]
    files = {name: file["summary"] for name, file in report["files"].items()}
    told = sorted((covered(numbers), name) for name, numbers in files.items() if numbers["num_statements"] >= FEWEST)
    lines += [f"  {percent:5.1f} %  {name}" for percent, name in told[:WORST]]
    higher = higher_floor(covered(totals), floor)
    if covered(totals) < floor:
        lines.append("Less is covered than the floor asks for: add tests for what was added.")
    elif higher is not None:
        lines.append(f"The floor can be raised to {higher:.1f}: Testing/tools/coverage_floor.py --raise")
    return lines


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole}, {100 * part / whole if whole else 100:.1f} %"


if __name__ == "__main__":
    sys.exit(main())
