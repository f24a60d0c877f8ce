"""Benchmark of the registration beside other programs: `make bench`.

    python Testing/bench/run.py [--methods NAME ...] [--sets NAME ...] [--threads N] [--limit SECONDS]
                                    [--again] [--output FOLDER]

Needs the real volumes (folder named by SAMREGISTRATION_DATA, or ../shared/data); the brains are fetched. Peers run in
the environment made by `make bench-peers`, and are left out where there is none.
"""

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "SAMRegistration"))

import registration  # noqa: E402
from brains import FetchError, write_brains  # noqa: E402
from conditions import conditions  # noqa: E402

DEFAULT_DATA = Path(os.environ.get("SAMREGISTRATION_DATA", ROOT.parent / "shared" / "data"))
START, END = "<!-- registration tables: written by make bench -->", "<!-- end of the registration tables -->"


def main() -> int:
    """Run what has no score yet, then write the tables."""
    options = _options()
    if not options.sets or any(name.startswith("brains") for name in options.sets):
        try:
            write_brains(options.output / "brains")
        except FetchError as error:
            print(f"The brains are left out: {error}")
    pairs = registration.pairs_in(options.data, options.output)
    pairs = [pair for pair in pairs if not options.sets or pair.set_name in options.sets]
    if not pairs:
        print(f"No pairs found in {options.data}; set SAMREGISTRATION_DATA to the folder of the volumes.")
        return 0
    file = options.output / "registration.jsonl"
    results = registration.Results(file)
    for method in options.methods:
        python = options.peers_python if method in registration.PEERS else Path(sys.executable)
        if not python.is_file():
            print(f"{method}: left out, there is no {python} (see `make bench-peers`).")
            continue
        for pair in (pair for pair in pairs if method in registration.methods_of(pair.set_name)):
            earlier = results.find(method, pair)
            if earlier is None or options.again:
                record = registration.run_method(method, pair, python, options.threads, options.limit)
                results.put(record)
                print(_summary(record), flush=True)
    tables = registration.markdown(registration.Results(file).records)
    _write_tables(options.report, f"Conditions: {conditions(options.threads)}.\n\n{tables}")
    print(tables)
    return 0


def _options() -> argparse.Namespace:
    every = registration.OURS + registration.PEERS
    parser = argparse.ArgumentParser(description="Benchmark of the registration beside other programs.")
    parser.add_argument("--methods", nargs="+", default=list(every), choices=every, metavar="METHOD")
    parser.add_argument("--sets", nargs="+", choices=list(registration.PAIR_SETS), help="default: all")
    parser.add_argument("--threads", type=int, default=1, help="threads of every method (default: 1)")
    parser.add_argument(
        "--limit", type=float, default=900, help="seconds after which a method has failed (default: 900)"
    )
    parser.add_argument(
        "--again",
        action="store_true",
        help="run these methods again where they have a score, or have failed",
    )
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of the volumes")
    parser.add_argument("--output", type=Path, default=ROOT / "bench-output", help="folder of the scores")
    parser.add_argument("--report", type=Path, default=ROOT / "docs" / "benchmarks.md", help="where the tables go")
    parser.add_argument("--peers-python", type=Path, default=ROOT / ".venv-peers" / "bin" / "python")
    return parser.parse_args()


def _summary(record) -> str:
    start = f"{record['method']:20s} {record['set']:12s} {record['pair']:12s}"
    if "error" in record:
        return f"{start} {record['error']}"
    return (
        f"{start} Dice {100 * record['dice']:6.2f}  folded {100 * record['folded_fraction']:.4f} %  "
        f"{record['seconds']:6.1f} s  {record['peak_mb']:5.0f} MB"
    )


def _write_tables(report: Path, tables: str) -> None:
    """Put the tables between their marks in the report; the rest of it is written by hand and stays."""
    text = (
        report.read_text(encoding="utf-8")
        if report.is_file()
        else f"# Benchmarks\n\n## Registration\n\n{START}\n{END}\n"
    )
    before, after = text.split(START)[0], text.split(END)[1]
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(f"{before}{START}\n\n{tables}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
