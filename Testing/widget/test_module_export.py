"""The result for other programs: oblique, anisotropic volumes under parents of their own; read by other code."""

import re

import nibabel
import numpy as np
import pydicom
import pytest
import qt
import SimpleITK as sitk
import slicer
import torch
from cases import dicom
from module_panel import choose, ijk_to_ras, rigid
from pydicom.uid import generate_uid
from SAMRegistrationLib import engine
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.geometry.transforms import flow_transforms, pull_back, push_forward
from SAMRegistrationLib.registration import RegistrationResult
from SAMRegistrationLib.testing.driver import click, settle
from SAMRegistrationLib.volumes import read_labels, read_volume

PARENTS = (rigid((0.2, -0.1, 0.3), (60.0, -4.0, 9.0)), rigid((-0.1, 0.25, 0.4), (-35.0, 20.0, 14.0)))
FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])  # RAS to LPS and back
INDICES = np.array([(20, 18, 12), (24, 16, 14), (15, 22, 10), (30, 12, 18)])


def known(fixed, moving, *_others):
    """For engine.register: an affine map from the fixed volume to the moving one after some waves, in the world."""
    affine = sitk.AffineTransform(3)
    affine.SetCenter(Grid.of(fixed).center.tolist())
    affine.Rotate(0, 1, 0.1)
    affine.Scale((1.03, 0.97, 1.02))
    affine.SetTranslation((Grid.of(moving).center - Grid.of(fixed).center).tolist())
    k, j, i = np.indices(Grid.of(fixed).shape)
    waves = np.stack([np.sin(i / 7.0), np.cos(k / 6.0), np.sin(j / 8.0 + 1)])
    forward, back = flow_transforms(torch.from_numpy(waves[None].astype(np.float32)), Grid.of(fixed))
    transforms = (pull_back(affine, forward), push_forward(affine.GetInverse(), back))
    return RegistrationResult(*transforms, affine, fixed, moving, {"moving_modality": "mr", "device": "cpu"})


@pytest.fixture
def registered(panel, a_pair, monkeypatch, tmp_path):
    """The panel with a result; dialogs for folders answer with one for this test."""
    results = []

    def register(*arguments):
        results.append(known(*arguments))
        return results[-1]

    monkeypatch.setattr(engine, "register", register)
    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_args: str(tmp_path / "out"))
    for nodes, matrix in zip(a_pair, PARENTS):
        parent = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "Parent")
        parent.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
        for node in nodes:
            node.SetAndObserveTransformNodeID(parent.GetID())
    choose(panel, a_pair)
    click(panel.ui.registerButton)
    settle(panel)
    assert panel.ui.registerStatus.text.startswith("Done in"), panel.ui.registerStatus.text
    return panel, results[0].transform, tmp_path / "out"


def export(panel, form):
    """Choose a form and press the button; what the panel says at the end."""
    combo = panel.ui.exportFormCombo
    combo.setCurrentIndex(combo.findData(form))
    click(panel.ui.exportResultButton)
    settle(panel)
    return panel.ui.lookStatus.text


def own_matrix(volume):
    """4x4 matrix from voxels to the coordinates of the volume itself, LPS."""
    return FLIP @ ijk_to_ras(volume)


def expected(transform, a_pair):
    """Points of the fixed volume (N, 3) and where they belong in the moving one, in own coordinates (LPS)."""
    fixed, moving = (FLIP @ parent @ FLIP for parent in PARENTS)
    points = (np.c_[INDICES, np.ones(len(INDICES))] @ own_matrix(a_pair[0][0]).T)[:, :3]
    world = (np.c_[points, np.ones(len(points))] @ fixed.T)[:, :3]
    there = np.array([transform.TransformPoint(point) for point in world.tolist()])
    return points, (np.c_[there, np.ones(len(there))] @ np.linalg.inv(moving).T)[:, :3]


def through(transforms, points):
    """Points through SimpleITK transforms, the last one first."""
    chain = sitk.CompositeTransform(transforms)
    return np.array([chain.TransformPoint(point) for point in np.asarray(points).tolist()])


def field(path):
    return sitk.DisplacementFieldTransform(sitk.ReadImage(str(path), sitk.sitkVectorFloat64))


