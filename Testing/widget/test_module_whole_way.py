"""The whole way of a clinician, with the click model that ships, by clicks on the real panel and the real views."""

import hashlib
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from Host import gestures
from module_panel import choose, click, save_and_load, wait

CENTER = (0.0, 0.0, 5.0)


def settled(panel):
    wait(lambda: not panel.runner.busy)


def place(panel, button, ras):
    if not button.checked:
        click(button)
        settled(panel)
    view = gestures.slice_view("Red")
    gestures.click(view, gestures.pixel_at(view, ras))
    settled(panel)


def mask(panel, side, structure):
    node, volume = (getattr(panel.parameters(), f"{side}{kind}") for kind in ("Segmentation", "Volume"))
    return slicer.util.arrayFromSegmentBinaryLabelmap(node, structure, volume) > 0


def test_load_click_correct_propose_register_look_save_reload_and_go_on(panel, a_pair, tmp_path):
    for _, masks in a_pair:
        slicer.mrmlScene.RemoveNode(masks)
    choose(panel, a_pair, masks=False)
    panel.ui.deviceCombo.setCurrentIndex(1)
    click(panel.ui.fixedImageButton)
    for _ in range(2):
        click(panel.ui.addStructureButton)
    panel.ui.structuresTable.item(0, 2).setText("core")
    panel.ui.structuresTable.item(1, 2).setText("whole")
    slicer.app.processEvents()
    core, whole = [structure.id for structure in panel.logic.structures(panel.parameters())]
    for name in slicer.app.layoutManager().sliceViewNames():
        slicer.app.layoutManager().sliceWidget(name).mrmlSliceNode().JumpSliceByOffsetting(*CENTER)

    for structure, spot in ((core, CENTER), (whole, (18.0, 0.0, 5.0))):
        panel.structuresTable.select(structure)
        slicer.app.processEvents()
        place(panel, panel.ui.plusButton, spot)
        clicked = mask(panel, "fixed", structure)
        assert clicked.any()
        place(panel, panel.ui.minusButton, (34.0, 30.0, 5.0))
        click(panel.ui.undoButton)
        settled(panel)
        assert np.array_equal(mask(panel, "fixed", structure), clicked)
        click(panel.ui.propagateButton)
        settled(panel)
        click(panel.ui.proposeButton)
        settled(panel)
        click(panel.ui.acceptButton)
        settled(panel)
        click(panel.ui.propagateButton)
        settled(panel)
        assert mask(panel, "moving", structure).any()
        click(panel.ui.fixedImageButton)

    click(panel.ui.registerButton)
    wait(lambda: not panel.registerPanel.running)
    parameters = panel.parameters()
    assert panel.ui.registerStatus.text.startswith("Done in")
    names = [segment.name for segment in panel.logic.structures(parameters)]
    warped = parameters.resultSegmentation.GetSegmentation()
    assert [warped.GetNthSegment(n).GetName() for n in range(2)] == names == ["core", "whole"]
    assert parameters.resultTransform.GetDisplayNode().GetVisibility2D()
    assert panel.ui.metricsTable.rowCount >= 4 + 6
    path = str(tmp_path / "t.h5")
    assert slicer.util.saveNode(parameters.resultTransform, path)
    transform, mapped = sitk.ReadTransform(path), [0.0, 0.0, 0.0]
    parameters.resultTransform.GetTransformFromParent().TransformPoint((3.0, -2.0, 8.0), mapped)
    assert np.allclose(np.array(transform.TransformPoint((-3.0, 2.0, 8.0))) * (-1, -1, 1), mapped, atol=1e-2)

    before = {side: mask(panel, side, whole) for side in ("fixed", "moving")}
    prompts = panel.logic.promptsOf(parameters, "moving")
    save_and_load(panel, tmp_path / "scene.mrb")
    parameters = panel.parameters()
    assert parameters.preset == "fast"
    assert panel.logic.promptsOf(parameters, "moving") == prompts
    for side, expected in before.items():
        assert np.array_equal(mask(panel, side, whole), expected)
    for name in ("Transform", "Inverse", "Volume", "Jacobian", "Segmentation", "Table"):
        assert getattr(parameters, f"result{name}") is not None, name
    assert panel.ui.metricsTable.rowCount >= 4 + 6
    panel.structuresTable.select(core)
    click(panel.ui.fixedImageButton)
    place(panel, panel.ui.plusButton, (3.0, 3.0, 5.0))
    assert len(panel.logic.promptsOf(parameters, "fixed").structure(core).prompts) == 2
    assert panel.ui.registerButton.enabled


