"""Commands in a process of their own: what they tell, how they stop, and that they end with the application."""

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import SimpleITK as sitk
import torch
from SAMRegistrationLib.background import BackgroundCommand
from SAMRegistrationLib.errors import Canceled, InputError, SAMRegistrationError
from SAMRegistrationLib.training.registration.config import read_config
from SAMRegistrationLib.training.registration.evaluate import read_evaluation
from SAMRegistrationLib.training.registration.recipe import write_evaluation, write_training
from SAMRegistrationLib.training.registration.state import TrainingState, load_state, save_state
from SAMRegistrationLib.training.settings import plain
from SAMRegistrationLib.weights import default_weights
from unit.recipes import TINY_TRAINING
from unit.test_data_lists import write_volume

LIBRARY = Path(__file__).resolve().parents[2] / "SAMRegistration"


@pytest.fixture
def a_recipe(tmp_path):
    def a_recipe(steps):
        path = tmp_path / "tiny.toml"
        path.write_text(TINY_TRAINING.format(steps=steps), encoding="utf-8")
        return path

    return a_recipe


@pytest.fixture
def told():
    """What a command told, in order."""
    return []


@pytest.fixture
def start(told):
    started = []

    def start(*arguments):
        command = BackgroundCommand(
            [str(argument) for argument in arguments],
            done=lambda result: told.append(("done", result)),
            failed=lambda error: told.append(("failed", error)),
            progress=lambda fraction, message: told.append((fraction, message)),
            log=lambda line: told.append(("log", line)),
        )
        started.append(command)
        return command

    yield start
    for command in started:
        command.kill()


def wait(command, condition=lambda: False):
    end = time.monotonic() + 120
    while command.running and not condition():
        assert time.monotonic() < end
        command.poll()
        time.sleep(0.01)


def test_a_stopped_training_keeps_its_state_and_goes_on_from_there(start, told, a_recipe, tmp_path):
    recipe = a_recipe(100000)
    command = start("train", recipe)
    wait(command, lambda: any("step 2/" in str(entry[1]) for entry in told))
    command.stop()
    wait(command)
    assert isinstance(told[-1][1], Canceled)
    steps = load_state(tmp_path / "out", _plain(recipe)).step
    assert steps >= 2
    recipe = a_recipe(steps + 1)
    told.clear()
    wait(start("train", recipe))
    kind, result = told[-1]
    assert (kind, result["step"]) == ("done", steps + 1)
    assert result["weights"] == str(tmp_path / "out" / "network.safetensors")
    fractions = [entry[0] for entry in told if isinstance(entry[0], float)]
    assert fractions == sorted(fractions)
    assert any(f"step {steps + 1}/{steps + 1}, loss" in str(entry[1]) for entry in told)
    assert not any(f"step {steps}/" in str(entry[1]) for entry in told)


def _plain(recipe):
    return plain(read_config(recipe))


def test_a_command_that_cannot_work_gives_its_sentence(start, told, tmp_path):
    wait(start("train", tmp_path / "none.toml"))
    kind, error = told[-1]
    assert kind == "failed"
    assert isinstance(error, SAMRegistrationError)
    assert str(error) == f"The configuration {tmp_path / 'none.toml'} cannot be read (No such file or directory)."


def test_a_killed_command_ends_at_once(start, told, a_recipe):
    command = start("train", a_recipe(100000))
    wait(command, lambda: any("step 1/" in str(entry[1]) for entry in told))
    command.kill()
    wait(command)
    assert isinstance(told[-1][1], Canceled)


def test_a_training_ends_and_keeps_its_state_when_the_application_is_killed(a_recipe, tmp_path):
    application = textwrap.dedent(
        f"""
        import os, sys, time
        sys.path.insert(0, {str(LIBRARY)!r})
        from SAMRegistrationLib.background import BackgroundCommand

        seen = []
        command = BackgroundCommand(["train", {str(a_recipe(100000))!r}], print, progress=lambda f, m: seen.append(m))
        while not any("step 2/" in message for message in seen):
            command.poll()
            time.sleep(0.01)
        print(command._process.pid, flush=True)
        os.kill(os.getpid(), 9)
        """
    )
    output = subprocess.run(
        [sys.executable, "-c", application], capture_output=True, encoding="utf-8", timeout=120
    ).stdout
    child = int(output)
    end = time.monotonic() + 60
    while Path(f"/proc/{child}").exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not Path(f"/proc/{child}").exists()
    assert load_state(tmp_path / "out", _plain(tmp_path / "tiny.toml")).step >= 2


@pytest.fixture
def a_data_list(tmp_path):
    """A function: a data list whose cases are in the given splits."""
    import json

    def a_data_list(*splits):
        cases = []
        for number, split in enumerate(splits):
            write_volume(tmp_path / f"i{number}.nii.gz", number)
            write_volume(tmp_path / f"l{number}.nii.gz", number, labels=[0, 1])
            cases.append({"id": f"c{number}", "split": split, "image": f"i{number}.nii.gz"})
            cases[-1]["labels"] = f"l{number}.nii.gz"
        path = tmp_path / 'a "list".json'
        path.write_text(json.dumps({"structures": {"1": "one"}, "cases": cases}), encoding="utf-8")
        return path

    return a_data_list


