"""Structures that overlap, label numbers of every size, and what is no label map."""

import json
import re

import numpy as np
import pytest
import SimpleITK as sitk
from cases import segmentations
from cases.labels import (
    ORGAN,
    RADII_MM,
    SHIFT_MM,
    TUMOR,
    dice,
    numbered,
    oblique,
    organ_with_tumor,
    volume,
    with_a_voxel,
    write_nifti_with_names,
)
from SAMRegistrationLib.cli import main
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.metrics import compare_labels, measure
from SAMRegistrationLib.registration import RegistrationOptions, RegistrationResult, register
from SAMRegistrationLib.registration.mask_channels import shared_structures
from SAMRegistrationLib.volumes import (
    NamedMask,
    StructureMasks,
    as_structures,
    read_labels,
    with_numbers_of,
    write_segmentation,
)

FIXED = oblique()
MOVING = Grid(FIXED.size, FIXED.spacing, tuple(np.asarray(FIXED.origin) + SHIFT_MM), FIXED.direction)
IDENTITY = sitk.Transform(3, sitk.sitkIdentity)
SHIFTED = sitk.TranslationTransform(3, SHIFT_MM.tolist())


def structures(grid, center, numbers=(1, 2), names=(ORGAN, TUMOR)):
    masks = organ_with_tumor(grid, center)
    return StructureMasks.of_masks((NamedMask(n, s, masks[s]) for n, s in zip(numbers, names)), grid)


@pytest.fixture(scope="module")
def pair():
    """The organ with its tumor, at the center of both grids; the moving grid lies elsewhere."""
    return structures(FIXED, FIXED.center), structures(FIXED, FIXED.center + SHIFT_MM)


def expected_before():
    """Dice of each mask, counted on the fixed grid."""
    fixed, moving = organ_with_tumor(FIXED, FIXED.center), organ_with_tumor(FIXED, FIXED.center + SHIFT_MM)
    return {name: dice(fixed[name], moving[name]) for name in fixed}


def cut_before():
    """What one label image gives for the organ: the tumor is cut out of it."""
    fixed, moving = organ_with_tumor(FIXED, FIXED.center), organ_with_tumor(FIXED, FIXED.center + SHIFT_MM)
    return dice(fixed[ORGAN] & ~fixed[TUMOR], moving[ORGAN] & ~moving[TUMOR])


def test_an_organ_is_measured_with_the_tumor_in_it(pair):
    before, after = (
        {row["name"]: row for row in measure(transform, *pair)["structures"]} for transform in (IDENTITY, SHIFTED)
    )
    for name, expected in expected_before().items():
        assert before[name]["dice"] == pytest.approx(expected)
        assert after[name]["dice"] > 0.95
    assert abs(before[ORGAN]["dice"] - cut_before()) > 0.1
    assert before[ORGAN]["fixed_ml"] == pytest.approx(4 / 3 * np.pi * RADII_MM[ORGAN] ** 3 / 1000, rel=0.02)
    assert before[TUMOR]["fixed_ml"] == pytest.approx(4 / 3 * np.pi * RADII_MM[TUMOR] ** 3 / 1000, rel=0.04)


def test_an_organ_guides_with_the_tumor_in_it(pair):
    found, _notes = shared_structures(*pair, FIXED, FIXED, FIXED, IDENTITY)
    masks = organ_with_tumor(FIXED, FIXED.center)
    assert found.titles == (ORGAN, TUMOR)
    np.testing.assert_array_equal(found.fixed[0, 0].numpy() > 0.5, masks[ORGAN])
    np.testing.assert_array_equal(found.fixed[0, 1].numpy() > 0.5, masks[TUMOR])


def test_overlapping_structures_are_warped_whole_each(pair):
    result = RegistrationResult(SHIFTED, SHIFTED.GetInverse(), SHIFTED, FIXED.empty_image(), FIXED.empty_image())
    warped = result.warp_labels(pair[1])
    volumes = warped.volumes_ml()
    for label, name in ((1, ORGAN), (2, TUMOR)):
        assert dice(warped.inside(label), organ_with_tumor(FIXED, FIXED.center)[name]) > 0.95
        assert volumes[label] == pytest.approx(4 / 3 * np.pi * RADII_MM[name] ** 3 / 1000, rel=0.05)
    assert warped.overlapping() == warped.inside(2).sum()


