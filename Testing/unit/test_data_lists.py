"""Data lists: what is accepted, what is refused and with which sentence, and the splits of public layouts."""

import json

import numpy as np
import pytest
import SimpleITK as sitk
from cases import segmentations
from SAMRegistrationLib.cli import main
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.training.registration.check import check_data_list, read_label_volume
from SAMRegistrationLib.training.registration.datalist import read_data_list, write_data_list
from SAMRegistrationLib.training.registration.layouts import abdomen_ct_ct, acdc, msd_hippocampus


def write_volume(path, seed, size=(6, 7, 8), labels=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    array = rng.random(size[::-1]).astype(np.float32) if labels is None else rng.choice(labels, size[::-1])
    sitk.WriteImage(sitk.GetImageFromArray(array.astype(np.float32 if labels is None else np.uint8)), str(path))


@pytest.fixture
def content(tmp_path):
    """A sound list of three cases in the folder, as a dictionary to spoil."""
    for number in range(3):
        write_volume(tmp_path / f"i{number}.nii.gz", number)
        write_volume(tmp_path / f"l{number}.nii.gz", number, labels=[0, 1, 2])
    cases = [
        {"id": f"c{number}", "split": split, "image": f"i{number}.nii.gz", "labels": f"l{number}.nii.gz"}
        for number, split in enumerate(("train", "train", "test"))
    ]
    return {"name": "toy", "structures": {"1": "one", "2": "two"}, "cases": cases}


def read(tmp_path, content, check=True):
    path = tmp_path / "list.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    data = read_data_list(path)
    if check:
        check_data_list(data)
    return data


def refused(tmp_path, content, *parts):
    with pytest.raises(InputError) as error:
        read(tmp_path, content)
    sentence = str(error.value)
    assert "\n" not in sentence
    for part in parts:
        assert part in sentence


def test_a_sound_list_gives_ordered_training_pairs_and_unordered_test_pairs(tmp_path, content):
    write_volume(tmp_path / "i3.nii.gz", 3)
    content["cases"].append({"id": "c3", "split": "test", "image": "i3.nii.gz"})
    data = read(tmp_path, content)
    ids = {split: [(f.id, m.id) for f, m in data.pairs_of(split)] for split in ("train", "validation", "test")}
    assert sorted(ids["train"]) == [("c0", "c1"), ("c1", "c0")]
    assert ids["validation"] == []
    assert ids["test"] == [("c3", "c2")]


def test_a_written_list_reads_back_equal_and_its_paths_are_relative(tmp_path, content):
    content["pairs"] = {"train": [["c0", "c1"]]}
    data = read(tmp_path, content)
    write_data_list(data, tmp_path / "copy.json")
    assert read_data_list(tmp_path / "copy.json") == data
    assert str(tmp_path) not in (tmp_path / "copy.json").read_text(encoding="utf-8")


def test_a_missing_file_is_refused_naming_it_and_its_case(tmp_path, content):
    content["cases"][1]["labels"] = "gone.nii.gz"
    refused(tmp_path, content, "gone.nii.gz", '"c1"', "list.json")


def test_the_same_id_twice_is_refused(tmp_path, content):
    content["cases"][2]["id"] = "c0"
    refused(tmp_path, content, '"c0"', "list.json")


def test_the_same_file_in_train_and_test_is_refused(tmp_path, content):
    content["cases"][2]["image"] = "i0.nii.gz"
    refused(tmp_path, content, '"c0"', '"c2"', "i0.nii.gz")


def test_the_same_voxels_under_another_name_in_train_and_test_are_refused(tmp_path, content):
    write_volume(tmp_path / "renamed.nii", 0)
    content["cases"][2]["image"] = "renamed.nii"
    refused(tmp_path, content, '"c0"', '"c2"', "renamed.nii", "one split")


def test_one_subject_in_two_splits_is_refused(tmp_path, content):
    content["cases"][0]["subject"] = content["cases"][2]["subject"] = "Ada"
    refused(tmp_path, content, "Ada", '"c0"', '"c2"')


def test_a_label_that_is_not_in_the_map_is_refused(tmp_path, content):
    write_volume(tmp_path / "l1.nii.gz", 1, labels=[0, 1, 7])
    refused(tmp_path, content, "l1.nii.gz", '"c1"', "label 7")


def layered_labels(tmp_path, content, *names):
    """The first case with a segmentation of these names, all of whose segments overlap, as its labels."""
    case = content["cases"][0]
    grid = Grid.of(sitk.ReadImage(str(tmp_path / case["image"])))
    box = np.zeros(grid.shape, np.uint8)
    box[2:5, 2:5, 2:5] = 1
    segments = [segmentations.segment(name, 1, layer) for layer, name in enumerate(names)]
    segmentations.write(tmp_path / "labels.seg.nrrd", grid, [box] * len(names), segments)
    content["cases"][0] = {**case, "labels": "labels.seg.nrrd"}
    return box


def test_segments_that_overlap_have_the_numbers_of_their_names_in_the_list(tmp_path, content):
    content["structures"] = {"1": "left", "2": "right"}
    box = layered_labels(tmp_path, content, "Right ", "LEFT")
    data = read(tmp_path, content)
    found = read_label_volume(data.cases[0].labels, data.cases[0], data)
    assert {s.label: s.name for s in found.structures} == {1: "LEFT", 2: "Right"}
    for label in (1, 2):
        np.testing.assert_array_equal(found.inside(label), box > 0)


def test_segments_that_the_list_does_not_name_or_that_stand_for_the_same_are_refused(tmp_path, content):
    content["structures"] = {"1": "left", "2": "right"}
    layered_labels(tmp_path, content, "left", "spleen")
    refused(tmp_path, content, 'segment "spleen"', "not among the structures")
    layered_labels(tmp_path, content, "left", "Left")
    refused(tmp_path, content, "twice", "different names")


def test_labels_of_another_size_than_their_image_are_refused(tmp_path, content):
    write_volume(tmp_path / "l2.nii.gz", 2, size=(6, 7, 9), labels=[0, 1])
    refused(tmp_path, content, "l2.nii.gz", '"c2"', "6 x 7 x 9", "6 x 7 x 8")


def test_a_file_that_is_no_image_is_refused(tmp_path, content):
    (tmp_path / "i1.nii.gz").write_text("not an image", encoding="utf-8")
    refused(tmp_path, content, "i1.nii.gz", '"c1"')


@pytest.mark.parametrize(
    ("spoil", "part"),
    [
        (lambda c: c.pop("cases"), '"cases"'),
        (lambda c: c["cases"][0].pop("id"), "number 1"),
        (lambda c: c["cases"][0].pop("image"), '"image"'),
        (lambda c: c["cases"][0].update(split="dev"), '"split"'),
        (lambda c: c["cases"][0].update(lables="x"), '"lables"'),
        (lambda c: c.update(structures={"zero": "a"}), '"structures"'),
        (lambda c: c.update(pairs={"test": [["c2", "c0"]]}), '"c0"'),
        (lambda c: c.update(pairs={"train": [["c0"]]}), "two cases"),
    ],
)
def test_a_malformed_entry_is_refused_naming_it(tmp_path, content, spoil, part):
    spoil(content)
    refused(tmp_path, content, part, "list.json")


def test_a_list_that_is_no_json_is_refused(tmp_path):
    (tmp_path / "list.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"list.json is not valid JSON"):
        read_data_list(tmp_path / "list.json")


def test_abdomen_ct_ct_splits_into_190_training_and_45_test_pairs(tmp_path):
    for number in range(1, 31):
        for part in ("imagesTr", "labelsTr"):
            (tmp_path / part).mkdir(exist_ok=True)
            (tmp_path / part / f"AbdomenCTCT_{number:04d}_0000.nii.gz").touch()
    data = abdomen_ct_ct(tmp_path)
    test = [case.id for case in data.of("test")]
    assert test == [f"AbdomenCTCT_{index + 1:04d}_0000" for index in range(0, 30, 3)]
    assert len(data.pairs_of("test")) == 45
    assert len({frozenset((fixed.id, moving.id)) for fixed, moving in data.pairs_of("train")}) == 190
    assert len(data.structures) == 13


def test_acdc_splits_by_patient_90_to_10_and_pairs_end_diastole_with_end_systole(tmp_path):
    for number in range(1, 101):
        patient = tmp_path / f"patient{number:03d}"
        patient.mkdir()
        (patient / "Info.cfg").write_text("ED: 1\nES: 12\nGroup: DCM\n", encoding="utf-8")
        for name in ("4d", "frame01", "frame01_gt", "frame12", "frame12_gt"):
            (patient / f"{patient.name}_{name}.nii.gz").touch()
    data = acdc(tmp_path)
    assert {len(data.of("train")), len(data.of("test"))} == {180, 20}
    assert not {case.subject for case in data.of("train")} & {case.subject for case in data.of("test")}
    pairs = data.pairs_of("test")
    assert len(pairs) == 10
    assert all(fixed.id.endswith("ES") and moving.id.endswith("ED") for fixed, moving in pairs)
    assert all(fixed.subject == moving.subject for fixed, moving in pairs)
    assert pairs[0][1].labels.name == "patient010_frame01_gt.nii.gz"


def test_hippocampus_pairs_are_between_subjects_of_one_split(tmp_path):
    for number in range(200):
        for part in ("imagesTr", "labelsTr"):
            (tmp_path / part).mkdir(exist_ok=True)
            (tmp_path / part / f"hippocampus_{number:03d}.nii.gz").touch()
    (tmp_path / "imagesTr" / "._hippocampus_000.nii.gz").touch()
    data = msd_hippocampus(tmp_path)
    assert [len(data.of(split)) for split in ("train", "validation", "test")] == [152, 8, 40]
    assert len(set(data.pairs["test"])) == 80
    write_data_list(data, tmp_path / "list.json")
    assert read_data_list(tmp_path / "list.json").pairs == data.pairs


@pytest.mark.parametrize("layout", [abdomen_ct_ct, acdc, msd_hippocampus])
def test_a_folder_of_another_layout_is_refused_naming_it(tmp_path, layout):
    with pytest.raises(InputError, match=str(tmp_path)):
        layout(tmp_path)


def test_the_command_checks_a_list_and_counts_its_pairs(tmp_path, content, capsys):
    (tmp_path / "list.json").write_text(json.dumps(content), encoding="utf-8")
    assert main(["data-list", str(tmp_path / "list.json"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pairs"] == {"train": 2, "validation": 0, "test": 0}


def test_the_command_refuses_a_layout_without_a_folder(tmp_path, capsys):
    assert main(["data-list", str(tmp_path / "list.json"), "--layout", "acdc"]) == 2
    assert "--folder" in capsys.readouterr().err
