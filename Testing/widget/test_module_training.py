"""Training and evaluation from the panel, in processes of their own, by clicks on its buttons."""

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from module_panel import choose
from SAMRegistrationLib.testing.driver import click, settle, wait
from SAMRegistrationLib.training.registration.config import read_config
from SAMRegistrationLib.training.registration.datalist import read_data_list
from SAMRegistrationLib.training.registration.state import load_state
from SAMRegistrationLib.training.settings import plain
from unit.recipes import TINY_TRAINING


@pytest.fixture
def training(panel):
    panel.ui.advancedSection.collapsed = False
    panel.ui.registerSection.collapsed = True
    slicer.app.processEvents()
    yield panel
    if panel.trainingPanel.running:
        panel.trainingPanel.onStop()
        panel.trainingPanel.onStop()
        wait(lambda: not panel.trainingPanel.running)
    panel.ui.registerSection.collapsed = False


def log(panel):
    return panel.ui.trainingLog.plainText


def finished(panel):
    wait(lambda: not panel.trainingPanel.running, 300)


def test_the_buttons_wait_for_data_and_an_output_folder(training, tmp_path):
    ui, parameters = training.ui, training.parameters()
    assert not ui.trainButton.enabled
    assert ui.trainingStatus.text.startswith("Choose a data list")
    ui.trainingDataPath.setCurrentPath(str(tmp_path / "none.json"))
    assert ui.trainingStatus.text == f"{tmp_path / 'none.json'} is not there; choose another file."
    (tmp_path / "list.json").write_text("{}", encoding="utf-8")
    ui.trainingDataPath.setCurrentPath(str(tmp_path / "list.json"))
    assert ui.trainingStatus.text == "Choose an output folder."
    ui.trainingOutputPath.setCurrentPath(str(tmp_path / "out"))
    assert (ui.minutesSpinBox.value, parameters.trainingMinutes) == (20, 20)
    ui.stepsSpinBox.setValue(20)
    assert ui.trainButton.enabled
    assert (parameters.trainingData, parameters.trainingSteps) == (str(tmp_path / "list.json"), 20)
    click(ui.trainButton)
    assert ui.trainingStatus.text == f'The data list {tmp_path / "list.json"} has no "cases".'
    assert ui.trainButton.enabled
    (tmp_path / "own.toml").write_text(TINY_TRAINING.format(steps=2), encoding="utf-8")
    ui.trainingDataPath.setCurrentPath(str(tmp_path / "own.toml"))
    assert ui.trainButton.enabled
    assert not ui.trainingOutputPath.enabled
    assert not ui.stepsSpinBox.enabled
    assert not ui.minutesSpinBox.enabled


def test_a_training_runs_in_the_background_stops_and_goes_on_and_its_weights_can_be_used(training, tmp_path):
    ui = training.ui
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(TINY_TRAINING.format(steps=100000), encoding="utf-8")
    ui.trainingDataPath.setCurrentPath(str(recipe))
    click(ui.trainButton)
    assert ui.trainingStopButton.visible
    wait(lambda: "step 2/100000" in log(training), 300)
    assert not training.runner.busy
    slicer.mrmlScene.Clear(0)
    training.initializeParameterNode()
    assert training.trainingPanel.running
    click(ui.trainingStopButton)
    assert ui.trainingStopButton.text == "Stop now"
    finished(training)
    assert ui.trainingStatus.text == "Stopped; started again, a training goes on from here."
    steps = load_state(tmp_path / "out", plain(read_config(recipe))).step
    assert steps >= 2

    recipe.write_text(TINY_TRAINING.format(steps=steps + 1), encoding="utf-8")
    ui.trainingDataPath.setCurrentPath(str(recipe))
    assert not ui.useWeightsButton.enabled
    click(ui.trainButton)
    finished(training)
    weights = tmp_path / "out" / "network.safetensors"
    assert ui.trainingStatus.text == f"Trained {steps + 1} steps; the weights are in {weights}."
    click(ui.useWeightsButton)
    assert training.parameters().weights == ui.weightsPath.currentPath == str(weights)
    assert not ui.useWeightsButton.enabled


