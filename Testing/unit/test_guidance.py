"""Landmarks and regions that guide a registration, against known deformations."""

import json

import numpy as np
import pytest
import SimpleITK as sitk
from phantoms import Anatomy, affine_and_waves, inner_points, oblique_grid, voxel_centers
from SAMRegistrationLib import engine
from SAMRegistrationLib.cli import main
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.geometry.transforms import transform_points
from SAMRegistrationLib.metrics import deformation_statistics, jacobian_image, target_registration_errors
from SAMRegistrationLib.points import PointList, write_points
from SAMRegistrationLib.registration import Guidance, RegistrationOptions, register
from SAMRegistrationLib.registration.prealign import prealign

FIXED = oblique_grid()
MAPPING = affine_and_waves(FIXED.center, amplitude_mm=4.0)
MOVING = oblique_grid((44, 50, 30), (1.3, 1.2, 2.1), (0.1, 0.2, -0.3))
MOVING = Grid(
    MOVING.size,
    MOVING.spacing,
    tuple(np.asarray(MOVING.origin) + MAPPING(FIXED.center[None])[0] - MOVING.center),
    MOVING.direction,
)
HALF_A_VOXEL = 0.5 * min(FIXED.spacing)


def options(preset="fast", **changes):
    return RegistrationOptions.preset(
        preset, use_network=False, device="cpu", fixed_modality="mr", moving_modality="mr", **changes
    )


@pytest.fixture(scope="module")
def pair():
    anatomy = Anatomy(MAPPING(FIXED.center[None])[0], seed=3)
    return anatomy.image(FIXED, MAPPING), anatomy.image(MOVING)


@pytest.fixture(scope="module")
def alone(pair):
    return register(*pair, options=options())


def landmarks(count, noise_mm=0.0, seed=2):
    points = inner_points(FIXED, count, seed=seed)
    return points, MAPPING(points) + np.random.default_rng(0).normal(0, noise_mm, points.shape)


def guided(pair, points, counterparts, chosen=None):
    guidance = Guidance(PointList(points), PointList(counterparts))
    return register(*pair, options=chosen or options(), guidance=guidance)


def folds(transform):
    return deformation_statistics(jacobian_image(transform, FIXED)).folded_voxels


@pytest.mark.parametrize(("count", "noise_mm"), [(1, 0.0), (5, 0.0), (30, 0.0), (12, 3.0)])
def test_landmarks_are_met_to_half_a_voxel_without_a_fold(pair, alone, count, noise_mm):
    points, counterparts = landmarks(count, noise_mm)
    result = guided(pair, points, counterparts)
    assert target_registration_errors(points, counterparts, alone.transform).max() > 1.5 * HALF_A_VOXEL
    assert target_registration_errors(points, counterparts, result.transform).max() < HALF_A_VOXEL
    assert folds(result.transform) == 0


def test_landmarks_far_apart_are_met_where_the_images_show_nothing():
    random = np.random.default_rng(0)
    noise = [FIXED.image(random.random(FIXED.shape).astype(np.float32)) for _ in range(2)]
    points = inner_points(FIXED, 6)
    counterparts = points + random.normal([8.0, -5.0, 3.0], 2, points.shape)
    result = guided(noise, points, counterparts, options(prealignment="none"))
    assert target_registration_errors(points, counterparts, result.transform).max() < HALF_A_VOXEL
    assert folds(result.transform) == 0


def test_landmarks_that_cross_each_other_do_not_fold_and_are_told(pair):
    points, counterparts = landmarks(30, noise_mm=6.0)
    result = guided(pair, points, counterparts)
    assert folds(result.transform) == 0
    (note,) = (note for note in result.notes if "are missed" in note)
    inside = np.flatnonzero(MOVING.contains(counterparts))
    errors = target_registration_errors(points[inside], counterparts[inside], result.transform)
    assert f"{inside[errors.argmax()] + 1} ({errors.max():.1f} mm)" in note


