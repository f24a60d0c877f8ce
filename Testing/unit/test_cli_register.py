"""The commands register and warp: what they write, and what they say when something is wrong."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from phantoms import Anatomy, oblique_grid, voxel_centers
from SAMRegistrationLib.cli import main
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.metrics import dice

GRID = oblique_grid()
SHIFT = np.array([4.0, 0.0, 0.0])
OTHER = oblique_grid((44, 50, 30), (1.3, 1.2, 2.1), (0.1, 0.2, -0.3))


def ball(grid, center, radius, label=1):
    distance = np.linalg.norm(voxel_centers(grid) - center, axis=1).reshape(grid.shape)
    return grid.image(((distance < radius) * label).astype(np.uint8))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    anatomy = Anatomy(GRID.center, seed=5)
    centered = np.asarray(OTHER.origin) + GRID.center - OTHER.center
    shifted = Grid(OTHER.size, OTHER.spacing, tuple(centered + SHIFT), OTHER.direction)
    moved = anatomy.image(shifted, lambda points: points - SHIFT)
    sitk.WriteImage(anatomy.image(GRID), str(folder / "fixed.nii.gz"))
    sitk.WriteImage(moved, str(folder / "moving.nrrd"))
    sitk.WriteImage(ball(GRID, GRID.center, 14), str(folder / "fixed_labels.nii.gz"))
    sitk.WriteImage(ball(shifted, GRID.center + SHIFT, 14), str(folder / "moving_labels.nii.gz"))
    (folder / "fixed.csv").write_text("x,y,z\n" + ",".join(str(x) for x in GRID.center) + "\n", encoding="utf-8")
    (folder / "moving.csv").write_text(
        "x,y,z\n" + ",".join(str(x) for x in GRID.center + SHIFT) + "\n", encoding="utf-8"
    )
    return folder


def register(files, output, *more):
    pair = [str(files / "fixed.nii.gz"), str(files / "moving.nrrd")]
    return main(["register", *pair, "-o", str(output), "--preset", "fast", "--no-network", *map(str, more)])


@pytest.fixture(scope="module")
def output(files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("results") / "new" / "folder"
    labels = ["--fixed-labels", files / "fixed_labels.nii.gz", "--moving-labels", files / "moving_labels.nii.gz"]
    landmarks = ["--fixed-landmarks", files / "fixed.csv", "--moving-landmarks", files / "moving.csv"]
    assert (
        register(files, folder, *labels, *landmarks, "--displacement-field", "--displacement-magnitude", "--quiet") == 0
    )
    return folder


def test_register_writes_everything_it_promises(output):
    assert sorted(path.name for path in output.iterdir()) == [
        "displacement_field.nii.gz",
        "displacement_magnitude.nii.gz",
        "inverse.h5",
        "metrics.json",
        "report.html",
        "report.png",
        "transform.h5",
        "warped.nii.gz",
        "warped_labels.nii.gz",
    ]


def test_the_displacement_magnitude_is_what_the_deformation_adds_to_the_alignment(output):
    lengths = sitk.ReadImage(str(output / "displacement_magnitude.nii.gz"))
    parts = sitk.CompositeTransform(sitk.ReadTransform(str(output / "transform.h5")))
    linear = parts.GetNthTransform(0)
    for index in ((10, 12, 5), (30, 25, 14)):
        point = lengths.TransformIndexToPhysicalPoint(index)
        added = np.subtract(parts.TransformPoint(point), linear.TransformPoint(point))
        assert lengths[index] == pytest.approx(np.linalg.norm(added), abs=1e-3)


def test_the_measures_show_labels_and_landmarks_before_and_after(output):
    measures = json.loads((output / "metrics.json").read_text(encoding="utf-8"))
    before, after = (measures[when]["structures"][0]["dice"] for when in ("before", "after"))
    assert after > 0.9 > before
    assert measures["before"]["landmarks"]["mean_mm"] == pytest.approx(4.0, abs=1e-3)
    assert measures["after"]["landmarks"]["mean_mm"] < 1.5
    assert measures["after"]["deformation"]["folded_voxels"] == 0


def test_the_warped_labels_agree_with_resampling_by_plain_simpleitk(files, output):
    transform = sitk.ReadTransform(str(output / "transform.h5"))
    moving = sitk.ReadImage(str(files / "moving_labels.nii.gz"))
    fixed = sitk.ReadImage(str(files / "fixed.nii.gz"))
    theirs = sitk.GetArrayFromImage(sitk.Resample(moving, fixed, transform, sitk.sitkNearestNeighbor, 0))
    ours = sitk.GetArrayFromImage(sitk.ReadImage(str(output / "warped_labels.nii.gz")))
    assert np.count_nonzero(ours != theirs) <= 2


def test_json_is_one_object_on_standard_output(files, tmp_path, capsys):
    assert register(files, tmp_path / "out", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["facts"]["device"] == "CPU"
    assert "after" in result


def test_quiet_prints_nothing(files, tmp_path, capsys):
    assert register(files, tmp_path / "out", "--quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_warp_applies_a_saved_result_to_labels_volumes_and_points_in_both_directions(files, output, tmp_path):
    fixed, moving = files / "fixed.nii.gz", files / "moving.nrrd"

    def warp(name, *more):
        assert main(["warp", str(files / name), "-r", str(output), "--quiet", *map(str, more)]) == 0

    warp("moving_labels.nii.gz", "-o", tmp_path / "labels.nii.gz", "--like", fixed, "--labels", "--smooth")
    truth = sitk.ReadImage(str(files / "fixed_labels.nii.gz"), sitk.sitkInt32)
    assert dice(truth, sitk.ReadImage(str(tmp_path / "labels.nii.gz")))[1] > 0.9
    warp("fixed_labels.nii.gz", "-o", tmp_path / "back.nii.gz", "--like", moving, "--labels", "--inverse")
    truth = sitk.ReadImage(str(files / "moving_labels.nii.gz"), sitk.sitkInt32)
    assert dice(truth, sitk.ReadImage(str(tmp_path / "back.nii.gz")))[1] > 0.9
    warp("moving.nrrd", "-o", tmp_path / "volume.nii.gz", "--like", fixed)
    again = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "volume.nii.gz")))
    np.testing.assert_allclose(again, sitk.GetArrayFromImage(sitk.ReadImage(str(output / "warped.nii.gz"))), atol=1e-4)
    warp("moving.csv", "-o", tmp_path / "points.csv")
    point = np.loadtxt(tmp_path / "points.csv", delimiter=",", skiprows=1, usecols=(0, 1, 2))
    np.testing.assert_allclose(point, GRID.center, atol=1.5)


def changed(image, array):
    result = sitk.GetImageFromArray(array)
    result.CopyInformation(image)
    return result


def spoiled(files, folder, kind):
    """A file that cannot be registered."""
    image = sitk.ReadImage(str(files / "fixed.nii.gz"))
    path = folder / f"{kind}.nii.gz"
    array = sitk.GetArrayFromImage(image)
    if kind == "text":
        path.write_text("no image", encoding="utf-8")
    elif kind == "flat":
        sitk.WriteImage(image[:, :, 5], str(path))
    elif kind == "time":
        sitk.WriteImage(sitk.JoinSeries([image, image]), str(path))
    elif kind == "nan":
        array[:] = np.nan
        path = path.with_name("nan.nrrd")  # the NIfTI reader turns NaN into 0
        sitk.WriteImage(changed(image, array), str(path))
    elif kind == "constant":
        sitk.WriteImage(changed(image, np.full_like(array, 7)), str(path))
    elif kind == "empty-folder":
        path.mkdir()
    return path


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("missing", "There is no file"),
        ("text", "cannot be read"),
        ("flat", "not a 3D volume"),
        ("time", "not a 3D volume"),
        ("nan", "NaN"),
        ("constant", "same value in every voxel"),
        ("empty-folder", "no DICOM series"),
    ],
)
@pytest.mark.parametrize("side", ["fixed", "moving"])
def test_a_volume_that_cannot_be_used_gives_one_sentence_and_no_file(files, tmp_path, capsys, kind, sentence, side):
    bad = str(spoiled(files, tmp_path, kind))
    good = str(files / "fixed.nii.gz")
    pair = [bad, good] if side == "fixed" else [good, bad]
    assert main(["register", *pair, "-o", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err.strip()
    assert sentence in error
    assert bad in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_spacing_of_zero_is_refused(files, tmp_path, capsys):
    header = "ObjectType = Image\nNDims = 3\nElementSpacing = 0 1 1\nDimSize = 4 4 4\nElementType = MET_UCHAR\n"
    path = tmp_path / "zero.mha"
    path.write_bytes((header + "ElementDataFile = LOCAL\n").encode() + bytes(range(64)))
    assert main(["register", str(path), str(files / "fixed.nii.gz"), "-o", str(tmp_path / "out")]) == 2
    assert str(path) in capsys.readouterr().err


def test_a_label_map_without_any_label_is_refused(files, tmp_path, capsys):
    sitk.WriteImage(sitk.Image(4, 4, 4, sitk.sitkUInt8), str(tmp_path / "empty.nii.gz"))
    assert register(files, tmp_path / "out", "--fixed-masks", tmp_path / "empty.nii.gz") == 2
    assert "holds no label" in capsys.readouterr().err


def test_masks_on_another_grid_are_resampled_and_told(files, tmp_path, capsys):
    coarse = GRID.with_size((24, 20, 11))
    sitk.WriteImage(ball(coarse, GRID.center, 14), str(tmp_path / "coarse.nii.gz"))
    masks = ["--fixed-masks", tmp_path / "coarse.nii.gz", "--moving-masks", files / "moving_labels.nii.gz"]
    assert register(files, tmp_path / "out", *masks) == 0
    assert "another grid" in capsys.readouterr().out


def test_volumes_that_do_not_meet_are_refused_without_a_pre_alignment(files, tmp_path, capsys):
    far = sitk.ReadImage(str(files / "moving.nrrd"))
    far.SetOrigin((9000.0, 0.0, 0.0))
    sitk.WriteImage(far, str(tmp_path / "far.nrrd"))
    pair = [str(files / "fixed.nii.gz"), str(tmp_path / "far.nrrd")]
    assert main(["register", *pair, "-o", str(tmp_path / "out"), "--prealign", "none", "--no-network"]) == 2
    assert "do not overlap" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_output_folder_that_cannot_be_written_is_told_before_any_work(files, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    assert register(files, tmp_path / "file" / "out") == 2
    assert "choose another output folder" in capsys.readouterr().err


def test_running_out_of_gpu_memory_falls_back_to_the_cpu_and_says_so(files, monkeypatch):
    from SAMRegistrationLib.registration import RegistrationOptions, pipeline
    from SAMRegistrationLib.volumes import read_volume

    asked = []
    inner = pipeline._register

    def without_memory(*arguments):
        device = next(argument for argument in arguments if argument in ("cpu", "cuda"))
        asked.append(device)
        if device == "cuda":
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return inner(*arguments)

    monkeypatch.setattr(pipeline, "_register", without_memory)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    pair = [read_volume(files / name) for name in ("fixed.nii.gz", "moving.nrrd")]
    result = pipeline.register(*pair, options=RegistrationOptions.preset("fast", use_network=False))
    assert asked == ["cuda", "cpu"]
    assert any("ran out of memory" in note for note in result.notes)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_in_the_middle_of_the_work_leaves_no_file(files, tmp_path, number):
    program = """
import os, sys
from SAMRegistrationLib.cli import main
from SAMRegistrationLib.registration import working_pair
refine = working_pair.refine
def interrupted(*arguments):
    os.kill(os.getpid(), int(os.environ["SIGNAL"]))
    return refine(*arguments)
working_pair.refine = interrupted
sys.exit(main())
"""
    library = str(Path(__file__).resolve().parents[2] / "SAMRegistration")
    pair = [str(files / "fixed.nii.gz"), str(files / "moving.nrrd")]
    process = subprocess.run(
        [sys.executable, "-c", program, "register", *pair, "-o", str(tmp_path / "out"), "--no-network"],
        env={**os.environ, "PYTHONPATH": library, "SIGNAL": str(int(number))},
        capture_output=True,
        encoding="utf-8",
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )
    assert process.returncode == 130
    assert process.stderr.strip().endswith("interrupted; nothing was written.")
    assert not (tmp_path / "out").exists()
