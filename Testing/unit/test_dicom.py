"""DICOM slices: every voxel lies where the header of its slice says, or a sentence says why that cannot be."""

import shutil

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from cases.dicom import (
    COLUMNS,
    FIRST,
    MR,
    NORMAL,
    PET,
    ROWS,
    SIZE,
    SPACING,
    intensity,
    places,
    write_enhanced,
    write_series,
)
from SAMRegistrationLib.cli import main
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.volumes import load_volume, read_image

STEP = 2.0 * NORMAL
TILTED = 2.0 * (NORMAL + 0.325 * COLUMNS)


def error_mm(image):
    """How far voxels are misplaced, as their intensities say (difference over slope): its 99th percentile within the
    volume, away from its border, where slices that were moved end.
    """
    grid = Grid.of(image)
    index = np.indices(grid.shape).reshape(3, -1)[::-1].T
    points = grid.index_to_physical(index)
    values = sitk.GetArrayFromImage(image).reshape(-1)
    margin = 0.2 * np.array(grid.size)
    inner = np.all((index > margin) & (index < np.array(grid.size) - 1 - margin), axis=1)
    slope = np.linalg.norm(
        [(intensity(points + step) - intensity(points - step)) / 0.2 for step in 0.1 * np.eye(3)], axis=0
    )
    steep = inner & (slope > 15)
    assert steep.sum() > 500
    return np.percentile(np.abs(values - intensity(points))[steep] / slope[steep], 99)


def test_a_regular_oblique_series_is_read_voxel_by_voxel(tmp_path):
    write_series(tmp_path, places(20, STEP))
    loaded = load_volume(tmp_path)
    grid = Grid.of(loaded.image)
    assert not loaded.notes
    assert grid.size == (*SIZE, 20)
    assert np.allclose(grid.index_to_physical([[0, 0, 0], [0, 0, 19], [3, 5, 0]]), [
        FIRST, FIRST + 19 * STEP, FIRST + 3 * SPACING[0] * ROWS + 5 * SPACING[1] * COLUMNS,
    ], atol=1e-4)  # fmt: skip
    assert error_mm(loaded.image) < 0.05


def test_slices_of_a_tilted_gantry_are_moved_to_their_places_and_that_is_noted(tmp_path):
    write_series(tmp_path, places(24, TILTED))
    loaded = load_volume(tmp_path)
    assert len(loaded.notes) == 1
    assert "18.0 degrees" in loaded.notes[0]
    assert error_mm(loaded.image) < 0.1
    assert np.isclose(loaded.image.GetSpacing()[2], 2.0)
    unread = sitk.ImageSeriesReader()
    unread.SetFileNames(unread.GetGDCMSeriesFileNames(str(tmp_path)))
    assert error_mm(sitk.Cast(unread.Execute(), sitk.sitkFloat32)) > 1.0  # what the plain reader makes of it


def test_slices_at_changing_distances_are_interpolated_and_that_is_noted(tmp_path):
    steps = np.r_[np.full(14, 1.0), np.full(10, 3.0)]
    heights = np.r_[0, np.cumsum(steps)]
    write_series(tmp_path, FIRST + heights[:, None] * NORMAL)
    loaded = load_volume(tmp_path)
    assert "1 to 3 mm apart" in loaded.notes[0]
    assert loaded.image.GetSize()[2] == 45
    assert error_mm(loaded.image) < 0.15


@pytest.mark.parametrize("missing", [[20], list(range(20, 30)), [5, 17, 33]])
@pytest.mark.parametrize("renumbered", [False, True])
def test_missing_slices_are_told_with_their_place(missing, renumbered, tmp_path):
    kept = [index for index in range(56) if index not in missing]
    write_series(tmp_path, places(56, STEP)[kept], numbers=None if renumbered else [index + 1 for index in kept])
    before = kept.index(missing[0] - 1)
    with pytest.raises(InputError, match=f"lacks about .* between slice{before:03d}.dcm and slice{before + 1:03d}.dcm"):
        load_volume(tmp_path)


