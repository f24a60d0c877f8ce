"""A session on an oblique anisotropic volume: clicks in, masks out, undo, corrections, masks from elsewhere."""

import json
import threading

import numpy as np
import pytest
import SimpleITK as sitk
from SAMRegistrationLib.errors import Canceled, InputError
from SAMRegistrationLib.job import Job
from SAMRegistrationLib.segmentation.intensity import CT, MR, Intensity
from SAMRegistrationLib.segmentation.planes import SlicePlane, axis_normal, slice_of
from SAMRegistrationLib.segmentation.prompts import BOX, NEGATIVE, POSITIVE, PromptSet
from SAMRegistrationLib.segmentation.session import SegmentationSession
from segmentation_samples import FloodPredictor, body, dice, oblique_grid, picture, world

GRID = oblique_grid()
BODY = body(GRID, (18, 17, 7), (12, 14, 20))


@pytest.fixture
def session():
    session = SegmentationSession(picture(GRID, BODY), FloodPredictor())
    yield session
    session.close()


@pytest.fixture
def liver(session):
    return session.add_structure("liver").id


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_click_in_any_view_fills_the_body_in_the_nearest_grid_plane(session, liver, axis):
    tilted = axis_normal(GRID, axis) + 0.2 * axis_normal(GRID, (axis + 1) % 3)
    prompt = session.add_point(liver, world(GRID, 18, 17, 7), normal=tilted)
    plane = session.plane_of(prompt)
    assert plane == SlicePlane(axis, (18, 17, 7)[axis])
    mask = session.mask(liver)
    np.testing.assert_array_equal(slice_of(mask, plane), slice_of(BODY, plane))
    assert mask.sum() == slice_of(BODY, plane).sum()


def test_a_box_fills_what_it_holds(session, liver):
    session.add_box(liver, world(GRID, 4, 4, 7), world(GRID, 18, 34, 7))
    expected = BODY[7].copy()
    expected[:, 19:] = False
    np.testing.assert_array_equal(session.mask(liver)[7], expected)


def test_two_boxes_of_one_structure_hold_two_bodies():
    left, right = body(GRID, (9, 17, 7), (7, 9, 20)), body(GRID, (30, 17, 7), (7, 9, 20))
    session = SegmentationSession(picture(GRID, left | right), FloodPredictor())
    kidneys = session.add_structure("kidneys").id
    session.add_box(kidneys, world(GRID, 1, 5, 7), world(GRID, 18, 30, 7))
    session.add_box(kidneys, world(GRID, 21, 5, 7), world(GRID, 38, 30, 7))
    np.testing.assert_array_equal(session.mask(kidneys)[7], (left | right)[7])


def test_a_click_outside_the_volume_is_refused_with_a_sentence_and_nothing_is_lost(session, liver):
    session.add_point(liver, world(GRID, 18, 17, 7))
    before = session.prompts
    with pytest.raises(InputError, match="outside the volume; click inside the image"):
        session.add_point(liver, world(GRID, 18, 17, 40))
    with pytest.raises(InputError, match="outside the volume"):
        session.add_box(liver, world(GRID, 18, 17, 7), world(GRID, 90, 17, 7))
    prompt = before.structures[0].prompts[0]
    with pytest.raises(InputError, match="outside the volume"):
        session.move_prompt(prompt.id, world(GRID, -3, 0, 0))
    assert session.prompts == before
    assert session.undo_label == "Add point inside liver"


def test_a_negative_click_on_an_empty_structure_is_harmless(session, liver):
    session.add_point(liver, world(GRID, 18, 17, 7), positive=False)
    assert not session.mask(liver).any()
    assert session.predictor.calls == []
    session.add_point(liver, world(GRID, 20, 17, 7))
    mask = session.mask(liver)
    assert mask[7, 17, 20] == 1
    assert mask[7, 17, 18] == 0


def test_a_box_without_area_is_refused(session, liver):
    with pytest.raises(InputError, match="no area"):
        session.add_box(liver, world(GRID, 4, 4, 7), world(GRID, 4.2, 20, 7))


def test_every_click_is_kept_by_the_mask_whatever_the_model_says(session, liver):
    random = np.random.default_rng(4)
    clicked = {}
    for _ in range(12):
        index = tuple(int(random.integers(0, n)) for n in GRID.size)
        positive = bool(random.random() < 0.6)
        normal = axis_normal(GRID, int(random.integers(0, 3)))
        session.add_point(liver, world(GRID, *index), positive, normal)
        clicked[index] = positive
        mask = session.mask(liver)
        for (i, j, k), inside in clicked.items():
            assert mask[k, j, i] == inside


