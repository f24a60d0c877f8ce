"""Pictures of a cine in the module, made in the stand-in application, for docs/tutorial-sequence.md.

    python Testing/tools/sequence_pictures.py CINE MASKS REFERENCE SMALLEST [--output FOLDER]

CINE is a 4D file, MASKS a label map of its frame REFERENCE with the cavity (1) and the myocardium (2) of a heart,
SMALLEST the frame that is shown of the result.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for folder in ("SAMRegistration", "Testing/standin/src"):
    sys.path.insert(0, str(ROOT / folder))

WINDOW_SIZE, PANEL_WIDTH, PLOT_SIZE = (1400, 860), 440, (900, 480)
STRUCTURES = (("cavity", (0.95, 0.35, 0.25)), ("myocardium", (0.35, 0.75, 1.0)))
PATIENCE_SECONDS = 3600


def main() -> int:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.split(":", 1)[0])
    parser.add_argument("cine", type=Path)
    parser.add_argument("masks", type=Path)
    parser.add_argument("reference", type=int)
    parser.add_argument("smallest", type=int)
    parser.add_argument("--output", type=Path, default=ROOT / "Resources" / "Screenshots")
    options = parser.parse_args()
    import Host

    options.output.mkdir(parents=True, exist_ok=True)
    application = Host.start(testing=True)
    try:
        Host.load_module(ROOT / "SAMRegistration" / "SAMRegistration.py")
        take_pictures(options)
    finally:
        application._shut_down()
    return 0


def take_pictures(options) -> None:
    """Load the cine, choose it, register it, and look at two of its frames."""
    import slicer
    from SAMRegistrationLib.testing import driver

    panel = slicer.modules.SAMRegistrationWidget
    slicer.util.selectModule("SAMRegistration")
    window, ui, parameters = slicer.util.mainWindow(), panel.ui, panel.parameters()
    window.resize(*WINDOW_SIZE)
    window.show()
    sequence, browser = load(panel, options.cine)
    browser.SetSelectedItemNumber(options.reference)
    shown = browser.GetProxyNode(sequence)
    ui.fixedSelector.setCurrentNode(shown)
    masks = masks_on(shown, options.masks)
    parameters.sequence, parameters.sequenceMasks, parameters.sequenceCyclic = sequence, masks, True
    parameters.preset = "fast"
    for name in ("volumes", "structures", "register", "look", "sequence", "advanced"):
        getattr(ui, f"{name}Section").collapsed = name != "sequence"
    driver.click(ui.shownFrameButton)
    window.centralWidget().setSizes([PANEL_WIDTH, WINDOW_SIZE[0] - PANEL_WIDTH])
    show(shown)
    grab(window, options.output / "sequence-1-chosen.png")
    driver.click_and_settle(panel, ui.sequenceButton, PATIENCE_SECONDS)
    ui.lookSection.collapsed = True
    masks.SetDisplayVisibility(False)
    browser.SetSelectedItemNumber(options.smallest)
    show(shown)
    grab(window, options.output / "sequence-2-registered.png")
    draw(parameters.sequenceChart, options.output / "sequence-3-plot.png")


def load(panel, path: Path):
    """A sequence node of the frames of a file, and the browser that shows it."""
    import SimpleITK as sitk
    import slicer
    from SAMRegistrationLib.geometry.grid import Grid
    from SAMRegistrationLib.scene.volumes import add_volume, image_data
    from SAMRegistrationLib.sequences import open_frames

    frames, volumes = open_frames(path), []
    for number in range(len(frames)):
        image = frames.read(number)
        volumes.append(add_volume(image_data(sitk.GetArrayViewFromImage(image)), Grid.of(image), f"frame {number}"))
    sequence = panel.logic.newSequence(volumes, "cine")
    for volume in volumes:
        slicer.mrmlScene.RemoveNode(volume)
    return sequence, slicer.modules.sequences.logic().GetFirstBrowserNodeForSequenceNode(sequence)


def masks_on(volume, path: Path):
    """A segmentation node of a label map, on the grid of a volume node."""
    import SimpleITK as sitk
    import slicer
    from SAMRegistrationLib.scene.volumes import image_of

    image = sitk.Resample(sitk.ReadImage(str(path)), image_of(volume), sitk.Transform(), sitk.sitkNearestNeighbor)
    labels = sitk.GetArrayFromImage(image)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "contours")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    for number, (name, color) in enumerate(STRUCTURES, start=1):
        node.GetSegmentation().AddEmptySegment(name, name, color)
        slicer.util.updateSegmentBinaryLabelmapFromArray((labels == number).astype("uint8"), node, name, volume)
    return node


def show(volume) -> None:
    """Show a volume in all slice views."""
    import slicer

    slicer.util.setSliceViewerLayers(background=volume, foreground=None, fit=True)


def grab(window, path: Path) -> None:
    """Save the window."""
    from SAMRegistrationLib.testing import driver

    driver.pause(0.6)
    window.grab().save(str(path))


def draw(chart, path: Path) -> None:
    """Draw a chart node by VTK's charts, as a plot view does; the stand-in application has no such view."""
    import vtk

    view = vtk.vtkContextView()
    view.GetRenderWindow().SetOffScreenRendering(1)
    view.GetRenderWindow().SetSize(*PLOT_SIZE)
    view.GetRenderer().SetBackground(1.0, 1.0, 1.0)
    plots = vtk.vtkChartXY()
    view.GetScene().AddItem(plots)
    plots.SetShowLegend(True)
    plots.SetTitle(chart.GetTitle())
    for axis, title in ((vtk.vtkAxis.BOTTOM, chart.GetXAxisTitle()), (vtk.vtkAxis.LEFT, chart.GetYAxisTitle())):
        plots.GetAxis(axis).SetTitle(title)
    plots.GetAxis(vtk.vtkAxis.LEFT).SetBehavior(vtk.vtkAxis.FIXED)
    plots.GetAxis(vtk.vtkAxis.LEFT).SetRange(*chart.GetYAxisRange())
    for number in range(chart.GetNumberOfPlotSeriesNodes()):
        series = chart.GetNthPlotSeriesNode(number)
        line = plots.AddPlot(vtk.vtkChart.LINE)
        line.SetInputData(series.GetTableNode().GetTable(), series.GetXColumnName(), series.GetYColumnName())
        line.SetColorF(*series.GetColor())
        line.SetWidth(series.GetLineWidth())
        line.SetLabel(series.GetName())
    view.GetRenderWindow().Render()
    picture, writer = vtk.vtkWindowToImageFilter(), vtk.vtkPNGWriter()
    picture.SetInput(view.GetRenderWindow())
    picture.ReadFrontBufferOff()
    writer.SetInputConnection(picture.GetOutputPort())
    writer.SetFileName(str(path))
    writer.Write()


if __name__ == "__main__":
    sys.exit(main())
