"""Between library and scene: grids, points and transforms of any kind are the same on both sides."""

import numpy as np
import slicer
import vtk
from cases.geometries import grids, huge_grids, linear_maps, places, roundoff, seeds, smooth_field
from hypothesis import HealthCheck, given, settings
from SAMRegistrationLib.geometry.frames import RAS_LPS, flipped
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.geometry.transforms import flow_transforms, pull_back
from SAMRegistrationLib.scene.space import grid_of_matrix, matrix_of_grid, to_vtk
from SAMRegistrationLib.scene.transforms import initial_alignment, library_transform, oriented_grid, transform_grid
from SAMRegistrationLib.scene.volumes import image_of

few = settings(max_examples=40, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))


@few
@given(huge_grids, seeds)
def test_a_grid_is_the_same_as_a_matrix_of_the_scene(grid, seed):
    index = places(grid, seed)
    matrix = matrix_of_grid(grid)
    in_ras = np.c_[index, np.ones(len(index))] @ matrix.T
    lost = 10 * roundoff(grid)
    np.testing.assert_allclose(
        in_ras[:, :3], [flipped(point) for point in grid.index_to_physical(index)], rtol=0, atol=lost
    )
    again = grid_of_matrix(matrix, grid.size)
    np.testing.assert_allclose(again.index_to_physical(index), grid.index_to_physical(index), rtol=0, atol=lost)


@few
@given(grids(least=2), linear_maps(), linear_maps(), seeds)
def test_a_volume_under_nested_transforms_lies_in_the_library_where_the_scene_shows_it(grid, outer, inner, seed):
    def node_of(affine, parent=None):
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode")
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = np.reshape(affine.GetMatrix(), (3, 3)), affine.GetTranslation()
        node.SetMatrixTransformToParent(to_vtk(matrix))
        node.SetAndObserveTransformNodeID(parent.GetID() if parent else None)
        return node, matrix

    (top, first), volume = node_of(outer), slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    below, second = node_of(inner, top)
    array = np.random.default_rng(seed).integers(0, 99, grid.shape).astype(np.int16)
    slicer.util.updateVolumeFromArray(volume, array)
    volume.SetIJKToRASMatrix(to_vtk(matrix_of_grid(grid)))
    volume.SetAndObserveTransformNodeID(below.GetID())
    found = Grid.of(image_of(volume))
    index = places(grid, seed)
    in_ras = np.c_[index, np.ones(len(index))] @ (first @ second @ matrix_of_grid(grid)).T
    expected = in_ras[:, :3] * (-1, -1, 1)
    scale = np.abs(expected).max() + 1
    np.testing.assert_allclose(found.index_to_physical(index), expected, rtol=0, atol=1e-9 * scale)
    slicer.mrmlScene.Clear(0)


@few
@given(grids(largest=9, least=4), linear_maps(), seeds)
def test_a_transform_node_moves_points_as_the_library_does_and_comes_back(grid, affine, seed):
    affine.SetCenter(grid.center.tolist())
    affine.SetTranslation([value * max(grid.spacing) for value in affine.GetTranslation()])
    deformation, _ = flow_transforms(smooth_field(grid.shape, 1.0, seed), grid)
    transform = pull_back(affine, deformation)
    data = oriented_grid(transform, transform_grid(transform, grid))
    found, longest = [0.0, 0.0, 0.0], float(np.linalg.norm(np.multiply(grid.spacing, grid.size)))
    for point in grid.index_to_physical(places(grid, seed, count=5)):
        data.TransformPoint(flipped(point), found)
        np.testing.assert_allclose(flipped(found), transform.TransformPoint(point), rtol=0, atol=2e-5 * longest)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode")
    node.SetAndObserveTransformFromParent(data)
    again = library_transform(node)
    for point in grid.index_to_physical(places(grid, seed, count=5)):
        np.testing.assert_allclose(
            again.TransformPoint(point), transform.TransformPoint(point), rtol=0, atol=2e-5 * longest
        )
    slicer.mrmlScene.Clear(0)


@few
@given(linear_maps(), seeds)
def test_an_initial_alignment_is_the_inverse_of_its_node(affine, seed):
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = np.reshape(affine.GetMatrix(), (3, 3)), affine.GetTranslation()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode")
    node.SetMatrixTransformToParent(to_vtk(matrix))
    moving = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    alignment = initial_alignment(node, moving)
    to_fixed = vtk.vtkMatrix4x4()
    node.GetMatrixTransformToWorld(to_fixed)
    for point in np.random.default_rng(seed).uniform(-100, 100, (5, 3)):
        moved = to_fixed.MultiplyPoint([*point, 1])[:3]
        np.testing.assert_allclose(alignment.TransformPoint(flipped(moved)), flipped(point), atol=1e-8)
    np.testing.assert_allclose(RAS_LPS @ RAS_LPS, np.eye(4))
    slicer.mrmlScene.Clear(0)
