"""How many small faults the tests notice: ``make mutation``.

    python Testing/tools/mutation.py [ROOM ...] [--count N] [--seed N] [--output FILE.json]

A random choice of mutants (:mod:`mutants`) of the files of a room, the same number of each file as far as there are
any, is tried one by one on the tests of that room in :data:`TESTS`: those that come by the changed line, the quickest
first, until one fails. A mutant that ends the process, or takes five times as long as all of them do otherwise, counts
as noticed; one on a line that no test comes by as not noticed. Packages are imported once, and each mutant is tried in
a fork of that process (Linux, macOS).
"""

import argparse
import ast
import importlib.abc
import importlib.util
import json
import os
import pickle
import random
import resource
import sys
import tempfile
import threading
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Set, Tuple

from mutants import Mutant, mutants_of

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "SAMRegistration" / "SAMRegistrationLib"
HEAVY = ("numpy", "torch", "SimpleITK", "scipy.ndimage", "scipy.spatial", "hypothesis", "pytest", "safetensors.torch")
TESTS = {
    "geometry": (
        *("unit/test_geometry.py", "unit/test_geometry_boxes.py", "unit/test_geometry_flows.py"),
        "unit/test_training_shared.py",
        *("property/test_any_field.py", "property/test_any_grid.py", "property/test_any_transform.py"),
    ),
    "losses": (
        *("unit/test_losses_contours.py", "unit/test_losses_dice.py", "unit/test_losses_prototypes.py"),
        *("unit/test_losses_similarity.py", "unit/test_refinement_terms.py"),
    ),
    "registration": (
        *("unit/test_refinement_terms.py", "unit/test_registration.py", "unit/test_rigid_regions.py"),
        *("unit/test_stiffness.py", "unit/test_folds.py", "unit/test_guidance.py", "unit/test_update.py"),
        *("unit/test_confidence.py", "unit/test_initial_transform.py", "unit/test_prediction.py"),
    ),
    "segmentation": (
        *("unit/test_segmentation_session.py", "unit/test_segmentation_prompts.py", "unit/test_segmentation_cache.py"),
        *("unit/test_segmentation_planes.py", "unit/test_segmentation_propagation.py"),
        *("unit/test_segmentation_transfer.py", "unit/test_segmentation_mending.py"),
        *("unit/test_segmentation_geodesic.py", "unit/test_segmentation_clicks.py"),
    ),
}
MOST_TESTS = 30  # that are tried on a mutant
LEAST_SECONDS = 20  # of the processor that a mutant may take
PATIENCE = 5  # times what its tests take otherwise


class Lines(NamedTuple):
    """What the tests of a room come by.

    Attributes:
        tests: names of tests by file and line.
        seconds: that a test takes.
    """

    tests: Dict[Tuple[str, int], Set[str]]
    seconds: Dict[str, float]


class Tried(NamedTuple):
    """A mutant and whether a test noticed it."""

    file: str
    line: int
    change: str
    noticed: bool


