"""Geodesic growth, and the protocol of models of volumes that it implements."""

import numpy as np
import pytest
import SimpleITK as sitk
from SAMRegistrationLib.choices import CLICK_MODELS, Capabilities
from SAMRegistrationLib.errors import Canceled, InputError
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.job import Job
from SAMRegistrationLib.segmentation.geodesic_distance import geodesic_distance
from SAMRegistrationLib.segmentation.models import open_predictor
from SAMRegistrationLib.segmentation.planes import SlicePlane, axis_normal
from SAMRegistrationLib.segmentation.session import SegmentationSession
from SAMRegistrationLib.segmentation.volume import segment_volume
from SAMRegistrationLib.segmentation.volume_model import VolumeModel
from SAMRegistrationLib.weights import MANIFEST
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra
from segmentation_samples import body, dice, oblique_grid, picture, world

GRID = oblique_grid()
BODY = body(GRID, (18, 17, 7), (12, 14, 20))


def started(image):
    session = SegmentationSession(image, open_predictor("geodesic", "cpu"))
    return session, session.add_structure("body").id


def helix(grid, turns=1.5, radius=3.0):
    """A tube of `radius` mm around a helix, bool (z, y, x), and points (N, 3) of its line as continuous indices."""
    extent = np.asarray(grid.size) * grid.spacing
    angle = 2 * np.pi * turns * np.linspace(0, 1, 400)
    line = extent * np.stack(
        [0.5 + 0.32 * np.cos(angle), 0.5 + 0.32 * np.sin(angle), np.linspace(0.1, 0.9, 400)], axis=1
    )
    places = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape], indexing="ij")[::-1], -1) * grid.spacing
    nearest = np.min([np.linalg.norm(places - point, axis=-1) for point in line], axis=0)
    return nearest <= radius, line / grid.spacing


def by_dijkstra(likelihood, seed, spacing, weight):
    """Shortest paths of the graph of 26 neighbors, by SciPy."""
    shape, numbers = likelihood.shape, np.arange(likelihood.size).reshape(likelihood.shape)
    rows, columns, costs = [], [], []
    for offset in np.ndindex(3, 3, 3):
        step = np.array(offset) - 1
        if step.any():
            here = tuple(slice(max(-s, 0), n - max(s, 0)) for s, n in zip(step, shape))
            there = tuple(slice(max(s, 0), n - max(-s, 0)) for s, n in zip(step, shape))
            cost = np.linalg.norm(step * spacing) + weight * np.abs(likelihood[here] - likelihood[there])
            rows.append(numbers[here].ravel())
            columns.append(numbers[there].ravel())
            costs.append(cost.ravel())
    graph = coo_matrix((np.concatenate(costs), (np.concatenate(rows), np.concatenate(columns))), 2 * (numbers.size,))
    return dijkstra(graph.tocsr(), indices=numbers[seed]).reshape(shape)


def test_distances_are_the_shortest_paths_that_dijkstra_finds():
    random = np.random.default_rng(3)
    likelihood, spacing = random.random((7, 9, 8)).astype(np.float32), (2.5, 0.8, 1.1)
    seeds = np.zeros((2, 7, 9, 8), bool)
    seeds[0, 1, 2, 3] = seeds[1, 6, 8, 0] = True
    found = geodesic_distance(likelihood, seeds, spacing, 20.0, 0.0, Job())
    for distance, seed in zip(found, ((1, 2, 3), (6, 8, 0))):
        np.testing.assert_allclose(distance, by_dijkstra(likelihood, seed, spacing, 20.0), rtol=1e-4, atol=1e-4)


def test_without_a_seed_every_distance_is_infinite():
    seeds = np.zeros((1, 3, 4, 5), bool)
    assert np.isinf(geodesic_distance(np.zeros((3, 4, 5)), seeds, (1, 1, 1), 1.0, 0.0, Job())).all()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_one_click_fills_a_body_in_an_oblique_anisotropic_volume_from_any_view(axis):
    session, structure = started(picture(GRID, BODY))
    session.add_point(structure, world(GRID, 18, 17, 7), normal=axis_normal(GRID, axis))
    assert dice(session.propagate(structure), BODY) > 0.98


def test_one_click_follows_a_thin_curved_tube_that_leaves_every_slice():
    grid = oblique_grid(size=(48, 48, 40), spacing=(1.0, 1.0, 1.2))
    truth, line = helix(grid, radius=2.5)
    session, structure = started(picture(grid, truth))
    session.add_point(structure, world(grid, *np.round(line[200])))
    assert dice(session.propagate(structure), truth) > 0.97


def test_a_box_alone_fills_what_it_holds_and_no_more_of_its_slice():
    left, right = body(GRID, (9, 17, 7), (7, 9, 20)), body(GRID, (30, 17, 7), (7, 9, 20))
    session, structure = started(picture(GRID, left | right))
    session.add_box(structure, world(GRID, 1, 5, 7), world(GRID, 18, 30, 7))
    np.testing.assert_array_equal(session.mask(structure)[7], left[7])
    assert dice(session.propagate(structure), left) > 0.98


