"""The compact SAM on slices of any size and pixel shape."""

import numpy as np
import pytest
import torch
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.segmentation.compact.model import CompactConfig, CompactSam
from SAMRegistrationLib.segmentation.compact.predictor import CompactPredictor, Letterbox
from scipy import ndimage

TINY = CompactConfig(64, (8, 8, 16, 16), dim=64, heads=4, depth=1, mlp=32, vit=(32, 32, 32, 32))
SLICES = [((64, 64), (1.0, 1.0)), ((101, 122), (3.0, 3.0)), ((30, 200), (5.0, 0.8)), ((256, 17), (1.0, 6.5))]


@pytest.fixture
def predictor():
    torch.manual_seed(0)
    return CompactPredictor.from_model(CompactSam(TINY))


def spot(shape, row, column, spread):
    y, x = np.indices(shape)
    return np.exp(-0.5 * (((y - row) / spread[0]) ** 2 + ((x - column) / spread[1]) ** 2)).astype(np.float32)


@pytest.mark.parametrize(("shape", "pixel"), SLICES)
def test_a_point_lies_on_the_same_anatomy_in_the_input_of_the_network_and_comes_back(shape, pixel):
    row, column = 0.4 * shape[0], 0.6 * shape[1]
    reach = 0.05 * max(n * mm for n, mm in zip(shape, pixel))
    image = spot(shape, row, column, [reach / mm for mm in pixel])
    letterbox = Letterbox.fit(shape, pixel, 256)
    inside = letterbox.image(torch.from_numpy(image)[None, None])
    found = ndimage.center_of_mass(inside[0, 0].numpy())
    x, y = letterbox.points(torch.tensor([column, row]))
    assert found == pytest.approx((float(y), float(x)), abs=0.7)
    back = letterbox.back(torch.nn.functional.avg_pool2d(inside, 2))[0, 0].numpy()
    assert back.shape == shape
    assert ndimage.center_of_mass(back) == pytest.approx((row, column), abs=0.5)


def test_pixels_that_are_not_square_do_not_distort_the_anatomy():
    letterbox = Letterbox.fit((40, 200), (5.0, 1.0), 256)
    assert letterbox.inside == (256, 256)


@pytest.mark.parametrize(("shape", "pixel"), SLICES)
def test_masks_have_the_shape_of_the_slice(predictor, shape, pixel):
    embedding = predictor.embed(np.random.default_rng(0).random(shape), pixel)
    prediction = predictor.predict(embedding, np.array([[3.0, 4.0]]), np.array([1]), None, None)
    assert prediction.masks.shape == (5, *shape)
    assert prediction.masks.dtype == np.float32
    assert prediction.low_res_logits.shape == (5, 32, 32)
    assert list(prediction.scores) == sorted(prediction.scores, reverse=True)


def test_the_first_mask_is_where_better_candidates_outvote_the_others(predictor):
    embedding = predictor.embed(np.random.default_rng(2).random((64, 64)))
    prediction = predictor.predict(embedding, np.array([[30.0, 20.0]]), np.array([1]))
    probabilities = 1 / (1 + np.exp(-prediction.low_res_logits.astype(float)))
    weights = np.exp(8 * prediction.scores[1:].astype(float))
    agreed = np.tensordot(weights / weights.sum(), probabilities[1:], 1)
    np.testing.assert_allclose(probabilities[0], agreed, atol=2e-4)
    assert prediction.scores[0] == prediction.scores[1]


def test_the_same_anatomy_sampled_with_other_pixels_gets_the_same_mask(predictor):
    fine = ndimage.gaussian_filter(np.random.default_rng(1).random((96, 96)), 6)
    fine = (fine - fine.min()) / np.ptp(fine)
    coarse = fine.reshape(96, 32, 3).mean(2)
    a = predictor.predict(predictor.embed(fine), np.array([[40.0, 50.0]]), np.array([1]))
    b = predictor.predict(predictor.embed(coarse, (1.0, 3.0)), np.array([[13.0, 50.0]]), np.array([1]))
    assert np.corrcoef(a.low_res_logits.ravel(), b.low_res_logits.ravel())[0, 1] > 0.98


def test_a_correction_gives_one_mask_and_takes_the_previous_one_in(predictor):
    embedding = predictor.embed(np.random.default_rng(0).random((50, 70)))
    first = predictor.predict(embedding, np.array([[30.0, 20.0]]), np.array([1]), None, None)
    points, labels = np.array([[30.0, 20.0], [5.0, 6.0]]), np.array([1, 0])
    second = predictor.predict(embedding, points, labels, None, first.low_res_logits[0])
    other = predictor.predict(embedding, points, labels, None, first.low_res_logits[0] - 10)
    assert len(second.masks) == len(second.scores) == 1
    assert np.abs(second.masks - other.masks).max() > 1e-4


def test_a_box_or_a_mask_is_prompt_enough(predictor):
    embedding = predictor.embed(np.random.default_rng(0).random((50, 70)))
    nothing = np.zeros((0, 2)), np.zeros(0)
    box = predictor.predict(embedding, *nothing, np.array([10, 10, 40, 30]), None)
    mask = predictor.predict(embedding, *nothing, None, np.zeros((32, 32), np.float32))
    assert np.isfinite(box.masks).all()
    assert np.isfinite(mask.masks).all()


def test_memory_of_an_embedding_is_what_its_arrays_take(predictor):
    embedding = predictor.embed(np.zeros((20, 20)))
    expected = 4 * (64 * 8 * 8 + (2 * 8 + 16) * 16 * 16 + 8 * 32 * 32 + 2 * 32 * 32)
    assert embedding.nbytes == expected


@pytest.mark.parametrize("image", [np.zeros((3, 4, 5)), np.zeros((0, 4)), np.full((8, 8), np.nan)])
def test_what_is_not_a_slice_is_refused_with_a_sentence(predictor, image):
    with pytest.raises(InputError):
        predictor.embed(image)


def test_clicks_without_labels_and_no_prompt_at_all_are_refused_with_a_sentence(predictor):
    embedding = predictor.embed(np.zeros((20, 20)))
    with pytest.raises(InputError, match="labels"):
        predictor.predict(embedding, np.zeros((2, 2)), np.ones(1), None, None)
    with pytest.raises(InputError, match="Click"):
        predictor.predict(embedding, np.zeros((0, 2)), np.zeros(0), None, None)