def main() -> int:
    """Try the mutants and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("rooms", nargs="*", default=list(TESTS), help=f"default: {', '.join(TESTS)}")
    parser.add_argument("--count", type=int, default=40, help="mutants of each room (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="JSON file for all mutants")
    options = parser.parse_args()
    for name in HEAVY:
        importlib.import_module(name)
    everything = {}
    for room in options.rooms:
        tests = [str(ROOT / "Testing" / test) for test in TESTS[room]]
        files = sorted(path for path in (LIBRARY / room).glob("*.py") if path.name != "__init__.py")
        lines = lines_of(files, tests)
        tried = []
        for path, mutant in chosen(files, options.count, options.seed):
            tried.append(Tried(path.name, mutant.line, mutant.change, is_noticed(path, mutant, lines)))
            print(f"  {'noticed' if tried[-1].noticed else 'SURVIVED'}: {room}/{path.name}:{mutant.line}", flush=True)
        everything[room] = [one._asdict() for one in tried]
        _tell(room, tried)
        if options.output is not None:
            options.output.write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")
    return 0


def _tell(room: str, tried: Sequence[Tried]) -> None:
    noticed = sum(one.noticed for one in tried)
    print(f"{room}: {noticed} of {len(tried)} noticed ({100 * noticed / max(len(tried), 1):.0f} %)")
    for one in tried:
        if not one.noticed:
            print(f"  survived: {one.file}:{one.line}: {one.change}", flush=True)


def chosen(files: Sequence[Path], count: int, seed: int) -> List[Tuple[Path, Mutant]]:
    """Mutants of files, as many of each as of the others while there are any, always the same for a seed."""
    waiting = []
    for path in files:
        mutants = mutants_of(path.read_text(encoding="utf-8"))
        random.Random(f"{seed} {path.name}").shuffle(mutants)
        waiting.append([(path, mutant) for mutant in mutants])
    found = []
    while len(found) < count and any(waiting):
        found += [mutants.pop() for mutants in waiting if mutants]
    return found[:count]


def lines_of(files: Sequence[Path], tests: Sequence[str]) -> Lines:
    """Run the tests once and note which lines of the files each comes by."""
    with tempfile.NamedTemporaryFile() as file:
        status = in_fork(lambda: _note(files, tests, file.name), None, quiet=False)
        if status != 0:
            raise SystemExit(f"The tests do not pass as they are: {' '.join(tests)}")
        return Lines(*pickle.loads(Path(file.name).read_bytes()))


def _note(files: Sequence[Path], tests: Sequence[str], output: str) -> int:
    import pytest

    notes = _Notes({str(path) for path in files})
    status = pytest.main([*_ARGUMENTS, *tests], plugins=[notes])
    Path(output).write_bytes(pickle.dumps((notes.tests, notes.seconds)))
    return int(status)


_ARGUMENTS = (
    "-q",
    "-x",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:xdist",
    "--no-header",
    "-W",
    "ignore",
    f"--rootdir={ROOT}",
)


class _Notes:
    """A plugin of pytest that notes lines and times."""

    def __init__(self, files: Set[str]):
        self._files, self._now = files, ""
        self.tests: Dict[Tuple[str, int], Set[str]] = {}
        self.seconds: Dict[str, float] = {}

    def pytest_sessionstart(self):
        sys.settrace(self._enter)
        threading.settrace(self._enter)

    def pytest_runtest_logstart(self, nodeid):
        self._now = nodeid

    def pytest_runtest_logreport(self, report):
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration

    def _enter(self, frame, event, argument):
        return self._line if frame.f_code.co_filename in self._files else None

    def _line(self, frame, event, argument):
        self.tests.setdefault((frame.f_code.co_filename, frame.f_lineno), set()).add(self._now)
        return self._line


def is_noticed(path: Path, mutant: Mutant, lines: Lines) -> bool:
    """Whether a test fails, or the process ends, with the mutant in place of the file."""
    there = _tests_by(path, mutant, lines)
    if not there:
        return False
    tests = sorted(there, key=lambda test: lines.seconds.get(test, 0.0))[:MOST_TESTS]
    usual = sum(lines.seconds.get(test, 0.0) for test in tests)

    def work() -> int:
        import pytest

        sys.meta_path.insert(0, _Replaced(path, mutant.tree()))
        return int(pytest.main([*_ARGUMENTS, *(f"{ROOT / test}" for test in tests)]))

    return in_fork(work, LEAST_SECONDS + PATIENCE * usual) != 0


def _tests_by(path: Path, mutant: Mutant, lines: Lines) -> Set[str]:
    """Tests that come by the line; by any line of the file where it is run only once, on import."""
    there = lines.tests.get((str(path), mutant.line), set())
    if there != {""}:
        return there - {""}
    return {test for (file, _), tests in lines.tests.items() if file == str(path) for test in tests} - {""}


class _Replaced(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports a module from a syntax tree instead of its file."""

    def __init__(self, path: Path, tree: ast.Module):
        self._path, self._tree = path, tree
        self._name = ".".join(path.relative_to(LIBRARY.parent).with_suffix("").parts)

    def find_spec(self, name, path, target=None):
        if name != self._name:
            return None
        return importlib.util.spec_from_file_location(name, self._path, loader=self)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        exec(compile(self._tree, str(self._path), "exec"), vars(module))


def in_fork(work: Callable[[], int], seconds: Optional[float], quiet: bool = True) -> int:
    """The exit status of work in a fork of this process, 1 where it ended otherwise.

    Args:
        seconds: of the processor that it may take.
    """
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if seconds is not None:
                resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
            if quiet:
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, 1)
                os.dup2(nowhere, 2)
            status = work()
        finally:
            os._exit(status)
    _, ended = os.waitpid(child, 0)
    return os.WEXITSTATUS(ended) if os.WIFEXITED(ended) else 1


if __name__ == "__main__":
    sys.exit(main())
