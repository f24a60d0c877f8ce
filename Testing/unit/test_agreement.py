"""Whether images look alike after a registration: the number by brute force, and who is told that they do not."""

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from cases.modality import ct_pair
from phantoms import Anatomy, affine_and_waves, oblique_grid
from SAMRegistrationLib.registration import Guidance, RegistrationOptions, register
from SAMRegistrationLib.registration.agreement import LOW, USUAL, local_correlation, unlike

CUBES, THICK = (1.0, 1.0, 1.0), (4.0, 1.0, 1.0)


def volume(values) -> torch.Tensor:
    return torch.from_numpy(np.asarray(values, dtype=np.float32))[None, None]


def random_volumes(shape=(6, 9, 8), seed=0):
    random = np.random.default_rng(seed)
    fixed = random.normal(size=shape)
    return fixed, 0.6 * fixed + 0.8 * random.normal(size=shape), (random.uniform(size=shape) > 0.2).astype(float)


def by_brute_force(fixed, moving, counted, sigmas):
    """Pearson's correlation at each voxel with weights from the distances, one voxel after the other."""
    index = np.indices(fixed.shape).reshape(3, -1).T
    counts = counted.ravel() > 0
    values, spreads = [], []
    for voxel in index:
        weights = np.exp(-0.5 * (((index - voxel) / sigmas) ** 2).sum(1))[counts]
        covariance = np.cov(fixed.ravel()[counts], moving.ravel()[counts], aweights=weights, ddof=0)
        values.append(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]))
        spreads.append(np.sqrt(covariance[0, 0]))
    values, spreads = np.array(values)[counts], np.array(spreads)[counts]
    return np.average(values, weights=np.minimum(spreads / spreads.mean(), 1))


@pytest.mark.parametrize(("spacing", "sigmas"), [(CUBES, (2, 2, 2)), (THICK, (0.5, 2, 2))])
def test_it_is_the_mean_of_local_correlations(spacing, sigmas):
    fixed, moving, counted = random_volumes()
    found = local_correlation(volume(fixed), volume(moving), volume(counted), spacing)
    assert found == pytest.approx(by_brute_force(fixed, moving, counted, sigmas), abs=0.01)


@pytest.mark.parametrize(("factor", "offset", "expected"), [(3.0, 500.0, 1.0), (-0.01, 2.0, -1.0)])
def test_scale_and_offset_of_intensities_do_not_count(factor, offset, expected):
    fixed, _, counted = random_volumes()
    found = local_correlation(volume(fixed), volume(factor * fixed + offset), volume(counted), CUBES)
    assert found == pytest.approx(expected, abs=0.01)


def test_independent_noise_has_none():
    fixed, moving = np.random.default_rng(3).normal(size=(2, 24, 24, 24))
    assert abs(local_correlation(volume(fixed), volume(moving), volume(np.ones_like(fixed)), CUBES)) < 0.05


def test_nothing_is_told_of_images_without_contrast_or_overlap():
    fixed, moving, counted = random_volumes()
    assert local_correlation(volume(np.ones_like(fixed)), volume(moving), volume(counted), CUBES) is None
    assert local_correlation(volume(fixed), volume(moving), volume(0 * fixed), CUBES) is None


def test_a_sentence_tells_of_images_that_stay_unlike():
    assert unlike({"prealigned": 0.2, "registered": LOW}) == []
    assert unlike({}) == unlike({"prealigned": 0.2}) == []
    (sentence,) = unlike({"prealigned": 0.2, "registered": 0.314})
    assert "0.31" in sentence
    assert f"{USUAL:g}" in sentence


GRID = oblique_grid()
FAST = {"device": "cpu", "fixed_modality": "mr", "moving_modality": "mr"}


def anatomy(seed, mapping=None):
    return Anatomy(GRID.center, seed=seed).image(GRID, mapping)


def registered(fixed, moving, guidance=None, **changes):
    options = RegistrationOptions.preset("fast", **{**FAST, **changes})
    return register(fixed, moving, options=options, guidance=guidance)


def told(result):
    return [note for note in result.notes if "unlike" in note]


def test_a_registration_that_succeeds_agrees():
    result = registered(anatomy(1, affine_and_waves(GRID.center)), anatomy(1))
    agreement = result.facts["image_agreement"]
    assert agreement["prealigned"] < agreement["registered"]
    assert agreement["registered"] > USUAL
    assert not told(result)


def texture(seed):
    """Grains of about two voxels, which no smooth deformation makes of one another."""
    grains = sitk.GetImageFromArray(np.random.default_rng(seed).normal(size=GRID.shape).astype(np.float32))
    return GRID.image(sitk.GetArrayFromImage(sitk.DiscreteGaussian(grains, 0.6)))


def test_images_that_share_nothing_are_told():
    result = registered(texture(1), texture(2))
    assert result.facts["image_agreement"]["registered"] < LOW
    assert told(result) == [result.notes[0]]


def test_a_region_to_be_ignored_does_not_count():
    lost = texture(2)
    half = np.zeros(GRID.shape, np.float32)
    half[:, :, 20:] = 1
    moving = sitk.GetArrayFromImage(anatomy(1)) * (1 - half) + sitk.GetArrayFromImage(lost) * half
    pair = anatomy(1), GRID.image(moving.astype(np.float32))
    region = GRID.image(half.astype(np.uint8))
    options = {"prealignment": "none"}
    ignoring = registered(*pair, Guidance(ignored_fixed=region, ignored_moving=region), **options)
    assert ignoring.facts["image_agreement"]["registered"] > 0.95
    assert registered(*pair, **options).facts["image_agreement"]["registered"] < 0.9


def test_without_a_deformation_only_the_pre_alignment_is_measured():
    result = registered(texture(1), texture(2), use_refinement=False, prealignment="rigid")
    assert list(result.facts["image_agreement"]) == ["prealigned"]
    assert not told(result)


def test_across_modalities_nothing_is_measured():
    fixed, moving, _ = ct_pair()
    result = registered(fixed, moving, fixed_modality="ct")
    assert "image_agreement" not in result.facts
