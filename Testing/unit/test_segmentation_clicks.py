"""Choosing among candidates, keeping clicks, correcting locally, deriving prompts from masks."""

import numpy as np
import pytest
from SAMRegistrationLib.segmentation.candidates import (
    Clicks,
    best_candidate,
    connected_changes,
    enforce_clicks,
    other_part,
    satisfied_points,
)
from SAMRegistrationLib.segmentation.clicks_from_mask import clicks_from_mask
from SAMRegistrationLib.segmentation.predictor import SlicePrediction
from SAMRegistrationLib.segmentation.regions import (
    bounding_box,
    component_at,
    components,
    deepest,
    depth,
    intersection_over_union,
    shape_between,
)
from SAMRegistrationLib.segmentation.session import SegmentationSession
from segmentation_samples import FloodPredictor, body, oblique_grid, picture, world


def disk(shape, column, row, radius):
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return (rows - row) ** 2 + (columns - column) ** 2 <= radius**2


def as_prediction(masks, scores):
    logits = np.where(np.stack(masks), 3.0, -3.0).astype(np.float32)
    return SlicePrediction(logits, np.array(scores), logits[:, ::4, ::4])


def test_the_candidate_that_satisfies_most_clicks_is_taken_even_with_a_lower_score():
    small, large = disk((40, 40), 10, 10, 4), disk((40, 40), 12, 12, 10)
    prediction = as_prediction([small, large], [0.9, 0.2])
    assert best_candidate(prediction, Clicks(((10, 10, True),))) == 0
    assert best_candidate(prediction, Clicks(((10, 10, True), (16, 16, True)))) == 1
    assert best_candidate(prediction, Clicks(((10, 10, True), (16, 16, False)))) == 0


def test_an_empty_candidate_is_the_last_choice():
    prediction = as_prediction([np.zeros((20, 20), bool), disk((20, 20), 5, 5, 3)], [0.9, 0.1])
    assert best_candidate(prediction, Clicks((), (2, 2, 8, 8))) == 1


