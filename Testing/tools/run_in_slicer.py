"""Run the self-test of the module inside 3D Slicer and end with an exit status.

    Slicer --testing --no-splash --python-script Testing/tools/run_in_slicer.py [options]
    Slicer --testing --no-splash --no-main-window --python-script Testing/tools/run_in_slicer.py --load-only

Exit status: 0 when a test passed and none failed, 1 when a test failed, 2 when nothing could be tested. Without the
option --install-dependencies nothing is installed.
"""

import argparse
import importlib
import json
import platform
import sys
import time
import traceback
import unittest
from pathlib import Path

MODULE = "SAMRegistration"
MODULE_FILE = Path(__file__).resolve().parents[2] / MODULE / f"{MODULE}.py"
PASSED, FAILED, NOT_TESTED = 0, 1, 2


class CannotTest(Exception):
    """Nothing can be tested; the text says why and what to do."""


class TimedResult(unittest.TextTestResult):
    """Remembers the outcome and the seconds of every test."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.outcomes = []

    def startTest(self, test):
        self._began = time.monotonic()
        super().startTest(test)

    def _remember(self, test, outcome, why=""):
        seconds = round(time.monotonic() - self._began, 1)
        self.outcomes.append({"test": test.id(), "outcome": outcome, "seconds": seconds, "why": why})

    def addSuccess(self, test):
        super().addSuccess(test)
        self._remember(test, "passed")

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self._remember(test, "failed", str(error[1]))

    def addError(self, test, error):
        super().addError(test, error)
        self._remember(test, "failed", f"{error[0].__name__}: {error[1]}")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._remember(test, "skipped", reason)


def parse(arguments):
    """The options; what Slicer itself understands does not reach this script.

    Args:
        arguments: those of the script, without its name.
    """
    parser = argparse.ArgumentParser(prog="run_in_slicer.py", description=__doc__.split("\n", 1)[0], allow_abbrev=False)
    parser.add_argument(
        "--install-dependencies",
        action="store_true",
        help="install the extension PyTorch and the missing Python packages into this Slicer first",
    )
    parser.add_argument("--load-only", action="store_true", help="load and show the panel; needs no main window")
    parser.add_argument("--test", metavar="NAME", action="append", help="run this test only (repeat for more)")
    parser.add_argument("--report", metavar="FILE", type=Path, help="write outcomes and versions as JSON")
    return parser.parse_args([argument for argument in arguments if argument != "--"])


def selected(case, names=None):
    """A suite of the tests of a unittest.TestCase class, all of them or those named.

    Raises:
        CannotTest: the class has no test of that name.
    """
    there = unittest.TestLoader().getTestCaseNames(case)
    unknown = [name for name in names or () if name not in there]
    if unknown:
        raise CannotTest(f"There is no test {unknown[0]}; there are {', '.join(there)}.")
    return unittest.TestSuite(case(name) for name in names or there)


def verdict(outcomes):
    """Exit status and sentence for a list of outcomes: a run in which nothing passed is no success."""
    count = {kind: sum(entry["outcome"] == kind for entry in outcomes) for kind in ("passed", "failed", "skipped")}
    sentence = "{passed} passed, {failed} failed, {skipped} skipped.".format(**count)
    if count["failed"]:
        return FAILED, sentence
    if not count["passed"]:
        reasons = sorted({entry["why"] for entry in outcomes})
        return NOT_TESTED, f"Nothing was tested: {' '.join(reasons) or 'there are no tests.'}"
    return PASSED, sentence


def load_module():
    """Load the module of this repository where the application has not found it by itself.

    Raises:
        CannotTest: the module file cannot be loaded.
    """
    import slicer

    if hasattr(slicer.modules, MODULE.lower()):
        return
    import qt

    factory = slicer.app.moduleManager().factoryManager()
    factory.registerModule(qt.QFileInfo(str(MODULE_FILE)))
    if not factory.isRegistered(MODULE) or not factory.loadModules([MODULE]):
        raise CannotTest(f"The module {MODULE_FILE} cannot be loaded; the messages above say why.")


def install_dependencies():
    """Install the extension PyTorch where it is missing, then the missing packages as the module's button does."""
    import slicer

    logic = getattr(importlib.import_module(MODULE), f"{MODULE}Logic")()
    missing = logic.missingPackages()
    print(f"Missing packages: {', '.join(missing) or 'none'}.")
    if "torch" in missing and not hasattr(slicer.modules, "pytorchutils"):
        extensions = slicer.app.extensionsManagerModel()
        extensions.interactive = False
        if not extensions.installExtensionFromServer("PyTorch", False):
            raise CannotTest("The extension PyTorch cannot be installed; the messages above say why.")
        sys.path.extend(extensions.extensionModulePaths("PyTorch"))  # until the next start of the application
    logic.installPackages()


def show_panel():
    """Set the panel up, enter and leave the module."""
    import slicer

    panel = getattr(slicer.modules, MODULE.lower()).widgetRepresentation().self()
    panel.enter()
    slicer.app.processEvents()
    panel.exit()


def run_self_test(names):
    """Run the module's test class; the outcomes of its tests.

    Raises:
        CannotTest: the application has no views.
    """
    import slicer

    if slicer.app.layoutManager() is None:
        raise CannotTest("The self-test clicks in slice views: start Slicer with its main window, or use --load-only.")
    suite = selected(getattr(importlib.import_module(MODULE), f"{MODULE}Test"), names)
    runner = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=TimedResult)
    return runner.run(suite).outcomes


def versions():
    """What the outcomes depend on."""
    import slicer

    logic = getattr(importlib.import_module(MODULE), f"{MODULE}Logic")()
    application = f"{slicer.app.mainApplicationName} {slicer.app.applicationVersion}"
    packages = {package.name: package.version for package in logic.packages()}
    return {"application": application, "python": platform.python_version(), **packages}


def run(options):
    """Do what the options say; exit status and sentence."""
    load_module()
    if options.install_dependencies:
        install_dependencies()
    if options.load_only:
        show_panel()
        return PASSED, "The panel was set up, entered and left."
    outcomes = run_self_test(options.test)
    if options.report is not None:
        report = {"versions": versions(), "tests": outcomes}
        options.report.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return verdict(outcomes)


def main(arguments):
    """Run and say how it went; the exit status."""
    try:
        status, sentence = run(parse(arguments))
    except CannotTest as reason:
        status, sentence = NOT_TESTED, str(reason)
    except SystemExit as end:  # the options
        return end.code
    except Exception:  # noqa: BLE001  (Slicer would go on and wait for somebody to close it)
        traceback.print_exc(file=sys.stdout)
        status, sentence = FAILED, "The run was ended by an error."
    print(f"{MODULE}: {sentence}", flush=True)
    return status


if __name__ == "__main__":
    import slicer

    slicer.util.exit(main(sys.argv[1:]))