def test_the_previous_masks_logits_are_the_mask_prompt_of_a_correction(session, liver):
    session.add_point(liver, world(GRID, 18, 17, 7))
    session.mask(liver)
    session.add_point(liver, world(GRID, 2, 2, 7), positive=False)
    session.mask(liver)
    first, second = session.predictor.calls
    assert first[3] is None
    np.testing.assert_array_equal(second[3], np.where(BODY[7], 4.0, -4.0)[::4, ::4])


def test_a_repeated_look_at_a_slice_costs_no_prediction_and_no_embedding(session, liver):
    session.add_point(liver, world(GRID, 18, 17, 7))
    for _ in range(3):
        session.mask(liver)
    assert len(session.predictor.calls) == 1
    assert len(session.predictor.embedded) == 1


def test_undo_gives_the_very_mask_from_before_and_redo_the_one_from_after(session, liver):
    masks = [session.mask(liver)]
    steps = [
        lambda: session.add_point(liver, world(GRID, 18, 17, 7)),
        lambda: session.add_point(liver, world(GRID, 22, 17, 7), positive=False),
        lambda: session.move_prompt(session.structures[0].prompts[1].id, world(GRID, 15, 15, 7)),
        lambda: session.add_box(liver, world(GRID, 4, 4, 7), world(GRID, 18, 34, 7)),
        lambda: session.delete_prompt(session.structures[0].prompts[0].id),
        lambda: session.clear(liver),
    ]
    for step in steps:
        step()
        masks.append(session.mask(liver))
    for expected in masks[-2::-1]:
        assert session.undo()
        np.testing.assert_array_equal(session.mask(liver), expected)
    for expected in masks[1:]:
        assert session.redo()
        np.testing.assert_array_equal(session.mask(liver), expected)


def test_undo_after_to_volume_gives_the_slices_back_and_redo_the_volume(session, liver):
    session.add_point(liver, world(GRID, 18, 17, 7))
    slices = session.mask(liver)
    volume = session.propagate(liver)
    assert dice(volume, BODY) > 0.99
    assert session.undo() == "liver to volume"
    np.testing.assert_array_equal(session.mask(liver), slices)
    session.redo()
    np.testing.assert_array_equal(session.mask(liver), volume)


def test_undo_of_a_correction_after_a_second_to_volume_gives_the_first_volume(session, liver):
    session.add_point(liver, world(GRID, 18, 17, 7))
    first = session.propagate(liver)
    session.add_point(liver, world(GRID, 18, 17, 9), positive=False)
    assert session.stale(liver)
    second = session.propagate(liver)
    assert not session.stale(liver)
    assert not np.array_equal(first, second)
    session.undo()
    np.testing.assert_array_equal(session.mask(liver), first)


def test_a_saved_session_gives_the_same_masks_in_a_new_one(session, liver, tmp_path):
    session.add_point(liver, world(GRID, 18, 17, 7))
    session.add_point(liver, world(GRID, 22, 17, 7), positive=False)
    session.add_box(liver, world(GRID, 4, 4, 9), world(GRID, 30, 34, 9), axis_normal(GRID, 2))
    session.prompts.save(tmp_path / "prompts.json")
    again = SegmentationSession(picture(GRID, BODY), FloodPredictor(), PromptSet.load(tmp_path / "prompts.json"))
    assert again.prompts == session.prompts
    np.testing.assert_array_equal(again.mask(liver), session.mask(liver))


def test_a_negative_click_on_a_propagated_slice_corrects_it_locally(session, liver):
    session.add_point(liver, world(GRID, 18, 17, 7))
    session.propagate(liver)
    prompt = session.add_point(liver, world(GRID, 24, 17, 9), positive=False)
    assert prompt.correction
    corrected = session.mask(liver)[9]
    assert corrected[17, 24] == 0
    assert dice(corrected, BODY[9]) > 0.7
    np.testing.assert_array_equal(session.mask(liver)[8], BODY[8])


def test_a_box_on_a_propagated_slice_starts_that_slice_anew(session, liver):
    session.add_point(liver, world(GRID, 18, 17, 7))
    session.propagate(liver)
    box = session.add_box(liver, world(GRID, 4, 4, 9), world(GRID, 18, 34, 9))
    assert not box.correction
    expected = BODY[9].copy()
    expected[:, 19:] = False
    np.testing.assert_array_equal(session.mask(liver)[9], expected)


def test_structures_keep_their_order_names_colors_and_labels(session):
    liver = session.add_structure("liver", (0.5, 0.25, 0.125), "code")
    spleen = session.add_structure("spleen", label=7)
    assert [s.name for s in session.structures] == ["liver", "spleen"]
    assert session.structures[0].color == (0.5, 0.25, 0.125)
    assert spleen.label == 7
    with pytest.raises(InputError, match="already taken"):
        session.add_structure("kidney", label=7)
    session.remove_structure(liver.id)
    assert [s.name for s in session.structures] == ["spleen"]
    session.undo()
    assert [s.name for s in session.structures] == ["liver", "spleen"]


