"""Scribbles and lassos: their pixels, their file, and what becomes of them on oblique, anisotropic volumes."""

import json

import numpy as np
import pytest
import SimpleITK as sitk
from SAMRegistrationLib.choices import LASSO, NEGATIVE_SCRIBBLE, POSITIVE, SCRIBBLE
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.segmentation.candidates import SHOWN, Clicks, other_part
from SAMRegistrationLib.segmentation.models import open_predictor
from SAMRegistrationLib.segmentation.planes import axis_normal, in_plane_axes, to_pixels
from SAMRegistrationLib.segmentation.prompts import MOST_POINTS, Prompt, PromptSet, Structure
from SAMRegistrationLib.segmentation.session import SegmentationSession
from SAMRegistrationLib.segmentation.strokes import outline_mask, prompt_voxels, stroke_pixels
from SAMRegistrationLib.segmentation.volume import segment_volume
from segmentation_samples import FloodPredictor, body, dice, oblique_grid, picture, world

GRID = oblique_grid()
OTHER = oblique_grid(size=(50, 44, 30), spacing=(1.4, 1.0, 2.2), origin=(5.0, -8.0, 60.0), angle=-0.35)
BODY = body(GRID, (18, 17, 7), (12, 14, 20))
LEFT, RIGHT = body(GRID, (9, 17, 7), (7, 9, 20)), body(GRID, (30, 17, 7), (7, 9, 20))


def started(image, model=None):
    session = SegmentationSession(image, FloodPredictor() if model is None else model)
    return session, session.add_structure("body").id


def across(axis, half=5.0, count=9):
    """Positions (LPS mm) of a bent stroke through the middle of BODY in the planes across an index axis."""
    along, aside = in_plane_axes(axis)
    index = np.tile((18.0, 17.0, 7.0), (count, 1))
    reach = np.array((half, half, 2.0))
    index[:, along] += np.linspace(-1, 1, count) * reach[along]
    index[:, aside] += np.sin(np.linspace(-2, 2, count)) * reach[aside] * 0.4
    return [world(GRID, *place) for place in index]


def ring(center, radii, count=40):
    """Positions (LPS mm) around a continuous index, in the slice across the last axis."""
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return [world(GRID, center[0] + radii[0] * np.cos(a), center[1] + radii[1] * np.sin(a), center[2]) for a in angles]


def crossed_an_odd_number_of_times(vertices, column, row):
    inside = False
    for (x0, y0), (x1, y1) in zip(vertices, np.roll(vertices, -1, axis=0)):
        if (y0 > row) != (y1 > row) and column < x0 + (row - y0) * (x1 - x0) / (y1 - y0):
            inside = not inside
    return inside


def test_a_stroke_covers_the_pixels_under_it_in_the_order_in_which_it_was_drawn():
    np.testing.assert_array_equal(stroke_pixels([(1.2, 3.4), (5.1, 3.4)], (9, 9)), [(x, 3) for x in range(1, 6)])
    np.testing.assert_array_equal(
        stroke_pixels([(3, 1), (3, 3), (5, 3)], (9, 9)), [(3, 1), (3, 2), (3, 3), (4, 3), (5, 3)]
    )
    np.testing.assert_array_equal(stroke_pixels([(2.0, 2.0), (2.0, 2.0)], (9, 9)), [(2, 2)])
    np.testing.assert_array_equal(stroke_pixels([(-3, 1), (1, 1)], (4, 4)), [(0, 1), (1, 1)])


