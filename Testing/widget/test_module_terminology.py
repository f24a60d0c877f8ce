"""Terminology of structures: chosen in the application's navigator, and kept wherever a structure goes."""

import json

import numpy as np
import pytest
import slicer
from module_panel import choose
from PySide6 import QtCore, QtTest, QtWidgets
from SAMRegistrationLib.scene.structure_segments import terminology_of
from SAMRegistrationLib.testing.driver import click, wait

TERMS = {
    "SegmentationCategoryTypeContextName": "Test terms",
    "@schema": "https://raw.githubusercontent.com/qiicr/dcmqi/master/doc/schemas/segment-context-schema.json#",
    "SegmentationCodes": {
        "Category": [
            {
                "CodeMeaning": "Anatomical Structure",
                "CodingSchemeDesignator": "SCT",
                "CodeValue": "123037004",
                "showAnatomy": False,
                "Type": [
                    {"CodeMeaning": "Liver", "CodingSchemeDesignator": "SCT", "CodeValue": "10200004"},
                    {"CodeMeaning": "Spleen", "CodingSchemeDesignator": "SCT", "CodeValue": "78961009"},
                ],
            }
        ]
    },
}
COLUMN = 5


@pytest.fixture
def structures(panel, a_pair, tmp_path):
    path = tmp_path / "terms.json"
    path.write_text(json.dumps(TERMS), encoding="utf-8")
    assert slicer.modules.terminologies.logic().LoadTerminologyFromFile(str(path))
    choose(panel, a_pair)
    return panel


def dialog():
    return next(widget for widget in slicer.util.mainWindow().findChildren(QtWidgets.QDialog) if not widget.isHidden())


def choose_term(term, button="Ok"):
    shown = dialog()
    table = shown.findChild(QtWidgets.QTableWidget)
    buttons = shown.findChild(QtWidgets.QDialogButtonBox)
    if term:
        item = table.findItems(term, QtCore.Qt.MatchFlag.MatchExactly)[0]
        QtTest.QTest.mouseClick(
            table.viewport(), QtCore.Qt.MouseButton.LeftButton, pos=table.visualItemRect(item).center()
        )
    click(buttons.button(getattr(QtWidgets.QDialogButtonBox.StandardButton, button)))
    assert shown.isHidden()


def double_click(panel, row):
    table = panel.ui.structuresTable
    spot = table.visualItemRect(table.item(row, COLUMN)).center()
    for event in (QtTest.QTest.mouseClick, QtTest.QTest.mouseDClick):
        event(table.viewport(), QtCore.Qt.MouseButton.LeftButton, pos=spot)
    slicer.app.processEvents()


WHOLE = "Before masks-Whole"


def term(node):
    return terminology_of(node.GetSegmentation().GetSegment(WHOLE)).split("~")[2]


def test_a_double_click_opens_the_navigator_and_the_choice_goes_with_the_structure(structures, a_pair, tmp_path):
    panel, table = structures, structures.ui.structuresTable
    moving = panel.parameters().movingSegmentation

    def row():
        return [structure.id for structure in panel.logic.structures(panel.parameters())].index(WHOLE)

    assert table.item(row(), COLUMN).text() == "Tissue"  # what the application gives a new segment
    double_click(panel, row())
    choose_term("Liver")
    assert table.item(row(), COLUMN).text() == "Liver"
    for side in ("fixed", "moving"):
        assert term(panel.logic.segmentationOf(panel.parameters(), side)) == "SCT^10200004^Liver"
    click(panel.ui.terminologyButton)
    choose_term("Spleen", "Cancel")
    assert table.item(row(), COLUMN).text() == "Liver"

    before = slicer.util.arrayFromSegmentBinaryLabelmap(moving, WHOLE, a_pair[1][0])
    click(panel.ui.terminologyButton)
    choose_term("Spleen")
    assert term(moving) == "SCT^78961009^Spleen"
    assert np.array_equal(slicer.util.arrayFromSegmentBinaryLabelmap(moving, WHOLE, a_pair[1][0]), before)

    click(panel.ui.registerButton)
    wait(lambda: not panel.registerPanel.running)
    assert term(panel.parameters().resultSegmentation) == "SCT^78961009^Spleen"
    scene = str(tmp_path / "scene.mrb")
    assert slicer.util.saveScene(scene)
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(scene)
    panel.initializeParameterNode()
    for node in (panel.parameters().resultSegmentation, panel.parameters().movingSegmentation):
        assert term(node) == "SCT^78961009^Spleen"


def test_the_navigator_starts_with_the_term_of_a_preset_and_closes_with_its_scene(structures):
    panel, table = structures, structures.ui.structuresTable
    panel.ui.anatomyCombo.setCurrentIndex(panel.ui.anatomyCombo.findText("Heart"))
    click(panel.ui.addAnatomyButton)
    texts = [table.item(row, COLUMN).text() for row in range(table.rowCount)]
    assert {"Left ventricle of heart", "Myocardium", "Right ventricle of heart"} <= set(texts)
    table.setCurrentCell(texts.index("Right ventricle of heart"), 2)
    click(panel.ui.terminologyButton)
    chosen = dialog().findChild(QtWidgets.QTableWidget).selectedItems()
    assert chosen[0].text() == "Right ventricle of heart"
    slicer.mrmlScene.Clear(0)
    slicer.app.processEvents()
    assert [d for d in slicer.util.mainWindow().findChildren(QtWidgets.QDialog) if not d.isHidden()] == []
    assert table.rowCount == 0