def test_the_modules_own_test_passes(panel):
    slicer.modules.SAMRegistrationInstance.runTest(msec=0)


def test_where_torch_is_missing_the_modules_own_test_says_so_and_does_not_fail(panel, monkeypatch):
    shown = []
    own_test = sys.modules[type(panel).__module__].SAMRegistrationTest
    monkeypatch.setattr(own_test, "delayDisplay", lambda self, text, *_args, **_more: shown.append(text))
    monkeypatch.setattr("SAMRegistrationLib.environment.is_there", lambda module: module != "torch")
    own_test().runTest()
    assert shown == 4 * ["PyTorch is missing; install it in the section Advanced"]


def test_the_whole_way_on_two_real_brains(panel, sample_source, tmp_path):
    """What is around the brain stem of those of the demonstration, where its cache has them, as the sample pair."""
    from SAMRegistrationLib.selftest import Clinician

    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    brains = [Path(base) / "samregistration" / "sample-data" / f"{name}_t1.nii.gz" for name in ("icbm152", "colin27")]
    if not all(path.is_file() for path in brains):
        pytest.skip(f"The brains of the demonstration are not in {brains[0].parent}; make demo fetches them.")
    paths = [around_the_brain_stem(path, tmp_path / path.name) for path in brains]
    sample_source.uris, sample_source.fileNames = [path.as_uri() for path in paths], [path.name for path in paths]
    sample_source.checksums = ["SHA256:" + hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    clinician = Clinician(panel)
    assert clinician.load_samples(), panel.ui.registerStatus.text
    pons = clinician.add_structure("pons")
    clinician.segment(pons, (0.0, -28.0, -34.0), (18.0, -42.0, -34.0))
    clinician.register()
    before, after = clinician.alike()
    assert after > before + 0.02, (before, after)
    assert dice_of(panel, "pons") > 0.6
    clinician.save_and_load()


def around_the_brain_stem(source, target):
    """The path of an image file with the part of a brain in MNI space that holds the pons, in slices of 2 mm."""
    image = sitk.ReadImage(str(source))
    corners = [image.TransformPhysicalPointToIndex(corner) for corner in ((-60, -20, -54), (60, 80, -14))]
    first, last = np.min(corners, axis=0), np.max(corners, axis=0)
    part = sitk.RegionOfInterest(image, (last - first).tolist(), first.tolist())
    sitk.WriteImage(sitk.BinShrink(part, (1, 1, 2)), str(target))
    return target


def dice_of(panel, name):
    """The Dice after the registration that the table tells."""
    table = panel.ui.metricsTable
    return next(
        float(table.item(row, 2).text())
        for row in range(table.rowCount)
        if table.item(row, 0).text() == f"{name}: Dice"
    )


def test_a_volume_under_a_parent_transform_gives_the_same_world_result_as_its_hardened_twin(panel, a_pair):
    (fixed, _), (moving, _) = a_pair
    turn = np.eye(4)
    turn[:3, :3] = np.array(sitk.Euler3DTransform((0, 0, 0), 0.05, -0.1, 0.08).GetMatrix()).reshape(3, 3)
    turn[:3, 3] = (6.0, -4.0, 2.0)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode")
    node.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(turn))
    moving.SetAndObserveTransformNodeID(node.GetID())
    results = []
    for _ in range(2):
        nodes = panel.logic.register(fixed, moving, options=panel.logic.options("fast", "cpu"))
        mapped = [0.0, 0.0, 0.0]
        nodes.transform.GetTransformFromParent().TransformPoint((5.0, 8.0, 1.0), mapped)
        results.append((mapped, slicer.util.arrayFromVolume(nodes.warped).copy()))
        moving.HardenTransform()
    assert np.allclose(results[0][0], results[1][0], atol=1e-2)
    assert np.abs(results[0][1] - results[1][1]).max() < 0.5
