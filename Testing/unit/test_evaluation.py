"""Evaluation tables: their numbers agree with independent computations, and what cannot be evaluated is refused."""

import csv
import json

import numpy as np
import pytest
import SimpleITK as sitk
from SAMRegistrationLib.cli import main
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.training.registration.evaluate import evaluate, read_evaluation
from SAMRegistrationLib.training.registration.memory import PeakMemory

SPACING = (1.0, 1.5, 2.0)
SHIFT = np.array([2.0, 0.0, 0.0])


def write_ball(folder, name, center):
    """A ball of radius 9 mm (label 2) in a turned box with a smooth background, and its center as a landmark."""
    turn = sitk.Euler3DTransform((0.0, 0.0, 0.0), 0.0, 0.0, 0.3)
    image = sitk.Image(28, 22, 18, sitk.sitkFloat32)
    image.SetSpacing(SPACING)
    image.SetDirection(turn.GetMatrix())
    points = np.array(
        [image.TransformIndexToPhysicalPoint((i, j, k)) for k in range(18) for j in range(22) for i in range(28)]
    )
    middle = np.array(image.TransformContinuousIndexToPhysicalPoint((13.5, 10.5, 8.5))) + center
    distance = np.linalg.norm(points - middle, axis=1).reshape(18, 22, 28)
    texture = np.sin(0.4 * (points - center) @ [1, 0.7, 0.5]).reshape(18, 22, 28)
    for part, array in (
        ("image", 100 * (distance < 9) + 10 * texture + 50),
        ("labels", 2.0 * (distance < 9)),
    ):
        volume = sitk.GetImageFromArray(array.astype(np.float32 if part == "image" else np.uint8))
        volume.CopyInformation(image)
        sitk.WriteImage(volume, str(folder / f"{name}-{part}.nii.gz"))
    np.savetxt(folder / f"{name}.csv", middle + np.array([[0, 0, 0], [3, 1, 2]]), delimiter=",")


@pytest.fixture
def balls(tmp_path):
    """A data list of two test cases whose balls are 2 mm apart."""
    write_ball(tmp_path, "a", np.zeros(3))
    write_ball(tmp_path, "b", SHIFT)
    cases = [
        {
            "id": name,
            "split": "test",
            "image": f"{name}-image.nii.gz",
            "labels": f"{name}-labels.nii.gz",
            "landmarks": f"{name}.csv",
        }
        for name in "ab"
    ]
    content = {"name": "balls", "structures": {"2": "ball"}, "cases": cases, "pairs": {"test": [["a", "b"]]}}
    (tmp_path / "list.json").write_text(json.dumps(content), encoding="utf-8")
    return tmp_path


def recipe(folder, text=""):
    path = folder / "evaluate.toml"
    path.write_text(
        'list = "list.json"\noutput = "tables"\nmethods = ["initial", "affine", "refinement"]\n'
        "levels = [[2, 8], [1, 4]]\n" + text,
        encoding="utf-8",
    )
    return path