def test_a_registration_measures_warps_and_reports_overlapping_files_whole(tmp_path, pair, capsys):
    files = {}
    for side, center in (("fixed", FIXED.center), ("moving", FIXED.center + SHIFT_MM)):
        files[side] = str(tmp_path / f"{side}.nii.gz")
        sitk.WriteImage(volume(FIXED, center, seed=len(side)), files[side])
        masks = organ_with_tumor(FIXED, center)
        numbers = ((ORGAN, 1, 0), (TUMOR, 1, 1)) if side == "fixed" else ((TUMOR, 1, 0), (ORGAN, 1, 1))
        segmentations.write(
            tmp_path / f"{side}.seg.nrrd",
            FIXED,
            [masks[name].astype(np.uint8) for name, *_ in sorted(numbers, key=lambda entry: entry[2])],
            [segmentations.segment(name, value, layer) for name, value, layer in numbers],
        )
    masks = ["--fixed-masks", str(tmp_path / "fixed.seg.nrrd"), "--moving-masks", str(tmp_path / "moving.seg.nrrd")]
    options = ["--preset", "fast", "--no-network", "--device", "cpu", "--prealign", "rigid"]
    assert main(["register", files["fixed"], files["moving"], "-o", str(tmp_path / "out"), *masks, *options]) == 0
    told = capsys.readouterr().out
    assert "organ is 1 and 2" in told
    summary = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    before, after = ({row["name"]: row["dice"] for row in summary[when]["structures"]} for when in ("before", "after"))
    assert before == {name: pytest.approx(value) for name, value in expected_before().items()}
    assert min(after.values()) > 0.93
    assert summary["facts"]["structures"] == [ORGAN, TUMOR]
    warped = sitk.ReadImage(str(tmp_path / "out" / "warped_labels.seg.nrrd"))
    transform = sitk.ReadTransform(str(tmp_path / "out" / "transform.h5"))
    organ = FIXED.image(organ_with_tumor(FIXED, FIXED.center + SHIFT_MM)[ORGAN].astype(np.uint8))
    expected = sitk.GetArrayFromImage(sitk.Resample(organ, organ, transform, sitk.sitkNearestNeighbor, 0))
    np.testing.assert_array_equal((sitk.GetArrayFromImage(warped) == 1).any(-1), expected > 0)
    assert "organ" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")

    def warp(name):
        result = ["-r", str(tmp_path / "out"), "--like", files["fixed"]]
        return main(["warp", str(tmp_path / "moving.seg.nrrd"), "-o", str(tmp_path / name), *result])

    assert warp("again.seg.nrrd") == 0
    again = read_labels(tmp_path / "again.seg.nrrd")
    assert {s.name: again.inside(s.label).sum() for s in again.structures}[ORGAN] == expected.sum()
    assert warp("again.nii.gz") == 2
    assert "ends in .seg.nrrd" in capsys.readouterr().err
    assert not (tmp_path / "again.nii.gz").exists()


