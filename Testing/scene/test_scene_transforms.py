"""Transform nodes do to points what the library's transforms do to them, in the application and as files."""

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import torch
from SAMRegistrationLib.geometry.frames import flipped
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.geometry.transforms import flow_transforms, pull_back, push_forward
from SAMRegistrationLib.scene.transforms import add_transform, oriented_grid, transform_grid


@pytest.fixture
def a_pair_of_transforms(oblique):
    """A smooth velocity field on an oblique grid with an affine: (transform, inverse)."""
    k, j, i = np.meshgrid(*[np.linspace(-1, 1, n) for n in oblique.shape], indexing="ij")
    bump = np.exp(-3 * (i**2 + j**2 + k**2))
    velocity = torch.from_numpy(np.stack([0.8 * bump, -2.0 * bump * j, 2.5 * bump])[None].astype(np.float32))
    affine = sitk.AffineTransform(3)
    affine.Rotate(0, 1, 0.15)
    affine.Scale((1.05, 1.05, 1.05))
    affine.Translate((4.0, -3.0, 6.0))
    forward, inverse = flow_transforms(velocity, oblique)
    return pull_back(affine, forward), push_forward(affine.GetInverse(), inverse)


def points_in(grid, seed=3):
    spread = np.random.default_rng(seed).uniform(0.1, 0.9, (25, 3)) * (np.asarray(grid.size) - 1)
    return grid.index_to_physical(spread)


def from_parent(node, point):
    """A point (LPS) through the node's FROM parent direction, by Slicer."""
    result = [0.0, 0.0, 0.0]
    node.GetTransformFromParent().TransformPoint(flipped(point), result)
    return np.array(flipped(result))


@pytest.fixture
def nodes(oblique, a_blob, a_volume_node):
    return a_volume_node(a_blob(oblique), "Fixed"), a_volume_node(a_blob(oblique), "Moving")


def test_the_node_maps_points_as_the_library_does(oblique, a_pair_of_transforms, nodes):
    transform, _ = a_pair_of_transforms
    node = add_transform(oriented_grid(transform, transform_grid(transform, oblique)), "T", *nodes)
    for point in points_in(oblique):
        assert np.allclose(from_parent(node, point), transform.TransformPoint(point), atol=1e-4)


def test_the_inverse_node_undoes_the_node(oblique, a_pair_of_transforms, nodes):
    transform, inverse = a_pair_of_transforms
    there, back = (
        add_transform(oriented_grid(t, transform_grid(t, oblique)), "T", *nodes) for t in (transform, inverse)
    )
    for point in points_in(oblique):
        mapped = transform.TransformPoint(point)
        assert np.allclose(from_parent(back, mapped), inverse.TransformPoint(mapped), atol=1e-4)
        assert np.linalg.norm(from_parent(back, from_parent(there, point)) - point) < 0.05


@pytest.mark.parametrize("which", [0, 1])
def test_the_saved_file_gives_the_same_points_in_simpleitk(oblique, a_pair_of_transforms, nodes, tmp_path, which):
    transform = a_pair_of_transforms[which]
    node = add_transform(oriented_grid(transform, transform_grid(transform, oblique)), "T", *nodes)
    path = str(tmp_path / "t.h5")
    assert slicer.util.saveNode(node, path)
    loaded = sitk.ReadTransform(path)
    for point in points_in(oblique):
        place = point if which == 0 else a_pair_of_transforms[0].TransformPoint(point)
        assert np.allclose(loaded.TransformPoint(place), transform.TransformPoint(place), atol=1e-3)


def test_an_affine_alone_becomes_an_exact_grid(oblique, nodes):
    affine = sitk.AffineTransform(3)
    affine.Rotate(0, 2, 0.2)
    affine.Translate((3.0, 2.0, 1.0))
    composite = sitk.CompositeTransform([affine])
    node = add_transform(oriented_grid(composite, transform_grid(composite, oblique)), "T", *nodes)
    for point in points_in(oblique):
        assert np.allclose(from_parent(node, point), affine.TransformPoint(point), atol=1e-4)


def test_the_node_refers_to_the_pair(oblique, a_pair_of_transforms, nodes):
    transform, _ = a_pair_of_transforms
    node = add_transform(oriented_grid(transform, transform_grid(transform, oblique)), "T", *nodes)
    kind = slicer.vtkMRMLTransformNode
    assert node.GetNodeReference(kind.GetFixedNodeReferenceRole()) is nodes[0]
    assert node.GetNodeReference(kind.GetMovingNodeReferenceRole()) is nodes[1]
    assert node.GetClassName() == "vtkMRMLTransformNode"


def test_a_sheared_grid_keeps_its_vectors_in_place(oblique):
    axes = oblique.axes @ np.array([[1, 0.3, 0], [0, 1, 0], [0, 0, 1]])
    spacing = np.linalg.norm(axes, axis=0)
    sheared = Grid(oblique.size, tuple(spacing), oblique.origin, tuple((axes / spacing).ravel()))
    field = np.random.default_rng(1).normal(size=(*sheared.shape, 3))
    transform = sitk.DisplacementFieldTransform(sheared.image(field))
    grid = oriented_grid(sitk.CompositeTransform([transform]), sheared)
    for index in [(3, 4, 5), (20, 11, 7)]:
        point = sheared.index_to_physical([index])[0]
        result = [0.0, 0.0, 0.0]
        grid.TransformPoint(flipped(point), result)
        assert np.allclose(np.array(flipped(result)) - point, field[index[::-1]], atol=1e-6)
