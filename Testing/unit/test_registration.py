"""The registration of a pair, in physical space, against known deformations."""

import numpy as np
import pytest
import SimpleITK as sitk
from phantoms import Anatomy, affine_and_waves, inner_points, oblique_grid, voxel_centers
from SAMRegistrationLib.errors import Canceled, InputError, SAMRegistrationError, WeightsError
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.geometry.resample import warp_labels
from SAMRegistrationLib.geometry.transforms import transform_points
from SAMRegistrationLib.job import Job
from SAMRegistrationLib.metrics import deformation_statistics, dice, jacobian_image
from SAMRegistrationLib.registration import RegistrationOptions, prealign, register
from SAMRegistrationLib.registration.starts import Start
from SAMRegistrationLib.volumes import normalize
from tools.phantom import phantom_pair

BALANCED = RegistrationOptions.preset(
    "balanced", use_network=False, device="cpu", fixed_modality="mr", moving_modality="mr"
)


@pytest.fixture(scope="module")
def pair():
    """Fixed and moving volume of the same anatomy: other size, spacing and orientation, and a known mapping."""
    fixed_grid = oblique_grid()
    mapping = affine_and_waves(fixed_grid.center)
    moving_grid = oblique_grid((44, 50, 30), (1.3, 1.2, 2.1), (0.1, 0.2, -0.3))
    shift = mapping(fixed_grid.center[None])[0] - moving_grid.center
    moving_grid = Grid(moving_grid.size, moving_grid.spacing, tuple(moving_grid.origin + shift), moving_grid.direction)
    anatomy = Anatomy(mapping(fixed_grid.center[None])[0], seed=3)
    return anatomy.image(fixed_grid, mapping), anatomy.image(moving_grid), mapping


@pytest.fixture(scope="module")
def result(pair):
    fixed, moving, _ = pair
    return register(fixed, moving, options=BALANCED)


def errors_in_voxels(grid, mapped, expected):
    return np.linalg.norm((mapped - expected) @ np.linalg.inv(grid.axes).T, axis=1)


def test_a_known_affine_and_smooth_field_is_recovered_below_half_a_voxel(pair, result):
    fixed, _, mapping = pair
    points = inner_points(Grid.of(fixed))
    errors = errors_in_voxels(Grid.of(fixed), transform_points(result.transform, points), mapping(points))
    assert errors.mean() < 0.5
    assert errors_in_voxels(Grid.of(fixed), points, mapping(points)).mean() > 2


def test_forward_after_inverse_returns_to_the_start(pair, result):
    grid = Grid.of(pair[0])
    points = inner_points(grid, margin=0.1)
    there = transform_points(result.transform, points)
    assert errors_in_voxels(grid, transform_points(result.inverse, there), points).max() < 0.25


def test_nothing_folds(pair, result):
    assert deformation_statistics(jacobian_image(result.transform, Grid.of(pair[0]))).folded_voxels == 0


def test_saved_transforms_give_plain_simpleitk_the_same_points(pair, result, tmp_path):
    points = inner_points(Grid.of(pair[0]))
    result.save_transforms(tmp_path)
    for name, ours in (("transform.h5", result.transform), ("inverse.h5", result.inverse)):
        theirs = sitk.ReadTransform(str(tmp_path / name))
        mapped = [theirs.TransformPoint(point) for point in points.tolist()]
        np.testing.assert_allclose(mapped, transform_points(ours, points), atol=1e-3)


def test_the_warped_volume_lies_on_the_fixed_grid_and_looks_like_the_fixed_volume(pair, result):
    fixed, moving, _ = pair
    warped = result.warp()
    assert Grid.of(warped).matches(Grid.of(fixed))
    imaged = sitk.GetArrayFromImage(sitk.Resample(moving * 0 + 1, fixed, result.transform)) == 1
    images = [sitk.GetArrayFromImage(image)[imaged] for image in (fixed, warped)]
    assert np.corrcoef(*images)[0, 1] > 0.98


def test_points_follow_the_moving_volume_into_the_fixed_space(pair, result):
    fixed, _, mapping = pair
    points = inner_points(Grid.of(fixed))
    errors = errors_in_voxels(Grid.of(fixed), result.warp_points(mapping(points)), points)
    assert errors.mean() < 0.5


def test_identical_images_give_a_field_near_zero(pair):
    fixed = pair[0]
    result = register(fixed, fixed, options=BALANCED)
    points = inner_points(Grid.of(fixed), margin=0.1)
    assert errors_in_voxels(Grid.of(fixed), transform_points(result.transform, points), points).max() < 0.1


