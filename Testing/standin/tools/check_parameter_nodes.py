"""Run 3D Slicer's own tests of parameterNodeWrapper against the stand-in's.

    PYTHONPATH=src python tools/check_parameter_nodes.py SLICER [--revision REVISION]

SLICER is a source tree of 3D Slicer or a Git directory of it. Where a test needs a name that the stand-in lacks, it is
skipped and the name is told. Exit status: 0 when the outcome is that of parameter_nodes.json beside this file, 1 when
it is another one (written by --record), 2 when the tests cannot be run.
"""

import argparse
import ast
import json
import subprocess
import sys
import types
import unittest
from pathlib import Path
from typing import Dict, List, Optional, Set

PACKAGE = "Base/Python/slicer/parameterNodeWrapper"
TESTS = [
    f"Base/Python/slicer/tests/test_slicer_parameter_node_wrapper{part}.py" for part in ("", "_guis", "_gui_creation")
]
EXPECTED = Path(__file__).with_name("parameter_nodes.json")


class CheckError(Exception):
    """The tests cannot be run; the text says why."""


class Source:
    """Files of 3D Slicer at one revision.

    Args:
        path: a source tree or a Git directory.
        revision: of the Git repository; HEAD where none is named. None with a source tree without Git.

    Raises:
        CheckError: there is no 3D Slicer in the folder.
    """

    def __init__(self, path: Path, revision: Optional[str] = None):
        self._path = path
        self._from_git = revision is not None or not (path / TESTS[0]).is_file()
        try:
            self.revision = self._git("rev-parse", revision or "HEAD").strip()
        except CheckError:
            if self._from_git:
                raise
            self.revision = "unknown"

    def read(self, name: str) -> str:
        """The text of a file."""
        if self._from_git:
            return self._git("show", f"{self.revision}:{name}")
        return (self._path / name).read_text(encoding="utf-8")

    def names(self, folder: str) -> List[str]:
        """The Python files of a folder."""
        if self._from_git:
            listed = self._git("ls-tree", "--name-only", self.revision, f"{folder}/").splitlines()
        else:
            listed = [f"{folder}/{path.name}" for path in (self._path / folder).iterdir()]
        return sorted(name for name in listed if name.endswith(".py"))

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(self._path), *arguments], capture_output=True, encoding="utf-8")
        if done.returncode != 0:
            raise CheckError(f"There is no 3D Slicer to read in {self._path}. {done.stderr.strip()}")
        return done.stdout


def public_names(source: Source) -> Set[str]:
    """What `from slicer.parameterNodeWrapper import *` gives in the application."""
    names = set()
    for file in source.names(PACKAGE):
        for node in ast.parse(source.read(file)).body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
                names.update(ast.literal_eval(node.value))
    return names


class Missing:
    """Stands for a class or decorator that the stand-in lacks: a test that calls it is skipped.

    Classes of the test file can be derived from it, and be decorated by a `Missing` of a decorator, without effect.
    """

    DECORATORS = ("parameterNodeSerializer", "parameterNodeGuiCreator")

    def __new__(cls, *arguments, **_options):
        if cls.__name__ in cls.DECORATORS and len(arguments) == 1:
            return arguments[0]
        raise unittest.SkipTest(next(base.__name__ for base in cls.__mro__ if Missing in base.__bases__))


class Outcome(unittest.TestResult):
    """Remembers how each test ended: "passed", "lacks NAME" or "failed: REASON"."""

    def __init__(self):
        super().__init__()
        self.ends: Dict[str, str] = {}

    def addSuccess(self, test):
        self.ends[test.id()] = "passed"

    def addSkip(self, test, reason):
        self.ends[test.id()] = f"lacks {reason}"

    def addFailure(self, test, error):
        text = str(error[1]).strip().splitlines() or [""]
        self.ends[test.id()] = f"failed: {error[0].__name__}: {text[0]}"

    addError = addFailure


def provide_imports(text: str) -> None:
    """Put what a test imports by name, and the stand-in lacks, into the module that it is imported from."""
    import slicer

    for node in ast.parse(text).body:
        if isinstance(node, ast.ImportFrom) and node.module in ("slicer", "MRMLCorePython"):
            module = sys.modules.setdefault(node.module, types.ModuleType(node.module))
            for name in (alias.name for alias in node.names):
                if not hasattr(module, name):
                    setattr(module, name, getattr(slicer, name, None) or type(name, (Missing,), {}))


def run(source: Source) -> Dict[str, str]:
    """How each test of 3D Slicer ends in the stand-in; the application must have been started."""
    from slicer import parameterNodeWrapper

    lacking = public_names(source) - set(parameterNodeWrapper.__all__)
    outcome = Outcome()
    for file in TESTS:
        provide_imports(source.read(file))
        module = types.ModuleType(Path(file).stem)
        vars(module).update({name: type(name, (Missing,), {}) for name in lacking})
        sys.modules[module.__name__] = module
        exec(compile(source.read(file), file, "exec"), vars(module))
        unittest.defaultTestLoader.loadTestsFromModule(module).run(outcome)
    return {name.rpartition(".")[2]: end for name, end in outcome.ends.items()}


def main(arguments=None) -> int:
    """Print the outcome and compare it with the expected one."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("slicer", metavar="SLICER", type=Path, help="source tree or Git directory of 3D Slicer")
    parser.add_argument("--revision", help="of the Git repository (default: HEAD)")
    parser.add_argument("--record", action="store_true", help="write the outcome as the expected one")
    options = parser.parse_args(arguments)
    import Host

    try:
        source = Source(options.slicer, options.revision)
        application = Host.start(testing=True)
    except (CheckError, Host.HostError) as error:
        print(f"check: {error}", file=sys.stderr)
        return 2
    try:
        ends = run(source)
    finally:
        application._shut_down()
    for name, end in sorted(ends.items()):
        print(f"{name:<60} {end}")
    kinds = {name: end.split(":")[0].split()[0] for name, end in sorted(ends.items())}
    passed, lacking, failed = (list(kinds.values()).count(kind) for kind in ("passed", "lacks", "failed"))
    print(f"3D Slicer {source.revision}: {passed} passed, {lacking} lack a name, {failed} failed")
    if options.record:
        EXPECTED.write_text(
            json.dumps({"revision": source.revision, "outcome": kinds}, indent=1) + "\n", encoding="utf-8"
        )
        return 0
    return report(json.loads(EXPECTED.read_text(encoding="utf-8"))["outcome"], kinds)


def report(expected: Dict[str, str], found: Dict[str, str]) -> int:
    """Print how the outcome differs from the expected one; 1 when it does."""
    different = [name for name in sorted({*expected, *found}) if expected.get(name) != found.get(name)]
    for name in different:
        print(f"{name}: expected {expected.get(name, 'no such test')}, found {found.get(name, 'no such test')}")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
