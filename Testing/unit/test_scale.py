"""Lengths, intensities and extents of any scale: the result in voxels is that of the same pair at an ordinary scale."""

import json

import numpy as np
import pytest
import SimpleITK as sitk
from cases.modality import voxels, with_values
from cases.scale import (
    body_pair,
    error_in_voxels,
    part_of,
    points_in_both,
    resized,
    resized_mapping,
)
from SAMRegistrationLib.cli import main
from SAMRegistrationLib.errors import InputError, SAMRegistrationError
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.metrics import hatching
from SAMRegistrationLib.quantities import number_text, volume_text
from SAMRegistrationLib.registration import RegistrationOptions, register
from SAMRegistrationLib.registration.coverage import covered_share
from unit.phantoms import Anatomy, oblique_grid

OPTIONS = RegistrationOptions.preset(
    "balanced", use_network=False, device="cpu", fixed_modality="mr", moving_modality="mr"
)
WITH_NETWORK = RegistrationOptions.preset("balanced", device="cpu", fixed_modality="mr", moving_modality="mr")
IDENTITY = sitk.Transform(3, sitk.sitkIdentity)


@pytest.fixture(scope="module")
def pair():
    return body_pair()


@pytest.fixture(scope="module")
def ordinary(pair):
    """The error in voxels with the voxels of a human scan."""
    fixed, moving, mapping = pair
    return error_in_voxels(register(fixed, moving, options=OPTIONS).transform, fixed, mapping)


@pytest.mark.parametrize("factor", [1e-4, 1e-3, 1e-2, 0.1, 10.0, 1000.0])
def test_voxels_of_another_size_give_the_same_error_in_voxels(pair, ordinary, factor):
    fixed, moving, mapping = pair
    small = [resized(image, factor) for image in (fixed, moving)]
    result = register(*small, options=OPTIONS)
    assert abs(error_in_voxels(result.transform, small[0], resized_mapping(mapping, factor)) - ordinary) < 0.02
    points = Grid.of(small[0]).corners()
    there = [result.inverse.TransformPoint(result.transform.TransformPoint(point)) for point in points.tolist()]
    assert np.abs(Grid.of(small[0]).physical_to_index(there) - Grid.of(small[0]).physical_to_index(points)).max() < 0.1


@pytest.mark.parametrize("factor", [0.03, 0.3, 3.0])
def test_a_factor_that_is_no_power_of_ten_does_no_harm(pair, ordinary, factor):
    fixed, moving, mapping = pair
    result = register(resized(fixed, factor), resized(moving, factor), options=OPTIONS)
    error = error_in_voxels(result.transform, resized(fixed, factor), resized_mapping(mapping, factor))
    assert error < ordinary + 0.05


def test_an_aligned_pair_of_ten_micrometers_is_registered_from_the_command_line(pair, tmp_path, capsys):
    fixed = resized(pair[0], 0.01)
    sitk.WriteImage(fixed, str(tmp_path / "a.nrrd"))
    sitk.WriteImage(fixed * 2 + 1, str(tmp_path / "b.nrrd"))
    mask = np.zeros(Grid.of(fixed).shape, np.uint8)
    mask[8:14, 15:25, 18:30] = 1
    sitk.WriteImage(Grid.of(fixed).image(mask), str(tmp_path / "l.nrrd"))
    (tmp_path / "p.csv").write_text("x,y,z\n" + ",".join(map(str, Grid.of(fixed).center)) + "\n", encoding="utf-8")
    (tmp_path / "q.csv").write_text(
        "x,y,z\n" + ",".join(map(str, np.add(Grid.of(fixed).center, (0.003, 0, 0)))) + "\n", encoding="utf-8"
    )
    labels = [f"--{side}-labels={tmp_path / 'l.nrrd'}" for side in ("fixed", "moving")]
    points = [f"--fixed-landmarks={tmp_path / 'p.csv'}", f"--moving-landmarks={tmp_path / 'q.csv'}"]
    command = ["register", str(tmp_path / "a.nrrd"), str(tmp_path / "b.nrrd"), "-o", str(tmp_path / "out")]
    assert main([*command, "--preset", "fast", "--no-network", *labels, *points]) == 0
    assert "Landmark error: 0.003 mm before" in capsys.readouterr().out
    transform = sitk.ReadTransform(str(tmp_path / "out" / "transform.h5"))
    assert error_in_voxels(transform, fixed, np.asarray) < 0.1
    milliliters = mask.sum() * np.prod(fixed.GetSpacing()) / 1000
    structure = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))["after"]["structures"][0]
    assert structure["fixed_ml"] == pytest.approx(milliliters)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert f"<td>{milliliters * 1e3:.3g} mm³</td>" in page
    assert "0.00 ml" not in page
    assert "one line every 0.025 mm" in page


