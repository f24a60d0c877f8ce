"""What a volume is taken for: metal, padding, lost units and other modalities, and what is told of it."""

import numpy as np
import pytest
import SimpleITK as sitk
from cases.modality import (
    as_float_share,
    as_uint8,
    ct_pair,
    lung_only,
    outside_circle,
    points_in_body,
    voxels,
    with_metal,
    with_padding,
    with_values,
    without_rescale,
)
from cases.scale import error_in_voxels
from SAMRegistrationLib.cli import main
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.registration import RegistrationOptions, register
from SAMRegistrationLib.volumes import guess_modality, holds_hounsfield_units, intensity_window, normalize
from unit.phantoms import voxel_centers

CT = {"fixed_modality": "ct", "moving_modality": "ct"}
RANDOM = np.random.default_rng(0)


@pytest.fixture(scope="module")
def pair():
    return ct_pair()


@pytest.fixture(scope="module")
def plain(pair):
    """The error in voxels of the pair as it is."""
    return error_of(pair, *pair[:2])[0]


def error_of(pair, fixed, moving, **options):
    result = register(
        fixed, moving, options=RegistrationOptions.preset("balanced", use_network=False, device="cpu", **options)
    )
    return error_in_voxels(result.transform, pair[0], pair[2], points_in_body(pair[0], pair[2])), result


def test_a_ct_pair_is_registered_within_a_modality_without_a_word(pair):
    _, result = error_of(pair, *pair[:2])
    assert (result.facts["similarity"], result.notes) == ("lncc", [])


@pytest.mark.parametrize("share", [0.003, 0.006, 0.03])
@pytest.mark.parametrize("side", ["fixed", "moving"])
def test_metal_does_not_decide_what_a_ct_is(pair, share, side):
    image = with_metal(pair[side == "moving"], share)
    assert guess_modality(image) == "ct"
    assert intensity_window(image, "ct") == intensity_window(pair[side == "moving"], "ct") == (-200.0, 300.0)


def test_metal_in_both_volumes_costs_no_accuracy(pair, plain):
    fixed, moving, mapping = pair
    place = Grid.of(fixed).index_to_physical([np.multiply(fixed.GetSize(), (0.5, 0.3, 0.5))])
    images = []
    for image, center in ((fixed, place), (moving, mapping(place))):
        distance = np.linalg.norm(voxel_centers(Grid.of(image)) - center, axis=1).reshape(voxels(image).shape)
        assert (distance < 7).mean() > 0.005
        images.append(with_values(image, np.where(distance < 7, np.float32(30000), voxels(image))))
    error, result = error_of(pair, *images)
    assert result.facts["similarity"] == "lncc"
    assert error < plain + 0.1


@pytest.mark.parametrize("value", [-1024, -2000, -2048, -3024, -8192, -32768])
@pytest.mark.parametrize("both", [False, True])
def test_padding_outside_the_scanned_circle_leaves_a_ct_a_ct(pair, plain, value, both):
    fixed = with_padding(pair[0], -2000) if both else pair[0]
    error, result = error_of(pair, fixed, with_padding(pair[1], value))
    assert (result.facts["fixed_modality"], result.facts["moving_modality"]) == ("ct", "ct")
    assert error < plain + 0.2


@pytest.mark.parametrize("share", [0.0, 0.03])
def test_padding_and_metal_together_leave_a_ct_a_ct(pair, share):
    assert guess_modality(with_padding(with_metal(pair[0], max(share, 0.006)), -2000)) == "ct"


def test_a_sentinel_in_an_mr_volume_does_not_flatten_it(pair):
    tissue = np.where(voxels(pair[0]) > -500, 400 + voxels(pair[0]), 0)
    plain = with_values(pair[0], tissue.astype(np.int16))
    outside = outside_circle(pair[0])
    padded = with_values(pair[0], np.where(outside, -32768, tissue).astype(np.int16))
    assert guess_modality(padded) == "mr"
    np.testing.assert_allclose(intensity_window(padded, "mr"), intensity_window(plain, "mr"), rtol=0.1, atol=20)
    unit = voxels(normalize(padded, "mr"))
    assert not unit[outside].any()
    inside = ~outside & (tissue > 100)
    assert unit[inside].std() > 0.8 * voxels(normalize(plain, "mr"))[inside].std()


