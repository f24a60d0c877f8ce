"""The head that chooses among the candidates of a first click: what it decides, how it is trained and stored."""

import numpy as np
import pytest
import torch
from SAMRegistrationLib.segmentation.compact.model import CompactConfig, CompactSam, load_compact_sam, save_compact_sam
from SAMRegistrationLib.segmentation.compact.predictor import BUILT_IN_WEIGHTS, CompactPredictor
from SAMRegistrationLib.segmentation.compact.quality import looks
from SAMRegistrationLib.training.clicks.choice import Judged, judge, with_choice, without_choice
from SAMRegistrationLib.training.clicks.sources import Case

TINY = CompactConfig(64, (8, 8, 16, 16), dim=64, heads=4, depth=1, mlp=32, vit=(32, 32, 32, 32))
NUMBERS = looks(8 + 16, 64)


def judged(count, seed):
    """Candidates whose Dice can be told from the first of their numbers, which are far from zero."""
    looked_at = torch.randn(count, 4, NUMBERS, generator=torch.Generator().manual_seed(seed)) * 3 + 5
    return Judged(looked_at, torch.sigmoid(looked_at[..., 0] - 5))


@pytest.fixture(scope="module")
def tiny():
    torch.manual_seed(0)
    return CompactSam(TINY).eval()


@pytest.fixture(scope="module")
def chosen(tiny):
    return with_choice(tiny, [judged(2000, 1), judged(500, 2)], width=8, heads=2, steps=500)


def test_the_trained_head_puts_the_better_candidates_first(chosen):
    unseen = judged(200, 3)
    with torch.no_grad():
        worth = chosen.decoder.choice(unseen.looked_at)
    first = unseen.dice.gather(1, worth.argmax(1, keepdim=True)).mean()
    assert first > unseen.dice.mean() + 0.7 * (unseen.dice.amax(1).mean() - unseen.dice.mean())
    assert (torch.sigmoid(worth) - unseen.dice).abs().mean() < 0.2


def test_masks_and_all_other_weights_stay_as_they_were(tiny, chosen, tmp_path):
    save_compact_sam(chosen, tmp_path / "sam.safetensors")
    loaded = load_compact_sam(tmp_path / "sam.safetensors")
    assert loaded.config.choice == 16
    without_choice(loaded)
    assert loaded.config == TINY
    after = loaded.state_dict()
    assert after.keys() == tiny.state_dict().keys()
    for name, value in tiny.state_dict().items():
        torch.testing.assert_close(after[name], value.half().float())


def test_candidates_come_in_the_order_of_their_expected_dice_and_boxes_are_judged_as_before(tiny, chosen):
    with_head, without = CompactPredictor.from_model(chosen), CompactPredictor.from_model(tiny)
    image = np.random.default_rng(0).random((64, 64))
    embedding = without.embed(image)
    click = np.array([[30.0, 20.0]]), np.array([1])
    found, low_res = with_head.predict(embedding, *click), without.decoded(embedding, *click)[0].numpy()
    assert list(found.scores) == sorted(found.scores, reverse=True)
    (case,) = [Case(image.astype(np.float32), (1.0, 1.0), np.ones((64, 64), bool), "everything")]
    looked_at = judge(tiny, case, [(30.0, 20.0, 1)]).looked_at
    with torch.no_grad():
        worth = chosen.decoder.choice(looked_at)[0].numpy().astype(float)
    np.testing.assert_allclose(found.low_res_logits[1:], low_res[np.argsort(-worth)], atol=1e-5)
    dice = 1 / (1 + np.exp(-np.sort(worth)[::-1]))
    np.testing.assert_allclose(found.scores[1:], dice / (2 - dice), atol=1e-5)
    weights = np.exp(4 * worth) / np.exp(4 * worth).sum()
    agreed = np.tensordot(weights, 1 / (1 + np.exp(-low_res.astype(float))), 1)
    np.testing.assert_allclose(1 / (1 + np.exp(-found.low_res_logits[0].astype(float))), agreed, atol=2e-4)
    box = np.array([10.0, 8.0, 50.0, 40.0])
    for ours, theirs in zip(with_head.predict(embedding, *click, box), without.predict(embedding, *click, box)):
        np.testing.assert_array_equal(ours, theirs)


def test_candidates_are_judged_by_their_dice_with_the_wanted_mask(tiny):
    image = np.random.default_rng(1).random((40, 64)).astype(np.float32)
    wanted = np.zeros((40, 64), bool)
    wanted[10:30, 20:50] = True
    result = judge(tiny, Case(image, (1.5, 1.0), wanted, "block"), [(30.0, 20.0, 1), (25.0, 12.0, 1)])
    assert result.looked_at.shape == (2, 4, NUMBERS)
    predictor = CompactPredictor.from_model(tiny)
    found = predictor.predict(predictor.embed(image, (1.5, 1.0)), np.array([[25.0, 12.0]]), np.array([1])).masks[1:] > 0
    expected = [2 * (mask & wanted).sum() / max(mask.sum() + wanted.sum(), 1) for mask in found]
    np.testing.assert_allclose(np.sort(result.dice[1].numpy()), np.sort(expected), atol=1e-6)


def test_the_built_in_model_has_a_head_for_the_choice():
    assert load_compact_sam(BUILT_IN_WEIGHTS).config.choice == 96