def test_the_label_image_lies_on_the_volume_and_small_structures_lie_on_top():
    inner = body(GRID, (18, 17, 7), (5, 6, 9))
    session = SegmentationSession(picture(GRID, BODY & ~inner, inner), FloodPredictor())
    cavity = session.add_structure("cavity", label=4)
    whole = session.add_structure("whole", label=2)
    session.set_mask(cavity.id, inner)
    session.set_mask(whole.id, BODY)
    labels = session.label_image()
    assert labels.GetOrigin() == session.grid.origin
    assert labels.GetDirection() == session.grid.direction
    expected = np.where(inner, 4, np.where(BODY, 2, 0))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(labels), expected)


def test_a_voxel_clicked_inside_belongs_to_its_structure_although_another_covers_it(session):
    first = session.add_structure("first")
    second = session.add_structure("second")
    session.set_mask(second.id, body(GRID, (18, 17, 7), (4, 4, 8)))
    session.add_point(first.id, world(GRID, 18, 17, 7))
    labels = sitk.GetArrayFromImage(session.label_image())
    assert labels[7, 17, 18] == first.label
    assert labels[7, 17, 20] == second.label


def test_clicks_correct_masks_from_elsewhere(session, liver):
    session.set_mask(liver, BODY)
    np.testing.assert_array_equal(session.mask(liver), BODY)
    session.add_point(liver, world(GRID, 26, 17, 7), positive=False)
    corrected = session.mask(liver)
    assert corrected[7, 17, 26] == 0
    np.testing.assert_array_equal(np.delete(corrected, 7, axis=0), np.delete(BODY, 7, axis=0))
    session.undo()
    np.testing.assert_array_equal(session.mask(liver), BODY)


def test_the_same_intensity_mapping_reaches_every_slice_and_is_saved():
    prompts = PromptSet(intensity=Intensity("window", 0, 200))
    session = SegmentationSession(picture(GRID, BODY), FloodPredictor(), prompts)
    liver = session.add_structure("liver").id
    session.add_point(liver, world(GRID, 18, 17, 7))
    session.mask(liver)
    assert PromptSet.from_dict(json.loads(json.dumps(session.prompts.to_dict()))).intensity.high == 200
    embedding = session.model.segmenter(session.volume).cache.get(SlicePlane(2, 7))
    assert embedding.image.max() == pytest.approx(0.5)


def test_the_intensity_mapping_is_chosen_by_the_image():
    random = np.random.default_rng(0)
    tissues = [np.full(800, -1000.0), random.normal(40, 30, 1000), np.full(200, 700.0)]
    hounsfield = random.permutation(np.concatenate(tissues))
    assert Intensity.for_image(sitk.GetImageFromArray(hounsfield.reshape(10, 10, 20))) == CT
    assert Intensity.for_image(sitk.GetImageFromArray(random.random((10, 10, 20)))) == MR


def test_intensities_become_zero_to_one():
    np.testing.assert_allclose(Intensity("window", -160, 240).apply([-1000, -160, 40, 240, 3000]), [0, 0, 0.5, 1, 1])
    values = np.random.default_rng(0).normal(size=1000)
    low, high = np.percentile(values, [0.5, 99.5])
    np.testing.assert_allclose(MR.apply(values), np.clip((values - low) / (high - low), 0, 1), atol=1e-6)


def test_values_that_are_no_numbers_reach_the_model_as_zero():
    array = np.array([np.nan, 0.0, 1.0, np.inf, -np.inf])
    for intensity in (MR, CT):
        result = intensity.apply(array)
        assert np.isfinite(result).all()
        assert result[0] == result[4] == 0
        assert result[3] == 1
    assert np.array_equal(MR.apply(np.full(3, 7.0)), np.zeros(3))


def test_pixel_sizes_of_the_view_reach_the_model(session, liver):
    session.add_point(liver, world(GRID, 18, 17, 7), normal=axis_normal(GRID, 0))
    session.mask(liver)
    assert session.predictor.embedded == [((14, 36), (4.0, 1.3))]


def test_neighboring_slices_are_prepared_in_the_background_and_those_outside_left_out(session, liver):
    session.prefetch(SlicePlane(2, 0), reach=2)
    for index in (0, 1, 2):
        session.model.segmenter(session.volume).cache.get(SlicePlane(2, index))
    assert len(session.predictor.embedded) == 3


