"""Export: what is written maps points and shows voxels as the result does, read by other code than wrote it."""

import re
from dataclasses import replace

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from export_samples import FIXED, MOVING, left_handed, sample, series
from SAMRegistrationLib import export
from SAMRegistrationLib.cli import main
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.geometry.transforms import transform_points
from SAMRegistrationLib.volumes import read_volume
from scipy import ndimage


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return sample(tmp_path_factory.mktemp("result"), files=True)


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    return sample(tmp_path_factory.mktemp("left"), left_handed(FIXED))


@pytest.fixture(scope="module")
def linear(tmp_path_factory):
    return sample(tmp_path_factory.mktemp("linear"), deformed=False)


@pytest.fixture(params=["saved", "left", "linear"])
def each(request):
    return request.getfixturevalue(request.param)


def field_of(path):
    return sitk.DisplacementFieldTransform(sitk.ReadImage(str(path), sitk.sitkVectorFloat64))


def test_the_two_parts_that_ants_applies_make_the_transform_in_both_directions(each, tmp_path):
    names = export.write_ants(each.result, tmp_path)
    affine = sitk.ReadTransform(str(tmp_path / names[0]))
    forward, backward = [affine], [affine.GetInverse()]
    if len(names) > 1:
        forward.append(field_of(tmp_path / names[1]))
        backward.insert(0, field_of(tmp_path / names[2]))
    there = transform_points(sitk.CompositeTransform(forward), each.points)
    np.testing.assert_allclose(there, transform_points(each.result.transform, each.points), atol=1e-3)
    back = transform_points(sitk.CompositeTransform(backward), there)
    np.testing.assert_allclose(back, transform_points(each.result.inverse, there), atol=1e-3)


def test_the_field_of_elastix_is_the_transform_on_the_fixed_grid(each, tmp_path):
    export.write_elastix(each.result, tmp_path)
    text = (tmp_path / "TransformParameters.txt").read_text(encoding="utf-8")
    entries = dict(re.findall(r"^\((\w+) (.*)\)$", text, re.MULTILINE))
    there = transform_points(field_of(tmp_path / entries["DeformationFieldFileName"].strip('"')), each.points)
    np.testing.assert_allclose(there, transform_points(each.result.transform, each.points), atol=0.1)
    assert [int(n) for n in entries["Size"].split()] == list(each.result.fixed_grid.size)
    columns = np.array(entries["Direction"].split(), float).reshape(3, 3)
    np.testing.assert_allclose(columns.T.ravel(), each.result.fixed_grid.direction, atol=1e-6)


def test_the_warp_of_fsl_leads_to_the_same_voxels(each, tmp_path):
    export.write_fsl(each.result, each.moving, tmp_path)
    sitk.WriteImage(each.moving, str(tmp_path / "moving.nii.gz"))
    warp, moving = (nibabel.load(tmp_path / name) for name in ("warp.nii.gz", "moving.nii.gz"))
    assert int(warp.header["intent_code"]) == 2006
    assert warp.shape == (*each.result.fixed_grid.size, 3)
    voxel = (5, 17, 6)
    fixed_place = scaled(warp) @ [*voxel, 1]
    moving_place = fixed_place + np.append(warp.get_fdata()[voxel], 0)
    moving_voxel = np.linalg.inv(scaled(moving)) @ moving_place
    world = (warp.affine @ [*voxel, 1])[:3] * (-1, -1, 1)
    expected = np.array(each.result.transform.TransformPoint(world.tolist())) * (-1, -1, 1)
    np.testing.assert_allclose((moving.affine @ moving_voxel)[:3], expected, atol=1e-3)


def scaled(image):
    """FSL's coordinates: scaled voxels, the first axis mirrored where the affine has a positive determinant."""
    matrix = np.diag([*image.header.get_zooms()[:3], 1.0])
    if np.linalg.det(image.affine) > 0:
        mirror = np.eye(4)
        mirror[0, 0], mirror[0, 3] = -1, (image.shape[0] - 1) * image.header.get_zooms()[0]
        matrix = mirror @ matrix
    return matrix


def test_the_registration_object_maps_points_as_the_standard_says(each, tmp_path):
    fixed, moving = (export.read_source(series(tmp_path / name)) for name in ("fixed", "moving"))
    export.write_dicom_registration(each.result, tmp_path / "out", fixed, moving)
    data = pydicom.dcmread(tmp_path / "out" / "registration.dcm")
    assert data.FrameOfReferenceUID == fixed.frame_of_reference
    (item,) = data.DeformableRegistrationSequence
    assert len(item.ReferencedImageSequence) == 9
    grid = item.DeformableRegistrationGridSequence[0]
    rows, columns = np.reshape(grid.ImageOrientationPatient, (2, 3)).astype(float)
    axes = np.stack([rows, columns, np.cross(rows, columns)], axis=1) * np.array(grid.GridResolution)
    vectors = np.frombuffer(grid.VectorGridData, "<f4").reshape(*grid.GridDimensions[::-1], 3)
    places = (np.linalg.inv(axes) @ (each.points - np.array(grid.ImagePositionPatient, float)).T)[::-1]
    moved = each.points + np.stack(
        [ndimage.map_coordinates(vectors[..., axis], places, order=1) for axis in range(3)], -1
    )
    post = item.PostDeformationMatrixRegistrationSequence[0].FrameOfReferenceTransformationMatrix
    there = np.c_[moved, np.ones(len(moved))] @ np.reshape(post, (4, 4)).astype(float).T
    np.testing.assert_allclose(there[:, :3], transform_points(each.result.transform, each.points), atol=1e-2)


