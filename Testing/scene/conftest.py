"""Real MRML nodes in an empty scene for every test."""

import Host
import numpy as np
import pytest
import SimpleITK as sitk
from Host import slicerparts
from SAMRegistrationLib.geometry.grid import Grid

Host.install()
slicerparts.install()  # slicer.i18n, which modules of the library import when tests are collected


@pytest.fixture(scope="session")
def application():
    return Host.start(testing=True)


@pytest.fixture(autouse=True)
def an_empty_scene(application):
    import slicer

    slicer.mrmlScene.Clear(0)


@pytest.fixture
def oblique():
    """An oblique, anisotropic grid with different sizes along its axes."""
    turn = sitk.Euler3DTransform((0, 0, 0), 0.5, -0.3, 0.2).GetMatrix()
    return Grid((30, 26, 12), (1.1, 1.7, 3.9), (-20.0, 15.0, 60.0), tuple(turn))


@pytest.fixture
def a_blob():
    """A function: smooth float image of two bright blobs, made in world coordinates (LPS mm), on any grid."""

    def a_blob(grid, center=(0.0, 0.0, 0.0), sigma=9.0):
        k, j, i = np.meshgrid(*[np.arange(n) for n in grid.shape], indexing="ij")
        world = grid.index_to_physical(np.stack([i, j, k], -1).reshape(-1, 3))
        values = sum(
            height * np.exp(-np.sum((world - np.asarray(center) - shift) ** 2, 1) / (2 * (sigma * width) ** 2))
            for height, width, shift in ((200, 1.0, (0, 0, 0)), (120, 0.5, (11, -7, 6)))
        )
        return grid.image(values.reshape(grid.shape).astype(np.float32))

    return a_blob


@pytest.fixture
def a_parent():
    """A function: linear transform node from a 4x4 matrix (RAS mm), under an optional parent of its own."""

    def a_parent(matrix, parent=None):
        import slicer
        from SAMRegistrationLib.scene.space import to_vtk

        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode")
        node.SetMatrixTransformToParent(to_vtk(matrix))
        if parent is not None:
            node.SetAndObserveTransformNodeID(parent.GetID())
        return node

    return a_parent


@pytest.fixture
def a_volume_node():
    """A function: volume node of an image (LPS)."""

    def a_volume_node(image, name="Volume"):
        from SAMRegistrationLib.scene.volumes import add_volume, image_data

        return add_volume(image_data(sitk.GetArrayFromImage(image)), Grid.of(image), name)

    return a_volume_node


def rigid(angle, shift):
    """4x4 rotation about (1, 2, -1) with a shift."""
    versor = sitk.VersorTransform()
    versor.SetRotation((1.0, 2.0, -1.0), angle)
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(versor.GetMatrix()).reshape(3, 3)
    matrix[:3, 3] = shift
    return matrix


@pytest.fixture
def two_parents(a_parent):
    """A chain of two rotated, shifted and scaled parents."""
    return a_parent(rigid(0.4, (5, -8, 12)), a_parent(rigid(-0.7, (-30, 4, 9)) @ np.diag([1.2, 1.2, 1.2, 1])))
