"""What fails within a command, at any stage: one sentence, earlier results as they were, and a second try succeeds."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SAMRegistrationLib
import SimpleITK as sitk
import torch
from phantoms import Anatomy, oblique_grid
from recipes import TINY_TRAINING
from SAMRegistrationLib import engine
from SAMRegistrationLib.cli import main
from SAMRegistrationLib.errors import SAMRegistrationError
from SAMRegistrationLib.network import NetworkConfig, RegistrationNetwork, save_network
from SAMRegistrationLib.registration import pipeline, working_pair
from SAMRegistrationLib.segmentation import volume as segmentation_volume
from SAMRegistrationLib.training.registration import state as training_state
from SAMRegistrationLib.training.registration import trainer

ROOT = Path(__file__).resolve().parents[2]
GRID = oblique_grid((20, 18, 12), (3.0, 3.1, 4.2), (0.3, -0.2, 0.4))
STAGES = {
    "preparing": (pipeline, "prepare"),
    "pre-alignment": (pipeline, "prealign"),
    "prediction": (working_pair, "predict_velocity"),
    "refinement": (working_pair, "refine"),
    "finishing": (pipeline, "flow_transforms"),
}
FAULTS = {
    "memory": (MemoryError(), "the memory was not enough"),
    "memory of torch": (
        RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes"),
        "the memory was not enough",
    ),
    "memory of ITK": (
        RuntimeError("ITK ERROR: Image: Failed to allocate memory for image."),
        "the memory was not enough",
    ),
    "library": (RuntimeError("ITK ERROR: Filter(0x5f): It is torn."), "It is torn."),
    "system": (OSError(5, "Input/output error"), "Input/output error"),
    "mistake": (KeyError("left"), "KeyError"),
}


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two small volumes and a network that has learned nothing, in one folder."""
    folder = tmp_path_factory.mktemp("pair")
    anatomy = Anatomy(GRID.center, seed=3)
    sitk.WriteImage(anatomy.image(GRID), str(folder / "fixed.nrrd"))
    sitk.WriteImage(
        anatomy.image(GRID, lambda points: points + np.array((2.0, -1.0, 1.5))), str(folder / "moving.nrrd")
    )
    config = NetworkConfig(channels=(4, 4), heads=(1, 1), depths=(1, 1), window=2)
    save_network(RegistrationNetwork(config), folder / "network.safetensors")
    return folder


def register(pair, output, *more):
    files = [str(pair / "fixed.nrrd"), str(pair / "moving.nrrd"), "-o", str(output)]
    return main(
        ["register", *files, "--preset", "fast", "--weights", str(pair / "network.safetensors"), *more, "--quiet"]
    )


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_fails_gives_a_sentence_and_leaves_the_earlier_result(
    pair, tmp_path, monkeypatch, capsys, stage, fault
):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "transform.h5").write_text("earlier", encoding="utf-8")
    error, part = FAULTS[fault]

    def failing(*_arguments, **_options):
        raise error

    monkeypatch.setattr(*STAGES[stage], failing)
    assert register(pair, tmp_path / "out") == 3
    told = capsys.readouterr().err
    assert part in told
    assert "Traceback" not in told
    assert content(tmp_path / "out") == {"transform.h5": b"earlier"}


def test_after_a_failure_the_next_try_in_the_same_process_succeeds(pair, tmp_path, monkeypatch):
    refine = working_pair.refine
    failures = iter([MemoryError(), RuntimeError("CUDA error: an illegal memory access was encountered")])

    def failing_at_first(*arguments, **options):
        error = next(failures, None)
        if error is not None:
            raise error
        return refine(*arguments, **options)

    monkeypatch.setattr(working_pair, "refine", failing_at_first)
    assert [register(pair, tmp_path / "out") for _ in range(3)] == [3, 3, 0]
    assert {"transform.h5", "inverse.h5"} <= set(content(tmp_path / "out"))


def test_running_out_of_memory_on_the_gpu_and_then_on_the_cpu_is_one_sentence(pair, monkeypatch):
    def failing(*arguments):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory.") if "cuda" in arguments else MemoryError()

    monkeypatch.setattr(pipeline, "_register", failing)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    volumes = [sitk.ReadImage(str(pair / name)) for name in ("fixed.nrrd", "moving.nrrd")]
    with pytest.raises(SAMRegistrationError, match="The registration failed because the memory was not enough"):
        engine.register(*volumes)


@pytest.mark.parametrize(
    "error", [MemoryError(), torch.cuda.OutOfMemoryError("CUDA out of memory."), OSError(5, "torn")]
)
def test_a_segmentation_that_fails_is_one_sentence(pair, monkeypatch, error):
    from SAMRegistrationLib.segmentation.prompts import Prompt, PromptSet, Structure

    def failing(*_arguments, **_options):
        raise error

    monkeypatch.setattr(segmentation_volume, "segment_structures", failing)
    monkeypatch.setattr(engine, "open_click_model", lambda *_: None)
    clicks = PromptSet((Structure("a", 1, prompts=(Prompt("positive", (tuple(GRID.center),)),)),))
    with pytest.raises(SAMRegistrationError, match="The segmentation failed"):
        engine.segment_structures(sitk.ReadImage(str(pair / "fixed.nrrd")), clicks)