def test_what_other_programs_get_leads_between_the_files_of_both_volumes(registered, a_pair):
    panel, transform, out = registered
    assert export(panel, "ants") == f"Files written: 3, into {out / 'ants'}."
    affine = sitk.ReadTransform(str(out / "ants" / "result0GenericAffine.mat"))
    here, there = expected(transform, a_pair)
    found = through([affine, field(out / "ants" / "result1Warp.nii.gz")], here)
    np.testing.assert_allclose(found, there, atol=0.02)
    back = through([field(out / "ants" / "result1InverseWarp.nii.gz"), affine.GetInverse()], there)
    np.testing.assert_allclose(back, here, atol=0.15)
    export(panel, "elastix")
    np.testing.assert_allclose(through([field(out / "elastix" / "deformationField.mha")], here), there, atol=0.02)
    export(panel, "itk")
    found = through([sitk.ReadTransform(str(out / "itk" / "transform.h5"))], here)
    np.testing.assert_allclose(found, there, atol=0.02)
    found = through([sitk.ReadTransform(str(out / "itk" / "inverse.h5"))], there)
    np.testing.assert_allclose(found, here, atol=0.15)
    export(panel, "fsl")
    warp = nibabel.load(out / "fsl" / "warp.nii.gz")
    matrices = [ijk_to_ras(volume) for volume, _ in a_pair]
    np.testing.assert_allclose(warp.affine, matrices[0], atol=1e-4)
    shape = slicer.util.arrayFromVolume(a_pair[1][0]).shape[::-1]
    scaled = [in_fsl(matrix, count) for matrix, count in zip(matrices, (warp.shape[:3], shape))]
    for index, place in zip(INDICES, there):
        fsl_place = scaled[0] @ [*index, 1] + np.append(warp.get_fdata()[tuple(index)], 0)
        voxel = np.linalg.inv(scaled[1]) @ fsl_place
        np.testing.assert_allclose((FLIP @ matrices[1] @ voxel)[:3], place, atol=0.02)


def in_fsl(matrix, shape):
    """FSL's coordinates of voxels: scaled, the first axis mirrored where the axes are right-handed in RAS."""
    scaled = np.diag([*np.linalg.norm(matrix[:3, :3], axis=0), 1.0])
    mirror = np.eye(4)
    if np.linalg.det(matrix) > 0:
        mirror[0, 0], mirror[0, 3] = -1, (shape[0] - 1) * scaled[0, 0]
    return mirror @ scaled


def test_the_folder_for_the_command_line_holds_the_measures_of_the_scene_and_its_warped_volume(registered, a_pair):
    import json

    panel, _, out = registered
    export(panel, "itk")
    summary = json.loads((out / "itk" / "metrics.json").read_text(encoding="utf-8"))
    table = panel.ui.metricsTable
    shown = {table.item(row, 0).text(): table.item(row, 2).text() for row in range(table.rowCount)}
    before = {table.item(row, 0).text(): table.item(row, 1).text() for row in range(table.rowCount)}
    for when, texts in (("before", before), ("after", shown)):
        dice = {f"{scores['name']}: Dice": scores["dice"] for scores in summary[when]["structures"]}
        assert dice, summary
        assert all(float(texts[title]) == pytest.approx(value, abs=0.01) for title, value in dice.items())
    warped = sitk.ReadImage(str(out / "itk" / "warped.nii.gz"))
    array = slicer.util.arrayFromVolume(panel.parameters().resultVolume)
    np.testing.assert_allclose(sitk.GetArrayFromImage(warped)[3:-3, 3:-3, 3:-3], array[3:-3, 3:-3, 3:-3], atol=1.0)
    np.testing.assert_allclose(
        warped.TransformIndexToPhysicalPoint((5, 6, 7)), (own_matrix(a_pair[0][0]) @ [5, 6, 7, 1])[:3], atol=1e-3
    )
    from SAMRegistrationLib.cli import main

    assert main(["export", str(out / "itk"), "-o", str(out / "again"), "--to", "ants", "--quiet"]) == 0


def test_the_report_is_a_pdf_that_names_the_volumes_and_no_folder(registered, monkeypatch):
    from SAMRegistrationLib.export import pdf

    written = []
    line = pdf._Paper.line
    monkeypatch.setattr(pdf._Paper, "line", lambda self, text: (written.append(text), line(self, text))[1])
    panel, _, out = registered
    assert export(panel, "pdf") == f"Files written: 1, into {out / 'pdf'}."
    data = (out / "pdf" / "report.pdf").read_bytes()
    assert data.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b", data)) >= 1
    assert written[0] == "After to Before"
    assert not any("samregistration-" in text for text in written)


