"""From prompted slices to volumes: extent, reconciliation, corrections, thin and anisotropic volumes."""

import numpy as np
import pytest
import SimpleITK as sitk
from SAMRegistrationLib.errors import Canceled, InputError
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.job import Job
from SAMRegistrationLib.segmentation.planes import axis_normal
from SAMRegistrationLib.segmentation.prompts import POSITIVE, Prompt, PromptSet, Structure
from SAMRegistrationLib.segmentation.session import SegmentationSession
from SAMRegistrationLib.segmentation.volume import segment_volume
from segmentation_samples import FloodPredictor, body, dice, oblique_grid, picture, world

CALLS_PER_SLICE = 3  # a point, a box, a mask prompt


def started(grid, image, *clicks, axis=None):
    """A session with one structure and clicks (i, j, k, positive)."""
    session = SegmentationSession(image, FloodPredictor())
    structure = session.add_structure("body").id
    for *index, positive in clicks:
        normal = None if axis is None else axis_normal(grid, axis)
        session.add_point(structure, world(grid, *index), positive, normal)
    return session, structure


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_one_click_fills_an_ellipsoid_in_an_oblique_anisotropic_volume_from_any_view(axis):
    grid = oblique_grid()
    truth = body(grid, (18, 17, 7), (12, 14, 20))
    session, structure = started(grid, picture(grid, truth), (18, 17, 7, True), axis=axis)
    assert dice(session.propagate(structure), truth) > 0.98


