"""The table of what the tests cover, and its floor."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
import coverage_floor

SETTINGS = "[tool.coverage.report]\nprecision = 1\nfail_under = 80.0\n"


def numbers(statements, lines, branches, taken):
    return {
        "num_statements": statements,
        "covered_lines": lines,
        "num_branches": branches,
        "covered_branches": taken,
    }


def report(lines, taken):
    files = {f"file{number:02}.py": {"summary": numbers(50, 20 + number, 10, 5)} for number in range(15)}
    files["tiny.py"] = {"summary": numbers(19, 0, 0, 0)}
    return {"totals": numbers(900, lines, 100, taken), "files": files}


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """A pyproject.toml with a floor of 80 that is the one of the last commits too, and no arguments."""
    path = tmp_path / "pyproject.toml"
    path.write_text(SETTINGS, encoding="utf-8")
    monkeypatch.setattr(coverage_floor, "SETTINGS", path)
    monkeypatch.setattr(coverage_floor, "committed_floors", lambda: [79.5, 80.0])
    monkeypatch.setattr(sys, "argv", ["coverage_floor.py"])
    return path


def test_statements_branches_and_the_ten_least_covered_files_are_told():
    lines = coverage_floor.table(report(800, 40), 80.0)
    assert lines[0] == "statements: 800 of 900, 88.9 %"
    assert lines[1] == "branches:   40 of 100, 40.0 %"
    assert lines[2] == "together:   84.0 %, floor 80.0 %"
    assert [line.split()[-1] for line in lines if line.endswith(".py")] == [f"file{n:02}.py" for n in range(10)]
    assert lines[4] == "   41.7 %  file00.py"
    assert lines[-1].startswith("The floor can be raised to 83.0")


@pytest.mark.parametrize(("lines", "status"), [(800, 0), (760, 0), (759, 1)])
def test_less_than_the_floor_fails(lines, status, settings, monkeypatch, capsys):
    monkeypatch.setattr(coverage_floor, "measured", lambda: report(lines, 40))
    assert coverage_floor.main() == status
    assert ("Less is covered" in capsys.readouterr().out) == bool(status)


def test_a_floor_that_was_lowered_fails(settings, monkeypatch, capsys):
    monkeypatch.setattr(coverage_floor, "measured", lambda: report(800, 40))
    settings.write_text(SETTINGS.replace("80.0", "79.9"), encoding="utf-8")
    assert coverage_floor.main() == 1
    assert "was 80.0" in capsys.readouterr().out


@pytest.mark.parametrize(("lines", "floor"), [(800, "83.0"), (770, "80.0"), (700, "80.0")])
def test_the_floor_is_raised_and_never_lowered(lines, floor, settings, monkeypatch):
    monkeypatch.setattr(coverage_floor, "measured", lambda: report(lines, 40))
    monkeypatch.setattr(sys, "argv", ["coverage_floor.py", "--raise"])
    coverage_floor.main()
    assert settings.read_text(encoding="utf-8") == SETTINGS.replace("80.0", floor)


def test_the_project_has_a_floor():
    assert coverage_floor.floor_of(coverage_floor.SETTINGS.read_text(encoding="utf-8")) > 0
    with pytest.raises(SystemExit, match="fail_under"):
        coverage_floor.floor_of("[tool.coverage.report]\n")
