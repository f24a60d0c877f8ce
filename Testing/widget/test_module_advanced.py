"""The section "Advanced": choosing, downloading and removing weights, with a download that is simulated."""

from pathlib import Path

import pytest
import slicer
from module_panel import click, wait
from SAMRegistrationLib.errors import WeightsError


@pytest.fixture
def weights(panel, monkeypatch):
    """The panel with sam-vit-b chosen; returns (panel, set of installed names)."""
    installed = set()
    panel.ui.advancedSection.collapsed = False
    monkeypatch.setattr(
        panel.logic, "clickModels", lambda: {"compact": True, "sam-vit-b": "sam-vit-b" in installed}, raising=False
    )
    monkeypatch.setattr(panel.logic, "removeModel", installed.discard, raising=False)
    panel.ui.modelCombo.setCurrentIndex(1)
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
    wait(lambda: not panel.runner.busy)
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
    wait(lambda: not panel.runner.busy)
    assert panel.ui.downloadButton.enabled
    assert not panel.ui.weightsStopButton.visible


def test_the_built_in_model_cannot_be_removed_and_needs_no_download(panel):
    panel.ui.modelCombo.setCurrentIndex(0)
    slicer.app.processEvents()
    assert not panel.ui.downloadButton.enabled
    assert not panel.ui.deleteWeightsButton.enabled
