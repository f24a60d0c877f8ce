"""The check of installations: what it hands on and what counts as a failure; nothing is installed here."""

import os
import sys

import pytest
from tools import check_install


@pytest.fixture
def nothing_installed(monkeypatch, tmp_path):
    """Wheels and parts are not built; returns the parts that were asked for and how each of them ends."""
    asked, ends = [], {}
    monkeypatch.setattr(check_install, "build", lambda interpreter, work: tmp_path / "a.whl")

    def check_part(part, version, interpreter, wheel, folder):
        asked.append((version, part))
        if part in ends:
            raise check_install.CheckError(ends[part])

    monkeypatch.setattr(check_install, "check_part", check_part)
    monkeypatch.setattr(check_install, "find_python", lambda version: None if version == "3.8" else tmp_path / version)
    return asked, ends


def test_every_part_is_checked_with_its_pythons(nothing_installed, capsys):
    assert check_install.main([]) == 0
    parts = {part for _, part in nothing_installed[0]}
    assert parts == set(check_install.PARTS)
    assert {version for version, part in nothing_installed[0] if part == "library"} == {"3.9", "3.11", "3.13"}
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["test", "-", "0", "s", "-"] in rows


def test_a_python_that_is_not_there_is_told_and_fails_unless_it_may_be_left_out(nothing_installed, capsys):
    assert check_install.main(["--python", "3.8"]) == 1
    assert "Python 3.8 is not on this machine" in capsys.readouterr().out
    assert check_install.main(["--python", "3.8", "--skip-missing"]) == 0
    assert nothing_installed[0] == []


def test_a_part_that_fails_is_told_and_the_others_are_still_checked(nothing_installed, capsys):
    asked, ends = nothing_installed
    ends["library"] = "sam-registration ended with 1: no module named PIL"
    assert check_install.main(["--python", "3.11"]) == 1
    printed = capsys.readouterr().out
    assert "no module named PIL" in printed
    assert [part for _, part in asked] == list(check_install.WANTED["3.11"])


def test_what_runs_there_inherits_only_where_packages_come_from(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("SAMREGISTRATION_WEIGHTS", "/somewhere")
    monkeypatch.setenv("PIP_INDEX_URL", "file:///packages")
    monkeypatch.setattr(check_install.Place, "run", lambda self, *command: "")
    place = check_install.new_place("python", tmp_path / "place")
    assert "PYTHONPATH" not in place.environment
    assert "SAMREGISTRATION_WEIGHTS" not in place.environment
    assert place.environment["PIP_INDEX_URL"] == "file:///packages"
    assert place.environment["HOME"] == str(tmp_path / "place" / "home")
    assert list(place.folder.iterdir()) == []
    assert check_install.ROOT not in place.folder.parents


def test_a_failing_command_tells_its_last_lines(tmp_path):
    place = check_install.Place(check_install.Path(sys.executable), tmp_path, dict(os.environ))
    with pytest.raises(check_install.CheckError, match="ended with 3:\nthe reason"):
        place.run("python", "-c", "print('the reason'); raise SystemExit(3)")
