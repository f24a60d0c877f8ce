"""The workflows for continuous integration: of the right form, and calling targets and files that exist."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([\w-]+):(?!=)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
FILE = re.compile(r"(?<![\w/$])(?:Testing|Resources|\.ci)/[\w./-]+")
pytestmark = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)


def read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps_of(path):
    return [step for job in read(path)["jobs"].values() for step in job["steps"]]


def commands_of(path):
    return [step["run"] for step in steps_of(path) if "run" in step]


def test_it_says_when_it_runs_what_it_may_and_how_long(path):
    workflow = read(path)
    assert workflow["name"]
    assert workflow[True]  # YAML reads the key `on` as true
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["runs-on"]
        assert job["timeout-minutes"] <= 90


def test_every_step_either_uses_an_action_or_runs_a_command(path):
    for step in steps_of(path):
        assert ("uses" in step) != ("run" in step), step


def test_actions_are_pinned_to_a_major_version(path):
    for step in steps_of(path):
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@(v\d+|release/v\d+)", step["uses"]), step["uses"]


def test_every_make_target_exists(path):
    for command in commands_of(path):
        for target in re.findall(r"\bmake (?!-)([\w-]+)", command):
            assert target in TARGETS, f"{target} in: {command}"


def test_every_file_that_is_named_exists(path):
    for command in commands_of(path):
        for name in FILE.findall(command):
            assert (ROOT / name).exists(), name


def test_every_value_of_the_matrix_that_is_used_is_defined(path):
    text = path.read_text(encoding="utf-8")
    for job in read(path)["jobs"].values():
        matrix = job.get("strategy", {}).get("matrix", {})
        defined = {*matrix, *(key for entry in matrix.get("include", []) for key in entry)}
        used = set(re.findall(r"\$\{\{ matrix\.(\w+)", yaml.safe_dump(job)))
        assert used <= defined, text
