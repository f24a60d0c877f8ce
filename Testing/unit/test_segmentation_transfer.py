"""Prompts carried to the other image, and label maps from elsewhere; checked with SimpleITK's own resampling."""

import numpy as np
import pytest
import SimpleITK as sitk
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.segmentation.planes import axis_normal
from SAMRegistrationLib.segmentation.session import SegmentationSession
from SAMRegistrationLib.volumes import NamedMask, StructureMasks, as_structures
from segmentation_samples import FloodPredictor, body, dice, oblique_grid, picture, world

FIXED = oblique_grid()
MOVING = oblique_grid(size=(50, 44, 30), spacing=(1.4, 1.0, 2.2), origin=(5.0, -8.0, 60.0), angle=-0.35)
BODY = body(FIXED, (18, 17, 7), (12, 14, 20))


def alignment():
    """Maps fixed points to moving points: the fixed center to the moving center, turned by 0.2 rad."""
    transform = sitk.Euler3DTransform(FIXED.center.tolist(), 0.2, 0.1, -0.15)
    transform.SetTranslation((MOVING.center - FIXED.center).tolist())
    return transform


def sessions():
    fixed_image = picture(FIXED, BODY)
    inverse = alignment().GetInverse()
    moving_image = sitk.Resample(fixed_image, MOVING.empty_image(), inverse, sitk.sitkLinear, 0.0)
    return SegmentationSession(fixed_image, FloodPredictor()), SegmentationSession(moving_image, FloodPredictor())


def test_one_set_of_clicks_serves_both_images():
    fixed, moving = sessions()
    liver = fixed.add_structure("liver", terminology="code", label=4)
    fixed.add_point(liver.id, world(FIXED, 18, 17, 7))
    fixed.add_point(liver.id, world(FIXED, 2, 3, 7), positive=False)
    assert moving.propose_from(fixed, alignment()) == 0
    proposed = moving.structures[0]
    assert (proposed.id, proposed.name, proposed.label, proposed.terminology) == (liver.id, "liver", 4, "code")
    for prompt, original in zip(proposed.prompts, fixed.structures[0].prompts):
        assert prompt.proposed
        assert prompt.kind == original.kind
        np.testing.assert_allclose(prompt.points[0], alignment().TransformPoint(original.points[0]), atol=1e-9)
    moved = sitk.GetArrayFromImage(
        sitk.Resample(FIXED.image(BODY.astype(np.uint8)), MOVING.empty_image(), alignment().GetInverse(), 1)
    )
    assert dice(moving.propagate(liver.id), moved) > 0.9


def test_proposals_come_as_one_step_and_go_as_one():
    fixed, moving = sessions()
    liver = fixed.add_structure("liver")
    fixed.add_point(liver.id, world(FIXED, 18, 17, 7))
    before = moving.prompts
    moving.propose_from(fixed, alignment())
    assert moving.undo() == "Propose prompts"
    assert moving.prompts == before


def test_proposals_stay_proposals_until_accepted_or_corrected():
    fixed, moving = sessions()
    liver = fixed.add_structure("liver")
    fixed.add_point(liver.id, world(FIXED, 18, 17, 7))
    fixed.add_point(liver.id, world(FIXED, 20, 17, 7))
    moving.propose_from(fixed, alignment())
    first, second = moving.structures[0].prompts
    moving.move_prompt(first.id, MOVING.center)
    assert [prompt.proposed for prompt in moving.structures[0].prompts] == [False, True]
    moving.accept_proposals(liver.id)
    assert [prompt.proposed for prompt in moving.structures[0].prompts] == [False, False]
    moving.undo()
    assert [prompt.proposed for prompt in moving.structures[0].prompts] == [False, True]
    assert moving.prompts.prompt(second.id).proposed


def test_a_new_proposal_replaces_old_proposals_and_leaves_the_users_own_prompts():
    fixed, moving = sessions()
    liver = fixed.add_structure("liver")
    fixed.add_point(liver.id, world(FIXED, 18, 17, 7))
    moving.propose_from(fixed, alignment())
    own = moving.add_point(liver.id, MOVING.center)
    moving.propose_from(fixed, alignment())
    prompts = moving.structures[0].prompts
    assert len(prompts) == 2
    assert [prompt.proposed for prompt in prompts].count(True) == 1
    assert own in prompts


