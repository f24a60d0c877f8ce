"""The button "Load sample data": the pair is registered with Sample Data by address and checksum, and chosen."""

import hashlib
import sys
import threading

import numpy as np
import slicer
from SAMRegistrationLib.testing.driver import click, settle


def load(panel):
    click(panel.ui.sampleButton)
    settle(panel)


def files_of(folder, *names):
    """Two small volumes saved as files; their addresses and checksums."""
    uris, sums = [], []
    for number, name in enumerate(names):
        node = slicer.util.addVolumeFromArray(np.full((6, 7, 8), 10.0 + number, np.float32), name=name)
        path = folder / f"{name}.nrrd"
        assert slicer.util.saveNode(node, str(path))
        slicer.mrmlScene.RemoveNode(node)
        uris.append(path.as_uri())
        sums.append("SHA256:" + hashlib.sha256(path.read_bytes()).hexdigest())
    return uris, sums


def test_the_pair_is_registered_with_checksums_that_are_part_of_the_addresses(sample_source):
    assert len(sample_source.uris) == len(sample_source.checksums) == 2
    for uri, checksum in zip(sample_source.uris, sample_source.checksums):
        kind, digest = checksum.split(":")
        assert kind == "SHA256"
        assert len(digest) == 64
        assert uri.endswith(digest)


def test_the_button_loads_the_pair_and_chooses_it(panel, sample_source, tmp_path):
    sample_source.uris, sample_source.checksums = files_of(tmp_path, "first", "second")
    load(panel)
    parameters = panel.parameters()
    assert parameters.fixedVolume.GetName() == "MRBrainTumor1"
    assert parameters.movingVolume.GetName() == "MRBrainTumor2"
    assert slicer.util.arrayFromVolume(parameters.movingVolume).max() == 11
    assert panel.ui.fixedSelector.currentNode() is parameters.fixedVolume
    assert panel.ui.registerButton.enabled


def test_a_file_with_another_checksum_is_refused_with_a_sentence(panel, sample_source, tmp_path):
    sample_source.uris, sums = files_of(tmp_path, "third", "fourth")
    sample_source.checksums = [sums[0], sums[0]]
    load(panel)
    assert panel.ui.volumesStatus.text == "The sample data could not be loaded; check the network connection."
    assert panel.parameters().fixedVolume is None
    assert panel.ui.sampleButton.enabled


def test_the_panel_answers_while_the_files_are_on_their_way_and_closing_the_scene_stops_them(
    panel, sample_source, monkeypatch, tmp_path
):
    import SampleData

    arrived = threading.Event()

    def slow(self, uri, name, checksum=None):
        arrived.wait(20)
        self.logMessage("goes on")

    monkeypatch.setattr(SampleData.SampleDataLogic, "downloadFileIntoCache", slow)
    click(panel.ui.sampleButton)
    assert not panel.ui.sampleButton.enabled
    assert panel.runner.busy
    slicer.mrmlScene.Clear()
    arrived.set()
    settle(panel)
    assert panel.ui.sampleButton.enabled
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0


def test_files_that_cannot_be_loaded_give_a_sentence_and_the_button_back(panel, sample_source, monkeypatch, tmp_path):
    import SampleData

    def broken(self, name):
        raise RuntimeError("not an image")

    sample_source.uris, sample_source.checksums = files_of(tmp_path, "fifth", "sixth")
    monkeypatch.setattr(SampleData.SampleDataLogic, "downloadSamples", broken)
    load(panel)
    assert panel.ui.volumesStatus.text == "The sample data could not be loaded; check the network connection."
    assert panel.ui.sampleButton.enabled


def test_without_the_sample_data_module_the_button_says_so(panel, monkeypatch):
    monkeypatch.setitem(sys.modules, "SampleData", None)
    load(panel)
    assert panel.ui.volumesStatus.text == "The module Sample Data is not available in this application."
