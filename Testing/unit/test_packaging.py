"""What makes the tree a Slicer extension: the CMake lists, the icon and the pictures."""

import re
from pathlib import Path

import pytest
import SimpleITK as sitk
from tools import cmake_lists

ROOT = Path(__file__).resolve().parents[2]
TOP = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
MODULE = (ROOT / "SAMRegistration" / "CMakeLists.txt").read_text(encoding="utf-8")


def metadata(name):
    return re.search(rf'set\(EXTENSION_{name} "([^"]*)"\)', TOP).group(1)


@pytest.mark.parametrize("name", ["MODULE_PYTHON_SCRIPTS", "MODULE_PYTHON_RESOURCES"])
def test_cmake_lists_every_file_of_the_module_and_nothing_else(name):
    there = sorted(cmake_lists.files_of(ROOT / "SAMRegistration")[name])
    assert sorted(cmake_lists.listed_in(MODULE, name)) == there, "run `make cmake-lists`"


def test_the_list_writer_picks_up_new_files_and_drops_deleted_ones(tmp_path):
    for name in ("Module.py", "Lib/deep/part.py", "Resources/UI/a.ui", "Lib/__pycache__/part.cpython-311.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")
    (tmp_path / "CMakeLists.txt").write_text("", encoding="utf-8")
    old = "set(MODULE_PYTHON_SCRIPTS\n  gone.py\n  )\n\nset(MODULE_PYTHON_RESOURCES\n  )\nrest()\n"
    new = cmake_lists.with_lists(old, cmake_lists.files_of(tmp_path))
    assert new == (
        "set(MODULE_PYTHON_SCRIPTS\n  Lib/deep/part.py\n  Module.py\n  )\n\n"
        "set(MODULE_PYTHON_RESOURCES\n  Resources/UI/a.ui\n  )\nrest()\n"
    )
    assert cmake_lists.with_lists(new, cmake_lists.files_of(tmp_path)) == new


def test_pictures_named_in_the_metadata_are_in_the_repository():
    for url in [metadata("ICONURL"), *metadata("SCREENSHOTURLS").split()]:
        path = url.split("/main/", 1)[1]
        assert (ROOT / path).is_file(), path


@pytest.mark.parametrize("path", ["SAMRegistration.png", "SAMRegistration/Resources/Icons/SAMRegistration.png"])
def test_the_icon_has_the_size_that_slicer_asks_for(path):
    icon = sitk.ReadImage(str(ROOT / path))
    assert icon.GetSize() == (128, 128)
    assert icon.GetNumberOfComponentsPerPixel() == 4


def test_no_file_is_near_the_limit_of_the_index():
    sizes = {path: path.stat().st_size for path in (ROOT / "SAMRegistration").rglob("*") if path.is_file()}
    assert sum(sizes.values()) < 90e6