def test_a_negative_click_takes_its_side_of_two_bodies_that_touch():
    grid = Grid((50, 30, 20), (1.0, 1.0, 1.0))
    bar = np.zeros(grid.shape, bool)
    bar[5:15, 10:20, 5:45] = True
    session, structure = started(picture(grid, bar))
    session.add_point(structure, world(grid, 15, 15, 10))
    session.add_point(structure, world(grid, 34, 15, 10), positive=False)
    expected = bar.copy()
    expected[:, :, 25:] = False
    assert dice(session.propagate(structure), expected) > 0.97


def test_the_preview_of_a_slice_is_the_body_there_and_needs_no_growth_in_the_volume():
    session, structure = started(picture(GRID, BODY))
    session.add_point(structure, world(GRID, 18, 17, 7))
    mask = session.mask(structure)
    np.testing.assert_array_equal(mask[7], BODY[7])
    assert mask.sum() == BODY[7].sum()


def test_a_correction_of_a_mask_from_elsewhere_changes_what_is_near_the_click():
    grid = Grid((60, 60, 30), (1.0, 1.0, 1.0))
    truth = body(grid, (22, 30, 15), (16, 16, 12))
    wrong = truth.copy()
    wrong[12:18, 26:34, 36:46] = True
    session, structure = started(picture(grid, truth))
    session.set_mask(structure, wrong)
    session.add_point(structure, world(grid, 42, 30, 15), positive=False)
    assert dice(session.propagate(structure), truth) > 0.99


def test_every_click_is_kept_and_undo_gives_the_mask_from_before():
    session, structure = started(picture(GRID, BODY))
    session.add_point(structure, world(GRID, 18, 17, 7))
    before = session.propagate(structure)
    session.add_point(structure, world(GRID, 20, 17, 9), positive=False)
    session.add_point(structure, world(GRID, 1, 1, 1))
    after = session.propagate(structure)
    assert (after[9, 17, 20], after[1, 1, 1], after[7, 17, 18]) == (0, 1, 1)
    session.undo()
    session.undo()
    np.testing.assert_array_equal(session.mask(structure), before)


def test_clicks_only_outside_ask_for_one_inside_and_cancel_ends_the_growth():
    session, structure = started(picture(GRID, BODY))
    session.add_point(structure, world(GRID, 1, 1, 1), positive=False)
    with pytest.raises(InputError, match="Click at least once inside body"):
        session.propagate(structure)
    session.add_point(structure, world(GRID, 18, 17, 7))
    with pytest.raises(Canceled):
        session.propagate(structure, Job(canceled=lambda: True))


def test_the_command_lines_function_takes_a_model_of_volumes(tmp_path):
    session, structure = started(picture(GRID, BODY))
    session.add_point(structure, world(GRID, 18, 17, 7))
    labels = segment_volume(picture(GRID, BODY), session.prompts, open_predictor("geodesic", "cpu"))
    assert dice(sitk.GetArrayFromImage(labels), BODY) > 0.98


class Threshold(VolumeModel):
    """The smallest model of volumes: everything as bright as the last point; it takes no boxes."""

    name, capabilities = "threshold", Capabilities(3, boxes=False)

    def predict(self, volume, prompts, job):
        i, j, k = np.round(volume.grid.physical_to_index(prompts.structure.prompts[-1].points))[0].astype(int)
        return (volume.array >= volume.array[k, j, i]).astype(np.uint8)


def test_a_model_of_volumes_needs_one_method_and_previews_from_its_volume():
    session = SegmentationSession(picture(GRID, BODY), Threshold())
    structure = session.add_structure("body").id
    session.add_point(structure, world(GRID, 18, 17, 7))
    session.prefetch(SlicePlane(2, 7))
    np.testing.assert_array_equal(session.mask(structure)[7], BODY[7])
    np.testing.assert_array_equal(session.propagate(structure), BODY)
    session.close()


def test_prompts_of_a_kind_that_a_model_does_not_take_are_refused_with_a_sentence():
    session = SegmentationSession(picture(GRID, BODY), Threshold())
    structure = session.add_structure("body").id
    session.add_box(structure, world(GRID, 4, 4, 7), world(GRID, 30, 30, 7))
    with pytest.raises(InputError, match="The model threshold takes no boxes; use points"):
        session.propagate(structure)


def test_the_models_that_need_a_download_are_those_of_the_manifest():
    assert [model.name for model in CLICK_MODELS if model.needs_download] == [entry.name for entry in MANIFEST]
    assert len({model.name for model in CLICK_MODELS}) == len(CLICK_MODELS)


@pytest.mark.parametrize("model", [model for model in CLICK_MODELS if not model.needs_download])
def test_a_model_that_ships_opens_by_its_name_and_has_the_capabilities_of_the_table(model):
    session = SegmentationSession(picture(GRID, BODY), open_predictor(model.name, "cpu"))
    assert session.predictor.name == model.name
    assert session.model.capabilities == model.capabilities
