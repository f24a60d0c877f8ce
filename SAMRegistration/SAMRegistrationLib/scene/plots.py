"""Curves over the frames of a sequence as a table node with a chart."""

import slicer
import vtk
from slicer.i18n import tr as _

COLORS = ((0.2, 0.6, 0.9), (0.9, 0.5, 0.1), (0.3, 0.7, 0.3), (0.8, 0.3, 0.5), (0.6, 0.5, 0.9), (0.6, 0.6, 0.2))
HEADROOM = 1.2  # above the largest value, for the legend


def add_curves(sequence, outcome):
    """A table node with a row for every frame, and a chart node of its columns; None for both without any curve.

    The first column is the index of the sequence; the others are volumes of structures (ml) and displacements of points
    (mm).

    Args:
        outcome: :class:`.sequences.SequenceOutcome`.
    """
    curves, frames = outcome.curves, sorted(outcome.frames)
    columns = [(_("{name} (ml)").format(name=one.name), one.milliliters) for one in curves.volumes]
    for point in curves.points:
        moved = {frame: point.displacement(frame) for frame in point.positions}
        columns.append((_("{name}: displacement (mm)").format(name=point.name), moved))
    if not columns:
        return None, None
    values = [_number(sequence.GetNthIndexValue(frame), frame) for frame in frames]
    across = " ".join(filter(None, (sequence.GetIndexName() or _("frame"), _unit(sequence))))
    table = _table(
        _("Curves of {name}").format(name=sequence.GetName()), [(across, dict(zip(frames, values))), *columns]
    )
    chart = _new("vtkMRMLPlotChartNode", _("Plot of {name}").format(name=sequence.GetName()))
    chart.SetXAxisTitle(across)
    chart.SetYAxisTitle(_("Volume (ml)") if curves.volumes else _("Displacement (mm)"))
    chart.SetTitle(chart.GetName())
    chart.SetYAxisRangeAuto(False)
    highest = max(value for _title, curve in columns for value in curve.values())
    chart.SetYAxisRange(0.0, HEADROOM * highest or 1.0)
    for number, (title, _values) in enumerate(columns):
        series = _new("vtkMRMLPlotSeriesNode", title)
        series.SetAndObserveTableNodeID(table.GetID())
        series.SetXColumnName(across)
        series.SetYColumnName(title)
        series.SetPlotType(series.PlotTypeScatter)
        series.SetMarkerStyle(series.MarkerStyleNone)
        series.SetLineWidth(2)
        series.SetColor(*COLORS[number % len(COLORS)])
        chart.AddAndObservePlotSeriesNodeID(series.GetID())
    return table, chart


def show_chart(chart) -> None:
    """Show a chart in a plot view, in a layout that has one, where there are views."""
    slicer.app.applicationLogic().GetModuleLogic("Plots").ShowChartInLayout(chart)


def _table(name: str, columns):
    node = _new("vtkMRMLTableNode", name)
    table = vtk.vtkTable()
    for title, values in columns:
        column = vtk.vtkDoubleArray()
        column.SetName(title)
        for frame in sorted(values):
            column.InsertNextValue(values[frame])
        table.AddColumn(column)
    node.SetAndObserveTable(table)
    node.SetUseColumnTitleAsColumnHeader(True)
    return node


def _new(kind: str, name: str):
    return slicer.mrmlScene.AddNewNodeByClass(kind, slicer.mrmlScene.GenerateUniqueName(name))


def _number(text: str, frame: int) -> float:
    try:
        return float(text)
    except ValueError:  # an index of text
        return float(frame)


def _unit(sequence) -> str:
    return f"({sequence.GetIndexUnit()})" if sequence.GetIndexUnit() else ""
