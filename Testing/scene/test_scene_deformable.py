"""Volumes and segments under a deformable parent that is itself under a linear one, against the formula of both."""

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.scene.masks import labelmap, masks_of, on_grid, put_mask
from SAMRegistrationLib.scene.volumes import image_of
from scene.conftest import rigid
from scene.test_scene_masks import a_segmentation, boxes
from vtk.util.numpy_support import numpy_to_vtk

OUTER = rigid(0.6, (90.0, -140.0, 60.0))
SPACING, ORIGIN, SIZE = 3.0, -120.0, 81


def shift(points):
    """How far the bent parent moves a place FROM parent (RAS mm)."""
    x, y, z = np.moveaxis(np.asarray(points, float), -1, 0)
    return np.stack([7 * np.sin(y / 22) + 11, 5 * np.cos(z / 25), -6 * np.sin(x / 20)], -1)


def to_local(points):
    """World (RAS) to the coordinates of the nodes."""
    inner = (np.c_[points, np.ones(len(points))] @ np.linalg.inv(OUTER).T)[:, :3]
    return inner + shift(inner)


def to_world(points):
    """The inverse of :func:`to_local`, by iteration."""
    inner = np.array(points, float)
    for _ in range(60):
        inner = points - shift(inner)
    return (np.c_[inner, np.ones(len(inner))] @ OUTER.T)[:, :3]


@pytest.fixture
def bent(a_parent):
    """A transform node that bends, under a rigid one that also carries everything far away."""
    axis = ORIGIN + SPACING * np.arange(SIZE)
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    data = vtk.vtkImageData()
    data.SetDimensions(SIZE, SIZE, SIZE)
    data.SetSpacing(SPACING, SPACING, SPACING)
    data.SetOrigin(ORIGIN, ORIGIN, ORIGIN)
    data.GetPointData().SetScalars(numpy_to_vtk(shift(np.stack([x, y, z], -1)).reshape(-1, 3), deep=True))
    grid = slicer.vtkOrientedGridTransform()
    grid.SetDisplacementGridData(data)
    grid.SetInterpolationModeToLinear()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "Bent")
    node.SetAndObserveTransformFromParent(grid)
    node.SetAndObserveTransformNodeID(a_parent(OUTER).GetID())
    return node


@pytest.fixture
def organs(oblique, a_blob, a_volume_node, bent):
    """An oblique, anisotropic volume and overlapping segments of it under the bent parent; and their masks."""
    oblique = Grid(oblique.size, oblique.spacing, (15.0, -20.0, -25.0), oblique.direction)
    masks = boxes(oblique)
    volume = a_volume_node(a_blob(oblique, oblique.center), "CT")
    node = a_segmentation(volume, liver=masks[0], spleen=masks[1])
    for moved in (volume, node):
        moved.SetAndObserveTransformNodeID(bent.GetID())
    return volume, node, oblique, masks


@pytest.fixture
def around(organs):
    """A grid of the world that holds all of the organs, turned against everything else."""
    center = to_world([organs[2].center * (-1, -1, 1)])[0] * (-1, -1, 1)
    turn = np.array(sitk.Euler3DTransform((0, 0, 0), -0.4, 0.7, 0.1).GetMatrix()).reshape(3, 3)
    size, spacing = (60, 50, 40), (1.6, 1.9, 2.3)
    origin = center - turn @ (np.multiply(spacing, np.subtract(size, 1)) / 2)
    return Grid(size, spacing, tuple(origin), tuple(turn.ravel()))


def places(grid):
    """The centers of all voxels (z, y, x order), RAS mm."""
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij")
    return grid.index_to_physical(np.stack([i, j, k], -1).reshape(-1, 3)) * (-1, -1, 1)


def looked_up(array, grid, ras):
    """The nearest voxels of an array on a grid at places (RAS mm), 0 outside."""
    ijk = np.round(grid.physical_to_index(ras * (-1, -1, 1))).astype(int)
    inside = np.all((ijk >= 0) & (ijk < grid.size), axis=1)
    values = np.zeros(len(ras), array.dtype)
    values[inside] = array[tuple(ijk[inside].T[::-1])]
    return values


def overlap(one, other):
    return 2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other))


def test_segments_are_read_where_both_parents_put_them(organs, around):
    _, node, grid, masks = organs
    before = node.GetSegmentation().GetMTime()
    for mask, array in zip(masks_of(node), masks):
        own = Grid.of(mask.image)
        expected = looked_up(array, grid, to_local(places(own))).reshape(own.shape) > 0
        assert overlap(sitk.GetArrayFromImage(mask.image) > 0, expected) > 0.99
        expected = looked_up(array, grid, to_local(places(around))).reshape(around.shape) > 0
        assert overlap(on_grid(mask, around) > 0, expected) > 0.88  # nearest neighbors of nearest neighbors
    assert node.GetSegmentation().GetMTime() == before


def test_a_mask_of_the_world_is_written_where_both_parents_have_it(organs, around):
    volume, node, grid, masks = organs
    world = looked_up(masks[0], grid, to_local(places(around))).reshape(around.shape)
    put_mask(node, "spleen", labelmap(world, around))
    expected = looked_up(world, around, to_world(places(grid))).reshape(grid.shape) > 0
    found = slicer.util.arrayFromSegmentBinaryLabelmap(node, "spleen", volume) > 0
    assert overlap(found, expected) > 0.93
    assert overlap(found, masks[0] > 0) > 0.85
    assert np.array_equal(slicer.util.arrayFromSegmentBinaryLabelmap(node, "liver", volume), masks[0])


def test_a_volume_is_read_where_both_parents_put_it(organs, around):
    volume, _, grid, _ = organs
    image = image_of(volume)
    local = to_local(places(around)) * (-1, -1, 1)
    source = grid.image(slicer.util.arrayFromVolume(volume))
    inside = np.all(
        np.abs(grid.physical_to_index(local) - np.subtract(grid.size, 1) / 2) < np.subtract(grid.size, 4) / 2, 1
    )
    assert inside.sum() > 1000
    for point, place in zip(local[inside][::37], places(around)[inside][::37] * (-1, -1, 1)):
        assert image.EvaluateAtPhysicalPoint(place.tolist()) == pytest.approx(
            source.EvaluateAtPhysicalPoint(point.tolist()), abs=8
        )
