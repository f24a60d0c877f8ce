"""What the tests of the application share; off screen unless QT_QPA_PLATFORM says otherwise."""

import numpy as np
import pytest
from Host.fixtures import an_empty_scene, application, frame_of, qt


@pytest.fixture
def world_of_pixel():
    """World position (RAS, mm) of pixel centers of a slice view, from field of view and orientation alone.

    Takes pixel columns and rows (origin at the top left); returns an array with a last axis of 3.
    """

    def world_of_pixel(view, columns, rows):
        node = view.mrmlSliceNode()
        width, height = view.renderWindow().GetSize()
        field = node.GetFieldOfView()
        matrix = np.array([[node.GetSliceToRAS().GetElement(r, c) for c in range(4)] for r in range(4)])
        u = ((np.asarray(columns) + 0.5) / width - 0.5) * field[0]
        v = (0.5 - (np.asarray(rows) + 0.5) / height) * field[1]
        return matrix[:3, 3] + u[..., None] * matrix[:3, 0] + v[..., None] * matrix[:3, 1]

    return world_of_pixel


@pytest.fixture
def a_ball_volume():
    """A smooth bright ball, made in world coordinates, sampled by a volume of any orientation and spacing.

    Returns a function (center in RAS mm, 4x4 IJK to RAS, shape in IJK) to volume node.
    """

    def a_ball_volume(center, ijk_to_ras, shape, sigma=6.0, name="Ball"):
        import slicer

        i, j, k = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
        world = np.stack([i, j, k, np.ones_like(i)], -1) @ np.asarray(ijk_to_ras).T
        distance = np.sum((world[..., :3] - np.asarray(center)) ** 2, -1)
        values = (200 * np.exp(-distance / (2 * sigma**2))).astype(np.float32)
        node = slicer.util.addVolumeFromArray(values.transpose(2, 1, 0), ijkToRAS=np.asarray(ijk_to_ras), name=name)
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.SetAutoWindowLevel(False)
        display.SetWindowLevelMinMax(0, 200)
        return node

    return a_ball_volume