class Database:
    """As much of ctkDICOMDatabase as says where instances are."""

    def __init__(self):
        self.files = {}

    def fileForInstance(self, instance):
        return self.files.get(instance, "")


@pytest.fixture
def loaded_from_dicom(registered, a_pair, monkeypatch, tmp_path):
    """The panel, and the volumes as if they had been loaded from series of one patient."""
    database = Database()
    monkeypatch.setattr(slicer, "dicomDatabase", database, raising=False)
    for number, (volume, _) in enumerate(a_pair):
        matrix, count = own_matrix(volume), slicer.util.arrayFromVolume(volume).shape[0]
        axes = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
        series, instances = generate_uid(), []
        for k in range(count):
            header = dicom.empty(dicom.CT)
            header.PatientID, header.PatientName = "17", "Test^Only"
            header.StudyInstanceUID, header.SeriesInstanceUID = "1.2.3.99", series
            header.FrameOfReferenceUID = f"1.2.3.{number}"
            header.StudyID, header.PatientBirthDate, header.PatientSex = "S7", "", ""
            header.StudyDate, header.StudyTime, header.AccessionNumber = "", "", ""
            header.Rows, header.Columns = 1, 1
            header.ImagePositionPatient = [f"{value:.8g}" for value in (matrix @ [0, 0, k, 1])[:3]]
            header.ImageOrientationPatient = [f"{value:.9g}" for value in (*axes[:, 0], *axes[:, 1])]
            path = tmp_path / f"{number}-{k}.dcm"
            header.save_as(path, enforce_file_format=True)
            database.files[header.SOPInstanceUID] = str(path)
            instances.append(header.SOPInstanceUID)
        volume.SetAttribute("DICOM.instanceUIDs", " ".join(instances))
    return registered


def test_dicom_objects_lie_as_the_series_of_the_volumes_do_and_belong_to_their_patient(loaded_from_dicom, a_pair):
    panel, transform, out = loaded_from_dicom
    fixed = a_pair[0][0]
    count = slicer.util.arrayFromVolume(fixed).shape[0]
    assert export(panel, "dicom") == f"Files written: {count}, into {out / 'dicom'}."
    data = pydicom.dcmread(sorted((out / "dicom").iterdir())[0])
    assert (data.PatientID, data.StudyInstanceUID, data.FrameOfReferenceUID) == ("17", "1.2.3.99", "1.2.3.0")
    found = read_volume(out / "dicom")
    place = (own_matrix(fixed) @ [20, 18, 12, 1])[:3]
    array = slicer.util.arrayFromVolume(panel.parameters().resultVolume)
    value = found[found.TransformPhysicalPointToIndex(place.tolist())]
    assert value == pytest.approx(float(array[12, 18, 20]), abs=0.6)
    check_the_registration_object(panel, transform, out, a_pair)


def check_the_registration_object(panel, transform, out, a_pair):
    assert export(panel, "dicom-registration") == f"Files written: 1, into {out / 'dicom-registration'}."
    data = pydicom.dcmread(out / "dicom-registration" / "registration.dcm")
    (item,) = data.DeformableRegistrationSequence
    assert (data.FrameOfReferenceUID, item.SourceFrameOfReferenceUID) == ("1.2.3.0", "1.2.3.1")
    grid = item.DeformableRegistrationGridSequence[0]
    rows, columns = np.reshape(grid.ImageOrientationPatient, (2, 3)).astype(float)
    axes = np.stack([rows, columns, np.cross(rows, columns)], axis=1) * np.array(grid.GridResolution)
    vectors = np.frombuffer(grid.VectorGridData, "<f4").reshape(*grid.GridDimensions[::-1], 3)
    post = item.PostDeformationMatrixRegistrationSequence[0].FrameOfReferenceTransformationMatrix
    here, there = expected(transform, a_pair)
    for place, wanted in zip(here, there):
        i, j, k = np.round(np.linalg.solve(axes, place - np.array(grid.ImagePositionPatient, float))).astype(int)
        moved = np.reshape(post, (4, 4)).astype(float) @ [*(place + vectors[k, j, i]), 1]
        np.testing.assert_allclose(moved[:3], wanted, atol=0.02)


