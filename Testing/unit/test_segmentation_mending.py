"""After "To volume": a click mends neighboring slices at once, and the places where the model is least sure."""

import numpy as np
import pytest
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.segmentation.least_sure import APART, least_sure_places
from SAMRegistrationLib.segmentation.planes import axis_normal, voxel_at
from SAMRegistrationLib.segmentation.session import SegmentationSession
from segmentation_samples import FloodPredictor, body, dice, oblique_grid, picture, world


def two_tubes(grid):
    """A tube along the slices, and a darker one beside it on some slices, which belongs to the structure as well."""
    tube, beside = np.zeros((2, *grid.shape), bool)
    tube[:, 8:28, 5:18] = True
    beside[6:15, 10:26, 18:32] = True
    return tube, beside


def propagated(grid, image, *index):
    session = SegmentationSession(image, FloodPredictor())
    structure = session.add_structure("body").id
    session.add_point(structure, world(grid, *index))
    session.propagate(structure)
    return session, structure


@pytest.mark.parametrize("angle", [0.0, 0.5])
def test_a_click_mends_the_neighboring_slices_as_far_as_the_same_error_goes(angle):
    grid = oblique_grid(size=(40, 36, 24), angle=angle)
    tube, beside = two_tubes(grid)
    session, structure = propagated(grid, picture(grid, beside, tube), 10, 17, 3)
    np.testing.assert_array_equal(session.mask(structure), tube)
    session.add_point(structure, world(grid, 25, 17, 10))
    np.testing.assert_array_equal(session.mask(structure), tube | beside)
    session.undo()
    np.testing.assert_array_equal(session.mask(structure), tube)


def test_a_negative_click_takes_the_same_part_from_the_neighboring_slices():
    grid = oblique_grid(size=(40, 36, 24))
    tube, beside = two_tubes(grid)
    array = 100.0 * (tube | beside)
    session, structure = propagated(grid, grid.image(array.astype(np.float32)), 10, 17, 10)
    found = session.mask(structure)
    assert found[12, 17, 25]
    session.add_point(structure, world(grid, 10, 17, 12), positive=False)
    mask = session.mask(structure)
    assert not mask[12, 17, 10]
    np.testing.assert_array_equal(mask[20:], found[20:])


def test_a_click_looks_at_a_few_slices_only():
    grid = Grid((40, 36, 80), (1.0, 1.0, 2.0))
    tube, beside = two_tubes(grid)
    beside[:] = beside[10]
    session, structure = propagated(grid, picture(grid, beside, tube), 10, 17, 40)
    session.add_point(structure, world(grid, 25, 17, 40))
    mended = np.flatnonzero((session.mask(structure) != tube).any(axis=(1, 2)))
    np.testing.assert_array_equal(mended, np.arange(34, 47))


def test_a_click_in_another_view_changes_its_slice_alone():
    grid = oblique_grid(size=(40, 36, 24))
    tube, beside = two_tubes(grid)
    session, structure = propagated(grid, picture(grid, beside, tube), 10, 17, 3)
    session.add_point(structure, world(grid, 25, 17, 10), normal=axis_normal(grid, 1))
    changed = (session.mask(structure) != tube).any(axis=(0, 2))
    np.testing.assert_array_equal(np.flatnonzero(changed), [17])


class Doubtful(FloodPredictor):
    """With a box it also takes a bright block that only some slices have; other prompts leave it out."""

    def predict(self, embedding, points, labels, box=None, logits=None):
        prediction = super().predict(embedding, points, labels, box, logits)
        if box is not None:
            prediction.masks[:, embedding.image > 0.9] = 4.0
        return prediction


def test_the_least_sure_place_is_where_the_answers_differ_until_a_click_is_made():
    grid = oblique_grid(size=(40, 36, 24))
    tube = body(grid, (14, 17, 11), (11, 14, 80))
    block = np.zeros(grid.shape, bool)
    block[15:17, 12:22, 27:35] = True
    session = SegmentationSession(picture(grid, tube, block), Doubtful())
    structure = session.add_structure("body").id
    session.add_point(structure, world(grid, 14, 17, 5))
    assert session.least_sure(structure) == []
    session.propagate(structure)
    i, j, k = voxel_at(grid, session.least_sure(structure)[0])
    assert block[k, j, i]
    session.add_point(structure, world(grid, i, j, k), positive=False)
    assert session.least_sure(structure) == [], "prompts changed"
    assert dice(session.propagate(structure), tube) > 0.98


def test_a_wide_unsure_region_is_worth_more_than_a_long_seam():
    grid = oblique_grid(size=(60, 50, 12), spacing=(0.8, 1.4, 5.0))
    unsure = np.zeros(grid.shape, bool)
    unsure[2, 5:45, 10] = True
    unsure[2, 5, 10:50] = True
    unsure[7, 20:29, 30:39] = True
    first, second = (voxel_at(grid, place) for place in least_sure_places(unsure, grid, 2))
    assert (first[0], first[2]) == (34, 7)
    assert 20 <= first[1] < 29
    assert second[2] == 2


def test_least_sure_places_lie_apart_and_are_not_many():
    grid = Grid((30, 30, 60), (1.0, 1.0, 2.0))
    unsure = np.zeros(grid.shape, bool)
    for k in range(60):
        unsure[k, 10 : 12 + k % 7, 10:14] = True
    places = [voxel_at(grid, place)[2] for place in least_sure_places(unsure, grid, 2, most=5)]
    assert len(places) == 5
    assert np.diff(sorted(places)).min() >= APART
    assert not least_sure_places(np.zeros(grid.shape, bool), grid, 2)
