"""How long a slice view of the host takes for a frame with a volume, a segmentation and a deformation grid.

    PYTHONPATH=Testing/standin/src python Testing/bench/host_frame.py [--size 400] [--frames 30]

Target: 100 ms at 400x400 on two CPU cores, drawn by Mesa's software renderer. Prints; asserts nothing.
"""

import argparse
import statistics
import time

import Host
import numpy as np


def build_scene():
    """A 160^3 volume, a segmentation of two balls and a smooth grid transform, all shown. Returns the Red widget."""
    import slicer
    import vtk
    from vtkmodules.util.numpy_support import vtk_to_numpy

    size = 160
    k, j, i = np.meshgrid(*[np.arange(size)] * 3, indexing="ij")
    distance = np.sqrt((i - 80) ** 2 + (j - 80) ** 2 + (k - 80) ** 2)
    noise = np.random.default_rng(0).normal(0, 10, distance.shape)
    volume = slicer.util.addVolumeFromArray((200 * (distance < 60) + noise).astype(np.float32), name="Volume")
    volume.CreateDefaultDisplayNodes()
    slicer.util.setSliceViewerLayers(background=volume, fit=True)
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Segmentation")
    segmentation.CreateDefaultDisplayNodes()
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    for name, mask in (("outer", (distance < 60) & (distance > 30)), ("inner", distance <= 30)):
        identifier = segmentation.GetSegmentation().AddEmptySegment(name, name)
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype(np.uint8), segmentation, identifier, volume)
    cells, spacing = 40, 4.0
    field = np.zeros((cells, cells, cells, 3))
    kk, jj, _ = np.meshgrid(*[np.arange(cells) * spacing] * 3, indexing="ij")
    field[..., 0] = 8 * np.sin(np.pi * jj / 80) * np.sin(np.pi * kk / 80)
    image = vtk.vtkImageData()
    image.SetDimensions(cells, cells, cells)
    image.SetSpacing(spacing, spacing, spacing)
    image.AllocateScalars(vtk.VTK_DOUBLE, 3)
    vtk_to_numpy(image.GetPointData().GetScalars()).reshape(field.shape)[:] = field
    grid = slicer.vtkOrientedGridTransform()
    grid.SetDisplacementGridData(image)
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "Grid")
    transform.SetAndObserveTransformFromParent(grid)
    transform.CreateDefaultDisplayNodes()
    display = transform.GetDisplayNode()
    display.SetVisualizationMode(display.VIS_MODE_GRID)
    display.SetVisibility(True)
    display.SetVisibility2D(True)
    return slicer.app.layoutManager().sliceWidget("Red")


def measure(widget, size, frames):
    """Milliseconds from moving the slice to pixels in the widget, one value a frame."""
    import slicer
    from PySide6 import QtGui

    canvas = widget.sliceView().VTKWidget()
    canvas.setFixedSize(size, size)
    slicer.app.processEvents()
    picture, milliseconds = QtGui.QPixmap(size, size), []
    for frame in range(frames):
        start = time.perf_counter()
        widget.sliceLogic().SetSliceOffset(40 + 80 * frame / frames)
        canvas.render(picture)
        milliseconds.append(1000 * (time.perf_counter() - start))
    return milliseconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=400, help="pixels a side (default: %(default)s)")
    parser.add_argument("--frames", type=int, default=30, help="frames to measure (default: %(default)s)")
    options = parser.parse_args()
    application = Host.start(testing=True)
    import slicer

    slicer.util.mainWindow().show()
    widget = build_scene()
    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
    slicer.app.processEvents()
    values = measure(widget, options.size, options.frames + 3)[3:]
    print(
        f"slice frame {options.size}x{options.size} with volume, segmentation and grid: "
        f"median {statistics.median(values):.0f} ms, longest {max(values):.0f} ms of {len(values)} (target 100 ms)"
    )
    application._shut_down()


if __name__ == "__main__":
    main()
