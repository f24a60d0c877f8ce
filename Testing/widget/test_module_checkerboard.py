"""The checkerboard of fixed and warped volume lies where these lie, whatever was compared before."""

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from SAMRegistrationLib import engine
from SAMRegistrationLib.registration import RegistrationResult
from SAMRegistrationLib.testing.driver import click, settle

SHIFT = np.array((3.0, -2.0, 4.0))
TO_LPS = np.diag([-1.0, -1.0, 1.0])


def turned(angles, steps, origin):
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(sitk.Euler3DTransform((0, 0, 0), *angles).GetMatrix()).reshape(3, 3) * steps
    matrix[:3, 3] = origin
    return matrix


PARENT = turned((0.4, -0.2, 0.3), (1, 1, 1), (26.0, -14.0, 9.0))
OBLIQUE = turned((-0.3, 0.2, 0.5), (1.5, 2.5, 4.0), (-20.0, -35.0, 60.0))
STRAIGHT = turned((0, 0, 0), (3.0, 3.0, 3.0), (-30.0, -30.0, -30.0))


def a_pair_of_slopes(shape, matrix):
    """Two volumes on the same grid that rise along the axes of the world (RAS mm)."""
    k, j, i = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    places = np.stack([i, j, k, np.ones_like(i)], -1) @ matrix.T
    pair = []
    for name, slope in (("fixed", (2.0, 1.0, -1.5, 20.0)), ("moving", (-1.0, 2.0, 2.5, -40.0))):
        node = slicer.util.addVolumeFromArray((places @ slope).astype(np.float32), ijkToRAS=matrix, name=name)
        node.CreateDefaultDisplayNodes()
        node.GetDisplayNode().SetAutoWindowLevel(False)
        node.GetDisplayNode().SetWindowLevelMinMax(-400, 400)
        pair.append(node)
    return pair


def put_under(matrix, *nodes):
    parent = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "Parent")
    parent.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    for node in nodes:
        node.SetAndObserveTransformNodeID(parent.GetID())


def image_in_world(node, matrix):
    """The voxels as an image in LPS, set up from the matrix (IJK to world, RAS) alone."""
    axes = TO_LPS @ matrix[:3, :3]
    spacing = np.linalg.norm(axes, axis=0)
    image = sitk.GetImageFromArray(slicer.util.arrayFromVolume(node).astype(np.float32))
    image.SetSpacing(spacing.tolist())
    image.SetDirection((axes / spacing).ravel().tolist())
    image.SetOrigin((TO_LPS @ matrix[:3, 3]).tolist())
    return image


def gray_at(image, point):
    return np.clip((image.EvaluateAtPhysicalPoint(point.tolist()) + 400) * 255 / 800, 0, 255)


def check(board, fixed, moving, shift=SHIFT):
    """Every voxel shows what lies there in the world: the fixed volume, or the moving one beyond the shift (LPS)."""
    array, to_world = slicer.util.arrayFromVolume(board), slicer.util.vtkMatrixFromArray(np.eye(4))
    board.GetIJKToRASMatrix(to_world)
    assert board.GetTransformNodeID() is None
    random, shown = np.random.default_rng(3), []
    for _ in range(200):
        ijk = [int(random.integers(2, n - 2)) for n in reversed(array.shape)]
        point = TO_LPS @ (slicer.util.arrayFromVTKMatrix(to_world) @ [*ijk, 1])[:3]
        grays = np.array([gray_at(fixed, point), gray_at(moving, point + shift)])
        errors = np.abs(array[tuple(reversed(ijk))] - grays)
        assert errors.min() < 1.5, (ijk, grays, errors)
        if abs(grays[0] - grays[1]) > 5:
            shown.append(errors.argmin())
    assert 0.2 < np.mean(shown) < 0.8, "fields of both volumes are to be seen"


@pytest.fixture
def shifting(panel, monkeypatch):
    """The panel, where every registration finds the shift (fixed to moving, LPS)."""

    def known(fixed, moving, *_others):
        forward, back = (sitk.CompositeTransform([sitk.TranslationTransform(3, s.tolist())]) for s in (SHIFT, -SHIFT))
        return RegistrationResult(forward, back, back, fixed, moving)

    monkeypatch.setattr(engine, "register", known)
    return panel


def register_and_compare(panel, pair):
    panel.ui.fixedSelector.setCurrentNode(pair[0])
    panel.ui.movingSelector.setCurrentNode(pair[1])
    slicer.app.processEvents()
    for button in (panel.ui.registerButton, panel.ui.checkerboardButton):
        click(button)
        settle(panel)
    assert panel.ui.registerStatus.text.startswith("Done"), panel.ui.registerStatus.text
    return panel.parameters().resultCheckerboard


def test_the_checkerboard_of_a_second_pair_lies_on_that_pair_and_the_first_one_stays(shifting):
    first = a_pair_of_slopes((20, 21, 22), STRAIGHT)
    one = register_and_compare(shifting, first)
    second = a_pair_of_slopes((16, 24, 30), OBLIQUE)
    put_under(PARENT, *second)
    other = register_and_compare(shifting, second)
    check(other, *(image_in_world(node, PARENT @ OBLIQUE) for node in second))
    check(one, *(image_in_world(node, STRAIGHT) for node in first))
    for name in ("Red", "Yellow", "Green"):
        composite = slicer.app.layoutManager().sliceWidget(name).mrmlSliceCompositeNode()
        assert composite.GetBackgroundVolumeID() == other.GetID()


def test_the_checkerboard_goes_where_fixed_and_warped_volume_were_moved(shifting):
    pair = a_pair_of_slopes((16, 24, 30), OBLIQUE)
    board = register_and_compare(shifting, pair)
    put_under(PARENT, *pair, shifting.parameters().resultVolume)
    click(shifting.ui.checkerboardButton)
    settle(shifting)
    assert shifting.parameters().resultCheckerboard is board
    shift = TO_LPS @ PARENT[:3, :3] @ TO_LPS @ SHIFT
    check(board, *(image_in_world(node, PARENT @ OBLIQUE) for node in pair), shift)