def test_true_landmarks_bring_the_rest_nearer_as_well(pair, alone):
    result = guided(pair, *landmarks(30))
    others = inner_points(FIXED, 200, margin=0.15, seed=5)
    errors = [target_registration_errors(others, MAPPING(others), each.transform).mean() for each in (alone, result)]
    assert errors[1] < 0.8 * errors[0]


def test_the_inverse_follows_landmarks_too(pair):
    points, counterparts = landmarks(5)
    result = guided(pair, points, counterparts)
    assert np.linalg.norm(result.warp_points(counterparts) - points, axis=1).max() < 2 * HALF_A_VOXEL


def test_landmarks_start_the_alignment_of_a_volume_turned_upside_down(pair):
    turn = sitk.Euler3DTransform(FIXED.center.tolist(), np.pi - 0.2, 0.1, 0.0, (5.0, -8.0, 3.0))
    moving = sitk.Resample(pair[0], FIXED.empty_image(), turn.GetInverse(), sitk.sitkLinear, 0.0)
    points = inner_points(FIXED, 6)
    unit = [sitk.RescaleIntensity(image, 0.0, 1.0) for image in (pair[0], moving)]
    found = prealign(*unit, kind="rigid", landmarks=(points, transform_points(turn, points)))
    assert found.start == "landmarks"
    assert target_registration_errors(points, transform_points(turn, points), found.transform).max() < 1.0


def test_an_alignment_that_leaves_the_landmarks_returns_to_them():
    random = np.random.default_rng(0)
    noise = [FIXED.image(random.random(FIXED.shape).astype(np.float32)) for _ in range(2)]
    turn = sitk.Euler3DTransform(FIXED.center.tolist(), 0.5, 0.3, -0.6, (8.0, -5.0, 3.0))
    points = inner_points(FIXED, 6)
    found = prealign(*noise, kind="affine", landmarks=(points, transform_points(turn, points)))
    assert target_registration_errors(points, transform_points(turn, points), found.transform).mean() < 2.0
    assert found.start == "landmarks alone"


def ball(grid, center, radius, label=1):
    distance = np.linalg.norm(voxel_centers(grid) - center, axis=1).reshape(grid.shape)
    return grid.image((label * (distance < radius)).astype(np.uint8))


TUMOR = FIXED.index_to_physical([[30, 14, 8]])[0]


def with_tumor(image, center, radius, value):
    array = sitk.GetArrayFromImage(image)
    array[sitk.GetArrayFromImage(ball(Grid.of(image), center, radius)) > 0] = value
    return Grid.of(image).image(array)


@pytest.mark.parametrize("side", ["fixed", "moving"])
def test_what_an_ignored_region_shows_does_not_matter(pair, side):
    center = TUMOR if side == "fixed" else MAPPING(TUMOR[None])[0]
    number = ("fixed", "moving").index(side)
    region = {f"ignored_{side}": ball(Grid.of(pair[number]), center, 8.0)}
    points, found = inner_points(FIXED), []
    for value in (-40.0, 60.0):
        images = list(pair)
        images[number] = with_tumor(pair[number], center, 7.0, value)
        result = register(*images, options=options(), guidance=Guidance(**region))
        found.append(transform_points(result.transform, points))
        assert result.facts["ignored_regions"] == [side]
    np.testing.assert_allclose(*found, atol=1e-3)


def test_ignoring_a_tumor_keeps_the_rest_as_it_is_without_the_tumor(pair, alone):
    images = (with_tumor(pair[0], TUMOR, 6.0, 3.0), pair[1])
    chosen = options(initial_transform=alone.linear)
    heeding = register(*images, options=chosen)
    ignoring = register(*images, options=chosen, guidance=Guidance(ignored_fixed=ball(FIXED, TUMOR, 7.0)))
    points = inner_points(FIXED, 400, margin=0.1)
    far = points[np.linalg.norm(points - TUMOR, axis=1) > 25]
    near = points[np.linalg.norm(points - TUMOR, axis=1) < 12]
    truth, without = MAPPING(near), transform_points(alone.transform, far)
    errors = [np.linalg.norm(transform_points(each.transform, near) - truth, axis=1) for each in (heeding, ignoring)]
    assert errors[1].mean() < 0.7 * errors[0].mean()
    assert np.linalg.norm(transform_points(ignoring.transform, far) - without, axis=1).mean() < HALF_A_VOXEL


