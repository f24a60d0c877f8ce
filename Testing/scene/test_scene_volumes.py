"""Volume nodes become images in the world, compared with what Slicer's own functions say about the same nodes."""

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.geometry.frames import flipped
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.scene import volumes
from SAMRegistrationLib.scene.space import to_vtk
from SAMRegistrationLib.scene.volumes import VolumeCopy, grid_of, image_of


def world_of_voxel(node, ijk):
    """World position (RAS) of a voxel by Slicer's own transform of points."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    ras = matrix.MultiplyPoint([*map(float, ijk), 1.0])[:3]
    result = [0.0, 0.0, 0.0]
    to_world = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(node.GetParentTransformNode(), None, to_world)
    to_world.TransformPoint(ras, result)
    return np.array(result)


VOXELS = [(0, 0, 0), (29, 0, 0), (0, 25, 0), (0, 0, 11), (7, 19, 4)]


def test_an_oblique_volume_under_a_chain_of_parents_lies_where_slicer_shows_it(
    oblique, a_blob, a_volume_node, two_parents
):
    node = a_volume_node(a_blob(oblique))
    node.SetAndObserveTransformNodeID(two_parents.GetID())
    image = image_of(node)
    for voxel in VOXELS:
        assert np.allclose(flipped(image.TransformIndexToPhysicalPoint(voxel)), world_of_voxel(node, voxel), atol=1e-6)
        assert image[voxel] == pytest.approx(slicer.util.arrayFromVolume(node)[voxel[::-1]])
    assert grid_of(node).matches(Grid.of(image))


def test_a_sheared_volume_keeps_every_voxel_in_its_place(oblique, a_blob, a_volume_node, a_parent):
    shear = np.eye(4)
    shear[0, 1] = 0.3
    node = a_volume_node(a_blob(oblique))
    node.SetAndObserveTransformNodeID(a_parent(shear).GetID())
    image = image_of(node)
    for voxel in VOXELS:
        assert np.allclose(flipped(image.TransformIndexToPhysicalPoint(voxel)), world_of_voxel(node, voxel), atol=1e-6)


def test_a_volume_under_a_bent_transform_is_resampled_where_the_transform_puts_it(a_blob, a_volume_node):
    grid = Grid((40, 40, 40), (1.5, 1.5, 1.5), (-30, -30, -30))
    node = a_volume_node(a_blob(grid, (3, -2, 1)))
    bend = vtk.vtkThinPlateSplineTransform()
    corners = [(x, y, z) for x in (-30, 30) for y in (-30, 30) for z in (-30, 30)]
    source, target = vtk.vtkPoints(), vtk.vtkPoints()
    for point in corners:
        source.InsertNextPoint(point)
        target.InsertNextPoint(point)
    source.InsertNextPoint(0, 0, 0)
    target.InsertNextPoint(6, 0, 0)
    bend.SetSourceLandmarks(source)
    bend.SetTargetLandmarks(target)
    bend.SetBasisToR()
    parent = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode")
    parent.SetAndObserveTransformToParent(bend)
    node.SetAndObserveTransformNodeID(parent.GetID())
    brightest = [0.0, 0.0, 0.0]
    bend.TransformPoint((-3, 2, 1), brightest)
    array = sitk.GetArrayFromImage(image_of(node))
    found = image_of(node).TransformIndexToPhysicalPoint(
        [int(n) for n in reversed(np.unravel_index(array.argmax(), array.shape))]
    )
    assert np.linalg.norm(np.array(flipped(found)) - brightest) < 2.0
    assert node.GetParentTransformNode() is parent


def test_reading_a_node_changes_nothing_in_it(oblique, a_blob, a_volume_node, two_parents):
    node = a_volume_node(a_blob(oblique))
    node.SetAndObserveTransformNodeID(two_parents.GetID())
    before = slicer.util.arrayFromVolume(node).copy()
    modified = node.GetMTime()
    image = image_of(node)
    image += 5
    assert np.array_equal(slicer.util.arrayFromVolume(node), before)
    assert node.GetMTime() == modified


def test_volumes_without_voxels_or_with_colors_are_refused_with_a_sentence():
    empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Nothing")
    with pytest.raises(InputError, match="Nothing holds no voxels; choose another volume"):
        image_of(empty)
    color = slicer.util.addVolumeFromArray(
        np.zeros((3, 4, 5, 3), np.uint8), name="Photo", nodeClassName="vtkMRMLVectorVolumeNode"
    )
    with pytest.raises(InputError, match="Photo has several values per voxel"):
        image_of(color)


def test_axes_that_do_not_span_space_are_refused(oblique, a_blob, a_volume_node):
    node = a_volume_node(a_blob(oblique))
    flat = np.eye(4)
    flat[:3, 2] = flat[:3, 1]
    node.SetIJKToRASMatrix(to_vtk(flat))
    with pytest.raises(InputError, match="do not span space"):
        image_of(node)


def test_what_happens_to_a_node_after_it_was_read_does_not_matter(oblique, a_blob, a_volume_node):
    node = a_volume_node(a_blob(oblique))
    expected, copies = slicer.util.arrayFromVolume(node).copy(), [VolumeCopy(node) for _ in range(2)]
    slicer.util.updateVolumeFromArray(node, expected[:4] + 7)
    assert np.array_equal(sitk.GetArrayFromImage(copies[0].image), expected)
    slicer.mrmlScene.Clear(0)
    assert np.array_equal(sitk.GetArrayFromImage(copies[1].image), expected)


def test_voxels_that_are_written_to_while_they_are_copied_are_copied_again(oblique, a_blob, a_volume_node, monkeypatch):
    node = a_volume_node(a_blob(oblique))
    array, make = slicer.util.arrayFromVolume(node), Grid.image
    copies = []

    def written_to(grid, values):
        image = make(grid, values)
        copies.append(image)
        if len(copies) == 1:
            array[...] = 7
            slicer.util.arrayFromVolumeModified(node)
        return image

    copy = VolumeCopy(node)
    monkeypatch.setattr(Grid, "image", written_to)
    assert np.all(sitk.GetArrayFromImage(copy.image) == 7)
    assert len(copies) == 2


def test_reading_a_volume_copies_none_of_its_voxels_yet(oblique, a_blob, a_volume_node, monkeypatch):
    node = a_volume_node(a_blob(oblique))
    monkeypatch.setattr(volumes, "voxels", lambda data: pytest.fail("the main thread is held up"))
    VolumeCopy(node)
