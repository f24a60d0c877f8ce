"""What fails or changes under a registration or a click: the scene is as before or complete, and the next try works."""

import threading

import numpy as np
import pytest
import slicer
from module_life import known_result
from module_panel import CENTER, OUTER, choose, prompts_of
from SAMRegistrationLib import engine
from SAMRegistrationLib.testing.driver import click, mask, node_ids, place, settle, wait
from unit.segmentation_samples import FloodPredictor


@pytest.fixture
def waiting(panel, a_pair, monkeypatch):
    """The panel with a registration under way that ends once the returned event is set."""
    go_on = threading.Event()

    def register(*arguments):
        assert go_on.wait(60)
        return known_result(*arguments)

    monkeypatch.setattr(engine, "register", register)
    choose(panel, a_pair)
    click(panel.ui.registerButton)
    assert panel.registerPanel.running
    yield go_on
    go_on.set()


@pytest.mark.parametrize(
    ("error", "part"),
    [
        (MemoryError(), "not enough memory"),
        (RuntimeError("CUDA error"), "Something went wrong (RuntimeError)"),
    ],
)
def test_a_registration_whose_thread_fails_leaves_the_scene_and_the_next_one_succeeds(
    panel, a_pair, monkeypatch, error, part
):
    def failing(*_arguments):
        raise error

    choose(panel, a_pair)
    before = node_ids()
    monkeypatch.setattr(engine, "register", failing)
    click(panel.ui.registerButton)
    settle(panel)
    assert part in panel.ui.registerStatus.text
    assert node_ids() == before
    monkeypatch.setattr(engine, "register", known_result)
    click(panel.ui.registerButton)
    settle(panel)
    assert panel.ui.registerStatus.text.startswith("Done in")


def test_weights_that_are_damaged_or_gone_are_told_and_the_scene_is_as_before(panel, a_pair, tmp_path):
    choose(panel, a_pair)
    before = node_ids()
    for content in (b"\x80\x04damaged", None):
        path = tmp_path / "w.safetensors"
        path.write_bytes(content) if content else path.unlink()
        panel.parameters().weights = str(path)
        click(panel.ui.registerButton)
        settle(panel)
        assert "w.safetensors" in panel.ui.registerStatus.text
        assert panel.ui.registerButton.enabled
    assert node_ids() == before


@pytest.mark.parametrize("side", ["fixed", "moving"])
def test_a_volume_that_is_removed_while_registering_is_told_and_nothing_is_added(panel, a_pair, waiting, side):
    volume = a_pair[0][0] if side == "fixed" else a_pair[1][0]
    slicer.mrmlScene.RemoveNode(volume)
    before = node_ids()
    waiting.set()
    settle(panel)
    assert "was removed meanwhile" in panel.ui.registerStatus.text
    assert node_ids() == before
    assert not panel.ui.cancelButton.enabled


@pytest.mark.parametrize("side", ["fixed", "moving"])
def test_masks_that_are_removed_while_registering_do_not_keep_the_result_away(panel, a_pair, waiting, side):
    masks = a_pair[0][1] if side == "fixed" else a_pair[1][1]
    slicer.mrmlScene.RemoveNode(masks)
    waiting.set()
    settle(panel)
    assert panel.ui.registerStatus.text.startswith("Done in")
    assert panel.parameters().resultTransform is not None
    click(panel.ui.registerButton)
    settle(panel)
    assert panel.ui.registerStatus.text.startswith("Done in")


def test_a_volume_that_gets_other_voxels_while_registering_does_not_change_the_result(panel, a_pair, waiting):
    fixed, moving = a_pair[0][0], a_pair[1][0]
    shape = slicer.util.arrayFromVolume(fixed).shape
    slicer.util.updateVolumeFromArray(moving, np.zeros((3, 4, 5), np.int16))
    waiting.set()
    settle(panel)
    result = slicer.util.arrayFromVolume(panel.parameters().resultVolume)
    assert result.shape == shape
    assert np.ptp(result) > 50


def test_another_pair_that_is_chosen_while_registering_stays_chosen(panel, a_pair, waiting):
    other = slicer.util.addVolumeFromArray(np.random.default_rng(0).random((8, 9, 10)), name="Other")
    panel.ui.movingSelector.setCurrentNode(other)
    waiting.set()
    settle(panel)
    assert panel.parameters().movingVolume is other
    assert panel.parameters().resultVolume.GetName() != other.GetName()


def test_a_second_registration_cannot_be_started_while_one_is_under_way(panel, a_pair, waiting):
    assert not panel.ui.registerButton.enabled
    panel.registerPanel.onRegister()
    waiting.set()
    settle(panel)
    transforms = slicer.util.getNodesByClass("vtkMRMLTransformNode")
    assert len([node for node in transforms if "After" in node.GetName()]) == 2  # there and back, once


@pytest.mark.parametrize("error", [MemoryError(), KeyError("left")])
def test_a_click_whose_model_fails_is_told_and_the_next_one_is_answered(clicking, monkeypatch, error):
    class Failing(FloodPredictor):
        def predict(self, *_arguments, **_options):
            raise error

    monkeypatch.setattr(clicking.logic, "openPredictor", lambda model, device: Failing(), raising=False)
    place(clicking, clicking.ui.plusButton, CENTER)
    settle(clicking)
    assert clicking.ui.clickStatus.text
    assert not mask(clicking).any()
    monkeypatch.setattr(clicking.logic, "openPredictor", lambda model, device: FloodPredictor(), raising=False)
    clicking.parameters().clickModel = "geodesic"
    clicking.parameters().clickModel = "compact"
    place(clicking, clicking.ui.plusButton, OUTER)
    settle(clicking)
    assert mask(clicking).any()
    assert prompts_of(clicking)[-1] == ("positive", False)


def test_a_structure_whose_masks_are_removed_while_a_click_waits_leaves_a_usable_panel(clicking, held):
    from SAMRegistrationLib.testing.driver import click_at

    click(clicking.ui.plusButton)
    click_at(CENTER)
    slicer.mrmlScene.RemoveNode(clicking.logic.segmentationOf(clicking.parameters(), "fixed"))
    held.set()
    settle(clicking)
    click(clicking.ui.addStructureButton)
    place(clicking, clicking.ui.plusButton, CENTER)
    assert mask(clicking).any()
    wait(lambda: not clicking.runner.busy)