def a_training(folder):
    """A training of two steps that keeps its state after each."""
    text = TINY_TRAINING.format(steps=2).replace("save_every = 1000", "save_every = 1")
    (folder / "training.toml").write_text(text, encoding="utf-8")
    return folder / "training.toml"


def steps_done(folder):
    return json.loads((folder / "out" / "state.json").read_text(encoding="utf-8"))["step"]


def test_a_training_that_fails_is_one_sentence_and_goes_on_from_its_state(tmp_path, monkeypatch):
    config, loss, losses = a_training(tmp_path), trainer.training_loss, []

    def failing(*arguments, **options):
        losses.append(1)
        if len(losses) == 2:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        return loss(*arguments, **options)

    monkeypatch.setattr(trainer, "training_loss", failing)
    with pytest.raises(SAMRegistrationError, match="The training failed because the memory was not enough"):
        engine.train(config)
    assert steps_done(tmp_path) == 1
    assert engine.train(config)["step"] == 2
    assert len(losses) == 3


def test_a_training_whose_state_cannot_be_written_keeps_the_earlier_one(tmp_path, monkeypatch):
    config, save = a_training(tmp_path), training_state.save_file

    def full(tensors, path, *more):
        if "00000002" in str(path):
            raise OSError(28, "No space left on device")
        save(tensors, path, *more)

    monkeypatch.setattr(training_state, "save_file", full)
    with pytest.raises(SAMRegistrationError, match="No space left on device"):
        engine.train(config)
    assert steps_done(tmp_path) == 1
    monkeypatch.undo()
    assert engine.train(config)["step"] == 2


@pytest.mark.parametrize("weights", ["missing", "damaged", "pickle"])
def test_weights_that_cannot_be_used_are_told_and_nothing_is_written(pair, tmp_path, capsys, weights):
    path = tmp_path / "w.safetensors"
    whole = (pair / "network.safetensors").read_bytes()
    if weights != "missing":
        path.write_bytes(whole[:-9] if weights == "damaged" else b"\x80\x04" + whole)
    assert register(pair, tmp_path / "out", "--weights", str(path)) == 2
    assert "w.safetensors" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_registration_that_is_killed_leaves_the_earlier_result_and_the_next_one_succeeds(pair, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "transform.h5").write_text("earlier", encoding="utf-8")
    program = """
import os, signal, sys
from SAMRegistrationLib.cli import main
from SAMRegistrationLib.registration.result import RegistrationResult
write = RegistrationResult.write_transforms
def killed(self, folder):
    write(self, folder)
    os.kill(os.getpid(), signal.SIGKILL)
RegistrationResult.write_transforms = killed
sys.exit(main())
"""
    files = [str(pair / "fixed.nrrd"), str(pair / "moving.nrrd"), "-o", str(tmp_path / "out")]
    path = str(Path(SAMRegistrationLib.__file__).parents[1])
    ended = subprocess.run(
        [sys.executable, "-c", program, "register", *files, "--preset", "fast", "--no-network", "--no-refinement"],
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL
    found = {path.name for path in (tmp_path / "out").iterdir() if not path.name.startswith(".")}
    assert found == {"transform.h5"}
    assert (tmp_path / "out" / "transform.h5").read_text(encoding="utf-8") == "earlier"
    assert register(pair, tmp_path / "out") == 0
    assert (tmp_path / "out" / "transform.h5").read_bytes()[:4] == b"\x89HDF"


@pytest.mark.skipif(not os.environ.get("SAMREGISTRATION_NIGHTLY"), reason="two programs; by make nightly")
def test_two_registrations_into_one_folder_at_once_leave_the_files_of_one_of_them(pair, tmp_path):
    files = [str(pair / "fixed.nrrd"), str(pair / "moving.nrrd"), "-o", str(tmp_path / "out")]
    command = [sys.executable, "-m", "SAMRegistrationLib.cli", "register", *files, "--preset", "fast", "--no-network"]
    environment = {**os.environ, "PYTHONPATH": str(Path(SAMRegistrationLib.__file__).parents[1])}
    both = [subprocess.Popen([*command, "--quiet"], env=environment) for _ in range(2)]
    assert [process.wait(120) for process in both] == [0, 0]
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert not any(name.startswith(".") for name in names)
    shift, back = (sitk.ReadTransform(str(tmp_path / "out" / f"{name}.h5")) for name in ("transform", "inverse"))
    point = GRID.center.tolist()
    assert max(abs(a - b) for a, b in zip(back.TransformPoint(shift.TransformPoint(point)), point)) < 0.5


def test_the_table_of_faults_names_tests_that_exist_and_leaves_no_cell_open():
    text = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    defined = {
        name
        for path in (ROOT / "Testing").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert set(re.findall(r"`(test_\w+)`", text)) - defined == set()
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")][2:]
    cells = [cell.strip() for row in rows for cell in row[1:]]
    assert len(cells) == 13 * 5
    assert all(cell == "-" or cell.startswith("`test_") for cell in cells)
