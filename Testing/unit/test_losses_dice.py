"""Soft Dice against MONAI, counting, and finite differences."""

import pytest
import torch
from SAMRegistrationLib.losses.dice import soft_dice


def test_soft_dice_is_that_of_monai():
    losses = pytest.importorskip("monai.losses")
    a, b = torch.rand(2, 3, 4, 6, 5, 7)
    oracle = losses.DiceLoss(squared_pred=True, smooth_nr=0, smooth_dr=0)
    torch.testing.assert_close(soft_dice(a, b), oracle(a, b))


def test_of_binary_masks_it_is_one_minus_the_counted_dice():
    a, b = torch.rand(2, 1, 1, 9, 8, 7) > 0.6
    counted = 2 * int((a & b).sum()) / (int(a.sum()) + int(b.sum()))
    assert soft_dice(a.float(), b.float()).item() == pytest.approx(1 - counted)


def test_equal_soft_masks_cost_nothing():
    a = torch.rand(2, 3, 5, 5, 5)
    assert soft_dice(a, a).item() == pytest.approx(0, abs=1e-6)


def test_structures_absent_in_one_image_do_not_count():
    a, b = torch.rand(2, 1, 3, 5, 6, 4)
    a[:, 1] = 0
    torch.testing.assert_close(soft_dice(a, b), soft_dice(a[:, [0, 2]], b[:, [0, 2]]))


def test_every_pair_of_the_batch_weighs_the_same_whatever_its_number_of_structures():
    a, b = torch.rand(2, 2, 3, 5, 6, 4)
    a[1, :2] = 0
    expected = (soft_dice(a[:1], b[:1]) + soft_dice(a[1:], b[1:])) / 2
    torch.testing.assert_close(soft_dice(a, b), expected)


def test_only_the_structures_asked_for_count():
    a, b = torch.rand(2, 1, 3, 5, 6, 4)
    present = torch.tensor([[True, False, False]])
    torch.testing.assert_close(soft_dice(a, b, present), soft_dice(a[:, :1], b[:, :1]))


def test_without_structures_it_is_zero_with_a_zero_gradient():
    a = torch.zeros(1, 2, 3, 3, 3, requires_grad=True)
    loss = soft_dice(a, torch.zeros(1, 2, 3, 3, 3))
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(a.grad, torch.zeros_like(a))


def test_the_gradient_agrees_with_finite_differences():
    a, b = torch.rand(2, 2, 2, 3, 3, 3, dtype=torch.float64)
    assert torch.autograd.gradcheck(soft_dice, (a.requires_grad_(), b.requires_grad_()))
