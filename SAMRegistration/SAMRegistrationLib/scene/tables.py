"""Measures of a registration as a table node, and as lines for a panel."""

import statistics
from typing import Any, Dict, List, Optional, Sequence, Tuple

import slicer
import vtk
from slicer.i18n import tr as _

from ..choices import GUIDE, IGNORE, RIGID
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
    names = {GUIDE: "{name}", IGNORE: _("{name} (ignored)"), RIGID: _("{name} (rigid)")}
    for entry in measures:
        name = names[entry["role"]].format(name=entry["name"])
        for title, key, digits, sense in ((_("{name}: Dice"), "dice", 3, 1), (_("{name}: HD95 (mm)"), "hd95", 2, -1)):
            texts = [number_text(entry[f"{key}_{when}"], digits) for when in ("before", "after")]
            rows.append((title.format(name=name), *texts, _change(texts, sense)))
    return rows


def landmark_rows(landmarks: List[Dict[str, Any]]) -> Tuple[List[Tuple[str, ...]], List[Tuple[str, ...]]]:
    """Rows of text for landmarks that guided and that were held out, altogether and each (see Outcome.landmarks)."""
    summary, each = [], []
    for guides, titles in (
        (True, (_("Guiding landmarks ({n}): mean error (mm)"), _("Guiding landmarks: largest error (mm)"))),
        (False, (_("Held-out landmarks ({n}): mean error (mm)"), _("Held-out landmarks: largest error (mm)"))),
    ):
        entries = [entry for entry in landmarks if entry["guides"] is guides]
        errors = [[entry[f"error_{when}"] for entry in entries] for when in ("before", "after")]
        if entries:
            summary.append(_error_row(titles[0].format(n=len(entries)), *map(statistics.fmean, errors)))
            summary.append(_error_row(titles[1], *map(max, errors)))
        title = _("Landmark {name}, guiding: error (mm)") if guides else _("Landmark {name}, held out: error (mm)")
        each += [_error_row(title.format(name=entry["name"]), *pair) for entry, *pair in zip(entries, *errors)]
    return summary, each


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


def agreement_rows(agreement: Optional[Dict[str, float]]) -> List[Tuple[str, str]]:
    """Name and value of how much the images look alike (fact "image_agreement" of a result); none for None."""
    value = (agreement or {}).get("registered")
    return [] if value is None else [(_("Local correlation of the images"), number_text(value, 2))]


def disagreement_rows(disagreement: Optional[Dict[str, float]]) -> List[Tuple[str, str]]:
    """Name and value of how far a second solution is off (fact "disagreement" of a result); none for None."""
    if disagreement is None:
        return []
    return [
        (_("Disagreement: median (mm)"), number_text(disagreement["median_mm"], 2)),
        (_("Disagreement: 95th percentile (mm)"), number_text(disagreement["p95_mm"], 2)),
    ]


def measures_table(outcome) -> vtk.vtkTable:
    """The rows of the functions above; what describes the deformation has a value after only."""
    landmarks, each_landmark = landmark_rows(outcome.landmarks)
    rows = structure_rows(outcome.measures) + landmarks
    summary = summary_rows(outcome.deformation, outcome.seconds)
    summary += agreement_rows(outcome.result.facts.get("image_agreement"))
    summary += disagreement_rows(outcome.result.facts.get("disagreement"))
    rows += [(title, "", value, "") for title, value in summary]
    rows += each_landmark
    return text_table(columns(), *rows)


def add_table(outcome, name: str):
    """A table node with :func:`measures_table`."""
    return _add(measures_table(outcome), name)


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
    return _add(text_table(titles, *rows), name)


def text_table(titles: Sequence[str], *rows: Sequence[str]) -> vtk.vtkTable:
    """A table with columns of text."""
    table = vtk.vtkTable()
    for number, title in enumerate(titles):
        column = vtk.vtkStringArray()
        column.SetName(title)
        for row in rows:
            column.InsertNextValue(str(row[number]))
        table.AddColumn(column)
    return table


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
    return table_rows(None if node is None else node.GetTable())


def table_rows(table: Optional[vtk.vtkTable]) -> List[List[str]]:
    """The rows of a table as text; none for None."""
    rows, columns = (0, 0) if table is None else (table.GetNumberOfRows(), table.GetNumberOfColumns())
    return [[table.GetValue(row, column).ToString() for column in range(columns)] for row in range(rows)]


def step_row(rows: Sequence[Sequence[str]]) -> Tuple[str, str, str]:
    """Mean Dice, mean error of the guiding landmarks (mm) and folds of the rows of a table of measures, as text."""
    after = {row[0]: row[2] for row in rows}
    dice = [float(value) for title, value in after.items() if title.endswith(_("{name}: Dice")[6:]) and value != "-"]
    start = _("Guiding landmarks ({n}): mean error (mm)").split("{")[0]
    errors = [value for title, value in after.items() if title.startswith(start) and title.endswith(")")]
    folds = after.get(_("Folds"), "-").split(" ")[0]
    return number_text(statistics.fmean(dice), 3) if dice else "-", errors[0] if errors else "-", folds


def compared_rows(first: Sequence[Sequence[str]], second: Sequence[Sequence[str]]) -> List[Tuple[str, ...]]:
    """Rows (title, value of the first, value of the second, change) of the measures that two tables have in common."""
    values = {row[0]: row[2] for row in first}
    rows = []
    for title, _before, value, sense in second:
        if title in values:
            more_is_better = title.endswith(_("{name}: Dice")[6:])
            change = _change((values[title], value), 1 if more_is_better else -1) if sense else ""
            rows.append((title, values[title], value, change))
    return rows


def _add(table: vtk.vtkTable, name: str):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", slicer.mrmlScene.GenerateUniqueName(name))
    node.SetAndObserveTable(table)
    node.SetUseColumnTitleAsColumnHeader(True)
    return node


def _error_row(title: str, before: float, after: float) -> Tuple[str, ...]:
    texts = [number_text(value, 2) for value in (before, after)]
    return (title, *texts, _change(texts, -1))


def _change(texts: Sequence[str], sense: int) -> str:
    """What came of a value, before and after; `sense` is 1 where more is better, -1 where less is."""
    if "-" in texts:
        return ""
    gain = sense * (float(texts[1]) - float(texts[0]))
    return _("better") if gain > 0 else _("worse") if gain < 0 else _("same")
