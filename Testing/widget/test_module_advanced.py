"""The section "Advanced": choosing, downloading and removing weights, with a download that is simulated."""

import time
from pathlib import Path

import pytest
import slicer
from Host import gestures
from SAMRegistrationLib.choices import PACKAGE_MODELS
from SAMRegistrationLib.errors import WeightsError
from SAMRegistrationLib.testing.driver import click, click_at, settle, wait
from unit.segmentation_samples import FloodPredictor


@pytest.fixture
def weights(panel, monkeypatch):
    """The panel with sam-vit-b chosen; returns (panel, set of installed names)."""
    installed = set()
    panel.ui.advancedSection.collapsed = False

    def click_models():
        return {"compact": 0, "sam-vit-b": 0 if "sam-vit-b" in installed else 375}

    monkeypatch.setattr(panel.logic, "clickModels", click_models, raising=False)
    monkeypatch.setattr(panel.logic, "isRemovable", installed.__contains__, raising=False)
    monkeypatch.setattr(panel.logic, "removeModel", installed.discard, raising=False)
    panel.parameters().clickModel = "sam-vit-b"
    slicer.app.processEvents()
    return panel, installed


def test_a_model_that_is_not_there_can_be_downloaded_and_removed(weights, monkeypatch):
    panel, installed = weights

    def download(name, job):
        job.update(0.5, "half of it")
        installed.add(name)
        return Path("/folder/file.pth")

    monkeypatch.setattr(panel.logic, "downloadModel", download, raising=False)
    assert panel.parameters().clickModel == "sam-vit-b"
    assert "not there yet" in panel.ui.weightsStatus.text
    click(panel.ui.downloadButton)
    settle(panel)
    assert panel.ui.weightsStatus.text == "Installed in /folder."
    assert not panel.ui.downloadButton.enabled
    click(panel.ui.deleteWeightsButton)
    assert installed == set()
    assert panel.ui.downloadButton.enabled


def test_a_failed_download_gives_a_sentence_and_the_button_back(weights, monkeypatch):
    panel, _ = weights

    def download(name, job):
        raise WeightsError("Cannot download; check the network and try again.")

    monkeypatch.setattr(panel.logic, "downloadModel", download, raising=False)
    click(panel.ui.downloadButton)
    settle(panel)
    assert panel.ui.downloadButton.enabled
    assert not panel.ui.weightsStopButton.visible


def test_the_built_in_model_cannot_be_removed_and_needs_no_download(panel):
    panel.ui.modelCombo.setCurrentIndex(0)
    slicer.app.processEvents()
    assert not panel.ui.downloadButton.enabled
    assert not panel.ui.deleteWeightsButton.enabled


def test_the_list_of_models_says_what_ships_what_is_here_and_what_must_be_downloaded(weights, monkeypatch, tmp_path):
    panel, installed = weights
    combo = panel.ui.modelCombo

    def items():
        return [combo.itemText(index) for index in range(combo.count)]

    assert items() == ["compact (built in)", "sam-vit-b (375 MB to download)", "Choose a file..."]
    installed.add("sam-vit-b")
    panel.onParametersModified()
    assert items()[1] == "sam-vit-b (here)"
    path = str(tmp_path / "mine.safetensors")
    monkeypatch.setattr(qt_file_dialog(), "getOpenFileName", lambda *_args: path)
    combo.setCurrentIndex(2)
    assert panel.parameters().clickModel == path
    assert items()[2:] == ["mine.safetensors", "Choose a file..."]
    assert combo.currentIndex == 2
    assert not panel.ui.deleteWeightsButton.enabled
    monkeypatch.setattr(qt_file_dialog(), "getOpenFileName", lambda *_args: "")
    combo.setCurrentIndex(3)
    assert panel.parameters().clickModel == path
    combo.setCurrentIndex(0)
    assert items() == ["compact (built in)", "sam-vit-b (here)", "Choose a file..."]


def qt_file_dialog():
    import qt

    return qt.QFileDialog


def test_a_download_shows_its_progress_and_stops_when_asked(weights, monkeypatch):
    panel, installed = weights

    def download(name, job):
        while True:
            job.update(0.4, "40 of 100 MB")
            time.sleep(0.01)

    monkeypatch.setattr(panel.logic, "downloadModel", download, raising=False)
    click(panel.ui.downloadButton)
    wait(lambda: panel.ui.weightsProgress.value == 40)
    assert panel.ui.weightsStatus.text == "40 of 100 MB"
    assert not panel.ui.modelCombo.enabled
    click(panel.ui.weightsStopButton)
    settle(panel)
    assert installed == set()
    assert panel.ui.downloadButton.enabled
    assert not panel.ui.weightsProgress.visible


