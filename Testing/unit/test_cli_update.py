"""The command update: corrections of a saved result, or of a transform file, by points and masks in files."""

import json

import numpy as np
import pytest
import SimpleITK as sitk
from phantoms import Anatomy, oblique_grid, voxel_centers
from SAMRegistrationLib.cli import main
from SAMRegistrationLib.geometry.transforms import transform_points
from SAMRegistrationLib.points import PointList, write_points

FIXED = oblique_grid()
SHIFT = np.array([4.0, -2.0, 3.0])
WRONG = np.add(SHIFT, (3.0, 3.0, 0.0))


def ball(center, radius):
    distance = np.linalg.norm(voxel_centers(FIXED) - center, axis=1).reshape(FIXED.shape)
    return FIXED.image((distance < radius).astype(np.uint8))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A moving volume that is shifted, and a transform that shifts otherwise."""
    folder = tmp_path_factory.mktemp("pair")
    anatomy = Anatomy(FIXED.center, seed=5)
    sitk.WriteImage(anatomy.image(FIXED), str(folder / "fixed.nii.gz"))
    sitk.WriteImage(anatomy.image(FIXED, lambda points: points - SHIFT), str(folder / "moving.nii.gz"))
    sitk.WriteTransform(sitk.TranslationTransform(3, WRONG.tolist()), str(folder / "wrong.tfm"))
    write_points(folder / "fixed.csv", PointList(FIXED.center[None]))
    write_points(folder / "moving.csv", PointList(FIXED.center[None] + SHIFT))
    sitk.WriteImage(ball(FIXED.center, 9.0), str(folder / "fixed_labels.nii.gz"))
    sitk.WriteImage(ball(FIXED.center + SHIFT, 9.0), str(folder / "moving_labels.nii.gz"))
    return folder


def update(files, result, output, *more):
    pair = [str(files / "fixed.nii.gz"), str(files / "moving.nii.gz")]
    return main(["update", *pair, "-r", str(result), "-o", str(output), "--device", "cpu", *map(str, more)])


def points(files):
    return ["--fixed-guide-landmarks", files / "fixed.csv", "--moving-guide-landmarks", files / "moving.csv"]


def error(folder, point):
    transform = sitk.ReadTransform(str(folder / "transform.h5"))
    return np.linalg.norm(transform_points(transform, point[None]) - (point + SHIFT))


def test_a_transform_file_is_corrected_and_its_result_corrected_again(files, tmp_path, capsys):
    first, second = tmp_path / "first", tmp_path / "second"
    assert update(files, files / "wrong.tfm", first, *points(files)) == 0
    said = capsys.readouterr().out
    assert "Landmark 1: 4.24 mm off before, 0." in said
    assert "Folded voxels: 0" in said
    assert error(first, FIXED.center) < 0.5
    facts = json.loads((first / "metrics.json").read_text(encoding="utf-8"))["facts"]["update"]
    assert facts["largest_change_elsewhere_mm"] < 0.1

    beside = FIXED.index_to_physical([[36, 26, 12]])
    write_points(tmp_path / "fixed.csv", PointList(np.concatenate([FIXED.center[None], beside])))
    write_points(tmp_path / "moving.csv", PointList(np.concatenate([FIXED.center[None], beside]) + SHIFT))
    before = error(first, beside[0])
    assert update(files, first, second, *points(tmp_path), "--quiet") == 0
    assert error(second, beside[0]) < min(0.5, before)
    assert error(second, FIXED.center) < 0.5
    assert (second / "report.html").is_file()


def test_masks_alone_correct_as_well(files, tmp_path):
    masks = ["--fixed-masks", files / "fixed_labels.nii.gz", "--moving-masks", files / "moving_labels.nii.gz"]
    assert update(files, files / "wrong.tfm", tmp_path / "out", *masks, "--quiet") == 0
    said = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    (row,) = said["facts"]["update"]["structures"]
    assert row["dice_after"] > row["dice_before"] + 0.1
    assert error(tmp_path / "out", FIXED.center) < 1.5


@pytest.mark.parametrize(
    ("more", "text"),
    [((), "nothing to correct"), (("--fixed-guide-landmarks", "fixed.csv"), "Give landmarks of both volumes")],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(files, tmp_path, capsys, more, text):
    named = [files / part if part.endswith(".csv") else part for part in more]
    assert update(files, files / "wrong.tfm", tmp_path / "out", *named) == 2
    assert text in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("*"))
