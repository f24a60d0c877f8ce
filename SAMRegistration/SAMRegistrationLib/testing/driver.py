"""Buttons, mouse and event loop of the panel, in 3D Slicer and in its stand-in alike.

`widget` is the SAMRegistrationWidget of the module, which is entered; positions are in RAS mm.
"""

import time

import numpy as np
import slicer

PATIENCE_SECONDS = 300


def wait(condition, seconds: float = PATIENCE_SECONDS) -> None:
    """Run the event loop until a condition holds.

    Args:
        condition: callable without arguments.
        seconds: how long to wait at most.

    Raises:
        TimeoutError: the condition did not hold in that time.
    """
    end = time.monotonic() + seconds
    slicer.app.processEvents()
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"The condition did not hold within {seconds:g} seconds.")
        slicer.app.processEvents()
        time.sleep(0.005)
    slicer.app.processEvents()


def pause(seconds: float) -> None:
    """Run the event loop for some time."""
    end = time.monotonic() + seconds
    wait(lambda: time.monotonic() >= end, seconds + PATIENCE_SECONDS)


def settle(widget, seconds: float = PATIENCE_SECONDS) -> None:
    """Run the event loop until nothing is done in the background.

    Raises:
        TimeoutError: the work took longer.
    """
    wait(lambda: not widget.runner.busy, seconds)


def click(button) -> None:
    """Click a button that is enabled, and process the events."""
    assert button.enabled, f"the button {button.objectName} cannot be clicked"
    button.click()
    slicer.app.processEvents()


def click_and_settle(widget, button, seconds: float = PATIENCE_SECONDS) -> None:
    """Click a button and wait until its work is done.

    Raises:
        TimeoutError: the work took longer.
    """
    click(button)
    settle(widget, seconds)


def leave_module() -> None:
    """Show another module."""
    slicer.util.selectModule("Data")
    slicer.app.processEvents()


def enter_module() -> None:
    """Show the module."""
    slicer.util.selectModule("SAMRegistration")
    slicer.app.processEvents()


def choose_volumes(widget, fixed, moving) -> None:
    """Choose the fixed and the moving volume node."""
    widget.ui.fixedSelector.setCurrentNode(fixed)
    widget.ui.movingSelector.setCurrentNode(moving)
    slicer.app.processEvents()


def look_at(position) -> None:
    """Move the planes of all slice views to a position."""
    manager = slicer.app.layoutManager()
    for name in manager.sliceViewNames():
        manager.sliceWidget(name).sliceLogic().GetSliceNode().JumpSliceByOffsetting(*position)
    slicer.app.processEvents()


def click_at(position, view: str = "Red") -> None:
    """Move the mouse to where a slice view shows a position, and click there."""
    widget = slicer.app.layoutManager().sliceWidget(view)
    to_view = np.linalg.inv(slicer.util.arrayFromVTKMatrix(widget.sliceLogic().GetSliceNode().GetXYToRAS()))
    pixel = [round(float(value)) for value in (to_view @ [*position, 1.0])[:2]]
    slicer.util.clickAndDrag(widget, button="None", start=[pixel[0] - 2, pixel[1]], end=pixel, steps=3)
    slicer.util.clickAndDrag(widget, start=pixel, end=pixel, steps=1)
    slicer.app.processEvents()


def place(widget, button, position, view: str = "Red") -> None:
    """Take the tool of a button, click with it at a position in its slice, and wait for the outcome."""
    if not button.checked:
        click_and_settle(widget, button)
    slicer.app.layoutManager().sliceWidget(view).sliceLogic().GetSliceNode().JumpSliceByOffsetting(*position)
    settle(widget)
    click_at(position, view)
    settle(widget)


def structure_ids(widget) -> dict:
    """The ids of the structures by their names."""
    return {entry.name: entry.id for entry in widget.logic.structures(widget.parameters())}


def add_structure(widget, name: str) -> str:
    """Add a structure by the button and type its name; its id."""
    click(widget.ui.addStructureButton)
    rows = widget.ui.structuresTable.rowCount
    widget.ui.structuresTable.item(rows - 1, 2).setText(name)
    slicer.app.processEvents()
    return structure_ids(widget)[name]


def select_structure(widget, structure_id: str) -> None:
    """Select a structure in the table."""
    ids = [entry.id for entry in widget.logic.structures(widget.parameters())]
    widget.ui.structuresTable.setCurrentCell(ids.index(structure_id), 2)
    slicer.app.processEvents()


def mask(widget, side: str = "fixed", structure_id: str = "") -> np.ndarray:
    """The mask (z, y, x) of a structure on the grid of its volume; of the last structure where no id is given."""
    parameters, logic = widget.parameters(), widget.logic
    segmentation, volume = logic.segmentationOf(parameters, side), logic.volumeOf(parameters, side)
    structure_id = structure_id or logic.structures(parameters)[-1].id
    return slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, structure_id, volume) > 0


def prompts(widget, side: str, structure_id: str) -> tuple:
    """The prompts of a structure."""
    found = widget.logic.promptsOf(widget.parameters(), side)
    return found.structure(structure_id).prompts if found.has(structure_id) else ()


def save_and_load(path) -> None:
    """Save the scene, close it and load it again."""
    assert slicer.util.saveScene(str(path)), "the scene could not be saved"
    slicer.mrmlScene.Clear()
    slicer.util.loadScene(str(path))
    slicer.app.processEvents()


def node_ids() -> set:
    """Ids of the nodes of the scene."""
    nodes = slicer.mrmlScene.GetNodes()
    return {nodes.GetItemAsObject(index).GetID() for index in range(nodes.GetNumberOfItems())}
