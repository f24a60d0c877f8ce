"""What fails on its way into the scene leaves nothing there, is told, and gives the buttons back."""

import numpy as np
import pytest
import slicer
import vtk
from module_panel import choose
from SAMRegistrationLib.scene import masks, present
from SAMRegistrationLib.testing.driver import click, node_ids, settle


def items():
    """Ids of everything in the subject hierarchy, folders included."""
    hierarchy, found = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene), vtk.vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), found, True)
    return {found.GetId(number) for number in range(found.GetNumberOfIds())}


def failing(*_args, **_options):
    raise RuntimeError("no place left")


def digest(nodes):
    return [slicer.util.arrayFromVolume(volume).copy() for volume, _ in nodes]


@pytest.mark.parametrize("step", ["add_transform", "add_table", "add_segments", "prepare_grid"])
def test_a_result_that_cannot_be_shown_leaves_the_scene_as_it_was(panel, a_pair, monkeypatch, step):
    choose(panel, a_pair)
    before, there, voxels = node_ids(), items(), digest(a_pair)
    with monkeypatch.context() as broken:
        broken.setattr(present, step, failing)
        click(panel.ui.registerButton)
        settle(panel)
    assert node_ids() == before
    assert items() == there
    assert not slicer.mrmlScene.IsBatchProcessing()
    assert all(np.array_equal(a, b) for a, b in zip(digest(a_pair), voxels))
    assert "Something went wrong" in panel.ui.registerStatus.text
    assert panel.ui.registerButton.enabled
    assert not panel.ui.cancelButton.enabled
    assert panel.parameters().resultTransform is None


def test_a_copy_that_cannot_be_made_leaves_the_scene_as_it_was(panel, a_pair, monkeypatch):
    choose(panel, a_pair)
    click(panel.ui.registerButton)
    settle(panel)
    panel.ui.applySelector.setCurrentNode(a_pair[1][1])
    slicer.app.processEvents()
    before, there = node_ids(), items()
    monkeypatch.setattr(masks, "put_mask", failing)
    click(panel.ui.applyButton)
    settle(panel)
    assert node_ids() == before
    assert items() == there
    assert "Something went wrong" in panel.ui.lookStatus.text
    assert panel.ui.applyButton.enabled
