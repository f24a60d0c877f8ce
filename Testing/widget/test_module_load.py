"""Thousands of clicks and rows: nothing is done again for all of them that needs to be done once."""

import qt
import slicer
from module_panel import choose
from SAMRegistrationLib.scene.structure_segments import structures_of, write_prompts
from SAMRegistrationLib.scene.tables import add_text_table
from SAMRegistrationLib.segmentation.prompts import Prompt, PromptSet, Structure


def test_the_heights_of_thousands_of_rows_do_not_follow_their_texts(panel, a_pair):
    choose(panel, a_pair)
    parameters, table = panel.parameters(), panel.ui.metricsTable
    for count in (5000, 20):
        rows = [[f"row {number}", "1", "2", "3"] for number in range(count)]
        parameters.resultTable = add_text_table("Measures", panel.logic.measureTitles(), *rows)
        slicer.app.processEvents()
        assert table.rowCount == count
        assert table.item(count - 1, 0).text() == f"row {count - 1}"
        fitted = table.verticalHeader().sectionResizeMode(0) == qt.QHeaderView.ResizeToContents
        assert fitted == (count == 20)


def test_thousands_of_clicks_are_not_parsed_at_every_look(panel, a_pair, monkeypatch):
    choose(panel, a_pair)
    parsed, from_dict = [], PromptSet.from_dict
    monkeypatch.setattr(PromptSet, "from_dict", lambda data: parsed.append(data) or from_dict(data))
    node = panel.parameters().fixedSegmentation
    structures = tuple(
        Structure(one.name, number, id=one.id, prompts=tuple(Prompt("positive", ((x, 0.0, 5.0),)) for x in range(1000)))
        for number, one in enumerate(structures_of(node), start=1)
    )
    write_prompts(node, PromptSet(structures))
    for row in (0, 1, 0):
        panel.ui.structuresTable.setCurrentCell(row, 2)
        panel.onParametersModified()
    assert "1000 clicks" in panel.ui.structuresTable.item(0, 3).text()
    assert len(parsed) == 1


def test_rows_of_structures_that_stay_as_they_are_are_not_filled_again(panel, a_pair):
    choose(panel, a_pair)
    table, changed = panel.ui.structuresTable, []
    for row in (0, 1, 0):
        table.setCurrentCell(row, 2)
    table.itemChanged.connect(lambda item: changed.append(item.row()))
    table.setCurrentCell(1, 2)
    panel.onParametersModified()
    assert changed == []
    panel.logic.changeStructure(panel.parameters(), panel.structuresTable.current(), name="renamed")
    panel.onParametersModified()
    assert set(changed) == {1}
    assert table.item(1, 2).text() == "renamed"
    table.item(1, 2).setText("  ")
    panel.onParametersModified()
    assert table.item(1, 2).text() == "renamed"