def test_copies_of_files_are_told(tmp_path):
    for path in write_series(tmp_path, places(8, STEP)):
        shutil.copy(path, path.with_name(f"copy-{path.name}"))
    with pytest.raises(InputError, match=r"copy-slice000.dcm is a copy of|slice000.dcm is a copy of copy-slice000.dcm"):
        load_volume(tmp_path)


def test_two_different_slices_at_one_place_are_told(tmp_path):
    write_series(tmp_path, np.r_[places(8, STEP), places(8, STEP)[3:4]])
    with pytest.raises(InputError, match=r"slice008.dcm lies at the same place as slice003.dcm"):
        load_volume(tmp_path)


@pytest.mark.parametrize(
    ("mark", "values"),
    [("EchoTime", ("4.6", "9.2")), ("TemporalPositionIdentifier", ("1", "2")), ("AcquisitionTime", ("1000", "1001"))],
)
def test_several_volumes_in_one_series_are_told_and_one_file_chooses(mark, values, tmp_path):
    def change(dataset, index):
        setattr(dataset, mark, values[index % 2])
        if index % 2:
            dataset.PixelData = (np.frombuffer(dataset.PixelData, np.int16) + 1000).astype(np.int16).tobytes()

    paths = write_series(tmp_path, np.repeat(places(12, STEP), 2, axis=0), change, sop_class=MR)
    with pytest.raises(InputError, match=f"2 volumes in one series, which differ in {mark}"):
        load_volume(tmp_path)
    first, second = (load_volume(path).image for path in paths[4:6])
    assert first.GetSize() == second.GetSize() == (*SIZE, 12)
    assert error_mm(first) < 0.05
    difference = sitk.GetArrayFromImage(second) - sitk.GetArrayFromImage(first)
    assert (difference == 1000).all()


def test_several_series_are_listed_and_one_file_chooses(tmp_path):
    write_series(tmp_path, places(8, STEP), prefix="a")
    paths = write_series(tmp_path, places(12, STEP), prefix="b")
    with pytest.raises(InputError, match=r"2 DICOM series .*12 slices, such as b000.dcm"):
        load_volume(tmp_path)
    assert load_volume(paths[3]).image.GetSize()[2] == 12


def test_a_localizer_in_the_series_is_told_and_one_file_chooses(tmp_path):
    def turned(dataset, index):
        if index < 2:
            dataset.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]

    paths = write_series(tmp_path, places(12, STEP), turned)
    with pytest.raises(InputError, match=r"2 orientations of slices"):
        load_volume(tmp_path)
    assert load_volume(paths[5]).image.GetSize()[2] == 10


def test_slices_of_another_size_are_told_with_their_names(tmp_path):
    def cut(dataset, index):
        if index == 3:
            dataset.Rows = 20
            dataset.PixelData = dataset.PixelData[: 20 * SIZE[0] * 2]

    write_series(tmp_path, places(8, STEP), cut)
    with pytest.raises(
        InputError, match=r"different sizes \(40 x 36 and 40 x 20 voxels in slice000.dcm and slice003.dcm"
    ):
        load_volume(tmp_path)


def test_every_slice_keeps_the_scale_of_its_own_file(tmp_path):
    slopes = 1 + 0.137 * np.arange(10)

    def scaled(dataset, index):
        dataset.RescaleSlope = f"{slopes[index]:.6g}"
        stored = (np.arange(SIZE[0] * SIZE[1]) % 9).astype(np.int16)
        dataset.PixelData = stored.tobytes()

    write_series(tmp_path, places(10, STEP), scaled, sop_class=PET)
    array = sitk.GetArrayFromImage(load_volume(tmp_path).image)
    stored = (np.arange(SIZE[0] * SIZE[1]) % 9).reshape(SIZE[::-1])
    assert np.allclose(array, slopes[:, None, None] * stored, rtol=1e-5)


def test_slices_out_of_order_and_against_the_normal_are_put_in_order(tmp_path):
    order = np.random.default_rng(1).permutation(16)
    write_series(tmp_path, places(16, -STEP)[order], numbers=[int(one) + 1 for one in order])
    loaded = load_volume(tmp_path)
    assert not loaded.notes
    assert error_mm(loaded.image) < 0.05


