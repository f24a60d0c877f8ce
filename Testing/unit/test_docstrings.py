"""The examples in the library's docstrings and in the README are run, and give what they show."""

import doctest
import importlib
import re
from pathlib import Path

import pytest
import SimpleITK as sitk

LIBRARY = Path(__file__).resolve().parents[2] / "SAMRegistration" / "SAMRegistrationLib"
OF_THE_APPLICATION = {"logic", "scene", "widget", "testing"}  # their examples need a scene: Testing/widget


def modules_with_examples():
    for path in sorted(LIBRARY.rglob("*.py")):
        parts = path.relative_to(LIBRARY.parent).with_suffix("").parts
        if parts[1] not in OF_THE_APPLICATION and ">>>" in path.read_text(encoding="utf-8"):
            yield ".".join(part for part in parts if part != "__init__")


@pytest.mark.parametrize("name", list(modules_with_examples()))
def test_the_examples_in_the_docstrings_give_what_they_show(name):
    results = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert results.attempted > 0
    assert results.failed == 0


def test_no_example_is_skipped():
    skipped = [name for name in modules_with_examples() if "+SKIP" in source_of(name)]
    assert skipped == []


def source_of(name):
    path = LIBRARY.parent.joinpath(*name.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return path.read_text(encoding="utf-8")


def test_the_python_of_the_readme_registers_two_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, x in (("fixed", 14.0), ("moving", 17.0)):
        image = sitk.GaussianSource(size=[32] * 3, sigma=[6] * 3, mean=[x, 16.0, 16.0])
        sitk.WriteImage(image, f"{name}.nii.gz")
    readme = (LIBRARY.parents[1] / "README.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    exec(compile(program, "README.md", "exec"), {})
    mapped = sitk.ReadTransform("result/transform.h5").TransformPoint((14.0, 16.0, 16.0))
    assert mapped == pytest.approx((17.0, 16.0, 16.0), abs=0.5)
    assert sitk.ReadImage("warped.nii.gz").GetSize() == (32, 32, 32)
