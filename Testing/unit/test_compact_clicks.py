"""Simulated clicks, the losses they are trained with, and the pictures they are set in."""

import numpy as np
import pytest
import torch
from SAMRegistrationLib.segmentation.predictor import SlicePrediction
from SAMRegistrationLib.segmentation.regions import depth
from SAMRegistrationLib.training.clicks.click_simulation import first_click, loose_box, next_click
from SAMRegistrationLib.training.clicks.drawing import Drawing
from SAMRegistrationLib.training.clicks.evaluate import evaluate_clicks
from SAMRegistrationLib.training.clicks.losses import click_loss, mask_loss, quality_loss
from SAMRegistrationLib.training.clicks.sample import augment_appearance, deformed
from SAMRegistrationLib.training.clicks.shapes import blob, curve, grown, shrunk, stroke
from SAMRegistrationLib.training.clicks.sources import Case
from SAMRegistrationLib.training.clicks.synthetic import synthetic_slice
from SAMRegistrationLib.training.clicks.torso import torso_slice
from scipy import ndimage


def region(seed=0, shape=(60, 80)):
    return ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 4) > 0.01


def euclidean(mask):
    return ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]


def test_depth_is_the_euclidean_distance_to_the_outside():
    mask = region()
    assert np.allclose(depth(mask), euclidean(mask), atol=1e-4)
    assert not depth(np.zeros((5, 5), bool)).any()
    assert depth(np.ones((5, 5), bool)).max() == 3


def test_the_first_click_is_deepest_inside():
    mask = region()
    column, row, label = first_click(mask)
    assert label == 1
    assert euclidean(mask)[int(row), int(column)] == euclidean(mask).max()


def test_random_first_clicks_are_inside_and_vary():
    mask = region()
    places = {first_click(mask, np.random.default_rng(seed))[:2] for seed in range(40)}
    assert len(places) > 10
    assert all(mask[int(row), int(column)] for column, row in places)


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_the_next_click_corrects_the_deepest_error(seed):
    target = np.zeros((60, 60), bool)
    target[10:50, 10:30] = True
    predicted = np.zeros((60, 60), bool)
    predicted[10:26, 10:50] = True  # misses 24 x 20 below, adds 16 x 20 at the right
    rng = None if seed is None else np.random.default_rng(seed)
    column, row, label = next_click(target, predicted, rng)
    assert label == 1
    assert (target & ~predicted)[int(row), int(column)]
    predicted[26:50, 10:30] = True
    column, row, label = next_click(target, predicted, rng)
    assert label == 0
    assert (predicted & ~target)[int(row), int(column)]


def test_a_perfect_mask_needs_no_click():
    assert next_click(region(), region()) is None


def test_a_loose_box_is_around_the_structure():
    mask = np.zeros((50, 50), bool)
    mask[10:30, 5:45] = True
    boxes = np.array([loose_box(mask, np.random.default_rng(seed)) for seed in range(50)])
    assert np.abs(boxes - [5, 10, 44, 29]).max(0) == pytest.approx([3.2, 1.6, 3.2, 1.6], rel=0.2)


def test_mask_loss_of_a_uniform_guess_is_what_its_formula_says():
    target = torch.zeros(1, 10, 10)
    target[0, :, :5] = 1
    focal = 20 * 0.25 * np.log(2)
    dice = 1 - (2 * 25 + 1) / (50 + 50 + 1)
    assert float(mask_loss(torch.zeros(1, 10, 10), target)) == pytest.approx(focal + dice, rel=1e-5)
    assert float(mask_loss(40 * (target - 0.5), target)) < 1e-3


def test_quality_loss_asks_for_the_overlap_that_the_mask_has():
    target = torch.zeros(1, 8, 8)
    target[0, :4] = 1
    logits = torch.full((1, 8, 8), -1.0)
    logits[0, 2:6] = 1  # 16 of 48 pixels are shared
    assert float(quality_loss(torch.tensor([1 / 3]), logits, target)) == pytest.approx(0, abs=1e-10)
    assert float(quality_loss(torch.tensor([1.0]), logits, target)) == pytest.approx(4 / 9)


def test_click_loss_looks_at_the_clicked_pixels_only():
    logits = torch.full((1, 16, 16), -8.0)
    logits[0, 3, 10] = 8
    points = torch.tensor([[[21.0, 7.0], [2.0, 2.0], [21.0, 7.0]]])
    assert float(click_loss(logits, points, torch.tensor([[1, 0, -1]]))) < 1e-3
    assert float(click_loss(logits, points, torch.tensor([[0, -1, -1]]))) == pytest.approx(8, abs=0.01)


@pytest.mark.parametrize("seed", range(12))
def test_synthetic_slices_repeat_with_their_seed_and_hold_structures_that_can_be_seen(seed):
    image, masks = synthetic_slice(96, np.random.default_rng(seed))
    again, _ = synthetic_slice(96, np.random.default_rng(seed))
    assert np.array_equal(image, again)
    assert image.shape == (96, 96)
    assert image.min() >= 0
    assert image.max() <= 1
    assert len(masks)
    assert masks.sum((1, 2)).min() > 0.001 * 96**2


def test_a_smooth_blob_is_a_disk():
    mask = blob(100, np.random.default_rng(0), np.array([40.0, 55.0]), 20, 1.0, 0.0)
    y, x = np.indices(mask.shape)
    distance = np.hypot(y - 40, x - 55)
    assert mask[distance < 19.99].all()
    assert not mask[distance > 20.01].any()