def test_an_outline_holds_the_pixels_whose_centers_a_ray_leaves_an_odd_number_of_times():
    angles = np.linspace(0, 2 * np.pi, 22, endpoint=False)
    radii = np.where(np.arange(22) % 2, 4.3, 11.7)
    star = np.stack([14.2 + radii * np.cos(angles), 12.9 + radii * np.sin(angles)], axis=1)
    expected = [[crossed_an_odd_number_of_times(star, x, y) for x in range(30)] for y in range(26)]
    np.testing.assert_array_equal(outline_mask(star, (26, 30)), expected)
    circle = np.stack([20 + 12 * np.cos(np.linspace(0, 7, 4000)), 9 + 12 * np.sin(np.linspace(0, 7, 4000))], axis=1)
    rows, columns = np.mgrid[:30, :40]
    held = outline_mask(circle[: 4000 * 628 // 700], (30, 40))
    distance = np.hypot(columns - 20, rows - 9)
    assert held[distance < 11.9].all()
    assert not held[distance > 12.1].any()


def test_files_with_strokes_are_read_as_they_were_written_and_old_kinds_keep_the_old_version(tmp_path):
    scribble = Prompt(SCRIBBLE, ((0.1, 1 / 3, 5), (2, 3, 5), (4, 1, 5)), (0, 0, 1), proposed=True)
    outside = Prompt(NEGATIVE_SCRIBBLE, ((9, 9, 5), (8, 9, 5)))
    lasso = Prompt(LASSO, ((0, 0, 0), (4, 0, 0), (4, 4, 0)), correction=True)
    prompts = PromptSet((Structure("liver", 1, prompts=(scribble, outside, lasso)),))
    prompts.save(tmp_path / "a.json")
    assert PromptSet.load(tmp_path / "a.json") == prompts
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["version"] == 2
    points = PromptSet((Structure("liver", 1, prompts=(Prompt(POSITIVE, ((1, 2, 3),)),)),))
    assert points.to_dict()["version"] == 1
    with pytest.raises(InputError, match='need "version": 2'):
        PromptSet.from_dict({**prompts.to_dict(), "version": 1})


@pytest.mark.parametrize(
    ("kind", "count", "sentence"),
    [
        (SCRIBBLE, 1, "scribble prompt needs 2 to 1000"),
        (LASSO, 2, "lasso prompt needs 3 to 1000"),
        (NEGATIVE_SCRIBBLE, MOST_POINTS + 1, "not 1001"),
    ],
)
def test_strokes_of_too_few_and_too_many_points_are_refused(kind, count, sentence):
    with pytest.raises(InputError, match=sentence):
        Prompt(kind, ((0.0, 0.0, 0.0),) * count)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_scribble_in_any_view_is_one_prompt_that_fills_its_slice_and_the_volume(axis):
    session, structure = started(picture(GRID, BODY))
    prompt = session.add_scribble(structure, across(axis), normal=axis_normal(GRID, axis))
    plane = session.plane_of(prompt)
    assert (plane.axis, plane.index) == (axis, (18, 17, 7)[axis])
    mask = session.mask(structure)
    np.testing.assert_array_equal(mask, BODY * (np.indices(GRID.shape)[2 - axis] == plane.index))
    voxels = prompt_voxels(prompt, GRID)
    assert len(voxels) > 4
    assert all(mask[k, j, i] for i, j, k in voxels)
    assert dice(session.propagate(structure), BODY) > 0.98
    assert session.undo() == "body to volume"
    assert session.undo() == "Add scribble inside body"
    assert not session.mask(structure).any()


def test_a_network_is_shown_few_points_of_a_scribble_and_their_answers_are_averaged():
    session, structure = started(picture(GRID, BODY))
    session.add_scribble(structure, across(2))
    session.mask(structure)
    assert [(len(points), logits) for points, _, _, logits in session.predictor.calls] == SHOWN * [(1, None)]
    session.add_scribble(structure, [world(GRID, 2 + n, 2, 7) for n in range(9)], positive=False)
    session.mask(structure)
    points, labels, _, logits = session.predictor.calls[-1]
    assert (len(points), labels.tolist()) == (2 * SHOWN, SHOWN * [1] + SHOWN * [0])
    assert logits is not None


def test_a_scribble_outside_takes_everything_under_it_away_and_later_prompts_hold():
    session, structure = started(picture(GRID, BODY))
    session.add_point(structure, world(GRID, 18, 17, 7))
    wrong = session.add_scribble(structure, across(2), positive=False)
    back = session.add_point(structure, wrong.points[2])
    mask = session.mask(structure)
    (kept,) = prompt_voxels(back, GRID)
    for i, j, k in prompt_voxels(wrong, GRID):
        assert mask[k, j, i] == ((i, j, k) == kept)


def test_a_lasso_means_what_it_holds():
    session, structure = started(picture(GRID, LEFT | RIGHT))
    session.add_lasso(structure, ring((9, 17, 7), (9, 11)))
    np.testing.assert_array_equal(session.mask(structure)[7], LEFT[7])
    assert dice(session.propagate(structure), LEFT) > 0.98
    session.add_lasso(structure, ring((30, 17, 7), (9, 11)))
    np.testing.assert_array_equal(session.mask(structure)[7], (LEFT | RIGHT)[7])


def test_a_lasso_smaller_than_the_structure_cuts_it_until_a_click_beside_it_asks_for_more():
    session, structure = started(picture(GRID, BODY))
    lasso = session.add_lasso(structure, ring((18, 17, 7), (5, 5)))
    held = outline_mask(to_pixels(GRID, 2, lasso.points), GRID.shape[1:])
    np.testing.assert_array_equal(session.mask(structure)[7], BODY[7] & held)
    session.add_point(structure, world(GRID, 25, 17, 7))
    assert session.mask(structure)[7].sum() > (BODY[7] & held).sum() + 20


def test_what_is_drawn_beside_the_volume_is_left_out_and_nothing_changes_where_nothing_remains():
    session, structure = started(picture(GRID, BODY))
    prompt = session.add_scribble(structure, [world(GRID, x, 17, 7) for x in range(18, 60, 2)])
    assert GRID.contains(prompt.points).all()
    before = session.prompts
    with pytest.raises(InputError, match="outside the volume"):
        session.add_scribble(structure, [(999.0, 0.0, 0.0), (999.0, 5.0, 0.0)])
    with pytest.raises(InputError, match="holds no voxel"):
        session.add_lasso(structure, [world(GRID, x, 17.1, 7) for x in (18.1, 18.2, 18.3)])
    assert session.prompts == before


def test_a_long_stroke_is_thinned_and_a_short_one_is_a_point():
    session, structure = started(picture(GRID, BODY))
    around = ring((18, 17, 7), (6, 6), 3000)
    assert len(session.add_scribble(structure, around).points) == MOST_POINTS
    assert prompt_voxels(session.add_scribble(structure, around[:1]), GRID) == [(24, 17, 7)]


def test_vertices_lie_in_the_slice_of_the_first_one():
    session, structure = started(picture(GRID, BODY))
    prompt = session.add_scribble(structure, [world(GRID, 18 + n, 17, 7 + 0.9 * n) for n in range(5)])
    index = GRID.physical_to_index(prompt.points)
    np.testing.assert_allclose(index[:, 2], 7, atol=1e-6)
    np.testing.assert_allclose(index[:, 0], 18 + np.arange(5), atol=1e-6)
    moved = session.move_prompt(prompt.id, *[world(GRID, 18, 12 + n, 5.2) for n in range(4)])
    np.testing.assert_allclose(GRID.physical_to_index(moved.points)[:, 2], 5.2, atol=1e-6)


def alignment():
    transform = sitk.Euler3DTransform(GRID.center.tolist(), 0.2, 0.1, -0.15)
    transform.SetTranslation((OTHER.center - GRID.center).tolist())
    return transform


def test_strokes_are_carried_to_the_other_image_as_proposals_in_one_of_its_slices():
    inverse = alignment().GetInverse()
    warped = sitk.Resample(picture(GRID, BODY), OTHER.empty_image(), inverse, sitk.sitkLinear, 0.0)
    fixed, structure = started(picture(GRID, BODY))
    fixed.add_lasso(structure, ring((18, 17, 7), (13, 13)))
    fixed.add_scribble(structure, across(2))
    fixed.add_scribble(structure, [world(GRID, 2 + n, 2, 7) for n in range(4)], positive=False)
    moving = SegmentationSession(warped, FloodPredictor())
    assert moving.propose_from(fixed, alignment()) == 0
    for prompt, original in zip(moving.structures[0].prompts, fixed.structures[0].prompts):
        assert (prompt.kind, prompt.proposed, len(prompt.points)) == (original.kind, True, len(original.points))
        plane = moving.plane_of(prompt)
        index = OTHER.physical_to_index(prompt.points)
        exact = OTHER.physical_to_index([alignment().TransformPoint(point) for point in original.points])
        others = list(in_plane_axes(plane.axis))
        np.testing.assert_allclose(index[:, others], exact[:, others], atol=1e-6)
        np.testing.assert_allclose(index[:, plane.axis], exact[:, plane.axis].mean(), atol=1e-6)
    truth = sitk.Resample(GRID.image(BODY.astype(np.uint8)), OTHER.empty_image(), inverse, sitk.sitkNearestNeighbor)
    plane = moving.plane_of(moving.structures[0].prompts[0])
    truth = np.take(sitk.GetArrayFromImage(truth), plane.index, axis=2 - plane.axis)
    assert dice(moving.slice_mask(structure, plane), truth) > 0.9


def test_strokes_that_fall_outside_the_other_image_are_left_out_and_counted():
    fixed, structure = started(picture(GRID, BODY))
    fixed.add_lasso(structure, ring((18, 17, 7), (13, 13)))
    fixed.add_scribble(structure, across(2))
    moving, _ = started(picture(OTHER))
    assert moving.propose_from(fixed, sitk.TranslationTransform(3, (1000.0, 0.0, 0.0))) == 2


def test_a_scribble_corrects_a_mask_from_elsewhere_only_where_it_was_drawn():
    session, structure = started(picture(GRID, LEFT | RIGHT))
    session.set_mask(structure, LEFT | RIGHT)
    session.add_scribble(structure, [world(GRID, 27 + n, 17, 7) for n in range(7)], positive=False)
    mask = session.mask(structure)
    assert not mask[7, 17, 27:34].any()
    np.testing.assert_array_equal(mask[7, :, :18], (LEFT | RIGHT)[7, :, :18])
    np.testing.assert_array_equal(mask[6], (LEFT | RIGHT)[6])


def test_a_scribble_in_another_part_adds_that_part():
    before, after = np.zeros((20, 20), bool), np.zeros((20, 20), bool)
    before[2:6, 2:6] = after[12:16, 12:18] = True
    stroke = [(float(x), 13.0, True) for x in range(12, 17)]
    clicks = Clicks.of_prompts([[(3.0, 3.0, True)], stroke])
    np.testing.assert_array_equal(other_part(before, after, clicks), after)
    assert other_part(before, after, Clicks.of_prompts([[(3.0, 3.0, True)], [(3.0, 3.0, True), *stroke]])) is None


@pytest.mark.parametrize("kind", ["scribble", "lasso"])
def test_geodesic_growth_takes_strokes(kind):
    session, structure = started(picture(GRID, LEFT | RIGHT), open_predictor("geodesic", "cpu"))
    if kind == "scribble":
        session.add_scribble(structure, [world(GRID, 6 + n, 17, 7) for n in range(6)])
    else:
        session.add_lasso(structure, ring((9, 17, 7), (9, 11)))
    np.testing.assert_array_equal(session.mask(structure)[7], LEFT[7])
    assert dice(session.propagate(structure), LEFT) > 0.98


def test_one_call_segments_from_a_file_with_strokes(tmp_path):
    session, structure = started(picture(GRID, BODY))
    session.add_scribble(structure, across(2))
    expected = session.propagate(structure)
    session.prompts.save(tmp_path / "prompts.json")
    labels = segment_volume(picture(GRID, BODY), tmp_path / "prompts.json", FloodPredictor())
    np.testing.assert_array_equal(sitk.GetArrayFromImage(labels), expected)
