"""The section "Register" of the panel: choosing volumes, registering, canceling, closing the scene."""

import threading

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk
from module_panel import FIXED, MOVING, choose
from SAMRegistrationLib.testing.driver import click, node_ids, settle, wait


def test_the_button_says_why_it_cannot_register_and_then_what_it_will_do(panel, a_pair):
    button = panel.ui.registerButton
    assert (button.text, button.enabled) == ("Choose a fixed volume", False)
    panel.ui.fixedSelector.setCurrentNode(a_pair[0][0])
    assert (button.text, button.enabled) == ("Choose a moving volume", False)
    panel.ui.movingSelector.setCurrentNode(a_pair[0][0])
    assert (button.text, button.enabled) == ("Fixed and moving are the same", False)
    choose(panel, a_pair, masks=False)
    assert (button.text, button.enabled) == ("Register After to Before (fast)", True)
    choose(panel, a_pair)
    assert button.text == "Register After to Before, guided by masks (fast)"
    panel.ui.movingMasksSelector.setCurrentNode(a_pair[0][1])
    assert (button.text, button.enabled) == ("Fixed and moving masks are the same", False)


def test_what_the_kind_auto_takes_a_volume_for_is_told(panel):
    noise = np.random.default_rng(0).normal(0, 20, (12, 14, 16)).astype(np.float32)
    air = np.where(np.arange(16) < 8, -1000.0, 0.0)
    nodes = [
        slicer.util.addVolumeFromArray(values.astype(np.float32), name=name)
        for name, values in (("CT", noise + 160 + air), ("MR", noise + 300))
    ]
    ui, parameters = panel.ui, panel.parameters()
    for selector, node in zip((ui.fixedSelector, ui.movingSelector), nodes):
        selector.setCurrentNode(node)
    settle(panel)

    def texts():
        return [combo.itemText(0) for combo in (ui.fixedModalityCombo, ui.movingModalityCombo)]

    assert texts() == ["guessed: CT", "guessed: MR"]
    panel.exit()
    panel.enter()
    assert texts() == ["guessed: CT", "guessed: MR"]
    ui.fixedModalityCombo.setCurrentIndex(2)
    assert parameters.fixedModality == "mr"
    slicer.util.updateVolumeFromArray(nodes[1], noise + 160 + air)
    parameters.preset = "fast"
    settle(panel)
    assert texts()[1] == "guessed: CT"
    slicer.mrmlScene.Clear(0)
    panel.initializeParameterNode()
    assert texts() == ["guessed", "guessed"]


def test_a_volume_without_voxels_is_told_on_the_button(panel, a_pair):
    empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Empty")
    empty.SetAndObserveImageData(vtk.vtkImageData())
    panel.ui.fixedSelector.setCurrentNode(empty)
    panel.ui.movingSelector.setCurrentNode(a_pair[1][0])
    slicer.app.processEvents()
    assert panel.ui.registerButton.text == "Empty holds no voxels"


def test_what_was_chosen_stays_when_the_module_is_left_and_entered(panel, a_pair, monkeypatch):
    """Also where connecting the panel by Slicer's `connectGui` gives no tag to disconnect it by, as before 5.10."""
    node = type(panel.parameters())
    connect = node.connectGui
    monkeypatch.setattr(node, "connectGui", lambda self, gui: (connect(self, gui), None)[1])
    panel.setParameterNode(panel.logic.getParameterNode())
    choose(panel, a_pair)
    parameters = panel.parameters()
    parameters.preset, parameters.fixedModality, parameters.movingModality = "accurate", "mr", "ct"
    for _ in range(2):
        panel.exit()
        panel.enter()
        parameters = panel.parameters()
        chosen = (parameters.preset, parameters.fixedModality, parameters.movingModality)
        assert chosen == ("accurate", "mr", "ct")
    assert panel.ui.presetCombo.currentIndex == 2


