"""The confidence map: larger where the truth is missed, on oblique phantoms with a known deformation."""

import json

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from phantoms import Anatomy, oblique_grid, voxel_centers
from SAMRegistrationLib.cli import main
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.geometry.transforms import transform_points
from SAMRegistrationLib.points import PointList
from SAMRegistrationLib.registration import Guidance, RegistrationOptions, register
from scipy.stats import spearmanr

GRID = oblique_grid((60, 52, 30), (1.2, 1.5, 2.2))
POINTS = voxel_centers(GRID)
HOLE = GRID.index_to_physical([[40, 20, 17]])[0]
RADIUS = 12.0


def truth(points):
    """Waves, without a linear part."""
    return points + 3.0 * np.sin(2 * np.pi * (points - GRID.center)[:, [1, 2, 0]] / 45 + [0.3, 1.1, 2.0])


def image(points, seed, empty):
    """What is at points of the moving volume, with noise; with `empty` nothing is in a ball round HOLE."""
    values = Anatomy(GRID.center, 90.0, 150, seed=7).values(points)
    inside = 1 / (1 + np.exp((np.linalg.norm(points - HOLE, axis=1) - RADIUS) / 0.7))
    values = values * (1 - inside) if empty else values
    values = values + np.random.default_rng(seed).normal(0, 0.03, values.shape)
    return GRID.image(values.reshape(GRID.shape).astype(np.float32))


def options(**changes):
    chosen = {"prealignment": "none", "use_network": False, "confidence": True, **changes}
    return RegistrationOptions.preset("balanced", device="cpu", fixed_modality="mr", moving_modality="mr", **chosen)


@pytest.fixture(scope="module")
def pair():
    """A ball of the fixed volume is missing in the moving one, as after a resection."""
    return image(truth(POINTS), 1, False), image(POINTS, 2, True)


@pytest.fixture(scope="module")
def result(pair):
    return register(*pair, options=options())


def lengths(result):
    return sitk.GetArrayFromImage(result.disagreement)


INNER = np.zeros(GRID.shape, bool)
INNER[3:-3, 5:-5, 5:-5] = True
FROM_HOLE = np.linalg.norm(truth(POINTS) - HOLE, axis=1).reshape(GRID.shape)


def test_two_solutions_disagree_where_the_truth_is_missed(result):
    found = lengths(result)
    errors = np.linalg.norm(transform_points(result.transform, POINTS) - truth(POINTS), axis=1).reshape(GRID.shape)
    near, far = INNER & (FROM_HOLE < RADIUS - 2), INNER & (FROM_HOLE > RADIUS + 6)
    assert errors[near].mean() > 2 * errors[far].mean()
    assert found[near].mean() > 2 * found[far].mean()
    assert spearmanr(found[INNER], errors[INNER])[0] > 0.4


def test_the_map_lies_on_the_fixed_grid_and_the_solution_is_that_without_it(pair, result):
    assert Grid.of(result.disagreement).matches(GRID)
    assert result.disagreement.GetPixelID() == sitk.sitkFloat32
    alone = register(*pair, options=options(confidence=False))
    assert alone.disagreement is None
    assert "disagreement" not in alone.facts
    some = POINTS[::97]
    np.testing.assert_array_equal(transform_points(result.transform, some), transform_points(alone.transform, some))


def test_the_summary_is_that_of_the_map(result):
    summary, found = result.facts["disagreement"], lengths(result)
    assert summary["voxel_mm"] == pytest.approx(np.prod(GRID.spacing) ** (1 / 3))
    assert summary["median_mm"] == pytest.approx(np.median(found), rel=0.15)
    assert summary["p95_mm"] == pytest.approx(np.percentile(found, 95), rel=0.15)
    assert summary["share_above_voxel"] == pytest.approx((found > summary["voxel_mm"]).mean(), abs=0.1)


def test_a_pair_of_equal_volumes_agrees(pair):
    found = register(pair[0], pair[0], options=options())
    assert np.percentile(lengths(found)[INNER], 99) < 0.2


def test_landmarks_bring_both_solutions_together(pair, result):
    points = GRID.index_to_physical([[40, 20, 17], [36, 22, 16], [44, 18, 18]])
    guidance = Guidance(PointList(points), PointList(truth(points)))
    guided = register(*pair, options=options(), guidance=guidance)
    at = np.round(GRID.physical_to_index(points)).astype(int)[:, ::-1]
    before, after = ([lengths(each)[tuple(place)] for place in at] for each in (result, guided))
    assert max(after) < 0.5 < max(before)


def test_both_solutions_are_rigid_in_a_rigid_region(pair):
    distance = np.linalg.norm(POINTS - GRID.index_to_physical([[18, 30, 14]])[0], axis=1).reshape(GRID.shape)
    region = GRID.image((distance < 7).astype(np.uint8))
    found = register(*pair, options=options(), guidance=Guidance(rigid=region)).disagreement
    values, (k, j, i) = sitk.GetArrayFromImage(found)[distance < 6], np.nonzero(distance < 6)
    places = GRID.index_to_physical(np.stack([i, j, k], -1))
    square = values.astype(np.float64) ** 2  # two rigid motions of a point differ by an affine function of it
    offsets = (places - places.mean(0)) / 7
    terms = np.column_stack(
        [np.ones(len(offsets)), offsets, *(offsets[:, a] * offsets[:, b] for a in range(3) for b in range(a, 3))]
    )
    fitted = terms @ np.linalg.lstsq(terms, square, rcond=None)[0]
    assert np.abs(np.sqrt(np.maximum(fitted, 0)) - values).max() < 0.1


def test_the_network_can_be_confident_without_a_refinement(pair):
    found = register(*pair, options=options(use_network=True, use_refinement=False))
    assert found.facts["disagreement"]["median_mm"] > 0
    assert torch.isfinite(torch.from_numpy(lengths(found))).all()


def test_a_linear_registration_has_no_map_and_says_so(pair):
    found = register(*pair, options=options(use_refinement=False))
    assert found.disagreement is None
    assert any("no confidence map" in note for note in found.notes)


def test_the_command_writes_the_map_and_tells_the_summary(pair, tmp_path, capsys):
    files = [str(tmp_path / name) for name in ("fixed.nrrd", "moving.nrrd")]
    for volume, path in zip(pair, files):
        sitk.WriteImage(volume, path)
    chosen = ["--preset", "fast", "--no-network", "--prealign", "none", "--confidence-map"]
    assert main(["register", *files, "-o", str(tmp_path / "out"), *chosen]) == 0
    summary = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))["facts"]["disagreement"]
    assert Grid.of(sitk.ReadImage(str(tmp_path / "out" / "disagreement.nii.gz"))).matches(GRID)
    assert f"Two solutions disagree by {summary['median_mm']:.2f} mm in the median" in capsys.readouterr().out
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Confidence map" in page
    assert "two solutions disagree by, mm: median, 95th percentile" in page
