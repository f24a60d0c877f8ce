"""A ball that beats, as a sequence of the scene under a parent transform."""

import numpy as np
import slicer

RADII = (14.0, 13.0, 12.2, 12.8)
SIZE, SPACING = (32, 30, 12), (1.8, 2.0, 4.0)


def turned():
    """An oblique matrix from voxels to RAS, and the center of its volume."""
    angle = 0.4
    rotation = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1.0]])
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * SPACING
    matrix[:3, 3] = (20.0, -35.0, 12.0)
    return matrix, (matrix @ [*(np.array(SIZE) - 1) / 2, 1])[:3]


def distances():
    matrix, center = turned()
    k, j, i = np.indices(SIZE[::-1])
    places = np.stack([i, j, k], -1) @ matrix[:3, :3].T + matrix[:3, 3]
    return np.linalg.norm(places - center, axis=-1)


def beating(radius):
    inner, outer = (1 / (1 + np.exp((distances() - border) / 1.2)) for border in (radius, 24.0))
    return (100 * inner + 60 * outer).astype(np.float32)


def cine_nodes(logic):
    """A sequence that is shown under a parent transform, with a mask and a point in its frame 0, in the world.

    Returns:
        The nodes of sequence, browser, mask and point, and the center of the ball (RAS mm).
    """
    matrix, center = turned()
    volumes = [slicer.util.addVolumeFromArray(beating(radius), ijkToRAS=matrix, name="frame") for radius in RADII]
    sequence = logic.newSequence(volumes, "cine")
    for volume in volumes:
        slicer.mrmlScene.RemoveNode(volume)
    browser = slicer.modules.sequences.logic().GetFirstBrowserNodeForSequenceNode(sequence)
    shown = browser.GetProxyNode(sequence)
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "heart")
    segmentation.CreateDefaultDisplayNodes()
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(shown)
    segmentation.GetSegmentation().AddEmptySegment("ball", "LV", (1.0, 0.2, 0.1))
    slicer.util.updateSegmentBinaryLabelmapFromArray(
        (distances() < RADII[0]).astype(np.uint8), segmentation, "ball", shown
    )
    points = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "border")
    points.AddControlPoint(center + RADII[0] * matrix[:3, 0] / SPACING[0], "wall")
    parent = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "table")
    moved = np.array([[0, -1, 0, 30.0], [1, 0, 0, -12.0], [0, 0, 1, 5.0], [0, 0, 0, 1]])
    parent.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(moved))
    for node in (shown, segmentation, points):
        node.SetAndObserveTransformNodeID(parent.GetID())
    return sequence, browser, segmentation, points, (moved @ [*center, 1])[:3]
