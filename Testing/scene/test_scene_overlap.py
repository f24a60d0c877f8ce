"""Segments that overlap: whole in measures, exported labels and files, whatever grids and parents they lie on."""

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from cases.labels import ORGAN, SHIFT_MM, TUMOR, ball, dice, oblique, organ_with_tumor, volume
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.job import Job
from SAMRegistrationLib.registration import RegistrationOptions, RegistrationResult
from SAMRegistrationLib.scene.cases import pair_writer
from SAMRegistrationLib.scene.masks import labelmap, new_segmentation, put_mask
from SAMRegistrationLib.scene.run import compute, prepare, read
from SAMRegistrationLib.scene.space import to_numpy
from SAMRegistrationLib.scene.volumes import grid_of
from SAMRegistrationLib.training.registration.check import check_data_list, read_label_volume
from SAMRegistrationLib.training.registration.datalist import read_data_list
from SAMRegistrationLib.training.registration.sources import prepare_pair
from SAMRegistrationLib.volumes import NamedMask, StructureMasks, read_labels, write_segmentation

GRID = oblique()
OTHER = oblique((60, 52, 50), (0.9, 1.05, 1.2), (0.1, 0.5, -0.2), tuple(GRID.center - (45, 5, 25)))


def segmentation_of(masks, grid, reference=None, name="Masks"):
    """A segmentation node with these masks (by name) on a grid of its own."""
    node = new_segmentation(name, reference)
    for structure, mask in masks.items():
        node.GetSegmentation().AddEmptySegment(structure, structure, (0.2, 0.4, 0.6))
        put_mask(node, structure, labelmap(mask.astype(np.uint8), grid))
    return node


def measured(volumes, segmentations, mapping=None):
    """Rows of the table by name, and the notes, for a mapping that is known."""
    inputs = read(*volumes, *segmentations)
    mapping = sitk.CompositeTransform([mapping or sitk.Transform(3, sitk.sitkIdentity)])
    result = RegistrationResult(mapping, mapping.GetInverse(), mapping, inputs.fixed.image, inputs.moving.image)
    outcome = prepare(inputs, result)
    return {row["name"]: row for row in outcome.measures}, outcome.result.notes


@pytest.fixture
def volumes(a_volume_node):
    return [
        a_volume_node(volume(GRID, center), name)
        for name, center in (("Before", GRID.center), ("After", GRID.center + SHIFT_MM))
    ]


def test_the_table_measures_an_organ_with_the_tumor_in_it(volumes):
    masks = [organ_with_tumor(GRID, center) for center in (GRID.center, GRID.center + SHIFT_MM)]
    nodes = [segmentation_of(found, GRID, node) for found, node in zip(masks, volumes)]
    rows, notes = measured(volumes, nodes, sitk.TranslationTransform(3, SHIFT_MM.tolist()))
    assert notes == []
    for name in (ORGAN, TUMOR):
        assert rows[name]["dice_before"] == pytest.approx(dice(masks[0][name], masks[1][name]))
        assert rows[name]["dice_after"] > 0.95
    one_label_image = dice(*(found[ORGAN] & ~found[TUMOR] for found in masks))
    assert abs(rows[ORGAN]["dice_before"] - one_label_image) > 0.1


def test_segments_on_a_grid_of_their_own_under_parents_are_measured_in_the_world(volumes, two_parents):
    """The moving segmentation is finer than its volume, turned against it, and both lie under a chain of parents."""
    inverse = np.linalg.inv(np.diag([-1, -1, 1, 1]) @ parent_of(two_parents) @ np.diag([-1, -1, 1, 1]))
    center = inverse[:3, :3] @ (GRID.center + SHIFT_MM) + inverse[:3, 3]
    place = Grid(OTHER.size, OTHER.spacing, tuple(center - OTHER.center + OTHER.origin), OTHER.direction)
    scale = np.cbrt(np.linalg.det(inverse[:3, :3]))
    offset = inverse[:3, :3] @ np.array([4.0, -3.0, 2.0])
    local = {ORGAN: ball(place, center, 16.0 * scale), TUMOR: ball(place, center + offset, 9.0 * scale)}
    moving = segmentation_of(local, place)
    moving.SetAndObserveTransformNodeID(two_parents.GetID())
    fixed = segmentation_of(organ_with_tumor(GRID, GRID.center), GRID, volumes[0])
    rows, _ = measured(volumes, [fixed, moving], sitk.TranslationTransform(3, SHIFT_MM.tolist()))
    truth = [organ_with_tumor(GRID, where) for where in (GRID.center, GRID.center + SHIFT_MM)]
    for name in (ORGAN, TUMOR):
        assert rows[name]["dice_before"] == pytest.approx(dice(truth[0][name], truth[1][name]), abs=0.02)
        assert rows[name]["dice_after"] > 0.93


def parent_of(node):
    import vtk

    matrix = vtk.vtkMatrix4x4()
    node.GetMatrixTransformToWorld(matrix)
    return to_numpy(matrix)


