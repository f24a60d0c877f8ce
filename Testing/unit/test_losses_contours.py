"""Contour points of analytic shapes, and the Chamfer distance against brute force in float64."""

import pytest
import torch
from SAMRegistrationLib.losses.contours import ContourSet, chamfer, contour_distance, nearest

SPACING = (2.5, 0.8, 1.2)


def a_ball(center, radius, shape=(20, 44, 36), spacing=SPACING):
    """A mask (1, *shape) of the ball with `center` and `radius` in mm along (z, y, x), with a soft border."""
    axes = [step * torch.arange(size) for size, step in zip(shape, spacing)]
    grid = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    distance = (grid - torch.tensor(center).view(3, 1, 1, 1)).square().sum(0).sqrt()
    return (0.5 + (radius - distance) / 5).clamp(0, 1)[None]


def brute_chamfer(a, b):
    squared = torch.cdist(a.double(), b.double(), compute_mode="donot_use_mm_for_euclid_dist").square()
    return squared.amin(1).mean() + squared.amin(0).mean()


def no_motion(shape=(20, 44, 36), batch=1):
    return torch.zeros(batch, 3, *shape)


def test_contour_points_lie_on_the_sphere_and_the_centroid_in_its_middle():
    center, radius = (24.0, 17.0, 21.0), 11.0
    points = ContourSet.from_masks(a_ball(center, radius), SPACING).points[0]
    distance = (points[:-1] - torch.tensor(center)).norm(dim=1)
    assert (distance - radius).abs().max() < 0.1
    torch.testing.assert_close(points[-1], torch.tensor(center), atol=0.1, rtol=0)


def test_contour_points_of_a_binary_box_lie_halfway_between_inside_and_outside():
    mask = torch.zeros(1, 6, 6, 6)
    mask[0, 2:4, 2:4, 2:4] = 1
    points = ContourSet.from_masks(mask, (2.0, 1.0, 1.0)).points[0]
    z, y, x = points[:-1].T
    assert len(points) == 6 * 4 + 1
    assert sorted(set(z.tolist())) == [3.0, 4.0, 6.0, 7.0]
    assert sorted(set(y.tolist())) == sorted(set(x.tolist())) == [1.5, 2.0, 3.0, 3.5]
    assert points[-1].tolist() == [5.0, 2.5, 2.5]


def test_where_the_volume_cuts_a_structure_off_there_is_no_contour():
    mask = torch.zeros(1, 6, 6, 6)
    mask[0, :3] = 1
    points = ContourSet.from_masks(mask, (1.0, 1.0, 1.0)).points[0]
    assert set(points[:-1, 0].tolist()) == {2.5}
    assert ContourSet.from_masks(torch.ones(1, 6, 6, 6), (1.0, 1.0, 1.0)).points[0].shape == (0, 3)


def test_the_budget_keeps_points_of_the_surface_and_the_seed_decides_which():
    ball = a_ball((24.0, 17.0, 21.0), 11.0)
    whole, few, again, other = (
        ContourSet.from_masks(ball, SPACING, budget, seed).points[0]
        for budget, seed in ((10**6, 0), (100, 0), (100, 0), (100, 1))
    )
    assert len(few) == 101 < len(whole)
    assert torch.equal(few, again)
    assert not torch.equal(few, other)
    assert {tuple(point) for point in few.tolist()} <= {tuple(point) for point in whole.tolist()}


def test_the_chamfer_distance_equals_brute_force():
    torch.manual_seed(0)
    a, b = 300 * torch.rand(500, 3), 300 * torch.rand(700, 3)
    assert chamfer(a, b).item() == pytest.approx(brute_chamfer(a, b).item(), rel=1e-5)


