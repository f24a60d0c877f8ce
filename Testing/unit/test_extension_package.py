"""The extension configured and installed by CMake: every file once, none missing, none dead."""

import shutil
import subprocess
from collections import Counter

import pytest
from tools.extension_package import ROOT, lay_out

LEFT_OUT = ("__pycache__", "CMakeLists.txt", ".DS_Store")


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return lay_out(tmp_path_factory.mktemp("extension"))


def files_of(folder):
    """Paths of the files below a folder, without what Python or pip leave there."""
    paths = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return {
        path.as_posix()
        for path in paths
        if not set(LEFT_OUT) & set(path.parts) and not any(part.endswith(".egg-info") for part in path.parts)
    }


@pytest.fixture
def copy_of_the_extension(tmp_path):
    """A copy of what CMake reads, to be damaged."""
    copy = tmp_path / "source"
    shutil.copytree(ROOT / "SAMRegistration", copy / "SAMRegistration", ignore=shutil.ignore_patterns("*.safetensors"))
    for name in ("CMakeLists.txt", "SAMRegistration/CMakeLists.txt"):
        text = (ROOT / name).read_text(encoding="utf-8")
        lines = [line for line in text.splitlines(True) if not line.strip().endswith(".safetensors")]
        (copy / name).write_text("".join(lines), encoding="utf-8")
    return copy


def test_every_file_of_the_module_is_listed_exactly_once(package):
    repeated = [name for name, count in Counter(package.listed).items() if count > 1]
    assert repeated == []
    assert set(package.listed) == files_of(ROOT / "SAMRegistration")


def test_every_file_of_the_module_is_installed_as_it_is_and_nothing_else(package):
    assert files_of(package.modules) == files_of(ROOT / "SAMRegistration")
    for name in package.listed:
        assert (package.modules / name).read_bytes() == (ROOT / "SAMRegistration" / name).read_bytes(), name


def test_the_module_file_alone_is_taken_for_a_module(package):
    """Slicer loads every .py beside the module file as a module of its own."""
    assert [path.name for path in package.modules.glob("*.py")] == ["SAMRegistration.py"]


def test_the_tests_are_those_of_the_module_and_the_generic_ones(package):
    assert sorted(package.tests) == ["py_SAMRegistration", "py_nomainwindow_qSlicerSAMRegistrationModuleGenericTest"]


def test_a_package_without_testing_has_the_same_files_and_no_tests(package, tmp_path):
    without = lay_out(tmp_path, testing=False)
    assert without.tests == []
    assert without.listed == package.listed


def test_a_listed_file_that_is_gone_stops_the_configuration(copy_of_the_extension, tmp_path):
    (copy_of_the_extension / "SAMRegistration" / "SAMRegistrationLib" / "errors.py").unlink()
    with pytest.raises(subprocess.CalledProcessError) as refused:
        lay_out(tmp_path / "out", source=copy_of_the_extension)
    assert "SAMRegistrationLib/errors.py" in refused.value.stderr


def test_a_file_that_is_not_listed_is_missing_in_the_package(copy_of_the_extension, tmp_path):
    (copy_of_the_extension / "SAMRegistration" / "SAMRegistrationLib" / "new.py").write_text("", encoding="utf-8")
    package = lay_out(tmp_path / "out", source=copy_of_the_extension)
    assert files_of(copy_of_the_extension / "SAMRegistration") - files_of(package.modules) == {
        "SAMRegistrationLib/new.py"
    }
