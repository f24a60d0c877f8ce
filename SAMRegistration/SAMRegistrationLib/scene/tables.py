"""Measures of a registration as a table node, and as lines for a panel."""

from typing import Any, Dict, List, Optional, Sequence, Tuple

import slicer
import vtk
from slicer.i18n import tr as _

from ..geometry.frames import flipped
from ..quantities import number_text
from .views import layout, set_layout


def columns() -> Tuple[str, ...]:
    """Titles of the table of measures."""
    return (_("Measure"), _("Before"), _("After"), _("Change"))


def fold_columns() -> Tuple[str, ...]:
    """Titles of the table of folds."""
    return (_("Volume (mm3)"), _("Smallest J"), _("R"), _("A"), _("S"))


def structure_rows(measures: List[Dict[str, Any]]) -> List[Tuple[str, ...]]:
    """Rows of text for every structure, in the order of :func:`columns`; "-" where a value cannot be given."""
    rows = []
    for entry in measures:
        for title, key, digits, sense in ((_("{name}: Dice"), "dice", 3, 1), (_("{name}: HD95 (mm)"), "hd95", 2, -1)):
            texts = [number_text(entry[f"{key}_{when}"], digits) for when in ("before", "after")]
            gain = None if "-" in texts else sense * (float(texts[1]) - float(texts[0]))
            rows.append((title.format(name=entry["name"]), *texts, _change(gain)))
    return rows


def summary_rows(deformation: Dict[str, float], seconds: float) -> List[Tuple[str, str]]:
    """Name and value of what describes the whole deformation."""
    folds = _("{n} voxels ({percent:.3f} %)")
    return [
        (_("SDlogJ"), number_text(deformation["sd_log_jacobian"], 4)),
        (_("SDlogJ (Learn2Reg form)"), number_text(deformation["sd_log_jacobian_learn2reg"], 4)),
        (_("Smallest Jacobian"), number_text(deformation["smallest_jacobian"], 3)),
        (_("Largest Jacobian"), number_text(deformation["largest_jacobian"], 3)),
        (_("Folds"), folds.format(n=deformation["folded_voxels"], percent=100 * deformation["folded_fraction"])),
        (_("Time"), _("{seconds:.1f} s").format(seconds=seconds)),
    ]


def add_table(outcome, name: str):
    """A table node with the rows of both functions above; what describes the deformation has a value after only."""
    rows = structure_rows(outcome.measures)
    rows += [(title, "", value, "") for title, value in summary_rows(outcome.deformation, outcome.seconds)]
    return add_text_table(name, columns(), *rows)


def add_fold_table(folds, name: str):
    """A table node with a row for every fold (see :class:`..metrics.Fold`), positions in RAS mm."""
    rows = [
        (
            number_text(fold.volume_mm3, 1),
            f"{fold.smallest_jacobian:.3f}",
            *(number_text(value, 1) for value in flipped(fold.position)),
        )
        for fold in folds
    ]
    return add_text_table(name, fold_columns(), *rows)


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
    """Show a table node in the table view, in a layout that has one beside the present views, where there are any."""
    present = layout()
    if present is not None:
        set_layout(slicer.modules.tables.logic().GetLayoutWithTable(present))
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


def _change(gain: Optional[float]) -> str:
    if gain is None:
        return ""
    return _("better") if gain > 0 else _("worse") if gain < 0 else _("same")
