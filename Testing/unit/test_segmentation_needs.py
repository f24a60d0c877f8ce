"""What published click models need is told before they are used."""

import argparse

import pytest
import SimpleITK as sitk
from SAMRegistrationLib.choices import CLICK_MODELS
from SAMRegistrationLib.cli import segment as command
from SAMRegistrationLib.segmentation import models
from SAMRegistrationLib.segmentation.needs import first_use_text, needs_of
from SAMRegistrationLib.segmentation.prompts import POSITIVE, Prompt, PromptSet, Structure
from segmentation_samples import FloodPredictor, body, oblique_grid, picture, world


@pytest.mark.parametrize("name", [model.name for model in CLICK_MODELS if model.needs_download])
def test_every_published_model_has_figures_and_more_memory_than_its_file(name):
    needs = needs_of(name)
    assert needs.memory > needs.file
    assert needs.seconds(4) == pytest.approx(needs.seconds(1) / 4)


def test_larger_models_need_more():
    small, middle, large = (needs_of(f"sam-vit-{size}") for size in "blh")
    assert small.memory < middle.memory < large.memory
    assert small.core_seconds < middle.core_seconds < large.core_seconds


def test_models_that_ship_and_unknown_files_have_nothing_to_tell(tmp_path):
    (tmp_path / "small.pth").write_bytes(b"0" * 1000)
    for name in ("compact", "geodesic", str(tmp_path / "small.pth"), str(tmp_path / "absent.pth")):
        assert needs_of(name) is None
        assert first_use_text(name, "cpu", None) == ""


def test_a_file_of_the_size_of_a_published_one_is_taken_for_its_network(tmp_path):
    path = tmp_path / "mine.pth"
    with path.open("wb") as file:
        file.truncate(1_240_000_000)
    assert needs_of(str(path))._replace(file=0) == needs_of("sam-vit-l")._replace(file=0)
    assert needs_of(str(path)).megabytes == 1240


def test_the_sentence_names_file_memory_and_the_seconds_of_the_cpu_only():
    text = first_use_text("sam-vit-h", "cpu", 3 * 2**30)
    assert text.startswith("sam-vit-h: a file of 2565 MB, up to ")
    assert "3.0 GB are free" in text
    assert "s for a slice that is new" in text
    assert "for a slice" not in first_use_text("sam-vit-h", "cuda:0", None)


def test_the_command_tells_before_the_model_is_loaded(tmp_path, monkeypatch, capsys):
    told = []

    def open_predictor(*_arguments, **_options):
        told.append(capsys.readouterr().out)
        return FloodPredictor()

    monkeypatch.setattr(models, "open_predictor", open_predictor)
    grid = oblique_grid()
    sitk.WriteImage(picture(grid, body(grid, (18, 17, 7), (12, 14, 20))), str(tmp_path / "image.nii.gz"))
    prompts = (Prompt(POSITIVE, (world(grid, 18, 17, 7),)),)
    PromptSet((Structure("liver", 3, prompts=prompts),)).save(tmp_path / "prompts.json")
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    words = ["segment", tmp_path / "image.nii.gz", "--prompts", tmp_path / "prompts.json", "-o", tmp_path / "a.nii.gz"]
    for model in ("sam-vit-b", "compact"):
        options = parser.parse_args([*map(str, words), "--model", model])
        options.run(options)
        capsys.readouterr()
    assert told[0].startswith("sam-vit-b: a file of 375 MB")
    assert told[1] == ""
