"""Scenes that are saved, closed, loaded, imported and exchanged: the panel goes on, and remembers nothing of before."""

import gc
import weakref

import numpy as np
import pytest
import slicer
from module_panel import CENTER, OUTER, prompts_of
from SAMRegistrationLib.testing.driver import click, click_at, enter_module, leave_module, mask, place, settle, wait

WORDS = ("Traceback", "Error")


@pytest.fixture(autouse=True)
def nothing_goes_wrong_unseen(capfd):
    """What fails in an observer or a slot is printed, here as in the application, and fails the test."""
    yield
    printed = capfd.readouterr().err
    assert [line for line in printed.splitlines() if any(word in line for word in WORDS)] == []


@pytest.fixture
def worked(clicking, quick_registration):
    """The panel after a click in both images, a registration and a look at its result."""
    place(clicking, clicking.ui.plusButton, CENTER)
    for button in (clicking.ui.propagateButton, clicking.ui.proposeButton, clicking.ui.acceptButton):
        click(button)
        settle(clicking)
    click(clicking.ui.fixedImageButton)
    register(clicking)
    return clicking


def register(panel):
    click(panel.ui.registerButton)
    settle(panel)
    assert panel.ui.registerStatus.text.startswith("Done in")


def save(path):
    assert slicer.util.saveScene(str(path))
    return str(path)


def close():
    slicer.mrmlScene.Clear(0)
    slicer.app.processEvents()


def load(path, **properties):
    slicer.util.loadScene(path, properties)
    slicer.app.processEvents()


def come_back(panel):
    enter_module()
    settle(panel)


def go_on_everywhere(panel, tmp_path, clicks):
    """Use every section of the panel; `clicks` is how many the chosen structure has in the fixed image."""
    ui, parameters = panel.ui, panel.parameters()
    settle(panel)
    assert [ui.fixedSelector.currentNode(), ui.movingSelector.currentNode()] == [
        parameters.fixedVolume,
        parameters.movingVolume,
    ]
    assert ui.registerButton.enabled
    assert ui.fixedModalityCombo.itemText(0).startswith("guessed: ")
    go_on_clicking(panel, clicks)
    go_on_looking(panel, tmp_path)
    rows = ui.structuresTable.rowCount
    click(ui.addStructureButton)
    ui.structuresTable.item(rows, 2).setText("another")
    slicer.app.processEvents()
    assert panel.logic.structures(parameters)[-1].name == "another"
    click(ui.terminologyButton)
    panel.structuresTable._terminology.close()
    click(ui.removeStructureButton)
    assert ui.structuresTable.rowCount == rows
    panel.trainingPanel.add_pair(str(tmp_path / "pairs"))
    settle(panel)
    assert (tmp_path / "pairs" / "cases.json").is_file()
    panel.parameters().trainingData = ""


def go_on_clicking(panel, clicks):
    ui = panel.ui
    click(ui.fixedImageButton)
    assert len(prompts_of(panel)) == clicks
    place(panel, ui.plusButton, OUTER)
    assert len(prompts_of(panel)) == clicks + 1
    click(ui.undoButton)
    settle(panel)
    assert len(prompts_of(panel)) == clicks
    assert mask(panel).any()
    for button in (ui.propagateButton, ui.proposeButton, ui.acceptButton):
        click(button)
        settle(panel)
    assert mask(panel, "moving").any()


def go_on_looking(panel, tmp_path):
    ui, parameters = panel.ui, panel.parameters()
    register(panel)
    result = parameters.resultVolume
    assert composite().GetForegroundVolumeID() == result.GetID()
    click(ui.checkerboardButton)
    settle(panel)
    assert composite().GetBackgroundVolumeID() == parameters.resultCheckerboard.GetID()
    click(ui.sideBySideButton)
    settle(panel)
    assert composite("Yellow").GetBackgroundVolumeID() == result.GetID()
    click(ui.blendButton)
    ui.jacobianCheckBox.click()
    assert composite().GetForegroundVolumeID() == parameters.resultJacobian.GetID()
    ui.jacobianCheckBox.click()
    assert ui.metricsTable.rowCount > 4
    panel.measures.export(str(tmp_path / "measures.csv"))
    assert (tmp_path / "measures.csv").is_file()
    ui.applySelector.setCurrentNode(parameters.movingVolume)
    click(ui.applyButton)
    settle(panel)
    assert "is in the folder of the registration" in ui.lookStatus.text


