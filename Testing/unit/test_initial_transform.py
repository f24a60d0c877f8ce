"""Transforms as a start of the registration: composite, deformable, without an inverse, damaged."""

import numpy as np
import pytest
import SimpleITK as sitk
from phantoms import Anatomy, oblique_grid
from SAMRegistrationLib.cli import main
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.geometry.invert import inverse_of
from SAMRegistrationLib.geometry.transforms import parts_of, read_transform, transform_points, write_transform

GRID = oblique_grid((40, 36, 24), (1.2, 1.3, 2.4), (0.3, -0.2, 0.4))
SHIFT = np.array([5.0, -3.0, 2.0])


def bump(height=6.0, width=14.0):
    """A smooth displacement field (LPS mm) on an oblique grid, and the same as a function of points."""

    def displacement(points):
        square = ((points - GRID.center) ** 2).sum(axis=1)
        return np.exp(-square / (2 * width**2))[:, None] * np.array([height, -0.5 * height, 0.3 * height])

    index = np.indices(GRID.shape).reshape(3, -1)[::-1].T
    field = displacement(GRID.index_to_physical(index)).reshape(*GRID.shape, 3)
    return sitk.DisplacementFieldTransform(GRID.image(field)), displacement


def inner_points(count=60):
    index = np.random.default_rng(3).uniform(0.15, 0.85, (count, 3)) * (np.array(GRID.size) - 1)
    return GRID.index_to_physical(index)


def nested():
    rotation = sitk.Euler3DTransform()
    rotation.SetCenter(GRID.center.tolist())
    rotation.SetRotation(0.1, -0.05, 0.2)
    shift = sitk.TranslationTransform(3, SHIFT.tolist())
    return sitk.CompositeTransform([shift, sitk.CompositeTransform([rotation, bump()[0]])]), rotation


def test_the_inverse_of_a_composite_with_a_dense_part_brings_points_back():
    transform = nested()[0]
    points = inner_points()
    there = transform_points(transform, points)
    assert np.abs(there - points).max() > 3
    back = transform_points(inverse_of(transform), there)
    assert np.abs(GRID.physical_to_index(back) - GRID.physical_to_index(points)).max() < 0.05


def test_a_b_spline_has_an_inverse_too():
    spline = sitk.BSplineTransformInitializer(GRID.empty_image(), [4, 4, 4])
    spline.SetParameters((np.random.default_rng(2).normal(size=len(spline.GetParameters())) * 1.5).tolist())
    points = inner_points()
    back = transform_points(inverse_of(spline), transform_points(spline, points))
    assert np.abs(back - points).max() < 0.15


def test_a_field_that_folds_is_refused():
    with pytest.raises(InputError, match="folds"):
        inverse_of(bump(height=80.0, width=6.0)[0])


def test_composites_within_composites_are_written_as_one_in_the_same_order(tmp_path):
    transform, rotation = nested()
    assert len(parts_of(transform)) == 3
    write_transform(transform, tmp_path / "t.h5")
    points = inner_points()
    expected = transform_points(rotation, points + bump()[1](points)) + SHIFT
    assert np.abs(transform_points(read_transform(tmp_path / "t.h5"), points) - expected).max() < 0.05
    assert np.allclose(transform_points(sitk.ReadTransform(str(tmp_path / "t.h5")), points), expected, atol=0.05)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A moving volume that was shifted and bent: a moving point is a fixed point through the bump, then shifted."""
    folder = tmp_path_factory.mktemp("pair")
    anatomy, (_, displacement) = Anatomy(GRID.center, seed=5), bump()

    def fixed_points(points):
        guess = points - SHIFT
        for _ in range(40):
            guess = points - SHIFT - displacement(guess)
        return guess

    sitk.WriteImage(anatomy.image(GRID), str(folder / "fixed.nrrd"))
    moved = Grid(GRID.size, GRID.spacing, tuple(np.asarray(GRID.origin) + SHIFT), GRID.direction)
    sitk.WriteImage(anatomy.image(moved, fixed_points), str(folder / "moving.nrrd"))
    start = sitk.CompositeTransform([sitk.TranslationTransform(3, SHIFT.tolist()), bump()[0]])
    write_transform(start, folder / "start.h5")
    return folder


def test_a_registration_goes_on_from_a_deformable_transform_and_both_directions_are_written(pair, tmp_path):
    inputs = [str(pair / "fixed.nrrd"), str(pair / "moving.nrrd"), "-o", str(tmp_path / "out"), "--preset", "fast"]
    more = ["--no-network", "--quiet", "--initial-transform", str(pair / "start.h5")]
    assert main(["register", *inputs, *more]) == 0
    forward, inverse = (read_transform(tmp_path / "out" / name) for name in ("transform.h5", "inverse.h5"))
    points = inner_points()
    truth = points + bump()[1](points) + SHIFT
    assert np.linalg.norm(transform_points(forward, points) - truth, axis=1).mean() < 0.6
    back = transform_points(inverse, transform_points(forward, points))
    assert np.abs(GRID.physical_to_index(back) - GRID.physical_to_index(points)).max() < 0.15


def test_the_result_of_a_registration_is_a_start_of_the_next_one(pair, tmp_path):
    inputs = [str(pair / "fixed.nrrd"), str(pair / "moving.nrrd"), "--preset", "fast", "--no-network", "--quiet"]
    assert main(["register", *inputs, "-o", str(tmp_path / "a")]) == 0
    start = ["--initial-transform", str(tmp_path / "a" / "transform.h5")]
    assert main(["register", *inputs, "-o", str(tmp_path / "b"), *start]) == 0
    points = inner_points()
    truth = points + bump()[1](points) + SHIFT
    mapped = transform_points(read_transform(tmp_path / "b" / "transform.h5"), points)
    assert np.linalg.norm(mapped - truth, axis=1).mean() < 1.0


@pytest.mark.parametrize("kind", ["2d", "empty", "torn", "text", "folder", "missing"])
def test_files_that_hold_no_usable_transform_are_refused_before_the_work(kind, pair, tmp_path, capsys):
    path = tmp_path / "start.h5"
    if kind == "2d":
        sitk.WriteTransform(sitk.TranslationTransform(2, (1.0, 2.0)), str(path))
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "torn":
        path.write_bytes((pair / "start.h5").read_bytes()[:3000])
    elif kind == "text":
        path = tmp_path / "start.tfm"
        path.write_text("not a transform", encoding="utf-8")
    elif kind == "folder":
        path.mkdir()
    inputs = [str(pair / "fixed.nrrd"), str(pair / "moving.nrrd"), "-o", str(tmp_path / "out")]
    assert main(["register", *inputs, "--initial-transform", str(path)]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
