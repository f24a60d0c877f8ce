"""Maps in millimeters: what they hold on oblique volumes under parents, and their ranges and colors."""

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from SAMRegistrationLib.registration import RegistrationResult
from SAMRegistrationLib.scene import run
from SAMRegistrationLib.scene.maps import length_range
from SAMRegistrationLib.scene.present import present
from SAMRegistrationLib.scene.space import parent_to_world

SHIFT = np.array([3.0, -1.0, 2.0])


@pytest.fixture
def pair(oblique, a_blob, a_volume_node, two_parents):
    nodes = [a_volume_node(a_blob(oblique), name) for name in ("Before", "After")]
    for node in nodes:
        node.SetAndObserveTransformNodeID(two_parents.GetID())
    return nodes


def places(node):
    """Where the voxels (z, y, x) of a volume node lie in the world (LPS)."""
    import vtk

    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    to_world = parent_to_world(node) @ slicer.util.arrayFromVTKMatrix(matrix)
    shape = slicer.util.arrayFromVolume(node).shape
    index = np.argwhere(np.ones(shape))[:, ::-1]
    return (index @ to_world[:3, :3].T + to_world[:3, 3]) * (-1, -1, 1), shape


def stretched(inputs, disagreement=None):
    """A result that stretches by a tenth about the origin beyond a shift, which is its pre-alignment."""
    whole = sitk.AffineTransform(3)
    whole.SetMatrix((1.1 * np.eye(3)).ravel().tolist())
    whole.SetTranslation(SHIFT.tolist())
    linear = sitk.TranslationTransform(3, SHIFT.tolist())
    forward, back = sitk.CompositeTransform([whole]), sitk.CompositeTransform([whole.GetInverse()])
    images = (inputs.fixed.image, inputs.moving.image)
    return RegistrationResult(forward, back, linear, *images, disagreement=disagreement)


def test_the_displacement_is_what_the_deformation_adds_to_the_pre_alignment(pair):
    inputs = run.read(*pair)
    nodes = present(run.prepare(inputs, stretched(inputs)), *pair)
    points, shape = places(nodes.displacement)
    expected = 0.1 * np.linalg.norm(points, axis=1).reshape(shape)
    assert np.allclose(slicer.util.arrayFromVolume(nodes.displacement), expected, atol=1e-3)
    assert nodes.disagreement is None
    assert nodes.displacement in nodes.all
    display = nodes.displacement.GetDisplayNode()
    assert display.GetWindowLevelMin() == 0
    assert np.percentile(expected, 99) <= display.GetWindowLevelMax() <= 2.5 * np.percentile(expected, 99)


def test_a_disagreement_lies_where_it_was_computed_also_on_a_coarser_map(pair, monkeypatch):
    inputs = run.read(*pair)
    points, shape = places(pair[0])
    ramp = (points @ (0.02, 0.01, -0.03)).reshape(shape) + 5.0
    image = inputs.fixed.grid.image(ramp.astype(np.float32))
    nodes = present(run.prepare(inputs, stretched(inputs, image)), *pair)
    assert np.allclose(slicer.util.arrayFromVolume(nodes.disagreement), ramp, atol=1e-3)

    monkeypatch.setattr(run, "LARGEST_MAP", 2_000)
    nodes = present(run.prepare(inputs, stretched(inputs, image)), *pair)
    points, coarse = places(nodes.disagreement)
    assert np.prod(coarse) <= 2_000
    inner = (slice(1, -1),) * 3
    expected = (points @ (0.02, 0.01, -0.03)).reshape(coarse) + 5.0
    assert np.allclose(slicer.util.arrayFromVolume(nodes.disagreement)[inner], expected[inner], atol=1e-2)


def test_the_range_is_a_round_number_that_single_voxels_do_not_set():
    rest = np.zeros(1000)
    for longest, expected in ((0.0, 1.0), (0.9, 1.0), (1.0, 1.0), (1.1, 2.0), (3.3, 5.0), (7.0, 10.0), (0.004, 0.005)):
        assert length_range(np.append(rest, np.full(100, longest))) == pytest.approx(expected)
    assert length_range(np.append(np.full(1000, 4.0), 300.0)) == pytest.approx(5.0)
    assert length_range(np.append(rest, 3.0)) == pytest.approx(5.0)


def test_short_lengths_are_transparent_and_longer_ones_darker(pair):
    inputs = run.read(*pair)
    nodes = present(run.prepare(inputs, stretched(inputs)), *pair)
    table = nodes.displacement.GetDisplayNode().GetColorNode().GetLookupTable()
    colors = np.array([table.GetTableValue(index) for index in range(table.GetNumberOfTableValues())])
    assert colors[0, 3] == 0
    assert np.all(colors[20:, 3] == 1)
    brightness = colors[:, :3] @ (0.2126, 0.7152, 0.0722)  # ITU-R BT.709
    assert np.all(np.diff(brightness) < 1e-6)