def test_the_warped_volume_is_read_back_from_its_slices(each, tmp_path):
    names = export.write_dicom_series(each.result, tmp_path)
    assert len(names) == each.result.fixed_grid.size[2]
    found = read_volume(tmp_path)
    place = each.result.fixed_grid.index_to_physical([[9, 12, 4]])[0]
    assert found[found.TransformPhysicalPointToIndex(place.tolist())] == pytest.approx(
        each.result.warped[9, 12, 4], abs=0.6
    )
    assert sorted(Grid.of(found).corners().round(3).tolist()) == sorted(
        each.result.fixed_grid.corners().round(3).tolist()
    )
    data = pydicom.dcmread(tmp_path / names[0])
    assert (data.PatientName, data.PatientID, data.PatientBirthDate) == ("", "", "")
    assert data.Modality == "MR"


@pytest.mark.parametrize(("scale", "tolerance"), [(1e-3, 2e-5), (1e4, 100.0)])
def test_values_that_whole_numbers_do_not_hold_are_scaled(saved, tmp_path, scale, tolerance):
    image = sitk.Cast(saved.result.warped, sitk.sitkFloat64) * scale
    result = export.SavedResult(*(saved.result.transform, saved.result.inverse, image, None, {}, tmp_path))
    export.write_dicom_series(result, tmp_path / "out")
    found = sitk.GetArrayFromImage(read_volume(tmp_path / "out"))
    np.testing.assert_allclose(found, sitk.GetArrayFromImage(image), atol=tolerance)


def test_a_series_belongs_to_the_patient_and_study_of_its_source(saved, tmp_path):
    moving = export.read_source(series(tmp_path / "moving", "17", BodyPartExamined="HEART"))
    fixed = export.read_source(series(tmp_path / "fixed", "17"))
    names = export.write_dicom_series(saved.result, tmp_path / "out", moving, fixed)
    data, source = pydicom.dcmread(tmp_path / "out" / names[0]), moving.headers[0]
    for name in ("PatientID", "PatientName", "StudyInstanceUID", "StudyID", "Modality", "BodyPartExamined"):
        assert data[name].value == source[name].value, name
    assert data.FrameOfReferenceUID == fixed.frame_of_reference
    assert data.SeriesInstanceUID not in (source.SeriesInstanceUID, fixed.headers[0].SeriesInstanceUID)
    named = {entry.ReferencedSOPInstanceUID for entry in data.SourceImageSequence}
    assert named == {header.SOPInstanceUID for header in moving.headers}
    assert data.ImageType[0] == "DERIVED"


def test_series_of_two_patients_are_not_mixed(saved, tmp_path):
    sources = [export.read_source(series(tmp_path / patient, patient)) for patient in ("1", "2")]
    with pytest.raises(InputError, match="different patients"):
        export.write_dicom_series(saved.result, tmp_path / "out", *sources)
    with pytest.raises(InputError, match="different patients"):
        export.write_dicom_registration(saved.result, tmp_path / "out", *sources)
    assert not (tmp_path / "out").exists()


def test_the_report_is_a_pdf_of_several_sheets(saved, tmp_path):
    many = [f"Note {number}, which is long enough for a line of its own on the sheet." for number in range(60)]
    result = replace(saved.result, summary={**saved.result.summary, "notes": many})
    export.write_pdf(result, tmp_path / "report.pdf")
    data = (tmp_path / "report.pdf").read_bytes()
    assert data.startswith(b"%PDF-")
    assert data.rstrip().endswith(b"%%EOF")
    assert len(re.findall(rb"/Type /Page\b", data)) == 3


def test_the_command_writes_a_folder_for_every_form(saved, tmp_path, capsys):
    sitk.WriteImage(saved.moving, str(tmp_path / "moving.nii.gz"))
    forms = ["ants", "fsl", "elastix", "dicom", "pdf"]
    arguments = ["export", str(saved.result.folder), "-o", str(tmp_path / "out"), "--to", *forms, "--quiet"]
    assert main([*arguments, "--moving", str(tmp_path / "moving.nii.gz")]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(forms)
    assert main(arguments) == 2
    assert "--moving" in capsys.readouterr().err
    assert main(["export", str(tmp_path), "-o", str(tmp_path / "new"), "--to", "ants"]) == 2
    assert "holds no result" in capsys.readouterr().err


def test_a_transform_of_another_kind_is_sampled_beyond_its_linear_part(saved):
    twice = sitk.CompositeTransform([saved.result.transform, sitk.TranslationTransform(3, (1.0, 2.0, 0.0))])
    affine, field = export.saved.linear_and_field(replace(saved.result, transform=twice))
    whole = sitk.CompositeTransform([affine, sitk.DisplacementFieldTransform(field)])
    np.testing.assert_allclose(transform_points(whole, saved.points), transform_points(twice, saved.points), atol=0.1)
    shift = sitk.TranslationTransform(3, (40.0, 0.0, -9.0))
    far = sitk.CompositeTransform([shift, saved.result.transform])
    affine, field = export.saved.linear_and_field(replace(saved.result, transform=far, linear=shift))
    assert affine.GetTranslation() == shift.GetOffset()
    whole = sitk.CompositeTransform([affine, sitk.DisplacementFieldTransform(field)])
    np.testing.assert_allclose(transform_points(whole, saved.points), transform_points(far, saved.points), atol=0.1)
    assert not Grid.of(saved.moving).matches(FIXED)
    assert Grid.of(saved.moving).matches(MOVING)