@pytest.mark.parametrize("stored", ["flipped", "permuted"])
def test_another_order_of_the_voxels_in_memory_gives_the_same_physical_result(pair, result, stored):
    fixed, moving, mapping = pair
    if stored == "flipped":
        fixed = sitk.Flip(fixed, [True, False, True], False)
        moving = sitk.Flip(moving, [False, True, False], False)
    else:
        fixed = sitk.PermuteAxes(fixed, [2, 0, 1])
        moving = sitk.PermuteAxes(moving, [1, 2, 0])
    grid = Grid.of(pair[0])
    points = inner_points(grid)
    again = register(fixed, moving, options=BALANCED)
    mapped = transform_points(again.transform, points)
    assert errors_in_voxels(grid, mapped, transform_points(result.transform, points)).mean() < 0.25
    assert errors_in_voxels(grid, mapped, mapping(points)).mean() < 0.5


def test_masks_pull_their_structure_into_place_where_the_images_show_nothing():
    grid = oblique_grid((40, 40, 24), (1.2, 1.2, 2.0))
    random = np.random.default_rng(0)
    noise = [grid.image(random.random(grid.shape).astype(np.float32)) for _ in range(2)]
    distance = np.linalg.norm(voxel_centers(grid) - grid.center, axis=1)
    fixed_mask = grid.image((distance < 13).reshape(grid.shape).astype(np.uint8))
    moving_mask = grid.image((distance < 9).reshape(grid.shape).astype(np.uint8))
    options = RegistrationOptions.preset(prealignment="none", use_network=False, device="cpu")
    result = register(*noise, fixed_mask, moving_mask, options)
    assert dice(fixed_mask, moving_mask)[1] < 0.55
    assert dice(fixed_mask, result.warp_labels(moving_mask))[1] > 0.9


@pytest.mark.parametrize(("offset", "radius"), [((0, 0, 0), 13), ((8, -6, 4), 7)])
def test_what_masks_do_not_mark_is_aligned_as_well_as_by_the_images_alone(pair, result, offset, radius):
    fixed, moving, mapping = pair
    fixed_grid, moving_grid = Grid.of(fixed), Grid.of(moving)
    center = mapping(fixed_grid.center[None])[0] + offset

    def distance(points):
        return np.linalg.norm(points - center, axis=1)

    fixed_mask, moving_mask = (
        grid.image((distance(points) < radius).reshape(grid.shape).astype(np.uint8))
        for grid, points in (
            (fixed_grid, mapping(voxel_centers(fixed_grid))),
            (moving_grid, voxel_centers(moving_grid)),
        )
    )
    guided = register(fixed, moving, fixed_mask, moving_mask, BALANCED)
    points = inner_points(fixed_grid, 600, 0.15)
    points = points[distance(mapping(points)) > radius + 2]
    alone, beside = (
        errors_in_voxels(fixed_grid, transform_points(each.transform, points), mapping(points)).mean()
        for each in (result, guided)
    )
    assert beside < alone + 0.1
    overlaps = [dice(fixed_mask, each.warp_labels(moving_mask))[1] for each in (result, guided)]
    assert overlaps[1] > overlaps[0] + 0.02
    assert deformation_statistics(jacobian_image(guided.transform, fixed_grid)).folded_voxels == 0


def test_an_affine_alignment_that_takes_structures_apart_is_not_followed():
    fixed, moving = phantom_pair()
    organs = [image > 100 for image in (fixed, moving)]
    found = prealign.prealign(normalize(fixed, "ct"), normalize(moving, "ct"), *organs)
    assert dice(organs[0], warp_labels(organs[1], found.transform, Grid.of(fixed)))[1] > 0.85


def test_an_affine_stage_that_goes_astray_is_tried_again_with_shorter_steps(pair, monkeypatch):
    fixed, moving, mapping = pair
    points = inner_points(Grid.of(fixed))
    optimize, strayed = prealign._optimize, []

    def straying(stage_fixed, stage_moving, transform, iterations, samples, step, job):
        quality = optimize(stage_fixed, stage_moving, transform, iterations, samples, step, job)
        if transform.GetName() == "AffineTransform" and step >= 0.5:
            transform.SetTranslation(np.add(transform.GetTranslation(), [25.0, 0.0, 0.0]).tolist())
            strayed.append(step)
            return prealign._evaluate(stage_fixed, stage_moving, transform)
        return quality

    monkeypatch.setattr(prealign, "_optimize", straying)
    found = prealign.prealign(normalize(fixed, "mr"), normalize(moving, "mr"))
    errors = errors_in_voxels(Grid.of(fixed), transform_points(found.transform, points), mapping(points))
    assert strayed == [1.0, 0.5]
    assert errors.mean() < 2.0