def test_a_multi_frame_file_is_placed_by_its_frames(tmp_path):
    order = np.random.default_rng(2).permutation(14)
    write_enhanced(tmp_path / "all.dcm", places(14, STEP)[order])
    for path in (tmp_path / "all.dcm", tmp_path):
        loaded = load_volume(path)
        assert loaded.image.GetSize() == (*SIZE, 14)
        assert error_mm(loaded.image) < 0.05


def test_tilted_frames_of_a_multi_frame_file_are_moved_to_their_places(tmp_path):
    write_enhanced(tmp_path / "all.dcm", places(20, TILTED))
    loaded = load_volume(tmp_path / "all.dcm")
    assert "18.0 degrees" in loaded.notes[0]
    assert error_mm(loaded.image) < 0.1


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.5", "1.2.840.10008.1.2", "1.2.840.10008.1.2.1.99"])
def test_other_transfer_syntaxes_give_the_same_volume(syntax, tmp_path):
    write_series(tmp_path / "plain", places(8, STEP))
    (tmp_path / "other").mkdir()
    for path in sorted((tmp_path / "plain").iterdir()):
        dataset = pydicom.dcmread(path)
        if syntax.endswith(".2.5"):
            dataset.compress(syntax, generate_instance_uid=False)
        else:
            dataset.file_meta.TransferSyntaxUID = syntax
        dataset.save_as(tmp_path / "other" / path.name, implicit_vr=syntax.endswith("1.2"), little_endian=True)
    plain, other = (read_image(tmp_path / name) for name in ("plain", "other"))
    assert np.array_equal(sitk.GetArrayFromImage(plain), sitk.GetArrayFromImage(other))


def test_other_files_beside_the_slices_are_ignored_and_that_is_noted(tmp_path):
    write_series(tmp_path, places(8, STEP))
    (tmp_path / "notes.txt").write_text("not an image", encoding="utf-8")
    loaded = load_volume(tmp_path)
    assert "1 files beside the slices" in loaded.notes[0]
    assert error_mm(loaded.image) < 0.05


@pytest.mark.parametrize("kind", ["none", "text", "one slice", "no place"])
def test_folders_without_a_volume_are_told(kind, tmp_path):
    if kind == "text":
        (tmp_path / "a.txt").write_text("a", encoding="utf-8")
    elif kind == "one slice":
        write_series(tmp_path, places(1, STEP))
    elif kind == "no place":
        write_series(tmp_path, places(4, STEP), lambda dataset, index: dataset.pop("ImagePositionPatient"))
    sentence = {"one slice": "single slice", "no place": "where in space"}.get(kind, "holds no DICOM series")
    with pytest.raises(InputError, match=sentence):
        load_volume(tmp_path)


CENTER = FIRST + 0.5 * (SIZE[0] * SPACING[0] * ROWS + SIZE[1] * SPACING[1] * COLUMNS) + 11 * STEP


def body(points):
    """The intensities within a round body, air around it."""
    distance = np.linalg.norm((points - CENTER) * [1.0, 1.0, 0.7], axis=-1)
    return intensity(points) * np.clip((15 - distance) / 2, 0, 1)


def test_the_command_line_registers_a_tilted_series_right_and_tells_what_was_put_right(tmp_path, capsys):
    start = places(22, TILTED) - 22 * 0.325 * COLUMNS
    write_series(tmp_path / "tilted", start, values=body)
    write_series(tmp_path / "straight", places(22, STEP), values=body)
    inputs = [str(tmp_path / "straight"), str(tmp_path / "tilted"), "-o", str(tmp_path / "out")]
    assert main(["register", *inputs, "--preset", "fast", "--no-network", "--prealign", "none"]) == 0
    assert "Note: The slices of" in capsys.readouterr().out
    assert "18.0 degrees" in (tmp_path / "out" / "metrics.json").read_text(encoding="utf-8")
    transform = sitk.ReadTransform(str(tmp_path / "out" / "transform.h5"))
    points = CENTER + np.random.default_rng(3).uniform(-7, 7, (50, 3))
    errors = [np.linalg.norm(np.subtract(transform.TransformPoint(point), point)) for point in points.tolist()]
    assert np.mean(errors) < 1.0  # half a slice; a reader that ignores the tilt is off by up to 7 mm
