"""The benchmark scores what a method hands back, goes on where it stopped, and reports failures."""

import json
import sys
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
    return bench.Pair("cardiac", "one", labels={"1": "left ventricle cavity"}, **paths)


def test_the_right_shift_scores_a_dice_of_one_and_the_identity_less(a_pair):
    found = bench.score(a_pair, sitk.TranslationTransform(3, (3.0, 0.0, 0.0)))
    assert found["dice"] == 1.0
    assert found["hd95_mm"] == pytest.approx(0.0, abs=1e-4)
    assert found["folded_voxels"] == 0
    assert bench.score(a_pair, sitk.Transform(3, sitk.sitkIdentity))["dice"] == pytest.approx(0.25)


def a_method(monkeypatch, tmp_path, code):
    """Make a script with `code` take the place of every peer."""
    monkeypatch.setattr(bench, "HERE", tmp_path)
    (tmp_path / "peers.py").write_text(code, encoding="utf-8")
    return Path(sys.executable)


def test_a_method_that_crashes_is_recorded_with_its_last_words(a_pair, monkeypatch, tmp_path):
    python = a_method(monkeypatch, tmp_path, "raise SystemExit('out of luck')")
    record = bench.run_method("greedy", a_pair, python, 1)
    assert record["error"] == "exit code 1: out of luck"


def test_a_method_gets_its_threads_and_its_transform_is_scored(a_pair, monkeypatch, tmp_path):
    code = (
        "import json, os, sys, SimpleITK as sitk\n"
        "assert os.environ['OMP_NUM_THREADS'] == sys.argv[5] == '3'\n"
        "sitk.WriteTransform(sitk.TranslationTransform(3, (3.0, 0.0, 0.0)), sys.argv[4] + '/transform.h5')\n"
        "outcome = {'seconds': 1.5, 'cpu_seconds': 1.0, 'peak_mb': 100.0}\n"
        "json.dump(outcome, open(sys.argv[4] + '/outcome.json', 'w'))\n"
    )
    record = bench.run_method("greedy", a_pair, a_method(monkeypatch, tmp_path, code), 3)
    assert record["dice"] == 1.0
    assert record["seconds"] == 1.5


def test_results_survive_a_restart_and_a_new_score_replaces_the_old_one(a_pair, tmp_path):
    file = tmp_path / "out" / "scores.json"
    results = bench.Results(file)
    assert results.find("greedy", a_pair) is None
    for dice in (0.5, 0.75):
        results.put({"method": "greedy", "set": "cardiac", "pair": "one", "dice": dice})
    assert bench.Results(file).find("greedy", a_pair)["dice"] == 0.75
    assert len(json.loads(file.read_text(encoding="utf-8"))) == 1


def test_the_table_has_a_row_per_method_as_wide_as_its_header_and_names_failures(a_pair):
    good = {"set": "cardiac", "pair": "one", "method": "greedy", "seconds": 2.0, "cpu_seconds": 1.0, "peak_mb": 90.0}
    good.update(bench.score(a_pair, sitk.TranslationTransform(3, (3.0, 0.0, 0.0))))
    bad = {"set": "cardiac", "pair": "one", "method": "elastix", "error": "exit code 1: no"}
    lines = bench.markdown([bad, good]).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len({row.count("|") for row in rows}) == 1
    assert rows[2].startswith("| greedy | 1/3 | 100.00 |")
    assert rows[3].startswith("| elastix | 0/3 |")
    assert "- elastix: exit code 1: no (one)" in lines


def test_every_named_pair_is_complete_and_no_subject_is_used_twice():
    hippocampus = bench.PAIR_SETS["hippocampus"]["pairs"]
    subjects = [entry[role] for entry in hippocampus for role in ("fixed", "moving")]
    assert len(hippocampus) == 20
    assert len(set(subjects)) == 40


@pytest.mark.data
def test_all_pairs_are_found_in_the_data_folder():
    from run import DEFAULT_DATA

    if not DEFAULT_DATA.is_dir():
        pytest.skip(f"no data folder {DEFAULT_DATA}")
    assert len(bench.pairs_in(DEFAULT_DATA)) == 23
