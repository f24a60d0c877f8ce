"""Regions that stay rigid, on a phantom with a body that moves rigidly in tissue that does not."""

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from phantoms import Anatomy, affine_and_waves, inner_points, oblique_grid, voxel_centers
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.geometry.affine_maps import best_rigid, exponential, logarithm
from SAMRegistrationLib.geometry.flow_points import extent, from_physical, trajectories
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.geometry.transforms import transform_points
from SAMRegistrationLib.metrics import deformation_statistics, jacobian_image
from SAMRegistrationLib.points import PointList
from SAMRegistrationLib.registration import Guidance, RegistrationOptions, register, working
from SAMRegistrationLib.volumes import NamedMask, StructureMasks

FIXED = oblique_grid((56, 48, 26))
WAVES = affine_and_waves(FIXED.center, 3.0)
SHIFT = WAVES(FIXED.center[None])[0] - FIXED.center
MOVING = Grid(FIXED.size, FIXED.spacing, tuple(np.asarray(FIXED.origin) + SHIFT), FIXED.direction)
BONE = FIXED.index_to_physical([[32, 20, 13]])[0]
ROTATION = np.reshape(sitk.Euler3DTransform((0.0, 0.0, 0.0), 0.15, -0.1, 0.2).GetMatrix(), (3, 3))
OPTIONS = RegistrationOptions.preset("fast", use_network=False, device="cpu", fixed_modality="mr", moving_modality="mr")


def distance_to_bone(points):
    """1 on the surface of the bone, less inside."""
    return ((np.abs(points - BONE) / [10.0, 7.0, 6.0]) ** 4).sum(1) ** 0.25


def truth(points):
    """A rigid motion in the bone and near it that fades into an affine one with waves."""
    rigid = (points - BONE) @ ROTATION.T + WAVES(BONE[None])[0] + [2.5, -2.0, 1.0]
    share = np.clip(1 - (distance_to_bone(points) - 1.15) / 1.2, 0, 1)[:, None]
    share = share**2 * (3 - 2 * share)
    return share * rigid + (1 - share) * WAVES(points)


def bone(grid=FIXED, label=1):
    inside = distance_to_bone(voxel_centers(grid)).reshape(grid.shape) < 1
    return grid.image((label * inside).astype(np.uint8))


@pytest.fixture(scope="module")
def pair():
    anatomy = Anatomy(FIXED.center, 70.0, 90, seed=4)

    def image(grid, points):
        values = anatomy.values(points) + 1.5 / (1 + np.exp(12 * (distance_to_bone(points) - 1)))
        return grid.image(values.reshape(grid.shape).astype(np.float32))

    places = voxel_centers(MOVING)
    origins = places - SHIFT
    for _ in range(60):
        origins = origins - 0.7 * (truth(origins) - places)
    assert np.abs(truth(origins) - places).max() < 0.01
    return image(FIXED, voxel_centers(FIXED)), image(MOVING, origins)


@pytest.fixture(scope="module")
def free(pair):
    return register(*pair, options=OPTIONS)


@pytest.fixture(scope="module")
def held(pair):
    return register(*pair, options=OPTIONS, guidance=Guidance(rigid=bone()))


def voxels_of(mask):
    k, j, i = np.nonzero(sitk.GetArrayFromImage(mask))
    return Grid.of(mask).index_to_physical(np.stack([i, j, k], -1))


def bending(transform, points):
    """How far points end from the nearest rigid motion of all of them (by SimpleITK), in voxels; the largest."""
    ends = transform_points(transform, points)
    rigid = sitk.LandmarkBasedTransformInitializer(
        sitk.VersorRigid3DTransform(), points.ravel().tolist(), ends.ravel().tolist()
    )
    offsets = (ends - transform_points(rigid, points)) @ np.linalg.inv(FIXED.axes).T
    return np.linalg.norm(offsets, axis=1).max()


def errors(transform, points):
    return np.linalg.norm(transform_points(transform, points) - truth(points), axis=1)


def test_a_rigid_region_moves_rigidly_to_a_twentieth_of_a_voxel_after_an_affine_alignment(free, held):
    points = voxels_of(bone())
    assert bending(free.transform, points) > 0.4
    assert bending(held.transform, points) < 0.05
    stretches = np.linalg.svd(np.reshape(sitk.AffineTransform(held.linear).GetMatrix(), (3, 3)), compute_uv=False)
    assert np.ptp(stretches) > 0.02
    assert held.facts["rigid_regions"] == [1]


def test_nothing_folds_around_a_rigid_region(held):
    assert deformation_statistics(jacobian_image(held.transform, FIXED)).folded_voxels == 0


def test_a_rigid_region_goes_where_it_belongs_and_the_rest_as_well(free, held):
    points, others = voxels_of(bone()), inner_points(FIXED, 500, 0.12)
    assert errors(held.transform, points).mean() < 0.8 * errors(free.transform, points).mean()
    assert errors(held.transform, others).mean() < 1.1 * errors(free.transform, others).mean()


def test_the_inverse_brings_a_rigid_region_back(held):
    points = voxels_of(bone())
    back = held.warp_points(transform_points(held.transform, points))
    assert np.linalg.norm(back - points, axis=1).max() < 0.2


def test_a_rigid_region_is_rigid_where_the_field_is_stored_coarsely(pair, monkeypatch):
    monkeypatch.setattr(working, "LARGEST_STORED_FIELD", 0)
    result = register(*pair, options=OPTIONS, guidance=Guidance(rigid=bone()))
    assert bending(result.transform, voxels_of(bone())) < 0.05
    assert deformation_statistics(jacobian_image(result.transform, FIXED)).folded_voxels == 0


