"""The tool that puts faults into the code and sees whether tests notice them."""

import ast
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
import mutation
from mutants import mutants_of

SOURCE = '''"""Text 1."""
LIMIT = 3


def clipped(value: int, names=("a", 2)) -> float:
    """Not 5."""
    if value > LIMIT and not names:
        raise ValueError(f"{value} > 7")
    total = -value
    total += 2.5 * value
    names.sort()
    return total if value in names else True
'''
CHANGES = {
    "3 -> 4",
    "2 -> 3",
    "value > LIMIT and (not names) -> not (value > LIMIT and (not names))",
    "value > LIMIT and (not names) -> value > LIMIT or not names",
    "value > LIMIT -> value >= LIMIT",
    "not names -> names",
    "-value -> value",
    "total += 2.5 * value -> total -= 2.5 * value",
    "2.5 * value -> 2.5 / value",
    "2.5 -> 5.0",
    "names.sort() -> pass",
    "total if value in names else True -> total if not value in names else True",
    "value in names -> value not in names",
    "True -> False",
}
needs_forks = pytest.mark.skipif(sys.platform == "win32", reason="needs forks of a process")


def test_faults_are_put_in_one_at_a_time_and_not_into_texts_and_errors():
    found = mutants_of(SOURCE)
    assert {mutant.change for mutant in found} == CHANGES
    usual = ast.unparse(ast.parse(SOURCE)).splitlines()
    for mutant in found:
        changed = ast.unparse(mutant.tree()).splitlines()
        assert sum(a != b for a, b in zip(usual, changed)) == 1, mutant.change
        assert len(usual) == len(changed)


def test_the_choice_is_the_same_for_a_seed_and_takes_of_every_file(tmp_path):
    for name in ("one.py", "two.py", "three.py"):
        (tmp_path / name).write_text(SOURCE, encoding="utf-8")
    files = sorted(tmp_path.glob("*.py"))
    chosen = mutation.chosen(files, 9, 0)
    assert chosen == mutation.chosen(files, 9, 0) != mutation.chosen(files, 9, 1)
    assert [sum(path == file for path, _ in chosen) for file in files] == [3, 3, 3]
    assert len(mutation.chosen(files, 1000, 0)) == 3 * len(CHANGES)


@needs_forks
@pytest.mark.parametrize(
    ("test", "noticed"),
    [("assert double(2) == 4", True), ("assert double(2) > 0", False), ("while double(2) != 4: pass", True)],
)
def test_a_fault_is_noticed_where_a_test_fails_or_does_not_end(test, noticed, tmp_path, monkeypatch):
    library = tmp_path / "Library"
    library.mkdir()
    (library / "__init__.py").touch()
    (library / "part.py").write_text("def double(x):\n    return 2 * x\n\n\ndef other(x):\n    return x + 1\n", "utf-8")
    (tmp_path / "test_it.py").write_text(f"from Library.part import double\n\n\ndef test_it():\n    {test}\n", "utf-8")
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {tmp_path}\n", "utf-8")
    for name, value in (("LIBRARY", library), ("ROOT", tmp_path), ("LEAST_SECONDS", 2)):
        monkeypatch.setattr(mutation, name, value)
    monkeypatch.setattr(mutation, "_ARGUMENTS", ("-q", "-x", "-p", "no:cacheprovider", f"--rootdir={tmp_path}"))
    lines = mutation.lines_of([library / "part.py"], [str(tmp_path / "test_it.py")])
    mutants = {mutant.change: mutant for mutant in mutants_of((library / "part.py").read_text("utf-8"))}
    assert mutation.is_noticed(library / "part.py", mutants["2 -> 3"], lines) == noticed
    assert not mutation.is_noticed(library / "part.py", mutants["x + 1 -> x - 1"], lines)
