"""Sequences: a ball that beats on an oblique, anisotropic grid, whose volume and shell are known in every frame."""

import csv
import json
import os
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from phantoms import oblique_grid, voxel_centers
from SAMRegistrationLib import engine
from SAMRegistrationLib.cli import main
from SAMRegistrationLib.errors import Canceled, InputError
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.job import Job
from SAMRegistrationLib.points import PointList, write_points
from SAMRegistrationLib.registration import RegistrationOptions
from SAMRegistrationLib.sequences import MotionOptions, open_frames, order_of, volume_of
from SAMRegistrationLib.sequences.page import ticks
from SAMRegistrationLib.volumes import as_structures

DATA = Path(os.environ.get("SAMREGISTRATION_DATA", Path(__file__).parents[3] / "shared" / "data"))
CINE = DATA / "scd-cine" / "SCD0000101_cine4d_crop.nii.gz"
GRID = oblique_grid((34, 30, 12), (1.6, 1.8, 4.0))
RADII = (14.0, 13.2, 12.5, 11.9, 12.7, 13.5)
USUAL = MotionOptions(RegistrationOptions.preset("balanced", device="cpu", fixed_modality="mr"), cyclic=True)


def distances(grid=GRID):
    return np.linalg.norm(voxel_centers(grid) - GRID.center, axis=1).reshape(grid.shape)


def beating(radius):
    """A bright ball in a body whose outer border stays."""
    inner, outer = (1 / (1 + np.exp((distances() - border) / 1.2)) for border in (radius, 24.0))
    return GRID.image((100 * inner + 60 * outer).astype(np.float32))


def ball(radius=RADII[0]):
    return GRID.image((distances() < radius).astype(np.uint8))


def volume_ml(radius):
    return 4 / 3 * np.pi * radius**3 / 1000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Frames as files whose names are in order by number, not by letter; masks and a point on the ball's border."""
    path = tmp_path_factory.mktemp("cine")
    (path / "frames").mkdir()
    for number, radius in enumerate(RADII):
        sitk.WriteImage(beating(radius), str(path / "frames" / f"phase{9 + number}.nii.gz"))
    sitk.WriteImage(ball(), str(path / "ball.nii.gz"))
    on_border = GRID.center + RADII[0] * np.asarray(GRID.axes[:, 0]) / GRID.spacing[0]
    write_points(path / "points.csv", PointList([on_border, GRID.center], ["border", "center"]))
    return path


def run(folder, output, *more):
    arguments = ["sequence", folder / "frames", "-o", output, "--masks", folder / "ball.nii.gz", "--preset", "balanced"]
    return main([*map(str, arguments), "--cyclic", "--modality", "mr", "--device", "cpu", "--quiet", *map(str, more)])


@pytest.fixture(scope="module")
def output(folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("results") / "new"
    assert run(folder, path, "--points", folder / "points.csv", "--warped") == 0
    return path


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def loaded(path):
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("count", "reference", "cyclic"), [(6, 2, False), (6, 2, True), (5, 4, True), (2, 0, True)])
def test_every_frame_starts_from_a_neighbor_that_is_known_by_then(count, reference, cyclic):
    known = {reference}
    for step in order_of(count, reference, cyclic):
        apart = abs(step.frame - step.start)
        assert step.start in known
        assert apart == 1 or (cyclic and apart == count - 1)
        known.add(step.frame)
    assert known == set(range(count))


def test_the_volume_of_the_ball_follows_its_radius(output):
    measured = [float(row["1 (ml)"]) for row in rows(output / "volumes.csv")]
    assert measured == pytest.approx([volume_ml(radius) for radius in RADII], rel=0.06)
    (structure,) = loaded(output / "sequence.json")["structures"]
    assert structure["smallest_frame"] == RADII.index(min(RADII))
    expected = 100 * (1 - (min(RADII) / max(RADII)) ** 3)
    assert structure["ejection_fraction_percent"] == pytest.approx(expected, abs=3)


def test_points_move_with_the_border_and_the_center_stays(output):
    found = rows(output / "points.csv")
    moved = {(row["point"], int(row["frame"])): float(row["displacement (mm)"]) for row in found}
    for frame, radius in enumerate(RADII):
        assert moved["border", frame] == pytest.approx(RADII[0] - radius, abs=0.8)
        assert moved["center", frame] < 0.8


def test_the_mask_of_one_frame_is_warped_to_all_others(output):
    for frame, radius in enumerate(RADII):
        labels = sitk.ReadImage(str(output / f"frame_{frame:03d}" / "labels.nii.gz"))
        assert Grid.of(labels).matches(GRID, 0.01)
        found, truth = sitk.GetArrayFromImage(labels) == 1, sitk.GetArrayFromImage(ball(radius)) == 1
        assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.9


def test_warped_frames_look_like_the_reference(output):
    reference = sitk.GetArrayFromImage(beating(RADII[0]))
    warped = sitk.GetArrayFromImage(sitk.ReadImage(str(output / "frame_003" / "warped.nii.gz")))
    before = np.abs(sitk.GetArrayFromImage(beating(RADII[3])) - reference).mean()
    assert np.abs(warped - reference).mean() < 0.4 * before