def test_structures_of_the_same_name_are_matched_and_taken_labels_avoided():
    fixed, moving = sessions()
    fixed.add_structure("liver", label=2)
    spleen = fixed.add_structure("spleen", label=1)
    existing = moving.add_structure("liver", label=1)
    for structure in fixed.structures:
        fixed.add_point(structure.id, world(FIXED, 18, 17, 7))
    moving.propose_from(fixed, alignment())
    assert [(s.name, s.label) for s in moving.structures] == [("liver", 1), ("spleen", 2)]
    assert moving.structures[0].id == existing.id
    assert moving.structures[1].id == spleen.id


def test_only_the_wanted_structures_are_carried_over():
    fixed, moving = sessions()
    liver, spleen = fixed.add_structure("liver"), fixed.add_structure("spleen")
    for structure in (liver, spleen):
        fixed.add_point(structure.id, world(FIXED, 18, 17, 7))
    moving.propose_from(fixed, alignment(), [spleen.id])
    assert [s.name for s in moving.structures] == ["spleen"]


def test_prompts_that_fall_outside_the_other_image_are_left_out_and_counted():
    fixed, moving = sessions()
    liver = fixed.add_structure("liver")
    fixed.add_point(liver.id, world(FIXED, 18, 17, 7))
    far = sitk.TranslationTransform(3, (1000.0, 0.0, 0.0))
    before = moving.prompts.structures
    assert moving.propose_from(fixed, far) == 1
    assert all(not structure.prompts for structure in moving.prompts.structures)
    assert before == ()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_box_is_carried_into_a_slice_of_the_other_image_and_holds_its_corners(axis):
    fixed, moving = sessions()
    liver = fixed.add_structure("liver")
    near, far = [12.0, 10.0, 5.0], [24.0, 22.0, 9.0]
    far[axis] = near[axis]
    fixed.add_box(liver.id, world(FIXED, *near), world(FIXED, *far), axis_normal(FIXED, axis))
    assert moving.propose_from(fixed, alignment()) == 0
    box = moving.structures[0].prompts[0]
    corners = MOVING.physical_to_index(box.points)
    across = moving.plane_of(box).axis
    np.testing.assert_allclose(corners[0, across], corners[1, across], atol=1e-6)
    others = [a for a in range(3) if a != axis]
    for first in (near, far):
        for second in (near, far):
            corner = list(near)
            corner[others[0]], corner[others[1]] = first[others[0]], second[others[1]]
            mapped = MOVING.physical_to_index([alignment().TransformPoint(world(FIXED, *corner))])[0]
            inside = (mapped >= corners.min(axis=0) - 1e-6) & (mapped <= corners.max(axis=0) + 1e-6)
            assert np.delete(inside, across).all()


def test_a_deformation_carries_points_to_where_it_puts_them():
    fixed, moving = sessions()
    field = np.zeros((*FIXED.shape, 3))
    field[...] = MOVING.center - FIXED.center
    field[..., 0] += 3 * np.sin(np.arange(FIXED.size[1]) / 6)[None, :, None]
    transform = sitk.DisplacementFieldTransform(sitk.Cast(FIXED.image(field), sitk.sitkVectorFloat64))
    liver = fixed.add_structure("liver")
    point = fixed.add_point(liver.id, world(FIXED, 18.3, 17.2, 7.1)).points[0]
    moving.propose_from(fixed, transform)
    np.testing.assert_allclose(moving.structures[0].prompts[0].points[0], transform.TransformPoint(point))


def test_a_label_map_on_another_grid_becomes_masks_on_the_volumes_grid():
    labels = np.where(BODY, 3, 0).astype(np.int16)
    labels[0, 0, 0] = 9
    other = oblique_grid(size=(31, 50, 22), spacing=(1.4, 1.0, 2.2), origin=(-20.0, 15.0, 100.0), angle=0.3)
    found = as_structures(FIXED.image(labels), "The image").named({3: "liver"})
    found = found.warped(sitk.Transform(3, sitk.sitkIdentity), other)
    expected = sitk.Resample(FIXED.image(labels), other.empty_image(), sitk.Transform(), sitk.sitkNearestNeighbor, 0)
    assert np.count_nonzero(found.inside(3)) > 1000
    assert [(s.label, s.name) for s in found.structures] == [(3, "liver"), (9, "")]
    np.testing.assert_array_equal(found.inside(3), sitk.GetArrayFromImage(expected) == 3)


