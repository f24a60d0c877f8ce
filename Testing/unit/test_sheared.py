"""Axes that are not at right angles: distances, volumes and registration follow physical space, not the spacing."""

import numpy as np
import pytest
import SimpleITK as sitk
from cases.scale import body_pair, error_in_voxels
from cases.sheared import ball_ml, balls, sheared_grid, surface_points
from SAMRegistrationLib.cli import main
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.metrics import compare_labels, deformation_statistics, jacobian_image
from SAMRegistrationLib.registration import RegistrationOptions, register
from SAMRegistrationLib.report import ReportContents
from SAMRegistrationLib.report.views import draw, scene_of
from SAMRegistrationLib.segmentation.planes import axis_normal, in_plane_axes, nearest_axis
from SAMRegistrationLib.volumes.checks import check_geometry
from unit.phantoms import Anatomy, inner_points

RADIUS, OFFSET = 15.06, (5.0, 3.0, -4.0)
IDENTITY = sitk.Transform(3, sitk.sitkIdentity)


def centered(grid, center):
    return Grid(grid.size, grid.spacing, tuple(np.asarray(grid.origin) + center - grid.center), grid.direction)


def brute_force(grid, first, second):
    """Distances of every surface voxel to all of the other surface: 95th percentile and mean."""
    a, b = (surface_points(sitk.GetArrayFromImage(image), grid) for image in (first, second))
    apart = np.linalg.norm(a[:, None] - b[None], axis=2)
    there, back = apart.min(axis=1), apart.min(axis=0)
    return max(np.percentile(there, 95), np.percentile(back, 95)), np.concatenate([there, back]).mean()


@pytest.mark.parametrize("degrees", [27.0, -40.0, 0.0])
def test_distances_and_volumes_are_those_of_physical_space(degrees):
    grid = sheared_grid((56, 50, 44), degrees=degrees)
    first, second = balls(grid, ((0, 0, 0), RADIUS)), balls(grid, (OFFSET, RADIUS))
    scores = compare_labels(first, second)[0]
    hd95, assd = brute_force(grid, first, second)
    assert scores.hd95_mm == pytest.approx(hd95, abs=1e-5)
    assert scores.assd_mm == pytest.approx(assd, abs=1e-5)
    assert scores.fixed_ml == pytest.approx(ball_ml(RADIUS), rel=0.01)
    assert scores.warped_ml == pytest.approx(ball_ml(RADIUS), rel=0.01)


def test_distances_agree_with_the_same_balls_on_a_grid_at_right_angles():
    values = []
    for degrees in (27.0, 0.0):
        grid = sheared_grid((70, 62, 60), (0.8, 0.85, 0.9), degrees)
        values.append(compare_labels(balls(grid, ((0, 0, 0), RADIUS)), balls(grid, (OFFSET, RADIUS)))[0])
    assert values[0].hd95_mm == pytest.approx(values[1].hd95_mm, abs=0.3)
    assert values[0].assd_mm == pytest.approx(values[1].assd_mm, abs=0.3)


def test_sheared_label_files_are_measured_in_physical_space_from_the_command_line(tmp_path, capsys):
    grid = sheared_grid((56, 50, 44))
    pair = balls(grid, ((0, 0, 0), RADIUS)), balls(grid, (OFFSET, RADIUS))
    for name, image in zip(("a", "b"), pair):
        sitk.WriteImage(image, str(tmp_path / f"{name}.nrrd"))
    files = [f"--fixed-labels={tmp_path / 'a.nrrd'}", f"--moving-labels={tmp_path / 'b.nrrd'}"]
    assert main(["metrics", *files]) == 0
    assert f"{brute_force(grid, *pair)[0]:.2f}" in capsys.readouterr().out


@pytest.fixture(scope="module")
def sheared():
    """The phantom pair on sheared grids."""
    fixed, moving, mapping = body_pair()
    anatomy = Anatomy(mapping(Grid.of(fixed).center[None])[0], seed=3)
    grids = (
        centered(sheared_grid((52, 42, 24), (1.1, 1.4, 2.6)), Grid.of(fixed).center),
        centered(sheared_grid((50, 50, 30), (1.3, 1.2, 2.1), -27.0, (0.1, 0.2, -0.3)), Grid.of(moving).center),
    )
    return (fixed, anatomy.image(grids[0], mapping)), (moving, anatomy.image(grids[1])), mapping


