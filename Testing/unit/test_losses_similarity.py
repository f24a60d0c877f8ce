"""Similarity losses against MONAI, brute force and analytic cases."""

import numpy as np
import pytest
import torch
from monai.losses import LocalNormalizedCrossCorrelationLoss
from SAMRegistrationLib.losses.intensities import lncc, mind, mutual_information


def images(seed=0, shape=(9, 10, 11), dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(1, 1, *shape, generator=generator, dtype=dtype) for _ in range(2))


def test_lncc_agrees_with_brute_force_in_every_window():
    a, b = images(shape=(5, 6, 7))
    values = []
    for z in range(5):
        for y in range(6):
            for x in range(7):
                window = (0, 0, slice(max(z - 1, 0), z + 2), slice(max(y - 1, 0), y + 2), slice(max(x - 1, 0), x + 2))
                values.append(np.corrcoef(a[window].flatten(), b[window].flatten())[0, 1] ** 2)
    assert lncc(10 * a, 10 * b, radius=1).item() == pytest.approx(1 - np.mean(values), abs=1e-4)


def test_lncc_agrees_with_monai_inside():
    a, b = images(1, (16, 16, 16))
    theirs = LocalNormalizedCrossCorrelationLoss(kernel_size=5, smooth_nr=0, reduction="none")(a, b)
    weight = torch.zeros_like(a)
    weight[..., 3:-3, 3:-3, 3:-3] = 1
    expected = 1 + (theirs * weight).sum() / weight.sum()
    assert lncc(10 * a, 10 * b, radius=2, weight=weight).item() == pytest.approx(expected.item(), abs=1e-4)


def test_lncc_is_blind_to_contrast_and_brightness_and_inversion():
    a, _ = images(2)
    assert lncc(a, 0.5 * a + 0.2).item() < 0.01
    assert lncc(a, 1 - a).item() < 0.01


def test_lncc_gradients_agree_with_finite_differences():
    a, b = (image.requires_grad_(True) for image in images(3, (4, 5, 6)))
    weight = torch.rand(1, 1, 4, 5, 6, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x, y: lncc(x, y, 1), (a, b))
    assert torch.autograd.gradcheck(lambda x, y: lncc(x, y, (1, 2, 1), weight), (a, b))


def test_lncc_does_not_care_about_flat_background():
    flat = torch.zeros(1, 1, 8, 8, 8, requires_grad=True)
    loss = lncc(torch.zeros(1, 1, 8, 8, 8), flat)
    loss.backward()
    assert torch.isfinite(flat.grad).all()


def test_mutual_information_of_independent_images_is_near_zero_and_of_equal_images_near_their_entropy():
    generator = torch.Generator().manual_seed(0)
    levels = torch.randint(0, 4, (1, 1, 40, 40, 40), generator=generator).double() / 3
    other = torch.randint(0, 4, (1, 1, 40, 40, 40), generator=generator).double() / 3
    assert -mutual_information(levels, other).item() == pytest.approx(0, abs=0.01)
    # four equally likely levels far apart: ln 4 nats, blurred by the Parzen windows of width 4 bins
    permuted = torch.tensor([2.0, 0.0, 3.0, 1.0], dtype=torch.float64)[(levels * 3).round().long()] / 3
    assert -mutual_information(levels, permuted, bins=64).item() == pytest.approx(np.log(4), abs=0.02)


def test_mutual_information_gradients_agree_with_finite_differences():
    a, b = (image.mul(0.8).add(0.1).requires_grad_(True) for image in images(4, (3, 4, 5)))
    assert torch.autograd.gradcheck(lambda x, y: mutual_information(x, y, bins=8), (a, b))


def test_mind_agrees_with_brute_force():
    image, _ = images(5, (6, 7, 8))
    descriptor = mind(image)
    assert descriptor.shape == (1, 12, 6, 7, 8)
    neighbors = [(-1, 0, 0), (0, 0, -1), (0, -1, 0), (0, 0, 1), (1, 0, 0), (0, 1, 0)]
    pairs = [
        (p, q)
        for i, p in enumerate(neighbors)
        for q in neighbors[i + 1 :]
        if sum((u - v) ** 2 for u, v in zip(p, q)) == 2
    ]
    padded = np.pad(image[0, 0].numpy(), 1, mode="edge")
    distances = np.zeros((12, 6, 7, 8))
    for number, (p, q) in enumerate(pairs):
        shifted = [padded[1 + dz : 7 + dz, 1 + dy : 8 + dy, 1 + dx : 9 + dx] for dz, dy, dx in (p, q)]
        square = (shifted[0] - shifted[1]) ** 2
        for index in np.ndindex(6, 7, 8):
            window = tuple(slice(max(i - 1, 0), i + 2) for i in index)
            distances[(number, *index)] = square[window].mean()
    distances -= distances.min(0)
    variance = distances.mean(0)
    expected = np.exp(-distances / np.clip(variance, variance.mean() * 1e-3, variance.mean() * 1e3))
    assert sorted(descriptor[0, :, 3, 3, 3].tolist()) == pytest.approx(sorted(expected[:, 3, 3, 3]), abs=1e-9)
    np.testing.assert_allclose(np.sort(descriptor[0].numpy(), 0), np.sort(expected, 0), atol=1e-9)


def test_mind_is_blind_to_an_inverted_contrast():
    image, _ = images(6, (10, 10, 10))
    torch.testing.assert_close(mind(image), mind(1 - image))