@pytest.mark.parametrize(("slope", "intercept"), [(1e-30, 0), (1e-15, 0), (1e-6, -1e-6), (1e6, 3e6), (1.0, 1000.0)])
def test_intensities_of_another_scale_give_the_same_registration(pair, ordinary, slope, intercept):
    fixed, moving, mapping = pair
    changed = [with_values(i, voxels(i).astype(np.float64) * slope + intercept) for i in (fixed, moving)]
    for dtype in (np.float64, np.float32):
        images = [with_values(image, voxels(image).astype(dtype)) for image in changed]
        result = register(*images, options=OPTIONS)
        assert error_in_voxels(result.transform, fixed, mapping) == pytest.approx(ordinary, abs=0.02)


@pytest.mark.parametrize("negative", [False, True])
def test_an_inverted_contrast_and_negative_values_are_values_like_others(pair, ordinary, negative):
    fixed, moving, mapping = pair
    images = [with_values(image, -voxels(image) - 5 if negative else voxels(image)) for image in (fixed, moving)]
    result = register(*images, options=OPTIONS)
    assert error_in_voxels(result.transform, fixed, mapping) < ordinary + 0.2


def test_the_whole_range_of_uint16_is_registered(pair, ordinary):
    fixed, moving, mapping = pair
    images = [with_values(i, np.clip((voxels(i) + 1) / 4 * 65535, 0, 65535).astype(np.uint16)) for i in (fixed, moving)]
    assert error_in_voxels(register(*images, options=OPTIONS).transform, fixed, mapping) < ordinary + 0.05


