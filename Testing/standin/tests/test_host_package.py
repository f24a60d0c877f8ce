"""What is installed of this package is all of it."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
JUNK = shutil.ignore_patterns("__pycache__", "*.egg-info", "build", "tests", "tools")
BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"


def test_the_wheel_holds_every_file_of_the_sources_and_nothing_else(tmp_path):
    project = shutil.copytree(PACKAGE, tmp_path / "project", ignore=JUNK)
    command = [sys.executable, "-c", BUILD, str(tmp_path)]
    done = subprocess.run(command, cwd=project, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    names = zipfile.ZipFile(tmp_path / done.stdout.splitlines()[-1]).namelist()
    there = {path.relative_to(PACKAGE / "src").as_posix() for path in (PACKAGE / "src").rglob("*") if path.is_file()}
    assert {name for name in names if ".dist-info/" not in name} == {
        name for name in there if "__pycache__" not in name and ".egg-info/" not in name
    }
    assert {"Host/record/members-5.13.json", "Host/record/headers-5.13.json"} <= set(names)