def test_a_structure_in_one_image_only_is_left_out_and_told(pair):
    fixed, moving, _ = pair
    masks = []
    for image, labels in ((fixed, (1, 2)), (moving, (1, 3))):
        array = np.zeros(Grid.of(image).shape, np.uint8)
        array[8:14, 12:20, 12:20], array[8:14, 22:30, 22:30] = labels
        masks.append(Grid.of(image).image(array))
    result = register(fixed, moving, *masks, RegistrationOptions.preset("fast", use_network=False, device="cpu"))
    assert result.facts["structures"] == [1]
    assert [note for note in result.notes if "Structure 2 is in the fixed masks only" in note]
    assert [note for note in result.notes if "Structure 3 is in the moving masks only" in note]


def test_an_inverted_contrast_is_registered_with_mind(pair):
    fixed, moving, mapping = pair
    inverted = 5.0 - moving
    options = RegistrationOptions.preset(use_network=False, device="cpu", similarity="mind")
    points = inner_points(Grid.of(fixed))
    mapped = transform_points(register(fixed, inverted, options=options).transform, points)
    assert errors_in_voxels(Grid.of(fixed), mapped, mapping(points)).mean() < 1.0


def test_volumes_apart_in_space_are_brought_together(pair):
    fixed, moving, mapping = pair
    far = sitk.Image(moving)
    far.SetOrigin([a + b for a, b in zip(moving.GetOrigin(), (300.0, -200.0, 100.0))])
    points = inner_points(Grid.of(fixed))
    mapped = transform_points(register(fixed, far, options=BALANCED).transform, points)
    assert errors_in_voxels(Grid.of(fixed), mapped - [300.0, -200.0, 100.0], mapping(points)).mean() < 0.5


def test_volumes_apart_in_space_are_refused_without_a_pre_alignment(pair):
    fixed, moving, _ = pair
    far = sitk.Image(moving)
    far.SetOrigin((5000.0, 0.0, 0.0))
    with pytest.raises(InputError, match="do not overlap"):
        register(fixed, far, options=RegistrationOptions.preset(prealignment="none", device="cpu"))


def test_nothing_is_changed_in_the_inputs(pair):
    fixed, moving, _ = pair
    before = [sitk.Hash(image) for image in (fixed, moving)]
    register(fixed, moving, options=RegistrationOptions.preset("fast", use_network=False, device="cpu"))
    assert [sitk.Hash(image) for image in (fixed, moving)] == before


def test_a_large_volume_is_registered_on_a_coarser_grid(pair, monkeypatch):
    fixed, moving, mapping = pair
    monkeypatch.setattr(prealign, "LARGEST", 6000)
    assert fixed.GetNumberOfPixels() > prealign.LARGEST
    options = RegistrationOptions.preset(use_network=False, device="cpu", largest_grid=6000)
    result = register(fixed, moving, options=options)
    assert np.prod(result.facts["working_grid"]["size"]) <= 6000
    points = inner_points(Grid.of(fixed))
    assert errors_in_voxels(Grid.of(fixed), transform_points(result.transform, points), mapping(points)).mean() < 1.2


def test_three_slices_are_enough(pair):
    fixed, moving, _ = pair
    result = register(fixed[:, :, 9:12], moving, options=BALANCED)
    assert result.warp().GetSize() == (48, 40, 3)
    assert deformation_statistics(jacobian_image(result.transform, Grid.of(fixed))).folded_voxels == 0


def test_cancel_stops_the_work(pair):
    fixed, moving, _ = pair
    seen = []

    def canceled():
        return bool(seen) and seen[-1][0] > 0.3

    with pytest.raises(Canceled):
        register(fixed, moving, options=BALANCED, job=Job(lambda *report: seen.append(report), canceled))
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] < 0.6