@pytest.mark.parametrize("seed", range(20))
def test_positive_clicks_end_inside_and_negative_ones_outside_whatever_was_predicted(seed):
    random = np.random.default_rng(seed)
    logits = (40 * random.standard_normal((30, 50))).astype(np.float32)
    cells = random.permutation(30 * 50)[:12]
    points = tuple((float(cell % 50), float(cell // 50), bool(random.random() < 0.5)) for cell in cells)
    clicks = Clicks(points)
    assert satisfied_points(enforce_clicks(logits, clicks) > 0, clicks) == len(points)


def test_clicks_that_hold_already_change_nothing():
    logits = np.where(disk((30, 30), 15, 15, 8), 2.0, -2.0).astype(np.float32)
    clicks = Clicks(((15, 15, True), (2, 2, False)))
    np.testing.assert_array_equal(enforce_clicks(logits, clicks), logits)


def test_of_two_contradicting_clicks_on_one_pixel_the_later_one_holds():
    logits = np.full((10, 10), -5.0, np.float32)
    assert enforce_clicks(logits, Clicks(((4, 4, False), (4.2, 4.1, True))))[4, 4] > 0
    assert enforce_clicks(logits, Clicks(((4.2, 4.1, True), (4, 4, False))))[4, 4] < 0


def test_a_click_on_the_border_of_the_slice_is_kept():
    clicks = Clicks(((-0.4, 9.49, True),))
    assert enforce_clicks(np.full((10, 10), -5.0, np.float32), clicks)[9, 0] > 0


def test_a_correction_changes_only_the_part_that_was_clicked():
    before = disk((60, 60), 15, 15, 8) | disk((60, 60), 45, 45, 8)
    after = disk((60, 60), 15, 15, 8) | disk((60, 60), 15, 40, 5)
    added = connected_changes(before, after, Clicks(((15, 40, True),)))
    np.testing.assert_array_equal(added, before | disk((60, 60), 15, 40, 5))
    removed = connected_changes(before, after, Clicks(((45, 45, False),)))
    np.testing.assert_array_equal(removed, disk((60, 60), 15, 15, 8))


def test_depth_is_the_distance_to_the_nearest_pixel_outside_by_brute_force():
    mask = disk((14, 17), 8, 6, 5)
    mask[0:3, 0:4] = True
    outside = np.pad(~mask, 1, constant_values=True)
    rows, columns = np.nonzero(outside)
    expected = np.zeros(mask.shape)
    for row, column in zip(*np.nonzero(mask)):
        expected[row, column] = np.hypot((rows - 1 - row) * 3.0, (columns - 1 - column) * 0.5).min()
    np.testing.assert_allclose(depth(mask, (3.0, 0.5)), expected, atol=1e-4)
    column, row = deepest(mask, (3.0, 0.5))
    assert expected[row, column] == pytest.approx(expected.max(), abs=1e-4)


@pytest.mark.parametrize("t", [0.0, 0.3, 0.5, 1.0])
def test_the_shape_between_two_disks_far_apart_is_the_disk_between_them(t):
    near, far = disk((60, 90), 20, 20, 6), disk((60, 90), 60, 40, 14)
    shape = shape_between(near, far, t) > 0
    expected = disk((60, 90), 20 + 40 * t, 20 + 20 * t, 6 + 8 * t)
    assert intersection_over_union(shape, expected) > 0.85


def test_components_are_separate_parts_largest_first():
    small, large = disk((40, 40), 8, 8, 3), disk((40, 40), 28, 28, 8)
    parts = components(small | large)
    assert [np.array_equal(part, mask) for part, mask in zip(parts, (large, small))] == [True, True]
    np.testing.assert_array_equal(component_at(small | large, (8, 8)), small)
    assert not component_at(small | large, (20, 8)).any()
    assert components(np.zeros((5, 5), bool)) == []


def test_boxes_and_overlap_are_those_of_the_definition():
    mask = np.zeros((10, 12), bool)
    mask[3:6, 2:9] = True
    assert bounding_box(mask).tolist() == [2, 3, 8, 5]
    assert bounding_box(np.zeros((3, 3), bool)) is None
    assert intersection_over_union(mask, mask) == 1
    assert intersection_over_union(mask, ~mask) == 0
    assert intersection_over_union(np.zeros((2, 2), bool), np.zeros((2, 2), bool)) == 1


def test_prompts_derived_from_a_mask_hold_each_part_and_its_middle():
    left, right = disk((50, 80), 20, 25, 10), disk((50, 80), 60, 25, 8)
    groups = clicks_from_mask(left | right, (1.0, 1.0))
    assert len(groups) == 2
    for (group, whole), part in zip(groups, (left, right)):
        np.testing.assert_array_equal(whole, part)
        column, row, inside = group.points[0]
        assert inside
        assert part[int(row), int(column)]
        box = bounding_box(part)
        assert np.all(np.array(group.box[:2]) < box[:2])
        assert np.all(np.array(group.box[2:]) > box[2:])


def test_specks_beside_a_large_part_give_no_prompts():
    mask = disk((50, 80), 20, 25, 10)
    mask[5, 70] = True
    assert len(clicks_from_mask(mask, (1.0, 1.0))) == 1


def test_a_negative_click_in_the_middle_of_a_part_takes_it_away():
    left, right = disk((50, 80), 20, 25, 10), disk((50, 80), 60, 25, 8)
    groups = clicks_from_mask(left | right, (1.0, 1.0), [(20.0, 25.0, False)])
    assert len(groups) == 1
    assert groups[0].clicks.box[0] > 40


def test_a_positive_click_outside_widens_the_box_of_the_nearest_part():
    left, right = disk((50, 80), 20, 25, 10), disk((50, 80), 60, 25, 8)
    groups = clicks_from_mask(left | right, (1.0, 1.0), [(75.0, 25.0, True)])
    assert groups[1].clicks.box[2] >= 75
    assert groups[0].clicks.box[2] < 40


class Moving(FloodPredictor):
    """Answers for the last click alone, as a model that takes a second click for a move."""

    def predict(self, embedding, points, labels, box=None, logits=None):
        return super().predict(embedding, points[-1:], labels[-1:], box, logits)


def test_a_second_click_in_another_part_adds_that_part_and_does_not_move_the_first():
    grid = oblique_grid(size=(60, 36, 3))
    parts = [body(grid, (14, 17, 1), (10, 12, 40)), body(grid, (45, 17, 1), (8, 9, 40))]
    session = SegmentationSession(picture(grid, *parts), Moving())
    structure = session.add_structure("pair").id
    session.add_point(structure, world(grid, 14, 17, 1))
    session.add_point(structure, world(grid, 45, 17, 1))
    np.testing.assert_array_equal(session.mask(structure)[1], parts[0][1] | parts[1][1])
    session.undo()
    np.testing.assert_array_equal(session.mask(structure)[1], parts[0][1])


def test_a_click_whose_part_meets_the_mask_is_a_correction_of_it():
    before, after = np.zeros((2, 9, 20), bool)
    before[2:6, 2:8] = True
    after[2:6, 4:12] = True
    assert other_part(before, after, Clicks(((10.0, 4.0, True),))) is None
    apart = np.zeros_like(before)
    apart[2:6, 9:12] = True
    np.testing.assert_array_equal(other_part(before, apart, Clicks(((10.0, 4.0, True),))), apart)
    apart[2:6, 8] = True
    assert other_part(before, apart, Clicks(((10.0, 4.0, True),))) is None, "they touch"
    assert other_part(before, apart, Clicks(((10.0, 4.0, False),))) is None
    assert other_part(before, before, Clicks(((3.0, 4.0, True),))) is None