@pytest.mark.parametrize("slices", [1, 2, 3])
def test_thin_volumes_are_filled(slices):
    grid = oblique_grid(size=(40, 36, slices), spacing=(1.0, 1.0, 9.0))
    truth = body(grid, (18, 17, (slices - 1) / 2), (12, 14, 40))
    session, structure = started(grid, picture(grid, truth), (18, 17, slices // 2, True))
    np.testing.assert_array_equal(session.propagate(structure), truth)


def test_the_structure_ends_where_its_area_collapses():
    grid = Grid((40, 40, 20), (1.0, 1.0, 3.0))
    truth = body(grid, (20, 20, 6), (10, 10, 12))
    leak = np.zeros(grid.shape, bool)
    leak[12:, 5:8, 5:8] = True
    session, structure = started(grid, picture(grid, truth | leak), (20, 20, 6, True))
    volume = session.propagate(structure)
    assert not volume[12:].any()
    assert dice(volume, truth) > 0.95


def test_the_structure_ends_where_the_model_is_no_longer_sure():
    grid = Grid((40, 40, 20), (1.0, 1.0, 3.0))
    truth = np.zeros(grid.shape, bool)
    truth[:, 10:30, 10:30] = True

    class Unsure(FloodPredictor):
        def predict(self, embedding, *arguments):
            prediction = super().predict(embedding, *arguments)
            return prediction._replace(scores=prediction.scores * (0.1 if embedding.image[0, 0] > 0 else 1.0))

    array = 100.0 * truth
    array[14:, 0, 0] = 50
    session = SegmentationSession(grid.image(array.astype(np.float32)), Unsure())
    structure = session.add_structure("body").id
    session.add_point(structure, world(grid, 20, 20, 5))
    np.testing.assert_array_equal(session.propagate(structure).any(axis=(1, 2)), np.arange(20) < 14)


def test_several_prompted_slices_are_reconciled_into_one_body():
    grid = oblique_grid(size=(40, 36, 16))
    waist = body(grid, (13, 17, 4), (8, 9, 22)) | body(grid, (22, 17, 11), (8, 9, 22))
    session, structure = started(grid, picture(grid, waist), (13, 17, 3, True), (22, 17, 12, True))
    assert dice(session.propagate(structure), waist) > 0.97


def test_two_parts_that_were_both_clicked_are_both_extended():
    grid = oblique_grid(size=(60, 36, 14))
    pair = body(grid, (14, 17, 7), (10, 12, 22)) | body(grid, (45, 17, 7), (8, 9, 18))
    session, structure = started(grid, picture(grid, pair), (14, 17, 7, True), (45, 17, 7, True))
    assert dice(session.propagate(structure), pair) > 0.97


def test_a_negative_click_on_an_empty_slice_ends_the_structure_there():
    grid = Grid((40, 40, 20), (1.0, 1.0, 3.0))
    tube = np.zeros(grid.shape, bool)
    tube[:, 10:30, 10:30] = True
    session, structure = started(grid, picture(grid, tube), (20, 20, 8, True), (20, 20, 12, False), (20, 20, 3, False))
    np.testing.assert_array_equal(
        session.propagate(structure).any(axis=(1, 2)), (np.arange(20) > 3) & (np.arange(20) < 12)
    )


def test_a_negative_click_in_the_middle_of_a_leaked_slice_ends_the_structure_there_too():
    grid = Grid((40, 40, 20), (1.0, 1.0, 3.0))
    tube = np.zeros(grid.shape, bool)
    tube[:, 10:30, 10:30] = True
    session, structure = started(grid, picture(grid, tube), (20, 20, 8, True))
    assert session.propagate(structure).any(axis=(1, 2)).all()
    session.add_point(structure, world(grid, 20, 20, 12), positive=False)
    np.testing.assert_array_equal(session.propagate(structure).any(axis=(1, 2)), np.arange(20) < 12)


def test_an_end_clicked_far_out_takes_the_leak_before_it_along():
    grid = Grid((40, 40, 24), (1.0, 1.0, 3.0))
    array = np.zeros(grid.shape, np.float32)
    array[:10, 10:30, 10:30:2] = 92
    array[:10, 10:30, 11:30:2] = 108
    array[10:, 10:30, 10:30] = 94
    session, structure = started(grid, grid.image(array), (20, 20, 5, True))
    assert session.propagate(structure).any(axis=(1, 2)).all(), "the intensities are too alike to stop"
    session.add_point(structure, world(grid, 20, 20, 20), positive=False)
    np.testing.assert_array_equal(session.propagate(structure).any(axis=(1, 2)), np.arange(24) < 10)


def test_a_negative_click_beside_a_mask_does_not_say_that_the_mask_is_right():
    grid = Grid((60, 40, 20), (1.0, 1.0, 3.0))
    drifting = np.zeros(grid.shape, bool)
    for k in range(20):
        drifting[k, 10:30, 4 + 2 * k : 16 + 2 * k] = True
    session, structure = started(grid, picture(grid, drifting), (8, 20, 0, True))
    found = session.propagate(structure)
    session.add_point(structure, world(grid, 55, 5, 7), positive=False)
    calls = len(session.predictor.calls)
    np.testing.assert_array_equal(session.propagate(structure), found)
    assert len(session.predictor.calls) == calls + 2, "only the clicked slice was looked at"


def test_a_negative_click_beside_a_mask_holds_when_a_later_click_moves_the_mask_there():
    grid = Grid((60, 40, 20), (1.0, 1.0, 3.0))
    tube, other = np.zeros((2, *grid.shape), bool)
    tube[:, 10:30, 5:20] = True
    other[:, 10:30, 30:45] = True
    session, structure = started(grid, picture(grid, tube | other), (10, 20, 3, True))
    session.propagate(structure)
    session.add_point(structure, world(grid, 40, 20, 10), positive=False)
    session.propagate(structure)
    session.add_point(structure, world(grid, 38, 20, 15), positive=True)
    volume = session.propagate(structure)
    assert volume[15, 20, 38]
    assert not volume[10, 20, 40]


def test_a_correction_predicts_again_only_what_lies_between_the_neighboring_prompted_slices():
    grid = Grid((40, 40, 30), (1.0, 1.0, 3.0))
    tube = np.zeros(grid.shape, bool)
    tube[:, 10:30, 10:30] = True
    session, structure = started(grid, picture(grid, tube), (20, 20, 5, True), (20, 20, 15, True), (20, 20, 25, True))
    session.propagate(structure)
    predictor = session.predictor
    images, calls = len(predictor.embedded), len(predictor.calls)
    session.add_point(structure, world(grid, 35, 35, 25), positive=False)
    session.propagate(structure)
    assert len(predictor.calls) - calls == 1, "the mask did not change, so only the clicked slice is predicted"
    calls = len(predictor.calls)
    session.add_point(structure, world(grid, 28, 28, 25), positive=False)
    session.propagate(structure)
    between, beyond, clicked = 2 * 9, 4, 1
    assert len(predictor.calls) - calls == CALLS_PER_SLICE * (between + beyond) + clicked
    assert len(predictor.embedded) == images
    calls = len(predictor.calls)
    session.propagate(structure)
    assert len(predictor.calls) == calls


def test_masks_of_prompted_slices_are_the_ones_that_were_shown():
    grid = oblique_grid()
    truth = body(grid, (18, 17, 7), (12, 14, 20))
    session, structure = started(grid, picture(grid, truth), (18, 17, 7, True), (22, 17, 7, False), (18, 17, 4, True))
    shown = session.mask(structure)
    volume = session.propagate(structure)
    for index in (7, 4):
        np.testing.assert_array_equal(volume[index], shown[index])


def test_clicks_from_different_views_all_hold_in_the_volume():
    grid = oblique_grid()
    truth = body(grid, (18, 17, 7), (12, 14, 20))
    session, structure = started(grid, picture(grid, truth), (18, 17, 7, True), (18, 17, 5, True))
    session.add_point(structure, world(grid, 18, 12, 3), True, axis_normal(grid, 0))
    session.add_point(structure, world(grid, 26, 17, 8), False, axis_normal(grid, 1))
    volume = session.propagate(structure)
    assert volume[7, 17, 18] == volume[5, 17, 18] == volume[3, 12, 18] == 1
    assert volume[8, 17, 26] == 0
    assert dice(volume, truth) > 0.9


def test_progress_rises_to_one_and_cancel_stops_between_slices():
    grid = oblique_grid()
    truth = body(grid, (18, 17, 7), (12, 14, 20))
    session, structure = started(grid, picture(grid, truth), (18, 17, 7, True))
    seen = []
    session.propagate(structure, Job(lambda fraction, message: seen.append(fraction)))
    assert seen == sorted(seen)
    assert seen[-1] == 1

    session, structure = started(grid, picture(grid, truth), (18, 17, 7, True))
    with pytest.raises(Canceled):
        session.propagate(structure, Job(canceled=lambda: len(session.predictor.calls) > CALLS_PER_SLICE))
    assert len(session.predictor.calls) == 1 + CALLS_PER_SLICE


def test_a_structure_without_positive_prompt_asks_for_a_click():
    grid = oblique_grid()
    session, structure = started(grid, picture(grid, body(grid, (18, 17, 7), (12, 14, 20))), (18, 17, 7, False))
    with pytest.raises(InputError, match="Click at least once inside body"):
        session.propagate(structure)


def test_segment_volume_gives_a_label_image_on_the_grid_of_the_image(tmp_path):
    grid = oblique_grid(size=(60, 36, 14))
    left, right = body(grid, (14, 17, 7), (10, 12, 22)), body(grid, (45, 17, 7), (8, 9, 18))
    structures = [
        Structure(name, label, prompts=(Prompt(POSITIVE, (world(grid, *index),)),))
        for name, label, index in (("left", 3, (14, 17, 7)), ("right", 300, (45, 17, 7)))
    ]
    PromptSet(tuple(structures)).save(tmp_path / "prompts.json")
    seen = []
    job = Job(lambda fraction, message: seen.append(fraction))
    labels = segment_volume(picture(grid, left, right), tmp_path / "prompts.json", FloodPredictor(), job)
    assert Grid.of(labels).matches(grid)
    array = sitk.GetArrayFromImage(labels)
    assert dice(array == 3, left) > 0.97
    assert dice(array == 300, right) > 0.97
    assert set(np.unique(array)) == {0, 3, 300}
    assert seen[-1] == 1


def test_segment_volume_without_prompts_or_with_prompts_of_another_place_says_so():
    grid = oblique_grid()
    image = picture(grid, body(grid, (18, 17, 7), (12, 14, 20)))
    with pytest.raises(InputError, match="no prompts"):
        segment_volume(image, PromptSet((Structure("liver", 1),)), FloodPredictor())
    far = PromptSet((Structure("liver", 1, prompts=(Prompt(POSITIVE, ((900.0, 0.0, 0.0),)),)),))
    with pytest.raises(InputError, match="outside the volume"):
        segment_volume(image, far, FloodPredictor())


def test_a_volume_from_a_file_equals_the_one_in_the_session(tmp_path):
    grid = oblique_grid()
    truth = body(grid, (18, 17, 7), (12, 14, 20))
    image = picture(grid, truth)
    session, structure = started(grid, image, (18, 17, 7, True))
    session.propagate(structure)
    session.add_point(structure, world(grid, 24, 17, 9), positive=False)
    expected = session.propagate(structure)
    labels = segment_volume(image, session.prompts, FloodPredictor())
    np.testing.assert_array_equal(sitk.GetArrayFromImage(labels) > 0, expected > 0)


def test_a_correction_of_an_imported_mask_spreads_as_far_as_the_same_error_goes():
    grid = Grid((50, 40, 20), (1.0, 1.0, 3.0))
    truth = body(grid, (18, 20, 10), (11, 12, 27))
    leak = np.zeros(grid.shape, bool)
    leak[7:13, 15:25, 34:46] = True
    imported = truth | leak
    session = SegmentationSession(picture(grid, truth), FloodPredictor())
    structure = session.add_structure("body").id
    session.set_mask(structure, imported)
    session.add_point(structure, world(grid, 40, 20, 10), positive=False)
    corrected = session.propagate(structure)
    np.testing.assert_array_equal(corrected, truth)


def test_an_imported_mask_is_untouched_where_no_correction_applies():
    grid = Grid((50, 40, 20), (1.0, 1.0, 3.0))
    truth = body(grid, (18, 20, 10), (11, 12, 27))
    missing = truth.copy()
    missing[10, 12:20, 10:16] = False
    session = SegmentationSession(picture(grid, truth), FloodPredictor())
    structure = session.add_structure("body").id
    session.set_mask(structure, missing)
    session.add_point(structure, world(grid, 13, 16, 10))
    np.testing.assert_array_equal(session.propagate(structure), truth)


def test_corrections_of_different_errors_of_an_imported_mask_do_not_undo_each_other():
    grid = Grid((50, 60, 20), (1.0, 1.0, 3.0))
    truth = body(grid, (18, 25, 10), (11, 12, 27))
    first, second = np.zeros(grid.shape, bool), np.zeros(grid.shape, bool)
    first[7:13, 15:25, 34:46] = True
    second[6:14, 45:55, 5:20] = True
    session = SegmentationSession(picture(grid, truth), FloodPredictor())
    structure = session.add_structure("body").id
    session.set_mask(structure, truth | first | second)
    session.add_point(structure, world(grid, 40, 20, 10), positive=False)
    session.propagate(structure)
    session.add_point(structure, world(grid, 12, 50, 9), positive=False)
    np.testing.assert_array_equal(session.propagate(structure), truth)
    assert session.undo()
    np.testing.assert_array_equal(session.mask(structure), truth | second)
