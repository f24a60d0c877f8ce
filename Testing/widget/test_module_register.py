"""The module's own panel in the host application: choosing volumes, registering, cancelling, closing the scene."""

import time
from pathlib import Path

import Host
import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from PySide6 import QtCore, QtTest

MODULE = Path(__file__).parents[2] / "SAMRegistration" / "SAMRegistration.py"


@pytest.fixture(scope="session")
def module(application):
    if not hasattr(slicer.modules, "samregistration"):
        Host.load_module(MODULE)
    return slicer.modules.samregistration.widgetRepresentation().self()


@pytest.fixture
def panel(module, an_empty_scene):
    slicer.util.selectModule("SAMRegistration")
    module.initializeParameterNode()
    slicer.app.processEvents()
    yield module
    module.registerPanel.abandon()
    wait(lambda: not module.runner.busy)


def wait(condition, seconds=120):
    """Turn the event loop until the condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        slicer.app.processEvents()
        time.sleep(0.005)


def click(button):
    QtTest.QTest.mouseClick(button, QtCore.Qt.MouseButton.LeftButton)
    slicer.app.processEvents()


ROTATION = np.array(sitk.Euler3DTransform((0, 0, 0), 0.3, 0.1, -0.2).GetMatrix()).reshape(3, 3)
FIXED = np.eye(4)
FIXED[:3, :3] = ROTATION * [2.0, 2.2, 3.1]
FIXED[:3, 3] = (0, 0, 5) - FIXED[:3, :3] @ (21.5, 19.5, 13.5)
MOVING = np.eye(4)
MOVING[:3, :3] = np.diag([-1.9, -2.4, 2.6])
MOVING[:3, 3] = (50, 45, -35)


def body(ijk_to_ras, shape, bump):
    """A ball with a brighter core, in world coordinates; `bump` makes it lopsided."""
    i, j, k = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    world = (np.stack([i, j, k, np.ones_like(i)], -1) @ ijk_to_ras.T)[..., :3] - (0, 0, 5)
    radius = np.linalg.norm(world * (1, 1, 1.2), axis=-1)
    angle = world[..., 0] / np.maximum(radius, 1)
    edge = 26 + bump * angle
    values = 100 / (1 + np.exp((radius - edge) / 2)) + 120 / (1 + np.exp((radius - edge / 2) / 2))
    core = (radius < edge / 2).astype(np.uint8)
    whole = (radius < edge).astype(np.uint8)
    return [array.transpose(2, 1, 0) for array in (values.astype(np.float32), core, whole)]


def segmentation_of(volume, name, **masks):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    for number, (segment, mask) in enumerate(masks.items()):
        segment_id = f"{name}-{segment}"
        node.GetSegmentation().AddEmptySegment(segment_id, segment, (0.9, 0.3 * number, 0.2))
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, segment_id, volume)
    return node


@pytest.fixture
def a_pair(panel):
    """Two volumes of a body that changed its shape, oblique and differently sampled, with masks in both."""
    nodes = []
    for name, matrix, shape, bump in (("Before", FIXED, (44, 40, 28), 0), ("After", MOVING, (52, 40, 32), 8)):
        values, core, whole = body(matrix, shape, bump)
        volume = slicer.util.addVolumeFromArray(values, ijkToRAS=matrix, name=name)
        volume.CreateDefaultDisplayNodes()
        nodes.append((volume, segmentation_of(volume, f"{name} masks", Core=core, Whole=whole)))
    return nodes


def choose(panel, a_pair, masks=True):
    (fixed, fixed_masks), (moving, moving_masks) = a_pair
    panel.ui.fixedSelector.setCurrentNode(fixed)
    panel.ui.movingSelector.setCurrentNode(moving)
    if masks:
        panel.ui.fixedMasksSelector.setCurrentNode(fixed_masks)
        panel.ui.movingMasksSelector.setCurrentNode(moving_masks)
    panel.ui.presetCombo.setCurrentIndex(0)
    slicer.app.processEvents()


def all_nodes():
    nodes = slicer.mrmlScene.GetNodes()
    return {nodes.GetItemAsObject(index).GetID() for index in range(nodes.GetNumberOfItems())}


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


def test_registering_puts_the_whole_result_into_one_folder_and_shows_it(panel, a_pair, tmp_path):
    choose(panel, a_pair)
    (fixed, _), (moving, moving_masks) = a_pair
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

    display = parameters.resultTransform.GetDisplayNode()
    assert display.GetVisibility()
    assert display.GetVisibility2D()
    assert display.GetVisibility3D()
    assert display.GetRegionNode() is fixed

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

    after = dice(parameters.resultSegmentation, "After masks-Whole")
    assert after > 0.85
    assert after > dice(moving_masks, "After masks-Whole") + 0.05
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


def test_cancelling_stops_within_a_second_and_leaves_the_scene_as_it_was(panel, a_pair):
    choose(panel, a_pair)
    panel.ui.presetCombo.setCurrentIndex(2)
    before = all_nodes()
    click(panel.ui.registerButton)
    wait(lambda: panel.ui.registerProgress.value > 20)
    click(panel.ui.cancelButton)
    wait(lambda: not panel.registerPanel.running)
    assert panel.ui.registerStatus.text == "Cancelled; nothing was changed."
    assert panel.ui.registerButton.enabled
    assert all_nodes() == before


def test_closing_the_scene_while_registering_leaves_an_empty_scene_and_a_usable_panel(panel, a_pair):
    choose(panel, a_pair)
    click(panel.ui.registerButton)
    wait(lambda: panel.ui.registerProgress.value > 5)
    slicer.mrmlScene.Clear(0)
    wait(lambda: not panel.runner.busy)
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