def composite(view="Red"):
    return slicer.app.layoutManager().sliceWidget(view).mrmlSliceCompositeNode()


def names(panel):
    parameters = panel.parameters()
    nodes = (parameters.fixedVolume, parameters.movingVolume, parameters.resultVolume)
    return [node and node.GetName() for node in nodes]


def test_after_saving_closing_and_loading_everything_goes_on(worked, tmp_path):
    before = names(worked)
    path = save(tmp_path / "scene.mrb")
    close()
    assert names(worked) == [None, None, None]
    assert worked.ui.registerButton.text == "Choose a fixed volume"
    load(path)
    assert names(worked) == before
    go_on_everywhere(worked, tmp_path, clicks=1)


def test_loading_over_the_shown_panel_goes_on_with_what_was_loaded(worked, tmp_path):
    before = names(worked)
    path = save(tmp_path / "scene.mrb")
    place(worked, worked.ui.plusButton, OUTER)
    worked.parameters().fixedVolume.SetName("Other")
    load(path, clear=True)
    assert names(worked) == before
    go_on_everywhere(worked, tmp_path, clicks=1)


def test_a_scene_that_is_closed_and_loaded_while_another_module_is_shown_is_there_on_coming_back(worked, tmp_path):
    before = names(worked)
    path = save(tmp_path / "scene.mrb")
    leave_module()
    close()
    load(path)
    come_back(worked)
    assert names(worked) == before
    go_on_everywhere(worked, tmp_path, clicks=1)


@pytest.mark.parametrize("shown", [True, False])
def test_a_scene_that_is_added_to_the_present_one_brings_its_pair(worked, a_pair, tmp_path, shown):
    path = save(tmp_path / "scene.mrb")
    present = [worked.parameters().fixedVolume, worked.parameters().movingVolume]
    for number, node in enumerate(present):
        node.SetName(f"Present {number}")
    if not shown:
        leave_module()
    load(path)
    if not shown:
        come_back(worked)
    assert names(worked)[:2] == ["Before", "After"]
    assert worked.parameters().fixedVolume not in present
    go_on_everywhere(worked, tmp_path, clicks=1)
    assert all(slicer.mrmlScene.IsNodePresent(node) for node in present)


def test_a_wrapper_that_a_script_holds_knows_the_nodes_of_a_scene_that_is_loaded(worked, tmp_path):
    path = save(tmp_path / "scene.mrb")
    held = worked.logic.getParameterNode()
    close()
    load(path)
    assert held.fixedVolume is worked.parameters().fixedVolume is not None


def test_two_scenes_after_another_do_not_mix(worked, a_pair, tmp_path):
    first = save(tmp_path / "first.mrb")
    close()
    volumes = []
    for name, value in (("Base", 1), ("Next", 2)):
        array = np.full((12, 20, 20), value, np.float32)
        array[4:8, 5:12, 6:14] = 100
        volumes.append(slicer.util.addVolumeFromArray(array, name=name))
    worked.ui.fixedSelector.setCurrentNode(volumes[0])
    worked.ui.movingSelector.setCurrentNode(volumes[1])
    worked.logic.addStructure(worked.parameters(), "second structure")
    slicer.app.processEvents()
    second = save(tmp_path / "second.mrb")
    for path, expected, structures in (
        (first, ["Before", "After"], ["Structure 1"]),
        (second, ["Base", "Next"], ["second structure"]),
        (first, ["Before", "After"], ["Structure 1"]),
    ):
        load(path, clear=True)
        settle(worked)
        table = worked.ui.structuresTable
        assert names(worked)[:2] == expected
        assert [table.item(row, 2).text() for row in range(table.rowCount)] == structures
        assert (worked.parameters().resultTransform is None) == (path == second)
        assert (worked.ui.metricsTable.rowCount == 0) == (path == second)
        assert not worked.ui.undoButton.enabled
    go_on_everywhere(worked, tmp_path, clicks=1)


