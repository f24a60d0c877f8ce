"""DICOM Segmentation objects as labels: every segment whole, in its place, with its name."""

import json
import sys

import numpy as np
import pytest
import SimpleITK as sitk
from cases.dicom_segmentations import write
from cases.labels import ORGAN, TUMOR, oblique, organ_with_tumor
from SAMRegistrationLib.cli import main
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.volumes import as_structures, read_labels

GRID = oblique()
MASKS = organ_with_tumor(GRID, GRID.center)


def test_segments_that_overlap_come_out_whole_in_their_place_with_their_names(tmp_path):
    found = read_labels(write(tmp_path / "a.dcm", GRID, MASKS))
    assert [(s.label, s.name) for s in found.structures] == [(1, ORGAN), (2, TUMOR)]
    here = found.warped(sitk.Transform(3, sitk.sitkIdentity), GRID)
    for label, name in ((1, ORGAN), (2, TUMOR)):
        np.testing.assert_array_equal(here.inside(label), MASKS[name])
    assert found.grid.size[2] < GRID.size[2]


def test_the_only_file_of_a_folder_is_read_and_empty_slices_between_are_no_hole(tmp_path):
    (tmp_path / "folder").mkdir()
    two = {"parts": MASKS[ORGAN].copy()}
    two["parts"][12] = False
    write(tmp_path / "folder" / "a.dcm", GRID, two)
    here = read_labels(tmp_path / "folder").warped(sitk.Transform(3, sitk.sitkIdentity), GRID)
    np.testing.assert_array_equal(here.inside(1), two["parts"])


def test_a_dicom_segmentation_and_a_label_map_are_measured_against_each_other(tmp_path, capsys):
    write(tmp_path / "a.dcm", GRID, MASKS)
    sitk.WriteImage(GRID.image(MASKS[ORGAN].astype(np.uint8)), str(tmp_path / "b.nii.gz"))
    labels = ["--fixed-labels", str(tmp_path / "b.nii.gz"), "--moving-labels", str(tmp_path / "a.dcm"), "--json"]
    assert main(["metrics", *labels]) == 0
    rows = json.loads(capsys.readouterr().out)["structures"]
    assert rows[0]["dice"] == pytest.approx(1.0)


def test_what_cannot_be_read_right_is_refused_in_one_sentence(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="type FRACTIONAL"):
        read_labels(write(tmp_path / "a.dcm", GRID, MASKS, kind="FRACTIONAL"))
    with pytest.raises(InputError, match="uneven distances"):
        read_labels(write(tmp_path / "b.dcm", GRID, {ORGAN: MASKS[ORGAN]}, moved=3))
    path = write(tmp_path / "c.dcm", GRID, MASKS)
    with pytest.raises(InputError, match="does not read where they are"):
        as_structures(sitk.ReadImage(str(path)), "The fixed label image")
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(InputError, match="install pydicom"):
        read_labels(path)


def test_frames_that_end_within_a_byte_are_read_to_their_last_voxel(tmp_path):
    grid = Grid((30, 26, 5), (1.0, 1.2, 3.0))  # 780 bits are 97 bytes and a half
    mask = np.random.default_rng(2).random(grid.shape) < 0.5
    found = read_labels(write(tmp_path / "seg.dcm", grid, {"noise": mask}))
    np.testing.assert_array_equal(found.inside(1), mask)
