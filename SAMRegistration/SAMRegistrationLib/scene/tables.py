"""Measures of a registration as a table node, and as lines for a panel."""

from typing import Any, Dict, List, Optional, Tuple

import slicer
import vtk

COLUMNS = ("Structure", "Dice before", "Dice after", "HD95 before (mm)", "HD95 after (mm)")
_KEYS = ("dice_before", "dice_after", "hd95_before", "hd95_after")


def structure_rows(measures: List[Dict[str, Any]]) -> List[Tuple[str, ...]]:
    """One row of text per structure, in the order of COLUMNS; "-" where a value cannot be given."""
    rows = []
    for entry in measures:
        values = [_text(entry[key], 3 if key.startswith("dice") else 2) for key in _KEYS]
        rows.append((entry["name"], *values))
    return rows


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
    """A table node with the rows of both functions above; the latter have their value in the second column."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", slicer.mrmlScene.GenerateUniqueName(name))
    table = vtk.vtkTable()
    rows = structure_rows(outcome.measures)
    rows += [(*row, "", "", "") for row in summary_rows(outcome.deformation, outcome.seconds)]
    for number, title in enumerate(COLUMNS):
        column = vtk.vtkStringArray()
        column.SetName(title)
        for row in rows:
            column.InsertNextValue(row[number])
        table.AddColumn(column)
    node.SetAndObserveTable(table)
    node.SetUseColumnTitleAsColumnHeader(True)
    return node


def write_csv(node, path: str) -> None:
    """Write a table node as CSV (UTF-8), whole or not at all.

    Raises:
        InputError: the folder cannot be written.
    """
    import csv

    from ..files import whole_file

    table = node.GetTable()
    columns = range(table.GetNumberOfColumns())
    with whole_file(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([table.GetColumnName(column) for column in columns])
        for row in range(table.GetNumberOfRows()):
            writer.writerow([table.GetValue(row, column).ToString() for column in columns])


def _text(value: Optional[float], digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
