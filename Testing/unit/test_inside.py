"""No path leaves the folder for results: names and links of every place that takes a path from data."""

import hashlib
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from export_samples import sample
from phantoms import oblique_grid
from SAMRegistrationLib import weights
from SAMRegistrationLib.cli import main
from SAMRegistrationLib.errors import InputError, SAMRegistrationError
from SAMRegistrationLib.inside import inside, is_inside
from SAMRegistrationLib.segmentation.prompts import Prompt, PromptSet, Structure
from SAMRegistrationLib.sequences.frame_files import known_motion, write_frame
from SAMRegistrationLib.sequences.motion import FrameMotion
from SAMRegistrationLib.training.registration.state import TrainingState, load_state, save_state

GRID = oblique_grid((8, 7, 5), (3.0, 3.1, 4.2), (0.3, -0.2, 0.4))
LEADING_OUT = [
    *("..", ".", "../out", "..\\out", "a/../../out", "/tmp/out", "\\out", "C:out", "C:\\out", "\\\\server\\share\\out"),
    *("//server/share", "\\\\?\\C:\\out", "CON", "nul.nrrd", "Lpt1", "out.", "out ", " out", "", "a\0b", "a\nb", "~"),
    *("a:stream", "a*", "-o", ".hidden", "x" * 101),
]
links = pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")


@pytest.fixture
def elsewhere(tmp_path):
    """A folder that must stay empty, beside one for results."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "results").mkdir()
    yield tmp_path / "elsewhere"
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("name", LEADING_OUT)
def test_names_that_could_lead_out_are_refused(name, tmp_path):
    with pytest.raises(InputError, match="cannot be the name"):
        inside(tmp_path, name)


@pytest.mark.parametrize(
    "name", ["liver", "Leber_2.nrrd", "Milz-Ärger", "肝.nii.gz", "v1..2", "0001", "console", "x" * 100]
)
def test_plain_names_lie_in_the_folder(name, tmp_path):
    assert inside(tmp_path, name) == tmp_path / name
    assert is_inside(inside(tmp_path, name), tmp_path)


@links
def test_what_lies_inside_is_told_after_links_were_followed(tmp_path):
    (tmp_path / "results" / "deep").mkdir(parents=True)
    (tmp_path / "out").symlink_to(tmp_path / "results")
    (tmp_path / "results" / "up").symlink_to(tmp_path)
    assert is_inside(tmp_path / "out" / "deep" / "a", tmp_path / "results")
    assert not is_inside(tmp_path / "results" / "up" / "a", tmp_path / "results")
    assert not is_inside(tmp_path / "results" / "deep" / ".." / ".." / "a", tmp_path / "results")
    assert not is_inside(tmp_path / "results2" / "a", tmp_path / "results")


@links
def test_links_are_refused(elsewhere, tmp_path):
    (tmp_path / "results" / "a").symlink_to(elsewhere)
    (tmp_path / "results" / "b").symlink_to(elsewhere / "not there")
    for name in "ab":
        with pytest.raises(InputError, match="is a link"):
            inside(tmp_path / "results", name)


@pytest.mark.parametrize(
    "url", ["https://x/..", "https://x/C:w.pth", "https://x/a\\b.pth", "https://x/", "https://x/nul"]
)
def test_weights_are_kept_under_no_name_that_leads_out(url, tmp_path, elsewhere):
    entry = weights.WeightsFile("tiny", url, "0" * 64, 3, "CC0-1.0", "ViT-T", "here")
    for action in (weights.download, weights.installed_path, weights.is_installed, weights.remove):
        with pytest.raises(InputError, match="no name that a file could have"):
            action(entry, tmp_path / "results")


@links
@pytest.mark.parametrize("ending", [".part", ".verified"])
def test_weights_are_written_through_no_link(ending, tmp_path, elsewhere):
    folder = tmp_path / "results"
    entry = weights.WeightsFile(
        "tiny", "file:///w.pth", hashlib.sha256(b"abc").hexdigest(), 3, "CC0-1.0", "ViT", "here"
    )
    (folder / f"w.pth{ending}").symlink_to(elsewhere / "w")
    if ending == ".verified":
        (folder / "w.pth").write_bytes(b"abc")
    with pytest.raises(InputError, match="is a link"):
        weights.download(entry, folder)


@links
def test_weights_that_are_a_link_to_a_common_folder_are_used(tmp_path):
    (tmp_path / "common").write_bytes(b"abc")
    (tmp_path / "w.pth").symlink_to(tmp_path / "common")
    entry = weights.WeightsFile(
        "tiny", "file:///w.pth", hashlib.sha256(b"abc").hexdigest(), 3, "CC0-1.0", "ViT", "here"
    )
    assert weights.installed_path(entry, tmp_path).read_bytes() == b"abc"


@pytest.mark.parametrize("name", ["../secret.safetensors", "..", "C:\\secret", "/etc/passwd"])
def test_the_state_of_a_training_names_no_file_elsewhere(name, tmp_path):
    folder = tmp_path / "training"
    save_state(folder, TrainingState(3, None, 1.0, {"w": torch.zeros(2)}), {"steps": 5})
    state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    os.replace(folder / state["tensors"], tmp_path / "secret.safetensors")
    (folder / "state.json").write_text(json.dumps({**state, "tensors": name}), encoding="utf-8")
    with pytest.raises(SAMRegistrationError, match="cannot be the name"):
        load_state(folder, {"steps": 5})


@links
def test_the_frames_of_a_sequence_are_written_through_no_link(tmp_path, elsewhere):
    (tmp_path / "results" / "frame_002").symlink_to(elsewhere)
    identity = sitk.Transform(3, sitk.sitkIdentity)
    motion = FrameMotion(2, identity, identity, None, GRID, 0.0)
    with pytest.raises(InputError, match="is a link"):
        write_frame(tmp_path / "results", motion, {}, None, None)
    with pytest.raises(InputError, match="is a link"):
        known_motion(tmp_path / "results", 2, {})


@links
def test_results_are_exported_through_no_link(tmp_path, elsewhere, capsys):
    sample(tmp_path / "saved", files=True)
    (tmp_path / "results" / "ants").symlink_to(elsewhere)
    saved = next(path.parent for path in tmp_path.rglob("transform.h5"))
    assert main(["export", str(saved), "-o", str(tmp_path / "results"), "--to", "ants"]) != 0
    assert "is a link" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../../out", "/tmp/out", "C:\\out", "CON", "\\\\server\\share"])
@pytest.mark.parametrize("ending", ["nii.gz", "seg.nrrd"])
def test_names_of_structures_name_no_file(name, ending, tmp_path, elsewhere):
    folder = tmp_path / "results"
    image = GRID.image(np.random.default_rng(0).random(GRID.shape).astype(np.float32))
    sitk.WriteImage(image, str(tmp_path / "image.nrrd"))
    click = Prompt("positive", (tuple(GRID.center),), tuple(GRID.axes[:, 2] / GRID.spacing[2]))
    PromptSet((replace(Structure(name, 1), prompts=(click,)),)).save(tmp_path / "prompts.json")
    before = sorted(tmp_path.rglob("*"))
    output = folder / f"masks.{ending}"
    arguments = [
        "segment",
        str(tmp_path / "image.nrrd"),
        "--prompts",
        str(tmp_path / "prompts.json"),
        "-o",
        str(output),
    ]
    assert main([*arguments, "--model", "geodesic", "--quiet"]) == 0
    assert sorted(set(tmp_path.rglob("*")) - set(before)) == [output]
    assert not Path("/tmp/out").exists()
