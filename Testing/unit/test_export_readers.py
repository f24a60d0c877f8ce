"""Export: other programs bring the moving volume to the fixed one as we do; each is left out where it is missing."""

import numpy as np
import pytest
import SimpleITK as sitk
from export_samples import FIXED, left_handed, sample
from SAMRegistrationLib import export
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.volumes import read_labels


@pytest.fixture(scope="module", params=[FIXED, left_handed(FIXED)], ids=["right", "left"])
def saved(request, tmp_path_factory):
    return sample(tmp_path_factory.mktemp("result"), request.param)


@pytest.fixture
def files(saved, tmp_path):
    sitk.WriteImage(saved.moving, str(tmp_path / "moving.nii.gz"))
    sitk.WriteImage(saved.result.warped, str(tmp_path / "fixed.nii.gz"))
    return tmp_path


def compare(found, warped):
    """Voxels (x, y, z) well within the volume are those of our warped volume; its border is filled differently."""
    ours = sitk.GetArrayFromImage(warped).T[4:-4, 4:-4, 3:-3]
    assert np.abs(np.asarray(found)[4:-4, 4:-4, 3:-3] - ours).mean() < 0.01 * np.ptp(ours)


def test_ants_warps_as_we_do(saved, files):
    ants = pytest.importorskip("ants", reason="antspyx is not installed")
    names = export.write_ants(saved.result, files / "ants")
    moving, fixed = (ants.image_read(str(files / name)) for name in ("moving.nii.gz", "fixed.nii.gz"))
    chain = [str(files / "ants" / name) for name in (names[1], names[0])]
    compare(ants.apply_transforms(fixed, moving, chain, interpolator="linear").numpy(), saved.result.warped)
    back = [str(files / "ants" / name) for name in (names[0], names[2])]
    returned = ants.apply_transforms(moving, fixed, back, whichtoinvert=[True, False], interpolator="linear").numpy()
    original = sitk.GetArrayFromImage(saved.moving).T
    middle = (slice(9, -9), slice(9, -9), slice(6, -6))
    assert np.abs(returned - original)[middle].mean() < 0.05 * np.ptp(original)


def test_elastix_warps_as_we_do(saved, files, monkeypatch):
    itk = pytest.importorskip("itk", reason="itk-elastix is not installed")
    if not hasattr(itk, "transformix_filter"):
        pytest.skip("itk-elastix is not installed")
    export.write_elastix(saved.result, files / "elastix")
    monkeypatch.chdir(files / "elastix")
    parameters = itk.ParameterObject.New()
    parameters.AddParameterFile("TransformParameters.txt")
    found = itk.transformix_filter(itk.imread(str(files / "moving.nii.gz"), itk.F), parameters)
    compare(itk.array_from_image(found).T, saved.result.warped)


def test_fsl_leads_to_the_same_places(saved, files):
    pytest.importorskip("fsl", reason="fslpy is not installed")
    from fsl.data.image import Image
    from fsl.transform.fnirt import readFnirt

    export.write_fsl(saved.result, saved.moving, files / "fsl")
    fixed, moving = (Image(str(files / name)) for name in ("fixed.nii.gz", "moving.nii.gz"))
    field = readFnirt(str(files / "fsl" / "warp.nii.gz"), moving, fixed, defType="relative")
    voxels = np.array([[5, 6, 7], [20, 11, 4], [12, 20, 9]])
    world = saved.result.fixed_grid.index_to_physical(voxels) * (-1, -1, 1)
    found = field.transform(world, from_="world", to="world")
    expected = [saved.result.transform.TransformPoint((p * (-1, -1, 1)).tolist()) for p in world]
    np.testing.assert_allclose(found, np.array(expected) * (-1, -1, 1), atol=1e-2)


def test_structures_come_back_from_dicom(saved, files):
    pytest.importorskip("highdicom", reason="highdicom is not installed")
    export.write_dicom_series(saved.result, files / "dicom")
    source = export.read_source(files / "dicom")
    export.write_dicom_segmentation(saved.result, files / "seg", source)
    found = read_labels(files / "seg" / "segmentation.dcm")
    assert [structure.name for structure in found.structures] == ["1"]
    expected = saved.result.labels.warped(sitk.Transform(3, sitk.sitkIdentity), found.grid)
    shared = found.inside(1) & expected.inside(1)
    assert shared.sum() == found.inside(1).sum() == saved.result.labels.inside(1).sum()
    assert Grid.of(saved.result.warped).voxel_volume == pytest.approx(found.grid.voxel_volume, rel=1e-6)