@pytest.mark.parametrize("which", [(1, 0), (0, 1), (1, 1)])
def test_sheared_volumes_are_registered_as_well_as_others(sheared, which):
    fixed, moving, mapping = sheared
    options = RegistrationOptions.preset(
        "balanced", use_network=False, device="cpu", fixed_modality="mr", moving_modality="mr"
    )
    points = inner_points(Grid.of(fixed[0]), 300, 0.25)
    plain, found = (
        register(*images, options=options) for images in ((fixed[0], moving[0]), (fixed[which[0]], moving[which[1]]))
    )
    errors = [error_in_voxels(result.transform, fixed[0], mapping, points) for result in (plain, found)]
    assert errors[1] < errors[0] + 0.15
    assert deformation_statistics(jacobian_image(found.transform, Grid.of(fixed[which[0]]))).folded_voxels == 0
    warped, expected = (sitk.GetArrayFromImage(image) for image in (found.warp(), fixed[which[0]]))
    inside = tuple(slice(n // 4, -n // 4) for n in warped.shape)
    assert np.corrcoef(warped[inside].ravel(), expected[inside].ravel())[0, 1] > 0.95


def test_the_enclosing_grid_at_right_angles_holds_every_voxel_and_is_no_coarser():
    grid = sheared_grid()
    around = grid.orthogonal()
    assert around.is_orthogonal
    assert not grid.is_orthogonal
    borders = [[(-0.5, n - 0.5)[far] for n, far in zip(grid.size, corner)] for corner in np.ndindex(2, 2, 2)]
    index = around.physical_to_index(grid.index_to_physical(borders))
    assert (index >= -0.5 - 1e-6).all()
    assert (index <= np.asarray(around.size) - 0.5 + 1e-6).all()
    assert (np.asarray(around.spacing) <= np.asarray(grid.spacing) + 1e-9).all()
    assert grid.crop((0, 0, 0), (9, 9, 9)).volume == pytest.approx(729 * abs(np.linalg.det(grid.axes)))


def test_the_planes_of_a_sheared_volume_have_their_normal():
    grid = sheared_grid()
    for axis in range(3):
        along = [grid.axes[:, other] for other in in_plane_axes(axis)]
        np.testing.assert_allclose([axis_normal(grid, axis) @ step for step in along], 0, atol=1e-12)
        assert nearest_axis(grid, np.cross(*along)) == axis


def test_a_ball_in_a_sheared_volume_is_drawn_round():
    grid = sheared_grid((50, 46, 44))
    image = sitk.Cast(balls(grid, ((0, 0, 0), 14.0)), sitk.sitkFloat32)
    scene = scene_of(ReportContents(image, image, image, IDENTITY, fixed_labels=sitk.Cast(image, sitk.sitkUInt8)))
    for picture, plane in zip(draw(scene, "fixed"), scene.planes):
        bright = np.argwhere(picture[14:-14, 14:-14, 1] > 0.5)
        size = np.ptp(bright, axis=0) * plane.pixel_mm
        np.testing.assert_allclose(size, 28, atol=3)


def test_columns_of_another_length_are_taken_up_by_the_spacing():
    image = sitk.Image([6, 7, 8], sitk.sitkFloat32)
    image.SetDirection((0.05, 0, 0, 0, 0.05, 0, 0, 0, 0.05))
    check_geometry(image, "image")
    grid = Grid.of(image)
    np.testing.assert_allclose(grid.spacing, 0.05)
    np.testing.assert_allclose(grid.index_to_physical([[3, 2, 1]])[0], image.TransformIndexToPhysicalPoint((3, 2, 1)))
    flat = sitk.Image([6, 7, 8], sitk.sitkFloat32)
    flat.SetDirection((1, 1, 0, 0, 1e-4, 0, 0, 0, 1))
    with pytest.raises(InputError, match="do not span space"):
        check_geometry(flat, "image")