def test_what_only_one_segmentation_has_is_said(volumes):
    masks = organ_with_tumor(GRID, GRID.center)
    fixed = segmentation_of(masks, GRID, volumes[0])
    moving = segmentation_of({ORGAN: masks[ORGAN], "vessel": masks[TUMOR], "nothing": masks[TUMOR] & False}, GRID)
    rows, notes = measured(volumes, [fixed, moving])
    assert set(rows) == {ORGAN}
    assert notes == ["Left out, as only one image has a mask of that name: tumor, vessel."]
    assert measured(volumes, [fixed, None])[1] == []


def test_exported_labels_and_prepared_training_pairs_hold_the_whole_organ(volumes, tmp_path):
    masks = [organ_with_tumor(GRID, center) for center in (GRID.center, GRID.center + SHIFT_MM)]
    nodes = [segmentation_of(found, GRID, node) for found, node in zip(masks, volumes)]
    data = read_data_list(pair_writer(tmp_path, "train", *volumes, *nodes)(Job()))
    check_data_list(data)
    for case, found in zip(data.cases, masks):
        labels = read_label_volume(case.labels, case, data)
        for value, name in data.structures.items():
            np.testing.assert_array_equal(labels.inside(value), found[name])
    tensors = prepare_pair(data, *data.cases, 50_000)
    organ, tumor = (tensors["fixed_labels"][0, n].float().numpy() > 0.5 for n in range(2))
    assert tumor.any()
    assert (organ & tumor).sum() == tumor.sum()


def test_labels_that_overlap_no_longer_are_a_label_map_again_and_leave_no_file_behind(volumes, tmp_path):
    masks = organ_with_tumor(GRID, GRID.center)
    overlapping = segmentation_of(masks, GRID, volumes[0])
    apart = segmentation_of({**masks, ORGAN: masks[ORGAN] & ~masks[TUMOR]}, GRID, volumes[0])
    for node, ending in ((overlapping, "seg.nrrd"), (apart, "nrrd"), (overlapping, "seg.nrrd")):
        pair_writer(tmp_path, "train", *volumes, node)(Job())
        assert [path.name for path in tmp_path.glob("*labels*")] == [f"001-labels.{ending}"]
    check_data_list(read_data_list(tmp_path / "cases.json"))


def test_a_registration_in_the_scene_is_guided_and_measured_by_whole_structures(volumes):
    masks = [organ_with_tumor(GRID, center) for center in (GRID.center, GRID.center + SHIFT_MM)]
    nodes = [segmentation_of(found, GRID, node) for found, node in zip(masks, volumes)]
    options = RegistrationOptions.preset("fast", prealignment="rigid", use_network=False, device="cpu")
    outcome = compute(read(*volumes, *nodes), options)
    assert outcome.result.facts["structures"] == [ORGAN, TUMOR]
    for row in outcome.measures:
        assert row["dice_before"] == pytest.approx(dice(*(found[row["name"]] for found in masks)))
        assert row["dice_after"] > 0.93


def test_files_of_slicer_give_the_segments_whole(volumes, tmp_path):
    masks = organ_with_tumor(GRID, GRID.center)
    masks = {"肝臓 (Ü)": masks[ORGAN], TUMOR: masks[TUMOR], "nothing": masks[TUMOR] & False}
    node = segmentation_of(masks, GRID, volumes[0])
    for name in ("a.seg.nrrd", "b.seg.nhdr"):
        assert slicer.util.saveNode(node, str(tmp_path / name))
        found = read_labels(tmp_path / name)
        assert {s.name for s in found.structures} == {"肝臓 (Ü)", TUMOR}
        assert any('"nothing"' in note for note in found.notes)
        here = found.warped(sitk.Transform(3, sitk.sitkIdentity), GRID)
        for structure in here.structures:
            np.testing.assert_array_equal(here.inside(structure.label), masks[structure.name])


def test_files_that_are_written_open_in_slicer_with_names_colors_and_whole_masks(volumes, tmp_path):
    masks = organ_with_tumor(GRID, GRID.center)
    other = ball(GRID, GRID.center - (20, -12, 0), 4.0)
    written = StructureMasks.of_masks(
        [
            NamedMask(7, "Organ ü", masks[ORGAN], (1.0, 0.5, 0.25)),
            NamedMask(3, "tumor", masks[TUMOR], (0.0, 0.25, 0.5)),
            NamedMask(300, "beside", other),
        ],
        GRID,
    )
    write_segmentation(written, tmp_path / "a.seg.nrrd")
    node = slicer.util.loadSegmentation(str(tmp_path / "a.seg.nrrd"))
    segmentation = node.GetSegmentation()
    segments = {segmentation.GetSegment(found).GetName(): found for found in segmentation.GetSegmentIDs()}
    expected = {"Organ ü": masks[ORGAN], "tumor": masks[TUMOR], "beside": other}
    assert set(segments) == set(expected)
    for name, segment_id in segments.items():
        array = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, volumes[0])
        np.testing.assert_array_equal(array > 0, expected[name])
    assert segmentation.GetSegment(segments["Organ ü"]).GetColor() == (1.0, 0.5, 0.25)
    assert grid_of(volumes[0]).matches(GRID)
