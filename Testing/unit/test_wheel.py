"""What is installed from a wheel is the whole library: scripts, weights, presets, page template and fonts."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("pyproject.toml", "README.md", "LICENSE.txt")
BUILD = "import sys; from setuptools import build_meta; print(getattr(build_meta, sys.argv[1])(sys.argv[2]))"


def build(kind, project, target):
    """Build a wheel or an sdist without any network; its path."""
    target.mkdir()
    command = [sys.executable, "-c", BUILD, f"build_{kind}", str(target)]
    done = subprocess.run(command, cwd=project, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return target / done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy, as building leaves folders behind."""
    folder = tmp_path_factory.mktemp("project") / "samregistration"
    junk = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
    shutil.copytree(ROOT / "SAMRegistration", folder / "SAMRegistration", ignore=junk)
    for name in SOURCES:
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def sdist(project, tmp_path_factory):
    return build("sdist", project, tmp_path_factory.mktemp("built") / "sdist")


@pytest.fixture(scope="module")
def wheel(project, tmp_path_factory):
    return build("wheel", project, tmp_path_factory.mktemp("built") / "wheel")


def library_files():
    folder = ROOT / "SAMRegistration"
    return {
        path.relative_to(folder).as_posix()
        for path in (folder / "SAMRegistrationLib").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def contents(wheel):
    return {name for name in zipfile.ZipFile(wheel).namelist() if not name.split("/")[0].endswith(".dist-info")}


def test_the_wheel_holds_every_file_of_the_library_and_nothing_else(wheel):
    assert contents(wheel) == library_files()
    kinds = {Path(name).suffix for name in contents(wheel)}
    assert {".safetensors", ".json", ".html", ".ttf"} <= kinds


def test_a_wheel_from_the_sdist_is_the_same_as_one_from_the_repository(sdist, wheel, tmp_path):
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path)
    (unpacked,) = tmp_path.iterdir()
    again = build("wheel", unpacked, tmp_path / "again")
    assert contents(again) == contents(wheel)
    for name in contents(wheel):
        assert zipfile.ZipFile(again).read(name) == zipfile.ZipFile(wheel).read(name), name


def test_the_wheel_asks_for_what_the_project_asks_for(wheel):
    archive = zipfile.ZipFile(wheel)
    (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    lines = archive.read(name).decode().splitlines()
    always = {
        line.split(": ")[1].split(">")[0] for line in lines if line.startswith("Requires-Dist") and ";" not in line
    }
    assert always == {"torch", "numpy", "SimpleITK", "safetensors", "packaging", "pydicom", "Pillow", "Jinja2"}
    assert "Requires-Python: >=3.9" in lines