def test_growing_and_shrinking_are_those_of_mathematical_morphology():
    mask = region(2)[:60, :60]
    square = np.ones((5, 5), bool)
    assert np.array_equal(grown(mask, 2), ndimage.binary_dilation(mask, square))
    assert np.array_equal(shrunk(mask, 2), ndimage.binary_erosion(mask, square, border_value=1))


def test_a_stroke_is_a_union_of_disks_that_may_leave_the_picture():
    points, radii = np.array([[10.0, 12.0], [30.5, 44.0], [-6.0, 20.0]]), np.array([5.0, 9.0, 3.0])
    y, x = np.indices((50, 50))
    disks = [np.hypot(y - row, x - column) < radius for (row, column), radius in zip(points, radii)]
    assert np.array_equal(stroke(50, points, radii), np.any(disks, 0))


def test_a_curve_has_its_length():
    points = curve(np.random.default_rng(1), (0.5, 0.5), 0.3, 0.1, steps=12)
    assert np.hypot(*np.diff(points, axis=0).T) == pytest.approx(np.full(11, 0.3 / 12))


@pytest.mark.parametrize("seed", range(12))
def test_trunks_hold_structures_within_the_body(seed):
    image, structures = torso_slice(96, np.random.default_rng(seed))
    assert image.shape == (96, 96)
    assert 0 <= image.min() <= image.max() <= 1
    assert sum(structure.sum() > 40 for structure in structures) >= 5
    corners = np.zeros((96, 96), bool)
    corners[:4, :4] = corners[-4:, :4] = corners[:4, -4:] = corners[-4:, -4:] = True
    assert not any((structure & corners).any() for structure in structures)


def test_a_bone_is_one_structure_of_a_bright_shell_around_marrow_and_covers_what_lies_behind():
    drawing = Drawing(96, np.random.default_rng(9))
    drawing._ct, drawing._means = True, {**drawing._means, "cortex": 900.0, "marrow": 150.0, "organ": 60.0}
    behind = drawing.blob((0.5, 0.4), 0.2, 1.0, 0.0)
    drawing.solid(behind, gap=0.0)
    bone = drawing.blob((0.5, 0.6), 0.15, 1.0, 0.0)
    drawing.bone(bone)
    rim = bone & ndimage.binary_dilation(~bone)
    core = ndimage.distance_transform_edt(bone) > 5
    assert drawing._image[rim].mean() > drawing._image[core].mean() + 200
    assert np.array_equal(drawing.structures[1], bone)
    assert np.array_equal(drawing.structures[0], behind & ~bone)


@pytest.mark.parametrize("seed", range(6))
def test_image_and_masks_are_deformed_together(seed):
    mask = blob(80, np.random.default_rng(seed), np.array([38.0, 42.0]), 22, 0.8, 0.1)[:70]
    sample = deformed(mask * 100.0 - 30, mask[None], (1.0, 1.4), 96, np.random.default_rng(seed))
    seen, told = (sample.image[0] > 20).numpy(), (sample.masks[0] > 0.5).numpy()
    assert told.any()
    assert np.array_equal(seen, told)


def test_pixels_that_are_not_square_are_made_square_in_training_pictures():
    y, x = np.indices((40, 120))
    disk = ((y - 20) * 3) ** 2 + (x - 60) ** 2 < 30**2
    ratios = []
    for seed in range(20):
        mask = deformed(disk.astype(float), disk[None], (3.0, 1.0), 128, np.random.default_rng(seed)).masks[0] > 0.5
        if not (mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any()):
            spread = np.linalg.eigvalsh(np.cov(np.argwhere(mask.numpy()).T))
            ratios.append(np.sqrt(spread[1] / spread[0]))
    assert np.median(ratios) < 1.25  # a disk in mm; it would be 3 in pixels


@pytest.mark.parametrize("seed", range(8))
def test_augment_appearance_pictures_keep_their_range_and_shape(seed):
    picture = augment_appearance(torch.rand(1, 64, 64), np.random.default_rng(seed))
    assert picture.shape == (1, 64, 64)
    assert picture.dtype == torch.float32
    assert 0 <= float(picture.min()) < float(picture.max()) <= 1


class Painter:
    """Answers with a square around every positive click, and carves one around every negative click."""

    name = "painter"
    reach = 3

    def embed(self, image, pixel_size=(1.0, 1.0)):
        return image

    def predict(self, embedding, points, labels, box=None, logits=None):
        mask = np.zeros(embedding.shape, bool)
        for (column, row), label in zip(points.astype(int), labels):
            square = tuple(slice(max(0, v - self.reach), v + self.reach + 1) for v in (row, column))
            mask[square] = label == 1
        both = np.stack([~mask, mask]) * 2.0 - 1
        return SlicePrediction(both.astype(np.float32), np.array([0.9, 0.1]), both)


def test_evaluation_counts_what_each_click_brings():
    wide = np.zeros((30, 30), bool)
    wide[10:17, 4:25] = True  # three squares of the painter
    small = np.zeros((30, 30), bool)
    small[10:17, 10:17] = True
    cases = [Case(np.zeros((30, 30)), (1.0, 1.0), wide, "wide"), Case(np.zeros((30, 30)), (1.0, 1.0), small, "small")]
    scores = evaluate_clicks(Painter(), cases, clicks=4)
    assert scores.by_structure()["small"] == pytest.approx([1, 1, 1, 1])
    assert scores.dice[0, 0] == pytest.approx(0.5)  # 49 of 147 pixels
    assert (np.diff(scores.dice[0]) > 0).any()
    assert scores.mean() == pytest.approx(scores.dice.mean(0))
