"""Masks that a teacher proposes on unlabeled volumes."""

import numpy as np
import pytest
import SimpleITK as sitk
from SAMRegistrationLib.errors import Canceled, InputError, WeightsError
from SAMRegistrationLib.job import Job
from SAMRegistrationLib.segmentation.regions import intersection_over_union
from SAMRegistrationLib.training.clicks.proposals import propose_masks
from SAMRegistrationLib.training.clicks.sources import ProposedMasks
from SAMRegistrationLib.training.clicks.teacher import LiteMedSamTeacher, candidate_boxes


class BrightTeacher:
    """Proposes what is bright."""

    def propose(self, image, rng, boxes):
        bright = image > 0.75
        return bright[None] if bright.sum() > 60 else np.zeros((0, *image.shape), bool)


@pytest.fixture
def volume(tmp_path):
    """An oblique CT of thick slices: air, a trunk, and a bright organ in its middle slices."""
    array = np.full((12, 60, 80), -1000.0, np.float32)
    array[:, 10:50, 10:70] = -300
    array[3:9, 20:40, 30:60] = 2500
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((2.0, 2.0, 6.0))
    image.SetDirection((0.96, -0.28, 0, 0.28, 0.96, 0, 0, 0, 1))
    sitk.WriteImage(image, str(tmp_path / "ct.nii.gz"))
    return tmp_path / "ct.nii.gz"


def test_proposed_masks_lie_on_the_structures_of_their_slices(volume, tmp_path):
    count = propose_masks([volume], "ct", BrightTeacher(), tmp_path / "masks.npz", slices=(10, 0, 0))
    source = ProposedMasks(tmp_path / "masks.npz", held_out=1)
    cases = source.cases(100, 0)
    assert len(cases) == count >= 4
    for case in cases:
        scale = 256 / 80
        assert case.mask.sum() == pytest.approx(20 * 30 * scale**2, rel=0.1)
        assert (case.image[case.mask] == 1).mean() > 0.95


def test_nothing_is_written_when_nothing_is_proposed_or_the_user_stops(volume, tmp_path):
    class Blind:
        def propose(self, image, rng, boxes):
            return np.zeros((0, *image.shape), bool)

    with pytest.raises(InputError, match="no mask"):
        propose_masks([volume], "ct", Blind(), tmp_path / "masks.npz", slices=(3, 0, 0))
    with pytest.raises(Canceled):
        propose_masks([volume], "ct", BrightTeacher(), tmp_path / "masks.npz", job=Job(canceled=lambda: True))
    assert not (tmp_path / "masks.npz").exists()


def test_boxes_are_tried_around_regions_of_the_image():
    y, x = np.indices((256, 256))
    image = np.where((x - 100) ** 2 + (y - 150) ** 2 < 30**2, 0.8, 0.3).astype(np.float32)
    image += np.random.default_rng(0).normal(0, 0.01, image.shape).astype(np.float32)
    boxes = candidate_boxes(image, np.random.default_rng(0), 40)
    away = np.abs(boxes - [71, 121, 129, 179]).max(1)
    assert away.min() < 8
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert len(candidate_boxes(np.zeros((256, 256), np.float32), np.random.default_rng(0), 5)) == 0


def test_overlap_is_intersection_over_union():
    a, b = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    a[:2], b[1:3] = True, True
    assert intersection_over_union(a, b) == pytest.approx(1 / 3)
    assert intersection_over_union(~a & a, ~b & b) == 1


def test_a_teacher_without_weights_gives_one_sentence(tmp_path):
    with pytest.raises(WeightsError, match="LiteMedSAM"):
        LiteMedSamTeacher(tmp_path / "missing.pth")
