"""The experiments of the method: splits that share no patient, images made from label maps, rows over seeds."""

import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from SAMRegistrationLib.training.registration.datalist import read_data_list

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))
import method
import method_data


@pytest.fixture
def label_maps(tmp_path):
    """Twenty maps of 2 mm with two organs whose places differ."""
    folder = tmp_path / "maps"
    folder.mkdir()
    for number in range(20):
        labels = np.zeros((20, 24, 28), np.uint8)
        labels[4:12, 4:14, 4 + number % 5 : 14 + number % 5] = 6
        labels[13:18, 4:14, 8:20] = 1
        image = sitk.GetImageFromArray(labels)
        image.SetSpacing((2.0, 2.0, 2.0))
        sitk.WriteImage(image, str(folder / f"{number:04d}.nii.gz"))
    return folder


def test_abdomens_are_made_of_label_maps_with_one_contrast_for_a_pair(label_maps, tmp_path):
    data = read_data_list(method_data.abdomen(label_maps, tmp_path / "out", 4.0, draws=3))
    assert len(data.pairs_of("test")) == 15
    assert len(data.pairs_of("train")) == 3
    maps = {split: {case.id.split("-")[-1] for case in data.of(split)} for split in ("train", "test")}
    assert maps["test"] == {"0002", "0005", "0008", "0011", "0014", "0017"}
    assert not maps["train"] & maps["test"]
    differences, spread = [], []
    for pair in data.pairs_of("test"):
        images = [sitk.GetArrayFromImage(sitk.ReadImage(str(case.image))).astype(float) for case in pair]
        labels = [sitk.GetArrayFromImage(sitk.ReadImage(str(case.labels))) for case in pair]
        assert images[0].shape == labels[0].shape == (10, 12, 14)
        contrasts = [image[label == 6].mean() - image[label == 1].mean() for image, label in zip(images, labels)]
        differences.append(contrasts[0] - contrasts[1])
        spread.append(contrasts[0])
    assert np.std(differences) < 0.5 * np.std(spread)


def test_hearts_of_one_patient_are_in_one_split(tmp_path):
    for number in range(40):
        for name in ("ED", "ES", "ED_gt", "ES_gt"):
            path = tmp_path / "acdc" / f"patient{number:03d}" / f"{name}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    data = read_data_list(method_data.acdc(tmp_path / "acdc", tmp_path / "out", 4.0))
    assert {case.subject for case in data.of("test")} == {"patient009", "patient019", "patient029", "patient039"}
    assert {case.subject for case in data.of("validation")} == {"patient004", "patient024"}
    assert len(data.pairs_of("train")) == 2 * 34


def test_a_row_is_the_mean_over_the_seeds_with_their_standard_deviation(tmp_path):
    measured = method.Measured(tmp_path / "measured.jsonl")
    for seed, dice in ((1, (70, 80)), (2, (74, 84))):
        for pair, value in zip(("a", "b"), dice):
            key = {"pair": pair, "masks": "sam", "method": "network", "network": f"masks / 100 / {seed}"}
            numbers = {"dice": value, "initial": 50 + value, "sd log J": 0.1, "folded": 0, "seconds": 1}
            measured.put({**key, **numbers})
    again = method.Measured(tmp_path / "measured.jsonl")
    assert again.has({"pair": "a", "network": "masks / 100 / 2"})
    row = again.table({"a", "b"}).splitlines()[-1]
    assert row == "| network, masks / 100 | sam | 2 | 77.0 | 2.83 | 5.0 | 0.100 | 0.000 | 1.0 |"
