"""The simulated users of the benchmarks of clicking."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))
import scribbles
import segmentation as bench
from SAMRegistrationLib.segmentation.candidates import pixel_of
from SAMRegistrationLib.segmentation.strokes import outline_mask
from segmentation_samples import body, oblique_grid, world

GRID = oblique_grid()
BODY = body(GRID, (18, 17, 7), (12, 14, 20))


class Unsure:
    """A session whose least sure places are known."""

    grid = GRID

    def __init__(self, *slices):
        self._places = [world(GRID, 18, 17, index) for index in slices]

    def least_sure(self, _structure):
        return self._places


def test_the_user_who_follows_least_sure_clicks_on_the_first_such_slice_with_an_error():
    mask = BODY.copy()
    mask[4, 15:17, 15:17] = False
    mask[9, 10:20, 10:20] = False
    size = (1.3, 1.1)
    assert bench.next_click(mask, BODY, size, range(14))[0] == 9
    assert bench.least_sure_click(Unsure(6, 4, 9), "s", mask, BODY, size)[0] == 4
    assert bench.least_sure_click(Unsure(6), "s", mask, BODY, size)[0] == 9
    assert bench.least_sure_click(Unsure(), "s", mask, BODY, size)[2] is True
    assert bench.least_sure_click(Unsure(7), "s", BODY, BODY, size) is None


def test_a_simulated_scribble_stays_inside_and_is_a_third_of_the_structure_long_at_most():
    rows, columns = np.mgrid[:80, :90]
    mask = ((columns - 45) / 30) ** 2 + ((rows - 40) / 12) ** 2 <= 1
    clicks = scribbles.scribble(mask, np.random.default_rng(1))
    pixels = [pixel_of(point, mask.shape) for point in clicks.points]
    assert clicks.sizes == (len(pixels),)
    assert all(mask[row, column] for column, row in pixels)
    assert 16 <= np.ptp([column for column, _ in pixels]) <= 20


def test_a_simulated_lasso_holds_the_structure_and_little_more():
    rows, columns = np.mgrid[:80, :90]
    mask = (columns - 45) ** 2 + (rows - 40) ** 2 <= 20**2
    clicks = scribbles.lasso(mask, np.random.default_rng(1))
    held = outline_mask(clicks.outline, mask.shape)
    assert np.count_nonzero(held & mask) > 0.97 * mask.sum()
    assert held.sum() < 1.4 * mask.sum()