def test_clicks_are_answered_while_weights_are_being_downloaded(weights, a_pair, monkeypatch):
    panel, _ = weights
    monkeypatch.setattr(panel.logic, "openPredictor", lambda model, device: FloodPredictor(), raising=False)
    monkeypatch.setattr(panel.logic, "downloadModel", lambda name, job: endless(job), raising=False)
    panel.ui.fixedSelector.setCurrentNode(a_pair[0][0])
    click(panel.ui.downloadButton)
    click(panel.ui.fixedImageButton)
    click(panel.ui.addStructureButton)
    click(panel.ui.plusButton)
    view = gestures.slice_view("Red")
    view.mrmlSliceNode().JumpSliceByOffsetting(0.0, 0.0, 5.0)
    slicer.app.processEvents()
    click_at((0.0, 0.0, 5.0))
    wait(lambda: panel.ui.structuresTable.item(0, 3).text().startswith("mask"), 20)
    assert panel.ui.weightsStopButton.visible
    click(panel.ui.weightsStopButton)
    settle(panel)


def endless(job):
    while True:
        job.check()
        time.sleep(0.01)


def test_registration_weights_are_a_file_or_those_that_ship(panel, tmp_path, monkeypatch):
    ui = panel.ui
    ui.advancedSection.collapsed = False
    assert not ui.builtInWeightsButton.enabled
    monkeypatch.setattr("SAMRegistrationLib.weights.default_weights", lambda: Path("registration-v1.safetensors"))
    panel.onParametersModified()
    assert ui.weightsLabel.text == "Built in: registration-v1"
    ui.weightsPath.setCurrentPath(str(tmp_path / "none.safetensors"))
    assert panel.parameters().weights == str(tmp_path / "none.safetensors")
    assert "is not there; choose another file." in ui.weightsLabel.text
    (tmp_path / "mine.safetensors").touch()
    ui.weightsPath.setCurrentPath(str(tmp_path / "mine.safetensors"))
    assert ui.weightsLabel.text == ""
    click(ui.builtInWeightsButton)
    assert panel.parameters().weights == ""
    assert ui.weightsPath.currentPath == ""


def test_the_prediction_of_the_network_can_be_switched_off(panel, monkeypatch):
    asked = []
    monkeypatch.setattr("SAMRegistrationLib.scene.run.read", lambda *_nodes: None)
    monkeypatch.setattr("SAMRegistrationLib.scene.run.compute", lambda _inputs, options, _job: asked.append(options))
    panel.ui.advancedSection.collapsed = False
    for _ in range(2):
        work, _present = panel.logic.startRegistration(panel.parameters())
        work(None)
        click(panel.ui.networkCheckBox)
    assert [options.use_network for options in asked] == [True, False]
    assert panel.parameters().useNetwork


def test_what_a_model_needs_is_shown_where_it_is_chosen(weights):
    panel, installed = weights
    assert "not there yet; download them. sam-vit-b has a file of 375 MB" in panel.ui.weightsStatus.text
    installed.add("sam-vit-b")
    panel.ui.modelCombo.setCurrentIndex(0)
    assert panel.ui.weightsStatus.text == ""
    panel.ui.modelCombo.setCurrentIndex(1)
    assert "GB of memory" in panel.ui.weightsStatus.text


def test_a_large_model_is_loaded_once_the_user_agreed_to_what_it_needs(clicking, monkeypatch):
    asked, answers = [], [False, True]
    monkeypatch.setattr(type(slicer.app), "testingEnabled", lambda _application: False)
    monkeypatch.setattr(
        slicer.util, "confirmOkCancelDisplay", lambda text, *_args: asked.append(text) or answers.pop(0)
    )
    clicking.parameters().clickModel = "sam-vit-h"
    click(clicking.ui.plusButton)
    assert clicking.ui.clickStatus.text == "Canceled; nothing was changed."
    assert not clicking.ui.plusButton.checked
    for button in (clicking.ui.plusButton, clicking.ui.minusButton):
        click(button)
        settle(clicking)
    assert clicking.ui.minusButton.checked
    assert len(asked) == 2
    assert all("2565 MB" in text for text in asked)


def test_families_of_models_are_offered_where_their_packages_are_installed(weights, monkeypatch, tmp_path):
    panel, _ = weights
    combo = panel.ui.modelCombo
    assert [combo.itemText(index) for index in range(combo.count)][2:] == ["Choose a file..."]
    families = list(PACKAGE_MODELS)
    monkeypatch.setattr(panel.logic, "packageModels", lambda: families, raising=False)
    panel.onParametersModified()
    assert [combo.itemText(index) for index in range(combo.count)][2:] == [
        *("SAM 2...", "nnInteractive...", "Choose a file...")
    ]
    asked = []
    dialog = qt_file_dialog()
    monkeypatch.setattr(dialog, "getOpenFileName", lambda *args: asked.append(args[3]) or str(tmp_path / "a.pt"))
    monkeypatch.setattr(dialog, "getExistingDirectory", lambda *_args: str(tmp_path))
    combo.setCurrentIndex(2)
    assert panel.parameters().clickModel == str(tmp_path / "a.pt")
    assert asked == ["Weights (*.pt)"]
    assert combo.itemText(2) == "a.pt"
    combo.setCurrentIndex(combo.count - 2)
    assert panel.parameters().clickModel == str(tmp_path)
