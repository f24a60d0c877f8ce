"""Nothing that tells who a patient is gets into results, reports and what is printed."""

import gzip

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from phantoms import Anatomy, oblique_grid
from SAMRegistrationLib.cli import main

GRID = oblique_grid((20, 18, 10), (3.0, 3.1, 4.2), (0.3, -0.2, 0.4))
PRIVATE = {
    "PatientName": "Doe^Jane",
    "PatientID": "ID4711",
    "PatientBirthDate": "19700102",
    "StudyDate": "20210304",
    "AccessionNumber": "ACC0815",
    "InstitutionName": "Charite Mitte",
    "ReferringPhysicianName": "Who^Doctor",
    "StudyDescription": "Liver of Jane",
    "SeriesDescription": "Portal venous Jane",
    "StationName": "CT07",
}
UID = "1.2.826.0.1.3680043.8.498.4711"
FOLDER = "DOE_JANE_19700102"


def series(folder, grid, array):
    """A tagged CT series, one file per slice."""
    folder.mkdir(parents=True)
    directions = np.reshape(grid.direction, (3, 3))
    for number, pixels in enumerate(array):
        meta = pydicom.dataset.FileMetaDataset()
        meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = pydicom.uid.CTImageStorage
        meta.MediaStorageSOPInstanceUID = f"{UID}.{number + 1}"
        data = pydicom.dataset.FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        for name, value in PRIVATE.items():
            setattr(data, name, value)
        data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
        data.SeriesInstanceUID, data.StudyInstanceUID, data.FrameOfReferenceUID = f"{UID}.88", f"{UID}.89", f"{UID}.90"
        data.Modality, data.InstanceNumber = "CT", number + 1
        data.ImagePositionPatient = [f"{value:.6g}" for value in grid.index_to_physical([[0, 0, number]])[0]]
        data.ImageOrientationPatient = [f"{value:.8f}" for value in (*directions[:, 0], *directions[:, 1])]
        data.PixelSpacing, data.SliceThickness = [grid.spacing[1], grid.spacing[0]], grid.spacing[2]
        data.Rows, data.Columns = pixels.shape
        data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", 1
        data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
        data.RescaleSlope, data.RescaleIntercept = 1, 0
        data.PixelData = pixels.astype(np.int16).tobytes()
        data.save_as(folder / f"{number:03d}.dcm", enforce_file_format=True)
    (folder / "notes of Jane.txt").write_text("Doe", encoding="utf-8")


@pytest.fixture(scope="module")
def registered(tmp_path_factory):
    """What a registration of a tagged series with a tagged file left, and its folder of results."""
    folder = tmp_path_factory.mktemp("privacy")
    anatomy = Anatomy(GRID.center, seed=4)
    fixed = 400 * sitk.GetArrayFromImage(anatomy.image(GRID))
    series(folder / FOLDER / "ct", GRID, fixed)
    moving = anatomy.image(GRID, lambda points: points + np.array((2.0, 1.0, -1.5)))
    for key, value in (("0010|0010", PRIVATE["PatientName"]), ("0010|0020", PRIVATE["PatientID"]), ("owner", "Jane")):
        moving.SetMetaData(key, value)
    sitk.WriteImage(moving, str(folder / FOLDER / "moving.nrrd"))
    labels = sitk.Cast(moving > 0.5, sitk.sitkUInt8)
    sitk.WriteImage(labels, str(folder / FOLDER / "labels.nrrd"))
    files = [str(folder / FOLDER / name) for name in ("ct", "moving.nrrd")]
    more = ["--moving-labels", str(folder / FOLDER / "labels.nrrd"), "--displacement-field"]
    assert main(["register", *files, "-o", str(folder / "out"), "--preset", "fast", "--no-network", *more]) == 0
    return folder / "out"


def words():
    return [*PRIVATE.values(), UID, FOLDER, "DOE_JANE", "Doe Jane", "of Jane"]


def test_no_result_tells_who_the_patient_is(registered):
    for path in registered.iterdir():
        data = path.read_bytes()
        data = gzip.decompress(data) if path.name.endswith(".gz") else data
        for word in words():
            assert word.encode() not in data, f"{word} in {path.name}"
            assert word.encode("utf-16-le") not in data
    assert len(list(registered.iterdir())) >= 6


def test_images_among_the_results_carry_no_tags(registered):
    for path in registered.glob("*.nii.gz"):
        image = sitk.ReadImage(str(path))
        assert not [key for key in image.GetMetaDataKeys() if "|" in key or key == "owner"]
        assert image.GetMetaData("descrip").strip() in ("", "SimpleITK")
