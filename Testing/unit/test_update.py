"""Corrections of a result: where it was wrong it follows them, elsewhere it stays, against known deformations."""

import numpy as np
import pytest
import SimpleITK as sitk
from phantoms import Anatomy, affine_and_waves, inner_points, oblique_grid, voxel_centers
from SAMRegistrationLib import engine
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.geometry.transforms import displacement_image, transform_points
from SAMRegistrationLib.metrics import deformation_statistics, jacobian_image, target_registration_errors
from SAMRegistrationLib.points import PointList
from SAMRegistrationLib.registration import Corrections, Guidance, RegistrationOptions, result_of

FIXED = oblique_grid((66, 60, 40), (1.9, 2.0, 3.1))
MAPPING = affine_and_waves(FIXED.center, amplitude_mm=3.0, wavelength_mm=70.0)
MOVING = oblique_grid((70, 66, 44), (2.0, 1.9, 2.9), (0.1, 0.2, -0.3))
MOVING = Grid(
    MOVING.size,
    MOVING.spacing,
    tuple(np.asarray(MOVING.origin) + MAPPING(FIXED.center[None])[0] - MOVING.center),
    MOVING.direction,
)
WRONG_AT = FIXED.index_to_physical([[24, 30, 18]])[0]
WRONG_BY, WIDTH = np.array([5.0, -4.0, 3.0]), 9.0  # mm
REACH = 30.0


def wrong(points):
    """The mapping of the phantom after an error of 7 mm that fades within some centimeters."""
    share = np.exp(-((points - WRONG_AT) ** 2).sum(1) / (2 * WIDTH**2))
    return MAPPING(points + share[:, None] * WRONG_BY)


def as_field(mapping, grid=FIXED):
    """A mapping of points as a displacement field on a grid with a margin."""
    grid = grid.crop([-6] * 3, np.asarray(grid.size) + 12)
    points = voxel_centers(grid)
    return sitk.DisplacementFieldTransform(grid.image((mapping(points) - points).reshape(*grid.shape, 3)))


@pytest.fixture(scope="module")
def pair():
    anatomy = Anatomy(MAPPING(FIXED.center[None])[0], extent_mm=110.0, blobs=80, seed=3)
    return anatomy.image(FIXED, MAPPING), anatomy.image(MOVING)


@pytest.fixture(scope="module")
def earlier(pair):
    return result_of(as_field(wrong), *pair)


def options():
    return RegistrationOptions(device="cpu", fixed_modality="mr", moving_modality="mr")


def landmark(*points):
    points = np.array(points)
    return Corrections(Guidance(PointList(points), PointList(MAPPING(points))))


def changes(before, after):
    """By how much the displacement of every voxel of the fixed grid changed, mm (D, H, W)."""
    fields = [sitk.GetArrayFromImage(displacement_image(transform, FIXED)) for transform in (before, after)]
    return np.linalg.norm(fields[1] - fields[0], axis=3)


def distance_to(center):
    """Of every voxel of the fixed grid, mm (D, H, W)."""
    return np.linalg.norm(voxel_centers(FIXED) - center, axis=1).reshape(FIXED.shape)


def errors(transform, points):
    return target_registration_errors(points, MAPPING(points), transform)


def near(distance):
    points = inner_points(FIXED, 4000, margin=0.05)
    return points[np.linalg.norm(points - WRONG_AT, axis=1) < distance]


def test_a_pair_of_points_corrects_its_surroundings_and_nothing_farther_off(earlier):
    updated = engine.update(earlier, landmark(WRONG_AT), options())
    (said,) = updated.facts["update"]["landmarks"]
    assert said["before_mm"] == pytest.approx(errors(earlier.transform, WRONG_AT[None])[0])
    assert said["after_mm"] == pytest.approx(errors(updated.transform, WRONG_AT[None])[0])
    assert said["before_mm"] > 5
    assert said["after_mm"] < 0.5
    around = near(15.0)
    assert errors(updated.transform, around).mean() < 0.6 * errors(earlier.transform, around).mean()
    away = distance_to(WRONG_AT) > REACH + np.linalg.norm(WRONG_BY)
    change = changes(earlier.transform, updated.transform)
    assert change[away].max() < 0.1
    assert change.max() > 4
    assert updated.facts["update"]["largest_change_elsewhere_mm"] < 0.1
    assert deformation_statistics(jacobian_image(updated.transform, FIXED)).folded_voxels == 0


