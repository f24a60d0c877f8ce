"""Segmentation files with the headers that programs write, odd ones among them."""

import numpy as np
import pytest
import SimpleITK as sitk
from cases.labels import numbered, oblique, organ_with_tumor
from cases.segmentations import segment, write
from SAMRegistrationLib.cli import main
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.volumes import read_labels

GRID = oblique()
ORGAN, TUMOR = (mask.astype(np.uint8) for mask in organ_with_tumor(GRID, GRID.center).values())
CUBES = sitk.GetArrayFromImage(numbered(GRID, [1, 2, 3], np.uint8))


def masks_by_name(path):
    found = read_labels(path)
    return found, {structure.name: found.inside(structure.label) for structure in found.structures}


@pytest.mark.parametrize("name", ["a.seg.nrrd", "a.seg.nhdr", "a.nrrd"])
@pytest.mark.parametrize("fourth_axis", [False, True])
def test_layers_come_out_whole_in_their_place(tmp_path, name, fourth_axis):
    segments = [segment("organ", 1, 0), segment("tumor", 1, 1)]
    found, masks = masks_by_name(write(tmp_path / name, GRID, [ORGAN, TUMOR], segments, fourth_axis=fourth_axis))
    assert found.grid.matches(GRID)
    np.testing.assert_array_equal(masks["organ"], ORGAN > 0)
    np.testing.assert_array_equal(masks["tumor"], TUMOR > 0)


def test_label_values_that_only_a_layer_tells_apart_become_numbers_in_their_order(tmp_path):
    path = write(tmp_path / "a.seg.nrrd", GRID, [ORGAN, TUMOR], [segment("tumor", 1, 1), segment("organ", 1, 0)])
    assert [(s.label, s.name) for s in read_labels(path).structures] == [(1, "tumor"), (2, "organ")]


def test_one_layer_and_a_header_without_representations_layers_or_values_are_read_as_slicer_reads_them(tmp_path):
    found, masks = masks_by_name(write(tmp_path / "a.seg.nrrd", GRID, [ORGAN], [segment("organ", None, None)], more=()))
    np.testing.assert_array_equal(masks["organ"], ORGAN > 0)
    assert found.labels == (1,)
    path = write(tmp_path / "b.nrrd", GRID, [ORGAN, TUMOR], [segment("one", None, None), segment("two", None, None)])
    _, masks = masks_by_name(path)
    np.testing.assert_array_equal(masks["two"], TUMOR > 0)


def test_empty_segments_value_zero_and_values_without_a_segment_are_told(tmp_path):
    segments = [segment("first", 1), segment("nothing", 9), segment("ground", 0), segment("third", 3)]
    found, masks = masks_by_name(write(tmp_path / "a.seg.nrrd", GRID, [CUBES], segments))
    assert set(masks) == {"first", "third", ""}
    np.testing.assert_array_equal(masks[""], CUBES == 2)
    told = " ".join(found.notes)
    assert '"nothing"' in told
    assert "empty" in told
    assert '"ground"' in told
    assert "label 2, which none of its segments describes" in told


def test_names_in_every_script_and_names_that_occur_twice_are_kept_apart(tmp_path):
    segments = [segment("Rückenmark", 1), segment("肝臓", 2), segment("肝臓", 3)]
    found, _ = masks_by_name(write(tmp_path / "ä.seg.nrrd", GRID, [CUBES], segments))
    assert [s.name for s in found.structures] == ["Rückenmark", "肝臓", "肝臓"]
    for label in (1, 2, 3):
        np.testing.assert_array_equal(found.inside(label), label == CUBES)


def test_a_name_of_several_lines_becomes_one_line(tmp_path):
    path = write(tmp_path / "a.seg.nrrd", GRID, [ORGAN], [segment("left\\n lung ", 1)])
    assert [s.name for s in read_labels(path).structures] == ["left lung"]


def test_a_segment_without_a_name_is_called_by_its_id(tmp_path):
    entries = segment("x", 1, ID="Segment_17", Name=None)
    assert [s.name for s in read_labels(write(tmp_path / "a.seg.nrrd", GRID, [ORGAN], [entries])).structures] == [
        "Segment_17"
    ]


@pytest.mark.parametrize("kind", ["int16", "uint16", "float32"])
def test_layers_of_any_type_that_hold_whole_numbers_are_read(tmp_path, kind):
    layers = [ORGAN.astype(kind), TUMOR.astype(kind) * 7]
    _, masks = masks_by_name(write(tmp_path / "a.seg.nrrd", GRID, layers, [segment("o", 1, 0), segment("t", 7, 1)]))
    np.testing.assert_array_equal(masks["t"], TUMOR > 0)


def test_a_damaged_segmentation_is_refused_in_one_sentence(tmp_path, capsys):
    path = write(tmp_path / "a.seg.nrrd", GRID, [ORGAN, TUMOR], [segment("organ", "one", 0), segment("t", 1, 1)])
    with pytest.raises(InputError, match="damaged header"):
        read_labels(path)
    path = write(tmp_path / "b.seg.nrrd", GRID, [ORGAN, TUMOR], [segment("organ", 1, 0), segment("t", 1, 1)])
    path.write_bytes(path.read_bytes()[:-200])
    assert main(["metrics", "--fixed-labels", str(path), "--moving-labels", str(path)]) == 2
    assert "b.seg.nrrd" in capsys.readouterr().err


def test_layers_that_no_header_describes_are_refused(tmp_path):
    path = write(tmp_path / "a.nrrd", GRID, [ORGAN, TUMOR], [], more=())
    with pytest.raises(InputError, match="2 values per voxel"):
        read_labels(path)


def test_a_segmentation_of_nothing_is_refused(tmp_path):
    path = write(tmp_path / "a.seg.nrrd", Grid((2, 2, 2)), [np.zeros((2, 2, 2), np.uint8)], [segment("a", 1)])
    with pytest.raises(InputError, match="holds no label"):
        read_labels(path)