@pytest.mark.parametrize("size", [(20, 20, 12), (14, 14, 9), (44, 50, 4)])
def test_a_small_part_of_the_moving_volume_finds_its_place(pair, size):
    fixed, moving, mapping = pair
    part = part_of(moving, [(n - s) // 2 for n, s in zip(moving.GetSize(), size)], size)
    assert Grid.of(part).volume < 0.25 * Grid.of(fixed).volume
    points = points_in_both(fixed, part, mapping)
    before, after = (
        error_in_voxels(transform, fixed, mapping, points)
        for transform in (IDENTITY, register(fixed, part, options=OPTIONS).transform)
    )
    assert after < 0.5 * before


@pytest.mark.parametrize("side", ["fixed", "moving"])
@pytest.mark.parametrize("place", [(20, 20, 9), (34, 26, 14)])
def test_a_small_part_that_lies_in_place_already_is_accepted_and_stays(side, place):
    grid = oblique_grid((64, 56, 30), (0.9, 1.1, 2.0))
    whole = Anatomy(grid.center, seed=3).image(grid)
    part = part_of(whole, place, (24, 22, 12))
    assert Grid.of(part).volume < 0.1 * Grid.of(whole).volume
    images = (part, whole) if side == "fixed" else (whole, part)
    result = register(*images, options=OPTIONS)
    points = points_in_both(*images, np.asarray)
    assert error_in_voxels(result.transform, whole, np.asarray, points) < 0.5


def test_the_overlap_is_the_share_of_the_smaller_volume():
    whole = oblique_grid((40, 40, 20), (1.0, 1.0, 2.0))
    part = whole.crop((10, 10, 5), (10, 10, 5))
    assert covered_share(whole, part, IDENTITY) == covered_share(part, whole, IDENTITY) == 1
    half = whole.crop((20, 0, 0), (40, 40, 20))
    assert covered_share(whole, half, IDENTITY) == pytest.approx(0.5, abs=0.06)
    assert covered_share(whole, whole.crop((100, 0, 0), (40, 40, 20)), IDENTITY) == 0


def test_volumes_that_cannot_be_brought_to_overlap_are_told_the_ways_out(pair, monkeypatch):
    monkeypatch.setattr("SAMRegistrationLib.registration.prealign._evaluate", lambda *arguments: None)
    with pytest.raises(SAMRegistrationError, match=r"initial transform.*pre-alignment none"):
        register(*pair[:2], options=OPTIONS)


@pytest.mark.parametrize(("factor", "larger"), [(1e-3, "fixed"), (1e3, "moving")])
def test_a_spacing_in_another_unit_is_told(pair, factor, larger):
    fixed, moving, _ = pair
    notes = register(fixed, resized(moving, factor), options=OPTIONS).notes
    (note,) = (note for note in notes if note.startswith(f"The {larger} volume is "))
    assert "check the unit of their spacing" in note


@pytest.mark.parametrize("options", [OPTIONS, WITH_NETWORK], ids=["refined", "predicted"])
@pytest.mark.parametrize("slices", [2, 3])
@pytest.mark.parametrize("thin", ["fixed", "moving", "both"])
def test_two_or_three_slices_are_registered(pair, options, slices, thin):
    fixed, moving, mapping = pair
    if thin in ("fixed", "both"):
        fixed = part_of(fixed, (0, 0, 10), (48, 40, slices))
    if thin in ("moving", "both"):
        moving = part_of(moving, (0, 0, 14), (44, 50, slices))
    result = register(fixed, moving, options=options)
    points = points_in_both(fixed, moving, mapping, 0.05)
    before, after = (error_in_voxels(t, fixed, mapping, points) for t in (IDENTITY, result.transform))
    assert after < 0.75 * before
    assert result.warp().GetSize() == fixed.GetSize()


@pytest.mark.parametrize("side", ["fixed", "moving"])
def test_a_single_slice_is_refused_with_its_size(pair, side):
    one = part_of(pair[0], (0, 0, 10), (48, 40, 1))
    images = (one, pair[1]) if side == "fixed" else (pair[1], one)
    with pytest.raises(InputError, match=rf"The {side} volume is a single slice \(48 x 40 x 1 voxels\)"):
        register(*images, options=OPTIONS)


def test_a_long_thin_volume_of_a_few_rows_is_registered():
    grid = Grid((400, 6, 5), (0.15, 8.0, 8.0))
    anatomy, shift = Anatomy(grid.center, seed=3), np.array([3.0, 1.0, -1.0])
    fixed, moving = anatomy.image(grid, lambda points: points + shift), anatomy.image(grid)
    result = register(fixed, moving, options=OPTIONS)
    inner = grid.index_to_physical([[i, 2.5, 2] for i in range(100, 300, 10)])
    errors = np.linalg.norm([np.subtract(result.transform.TransformPoint(p), p + shift) for p in inner], axis=1)
    assert errors.mean() < 0.5 * np.linalg.norm(shift)


def test_hatching_has_stripes_in_a_fold_of_micrometers():
    marked = np.zeros((20, 20, 20), bool)
    marked[5:12, 5:14, 5:15] = True
    patterns = [hatching(marked, Grid((20,) * 3, (size,) * 3))[0] for size in (1.0, 1e-3)]
    np.testing.assert_array_equal(*patterns)
    assert 0.3 < patterns[0][patterns[0].shape[0] // 2].mean() < 0.7


@pytest.mark.parametrize(
    ("milliliters", "text"),
    [
        (14.306, "14.31 ml"),
        (0.1, "0.10 ml"),
        (0.0143, "14.30 mm3"),
        (2.88e-6, "0.00288 mm3"),
        (1.2e-9, "1200 um3"),
        (0.0, "0 ml"),
    ],
)
def test_a_volume_is_told_in_the_unit_of_its_size(milliliters, text):
    assert volume_text(milliliters) == text


@pytest.mark.parametrize(
    ("value", "text"), [(3.184, "3.18"), (0.00318, "0.00318"), (0.0, "0.00"), (1e-12, "0.00"), (None, "-")]
)
def test_a_small_length_keeps_three_digits(value, text):
    assert number_text(value, 2) == text