def test_loading_over_waiting_work_drops_it_and_goes_on(worked, held, tmp_path):
    path = save(tmp_path / "scene.mrb")
    worked.parameters().clickModel = "sam-vit-b"
    click(worked.ui.fixedImageButton)
    worked.ui.plusButton.click()
    click_at(OUTER)
    worked.ui.registerButton.click()
    load(path, clear=True)
    held.set()
    settle(worked)
    assert worked.ui.registerStatus.text == worked.ui.clickStatus.text == ""
    assert worked.parameters().resultVolume.GetName() == "After warped"
    go_on_everywhere(worked, tmp_path, clicks=1)


def test_the_next_scene_is_shown_as_it_was_saved_although_a_result_was_looked_at_before(worked, a_pair, tmp_path):
    leave_module()  # the outlines of a result end with that
    display = worked.parameters().fixedSegmentation.GetDisplayNode()
    display.SetVisibility2DFill(True)
    path = save(tmp_path / "scene.mrb")
    come_back(worked)
    assert not display.GetVisibility2DFill()
    load(path, clear=True)
    assert worked.parameters().fixedSegmentation.GetDisplayNode().GetVisibility2DFill()


# Nothing remembers a node


KINDS = (
    "vtkMRMLDisplayableNode", "vtkMRMLDisplayNode", "vtkMRMLTableNode", "vtkMRMLStorageNode",
)  # fmt: skip


def watched():
    """Weak references to the nodes of the user in the scene, with their names."""
    nodes = {node for kind in KINDS for node in slicer.util.getNodesByClass(kind) if node.GetSingletonTag() is None}
    return [(f"{node.GetClassName()} {node.GetName()}", weakref.ref(node)) for node in nodes]


def alive(references):
    gc.collect()
    return {
        name: [type(referrer).__name__ for referrer in gc.get_referrers(reference())]
        for name, reference in references
        if reference() is not None
    }


def test_nothing_of_a_closed_scene_is_remembered(worked, a_pair):
    click(worked.ui.checkerboardButton)
    settle(worked)
    worked.ui.applySelector.setCurrentNode(worked.parameters().movingVolume)
    click(worked.ui.applyButton)
    settle(worked)
    click(worked.ui.terminologyButton)
    references = watched()
    a_pair.clear()
    assert len(references) > 15
    close()
    settle(worked)
    assert alive(references) == {}


def test_nothing_of_a_scene_that_is_closed_while_another_module_is_shown_is_remembered(worked, a_pair):
    leave_module()
    references = watched()
    a_pair.clear()
    close()
    settle(worked)
    assert alive(references) == {}


def test_nothing_of_a_scene_that_is_closed_while_work_waits_is_remembered(worked, a_pair, held):
    worked.parameters().clickModel = "sam-vit-b"
    click(worked.ui.fixedImageButton)
    worked.ui.plusButton.click()
    click_at(OUTER)
    worked.ui.registerButton.click()
    references = watched()
    a_pair.clear()
    close()
    held.set()
    settle(worked)
    wait(lambda: alive(references) == {}, 10)


def test_what_is_removed_while_another_module_is_shown_is_let_go(worked, a_pair):
    leave_module()
    parameters = worked.logic.getParameterNode()
    names = ("fixedVolume", "fixedSegmentation", "resultTable", "resultFoldTable")
    nodes = [node for node in (getattr(parameters, name) for name in names) if node is not None]
    references = [(node.GetName(), weakref.ref(node)) for node in nodes]
    del parameters
    a_pair.clear()
    while nodes:
        slicer.mrmlScene.RemoveNode(nodes.pop())
    settle(worked)
    assert alive(references) == {}


def test_the_wrapper_of_the_parameters_is_let_go_with_its_scene(panel):
    wrapper = weakref.ref(panel.parameters())
    close()
    settle(panel)
    gc.collect()
    assert panel.parameters() is not None
    assert wrapper() is None
