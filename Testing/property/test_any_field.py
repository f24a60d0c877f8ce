"""Dense fields of any shape: composing, integrating and resizing agree with plain arithmetic."""

import numpy as np
import torch
from cases.geometries import seeds, smooth_field
from hypothesis import given
from hypothesis import strategies as st
from SAMRegistrationLib.geometry import dense, flow_points, separable
from SAMRegistrationLib.geometry.grid import Grid
from scipy import ndimage

shapes = st.tuples(*[st.integers(1, 9)] * 3)
thick = st.tuples(*[st.integers(3, 9)] * 3)


@given(shapes, seeds, st.floats(0, 5), st.sampled_from(("bilinear", "nearest")))
def test_warping_agrees_with_scipy(shape, seed, amplitude, mode):
    image = np.random.default_rng(seed).random(shape).astype(np.float32)
    field = smooth_field(shape, amplitude, seed)
    places = np.stack(np.indices(shape)) + field[0].numpy()
    ours = dense.warp(torch.from_numpy(image)[None, None], field, mode)[0, 0].numpy()
    theirs = ndimage.map_coordinates(image, places, order=1 if mode == "bilinear" else 0, mode="nearest")
    doubtful = np.abs(np.abs(places - np.round(places)) - 0.5).min(axis=0) < 1e-3
    clear = np.ones(shape, bool) if mode == "bilinear" else ~doubtful
    np.testing.assert_allclose(ours[clear], theirs[clear], atol=2e-5)


@given(thick, seeds, st.floats(0, 2), st.floats(0, 2))
def test_composing_is_going_one_way_after_the_other(shape, seed, outer, inner):
    first, second = smooth_field(shape, outer, seed), smooth_field(shape, inner, seed + 1)
    start = torch.stack(torch.meshgrid(*(torch.arange(float(n)) for n in shape), indexing="ij"))[None]
    middle = start + second
    steps = [ndimage.map_coordinates(first[0, axis], middle[0].numpy(), order=1, mode="nearest") for axis in range(3)]
    composed = start + dense.compose(first, second)
    np.testing.assert_allclose(composed[0].numpy(), middle[0].numpy() + np.stack(steps), atol=1e-4)


@given(thick, st.tuples(*[st.floats(-0.3, 0.3)] * 12))
def test_the_jacobian_of_a_linear_map_is_its_determinant(shape, numbers):
    matrix, shift = np.reshape(numbers[:9], (3, 3)), np.array(numbers[9:])
    points = np.stack(np.indices(shape)).reshape(3, -1)
    field = (matrix @ points + shift[:, None]).reshape(1, 3, *shape).astype(np.float32)
    found = dense.jacobian(torch.from_numpy(field)).numpy()
    np.testing.assert_allclose(found, np.linalg.det(np.eye(3) + matrix), atol=1e-4)


@given(thick, seeds, st.floats(0, 20))
def test_enough_squarings_make_the_first_step_short(shape, seed, amplitude):
    velocity = smooth_field(shape, amplitude, seed)
    steps = dense.integration_steps(velocity)
    assert steps >= 1
    assert amplitude * 0.5**steps <= 0.25 + 1e-5
    assert steps == 1 or amplitude * 0.5 ** (steps - 1) > 0.25 - 1e-5


@given(st.tuples(*[st.floats(-3, 3)] * 3), thick)
def test_the_flow_of_a_constant_velocity_is_a_shift(speed, shape):
    velocity = torch.tensor(speed).view(1, 3, 1, 1, 1).expand(1, 3, *shape).contiguous()
    moved = dense.integrate(velocity, dense.integration_steps(velocity))
    np.testing.assert_allclose(moved.numpy(), velocity.numpy(), atol=1e-5)
    lengths = torch.tensor([2.0, 3.0, 1.5]) * torch.tensor(shape)
    points = torch.rand((5, 3), generator=torch.Generator().manual_seed(1)) * lengths
    track = flow_points.trajectories(velocity, points, lengths)
    shift = torch.tensor(speed) * torch.tensor([2.0, 3.0, 1.5])
    np.testing.assert_allclose(track[-1].numpy(), (points + shift).numpy(), atol=1e-4)


@given(thick, thick, st.tuples(*[st.floats(-3, 3)] * 3))
def test_a_field_at_another_resolution_moves_by_the_same_length(shape, other, shift):
    field = torch.tensor(shift).view(1, 3, 1, 1, 1).expand(1, 3, *shape)
    resized = dense.resize_field(field, other)
    expected = (np.array(shift) * other / np.array(shape))[:, None, None, None]
    np.testing.assert_allclose(resized[0].numpy(), np.broadcast_to(expected, (3, *other)), atol=1e-4)


@given(shapes, st.tuples(*[st.integers(1, 15)] * 3), st.floats(0, 3), st.integers(0, 4))
def test_filters_keep_constants_and_weigh_nothing_below_zero(shape, other, sigma, radius):
    like = torch.zeros(1, dtype=torch.float64)
    makers = (
        separable.gaussian(shape, [sigma] * 3, like),
        separable.box_mean(shape, [radius] * 3, like),
        separable.enlarge(shape, other, like),
        separable.shrink(shape, [min(n, m) for n, m in zip(shape, other)], like),
    )
    for matrices in makers:
        for matrix in matrices:
            assert (matrix >= 0).all()
        filtered = separable.apply(matrices, torch.full((1, 1, *shape), 3.0, dtype=torch.float64))
        np.testing.assert_allclose(filtered.numpy(), 3.0, atol=1e-12)
        assert filtered.shape[2:] == tuple(len(matrix) for matrix in matrices)


@given(st.tuples(*[st.integers(1, 30)] * 3), st.tuples(*[st.floats(0.1, 5)] * 3), seeds)
def test_points_in_the_frame_of_a_grid_are_measured_from_its_corner(size, spacing, seed):
    grid = Grid(size, spacing, (3.0, -4.0, 5.0))
    offsets = np.random.default_rng(seed).uniform(0, 20, (4, 3))
    corner = np.array(grid.origin) - np.array(spacing) / 2
    np.testing.assert_allclose(flow_points.from_physical(corner + offsets, grid), offsets[:, ::-1], atol=1e-9)
    np.testing.assert_allclose(flow_points.extent(grid), (np.array(size) * spacing)[::-1])
