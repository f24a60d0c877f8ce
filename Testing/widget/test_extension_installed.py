"""The module from the tree that CMake installs, in a process that knows nothing of this repository's source."""

import json
import os
import subprocess
import sys

import pytest
from tools.extension_package import ROOT, lay_out

SCRIPT = """
import sys
sys.path.insert(0, {tools!r})
import run_in_slicer
import SAMRegistrationLib
print("library:", SAMRegistrationLib.__file__)
print("status:", run_in_slicer.main({arguments!r}))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return lay_out(tmp_path_factory.mktemp("extension"))


def in_the_host(package, folder, *arguments):
    """What is said where the installed module is loaded and run_in_slicer.py is called with arguments."""
    script = folder / "script.py"
    script.write_text(SCRIPT.format(tools=str(ROOT / "Testing" / "tools"), arguments=list(arguments)), encoding="utf-8")
    command = [sys.executable, "-m", "Host", str(package.modules / "SAMRegistration.py"), "--exec", str(script)]
    done = subprocess.run(
        [*command, "--screenshot", str(folder / "window.png")],
        env={**os.environ, "PYTHONPATH": str(ROOT / "Testing" / "standin" / "src"), "QT_QPA_PLATFORM": "offscreen"},
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)
    assert told["library"] == str(package.modules / "SAMRegistrationLib" / "__init__.py")
    return told


@pytest.mark.slow
def test_the_installed_module_passes_its_own_test(package, tmp_path):
    told = in_the_host(package, tmp_path, "--report", str(tmp_path / "report.json"))
    assert told["status"] == "0", told
    tests = {
        entry["test"].split(".")[-1]: entry
        for entry in json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["tests"]
    }
    sample_pair = tests.pop("test_the_whole_way_on_the_sample_pair")
    assert sample_pair["outcome"] == "passed" or "cannot be downloaded" in sample_pair["why"]
    assert len(tests) == 3
    assert {entry["outcome"] for entry in tests.values()} == {"passed"}


def test_the_installed_panel_is_set_up_entered_and_left(package, tmp_path):
    told = in_the_host(package, tmp_path, "--load-only")
    assert told["status"] == "0", told
    assert told["SAMRegistration"] == "The panel was set up, entered and left."


def test_a_test_that_does_not_exist_is_named_with_those_that_do(package, tmp_path):
    told = in_the_host(package, tmp_path, "--test", "test_nothing")
    assert told["status"] == "2", told
    assert "There is no test test_nothing; there are test_cancel_in_the_middle" in told["SAMRegistration"]
