"""What the commands do where their output cannot go, and what they print where the terminal is limited."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SAMRegistrationLib
import SimpleITK as sitk
from phantoms import Anatomy, oblique_grid
from SAMRegistrationLib.cli import main
from SAMRegistrationLib.registration.result import RegistrationResult

GRID = oblique_grid((24, 22, 16), (2.0, 2.1, 3.2), (0.3, -0.2, 0.4))
SHIFT = (4.0, -2.0, 3.0)


@pytest.fixture
def files(tmp_path):
    """A volume, a constant one, and a registration result that shifts."""
    sitk.WriteImage(Anatomy(GRID.center, seed=5).image(GRID), str(tmp_path / "fixed.nrrd"))
    sitk.WriteImage(sitk.Cast(GRID.empty_image() + 7, sitk.sitkInt16), str(tmp_path / "constant.nrrd"))
    (tmp_path / "result").mkdir()
    shift = sitk.TranslationTransform(3, SHIFT)
    sitk.WriteTransform(shift, str(tmp_path / "result" / "transform.h5"))
    sitk.WriteTransform(shift.GetInverse(), str(tmp_path / "result" / "inverse.h5"))
    return tmp_path


def warp(files, output, name="fixed.nrrd", like="fixed.nrrd", *more):
    places = ["-r", str(files / "result"), "-o", str(output), "--like", str(files / like)]
    return main(["warp", str(files / name), *places, "--quiet", *more])


def program(*arguments, **environment):
    """The command in a process of its own, its output as bytes."""
    path = str(Path(SAMRegistrationLib.__file__).parents[1])
    return subprocess.run(
        [sys.executable, "-m", "SAMRegistrationLib.cli", *map(os.fsencode, map(str, arguments))],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": path, **environment},
        check=False,
    )


@pytest.mark.parametrize("ending", [".mhd", ".nhdr", ".hdr", ".img", ".nii.gz", ".mha"])
def test_warp_leaves_files_that_others_can_read_in_every_format(ending, files):
    assert warp(files, files / f"w{ending}") == 0
    reference = sitk.Resample(
        sitk.ReadImage(str(files / "fixed.nrrd")), GRID.empty_image(), sitk.TranslationTransform(3, SHIFT)
    )
    inside = np.s_[3:-3, 4:-4, 4:-4]
    written = sitk.GetArrayFromImage(sitk.ReadImage(str(files / f"w{ending}")))
    assert np.allclose(written[inside], sitk.GetArrayFromImage(reference)[inside], atol=1e-3)


def test_constant_volumes_can_be_warped_and_give_a_grid(files):
    assert warp(files, files / "a.nrrd", "constant.nrrd", "constant.nrrd") == 0
    written = sitk.ReadImage(str(files / "a.nrrd"))
    assert written.GetSize() == GRID.size
    assert set(np.unique(sitk.GetArrayFromImage(written))) == {7}


@pytest.mark.parametrize("name", ["w.jpeg2", "w", "result", "n" * 300 + ".nrrd", "missing/w.nii.foo"])
def test_an_output_that_cannot_be_written_is_told_before_anything_is_read(name, files, capsys, monkeypatch):
    monkeypatch.setattr(sitk, "ReadImage", lambda *_: pytest.fail("an image was read"))
    monkeypatch.setattr(sitk, "ReadTransform", lambda *_: pytest.fail("a transform was read"))
    assert warp(files, files / name) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not list(files.rglob(".writing-*"))


def test_segment_tells_an_unknown_ending_before_the_work(files, capsys):
    (files / "clicks.json").write_text("{}", encoding="utf-8")
    assert main(["segment", "x.nrrd", "--prompts", str(files / "clicks.json"), "-o", str(files / "l.foo")]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_terminal_without_the_letters_of_a_name_does_not_end_the_command(encoding, files):
    ended = program(
        "warp", files / "fixed.nrrd", "-r", files / "result", "-o", files / "脳.nrrd", "--like", files / "fixed.nrrd",
        PYTHONIOENCODING=encoding,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert (files / "脳.nrrd").is_file()
    assert b"Wrote" in ended.stdout


def test_a_path_of_bytes_that_are_no_text_is_refused_and_leaves_nothing(files):
    path = os.fsdecode(os.fsencode(files) + b"/l\xfcng.nrrd")
    ended = program(
        "warp", files / "fixed.nrrd", "-r", files / "result", "-o", path, "--like", files / "fixed.nrrd"
    )  # fmt: skip
    assert ended.returncode == 2, ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
    assert sorted(os.listdir(files)) == ["constant.nrrd", "fixed.nrrd", "result"]


def test_what_libraries_print_by_themselves_stays_off_the_error_stream(files):
    sitk.WriteImage(sitk.ReadImage(str(files / "fixed.nrrd")), str(files / "torn.nii"))
    whole = (files / "torn.nii").read_bytes()
    (files / "torn.nii").write_bytes(whole[: len(whole) // 2])
    ended = program(
        "warp", files / "torn.nii", "-r", files / "result", "-o", files / "w.nrrd", "--like", files / "fixed.nrrd",
        "--quiet",
    )  # fmt: skip
    assert b"ITK" not in ended.stderr
    assert b"WARNING" not in ended.stderr.upper()
    assert len(ended.stderr.strip().splitlines()) <= 1


def test_a_reader_that_has_gone_is_no_failure(files):
    path = str(Path(SAMRegistrationLib.__file__).parents[1])
    command = f'"{sys.executable}" -m SAMRegistrationLib.cli metrics --fixed-labels constant.nrrd '
    command += "--moving-labels constant.nrrd | true; echo ${PIPESTATUS[0]}"
    ended = subprocess.run(
        ["bash", "-c", command],
        cwd=files,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": path},
    )
    assert ended.stdout.strip() == "0", ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_file_that_cannot_be_written_at_the_end_is_kept_elsewhere(files, capsys, monkeypatch):
    write = sitk.WriteImage

    def full(image, path, *more):
        if str(files) in path:
            raise RuntimeError(
                "Exception thrown in SimpleITK WriteImage: /x.cxx:1:\nITK ERROR: No space left on device"
            )
        write(image, path, *more)

    monkeypatch.setattr(sitk, "WriteImage", full)
    assert warp(files, files / "w.nrrd") == 3
    sentence = capsys.readouterr().err
    assert "No space left on device" in sentence
    kept = Path(sentence.rsplit("it is in ", 1)[1].strip().rstrip("."))
    assert sitk.ReadImage(str(kept)).GetSize() == GRID.size
    assert not (files / "w.nrrd").exists()


def test_a_disk_that_is_full_at_the_last_step_does_not_lose_the_registration(files, capsys, monkeypatch):
    write = RegistrationResult.write_transforms

    def full(self, folder):
        if folder.name.startswith(".writing-"):
            raise OSError(28, "No space left on device")
        write(self, folder)

    monkeypatch.setattr(RegistrationResult, "write_transforms", full)
    pair = [str(files / "fixed.nrrd"), str(files / "fixed.nrrd")]
    stages = ["--preset", "fast", "--no-network", "--quiet"]
    assert main(["register", *pair, "-o", str(files / "out"), *stages]) == 3
    sentence = capsys.readouterr().err
    kept = Path(sentence.rsplit("they are in ", 1)[1].strip().rstrip("."))
    assert {"transform.h5", "inverse.h5", "warped.nii.gz", "report.html"} <= set(os.listdir(kept))
    assert not (files / "out").exists()
