"""``sam-registration segment`` from files to a label image."""

import argparse
import json

import numpy as np
import pytest
import SimpleITK as sitk
from SAMRegistrationLib.cli import segment as command
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.segmentation import models
from SAMRegistrationLib.segmentation.prompts import BOX, POSITIVE, Prompt, PromptSet, Structure
from segmentation_samples import FloodPredictor, body, dice, oblique_grid, picture, world

GRID = oblique_grid()
BODY = body(GRID, (18, 17, 7), (12, 14, 20))


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "open_predictor", lambda *arguments, **options: FloodPredictor())
    sitk.WriteImage(picture(GRID, BODY), str(tmp_path / "image.nii.gz"))
    prompt = Prompt(POSITIVE, (world(GRID, 18, 17, 7),))
    PromptSet((Structure("liver", 3, prompts=(prompt,)),)).save(tmp_path / "prompts.json")
    return tmp_path


def call(*arguments):
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    options = parser.parse_args(["segment", *[str(argument) for argument in arguments]])
    options.run(options)


def test_prompts_and_an_image_give_a_label_image_and_its_volumes(files, capsys):
    call(files / "image.nii.gz", "--prompts", files / "prompts.json", "-o", files / "out" / "labels.nii.gz", "--json")
    labels = sitk.ReadImage(str(files / "out" / "labels.nii.gz"))
    assert Grid.of(labels).matches(GRID)
    assert dice(sitk.GetArrayFromImage(labels) == 3, BODY) > 0.98
    report = json.loads(capsys.readouterr().out)
    milliliters = np.count_nonzero(sitk.GetArrayFromImage(labels)) * GRID.voxel_volume / 1000
    assert report["volume_ml"]["liver"] == pytest.approx(milliliters)


def test_unusable_input_is_told_before_any_work_and_writes_nothing(files):
    output = files / "labels.nii.gz"
    with pytest.raises(InputError, match="Cannot read"):
        call(files / "image.nii.gz", "--prompts", files / "absent.json", "-o", output)
    (files / "text.nii.gz").write_text("no image", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read as an image"):
        call(files / "text.nii.gz", "--prompts", files / "prompts.json", "-o", output)
    (files / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="Cannot write"):
        call(files / "image.nii.gz", "--prompts", files / "prompts.json", "-o", files / "file" / "labels.nii.gz")
    assert not output.exists()


def test_a_box_written_by_hand_is_enough(files):
    box = {"kind": BOX, "points": [world(GRID, 3, 3, 7), world(GRID, 33, 33, 7)]}
    data = {"format": "sam-registration-prompts", "version": 1, "structures": [{"name": "liver", "prompts": [box]}]}
    (files / "hand.json").write_text(json.dumps(data), encoding="utf-8")
    call(files / "image.nii.gz", "--prompts", files / "hand.json", "-o", files / "labels.nrrd", "--quiet")
    assert dice(sitk.GetArrayFromImage(sitk.ReadImage(str(files / "labels.nrrd"))), BODY) > 0.98


def two_structures_at_one_place(files, labels=(3, 70000)):
    structures = tuple(
        Structure(f"body {label}", label, prompts=(Prompt(POSITIVE, (world(GRID, *place),)),))
        for label, place in zip(labels, ((18, 17, 7), (20, 17, 7)))
    )
    PromptSet(structures).save(files / "two.json")
    return files / "image.nii.gz", "--prompts", files / "two.json"


def test_a_label_map_says_that_it_cannot_hold_structures_that_overlap(files, capsys):
    call(*two_structures_at_one_place(files), "-o", files / "labels.nii.gz", "--json")
    report = json.loads(capsys.readouterr().out)
    assert len(report["notes"]) == 1
    assert "gives to the smaller one" in report["notes"][0]
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(files / "labels.nii.gz")))
    assert {int(value) for value in np.unique(labels)} == {0, 3, 70000}
    assert dice(labels > 0, BODY) > 0.98


def test_an_output_that_is_a_segmentation_holds_structures_that_overlap_whole(files, capsys):
    call(*two_structures_at_one_place(files), "-o", files / "labels.seg.nrrd", "--json")
    assert json.loads(capsys.readouterr().out)["notes"] == []
    layers = sitk.GetArrayFromImage(sitk.ReadImage(str(files / "labels.seg.nrrd")))
    for label in (3, 70000):
        assert dice((layers == label).any(-1), BODY) > 0.98


def test_a_label_that_no_label_image_can_hold_is_refused_before_any_work(files):
    _, _, path = two_structures_at_one_place(files)
    path.write_text(path.read_text(encoding="utf-8").replace("70000", "4294967296"), encoding="utf-8")
    with pytest.raises(InputError, match="at most 4294967295, not 4294967296"):
        call(files / "absent.nii.gz", "--prompts", path, "-o", files / "labels.nii.gz")
