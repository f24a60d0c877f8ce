"""The check against 3D Slicer's own tests: it runs what a source tree holds, and tells what differs."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import Host
import pytest

TOOL = Path(__file__).resolve().parents[1] / "tools" / "check_parameter_nodes.py"
TEST = """
import unittest
from slicer.parameterNodeWrapper import *


@parameterNodeSerializer
class OwnSerializer(Serializer):
    pass


class SomeTest(unittest.TestCase):
    def test_equal(self):
        self.assertEqual(Default(1), Default(1))

    def test_absent(self):
        Serializer()

    def test_wrong(self):
        self.assertEqual(1, 2)
"""


@pytest.fixture
def tool():
    specification = importlib.util.spec_from_file_location("check_parameter_nodes", TOOL)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def source(tool, tmp_path):
    """A source tree with three tests: one that passes, one of a name that is absent, one that fails."""
    for name, text in {
        f"{tool.PACKAGE}/serializers.py": '__all__ = ["Serializer", "parameterNodeSerializer"]\n',
        **dict.fromkeys(tool.TESTS, ""),
        tool.TESTS[0]: TEST,
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_each_test_of_a_source_tree_is_told_with_its_outcome(source):
    path = {"PYTHONPATH": str(Path(Host.__file__).parents[1]), "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, str(TOOL), str(source)]
    done = subprocess.run(command, env={**os.environ, **path}, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 1, done.stderr
    outcome = dict(
        line.split(None, 1) for line in done.stdout.splitlines() if line.startswith("test_") and ": " not in line
    )
    assert outcome == {"test_equal": "passed", "test_absent": "lacks Serializer"}
    assert "1 passed, 1 lack a name, 1 failed" in done.stdout
    assert "test_equal: expected no such test, found passed" in done.stdout


def test_a_folder_without_3d_slicer_is_refused(tool, tmp_path):
    with pytest.raises(tool.CheckError, match="There is no 3D Slicer"):
        tool.Source(tmp_path)


def test_the_expected_outcome_names_its_revision_and_what_is_told_in_the_readme(tool):
    expected = json.loads(tool.EXPECTED.read_text(encoding="utf-8"))
    kinds = list(expected["outcome"].values())
    readme = (TOOL.parents[1] / "README.md").read_text(encoding="utf-8")
    assert expected["revision"] in readme
    assert f"Of the {len(kinds)} tests {kinds.count('passed')} pass." in readme