def test_both_directions_of_an_update_belong_together(earlier):
    updated = engine.update(earlier, landmark(WRONG_AT), options())
    points = np.concatenate([near(35.0), inner_points(FIXED, 100)])
    back = transform_points(updated.inverse, transform_points(updated.transform, points))
    before = transform_points(earlier.inverse, transform_points(earlier.transform, points))
    assert np.linalg.norm(back - points, axis=1).max() < 0.5 + np.linalg.norm(before - points, axis=1).max()


def ball(grid, center, radius, number=1):
    """A label image of a ball."""
    distance = np.linalg.norm(voxel_centers(grid) - center, axis=1).reshape(grid.shape)
    return grid.image((number * (distance < radius)).astype(np.uint8))


def dice(transform, fixed, moving):
    warped = sitk.Resample(moving, fixed, transform, sitk.sitkNearestNeighbor, 0)
    first, second = (sitk.GetArrayViewFromImage(image) > 0 for image in (fixed, warped))
    return 2 * (first & second).sum() / (first.sum() + second.sum())


def test_a_changed_mask_brings_its_border_over_without_images_that_show_it(earlier, pair):
    """The ball is seen by its masks only; it was too small in the fixed volume before."""
    center = inner_points(FIXED, 1, margin=0.45)[0]
    now, former = ball(FIXED, center, 14.0), ball(FIXED, center, 9.0)
    moving = ball(MOVING, MAPPING(center[None])[0], 10.0)
    updated = engine.update(earlier, Corrections(Guidance(), now, moving, former, moving), options())
    (said,) = updated.facts["update"]["structures"]
    before, after = (dice(transform, now, moving) for transform in (earlier.transform, updated.transform))
    assert before < 0.7
    assert after > 0.88
    assert said["dice_before"] == pytest.approx(before, abs=0.05)
    assert said["dice_after"] == pytest.approx(after, abs=0.05)
    away = distance_to(center) > 14.0 + REACH
    assert changes(earlier.transform, updated.transform)[away].max() < 0.1
    assert deformation_statistics(jacobian_image(updated.transform, FIXED)).folded_voxels == 0


def test_without_former_masks_it_changes_where_masks_say_otherwise_than_the_result(earlier):
    center = inner_points(FIXED, 1, margin=0.45)[0]
    fixed, moving = ball(FIXED, center, 16.0), ball(MOVING, MAPPING(center[None])[0], 10.0)
    updated = engine.update(earlier, Corrections(Guidance(), fixed, moving), options())
    assert dice(updated.transform, fixed, moving) > dice(earlier.transform, fixed, moving) + 0.15


def test_points_that_were_met_stay_met_and_corrections_add_up(earlier):
    """The second pair lies 12 mm beside the first one, and asks for 4 mm more than is true."""
    points = np.array([WRONG_AT, np.add(WRONG_AT, (0.0, 12.0, 0.0))])
    counterparts = np.add(MAPPING(points), [(0.0, 0.0, 0.0), (0.0, 0.0, 4.0)])
    first = engine.update(earlier, landmark(WRONG_AT), options())
    both = Corrections(Guidance(PointList(points), PointList(counterparts)))
    second = engine.update(first, both, options())
    assert target_registration_errors(points, counterparts, first.transform)[1] > 3
    assert target_registration_errors(points, counterparts, second.transform).max() < 0.5
    assert deformation_statistics(jacobian_image(second.transform, FIXED)).folded_voxels == 0


def test_a_result_of_a_registration_keeps_its_form(pair):
    begun = engine.register(*pair, options=RegistrationOptions.preset("fast", device="cpu", prealignment="rigid"))
    points = inner_points(FIXED, 40, margin=0.25, seed=4)
    worst = points[[errors(begun.transform, points).argmax()]]
    updated = engine.update(begun, landmark(*worst), options())
    kinds = [
        [part.GetTransformEnum() for part in map(sitk.CompositeTransform(result.transform).GetNthTransform, range(2))]
        for result in (begun, updated)
    ]
    assert kinds[0] == kinds[1]
    assert errors(updated.transform, worst)[0] < min(0.5, errors(begun.transform, worst)[0])
    assert updated.facts["similarity"] == begun.facts["similarity"]
    assert begun.facts.get("update") is None