def test_cuda_is_refused_where_there_is_none(pair, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(SAMRegistrationError, match="no CUDA device"):
        register(*pair[:2], options=RegistrationOptions.preset(device="cuda"))


@pytest.mark.parametrize(
    "change", [{"prealignment": "magic"}, {"similarity": "x"}, {"device": "tpu"}, {"fixed_modality": "pet"}]
)
def test_an_unknown_option_is_refused_with_the_known_ones(change):
    with pytest.raises(InputError, match="choose one of"):
        RegistrationOptions.preset(**change)


def test_a_network_gives_the_refinement_its_start(pair, tmp_path):
    from SAMRegistrationLib.network import NetworkConfig, RegistrationNetwork, save_network

    path = tmp_path / "registration-test.safetensors"
    save_network(RegistrationNetwork(NetworkConfig.from_preset("fast")), path, {})
    fixed, moving, _ = pair
    result = register(fixed, moving, options=RegistrationOptions.preset("fast", weights=str(path), device="cpu"))
    assert result.facts["network"] == path.name
    assert result.seconds["predict"] > 0
    assert deformation_statistics(jacobian_image(result.transform, Grid.of(fixed))).folded_voxels == 0


@pytest.mark.parametrize(
    ("preset", "moving_modality", "predicts"),
    [("balanced", "mr", True), ("balanced", "ct", False), ("fast", "mr", False)],
)
def test_the_network_that_ships_predicts_within_a_modality_where_the_preset_wants_it(
    pair, preset, moving_modality, predicts
):
    options = RegistrationOptions.preset(
        preset, use_refinement=False, device="cpu", fixed_modality="mr", moving_modality=moving_modality
    )
    network = register(*pair[:2], options=options).facts["network"]
    assert network == ("registration-synthetic.safetensors" if predicts else None)


def test_a_network_without_an_inverse_is_refused_by_name(pair, tmp_path):
    from SAMRegistrationLib.network import NetworkConfig, RegistrationNetwork, save_network

    path = tmp_path / "sum.safetensors"
    save_network(RegistrationNetwork(NetworkConfig.from_preset("fast", composition="sum")), path, {})
    with pytest.raises(WeightsError, match=r"sum\.safetensors predicts a displacement"):
        register(*pair[:2], options=RegistrationOptions.preset("fast", weights=str(path), device="cpu"))


@pytest.mark.parametrize("name", ["field.nrrd", "field.nii.gz", "field.mha"])
def test_a_saved_displacement_field_gives_plain_simpleitk_the_same_points(pair, result, tmp_path, name):
    result.save_displacement_field(tmp_path / name)
    field = sitk.ReadImage(str(tmp_path / name), sitk.sitkVectorFloat64)
    for index in [(0, 0, 0), (5, 7, 3), tuple(n - 1 for n in field.GetSize())]:
        point = pair[0].TransformIndexToPhysicalPoint(index)
        moved = np.add(field.TransformIndexToPhysicalPoint(index), field[index])
        np.testing.assert_allclose(moved, result.transform.TransformPoint(point), atol=1e-3)


def test_a_displacement_field_is_not_saved_under_an_unknown_ending(result, tmp_path):
    with pytest.raises(InputError, match=r"end its name in \.nrrd"):
        result.save_displacement_field(tmp_path / "field.unknown")
    assert list(tmp_path.iterdir()) == []


def test_an_initial_transform_without_an_inverse_is_refused(pair):
    flat = sitk.ScaleTransform(3, (1.0, 1.0, 0.0))
    with pytest.raises(InputError, match="has no inverse"):
        register(*pair[:2], options=RegistrationOptions.preset(initial_transform=flat, device="cpu"))


@pytest.mark.parametrize(("upright", "turned_over", "kept"), [(0.06, 0.12, True), (0.3, 0.6, False)])
def test_weak_evidence_does_not_turn_a_patient_over(monkeypatch, upright, turned_over, kept):
    over = sitk.Euler3DTransform((0.0, 0.0, 0.0), np.pi / 2, 0.0, 0.0)
    starts = [
        Start("as they lie", sitk.Euler3DTransform(), from_masks=False, reorients=False),
        Start("axes", over, from_masks=False, reorients=True),
    ]
    monkeypatch.setattr(prealign, "intensity_starts", lambda fixed, moving: starts)
    monkeypatch.setattr(prealign, "_most_promising", lambda found, fixed, moving: found)
    monkeypatch.setattr(
        prealign, "_optimize", lambda fixed, moving, transform, *_: turned_over if transform.GetAngleX() else upright
    )
    ball = sitk.GaussianSource(sitk.sitkFloat32, size=[24] * 3, sigma=[6.0] * 3, mean=[12.0] * 3, origin=[-12.0] * 3)
    assert (prealign.prealign(ball, ball, kind="rigid").start == "as they lie") == kept