def test_the_configuration_made_from_a_data_list_says_what_was_chosen(tmp_path, a_data_list):
    path = a_data_list("train", "train", "validation", "validation")
    config = read_config(write_training(tmp_path / "out", path, 400, minutes=20))
    assert config.output == tmp_path / "out"
    assert config.data.list == path
    assert config.minutes == 20
    assert (config.steps, config.save_every, config.validation.every, config.initial) == (
        400,
        20,
        40,
        default_weights(),
    )
    again = read_config(write_training(tmp_path / "out", a_data_list("train", "train"), 7, tmp_path / "w.safetensors"))
    assert (again.steps, again.validation.every, again.initial) == (7, 0, tmp_path / "w.safetensors")


def test_a_training_that_goes_on_keeps_what_it_started_from_and_may_take_more_steps(tmp_path, a_data_list):
    path, output = a_data_list("train", "train"), tmp_path / "out"
    first = plain(read_config(write_training(output, path, 10)))
    network = {name: torch.zeros(1) for name in ("network.a", "ema.a")}
    save_state(output, TrainingState(10, None, 1.0, network), first)
    more = read_config(write_training(output, path, 5000, output / "network.safetensors"))
    assert (more.steps, more.initial) == (5000, default_weights())
    assert load_state(output, plain(more)).step == 10


def test_an_evaluation_takes_the_test_pairs_else_the_validation_pairs_else_the_training_pairs(tmp_path, a_data_list):
    for splits, expected in (
        (("train",) * 2 + ("validation",) * 2 + ("test",) * 2, "test"),
        (("train",) * 2 + ("validation",) * 2, "validation"),
        (("train",) * 2, "train"),
    ):
        evaluation = read_evaluation(write_evaluation(tmp_path / "out", a_data_list(*splits)))
        assert (evaluation.split, evaluation.methods[-1]) == (expected, "refinement")
    weights = tmp_path / "w.safetensors"
    evaluation = read_evaluation(write_evaluation(tmp_path / "out", a_data_list("test", "test"), weights, "fast"))
    assert (evaluation.weights, evaluation.preset, evaluation.methods[-1]) == (weights, "fast", "network + refinement")


def test_a_list_without_training_pairs_is_refused(tmp_path, a_data_list):
    with pytest.raises(SAMRegistrationError, match="no training pairs"):
        write_training(tmp_path / "out", a_data_list("test", "test"), 10)
    assert not (tmp_path / "out").exists()


def test_a_stopped_evaluation_ends_soon(start, told, tmp_path):
    import json

    image = sitk.GaussianSource(sitk.sitkFloat32, (40, 40, 40), (8, 8, 8), (20, 20, 20))
    cases = []
    for number in range(2):
        sitk.WriteImage(image + number, str(tmp_path / f"{number}.nrrd"))
        sitk.WriteImage(image > 100, str(tmp_path / f"{number}-labels.nrrd"))
        cases.append({"id": str(number), "split": "test", "image": f"{number}.nrrd", "labels": f"{number}-labels.nrrd"})
    path = tmp_path / "list.json"
    path.write_text(json.dumps({"structures": {"1": "ball"}, "cases": cases}), encoding="utf-8")
    command = start("evaluate", write_evaluation(tmp_path / "out", path, preset="accurate"))
    wait(command, lambda: any("refinement" in str(entry[1]) for entry in told))
    command.stop()
    wait(command)
    assert isinstance(told[-1][1], Canceled)
    assert not (tmp_path / "out" / "table.csv").exists()


@pytest.fixture
def embedded(tmp_path, monkeypatch):
    """Python embedded in an application that was started without its launcher; gives the application's folder."""
    program = sys.executable
    home = tmp_path / "application"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "PythonSlicer").write_text(f'#!/bin/sh\nexec "{program}" "$@"\n', encoding="utf-8")
    (home / "bin" / "PythonSlicer").chmod(0o755)
    monkeypatch.setattr(sys, "executable", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("SLICER_HOME", "PYTHONHOME"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script here")
def test_the_python_program_beside_the_application_is_started_where_python_is_embedded(
    start, told, embedded, monkeypatch
):
    monkeypatch.setenv("SLICER_HOME", str(embedded))
    wait(start("environment"))
    kind, report = told[-1]
    assert kind == "done", told
    assert "torch" in [package["name"] for package in report["packages"]]


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script here")
@pytest.mark.parametrize(("variable", "part"), [("PATH", "bin"), ("SLICER_HOME", ""), ("PYTHONHOME", "")])
def test_the_python_program_is_found_on_the_path_and_in_the_folders_of_the_application(
    embedded, monkeypatch, variable, part
):
    from SAMRegistrationLib.background import _python

    monkeypatch.setenv(variable, str(embedded / part))
    assert _python() == str(embedded / "bin" / "PythonSlicer")


def test_where_there_is_no_python_program_one_sentence_says_what_to_do(embedded):
    with pytest.raises(InputError, match=r"no Python program to start .*; start the application by its launcher"):
        BackgroundCommand(["environment"], done=print)


def test_a_python_program_that_cannot_be_started_is_named(embedded, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(embedded / "gone"))
    with pytest.raises(InputError, match=r"gone cannot be started in the background \(No such file"):
        BackgroundCommand(["environment"], done=print)