def test_a_volume_that_is_no_dicom_series_names_no_patient_and_the_panel_says_so(registered):
    panel, _, out = registered
    assert export(panel, "dicom").endswith("They name no patient, as the volumes were not loaded from DICOM.")
    assert pydicom.dcmread(sorted((out / "dicom").iterdir())[0]).PatientID == ""
    assert export(panel, "dicom-registration").startswith("A registration object refers to DICOM series")


def test_a_volume_that_was_moved_for_good_does_not_get_the_coordinates_of_its_series(loaded_from_dicom, a_pair):
    panel, _, out = loaded_from_dicom
    for node in a_pair[0]:
        node.HardenTransform()
    for form in ("dicom", "dicom-registration"):
        assert export(panel, form).startswith("Before does not lie any more as its DICOM series does")
    assert not out.exists() or not any(out.iterdir())


def test_structures_come_back_from_a_dicom_segmentation(registered, a_pair):
    pytest.importorskip("highdicom", reason="highdicom is not installed")
    panel, _, out = registered
    text = export(panel, "dicom-seg")
    assert str(out / "dicom-seg") in text, text
    found = read_labels(out / "dicom-seg" / "segmentation.dcm")
    assert [structure.name for structure in found.structures] == ["Core", "Whole"]
    node = panel.parameters().resultSegmentation
    for number in range(2):
        name = node.GetSegmentation().GetNthSegmentID(number)
        mask = slicer.util.arrayFromSegmentBinaryLabelmap(node, name, panel.parameters().resultVolume)
        voxels = np.argwhere(found.inside(number + 1))[:, ::-1]
        places = (np.c_[voxels, np.ones(len(voxels))] @ matrix_of(found.grid).T) @ np.linalg.inv(
            own_matrix(a_pair[0][0])
        ).T
        i, j, k = np.round(places[:, :3]).astype(int).T
        assert len(voxels) == mask.sum() > 100
        assert mask[k, j, i].all()


def matrix_of(grid):
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = grid.axes, grid.origin
    return matrix


def test_a_missing_package_is_told_before_a_folder_is_asked_for(registered, monkeypatch):
    from SAMRegistrationLib import environment

    panel, _, out = registered
    monkeypatch.setattr(environment, "is_there", lambda name: name != "highdicom")
    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_args: pytest.fail("a folder was asked for"))
    text = export(panel, "dicom-seg")
    assert text.startswith("The Python package highdicom is missing")
    assert 'slicer.util.pip_install("highdicom")' in text
    assert not out.exists()


def test_the_panel_stays_usable_while_it_exports_and_a_closed_scene_ends_it(registered):
    panel, _, out = registered
    combo = panel.ui.exportFormCombo
    combo.setCurrentIndex(combo.findData("pdf"))
    click(panel.ui.exportResultButton)
    assert panel.ui.lookStatus.text == "Exporting..."
    assert not panel.ui.exportResultButton.enabled
    assert panel.ui.registerButton.enabled
    slicer.mrmlScene.Clear(0)
    settle(panel)
    assert not (out / "pdf").exists()
    assert not panel.ui.exportResultButton.enabled


def test_what_goes_wrong_is_one_sentence_and_the_button_comes_back(registered, a_pair, monkeypatch, tmp_path):
    panel, _, _ = registered
    (tmp_path / "file").touch()
    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_args: str(tmp_path / "file"))
    assert "choose another output folder" in export(panel, "ants")
    assert panel.ui.exportResultButton.enabled
    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_args: "")
    panel.ui.lookStatus.setText("")
    assert export(panel, "ants") == ""
    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_args: str(tmp_path / "out"))
    panel.ui.fixedSelector.setCurrentNode(a_pair[1][0])
    panel.ui.movingSelector.setCurrentNode(a_pair[0][0])
    assert export(panel, "ants").startswith("The result is one of other volumes")
    panel.ui.fixedSelector.setCurrentNode(a_pair[0][0])
    panel.ui.movingSelector.setCurrentNode(a_pair[1][0])
    a_pair[0][0].SetSpacing(1.0, 1.0, 1.0)
    assert export(panel, "ants").startswith("The fixed volume was changed since the registration")