def test_the_page_shows_a_line_for_every_structure_and_point(output):
    page = (output / "sequence.html").read_text(encoding="utf-8")
    assert page.count("<polyline") == 3
    assert "ejection fraction" in page
    assert ticks(143.3, 193.5) == [140, 160, 180, 200]


def test_a_run_that_was_stopped_goes_on_where_it_was(folder, tmp_path):
    frames, told = open_frames(folder / "frames"), []

    def stop_at_the_third(_fraction, message):
        told.append(message)

    job = Job(stop_at_the_third, lambda: "frame 3 of 5" in told)
    with pytest.raises(Canceled):
        engine.register_sequence(frames, tmp_path, options=USUAL, job=job)
    done = {
        path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in tmp_path.glob("frame_*/frame.json")
    }
    assert sorted(done) == ["frame_000", "frame_001", "frame_002"]
    assert not (tmp_path / "sequence.json").exists()
    engine.register_sequence(frames, tmp_path, options=USUAL)
    for name, before in done.items():
        assert (
            json.loads((tmp_path / name / "frame.json").read_text(encoding="utf-8")) == before
        )  # the seconds are those of before
    again = loaded(tmp_path / "sequence.json")["seconds"]
    other = replace(USUAL, registration=replace(USUAL.registration, stiffness=2.0))
    engine.register_sequence(frames, tmp_path, options=other)
    assert loaded(tmp_path / "sequence.json")["seconds"] != again


def test_no_more_than_three_frames_are_in_memory():
    kept, most = [], []

    def read(number):
        image = beating(RADII[number])
        kept.append(weakref.ref(image))
        most.append(sum(one() is not None for one in kept))
        return image

    for _ in engine.sequence_motions(read, len(RADII), 0, USUAL):
        pass
    assert len(most) == len(RADII)
    assert max(most) <= 3


def test_a_4d_file_and_a_folder_hold_the_same_frames(folder, tmp_path):
    joined = sitk.JoinSeries([beating(radius) for radius in RADII], 0.0, 0.04)
    sitk.WriteImage(joined, str(tmp_path / "cine.nii.gz"))
    listed = sitk.Compose([beating(radius) for radius in RADII])
    sitk.WriteImage(listed, str(tmp_path / "cine.seq.nrrd"))
    several = [open_frames(path) for path in (folder / "frames", tmp_path / "cine.nii.gz", tmp_path / "cine.seq.nrrd")]
    assert [len(frames) for frames in several] == [len(RADII)] * 3
    assert several[1].times == pytest.approx([0.04 * number for number in range(len(RADII))])
    for number, radius in enumerate(RADII):
        for frames in several:
            frame = frames.read(number)
            assert Grid.of(frame).matches(GRID, 0.01)
            np.testing.assert_allclose(
                sitk.GetArrayFromImage(frame), sitk.GetArrayFromImage(beating(radius)), atol=1e-3
            )


def test_the_volume_of_an_affine_motion_is_multiplied_by_its_determinant():
    structures = as_structures(ball(), "the ball")
    affine = sitk.AffineTransform(3)
    affine.SetMatrix((1.1, 0.2, 0.0, 0.0, 0.9, 0.1, 0.05, 0.0, 1.3))
    expected = structures.volumes_ml()[1] * np.linalg.det(np.reshape(affine.GetMatrix(), (3, 3)))
    assert volume_of(structures, 1, affine) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("reference", "sentence"), [(6, "no frame 6"), (-1, "no frame -1")])
def test_a_reference_that_does_not_exist_is_refused(folder, tmp_path, reference, sentence, capsys):
    assert run(folder, tmp_path / "new", "--reference", reference) == 2
    assert sentence in capsys.readouterr().err


def test_a_single_volume_and_frames_on_different_grids_are_refused(folder, tmp_path):
    with pytest.raises(InputError, match="a single volume"):
        open_frames(folder / "ball.nii.gz")
    other = beating(12.0)
    other.SetSpacing((1.5, 1.8, 4.0))
    frames = [beating(14.0), other]
    with pytest.raises(InputError, match="grid of the reference"):
        list(engine.sequence_motions(frames.__getitem__, 2, 0, USUAL))


@pytest.mark.data
def test_a_cine_of_the_heart_agrees_with_its_contours():
    if not CINE.exists():
        pytest.skip("the cine is not there")
    frames, identity = open_frames(CINE), sitk.Transform(3, sitk.sitkIdentity)
    chosen = (18, 1, 3, 5, 7)
    grid = Grid.of(frames.read(18))
    contours = {}
    for phase in ("ED", "ES"):
        labels = sitk.ReadImage(str(CINE.with_name(f"SCD0000101_{phase}_lab.nii.gz")))
        contours[phase] = as_structures(labels, phase).warped(identity, grid)
    end_diastolic, end_systolic = (contours[phase].volumes_ml()[1] for phase in ("ED", "ES"))
    options = MotionOptions(RegistrationOptions.preset("fast", device="cpu", fixed_modality="mr"))
    *_, last = engine.sequence_motions(lambda number: frames.read(chosen[number]), len(chosen), 0, options)
    found = volume_of(contours["ED"], 1, last.transform)
    assert found == pytest.approx(end_systolic, rel=0.05)
    fraction, expected = (100 * (1 - volume / end_diastolic) for volume in (found, end_systolic))
    assert fraction == pytest.approx(expected, abs=4)