def test_masks_do_not_pull_in_an_ignored_region():
    random = np.random.default_rng(0)
    noise = [FIXED.image(random.random(FIXED.shape).astype(np.float32))] * 2
    masks = ball(FIXED, FIXED.center, 13), ball(FIXED, FIXED.center, 9)
    chosen = options(prealignment="none")
    everywhere = ball(FIXED, FIXED.center, 18)
    pulled = register(*noise, *masks, chosen)
    ignored = register(*noise, *masks, chosen, guidance=Guidance(ignored_fixed=everywhere, ignored_moving=everywhere))
    surface = FIXED.center + 13 * np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0.0]])
    moved = [np.linalg.norm(transform_points(each.transform, surface) - surface, axis=1) for each in (pulled, ignored)]
    assert moved[0].min() > 2.5
    assert moved[1].max() < 0.5


@pytest.mark.parametrize(
    ("guidance", "sentence"),
    [
        (Guidance(PointList([FIXED.center])), "Only the fixed volume has guiding landmarks"),
        (Guidance(PointList([FIXED.center]), PointList([FIXED.center] * 2)), "There are 1 fixed but 2 moving"),
        (
            Guidance(PointList([FIXED.center], ["a"]), PointList([FIXED.center] * 2, ["b", "a"])),
            r"each needs a partner \(without one: b\)",
        ),
        (
            Guidance(PointList([FIXED.center] * 2, ["a", "b"]), PointList([FIXED.center] * 2, ["a", "c"])),
            r"Only some landmarks have the same name in both lists \(without one: b, c\)",
        ),
        (Guidance(PointList([[900.0, 0, 0]]), PointList([FIXED.center])), "No landmark lies within both volumes"),
        (Guidance(ignored_fixed=FIXED.empty_image() + 1), "covers the whole volume"),
    ],
)
def test_guides_that_cannot_be_followed_are_refused_in_a_sentence(pair, guidance, sentence):
    with pytest.raises(InputError, match=sentence):
        register(*pair, options=options(), guidance=guidance)


def test_guides_that_are_left_out_are_noted(pair):
    points = PointList([FIXED.center, [900.0, 0, 0]], ["here", "far"])
    counterparts = PointList(MAPPING(points.points), ["here", "far"])
    guidance = Guidance(points, counterparts, FIXED.empty_image(), ball(oblique_grid(origin=(900.0, 0, 0)), 0, 5000))
    notes = register(*pair, options=options(use_refinement=False), guidance=guidance).notes
    assert "Landmarks outside the fixed volume do not guide the registration: far." in notes
    assert "The region of the fixed volume to be ignored is empty: every voxel is 0." in notes
    assert "The region of the moving volume to be ignored lies outside the volume and is left out." in notes


def test_landmarks_are_met_without_a_refinement(pair):
    points, counterparts = landmarks(5)
    result = guided(pair, points, counterparts, options(use_refinement=False))
    assert target_registration_errors(points, counterparts, result.transform).max() < HALF_A_VOXEL


def test_landmarks_that_guide_are_measured_apart_from_those_held_out(pair, alone):
    points, counterparts = landmarks(6)
    lists = PointList(points, list("abcdef")), PointList(counterparts, list("abcdef"))
    guidance = Guidance(*(PointList(side.points[:4], side.names[:4]) for side in lists))
    measures = engine.measure(alone.transform, None, None, *lists, guidance=guidance)
    errors = target_registration_errors(points, counterparts, alone.transform)
    assert measures["after"]["guiding_landmarks"]["names"] == list("abcd")
    assert measures["after"]["landmarks"]["names"] == list("ef")
    np.testing.assert_allclose(measures["after"]["landmarks"]["errors_mm"], errors[4:])
    np.testing.assert_allclose(measures["after"]["guiding_landmarks"]["errors_mm"], errors[:4])