def test_the_command_metrics_goes_by_name_and_says_what_it_leaves_out(tmp_path, capsys):
    masks = organ_with_tumor(FIXED, FIXED.center)
    far = numbered(FIXED, [3], np.uint8)
    fixed = [masks[ORGAN] * 1 + sitk.GetArrayFromImage(far), masks[TUMOR] * 1]
    for side, layers, names in (
        ("fixed", fixed, (("Organ", 1, 0), ("tumor", 1, 1), ("only here", 3, 0))),
        ("moving", [masks[TUMOR] * 1, masks[ORGAN] * 2], ((" TUMOR", 1, 0), ("organ", 2, 1))),
    ):
        segmentations.write(
            tmp_path / f"{side}.seg.nrrd",
            FIXED,
            [layer.astype(np.uint8) for layer in layers],
            [segmentations.segment(*entry) for entry in names],
        )
    labels = ["--fixed-labels", str(tmp_path / "fixed.seg.nrrd"), "--moving-labels", str(tmp_path / "moving.seg.nrrd")]
    assert main(["metrics", *labels, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {row["name"]: row["dice"] for row in found["structures"]} == {"Organ": 1, "tumor": 1, "only here": None}
    assert any("only here is in the fixed labels only" in note for note in found["notes"])
    assert main(["metrics", *labels]) == 0
    assert "Note: Structure only here is in the fixed labels only and is not compared." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("fixed", "moving", "expected", "told"),
    [
        ({1: "liver", 2: "spleen"}, {1: "Spleen ", 2: "LIVER"}, {1: 2, 2: 1}, "their numbers .* differ"),
        ({1: "liver"}, {1: "spleen"}, {1: 2}, None),
        ({1: "", 2: ""}, {1: "", 3: ""}, {1: 1, 3: 3}, None),
        ({1: "liver", 2: "spleen"}, {1: "", 2: ""}, {1: 1, 2: 2}, "Only the fixed structures have names"),
        ({1: "node", 2: "node"}, {2: "node", 7: "node"}, {2: 2, 7: 7}, 'called "node"'),
        ({4: "liver", 5: ""}, {5: "", 9: "liver", 4: "other"}, {5: 5, 9: 4, 4: 10}, "liver is 4 and 9"),
    ],
)
def test_the_same_structures_of_two_images_get_the_same_number(fixed, moving, expected, told):
    def cubes(names):
        image = numbered(FIXED, sorted(names), np.uint8)
        return as_structures(image, "The image").named(names)

    renumbered, notes = with_numbers_of(cubes(fixed), cubes(moving))
    before = {label: cubes(moving).inside(label) for label in moving}
    for old, new in expected.items():
        np.testing.assert_array_equal(renumbered.inside(new), before[old])
    assert len(renumbered.labels) == len(moving)
    assert bool(notes) == bool(told)
    assert told is None or re.search(told, " ".join(notes))


KINDS = [
    (np.uint8, [1, 255]),
    (np.int16, [1, 32767]),
    (np.uint16, [1, 65535]),
    (np.int32, [1, 2**31 - 1]),
    (np.uint32, [1, 70000, 2**32 - 1]),
    (np.int64, [1, 2**31 + 5, 2**32 + 1, 2**53 + 1, 2**53 + 2]),
    (np.uint64, [1, 2**32 + 1, 2**64 - 1]),
    (np.float32, [1, 2**24]),
    (np.float64, [1, 70000, 2**32 + 1]),
]


@pytest.mark.parametrize(("kind", "numbers"), KINDS)
def test_labels_of_every_type_keep_their_numbers_and_never_merge(kind, numbers):
    image = numbered(FIXED, numbers, kind)
    array = sitk.GetArrayFromImage(image)
    found = as_structures(image, "The image")
    assert list(found.labels) == sorted(numbers)
    for label in numbers:
        assert found.inside(label).sum() == 6 * 8 * 4
        np.testing.assert_array_equal(found.inside(label), array == kind(label))
    rows = {row.label: row.dice for row in compare_labels(found, found.warped(IDENTITY, FIXED))}
    assert rows == dict.fromkeys(numbers, 1.0)
    back = sitk.GetArrayFromImage(found.label_image())
    assert sorted(int(value) for value in np.unique(back)) == [0, *sorted(numbers)]


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
def test_labels_above_two_to_the_31_survive_files_and_warping(tmp_path, ending):
    numbers = [1, 2**31 + 5, 2**32 + 1]
    path = tmp_path / f"labels{ending}"
    sitk.WriteImage(numbered(FIXED, numbers, np.int64), str(path))
    warped = read_labels(path).warped(IDENTITY, FIXED)
    sitk.WriteImage(warped.label_image(), str(tmp_path / f"warped{ending}"))
    back = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / f"warped{ending}")))
    assert [int(value) for value in np.unique(back)] == [0, *numbers]


