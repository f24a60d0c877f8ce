"""The benchmark scores what a method hands back, goes on where it stopped, and reports failures."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))
import registration as bench


@pytest.fixture
def a_pair(tmp_path):
    """A box and the same box moved by (3, 0, 0) mm; label 2 is in the fixed image only."""
    moving = np.zeros((10, 12, 14), np.uint8)
    moving[3:6, 4:8, 6:10] = 1
    fixed = np.roll(moving, -3, axis=2)
    fixed[7:9] = 2
    files = {"fixed_labels": fixed, "moving_labels": moving, "fixed": fixed, "moving": moving}
    for name, array in files.items():
        sitk.WriteImage(sitk.GetImageFromArray(array), str(tmp_path / f"{name}.nii.gz"))
    paths = {name: tmp_path / f"{name}.nii.gz" for name in files}
    return bench.Pair("cardiac", "one", labels={"1": "left ventricle cavity"}, given=("1",), **paths)


def test_the_right_shift_scores_a_dice_of_one_and_the_identity_less(a_pair):
    found = bench.score(a_pair, sitk.TranslationTransform(3, (3.0, 0.0, 0.0)))
    assert found["dice"] == 1.0
    assert found["hd95_mm"] == pytest.approx(0.0, abs=1e-4)
    assert found["folded_voxels"] == 0
    assert bench.score(a_pair, sitk.Transform(3, sitk.sitkIdentity))["dice"] == pytest.approx(0.25)


def a_method(monkeypatch, tmp_path, code):
    """Make a script with `code` take the place of every method."""
    monkeypatch.setattr(bench, "HERE", tmp_path)
    for name in ("peers.py", "ours.py"):
        (tmp_path / name).write_text(code, encoding="utf-8")
    return Path(sys.executable)


def test_a_method_that_crashes_is_recorded_with_its_last_words(a_pair, monkeypatch, tmp_path):
    python = a_method(monkeypatch, tmp_path, "raise SystemExit('out of luck')")
    record = bench.run_method("greedy", a_pair, python, 1, limit=60)
    assert record["error"] == "exit code 1: out of luck"


def test_a_method_gets_its_threads_and_its_transform_is_scored(a_pair, monkeypatch, tmp_path):
    code = (
        "import json, os, sys, SimpleITK as sitk\n"
        "assert os.environ['OMP_NUM_THREADS'] == sys.argv[5] == '3'\n"
        "sitk.WriteTransform(sitk.TranslationTransform(3, (3.0, 0.0, 0.0)), sys.argv[4] + '/transform.h5')\n"
        "outcome = {'seconds': 1.5, 'cpu_seconds': 1.0, 'peak_mb': 100.0}\n"
        "json.dump(outcome, open(sys.argv[4] + '/outcome.json', 'w'))\n"
    )
    record = bench.run_method("greedy", a_pair, a_method(monkeypatch, tmp_path, code), 3, limit=60)
    assert record["dice"] == 1.0
    assert record["seconds"] == 1.5


def test_a_method_that_takes_too_long_is_ended_and_recorded(a_pair, monkeypatch, tmp_path):
    python = a_method(monkeypatch, tmp_path, "import time; time.sleep(60)")
    record = bench.run_method("elastix", a_pair, python, 1, limit=0.2)
    assert record["error"] == "not finished after 0 s"


@pytest.mark.parametrize(
    ("method", "shown"),
    [("ours-fast", []), ("ours-balanced-half", ["1", "3"]), ("ours-balanced-all", ["1", "2", "3"]), ("greedy", None)],
)
def test_a_method_is_shown_the_masks_that_its_name_says_and_a_peer_no_label_map(
    a_pair, monkeypatch, tmp_path, method, shown
):
    pair = replace(a_pair, labels={"1": "a", "2": "b", "3": "c"}, given=("1", "3"))
    python = a_method(monkeypatch, tmp_path, "import sys; raise SystemExit(' '.join(sys.argv[6:]))")
    expected = [] if shown is None else [str(pair.fixed_labels), str(pair.moving_labels), *shown]
    assert bench.run_method(method, pair, python, 1, limit=60)["error"] == f"exit code 1: {' '.join(expected)}"


def test_only_the_labels_that_are_given_stay_in_the_masks():
    import ours

    labels = sitk.GetImageFromArray(np.array([[[0, 1, 2], [3, 2, 1]]], np.uint8))
    labels.SetOrigin((1.0, 2.0, 3.0))
    masks = ours.only(labels, [1, 3])
    assert sitk.GetArrayFromImage(masks).tolist() == [[[0, 1, 0], [3, 0, 1]]]
    assert masks.GetOrigin() == (1.0, 2.0, 3.0)


def test_half_a_brain_has_the_mean_of_eight_voxels_and_the_tissue_of_most():
    import brains

    image, tissues = np.zeros((2, 2, 6), np.float32), np.zeros((2, 2, 6), np.uint8)
    image[..., 2:] = np.arange(4)
    tissues[:, :, 2:4], tissues[0, 0, 2:4], tissues[..., 5], tissues[0, 0, 5] = 1, 2, 2, 1
    volumes = [sitk.GetImageFromArray(array) for array in (image, tissues)]
    for volume in volumes:
        volume.SetSpacing((1.0, 2.0, 3.0))
    small, labels = brains.halved(*volumes)
    assert sitk.GetArrayFromImage(small).ravel().tolist() == [0.0, 0.5, 2.5]
    assert sitk.GetArrayFromImage(labels).ravel().tolist() == [0, 1, 0]
    assert small.GetSpacing() == labels.GetSpacing() == (2.0, 4.0, 6.0)
    assert labels.TransformIndexToPhysicalPoint((0, 0, 0)) == (0.5, 1.0, 1.5)


def test_results_survive_a_restart_and_a_new_score_replaces_the_old_one(a_pair, tmp_path):
    file = tmp_path / "out" / "scores.json"
    results = bench.Results(file)
    assert results.find("greedy", a_pair) is None
    for dice in (0.5, 0.75):
        results.put({"method": "greedy", "set": "cardiac", "pair": "one", "dice": dice})
    assert bench.Results(file).find("greedy", a_pair)["dice"] == 0.75
    assert len(bench.Results(file).records) == 1


def test_two_benchmarks_fill_the_same_file(a_pair, tmp_path):
    file = tmp_path / "scores.json"
    both = bench.Results(file), bench.Results(file)
    for results, method in zip(both, ("greedy", "demons")):
        results.put({"method": method, "set": "cardiac", "pair": "one", "dice": 0.5})
    assert {record["method"] for record in bench.Results(file).records} == {"greedy", "demons"}


def test_the_table_has_a_row_per_method_as_wide_as_its_header_and_names_failures(a_pair):
    good = {"set": "cardiac", "pair": "one", "method": "greedy", "seconds": 2.0, "cpu_seconds": 1.0, "peak_mb": 90.0}
    good.update(bench.score(a_pair, sitk.TranslationTransform(3, (3.0, 0.0, 0.0))))
    bad = {"set": "cardiac", "pair": "one", "method": "elastix", "error": "exit code 1: no"}
    lines = bench.markdown([bad, good]).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len({row.count("|") for row in rows}) == 1
    assert rows[2].startswith("| greedy | 1/3 | 100.00 | 100.00 | - | 100.00 |")
    assert {row.split(" | ")[0][2:] for row in rows[3:]} == set(bench.methods_of("cardiac")) - {"greedy"}
    assert all(" | 0/3 | - |" in row for row in rows[3:])
    assert "- elastix: exit code 1: no (one)" in lines
    (missing,) = (line for line in lines if line.startswith("- not run: "))
    assert "demons" in missing
    assert "elastix" not in missing


def test_structures_given_as_masks_and_the_others_have_a_column_each():
    structures = [{"dice": dice} for dice in (0.9, 0.5, 0.8)]
    deformation = {"folded_fraction": 0.0, "sd_log_jacobian": 0.1, "sd_log_jacobian_learn2reg": 0.02}
    record = {"set": "acdc", "pair": "patient012", "method": "ours-balanced-half", "dice": 0.733, "hd95_mm": 2.0}
    record.update(structures=structures, **deformation, seconds=1.0, cpu_seconds=1.0, peak_mb=90.0)
    header, _, row = (line.split(" | ") for line in bench.markdown([record]).splitlines()[2:5])
    cells = dict(zip(header, row))
    assert cells["given %"] == "85.00"
    assert cells["not given %"] == cells["myocardium %"] == "50.00"
    assert cells["left ventricle % (given)"] == "80.00"


@pytest.mark.parametrize("name", bench.PAIR_SETS)
def test_no_image_is_used_twice_and_what_is_given_is_scored(name):
    description = bench.PAIR_SETS[name]
    images = [entry[role] for entry in description["pairs"] for role in ("fixed", "moving")]
    assert len(set(images)) == len(images)
    assert set(description["given"]) <= set(description["labels"])


@pytest.mark.data
def test_all_pairs_are_found_in_the_data_folder_and_chosen_as_the_file_says():
    from run import DEFAULT_DATA

    if not DEFAULT_DATA.is_dir():
        pytest.skip(f"no data folder {DEFAULT_DATA}")
    found = [pair.set_name for pair in bench.pairs_in(DEFAULT_DATA)]
    assert {name: found.count(name) for name in found} == {
        "hippocampus": 20,
        "cardiac": 3,
        "acdc": 8,
        "head-and-neck": 12,
    }

    def subjects(name):
        return [entry[role] for entry in bench.PAIR_SETS[name]["pairs"] for role in ("fixed", "moving")]

    cases = sorted(file.name[12:15] for file in (DEFAULT_DATA / "msd-hippocampus/images").glob("*.nii.gz"))
    order = np.random.default_rng(2025).permutation(len(cases))[:40]
    assert subjects("hippocampus") == [cases[index] for index in order]
    patients = sorted(folder.name for folder in (DEFAULT_DATA / "acdc").glob("patient*"))
    assert subjects("acdc")[::2] == [f"{patient}/ED" for patient in patients[9::10]]
    numbers = sorted(int(file.name.split("_")[1]) for file in (DEFAULT_DATA / "openkbp-head-neck").glob("*_ct.nii.gz"))
    assert subjects("head-and-neck") == [str(number) for number in numbers]