def test_the_table_agrees_with_numbers_computed_apart(balls):
    result = evaluate(read_evaluation(recipe(balls)))
    with open(balls / "tables" / "results.csv", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    by_row = {(line["method"], line["masks"]): line for line in lines}
    assert list(by_row) == [
        ("initial", "without"),
        ("affine", "without"),
        ("refinement", "without"),
        ("affine", "with"),
        ("refinement", "with"),
    ]
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(*(sitk.ReadImage(str(balls / f"{name}-labels.nii.gz")) for name in "ab"))
    initial = by_row["initial", "without"]
    assert float(initial["dice"]) == pytest.approx(overlap.GetDiceCoefficient(2), abs=1e-5)
    assert float(initial["tre_mm"]) == pytest.approx(np.linalg.norm(SHIFT), abs=1e-5)
    assert float(initial["sd_log_jacobian"]) == pytest.approx(0, abs=1e-9)
    for key in list(by_row)[1:]:
        assert float(by_row[key]["dice"]) > float(initial["dice"]) + 0.02
        assert float(by_row[key]["tre_mm"]) < 1.0
        assert float(by_row[key]["folded_fraction"]) == 0
        assert float(by_row[key]["peak_mb"]) > 10
    header, *rows = result["rows"]
    assert [row[0] for row in rows] == ["initial", "affine", "refinement", "affine, masks", "refinement, masks"]
    assert float(rows[0][header.index("ball Dice %")]) == pytest.approx(100 * float(initial["dice"]), abs=0.06)
    text = (balls / "tables" / "table.md").read_text(encoding="utf-8")
    assert text.count("\n| ") == 6
    assert "1 pairs of balls (test)" in text


def test_the_network_is_one_of_the_methods_and_its_weights_can_be_given(balls):
    from SAMRegistrationLib.network.checkpoint import save_network
    from SAMRegistrationLib.network.config import NetworkConfig
    from SAMRegistrationLib.network.model import RegistrationNetwork

    config = NetworkConfig.from_preset("fast", channels=[4, 8], heads=[1, 2], depths=[2, 2])
    save_network(RegistrationNetwork(config), balls / "untrained.safetensors")
    path = balls / "evaluate.toml"
    path.write_text(
        'list = "list.json"\noutput = "tables"\nmethods = ["affine", "network", "network + refinement"]\n'
        'masks = ["without"]\nweights = "untrained.safetensors"\nlevels_after_network = [[1, 2]]\n',
        encoding="utf-8",
    )
    _, affine, network, both = evaluate(read_evaluation(path))["rows"]
    assert affine[1] == network[1]  # an untrained network predicts about nothing
    assert both[0] == "network + refinement"


def test_masks_with_random_errors_differ_from_the_masks_and_are_the_same_every_time(balls):
    from SAMRegistrationLib.training.registration.datalist import read_data_list
    from SAMRegistrationLib.training.registration.evaluate import _Pair

    data = read_data_list(balls / "list.json")
    evaluation = read_evaluation(recipe(balls, "mask_dice = 0.8\nseed = 4\n"))
    pairs = [_Pair(evaluation, data, *data.pairs_of("test")[0], 0) for _ in range(2)]
    first, again = (sitk.GetArrayFromImage(pair.masks[0].label_image()) for pair in pairs)
    assert np.array_equal(first, again)
    differs = [
        any(not np.array_equal(mask.inside(label), labels.inside(label)) for label in labels.labels)
        for mask, labels in zip(pairs[0].masks, pairs[0].labels)
    ]
    assert any(differs)


def test_a_case_without_labels_cannot_be_evaluated(balls):
    content = json.loads((balls / "list.json").read_text(encoding="utf-8"))
    del content["cases"][1]["labels"]
    (balls / "list.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=r'"b".*list\.json.*labels'):
        evaluate(read_evaluation(recipe(balls)))


def test_landmarks_in_different_numbers_are_refused_naming_the_files(balls):
    np.savetxt(balls / "b.csv", [[1.0, 2.0, 3.0]], delimiter=",")
    with pytest.raises(InputError, match=r"2 of .*a\.csv and 1 of .*b\.csv"):
        evaluate(read_evaluation(recipe(balls)))


def test_a_structure_that_only_one_case_has_does_not_count(balls):
    labels = sitk.ReadImage(str(balls / "b-labels.nii.gz"))
    labels[0, 0, 0] = 1
    sitk.WriteImage(labels, str(balls / "b-labels.nii.gz"))
    content = json.loads((balls / "list.json").read_text(encoding="utf-8"))
    content["structures"]["1"] = "speck"
    (balls / "list.json").write_text(json.dumps(content), encoding="utf-8")
    path = balls / "evaluate.toml"
    path.write_text(
        'list = "list.json"\noutput = "tables"\nmethods = ["initial"]\nmasks = ["without"]\n', encoding="utf-8"
    )
    header, row = evaluate(read_evaluation(path))["rows"]
    assert "speck Dice %" not in header
    assert row[1] == row[header.index("ball Dice %")]


def test_a_split_without_pairs_is_refused(balls):
    with pytest.raises(InputError, match=r"list\.json has no pairs of the split validation"):
        evaluate(read_evaluation(recipe(balls, 'split = "validation"\n')))


@pytest.mark.parametrize("text", ['methods = ["magic"]', 'masks = ["maybe"]', 'split = "dev"'])
def test_an_unknown_choice_is_refused_naming_it(balls, text):
    path = balls / "evaluate.toml"
    path.write_text(f'list = "list.json"\noutput = "tables"\n{text}\n', encoding="utf-8")
    with pytest.raises(InputError, match=text.split('"')[1]):
        read_evaluation(path)


def test_the_command_prints_the_table(balls, capsys):
    path = balls / "evaluate.toml"
    path.write_text(
        'list = "list.json"\noutput = "tables"\nmethods = ["initial"]\nmasks = ["without"]\n', encoding="utf-8"
    )
    assert main(["evaluate", str(path)]) == 0
    assert "initial" in capsys.readouterr().out
    assert main(["evaluate", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pairs"] == 1


def test_peak_memory_sees_a_large_array():
    with PeakMemory() as small:
        pass
    with PeakMemory() as large:
        array = np.ones((64, 1024, 1024), dtype=np.float32)
        assert array.sum() > 0
    assert large.peak_mb > small.peak_mb + 150
