"""An ejection fraction is told of the cavities of ventricles only; of everything else the change of volume."""

import json

import numpy as np
import pytest
import SimpleITK as sitk
from phantoms import oblique_grid
from SAMRegistrationLib.resources import PRESETS
from SAMRegistrationLib.sequences import is_ventricle, volume_change
from SAMRegistrationLib.sequences.curves import Curves
from SAMRegistrationLib.volumes import NamedMask, StructureMasks
from SAMRegistrationLib.volumes.segments import named_segments

GRID = oblique_grid((24, 22, 10), (1.6, 1.8, 4.0))
TERM = (
    "Segmentation category and type - DICOM master list~SCT^123037004^Anatomical Structure~{}~^^"
    "~Anatomic codes - DICOM master list~^^~^^"
)
LEFT_VENTRICLE, MYOCARDIUM = TERM.format("SCT^87878005^Left ventricle of heart"), TERM.format("SCT^74281007^Myocardium")
TISSUE = "Segmentation category and type~SCT^85756007^Tissue~SCT^85756007^Tissue~^^~Anatomic codes~^^~^^"


@pytest.mark.parametrize(
    "name",
    ["LV", "rv", "LV cavity", "Left Ventricle", "right_ventricle", "heart_ventricle_left", "LV blood pool",
     "lvBloodPool", "blood pool", "left ventricular cavity", "LV endo", "RV 2", "left ventricle ED"],
)  # fmt: skip
def test_cavities_of_ventricles(name):
    assert is_ventricle(name)
    assert is_ventricle(name, TISSUE)


@pytest.mark.parametrize(
    "name",
    ["myocardium", "LV myocardium", "LVmyo", "left ventricular wall", "left atrium", "LA", "LV epicardium", "liver", "",
     "left lateral ventricle", "third ventricle", "ventricle", "LV lead", "LV thrombus", "aorta blood pool", "cavity",
     "1", "interventricular septum", "lung left", "heart"],
)  # fmt: skip
def test_everything_else(name):
    assert not is_ventricle(name)
    assert not is_ventricle(name, TISSUE)


def test_a_term_decides_instead_of_a_name_that_says_nothing_else():
    assert is_ventricle("Segment 1", LEFT_VENTRICLE)
    assert not is_ventricle("LV", MYOCARDIUM)
    assert not is_ventricle("myocardium", LEFT_VENTRICLE)
    assert not is_ventricle("left ventricle", TERM.format("SCT^66720007^Lateral ventricle of brain"))


def test_the_structures_of_the_anatomies():
    anatomies = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in PRESETS.glob("*.json")}
    found = {
        (stem, entry["name"])
        for stem, data in anatomies.items()
        for entry in data["structures"]
        if is_ventricle(entry["name"], entry["terminology"])
    }
    assert found == {("heart", "left ventricle"), ("heart", "right ventricle")}


def test_measures_of_a_cavity_and_of_its_wall_under_a_motion_whose_volumes_are_known():
    """Scaling space by f around a point scales every volume by f cubed."""
    k, j, i = np.indices(GRID.shape)
    ball = (i - 11) ** 2 + (j - 10) ** 2 + 5 * (k - 5) ** 2 < 40
    shell = ((i - 11) ** 2 + (j - 10) ** 2 + 5 * (k - 5) ** 2 < 70) & ~ball
    masks = StructureMasks.of_masks([NamedMask(1, "LV", ball), NamedMask(2, "myocardium", shell)], GRID)
    curves = Curves.of(masks)
    for frame, factor in enumerate((1.0, 0.9, 0.8, 0.95)):
        motion = sitk.AffineTransform(3)
        motion.SetMatrix((factor * np.eye(3)).ravel().tolist())
        motion.SetCenter(GRID.center.tolist())
        curves.add(frame, motion)
    cavity, wall = (curve.measures() for curve in curves.volumes)
    voxel_ml = 1.6 * 1.8 * 4.0 / 1000
    for measures, mask in ((cavity, ball), (wall, shell)):
        assert measures["largest_ml"] == pytest.approx(mask.sum() * voxel_ml, rel=1e-4)
        assert measures["smallest_ml"] == pytest.approx(0.512 * mask.sum() * voxel_ml, rel=1e-3)
        assert (measures["largest_frame"], measures["smallest_frame"]) == (0, 2)
        assert measures["volume_change_percent"] == pytest.approx(48.8, abs=0.1)
    assert cavity["ejection_fraction_percent"] == pytest.approx(48.8, abs=0.1)
    assert wall["ejection_fraction_percent"] is None


def test_the_change_of_nothing_is_none():
    assert volume_change([]) is None
    assert volume_change([0.0, 0.0]) is None


def test_the_term_of_a_segment_is_read_from_its_file():
    image = sitk.Image(4, 4, 4, sitk.sitkUInt8)
    image.SetMetaData("Segment0_Name", "Segment_1")
    image.SetMetaData("Segment0_Tags", f"Segmentation.Status:inprogress|TerminologyEntry:{LEFT_VENTRICLE}|")
    image.SetMetaData("Segment1_Name", "Segment_2")
    first, second = named_segments(image)
    assert (first.terminology, second.terminology) == (LEFT_VENTRICLE, "")
