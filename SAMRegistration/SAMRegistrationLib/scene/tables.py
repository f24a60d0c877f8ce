"""Measures of a registration as a table node, and as lines for a panel."""

from typing import Any, Dict, List, Optional, Sequence, Tuple

import slicer
import vtk

from .space import lps

COLUMNS = ("Measure", "Before", "After")
FOLD_COLUMNS = ("Volume (mm3)", "Smallest J", "R", "A", "S")
_MEASURES = (("{name}: Dice", "dice", 3), ("{name}: HD95 (mm)", "hd95", 2))


def structure_rows(measures: List[Dict[str, Any]]) -> List[Tuple[str, str, str]]:
    """Rows of text for every structure, in the order of COLUMNS; "-" where a value cannot be given."""
    return [
        (title.format(name=entry["name"]), *(_text(entry[f"{key}_{when}"], digits) for when in ("before", "after")))
        for entry in measures
        for title, key, digits in _MEASURES
    ]


def summary_rows(deformation: Dict[str, float], seconds: float) -> List[Tuple[str, str]]:
    """Name and value of what describes the whole deformation."""
    folds = f"{deformation['folded_voxels']} voxels ({100 * deformation['folded_fraction']:.3f} %)"
    return [
        ("SDlogJ", _text(deformation["sd_log_jacobian"], 4)),
        ("SDlogJ (Learn2Reg form)", _text(deformation["sd_log_jacobian_learn2reg"], 4)),
        ("Smallest Jacobian", _text(deformation["smallest_jacobian"], 3)),
        ("Largest Jacobian", _text(deformation["largest_jacobian"], 3)),
        ("Folds", folds),
        ("Time", f"{seconds:.1f} s"),
    ]


def add_table(outcome, name: str):
    """A table node with the rows of both functions above; what describes the deformation has a value after only."""
    rows = structure_rows(outcome.measures)
    rows += [(title, "", value) for title, value in summary_rows(outcome.deformation, outcome.seconds)]
    return add_text_table(name, COLUMNS, *rows)


def add_fold_table(folds, name: str):
    """A table node with a row for every fold (see :class:`..metrics.Fold`), positions in RAS mm."""
    rows = [
        (f"{fold.volume_mm3:.1f}", f"{fold.smallest_jacobian:.3f}", *(f"{value:.1f}" for value in lps(fold.position)))
        for fold in folds
    ]
    return add_text_table(name, FOLD_COLUMNS, *rows)


def add_text_table(name: str, titles: Sequence[str], *rows: Sequence[str]):
    """A new table node with columns of text."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", slicer.mrmlScene.GenerateUniqueName(name))
    table = vtk.vtkTable()
    for number, title in enumerate(titles):
        column = vtk.vtkStringArray()
        column.SetName(title)
        for row in rows:
            column.InsertNextValue(str(row[number]))
        table.AddColumn(column)
    node.SetAndObserveTable(table)
    node.SetUseColumnTitleAsColumnHeader(True)
    return node


def show_table(node) -> None:
    """Show a table node in the table view, in a layout that has one beside the present views."""
    manager = slicer.app.layoutManager()
    manager.setLayout(slicer.modules.tables.logic().GetLayoutWithTable(manager.layout))
    logic = slicer.app.applicationLogic()
    logic.GetSelectionNode().SetActiveTableID(node.GetID())
    logic.PropagateTableSelection()


def write_csv(node, path: str) -> None:
    """Write a table node as CSV (UTF-8), whole or not at all.

    Raises:
        InputError: the folder cannot be written.
    """
    import csv

    from ..files import whole_file

    table = node.GetTable()
    with whole_file(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([table.GetColumnName(column) for column in range(table.GetNumberOfColumns())])
        writer.writerows(rows_of(node))


def rows_of(node) -> List[List[str]]:
    """The rows of a table node as text; none for None."""
    table = None if node is None else node.GetTable()
    rows, columns = (0, 0) if table is None else (table.GetNumberOfRows(), table.GetNumberOfColumns())
    return [[table.GetValue(row, column).ToString() for column in range(columns)] for row in range(rows)]


def _text(value: Optional[float], digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
