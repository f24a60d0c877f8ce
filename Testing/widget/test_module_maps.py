"""Stiffness and confidence of a registration, and the maps in millimeters in the section "Look"."""

import math

import numpy as np
import pytest
import slicer
from module_life import known_result
from module_panel import choose, rigid
from SAMRegistrationLib import engine
from SAMRegistrationLib.testing.driver import click, click_and_settle, save_and_load, settle

VIEWS = ("Red", "Yellow", "Green")


@pytest.fixture
def under_a_parent(a_pair):
    """The oblique, anisotropic pair under a transform."""
    parent = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode")
    parent.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(rigid((0.2, -0.1, 0.3), (30.0, -12.0, 7.0))))
    for node in (node for nodes in a_pair for node in nodes):
        node.SetAndObserveTransformNodeID(parent.GetID())
    return a_pair


def foreground(view="Red"):
    composite = slicer.app.layoutManager().sliceWidget(view).mrmlSliceCompositeNode()
    return slicer.mrmlScene.GetNodeByID(composite.GetForegroundVolumeID() or "")


def legends_seen():
    """The titles of the legends that a slice view shows, and the numbers beside their colors."""
    view = slicer.app.layoutManager().sliceWidget("Red").sliceView()
    manager = view.displayableManagerByClassName("vtkMRMLColorLegendDisplayableManager")
    seen = {}
    for legend in slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode"):
        actor = manager.GetColorLegendActor(legend)
        if actor is not None and actor.GetVisibility():
            seen[legend.GetTitleText()] = actor.GetLookupTable().GetRange()
    return seen


def measures(panel):
    table = panel.ui.metricsTable
    return {table.item(row, 0).text(): table.item(row, 2).text() for row in range(table.rowCount)}


def test_stiffness_and_confidence_reach_the_registration_and_are_saved(panel, a_pair, monkeypatch, tmp_path):
    asked = []

    def register(fixed, moving, fixed_masks, moving_masks, options, *others):
        asked.append((options.stiffness, options.confidence))
        return known_result(fixed, moving)

    monkeypatch.setattr(engine, "register", register)
    choose(panel, a_pair, masks=False)
    ui = panel.ui
    assert (ui.stiffnessSlider.minimum, ui.stiffnessSlider.maximum, ui.stiffnessSlider.value) == (0.25, 4, 1)
    click_and_settle(panel, ui.registerButton)
    ui.stiffnessSlider.setValue(2.5)
    click(ui.confidenceCheckBox)
    click_and_settle(panel, ui.registerButton)
    assert asked == [(1.0, False), (2.5, True)]
    save_and_load(tmp_path / "scene.mrb")
    assert (ui.stiffnessSlider.value, ui.confidenceCheckBox.checked) == (2.5, True)


def test_a_stiffer_registration_has_a_smaller_spread_of_the_jacobian(panel, under_a_parent):
    choose(panel, under_a_parent)
    spreads = []
    for stiffness in (1, 4):
        panel.ui.stiffnessSlider.setValue(stiffness)
        click_and_settle(panel, panel.ui.registerButton)
        assert f"SDlogJ {measures(panel)['SDlogJ']}" in panel.ui.metricsLabel.text
        spreads.append(float(measures(panel)["SDlogJ"]))
    assert spreads[1] < 0.8 * spreads[0]


def test_the_maps_take_turns_over_the_fixed_volume_and_have_a_legend_in_mm(
    panel, under_a_parent, quick_registration, tmp_path
):
    """The known result shifts by (4, -3, 2) mm after a pre-alignment by (-4, 3, -2) mm."""
    choose(panel, under_a_parent, masks=False)
    ui, parameters = panel.ui, panel.parameters()
    assert not ui.displacementCheckBox.enabled
    click_and_settle(panel, ui.registerButton)
    assert np.allclose(slicer.util.arrayFromVolume(parameters.resultDisplacement), 2 * math.sqrt(29), atol=1e-3)
    assert ui.displacementCheckBox.enabled
    assert not ui.disagreementCheckBox.enabled
    assert legends_seen() == {}
    click(ui.displacementCheckBox)
    assert {foreground(view) for view in VIEWS} == {parameters.resultDisplacement}
    assert legends_seen() == {"Displacement\n(mm)": (0.0, 20.0)}
    click(ui.jacobianCheckBox)
    assert not ui.displacementCheckBox.checked
    assert foreground() is parameters.resultJacobian
    assert list(legends_seen()) == ["Jacobian"]
    click(ui.displacementCheckBox)
    assert not ui.jacobianCheckBox.checked
    click(ui.sideBySideButton)
    settle(panel)
    assert foreground("Yellow") is parameters.resultDisplacement
    click(ui.blendButton)
    settle(panel)
    save_and_load(tmp_path / "scene.mrb")
    assert ui.displacementCheckBox.checked
    assert panel.parameters().resultDisplacement.GetName() == "Displacement of After to Before"
    click(ui.displacementCheckBox)
    assert foreground() is panel.parameters().resultVolume

    click(ui.displacementCheckBox)
    click_and_settle(panel, ui.registerButton)
    assert not ui.displacementCheckBox.checked
    assert panel.parameters().resultDisplacement.GetName() == "Displacement of After to Before_1"
    slicer.mrmlScene.RemoveNode(panel.parameters().resultDisplacement)
    slicer.app.processEvents()
    assert not ui.displacementCheckBox.enabled


def test_the_disagreement_is_there_after_a_registration_with_confidence_and_gone_after_one_without(
    panel, under_a_parent
):
    choose(panel, under_a_parent, masks=False)
    ui, parameters = panel.ui, panel.parameters()
    click(ui.confidenceCheckBox)
    click_and_settle(panel, ui.registerButton)
    assert ui.registerStatus.text.startswith("Done in"), ui.registerStatus.text
    click(ui.disagreementCheckBox)
    assert foreground() is parameters.resultDisagreement
    (title,) = legends_seen()
    assert title == "Disagreement\n(mm)"
    array = slicer.util.arrayFromVolume(parameters.resultDisagreement)
    assert array.shape == slicer.util.arrayFromVolume(parameters.fixedVolume).shape
    assert 0 < array.max() < 60
    rows = measures(panel)
    assert 0 < float(rows["Disagreement: median (mm)"]) <= float(rows["Disagreement: 95th percentile (mm)"])

    click(ui.confidenceCheckBox)
    click_and_settle(panel, ui.registerButton)
    assert parameters.resultDisagreement is None
    assert not ui.disagreementCheckBox.enabled
    assert not ui.disagreementCheckBox.checked
    assert foreground() is parameters.resultVolume
    assert "Disagreement: median (mm)" not in measures(panel)