def test_landmarks_of_tiny_volumes_are_told_apart_as_well(alone):
    lists = [PointList(points * 1e-4, list("abcdef")) for points in landmarks(6)]
    guidance = Guidance(*(PointList(side.points[:4] + 1e-9, side.names[:4]) for side in lists))
    measures = engine.measure(alone.transform, None, None, *lists, guidance=guidance)
    assert measures["after"]["landmarks"]["names"] == list("ef")


@pytest.fixture(scope="module")
def files(pair, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    for name, image in zip(("fixed", "moving"), pair):
        sitk.WriteImage(image, str(folder / f"{name}.nrrd"))
    points, counterparts = landmarks(7)
    names = [f"F-{number}" for number in range(7)]
    for name, side in (("fixed", points), ("moving", counterparts)):
        write_points(folder / f"{name}_guides.mrk.json", PointList(side[:5], names[:5]))
        write_points(folder / f"{name}_all.csv", PointList(side, names))
    sitk.WriteImage(ball(FIXED, TUMOR, 6.0), str(folder / "tumor.nrrd"))
    sitk.WriteImage(ball(FIXED, FIXED.index_to_physical([[8, 8, 4]])[0], 4.0, 5), str(folder / "bone.nrrd"))
    return folder


def command(files, output, *more):
    pair = [str(files / "fixed.nrrd"), str(files / "moving.nrrd")]
    chosen = ["--preset", "fast", "--no-network", "--fixed-modality", "mr", "--moving-modality", "mr"]
    return main(["register", *pair, "-o", str(output), *chosen, *map(str, more)])


def test_the_command_follows_landmarks_and_regions_and_tells_the_errors(files, tmp_path, capsys):
    guides = ["--fixed-guide-landmarks", files / "fixed_guides.mrk.json"]
    guides += ["--moving-guide-landmarks", files / "moving_guides.mrk.json", "--ignore-fixed", files / "tumor.nrrd"]
    guides += ["--rigid-regions", files / "bone.nrrd"]
    others = ["--fixed-landmarks", files / "fixed_all.csv", "--moving-landmarks", files / "moving_all.csv"]
    assert command(files, tmp_path / "out", *guides, *others) == 0
    summary = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    assert summary["facts"]["guiding_landmarks"] == 5
    assert summary["facts"]["ignored_regions"] == ["fixed"]
    assert summary["facts"]["rigid_regions"] == [5]
    assert summary["before"]["guiding_landmarks"]["mean_mm"] > 3
    assert summary["after"]["guiding_landmarks"]["largest_mm"] < HALF_A_VOXEL
    assert summary["after"]["landmarks"]["names"] == ["F-5", "F-6"]
    assert "Error of guiding landmarks: " in capsys.readouterr().out
    assert "mean error of guiding landmarks, mm" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_the_command_asks_for_the_landmarks_of_the_other_side(files, tmp_path, capsys):
    assert command(files, tmp_path / "out", "--fixed-guide-landmarks", files / "fixed_all.csv") == 2
    assert "--moving-guide-landmarks" in capsys.readouterr().err


def test_guides_in_the_air_beside_the_body_are_followed_as_well(pair):
    fixed, moving = (
        sitk.ConstantPad(image - float(sitk.GetArrayViewFromImage(image).min()), [25] * 3, [25] * 3, 0.0)
        for image in pair
    )
    grid = Grid.of(fixed)
    points = grid.index_to_physical([[90, 40, 30], [80, 20, 50]])
    counterparts = np.add(MAPPING(points), [0.0, 3.0, 4.0])
    region = ball(grid, grid.index_to_physical([[12, 70, 20]])[0], 6.0)
    guidance = Guidance(PointList(points), PointList(counterparts), rigid=region)
    result = register(fixed, moving, options=options(), guidance=guidance)
    assert target_registration_errors(points, counterparts, result.transform).max() < HALF_A_VOXEL
    k, j, i = np.nonzero(sitk.GetArrayFromImage(region))
    places = grid.index_to_physical(np.stack([i, j, k], -1))
    ends = transform_points(result.transform, places)
    sides = [np.linalg.norm(side[1:] - side[:-1], axis=1) for side in (places, ends)]
    np.testing.assert_allclose(*sides, atol=0.1)
    assert folds(result.transform) == 0
