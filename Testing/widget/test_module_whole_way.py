"""The whole workflow, with the click model that ships, by clicks on the real panel and the real views."""

import hashlib
import os
import sys
from pathlib import Path

import module_life
import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from module_panel import FIXED, MOVING, choose, segmentation_of
from SAMRegistrationLib.testing.driver import (
    add_structure,
    click,
    click_and_settle,
    look_at,
    mask,
    place,
    save_and_load,
    select_structure,
    wait,
)

CENTER = (0.0, 0.0, 5.0)


def test_load_click_correct_propose_register_look_save_reload_and_go_on(panel, tmp_path):
    pair = module_life.pair(thickness=2)
    for _, masks in pair:
        slicer.mrmlScene.RemoveNode(masks)
    choose(panel, pair, masks=False)
    panel.ui.deviceCombo.setCurrentIndex(1)
    click(panel.ui.fixedImageButton)
    core, whole = (add_structure(panel, name) for name in ("core", "whole"))
    look_at(CENTER)

    for structure, spot in ((core, CENTER), (whole, (18.0, 0.0, 5.0))):
        select_structure(panel, structure)
        place(panel, panel.ui.plusButton, spot)
        clicked = mask(panel, "fixed", structure)
        assert clicked.any()
        place(panel, panel.ui.minusButton, (34.0, 30.0, 5.0))
        click_and_settle(panel, panel.ui.undoButton)
        assert np.array_equal(mask(panel, "fixed", structure), clicked)
        click_and_settle(panel, panel.ui.propagateButton)
        click_and_settle(panel, panel.ui.proposeButton)
        click_and_settle(panel, panel.ui.acceptButton)
        click_and_settle(panel, panel.ui.propagateButton)
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
    save_and_load(tmp_path / "scene.mrb")
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


def test_where_torch_is_missing_the_modules_own_test_says_so_and_does_not_fail(panel, monkeypatch):
    shown = []
    own_test = sys.modules[type(panel).__module__].SAMRegistrationTest
    monkeypatch.setattr(own_test, "delayDisplay", lambda self, text, *_args, **_more: shown.append(text))
    monkeypatch.setattr("SAMRegistrationLib.environment.is_there", lambda module: module != "torch")
    own_test().runTest()
    assert shown == 4 * ["PyTorch is missing; install it in the section Advanced"]