def not_label_maps():
    one = numbered(FIXED, [1], np.uint8)
    yield "NaN", with_a_voxel(one, np.nan), "NaN or infinite"
    yield "infinity", with_a_voxel(one, np.inf), "NaN or infinite"
    yield "fractions", with_a_voxel(one, 0.5), "fractions"
    yield "negative", with_a_voxel(one, -1, np.int16), "negative labels"
    yield "negative fractions type", with_a_voxel(one, -1), "negative labels"
    yield "too large for its type", with_a_voxel(one, 2.0**25), "above 16777216"
    yield "complex", sitk.Cast(one, sitk.sitkComplexFloat32), "complex"
    yield "color", sitk.Compose([one, one, one]), "3 values per voxel"
    yield "2D", one[:, :, 10], "3D"


@pytest.mark.parametrize(("kind", "image", "told"), list(not_label_maps()), ids=[kind for kind, *_ in not_label_maps()])
def test_what_is_no_label_map_is_refused_in_one_sentence_before_any_work(kind, image, told):
    here = volume(FIXED, FIXED.center)
    for sides in ((image, None), (None, image)):
        with pytest.raises(InputError, match=told):
            register(here, here, *sides)
    with pytest.raises(InputError, match=told):
        measure(IDENTITY, image, image)


def test_masks_of_fractional_type_that_hold_whole_numbers_are_masks():
    mask = organ_with_tumor(FIXED, FIXED.center)[ORGAN]
    found = [as_structures(FIXED.image(mask.astype(kind)), "The image") for kind in (np.float32, np.float64, np.uint8)]
    for structures_ in found:
        np.testing.assert_array_equal(structures_.inside(1), mask)
    options = RegistrationOptions.preset("fast", prealignment="none", use_network=False, device="cpu")
    here = volume(FIXED, FIXED.center)
    result = register(here, here, FIXED.image(mask.astype(np.float32)), FIXED.image(mask.astype(np.float64)), options)
    assert result.facts["structures"] == [1]


def test_label_objects_of_simpleitk_are_labels_and_arrays_are_not():
    image = numbered(FIXED, [4, 9], np.uint16)
    for kind in (sitk.sitkLabelUInt8, sitk.sitkLabelUInt64):
        found = as_structures(sitk.Cast(image, kind), "The image")
        assert found.labels == (4, 9)
        assert found.grid.matches(FIXED)
        np.testing.assert_array_equal(found.inside(9), sitk.GetArrayFromImage(image) == 9)
    with pytest.raises(InputError, match="given as ndarray; give a SimpleITK image"):
        register(volume(FIXED, FIXED.center), volume(FIXED, FIXED.center), sitk.GetArrayFromImage(image))


def test_one_time_frame_is_a_label_map():
    image = numbered(FIXED, [4], np.uint8)
    assert as_structures(sitk.JoinSeries([image]), "The image").labels == (4,)


def test_masks_that_are_empty_on_one_side_are_said_to_be_empty():
    options = RegistrationOptions.preset("fast", prealignment="none", use_network=False, use_refinement=False)
    here = volume(FIXED, FIXED.center)
    result = register(here, here, numbered(FIXED, [1], np.uint8), FIXED.empty_image(), options)
    assert "The moving masks are empty: every voxel is 0." in result.notes
    assert result.facts["structures"] == []


def test_masks_on_another_grid_than_their_volume_are_noted():
    other = oblique((20, 22, 30), (2.5, 2.2, 1.9), (0.1, 0.2, 0.3), tuple(FIXED.center - 20))
    notes = []
    masks = organ_with_tumor(other, FIXED.center)
    layered = StructureMasks.of_masks((NamedMask(n, "", m) for n, m in enumerate(masks.values(), 1)), other)
    found, notes = shared_structures(layered, layered, FIXED, FIXED, FIXED, IDENTITY)
    assert sum("another grid" in note for note in notes) == 2
    expected = organ_with_tumor(FIXED, FIXED.center)
    for channel, name in zip(found.fixed[0].numpy(), expected):
        assert dice(channel > 0.5, expected[name]) > 0.9


