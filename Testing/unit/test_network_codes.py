"""Codes of the structures."""

import numpy as np
import torch
from network_samples import a_pair
from SAMRegistrationLib.network.codes import canonical_order, code_images, default_codes, random_codes


def test_up_to_the_code_size_the_codes_are_orthogonal_and_all_have_the_same_length():
    codes = random_codes(8, 8, np.random.default_rng(0))
    torch.testing.assert_close(codes @ codes.T, 8 * torch.eye(8), atol=1e-5, rtol=0)


def test_more_structures_than_numbers_in_a_code_still_have_different_codes():
    codes = default_codes(40, 8)
    similarity = codes @ codes.T / 8
    assert torch.allclose(similarity.diagonal(), torch.ones(40))
    assert (similarity - torch.eye(40)).max() < 0.97


def test_the_default_codes_are_always_the_same_and_grow_at_the_end():
    assert torch.equal(default_codes(20, 8)[:5], default_codes(5, 8))


def test_random_codes_are_uniform_over_directions():
    rng = np.random.default_rng(0)
    first = torch.stack([random_codes(1, 4, rng)[0] for _ in range(4000)])
    assert first.mean(0).abs().max() < 0.06
    torch.testing.assert_close(first.T @ first / 4000, torch.eye(4), atol=0.06, rtol=0)


def test_the_order_follows_the_places_and_not_the_numbers_of_the_structures():
    _, _, fixed, moving = a_pair(structures=6)
    order = canonical_order(fixed, moving)[0]
    permutation = torch.tensor([3, 1, 5, 0, 2, 4])
    other = canonical_order(fixed[:, permutation], moving[:, permutation])[0]
    assert torch.equal(permutation[other], order)


def test_concentric_structures_are_ordered_by_their_volume():
    fixed = torch.zeros(1, 2, 9, 9, 9)
    fixed[:, 0, 2:7, 2:7, 2:7] = 1
    fixed[:, 1, 3:6, 3:6, 3:6] = 1
    assert canonical_order(fixed, fixed)[0].tolist() == [1, 0]
    assert canonical_order(fixed.flip(1), fixed.flip(1))[0].tolist() == [0, 1]


def test_a_code_image_is_the_sum_of_the_codes_of_the_structures_at_a_voxel():
    fixed = torch.zeros(2, 3, 4, 4, 4)
    fixed[0, 0, 0], fixed[0, 1, 0, 0], fixed[0, 2, 3] = 1, 0.5, 1
    moving = fixed.clone()
    moving[0, 2] = 0
    codes = torch.arange(6.0).view(3, 2)
    image, _, structured = code_images(fixed, moving, 2, codes)
    assert image[0, :, 0, 0, 0].tolist() == [0 + 0.5 * 2, 1 + 0.5 * 3]
    assert image[0, :, 0, 1, 0].tolist() == [0, 1]
    assert image[0, :, 3].abs().max() == 0
    assert structured.tolist() == [True, False]


def test_each_pair_of_a_batch_may_have_its_own_codes():
    _, _, fixed, moving = a_pair(structures=3, batch=2)
    codes = torch.stack([random_codes(3, 8, np.random.default_rng(seed)) for seed in (0, 1)])
    image = code_images(fixed, moving, 8, codes)[0]
    for sample in (0, 1):
        alone = code_images(fixed[sample : sample + 1], moving[sample : sample + 1], 8, codes[sample])[0]
        torch.testing.assert_close(image[sample : sample + 1], alone)