def test_another_model_takes_over_without_losing_prompts(session, liver):
    session.add_point(liver, world(GRID, 18, 17, 7))
    expected = session.mask(liver)
    other = FloodPredictor()
    session.set_predictor(other)
    np.testing.assert_array_equal(session.mask(liver), expected)
    assert len(other.calls) == 1


def test_clicks_made_while_a_volume_is_computed_are_kept(session, liver):
    session.add_point(liver, world(GRID, 18, 17, 7))
    late = []

    def progress(fraction, message):
        if not late:
            late.append(session.add_point(liver, world(GRID, 18, 17, 5)))

    session.propagate(liver, Job(progress))
    assert late[0] in session.structures[0].prompts
    assert session.stale(liver)


def test_a_volume_of_another_model_is_stale_but_still_shown(session, liver):
    session.add_point(liver, world(GRID, 18, 17, 7))
    volume = session.propagate(liver)
    session.set_predictor(FloodPredictor())
    assert session.stale(liver)
    np.testing.assert_array_equal(session.mask(liver), volume)
    session.propagate(liver)
    assert not session.stale(liver)


@pytest.mark.parametrize(
    "image",
    [sitk.Image(8, 8, sitk.sitkFloat32), sitk.Image([8, 8, 8], sitk.sitkVectorFloat32, 3)],
)
def test_images_that_are_no_volumes_are_refused(image):
    with pytest.raises(InputError, match="three dimensions and one value per voxel"):
        SegmentationSession(image, FloodPredictor())


def test_cancel_of_to_volume_leaves_the_structure_as_it_was(session, liver):
    session.add_point(liver, world(GRID, 18, 17, 7))
    before, mask = session.prompts, session.mask(liver)
    stop = threading.Event()

    def progress(fraction, message):
        if len(session.predictor.embedded) > 3:
            stop.set()

    with pytest.raises(Canceled):
        session.propagate(liver, Job(progress, stop.is_set))
    assert session.prompts == before
    np.testing.assert_array_equal(session.mask(liver), mask)
    assert dice(session.propagate(liver), BODY) > 0.99


def test_kinds_of_prompts_are_told_apart(session, liver):
    session.add_point(liver, world(GRID, 18, 17, 7))
    session.add_point(liver, world(GRID, 1, 1, 7), positive=False)
    session.add_box(liver, world(GRID, 4, 4, 7), world(GRID, 30, 30, 7.3))
    prompts = session.structures[0].prompts
    assert [prompt.kind for prompt in prompts] == [POSITIVE, NEGATIVE, BOX]
    corners = GRID.physical_to_index(prompts[2].points)
    np.testing.assert_allclose(corners[:, 2], 7)


def test_a_described_structure_keeps_its_id_and_prompts_and_is_no_step_of_undo():
    grid = oblique_grid()
    ball = body(grid, (20, 18, 7), (10, 10, 12))
    session = SegmentationSession(picture(grid, ball), FloodPredictor())
    session.describe_structure("a", "liver", (1, 0, 0))
    session.add_point("a", world(grid, 20, 18, 7))
    session.describe_structure("a", "Liver", (0, 1, 0), "code")
    session.undo()
    structure = session.prompts.structure("a")
    assert (structure.name, structure.terminology, structure.prompts) == ("Liver", "code", ())
    assert session.undo_label is None


def test_a_forgotten_structure_is_brought_back_neither_by_undo_nor_by_redo(session, liver):
    spleen = session.add_structure("spleen").id
    session.add_point(spleen, world(GRID, 18, 17, 7))
    first = session.add_point(liver, world(GRID, 18, 17, 7))
    session.add_point(spleen, world(GRID, 16, 17, 7))
    second = session.add_point(liver, world(GRID, 16, 17, 7))
    session.undo()
    session.undo()
    session.forget_structure(spleen)
    seen = [session.prompts]
    for step in (session.redo, session.undo, session.undo, session.undo):
        assert step() in ("Add point inside liver", "Add liver")
        seen.append(session.prompts)
    assert session.undo_label is None
    assert [[p.id for s in state.structures for p in s.prompts] for state in seen] == [
        [first.id],
        [first.id, second.id],
        [first.id],
        [],
        [],
    ]
    assert all(structure.id == liver for state in seen for structure in state.structures)
    session.forget_structure(spleen)


def test_an_edit_that_is_taken_back_leaves_nothing_to_undo_or_redo(session, liver):
    session.add_point(liver, world(GRID, 18, 17, 7))
    before, undo = session.prompts, session.undo_label
    session.add_point(liver, world(GRID, 20, 17, 7))
    session.take_back()
    assert (session.prompts, session.undo_label, session.redo_label) == (before, undo, None)