def test_masks_on_another_grid_or_with_the_same_number_are_no_structures():
    mask = np.ones(FIXED.shape, bool)
    with pytest.raises(InputError, match="not on the grid"):
        StructureMasks.of_masks([NamedMask(1, "a", mask[1:])], FIXED)
    for numbers in ((1, 1), (0, 1), (-2, 1)):
        with pytest.raises(InputError, match="numbers above 0 of their own"):
            StructureMasks.of_masks([NamedMask(number, "", mask) for number in numbers], FIXED)


def test_many_structures_that_do_not_overlap_share_one_layer():
    grid = Grid((40, 40, 40))
    numbers = np.arange(1, 301)
    labels = np.zeros(grid.shape, np.uint16)
    labels.reshape(-1)[: 300 * 64] = np.repeat(numbers, 64)
    found = StructureMasks.of_masks((NamedMask(int(n), "", labels == n) for n in numbers), grid)
    assert len(found.layers) == 1
    np.testing.assert_array_equal(sitk.GetArrayFromImage(found.label_image()), labels)
    assert found.overlapping() == 0


def test_a_segmentation_that_was_written_reads_the_same(tmp_path, pair):
    names = {1: "Leber é", 2: "肿瘤"}
    written = StructureMasks.of_masks(
        (NamedMask(n, name, pair[0].inside(n), (0.25, 0.5, 1.0)) for n, name in names.items()), FIXED
    )
    write_segmentation(written, tmp_path / "a.seg.nrrd")
    read = read_labels(tmp_path / "a.seg.nrrd")
    assert {s.label: (s.name, s.color) for s in read.structures} == {n: (s, (0.25, 0.5, 1.0)) for n, s in names.items()}
    assert read.grid.matches(FIXED)
    for label in names:
        np.testing.assert_array_equal(read.inside(label), pair[0].inside(label))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("name", ["a.nii.gz", "a.nii"])
def test_names_in_the_header_of_a_nifti_file_are_its_names(tmp_path, name, order):
    image = numbered(FIXED, [1, 5, 9], np.uint16)
    path = write_nifti_with_names(
        tmp_path / name, image, {0: "nothing", 1: "spleen", 5: "vertebrae_L1 ü", 7: "x"}, order
    )
    found = read_labels(path)
    assert [(s.label, s.name) for s in found.structures] == [(1, "spleen"), (5, "vertebrae_L1 ü"), (9, "")]
    assert found.structures[0].color == (0.5, 0.25, 1.0)
    assert found.grid.matches(FIXED, tolerance=0.01)
    np.testing.assert_array_equal(found.inside(5), sitk.GetArrayFromImage(image) == 5)


def test_a_damaged_table_of_names_leaves_the_numbers(tmp_path):
    path = write_nifti_with_names(tmp_path / "a.nii", numbered(FIXED, [1, 5], np.uint16), {1: "spleen"})
    path.write_bytes(path.read_bytes().replace(b"</LabelTable>", b"</LabelTabl >"))
    assert [(s.label, s.name) for s in read_labels(path).structures] == [(1, ""), (5, "")]


def test_liver_does_not_guide_spleen_where_nifti_files_number_them_differently(tmp_path):
    image = numbered(FIXED, [1, 2], np.uint16)
    swapped = numbered(FIXED, [2, 1], np.uint16)
    fixed = read_labels(write_nifti_with_names(tmp_path / "f.nii.gz", image, {1: "liver", 2: "spleen"}))
    moving = read_labels(write_nifti_with_names(tmp_path / "m.nii.gz", swapped, {2: "Liver", 1: "Spleen"}))
    rows = measure(IDENTITY, fixed, moving)["structures"]
    assert [(row["name"], row["dice"]) for row in rows] == [("liver", 1.0), ("spleen", 1.0)]
