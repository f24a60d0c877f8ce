"""The stiffness of a registration, on an oblique phantom with known waves."""

import json

import numpy as np
import pytest
import SimpleITK as sitk
from phantoms import Anatomy, affine_and_waves, inner_points, oblique_grid
from SAMRegistrationLib.cli import main
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.losses.similarity import SIMILARITIES
from SAMRegistrationLib.metrics import deformation_statistics, jacobian_image, target_registration_errors
from SAMRegistrationLib.points import PointList
from SAMRegistrationLib.registration import Guidance, RegistrationOptions, register
from SAMRegistrationLib.registration.stiffness import stiffened

FIXED = oblique_grid()
MAPPING = affine_and_waves(FIXED.center, amplitude_mm=4.0)
SHIFT = MAPPING(FIXED.center[None])[0] - FIXED.center
MOVING = Grid(FIXED.size, FIXED.spacing, tuple(np.asarray(FIXED.origin) + SHIFT), FIXED.direction)


@pytest.fixture(scope="module")
def pair():
    anatomy = Anatomy(MAPPING(FIXED.center[None])[0], seed=3)
    return anatomy.image(FIXED, MAPPING), anatomy.image(MOVING)


def registered(pair, stiffness, guidance=None, **changes):
    chosen = {"use_network": False, **changes}
    options = RegistrationOptions.preset("balanced", device="cpu", stiffness=stiffness, **chosen)
    return register(*pair, options=options, guidance=guidance)


def roughness(result):
    return deformation_statistics(jacobian_image(result.transform, FIXED)).sd_log_jacobian


def test_a_stiffer_deformation_is_smoother_step_by_step(pair):
    found = [roughness(registered(pair, stiffness)) for stiffness in (0.5, 1, 1.5, 2, 3, 4)]
    assert np.all(np.diff(found) < -0.003), found
    assert found[-1] < 0.6 * found[1]


def test_a_stiffer_deformation_still_follows_smooth_waves(pair):
    points = inner_points(FIXED, 400, 0.12)
    errors = [
        target_registration_errors(points, MAPPING(points), registered(pair, stiffness).transform).mean()
        for stiffness in (1, 2)
    ]
    assert errors[1] < 1.1 * errors[0]


def test_only_images_of_one_kind_are_looked_at_narrowly():
    refinement = RegistrationOptions.preset("balanced").refinement
    within, across = (stiffened(refinement, 1.0, SIMILARITIES[name].smoothness) for name in ("lncc", "mind"))
    assert within.narrow_steps == refinement.narrow_steps > across.narrow_steps == 0


def test_what_the_network_predicts_is_bound_as_well(pair):
    found = [roughness(registered(pair, stiffness, use_network=True, use_refinement=False)) for stiffness in (1, 2, 4)]
    assert found[2] < found[1] < found[0]
    assert found[2] < 0.6 * found[0]


def test_landmarks_are_met_by_a_stiff_deformation_too(pair):
    points = inner_points(FIXED, 5, seed=2)
    guidance = Guidance(PointList(points), PointList(MAPPING(points)))
    result = registered(pair, 4, guidance)
    assert target_registration_errors(points, MAPPING(points), result.transform).max() < 0.5 * min(FIXED.spacing)


@pytest.mark.parametrize("stiffness", [0.0, -1.0, 11.0, float("nan")])
def test_a_stiffness_out_of_range_is_refused(stiffness):
    with pytest.raises(InputError, match="above 0 and up to 10"):
        RegistrationOptions(stiffness=stiffness)


@pytest.mark.parametrize("tolerance", [-1.0, 11.0, float("nan")])
def test_a_mask_tolerance_out_of_range_is_refused(tolerance):
    with pytest.raises(InputError, match="from 0 to 10"):
        RegistrationOptions(mask_tolerance=tolerance)


def test_the_command_takes_and_tells_the_stiffness(pair, tmp_path):
    files = [str(tmp_path / name) for name in ("fixed.nrrd", "moving.nrrd")]
    for image, path in zip(pair, files):
        sitk.WriteImage(image, path)
    chosen = ["--preset", "fast", "--no-network", "--stiffness", "2.5", "--quiet"]
    assert main(["register", *files, "-o", str(tmp_path / "out"), *chosen]) == 0
    assert json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))["facts"]["stiffness"] == 2.5