def test_nearest_neighbors_found_in_blocks_are_those_of_brute_force(monkeypatch):
    monkeypatch.setattr("SAMRegistrationLib.losses.contours.BLOCK", 1000)
    torch.manual_seed(0)
    a, b = 40 * torch.rand(301, 3, dtype=torch.float64), 40 * torch.rand(77, 3, dtype=torch.float64)
    assert torch.equal(nearest(a, b), torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist").argmin(1))


def test_the_loss_of_moved_contours_equals_brute_force_on_moved_points():
    fixed = ContourSet.from_masks(a_ball((24.0, 17.0, 21.0), 11.0), SPACING)
    moving = ContourSet.from_masks(a_ball((26.0, 14.0, 23.0), 9.0), SPACING)
    shift = torch.tensor([1.0, -2.0, 0.5])
    field = shift.view(1, 3, 1, 1, 1).expand(1, 3, 20, 44, 36)
    moved = fixed.points[0] + shift * torch.tensor(SPACING)
    expected = brute_chamfer(moved, moving.points[0])
    assert contour_distance(fixed, moving, field, SPACING).item() == pytest.approx(expected.item(), rel=1e-4)


def test_the_pull_back_field_that_aligns_the_masks_brings_the_loss_down_and_its_negative_up():
    center, offset = (24.0, 17.0, 21.0), (2.5, 4.0, -3.6)
    fixed = ContourSet.from_masks(a_ball(center, 9.0), SPACING)
    moving = ContourSet.from_masks(a_ball([c + o for c, o in zip(center, offset)], 9.0), SPACING)
    voxels = torch.tensor([o / s for o, s in zip(offset, SPACING)]).view(1, 3, 1, 1, 1)
    here, right, wrong = (
        contour_distance(fixed, moving, no_motion() + sign * voxels, SPACING).item() for sign in (0, 1, -1)
    )
    assert right < 2.0 < here < wrong
    assert contour_distance(moving, fixed, no_motion() - voxels, SPACING).item() < 2.0


def test_the_gradient_pulls_the_field_toward_the_moving_contour():
    fixed = ContourSet.from_masks(a_ball((24.0, 17.0, 21.0), 9.0), SPACING)
    moving = ContourSet.from_masks(a_ball((24.0, 21.0, 21.0), 9.0), SPACING)
    field = no_motion().requires_grad_()
    contour_distance(fixed, moving, field, SPACING).backward()
    assert field.grad[0, 1].sum() < 0
    assert field.grad[0, 1].sum().abs() > 5 * field.grad[0, 0].sum().abs()


def test_structures_are_compared_with_their_own_kind_only():
    here, there = a_ball((24.0, 12.0, 21.0), 6.0), a_ball((24.0, 24.0, 21.0), 6.0)
    both = ContourSet.from_masks(torch.cat([here, there]), SPACING)
    exchanged = ContourSet.from_masks(torch.cat([there, here]), SPACING)
    assert contour_distance(both, both, no_motion(), SPACING).item() == pytest.approx(0, abs=1e-4)
    assert contour_distance(both, exchanged, no_motion(), SPACING).item() > 50


def test_a_structure_missing_in_one_volume_does_not_count():
    ball, nothing = a_ball((24.0, 17.0, 21.0), 9.0), torch.zeros(1, 20, 44, 36)
    moved = a_ball((26.0, 17.0, 21.0), 9.0)
    one = contour_distance(*(ContourSet.from_masks(m, SPACING) for m in (ball, moved)), no_motion(), SPACING)
    two = contour_distance(
        ContourSet.from_masks(torch.cat([ball, ball]), SPACING),
        ContourSet.from_masks(torch.cat([moved, nothing]), SPACING),
        no_motion(),
        SPACING,
    )
    torch.testing.assert_close(one, two)
    field = no_motion().requires_grad_()
    empty = ContourSet.from_masks(nothing, SPACING)
    loss = contour_distance(empty, empty, field, SPACING)
    loss.backward()
    assert loss.item() == 0


def test_the_loss_of_a_batch_is_the_mean_over_its_pairs():
    sets = [ContourSet.from_masks(a_ball((24.0, 14.0 + 3 * i, 21.0), 8.0), SPACING) for i in range(3)]
    field = torch.randn(2, 3, 20, 44, 36)
    alone = [contour_distance(sets[i], sets[i + 1], field[i : i + 1], SPACING) for i in range(2)]
    torch.testing.assert_close(contour_distance(sets[:2], sets[1:], field, SPACING), torch.stack(alone).mean())


def test_the_gradient_agrees_with_finite_differences():
    generator = torch.Generator().manual_seed(0)
    shape = (4, 5, 3)
    fixed, moving = (
        ContourSet.from_masks(torch.rand(2, *shape, generator=generator), SPACING, budget=12) for _ in range(2)
    )
    field = torch.rand(1, 3, *shape, dtype=torch.float64, generator=generator).requires_grad_()
    assert torch.autograd.gradcheck(lambda u: contour_distance(fixed, moving, u, SPACING), (field,))
