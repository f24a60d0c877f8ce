"""The weights that come with the extension."""

import os
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from SAMRegistrationLib.metrics import mask_dice
from SAMRegistrationLib.segmentation.compact.predictor import BUILT_IN_WEIGHTS, CompactPredictor
from SAMRegistrationLib.training.clicks.evaluate import evaluate_clicks, volume_cases
from SAMRegistrationLib.training.clicks.sources import Case

DATA = Path(os.environ.get("SAMREGISTRATION_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture(scope="module")
def predictor():
    return CompactPredictor()


def phantom(shape=(110, 140), pixel=(1.0, 1.0)):
    """An ellipse of organ in a trunk, beside another one of nearly its intensity."""
    y, x = (np.indices(shape) - np.array([[[n / 2]] for n in shape])) * np.array(pixel)[:, None, None]
    rng = np.random.default_rng(0)
    image = np.where((x / 62) ** 2 + (y / 48) ** 2 < 1, 0.45, 0.0)
    organ = ((x + 22) / 20) ** 2 + (y / 15) ** 2 < 1
    image[organ] = 0.7
    image[((x - 22) / 16) ** 2 + ((y + 3) / 20) ** 2 < 1] = 0.62
    return np.clip(image + rng.normal(0, 0.02, shape), 0, 1).astype(np.float32), organ


def test_the_weights_are_small_enough_and_have_their_card_beside_them():
    assert BUILT_IN_WEIGHTS.stat().st_size < 25e6
    card = BUILT_IN_WEIGHTS.with_suffix(".md").read_text(encoding="utf-8")
    assert "sam-compact.png" in card
    assert BUILT_IN_WEIGHTS.with_suffix(".png").is_file()


@pytest.mark.parametrize(("shape", "pixel"), [((110, 140), (1.0, 1.0)), ((110, 70), (1.0, 2.0))])
def test_one_click_finds_an_organ_and_five_find_it_well(predictor, shape, pixel):
    image, organ = phantom(shape, pixel)
    dice = evaluate_clicks(predictor, [Case(image, pixel, organ, "organ")], clicks=5).dice[0]
    assert dice[0] > 0.8
    assert dice[4] > 0.9


def test_a_negative_click_takes_away_what_it_hits(predictor):
    image, organ = phantom()
    embedding = predictor.embed(image)
    both = predictor.predict(embedding, np.array([[48.0, 55], [92.0, 52]]), np.array([1, 1]))
    fewer = predictor.predict(
        embedding, np.array([[48.0, 55], [92.0, 52]]), np.array([1, 0]), None, both.low_res_logits[0]
    )
    assert both.masks[0, 52, 92] > 0
    assert fewer.masks[0, 52, 92] < 0
    assert mask_dice(fewer.masks[0] > 0, organ) > 0.8


def test_a_box_finds_what_it_is_drawn_around(predictor):
    image, organ = phantom()
    rows, columns = np.nonzero(organ)
    box = np.array([columns.min(), rows.min(), columns.max(), rows.max()], float)
    prediction = predictor.predict(predictor.embed(image), np.zeros((0, 2)), np.zeros(0), box)
    assert mask_dice(prediction.masks[0] > 0, organ) > 0.8


@pytest.mark.data
@pytest.mark.skipif(not (DATA / "totalseg-ct-mr").is_dir(), reason=f"no real data in {DATA}")
def test_organs_of_a_ct_never_trained_on_are_found_as_the_card_says(predictor):
    folder = DATA / "totalseg-ct-mr"
    names = {1: "spleen", 2: "right kidney", 3: "left kidney", 5: "liver"}
    labels = sitk.ReadImage(str(folder / "example_seg_fast_force_split.nii.gz"))
    assert set(names) <= set(np.unique(sitk.GetArrayViewFromImage(labels)))
    cases = volume_cases(folder / "example_ct.nii.gz", folder / "example_seg_fast_force_split.nii.gz", -160, 240)
    organs = [case for case in cases if int(case.structure) in names][::12]
    dice = evaluate_clicks(predictor, organs, clicks=5).mean()
    assert dice[0] > 0.6
    assert dice[4] > 0.8