def test_registering_puts_the_whole_result_into_one_folder_and_shows_it(panel, a_pair, tmp_path):
    choose(panel, a_pair)
    (fixed, _), (moving, _) = a_pair
    moving_masks = panel.parameters().movingSegmentation
    before = [slicer.util.arrayFromVolume(node).copy() for node in (fixed, moving)]
    click(panel.ui.registerButton)
    assert panel.ui.registerButton.text == "Registering..."
    assert panel.ui.cancelButton.enabled
    wait(lambda: not panel.registerPanel.running)
    assert panel.ui.registerStatus.text.startswith("Done in")
    parameters = panel.parameters()
    names = ["resultTransform", "resultInverse", "resultVolume", "resultJacobian", "resultSegmentation", "resultTable"]
    results = [getattr(parameters, name) for name in names]
    assert all(node is not None for node in results)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    folders = {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) for node in results}
    assert [hierarchy.GetItemName(folder) for folder in folders] == ["Registration of After to Before"]

    transform = parameters.resultTransform
    displays = [transform.GetNthDisplayNode(n) for n in range(transform.GetNumberOfDisplayNodes())]
    assert all(display.GetVisibility() and display.GetRegionNode() is fixed for display in displays)
    assert [(display.GetVisibility2D(), display.GetVisibility3D()) for display in displays] == [(1, 0), (0, 1)]

    segmentation = parameters.resultSegmentation.GetSegmentation()
    source = moving_masks.GetSegmentation()
    assert segmentation.GetSegmentIDs() == source.GetSegmentIDs()
    for segment_id in source.GetSegmentIDs():
        copied, original = segmentation.GetSegment(segment_id), source.GetSegment(segment_id)
        assert (copied.GetName(), copied.GetColor()) == (original.GetName(), original.GetColor())

    def dice(node, segment_id):
        masks = [
            slicer.util.arrayFromSegmentBinaryLabelmap(*pair, fixed) > 0
            for pair in ((a_pair[0][1], "Before masks-Whole"), (node, segment_id))
        ]
        return 2 * (masks[0] & masks[1]).sum() / (masks[0].sum() + masks[1].sum())

    after = dice(parameters.resultSegmentation, "Before masks-Whole")
    assert after > 0.85
    assert after > dice(moving_masks, "Before masks-Whole") + 0.05
    for node, array in zip((fixed, moving), before):
        assert np.array_equal(slicer.util.arrayFromVolume(node), array)

    path = str(tmp_path / "t.h5")
    assert slicer.util.saveNode(parameters.resultTransform, path)
    transform = sitk.ReadTransform(path)
    warped = parameters.resultVolume
    for ijk in [(12, 15, 9), (20, 18, 14), (25, 20, 12)]:
        ras = (FIXED @ [*ijk, 1])[:3]
        mapped = np.array(transform.TransformPoint((-ras[0], -ras[1], ras[2]))) * (-1, -1, 1)
        index = np.linalg.solve(MOVING, [*mapped, 1])[:3]
        expected = trilinear(slicer.util.arrayFromVolume(moving), index)
        assert slicer.util.arrayFromVolume(warped)[ijk[::-1]] == pytest.approx(expected, abs=0.5)


def trilinear(array, ijk):
    base = np.floor(ijk).astype(int)
    rest = np.asarray(ijk) - base
    total = 0.0
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod([r if c else 1 - r for c, r in zip(corner, rest)])
        total += weight * array[tuple((base + corner)[::-1])]
    return total


def test_canceling_stops_within_a_second_and_leaves_the_scene_as_it_was(panel, a_pair):
    choose(panel, a_pair)
    panel.ui.presetCombo.setCurrentIndex(2)
    before = node_ids()
    click(panel.ui.registerButton)
    wait(lambda: panel.ui.registerProgress.value > 20)
    click(panel.ui.cancelButton)
    wait(lambda: not panel.registerPanel.running)
    assert panel.ui.registerStatus.text == "Canceled; nothing was changed."
    assert panel.ui.registerButton.enabled
    assert node_ids() == before


def test_cancel_gives_the_panel_back_while_the_thread_is_still_at_it_and_the_next_registration_is_shown(panel, a_pair):
    choose(panel, a_pair)
    before = node_ids()
    go_on = threading.Event()
    panel.runner.submit(lambda job: go_on.wait(60))
    click(panel.ui.registerButton)
    click(panel.ui.cancelButton)
    assert panel.ui.registerStatus.text == "Canceled; nothing was changed."
    assert panel.ui.registerButton.enabled
    assert not panel.ui.cancelButton.enabled
    go_on.set()
    settle(panel)
    assert node_ids() == before
    click(panel.ui.registerButton)
    settle(panel)
    assert panel.ui.registerStatus.text.startswith("Done in")
    assert panel.parameters().resultTransform is not None


def test_closing_the_scene_while_registering_leaves_an_empty_scene_and_a_usable_panel(panel, a_pair):
    choose(panel, a_pair)
    click(panel.ui.registerButton)
    wait(lambda: panel.ui.registerProgress.value > 5)
    slicer.mrmlScene.Clear(0)
    settle(panel)
    assert not any("After" in node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLTransformNode"))
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0
    assert panel.ui.registerButton.text == "Choose a fixed volume"
    assert not panel.ui.cancelButton.enabled


def test_volumes_that_cannot_be_registered_give_a_sentence_and_the_button_back(panel, a_pair):
    flat = slicer.util.addVolumeFromArray(np.zeros((8, 9, 10), np.float32), name="Flat")
    choose(panel, a_pair, masks=False)
    panel.ui.movingSelector.setCurrentNode(flat)
    click(panel.ui.registerButton)
    wait(lambda: not panel.registerPanel.running)
    assert "same value in every voxel" in panel.ui.registerStatus.text
    assert panel.ui.registerButton.enabled