KINDS = {
    "low dose CT": (lambda v: v + RANDOM.normal(0, 100, v.shape), "ct"),
    "cone-beam CT": (lambda v: 0.8 * v + 100 + RANDOM.normal(0, 60, v.shape), "ct"),
    "CT cut off at a window": (lambda v: np.clip(v, -200, 300), "ct"),
    "CT cut off at a narrow window": (lambda v: np.clip(v, -160, 240), "ct"),
    "CT in air of one value": (lambda v: np.where(v > -500, v, -1000), "ct"),
    "CT with NaN outside": (lambda v: np.where(v < -995, np.nan, v), "ct"),
    "MR": (lambda v: np.where(v > -500, 400 + v, 0), "mr"),
    "real part of MR": (lambda v: (v + 1000) / 2 * RANDOM.choice([-1, 1], v.shape), "mr"),
    "real part of noise": (lambda v: RANDOM.normal(0, 700, v.shape), "mr"),
    "phase in steps": (lambda v: RANDOM.integers(-4096, 4095, v.shape), "mr"),
    "phase in radians": (lambda v: RANDOM.uniform(-np.pi, np.pi, v.shape), "mr"),
    "inverted MR": (lambda v: np.where(v > -500, -400 - v, 0), "mr"),
    "PET": (lambda v: np.where(v > -500, RANDOM.gamma(2, 2, v.shape), 0), "mr"),
    "PET with negative noise": (
        lambda v: np.where(v > -500, RANDOM.gamma(2, 2000, v.shape), 0) + RANDOM.normal(0, 200, v.shape),
        "mr",
    ),
    "CT without rescale": (lambda v: v + 1024, "mr"),
    "CT as a share": (lambda v: (v + 1000) / 2000, "mr"),
    "bytes": (lambda v: np.round(np.clip((v + 200) / 500, 0, 1) * 255).astype(np.uint8), "mr"),
    "whole uint16": (lambda v: RANDOM.integers(0, 65535, v.shape).astype(np.uint16), "mr"),
    "binary": (lambda v: (v > -500).astype(np.uint8), "mr"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_volume_is_taken_for_what_its_values_say(pair, kind):
    change, expected = KINDS[kind]
    values = np.asarray(change(voxels(pair[0]).astype(np.float64)))
    assert guess_modality(with_values(pair[0], values)) == expected


@pytest.mark.parametrize(
    ("change", "sentence"),
    [(as_float_share, "(0 to 0.6"), (without_rescale, "(0 to 1"), (as_uint8, "(0 to 2")],
)
def test_a_ct_whose_values_are_no_hounsfield_units_is_scaled_by_percentiles_and_told(pair, plain, change, sentence):
    error, result = error_of(pair, pair[0], change(pair[1]), **CT)
    (note,) = result.notes
    assert note.startswith("The moving volume is called CT, but its values")
    assert sentence in note
    assert error < plain + 0.6
    assert not holds_hounsfield_units(change(pair[1]))


def test_what_was_guessed_and_what_follows_is_told_where_the_sides_differ(pair):
    _, result = error_of(pair, pair[0], as_float_share(pair[1]))
    (note,) = result.notes
    assert "the fixed volume was taken for CT and the moving volume was taken for MR" in note
    assert "across modalities (MIND)" in note
    assert "--fixed-modality" in note


def test_kinds_that_were_said_are_not_told_again(pair):
    _, result = error_of(pair, pair[0], as_float_share(pair[1]), fixed_modality="ct", moving_modality="other")
    assert result.notes == []


def test_a_ct_that_is_called_mr_is_told(pair):
    _, result = error_of(pair, *pair[:2], fixed_modality="mr", moving_modality="mr")
    assert [note for note in result.notes if "called MR, but its values look like Hounsfield units" in note]


def test_the_terminal_and_the_report_tell_the_guess(pair, tmp_path, capsys):
    sitk.WriteImage(pair[0], str(tmp_path / "ct.nii.gz"))
    sitk.WriteImage(as_float_share(pair[1]), str(tmp_path / "share.nii.gz"))
    command = ["register", str(tmp_path / "ct.nii.gz"), str(tmp_path / "share.nii.gz"), "-o", str(tmp_path / "out")]
    assert main([*command, "--preset", "fast", "--no-network"]) == 0
    for text in (capsys.readouterr().out, (tmp_path / "out" / "report.html").read_text(encoding="utf-8")):
        assert "the fixed volume was taken for CT and the moving volume was taken for MR" in text


@pytest.mark.parametrize("whole", [False, True])
def test_lung_without_soft_tissue_is_a_ct_with_the_window_of_lung(pair, whole):
    lung = lung_only(pair[1], 2)
    fixed = pair[0] if whole else lung_only(pair[0], 1)
    assert intensity_window(lung, "ct") == (-1000.0, 200.0)
    error, result = error_of(pair, fixed, lung, **CT)
    before = error_in_voxels(sitk.Transform(3, sitk.sitkIdentity), pair[0], pair[2], points_in_body(pair[0], pair[2]))
    assert error < 0.5 * before
    assert result.facts["similarity"] == "lncc"


def test_nan_outside_is_background_and_told(pair, plain):
    values = [np.where(v < -500, np.nan, v) for v in map(voxels, pair[:2])]
    images = [with_values(image, v.astype(np.float32)) for image, v in zip(pair[:2], values)]
    error, result = error_of(pair, *images, **CT)
    assert error < plain + 0.5
    assert len([note for note in result.notes if "are NaN and were taken as background" in note]) == 2
    assert np.isfinite(voxels(result.warp())).all()


@pytest.mark.parametrize(("value", "sentence"), [(np.inf, "infinite voxels"), (np.nan, "NaN in every voxel")])
def test_infinite_values_and_nothing_but_nan_are_refused(pair, value, sentence):
    values = voxels(pair[0])
    values[3:] = value
    values[:3] = np.nan if np.isnan(value) else values[:3]
    with pytest.raises(InputError, match=sentence):
        register(with_values(pair[0], values), pair[1])
