"""What stands in the way of the Makefile's environment is told in one sentence."""

import subprocess
import sys
from pathlib import Path

import pytest
from tools import set_up

SCRIPT = Path(set_up.__file__)


def test_an_old_python_is_told_which_one_is_needed():
    with pytest.raises(set_up.SetUpError, match=r"Python 3\.9\.18 is too old, 3\.10 is needed; name another with make"):
        set_up.require_python((3, 9, 18))
    set_up.require_python((3, 10, 0))


@pytest.mark.parametrize(
    ("printed", "sentence"),
    [
        (
            "WARNING: Retrying ... NewConnectionError('...')\nERROR: No matching distribution found",
            "connect this machine",
        ),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: first\nERROR: No matching distribution found for torch==9\n\nnotice", "for torch==9"),
        ("", "no reason was given"),
    ],
)
def test_a_failing_installation_gives_one_sentence(monkeypatch, printed, sentence):
    monkeypatch.setattr(set_up, "run", lambda command: subprocess.CompletedProcess(command, 1, printed))
    with pytest.raises(set_up.SetUpError, match=sentence) as caught:
        set_up.install("python", ["torch"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "printed", ["Error: ... ensurepip is not available.", "/usr/bin/python3: No module named venv"]
)
def test_a_python_without_venv_is_told_what_to_install(monkeypatch, printed, tmp_path):
    monkeypatch.setattr(set_up, "run", lambda command: subprocess.CompletedProcess(command, 1, printed))
    with pytest.raises(set_up.SetUpError, match="python3-venv"):
        set_up.make_environment(str(tmp_path / "venv"))


def test_a_folder_that_cannot_be_made_is_told_without_a_traceback(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path / "file")], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("setup: The virtual environment")
    assert len(done.stderr.splitlines()) == 1


def test_an_environment_without_pip_is_made_again_and_a_whole_one_is_kept(monkeypatch, tmp_path):
    commands = []

    def run(command):
        commands.append(command[1:3])
        return subprocess.CompletedProcess(command, 1 if len(commands) == 1 else 0, "")

    monkeypatch.setattr(set_up, "run", run)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text("", encoding="utf-8")
    (tmp_path / "pyvenv.cfg").write_text("", encoding="utf-8")
    (tmp_path / "Scripts").mkdir()
    (tmp_path / "Scripts" / "python").write_text("", encoding="utf-8")
    set_up.make_environment(str(tmp_path))
    assert commands == [["-c", "import pip"], ["-m", "venv"]]
    commands[:] = [None]
    set_up.make_environment(str(tmp_path))
    assert commands == [None, ["-c", "import pip"]]


def test_the_script_is_read_by_pythons_that_are_too_old():
    import ast

    ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 6))
