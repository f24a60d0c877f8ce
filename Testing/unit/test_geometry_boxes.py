"""Masks and label maps warped in a box only are those of a resampler that goes over the whole grid."""

import numpy as np
import pytest
import SimpleITK as sitk
from phantoms import affine_and_waves, oblique_grid
from SAMRegistrationLib.geometry.boxes import cut_to_marked, marked_bounds
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.geometry.resample import meeting_box, warp_labels, warp_mask

TARGET = oblique_grid((96, 70, 40), (0.7, 0.9, 2.2))
SOURCE = oblique_grid((60, 80, 50), (1.1, 0.8, 1.7), (0.1, 0.2, -0.3))


@pytest.fixture(scope="module")
def transform():
    """A field of waves behind an affine mapping, sampled on a grid of its own."""
    grid = TARGET.with_spacing((4.0, 4.0, 4.0))
    points = grid.index_to_physical(np.indices(grid.shape).reshape(3, -1)[::-1].T)
    vectors = affine_and_waves(TARGET.center)(points) - points
    return sitk.DisplacementFieldTransform(grid.image(vectors.reshape(*grid.shape, 3)))


@pytest.fixture(scope="module")
def labels():
    array = np.zeros(SOURCE.shape, np.int32)
    array[20:30, 30:44, 20:31] = 3
    array[24:29, 44:52, 28:40] = 7
    return SOURCE.image(array)


def test_a_label_map_is_that_of_the_whole_grid(transform, labels):
    whole = sitk.Resample(labels, TARGET.empty_image(), transform, sitk.sitkNearestNeighbor, 0)
    warped = warp_labels(labels, transform, TARGET)
    assert np.count_nonzero(sitk.GetArrayFromImage(whole)) > 1000
    assert warped.GetPixelID() == labels.GetPixelID()
    assert np.array_equal(sitk.GetArrayFromImage(warped), sitk.GetArrayFromImage(whole))


@pytest.mark.parametrize("label", [3, 7])
def test_a_mask_is_that_of_the_whole_grid(transform, labels, label):
    mask = sitk.Cast(labels == label, sitk.sitkUInt8)
    share = sitk.Resample(sitk.Cast(mask, sitk.sitkFloat32), TARGET.empty_image(), transform, sitk.sitkLinear, 0.0)
    part, grid = cut_to_marked(sitk.GetArrayFromImage(mask), SOURCE)
    assert np.array_equal(warp_mask(grid.image(part), transform, TARGET), sitk.GetArrayFromImage(share) >= 0.5)


def test_the_box_holds_every_voxel_that_meets_the_source_and_little_else(transform, labels):
    _, source = cut_to_marked(sitk.GetArrayFromImage(labels), SOURCE)
    box = meeting_box(TARGET, source, transform)
    indices = np.indices(TARGET.shape).reshape(3, -1)[::-1].T
    mapped = [transform.TransformPoint(point) for point in TARGET.index_to_physical(indices).tolist()]
    meets = source.contains(mapped).reshape(TARGET.shape)
    outside = meets.copy()
    outside[box] = False
    assert meets.any()
    assert not outside.any()
    bounds = np.array(marked_bounds(meets))
    assert all(part.stop - part.start <= 2 * (high - low + 1) for part, (low, high) in zip(box, bounds))


def test_what_lies_elsewhere_leaves_nothing(labels):
    away = sitk.TranslationTransform(3, (500.0, 0.0, 0.0))
    assert meeting_box(TARGET, SOURCE, away) is None
    assert not sitk.GetArrayFromImage(warp_labels(labels, away, TARGET)).any()
    assert not warp_mask(labels, away, TARGET).any()


def test_a_single_slice_is_met():
    flat = Grid((20, 30, 1), (1.0, 1.0, 5.0))
    array = np.zeros((9, 30, 20), np.uint8)
    array[4, 10:15, 5:9] = 1
    volume = Grid((20, 30, 9), (1.0, 1.0, 5.0), (0.0, 0.0, -20.0)).image(array)
    warped = sitk.GetArrayFromImage(warp_labels(volume, sitk.Transform(), flat))
    assert np.array_equal(warped[0], array[4])


def test_nothing_is_cut_from_what_marks_nothing():
    assert cut_to_marked(np.zeros((3, 4, 5), np.uint8), Grid((5, 4, 3))) is None
    assert marked_bounds(np.zeros((3, 4), bool)) is None