def test_a_rigid_region_at_the_border_of_the_volume_is_rigid_up_to_the_border(pair):
    index = np.indices(FIXED.shape)
    spine = FIXED.image(((np.abs(index[2] - 52) < 4) & (np.abs(index[1] - 20) < 4)).astype(np.uint8))
    result = register(*pair, options=OPTIONS, guidance=Guidance(rigid=spine))
    assert bending(result.transform, voxels_of(spine)) < 0.05
    assert deformation_statistics(jacobian_image(result.transform, FIXED)).folded_voxels == 0


def test_several_regions_move_each_by_itself(pair):
    other = FIXED.index_to_physical([[14, 34, 12]])[0]
    near = np.linalg.norm(voxel_centers(FIXED) - other, axis=1).reshape(FIXED.shape) < 6
    masks = [NamedMask(3, "femur", sitk.GetArrayFromImage(bone())), NamedMask(8, "tibia", near)]
    result = register(*pair, options=OPTIONS, guidance=Guidance(rigid=StructureMasks.of_masks(masks, FIXED)))
    assert result.facts["rigid_regions"] == ["femur", "tibia"]
    bodies = [voxels_of(bone()), voxels_of(FIXED.image(near.astype(np.uint8)))]
    assert max(bending(result.transform, points) for points in bodies) < 0.05
    assert bending(result.transform, np.concatenate(bodies)) > 0.3
    assert deformation_statistics(jacobian_image(result.transform, FIXED)).folded_voxels == 0


def test_landmarks_in_a_rigid_region_move_all_of_it():
    random = np.random.default_rng(0)
    noise = FIXED.image(random.random(FIXED.shape).astype(np.float32))
    points = np.add(BONE, [[8, 0, 0], [-8, 0, 0], [0, 5, 0], [0, -5, 3.0]])
    counterparts = (points - BONE) @ ROTATION.T + BONE + [3.0, -2.0, 1.0]
    chosen = RegistrationOptions.preset("fast", prealignment="none", use_network=False, device="cpu")
    guidance = Guidance(PointList(points), PointList(counterparts), rigid=bone())
    result = register(noise, noise, options=chosen, guidance=guidance)
    body = voxels_of(bone())
    expected = (body - BONE) @ ROTATION.T + BONE + [3.0, -2.0, 1.0]
    assert np.linalg.norm(transform_points(result.transform, body) - expected, axis=1).max() < 0.5
    assert bending(result.transform, body) < 0.05


def test_rigid_regions_that_cannot_be_kept_are_refused_in_a_sentence(pair):
    masks = StructureMasks.of_masks([NamedMask(number, "", sitk.GetArrayFromImage(bone())) for number in (1, 2)], FIXED)
    with pytest.raises(InputError, match="Rigid regions overlap"):
        register(*pair, options=OPTIONS, guidance=Guidance(rigid=masks))
    with pytest.raises(InputError, match="The rigid region covers the whole volume"):
        register(*pair, options=OPTIONS, guidance=Guidance(rigid=FIXED.empty_image() + 1))
    field = sitk.DisplacementFieldTransform(sitk.Image(FIXED.size, sitk.sitkVectorFloat64))
    chosen = RegistrationOptions.preset("fast", use_network=False, device="cpu", initial_transform=field)
    with pytest.raises(InputError, match="after a deformable initial transform"):
        register(*pair, options=chosen, guidance=Guidance(rigid=bone()))


def test_the_logarithm_of_a_rotation_is_the_cross_product_with_its_vector():
    axis = np.array([0.3, -0.5, 0.4])
    angle = np.linalg.norm(axis)
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    unit = cross / angle
    rotation = np.eye(3) + np.sin(angle) * unit + (1 - np.cos(angle)) * unit @ unit  # Rodrigues
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    np.testing.assert_allclose(logarithm(matrix)[:3, :3], cross, atol=1e-9)
    matrix[:3, 3] = [4.0, -7.0, 11.0]
    np.testing.assert_allclose(exponential(logarithm(matrix)), matrix, atol=1e-9)


def test_the_best_rigid_map_is_that_of_simpleitk():
    random = np.random.default_rng(0)
    source = random.normal(0, 10, (20, 3))
    target = source @ ROTATION.T + [5.0, -3.0, 2.0] + random.normal(0, 0.5, (20, 3))
    theirs = sitk.LandmarkBasedTransformInitializer(
        sitk.VersorRigid3DTransform(), source.ravel().tolist(), target.ravel().tolist()
    )
    matrix = best_rigid(source, target, np.full(20, 0.1))
    np.testing.assert_allclose(source @ matrix[:3, :3].T + matrix[:3, 3], transform_points(theirs, source), atol=1e-6)


def test_points_drift_along_the_circle_of_a_rotating_field():
    grid = oblique_grid((40, 40, 20), (1.0, 1.0, 2.0))
    lengths, center = torch.from_numpy(extent(grid)).float(), torch.from_numpy(extent(grid) / 2).float()
    y, x = (torch.arange(n) + 0.5 - n / 2 for n in grid.shape[1:])
    speed = torch.zeros(1, 3, *grid.shape)
    speed[0, 1], speed[0, 2] = -0.7 * x[None, None, :], 0.7 * y[None, :, None]
    start = grid.center + 9 * np.reshape(grid.direction, (3, 3))[:, 0]
    paths = trajectories(speed, torch.from_numpy(from_physical([start], grid)).float(), lengths)[:, 0] - center
    angles = 0.7 * np.linspace(0, 1, len(paths))
    expected = 9 * np.stack([0 * angles, -np.sin(angles), np.cos(angles)], 1)
    np.testing.assert_allclose(paths.numpy(), expected, atol=2e-3)
