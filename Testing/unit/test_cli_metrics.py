"""The metrics command as a user or program calls it."""

import json
import re
import sys

import numpy as np
import pytest
import SimpleITK as sitk
from SAMRegistrationLib.cli import main as cli


@pytest.fixture
def command(monkeypatch):
    """Run ``sam-registration metrics`` and return its exit code."""
    monkeypatch.setattr(sys.modules["SAMRegistrationLib.cli.main"], "COMMANDS", ("metrics",))
    return lambda *arguments: cli(["metrics", *map(str, arguments)])


@pytest.fixture
def a_pair(tmp_path):
    """A box, the same box moved by (4, 0, 0) mm, the transform between them, and landmarks moved along."""
    moving = np.zeros((12, 16, 20), np.uint8)
    moving[4:8, 5:11, 8:14] = 3
    fixed = np.roll(moving, -2, axis=2)
    for name, array in (("fixed", fixed), ("moving", moving)):
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((2.0, 1.5, 4.0))
        sitk.WriteImage(image, str(tmp_path / f"{name}.nii.gz"))
    sitk.WriteTransform(sitk.TranslationTransform(3, (4.0, 0.0, 0.0)), str(tmp_path / "t.h5"))
    (tmp_path / "fixed.csv").write_text("x,y,z\n1,2,3\n5,6,7\n", encoding="utf-8")
    (tmp_path / "moving.csv").write_text("x,y,z\n5,2,3\n9,6,10\n", encoding="utf-8")
    return tmp_path


def label_options(folder):
    return "--fixed-labels", folder / "fixed.nii.gz", "--moving-labels", folder / "moving.nii.gz"


def landmark_options(folder):
    return "--fixed-landmarks", folder / "fixed.csv", "--moving-landmarks", folder / "moving.csv"


def test_json_holds_structures_landmarks_and_deformation(command, a_pair, capsys):
    arguments = (*label_options(a_pair), *landmark_options(a_pair), "--transform", a_pair / "t.h5", "--json")
    assert command(*arguments) == 0
    result = json.loads(capsys.readouterr().out)
    assert [(s["label"], s["dice"], s["hd95_mm"]) for s in result["structures"]] == [(3, 1.0, 0.0)]
    assert result["landmarks"]["errors_mm"] == pytest.approx([0.0, 3.0])
    assert result["deformation"]["folded_voxels"] == 0
    assert result["deformation"]["largest_jacobian"] == pytest.approx(1.0)


def test_without_a_transform_images_are_compared_where_they_are(command, a_pair, capsys):
    assert command(*label_options(a_pair), "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["structures"][0]["dice"] == pytest.approx(4 / 6)
    assert result["structures"][0]["hd95_mm"] == pytest.approx(4.0)
    assert "deformation" not in result


def test_people_get_a_table(command, a_pair, capsys):
    arguments = (*label_options(a_pair), *landmark_options(a_pair), "--transform", a_pair / "t.h5")
    assert command(*arguments) == 0
    out = capsys.readouterr().out
    assert "Dice" in out
    assert "mean" in out
    assert "TRE of 2 landmarks: mean 1.50 mm, largest 3.00 mm" in out
    assert "folded voxels 0" in out


def test_quiet_prints_nothing(command, a_pair, capsys):
    assert command(*label_options(a_pair), "--quiet") == 0
    assert capsys.readouterr().out == ""


def write_image(path, array):
    sitk.WriteImage(sitk.GetImageFromArray(array), str(path))
    return path


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (lambda d: (), "Nothing to measure"),
        (lambda d: label_options(d)[:2], "labels of both images"),
        (lambda d: landmark_options(d)[:2], "landmarks of both images"),
        (lambda d: ("--fixed-labels", d / "no.nrrd", "--moving-labels", d / "moving.nii.gz"), "no file"),
        (lambda d: (*label_options(d), "--transform", d / "fixed.csv"), "cannot be read as a transform"),
        (lambda d: _empty(d), "holds no label"),
        (lambda d: _fractions(d), "fractions"),
        (lambda d: _flat(d), "not a 3D volume"),
    ],
)
def test_unusable_input_gets_one_sentence_and_exit_code_2(command, a_pair, capsys, arguments, sentence):
    assert command(*arguments(a_pair)) == 2
    error = capsys.readouterr().err
    assert error.startswith("sam-registration: ")
    assert len(error.strip().splitlines()) == 1
    assert re.search(sentence, error)


def _labels(folder, array):
    path = write_image(folder / "odd.nrrd", array)
    return "--fixed-labels", path, "--moving-labels", path


def _empty(folder):
    return _labels(folder, np.zeros((4, 5, 6), np.uint8))


def _fractions(folder):
    return _labels(folder, np.full((4, 5, 6), 0.5, np.float32))


def _flat(folder):
    return _labels(folder, np.ones((5, 6), np.uint8))
