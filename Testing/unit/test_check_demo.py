"""The check of what `make demo` left finds what is missing, blank or wrong."""

import json

import numpy as np
import pytest
import SimpleITK as sitk
from tools import check_demo

NOISE = np.random.default_rng(0)


def write_picture(path, blank=False):
    pixels = np.zeros((60, 80, 3)) if blank else NOISE.integers(0, 256, (60, 80, 3))
    sitk.WriteImage(sitk.GetImageFromArray(pixels.astype(np.uint8), isVector=True), str(path))


def write_measures(path, before, after):
    sides = {"before": {"structures": [{"dice": before}]}, "after": {"structures": [{"dice": after}]}}
    sides["after"]["deformation"] = {"folded_voxels": 0}
    path.write_text(json.dumps(sides), encoding="utf-8")


def write_shift(path, shift):
    sitk.WriteTransform(sitk.TranslationTransform(3, (shift, 0.0, 0.0)), str(path))


@pytest.fixture
def left(tmp_path):
    (tmp_path / "report.html").write_text("data:image/png;base64," * 8 + "</html>", encoding="utf-8")
    for name in ("report.png", "module.png"):
        write_picture(tmp_path / name)
    for name, shift in (("transform.h5", 3.0), ("inverse.h5", -3.0)):
        write_shift(tmp_path / name, shift)
    for name in check_demo.VOLUMES:
        sitk.WriteImage(sitk.GetImageFromArray(NOISE.integers(0, 9, (5, 6, 7)).astype(np.uint8)), str(tmp_path / name))
    write_measures(tmp_path / "metrics.json", 0.6, 0.8)
    return tmp_path


def test_a_whole_result_passes(left):
    assert any("mean Dice 0.600 before, 0.800 after" in line for line in check_demo.check(left))


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda folder: (folder / "report.html").unlink(), "report.html is missing"),
        (lambda folder: (folder / "report.html").write_text("{{ title }}", encoding="utf-8"), "not a whole report"),
        (lambda folder: write_picture(folder / "module.png", blank=True), "module.png is blank"),
        (lambda folder: (folder / "module.png").unlink(), "module.png is missing"),
        (lambda folder: write_shift(folder / "inverse.h5", 3.0), "no inverses"),
        (lambda folder: [write_shift(folder / name, 0.0) for name in check_demo.TRANSFORMS], "do nothing"),
        (lambda folder: write_measures(folder / "metrics.json", 0.8, 0.8), "not better"),
        (lambda folder: (folder / "warped.nii.gz").write_bytes(b""), "missing or empty"),
    ],
)
def test_what_is_missing_blank_or_wrong_is_found(left, spoil, sentence):
    spoil(left)
    with pytest.raises(check_demo.DemoError, match=sentence):
        check_demo.check(left)