def test_segmentations_of_slicer_keep_names_colors_and_overlapping_layers(tmp_path):
    inner = body(FIXED, (18, 17, 7), (5, 6, 9))
    layers = np.stack([BODY * 1, inner * 2], axis=-1).astype(np.uint8)
    image = FIXED.image(layers)
    for number, (name, layer, value) in enumerate((("whole", 0, 1), ("cavity", 1, 2))):
        image.SetMetaData(f"Segment{number}_Name", name)
        image.SetMetaData(f"Segment{number}_Layer", str(layer))
        image.SetMetaData(f"Segment{number}_LabelValue", str(value))
        image.SetMetaData(f"Segment{number}_Color", "0.5 0.25 1")
    sitk.WriteImage(image, str(tmp_path / "a.seg.nrrd"))
    found = as_structures(sitk.ReadImage(str(tmp_path / "a.seg.nrrd")), "The image")
    assert [(s.name, s.color) for s in found.structures] == [("whole", (0.5, 0.25, 1.0)), ("cavity", (0.5, 0.25, 1.0))]
    np.testing.assert_array_equal(found.inside(found.structures[0].label), BODY)
    np.testing.assert_array_equal(found.inside(found.structures[1].label), inner)


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.full((4, 5, 6), 0.5, np.float32), "whole numbers"),
        (np.full((4, 5, 6), -1, np.int16), "whole numbers"),
    ],
)
def test_images_that_are_no_label_maps_are_refused(array, sentence):
    with pytest.raises(InputError, match=sentence):
        as_structures(sitk.GetImageFromArray(array), "The image")


@pytest.mark.parametrize(("label", "kind"), [(255, np.uint8), (300, np.uint16), (70000, np.uint32)])
def test_a_label_image_is_of_a_type_that_holds_its_largest_label(label, kind):
    structures = StructureMasks.of_masks([NamedMask(label, "body", BODY)], FIXED)
    labels = sitk.GetArrayFromImage(structures.label_image())
    assert labels.dtype == kind
    np.testing.assert_array_equal(labels, np.where(BODY, label, 0))


def test_a_structure_of_another_name_with_the_same_id_is_never_taken_for_it():
    fixed, moving = sessions()
    liver = fixed.add_structure("liver")
    fixed.add_point(liver.id, world(FIXED, 18, 17, 7))
    moving.describe_structure(liver.id, "spleen", (1.0, 0.0, 0.0))
    moving.propose_from(fixed, alignment())
    assert [(s.name, len(s.prompts)) for s in moving.structures] == [("spleen", 0), ("liver", 1)]
    assert moving.structures[0].id == liver.id
    named_alike, other = sessions()[1], moving.structures[1].id
    named_alike.describe_structure(other, " Liver", (1.0, 0.0, 0.0))
    named_alike.propose_from(fixed, alignment())
    assert [(s.id, len(s.prompts)) for s in named_alike.structures] == [(other, 1)]


def test_a_click_outside_that_ends_a_structure_ends_it_in_the_other_image_too():
    grid = Grid((40, 40, 20), (1.0, 1.0, 3.0))
    tube = np.zeros(grid.shape, bool)
    tube[:, 10:30, 10:30] = True
    fixed, moving = (SegmentationSession(picture(grid, tube), FloodPredictor()) for _ in range(2))
    structure = fixed.add_structure("tube").id
    fixed.add_point(structure, world(grid, 20, 20, 8))
    fixed.propagate(structure)
    assert fixed.add_point(structure, world(grid, 20, 20, 12), positive=False).correction
    ends = np.arange(20) < 12
    np.testing.assert_array_equal(fixed.propagate(structure).any(axis=(1, 2)), ends)
    moving.propose_from(fixed, sitk.TranslationTransform(3, (8.0, 8.0, 0.0)))
    np.testing.assert_array_equal(moving.propagate(structure).any(axis=(1, 2)), ends)


def test_a_click_outside_that_takes_away_a_part_of_a_slice_stays_a_correction_in_the_other_image():
    fixed, moving = sessions()
    liver = fixed.add_structure("liver").id
    fixed.add_point(liver, world(FIXED, 18, 17, 7))
    fixed.propagate(liver)
    fixed.add_point(liver, world(FIXED, 26, 17, 9), positive=False)
    moving.propose_from(fixed, alignment())
    assert [prompt.correction for prompt in moving.structures[0].prompts] == [False, True]