def test_the_whole_way_on_two_real_brains(panel, sample_source, tmp_path):
    """What is around the brain stem of those of the demonstration, where its cache has them, as the sample pair."""
    from SAMRegistrationLib.testing import workflow

    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    brains = [Path(base) / "samregistration" / "sample-data" / f"{name}_t1.nii.gz" for name in ("icbm152", "colin27")]
    if not all(path.is_file() for path in brains):
        pytest.skip(f"The brains of the demonstration are not in {brains[0].parent}; make demo fetches them.")
    paths = [around_the_brain_stem(path, tmp_path / path.name) for path in brains]
    sample_source.uris, sample_source.fileNames = [path.as_uri() for path in paths], [path.name for path in paths]
    sample_source.checksums = ["SHA256:" + hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    assert workflow.load_samples(panel), panel.ui.volumesStatus.text
    pons = add_structure(panel, "pons")
    workflow.segment(panel, pons, (0.0, -28.0, -34.0), (18.0, -42.0, -34.0))
    workflow.register(panel)
    before, after = workflow.correlations(panel)
    assert after > before + 0.02, (before, after)
    assert dice_of(panel, "pons") > 0.6
    workflow.check_saving(panel)


def around_the_brain_stem(source, target):
    """The path of an image file with the part of a brain in MNI space that holds the pons, in slices of 4 mm."""
    image = sitk.ReadImage(str(source))
    corners = [image.TransformPhysicalPointToIndex(corner) for corner in ((-60, -20, -54), (60, 80, -14))]
    first, last = np.min(corners, axis=0), np.max(corners, axis=0)
    part = sitk.RegionOfInterest(image, (last - first).tolist(), first.tolist())
    sitk.WriteImage(sitk.BinShrink(part, (1, 1, 4)), str(target))
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


PARENT = np.eye(4)
PARENT[:3, :3] = np.array(sitk.Euler3DTransform((0, 0, 0), 0.2, -0.3, 0.4).GetMatrix()).reshape(3, 3)
PARENT[:3, 3] = (14.0, -9.0, 6.0)


ORGANS = (  # center and radii (RAS mm) of ellipsoids; none of them can be turned into itself or another one
    (100, (0, 0, 5), (36, 26, 22)),
    (90, (12, 6, 9), (12, 9, 8)),
    (-60, (-15, -7, 2), (9, 8, 10)),
)


def shift(world):
    """How far the moving body lies from the fixed one, at places of the moving one (RAS mm)."""
    x, y, _ = np.moveaxis(world, -1, 0)
    return np.stack([5 + 3 * np.sin(y / 15), 4 * np.cos(x / 18) - 2, np.full_like(x, 3.0)], -1)


def pair_in_the_world(grids, parent):
    """A body and the same one moved, on grids (IJK to world, size), as nodes with masks under `parent` or nothing."""
    to_parent = np.eye(4) if parent is None else np.linalg.inv(PARENT)
    nodes = []
    for name, (to_world, shape) in zip(("Before", "After"), grids):
        voxels = np.stack([*np.meshgrid(*map(np.arange, shape), indexing="ij"), np.ones(shape)], -1)
        world = (voxels @ to_world.T)[..., :3]
        world = world - (shift(world) if name == "After" else 0)
        depths = [1 - np.linalg.norm((world - center) / radii, axis=-1) for _, center, radii in ORGANS]
        values = sum(
            height / (1 + np.exp(-depth * min(radii) / 1.5)) for (height, _, radii), depth in zip(ORGANS, depths)
        )
        whole, core = ((depth > 0).astype(np.uint8).transpose(2, 1, 0) for depth in depths[:2])
        values = values.astype(np.float32).transpose(2, 1, 0)
        volume = slicer.util.addVolumeFromArray(values, ijkToRAS=to_parent @ to_world, name=name)
        volume.CreateDefaultDisplayNodes()
        masks = segmentation_of(volume, f"{name} masks", Core=core, Whole=whole)
        for node in (volume, masks) if parent is not None else ():
            node.SetAndObserveTransformNodeID(parent.GetID())
        nodes.append((volume, masks))
    return nodes


def registered_world(panel, pair, places, masks):
    """Where a registration by the panel, with or without masks, takes places (RAS mm)."""
    choose(panel, pair, masks)
    panel.parameters().preset = "balanced"
    click_and_settle(panel, panel.ui.registerButton)
    assert panel.ui.registerStatus.text.startswith("Done in")
    transform = panel.parameters().resultTransform.GetTransformFromParent()
    return np.array([transform.TransformPoint(place) for place in places])


@pytest.mark.parametrize(("masks", "tolerance"), [(False, 1.3), (True, 3.1 / 2)])  # masks: half a slice of FIXED
def test_an_oblique_anisotropic_pair_under_a_parent_gives_the_same_world_result_as_its_resampled_twin(
    panel, masks, tolerance
):
    parent = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "Parent")
    parent.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(PARENT))
    oblique = pair_in_the_world(((FIXED, (44, 40, 28)), (MOVING, (52, 40, 32))), parent)
    straight = np.diag([2.0, 2.0, 2.0, 1.0])
    straight[:3, 3] = (-48.0, -46.0, -40.0)
    other = np.diag([2.0, 2.0, 2.0, 1.0])
    other[:3, 3] = (-50.0, -50.0, -36.0)
    twin = pair_in_the_world(((straight, (49, 47, 46)), (other, (51, 49, 43))), None)
    turns = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    places = [(24 * np.cos(turn), 16 * np.sin(turn), 5.0 + height) for turn in turns for height in (-8.0, 0.0, 8.0)]
    true = np.array(places)
    for _ in range(50):
        true = places + shift(true)
    results = [registered_world(panel, pair, places, masks) for pair in (oblique, twin)]
    for mapped in results:
        assert np.linalg.norm(mapped - true, axis=1).mean() < 0.4 * np.linalg.norm(true - places, axis=1).mean()
    assert np.linalg.norm(results[0] - results[1], axis=1).max() < tolerance
