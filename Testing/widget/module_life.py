"""The whole life of the module by its panel, for applications that lack something: no views, no Python program, ..."""

import numpy as np
import SimpleITK as sitk
import slicer
from module_panel import FIXED, MOVING, body, choose, segmentation_of
from SAMRegistrationLib.testing.driver import click_and_settle, settle


def pair(thickness=1):
    """Two volumes with masks, as the fixture a_pair; with slices so many times as thick, and fewer of them."""
    nodes = []
    for name, thin, (*plane, slices), bump in (("Before", FIXED, (44, 40, 28), 0), ("After", MOVING, (52, 40, 32), 8)):
        matrix = thin @ np.diag([1, 1, thickness, 1])
        values, core, whole = body(matrix, (*plane, slices // thickness), bump)
        volume = slicer.util.addVolumeFromArray(values, ijkToRAS=matrix, name=name)
        volume.CreateDefaultDisplayNodes()
        nodes.append((volume, segmentation_of(volume, f"{name} masks", Core=core, Whole=whole)))
    return nodes


def known_result(fixed, moving, *_others):
    """For engine.register: a shift of (4, -3, 2) mm (LPS) from fixed to moving points."""
    from SAMRegistrationLib.registration import RegistrationResult

    shift = sitk.TranslationTransform(3, (4.0, -3.0, 2.0))
    forward, back = (sitk.CompositeTransform([part]) for part in (shift, shift.GetInverse()))
    return RegistrationResult(forward, back, back, fixed, moving)


def live(panel, volumes, folder):
    """Enter, choose, register, look, save, close, load and go on."""
    panel.parent.exit()
    panel.parent.enter()
    slicer.app.processEvents()
    choose(panel, volumes)
    settle(panel)
    use(panel, folder)
    fixed = panel.parameters().fixedVolume.GetName()
    path = str(folder / "scene.mrb")
    assert slicer.util.saveScene(path)
    slicer.mrmlScene.Clear(0)
    slicer.app.processEvents()
    assert not panel.ui.registerButton.enabled
    slicer.util.loadScene(path)
    slicer.app.processEvents()
    settle(panel)
    assert panel.parameters().fixedVolume.GetName() == fixed
    assert panel.parameters().resultVolume is not None
    use(panel, folder)


def use(panel, folder):
    """Register, and use what the panel offers for structures and for the result."""
    ui, parameters = panel.ui, panel.parameters()
    click_and_settle(panel, ui.registerButton)
    assert ui.registerStatus.text.startswith("Done in"), ui.registerStatus.text
    array = slicer.util.arrayFromVolume(parameters.resultVolume)
    assert array.shape == slicer.util.arrayFromVolume(parameters.fixedVolume).shape
    assert np.ptp(array) > 50
    assert ui.metricsTable.rowCount > 6
    for button in (ui.checkerboardButton, ui.sideBySideButton, ui.flickerButton):
        click_and_settle(panel, button)
        panel.lookPanel._comparison._on_flicker()
    click_and_settle(panel, ui.blendButton)
    for box in (ui.gridCheckBox, ui.grid3DCheckBox, ui.jacobianCheckBox, ui.outlinesCheckBox):
        click_and_settle(panel, box)
        click_and_settle(panel, box)
    panel.logic.jumpTo((1.0, 2.0, 3.0))
    panel.measures.export(str(folder / "measures.csv"))
    ui.applySelector.setCurrentNode(parameters.movingVolume)
    click_and_settle(panel, ui.applyButton)
    assert "is in the folder of the registration" in ui.lookStatus.text
    panel.logic.showEvaluation([["method", "Dice %"], ["affine", "61.2"]])
    for button in (ui.fixedImageButton, ui.movingImageButton, ui.addStructureButton, ui.terminologyButton):
        click_and_settle(panel, button)
    panel.structuresTable._terminology.close()
    click_and_settle(panel, ui.removeStructureButton)
