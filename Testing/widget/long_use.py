"""Rounds of clicks, registrations and sequences in one process, and what it holds after each of them."""

import ctypes
import gc
import os
import sys
import threading
from pathlib import Path
from typing import NamedTuple

import numpy as np
import slicer
from module_panel import CENTER
from SAMRegistrationLib.segmentation.cache import EmbeddingCache
from SAMRegistrationLib.testing.driver import (
    add_structure,
    click,
    click_and_settle,
    look_at,
    node_ids,
    place,
    settle,
    wait,
)

PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0
STATUS = Path("/proc/self/statm")
FILES = Path("/proc/self/fd")
VIEWS, ACROSS = ("Red", "Yellow", "Green"), (2, 0, 1)  # and the axis across the slices of each
KINDS = ("vtkMRMLStorableNode", "vtkMRMLPlotChartNode", "vtkMRMLPlotSeriesNode")


class Held(NamedTuple):
    """What the process holds.

    Attributes:
        memory: resident bytes; 0 where the system does not tell.
        threads: of Python.
        files: that are open; 0 where the system does not tell.
        nodes: that the module Data lists.
        objects: of Python that its garbage collector follows.
        caches: of embeddings of slices.
        embeddings: bytes in them.
    """

    memory: int
    threads: int
    files: int
    nodes: int
    objects: int
    caches: int
    embeddings: int


def held(panel) -> Held:
    """What the process holds once all garbage is away."""
    settle(panel)
    for _ in range(3):
        gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
    followed, nodes = gc.get_objects(), slicer.mrmlScene.GetNodes()
    caches = [one for one in followed if isinstance(one, EmbeddingCache)]
    return Held(
        int(STATUS.read_text(encoding="ascii").split()[1]) * PAGE if STATUS.exists() else 0,
        threading.active_count(),
        len(list(FILES.iterdir())) if FILES.exists() else 0,
        sum(_is_shown_in_data(nodes.GetItemAsObject(number)) for number in range(nodes.GetNumberOfItems())),
        len(followed),
        len(caches),
        sum(cache.nbytes for cache in caches),
    )


def one_round(panel, sequence_nodes, clicks: int, registrations: int, sequences: int, seed: int) -> None:
    """Click in a new structure, register, register a sequence, and remove all that came of it."""
    ui, random, before = panel.ui, np.random.default_rng(seed), node_ids()
    slices = [CENTER[axis] + random.uniform(-12, 12) for axis in ACROSS]
    click(ui.fixedImageButton)
    add_structure(panel, f"structure {seed}")
    look_at(CENTER)
    for number in range(clicks):
        spot = np.array(CENTER) + random.uniform(-12, 12, 3)
        spot[ACROSS[number % 3]] = slices[number % 3]
        place(panel, ui.minusButton if number % 3 == 1 else ui.plusButton, spot, VIEWS[number % 3])
        if number % 5 == 4:
            click_and_settle(panel, ui.undoButton)
            click_and_settle(panel, ui.redoButton)
    click_and_settle(panel, ui.removeStructureButton)
    for _ in range(registrations):
        click(ui.registerButton)
        wait(lambda: not panel.registerPanel.running)
        assert ui.registerStatus.text.startswith("Done in"), ui.registerStatus.text
    sequence, _, segmentation, points, _ = sequence_nodes
    ui.sequenceSelector.setCurrentNode(sequence)
    ui.sequenceMasksSelector.setCurrentNode(segmentation)
    ui.sequencePointsSelector.setCurrentNode(points)
    for _ in range(sequences):
        click(ui.sequenceButton)
        wait(lambda: not panel.sequencePanel.running)
        assert ui.sequenceStatus.text.startswith("Done in"), ui.sequenceStatus.text
    results = [slicer.mrmlScene.GetNodeByID(identifier) for identifier in node_ids() - before]
    for node in sorted(filter(_is_shown_in_data, results), key=lambda node: not node.IsA("vtkMRMLSequenceNode")):
        slicer.mrmlScene.RemoveNode(node)
    slicer.app.processEvents()


def _is_shown_in_data(node) -> bool:
    """Whether the module Data lists a node; display, color and storage nodes are the application's to remove."""
    return not (node.GetHideFromEditors() or node.IsA("vtkMRMLColorNode")) and any(map(node.IsA, KINDS))