def test_pairs_of_the_scene_under_a_parent_transform_become_data_and_are_evaluated(
    training, a_pair, tmp_path, monkeypatch
):
    import qt

    turn = np.eye(4)
    turn[:3, :3] = np.array(sitk.Euler3DTransform((0, 0, 0), 0.1, -0.2, 0.15).GetMatrix()).reshape(3, 3)
    turn[:3, 3] = (4.0, -3.0, 2.0)
    parent = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode")
    parent.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(turn))
    for node in a_pair[1]:
        node.SetAndObserveTransformNodeID(parent.GetID())
    choose(training, a_pair)
    ui = training.ui
    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_args: str(tmp_path / "data"))
    ui.splitCombo.setCurrentIndex(2)
    click(ui.addPairButton)
    settle(training)
    path = tmp_path / "data" / "cases.json"
    assert ui.trainingStatus.text == f"The pair is in {path}."
    assert training.parameters().trainingData == ui.trainingDataPath.currentPath == str(path)
    data = read_data_list(path)
    assert [(fixed.id, moving.id) for fixed, moving in data.pairs_of("test")] == [("Before", "After")]
    assert set(data.structures.values()) == {"Core", "Whole"}
    hardened = a_pair[1][0]
    hardened.HardenTransform()
    bounds = [0.0] * 6
    hardened.GetRASBounds(bounds)
    written = slicer.util.loadVolume(str(data.cases[1].image))
    found = [0.0] * 6
    written.GetRASBounds(found)
    assert np.allclose(found, bounds, atol=1e-2)

    click(ui.addPairButton)
    settle(training)
    assert read_data_list(path) == data  # hardened, it is where it was: the volume that is there already

    evaluation = tmp_path / "quick.toml"
    evaluation.write_text(
        f"list = {json.dumps(str(path))}\noutput = 'tables'\nmethods = ['initial', 'affine']\nmasks = ['without']\n",
        encoding="utf-8",
    )
    ui.trainingDataPath.setCurrentPath(str(evaluation))
    click(ui.evaluateButton)
    finished(training)
    assert ui.trainingStatus.text.startswith("Pairs evaluated: 1; the tables are in ")
    table = slicer.util.getNode("Evaluation")
    methods = [table.GetTable().GetValue(row, 0).ToString() for row in range(table.GetNumberOfRows())]
    assert methods == ["initial", "affine"]
    columns = [table.GetColumnName(column) for column in range(table.GetNumberOfColumns())]
    assert {"Dice %", "Core Dice %", "HD95 mm", "folds %"} <= set(columns)
    written = (tmp_path / "tables" / "table.csv").read_text(encoding="utf-8").splitlines()
    assert len(written) == 1 + len(methods)
    dice = columns.index("Dice %")
    first, last = (float(table.GetTable().GetValue(row, dice).ToString()) for row in range(2))
    assert last > first
    assert slicer.app.applicationLogic().GetSelectionNode().GetActiveTableID() == table.GetID()
    assert slicer.app.layoutManager().layout == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpTableView


def test_a_volume_of_another_split_is_refused_with_a_sentence(training, a_pair, tmp_path):
    choose(training, a_pair)
    for index in (0, 2):
        training.ui.splitCombo.setCurrentIndex(index)
        training.trainingPanel.add_pair(str(tmp_path))
        settle(training)
    assert "a volume belongs to one split only" in training.ui.trainingStatus.text
    assert training.ui.addPairButton.enabled
    assert (
        json.loads(Path(training.parameters().trainingData).read_text(encoding="utf-8"))["cases"][0]["split"] == "train"
    )


def test_the_module_stops_its_training_when_it_is_cleaned_up(training, tmp_path):
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(TINY_TRAINING.format(steps=100000), encoding="utf-8")
    told = []
    command = training.runner.follow(
        training.logic.startTraining(str(recipe), done=told.append, progress=lambda *now: told.append(now))
    )
    wait(lambda: len(told) > 3, 300)
    process = command._process
    training.runner.close()
    assert process.wait(60) == 130
    assert load_state(tmp_path / "out", plain(read_config(recipe))).step >= 1