def test_linear_transforms_and_splines_can_be_corrected_as_well(pair):
    spline = sitk.BSplineTransformInitializer(pair[0], [4, 4, 4])
    shift = sitk.TranslationTransform(3, (MAPPING(WRONG_AT[None])[0] - WRONG_AT + (4.0, -3.0, 3.0)).tolist())
    for transform in (shift, sitk.CompositeTransform([shift, spline])):
        updated = engine.update(result_of(transform, *pair), landmark(WRONG_AT), options())
        assert errors(updated.transform, WRONG_AT[None])[0] < 0.5
        back = transform_points(updated.inverse, transform_points(updated.transform, near(25.0)))
        assert np.linalg.norm(back - near(25.0), axis=1).max() < 1.0
        again = engine.update(updated, landmark(WRONG_AT, np.add(WRONG_AT, (0.0, 15.0, 0.0))), options())
        assert errors(again.transform, WRONG_AT[None])[0] < 0.5


def test_a_correction_at_the_rim_of_the_volume_is_followed(earlier):
    rim = FIXED.index_to_physical([[3, 30, 20]])
    there = np.add(wrong(rim), (2.0, -3.0, 2.0))
    updated = engine.update(earlier, Corrections(Guidance(PointList(rim), PointList(there))), options())
    assert target_registration_errors(rim, there, updated.transform)[0] < 0.5
    assert deformation_statistics(jacobian_image(updated.transform, FIXED)).folded_voxels == 0


def test_rigid_regions_stay_where_they_are(earlier):
    bone = ball(FIXED, np.add(WRONG_AT, (18.0, 0.0, 0.0)), 5.0)
    points = PointList(WRONG_AT[None]), PointList(MAPPING(WRONG_AT[None]))
    found = [
        engine.update(earlier, Corrections(Guidance(*points, rigid=region)), options()).transform
        for region in (None, bone)
    ]
    free, held = (changes(earlier.transform, each)[sitk.GetArrayViewFromImage(bone) > 0].max() for each in found)
    assert held < 0.02 < 0.5 < free
    assert errors(found[1], WRONG_AT[None])[0] < 0.5


def test_what_an_ignored_region_shows_does_not_matter(earlier, pair):
    region = ball(FIXED, np.add(WRONG_AT, (10.0, 0.0, 0.0)), 7.0)
    array = sitk.GetArrayFromImage(pair[0])
    array[sitk.GetArrayViewFromImage(region) > 0] = 3.0
    guidance = Guidance(PointList(WRONG_AT[None]), PointList(MAPPING(WRONG_AT[None])), ignored_fixed=region)
    found = [
        engine.update(result_of(earlier.transform, fixed, pair[1], earlier.inverse), Corrections(guidance), options())
        for fixed in (pair[0], FIXED.image(array))
    ]
    np.testing.assert_allclose(*(transform_points(each.transform, near(40.0)) for each in found), atol=0.05)


def small(image):
    """An image, or a field of displacements, a thousand times smaller."""
    grid, array = Grid.of(image), sitk.GetArrayFromImage(image)
    parts = (tuple(1e-3 * np.array(part)) for part in (grid.spacing, grid.origin))
    return Grid(grid.size, *parts, grid.direction).image(array * 1e-3 if array.ndim == 4 else array)


def test_volumes_a_thousand_times_smaller_give_the_same_answer_in_their_unit(pair, earlier):
    fields = [small(each.GetDisplacementField()) for each in (earlier.transform, earlier.inverse)]
    transform, inverse = map(sitk.DisplacementFieldTransform, fields)
    begun = result_of(transform, *map(small, pair), inverse)
    at = PointList(1e-3 * WRONG_AT[None]), PointList(1e-3 * MAPPING(WRONG_AT[None]))
    updated = engine.update(begun, Corrections(Guidance(*at)), options())
    large = engine.update(earlier, landmark(WRONG_AT), options())
    points = near(30.0)
    np.testing.assert_allclose(
        1e3 * transform_points(updated.transform, 1e-3 * points), transform_points(large.transform, points), atol=0.1
    )


def test_nothing_to_correct_is_told(earlier):
    right = inner_points(FIXED, 1, margin=0.02, seed=6)
    assert errors(earlier.transform, right)[0] < 0.1
    mask = ball(FIXED, FIXED.center, 10.0)
    for corrections in (Corrections(), landmark(*right), Corrections(Guidance(), mask, mask, mask, mask)):
        with pytest.raises(InputError, match="nothing to correct"):
            engine.update(earlier, corrections, options())
