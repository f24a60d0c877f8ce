"""The built-in model through the whole way: from clicks to a volume."""

import os
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from bench import segmentation as bench
from SAMRegistrationLib.segmentation.models import open_predictor
from SAMRegistrationLib.segmentation.session import SegmentationSession
from segmentation_samples import body, dice, oblique_grid, world

DATA = Path(os.environ.get("SAMREGISTRATION_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture(scope="module")
def compact():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield open_predictor("compact", "cpu")
    torch.set_num_threads(threads)


def test_one_click_with_the_built_in_model_gives_a_volume_in_noise_on_an_oblique_grid(compact):
    grid = oblique_grid(size=(70, 64, 14))
    truth = body(grid, (34, 30, 7), (21, 24, 20))
    noise = np.random.default_rng(0).normal(0, 4, grid.shape)
    session = SegmentationSession(grid.image((100.0 * truth + 60 + noise).astype(np.float32)), compact)
    structure = session.add_structure("body").id
    session.add_point(structure, world(grid, 34, 30, 7))
    volume = session.propagate(structure)
    session.close()
    assert dice(volume, truth) > 0.8


@pytest.mark.data
def test_two_clicks_give_most_of_the_spleen(compact):
    case = next(case for case in bench.cases() if case.name == "spleen")
    if not (DATA / case.image).is_file():
        pytest.skip(f"the real volumes are not in {DATA}")
    session = SegmentationSession(sitk.ReadImage(str(DATA / case.image)), compact)
    truth = sitk.GetArrayFromImage(sitk.ReadImage(str(DATA / case.labels))) == case.value
    result, mask = bench.click_through(session, truth, clicks=2)
    session.close()
    assert bench.dice(mask, truth) == result["dice"][-1] >= 0.8
