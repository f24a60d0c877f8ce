"""Clicks become prompts of the session and masks of the segmentation node, in the world."""

import numpy as np
import pytest
import slicer
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.geometry.frames import flipped
from SAMRegistrationLib.job import Job
from SAMRegistrationLib.scene.editor import MaskEditor
from SAMRegistrationLib.scene.masks import masks_of, new_segmentation, on_grid
from SAMRegistrationLib.scene.presence import Presence
from SAMRegistrationLib.scene.structure_segments import (
    new_structure,
    put_structure,
    read_prompts,
    structures_of,
)
from SAMRegistrationLib.scene.volumes import grid_of
from unit.segmentation_samples import FloodPredictor, body, picture


@pytest.fixture
def balls(oblique):
    return body(oblique, (10, 12, 6), (7, 7, 9)), body(oblique, (22, 12, 6), (5, 6, 7))


@pytest.fixture
def an_editor(oblique, balls, a_volume_node, two_parents):
    """Editor of a volume with two bright balls under parent transforms, with the structures Liver and Spleen."""
    volume = a_volume_node(picture(oblique, *balls))
    volume.SetAndObserveTransformNodeID(two_parents.GetID())
    node = new_segmentation("Masks", volume)
    for number, name in enumerate(("Liver", "Spleen")):
        put_structure(node, new_structure(name, number, terminology=f"code of {name}"))
    return MaskEditor(volume, node, FloodPredictor)


def do(editor, work):
    editor.show(work(Job()))


def ids(editor):
    return [structure.id for structure in structures_of(editor.segmentation)]


def at(editor, *index):
    return flipped(grid_of(editor.volume).index_to_physical([index])[0])


def mask(editor, number):
    return on_grid(masks_of(editor.segmentation)[number], grid_of(editor.volume)) > 0


def test_a_click_marks_the_slice_that_the_world_shows_under_it(an_editor, balls):
    liver = ids(an_editor)[0]
    normal = flipped(np.array(grid_of(an_editor.volume).direction).reshape(3, 3)[:, 2])
    do(an_editor, an_editor.point(liver, at(an_editor, 10, 12, 5), True, normal))
    expected = np.zeros(balls[0].shape, bool)
    expected[5] = balls[0][5]
    assert np.array_equal(mask(an_editor, 0), expected)
    assert Presence().masked(an_editor.segmentation) == {liver}


def test_to_volume_undo_and_redo_show_in_the_segment(an_editor, balls):
    liver = ids(an_editor)[0]
    do(an_editor, an_editor.point(liver, at(an_editor, 10, 12, 6), True))
    clicked = mask(an_editor, 0)
    do(an_editor, an_editor.propagate(liver))
    whole = mask(an_editor, 0)
    assert 2 * (whole & balls[0]).sum() / (whole.sum() + balls[0].sum()) > 0.9
    do(an_editor, an_editor.undo())
    assert np.array_equal(mask(an_editor, 0), clicked)
    do(an_editor, an_editor.undo())
    assert not mask(an_editor, 0).any()
    assert an_editor.undo_label is None
    do(an_editor, an_editor.redo())
    assert np.array_equal(mask(an_editor, 0), clicked)


def test_a_click_outside_the_volume_is_refused_and_the_editor_goes_on(an_editor):
    liver = ids(an_editor)[0]
    with pytest.raises(InputError, match="outside"):
        an_editor.point(liver, at(an_editor, 60, 12, 6), True)(Job())
    do(an_editor, an_editor.point(liver, at(an_editor, 10, 12, 6), True))
    assert mask(an_editor, 0).any()


def test_clicks_and_masks_come_back_with_a_saved_scene(an_editor, tmp_path):
    liver = ids(an_editor)[0]
    do(an_editor, an_editor.point(liver, at(an_editor, 10, 12, 6), True))
    do(an_editor, an_editor.propagate(liver))
    before, prompts = mask(an_editor, 0), an_editor.prompts
    path = str(tmp_path / "scene.mrb")
    assert slicer.util.saveScene(path)
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(path)
    node = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    volume = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
    assert read_prompts(node) == prompts
    editor = MaskEditor(volume, node, FloodPredictor)
    assert [s.terminology for s in structures_of(node)] == ["code of Liver", "code of Spleen"]
    do(editor, editor.point(ids(editor)[1], at(editor, 22, 12, 6), True))
    assert np.array_equal(mask(editor, 0), before)
    assert mask(editor, 1).any()


def test_an_existing_segment_is_taken_over_and_corrected_by_clicks(an_editor, balls, oblique):
    from SAMRegistrationLib.scene.masks import labelmap, put_mask

    liver = ids(an_editor)[0]
    both = balls[0] | balls[1]
    put_mask(an_editor.segmentation, liver, labelmap(both, grid_of(an_editor.volume)))
    editor = MaskEditor(an_editor.volume, an_editor.segmentation, FloodPredictor)
    do(editor, editor.point(liver, at(editor, 22, 12, 6), False))
    corrected = mask(editor, 0)
    assert np.array_equal(corrected[6], balls[0][6])
    assert np.array_equal(np.delete(corrected, 6, 0), np.delete(both, 6, 0))


def test_proposals_reach_the_other_image_and_can_be_accepted(an_editor, balls, oblique, a_volume_node):
    import SimpleITK as sitk

    fixed_grid = grid_of(an_editor.volume)
    volume = a_volume_node(picture(fixed_grid, *balls), "Other")
    node = new_segmentation("Other masks", volume)
    for structure in structures_of(an_editor.segmentation):
        put_structure(node, structure)
    other = MaskEditor(volume, node, FloodPredictor)
    liver = ids(an_editor)[0]
    do(an_editor, an_editor.point(liver, at(an_editor, 10, 12, 6), True))
    do(other, other.propose(an_editor, [liver], sitk.Transform(3, sitk.sitkIdentity)))
    assert [prompt.proposed for prompt in other.prompts.structure(liver).prompts] == [True]
    do(other, other.accept(liver))
    assert [prompt.proposed for prompt in other.prompts.structure(liver).prompts] == [False]
    assert np.array_equal(mask(other, 0)[6], balls[0][6])


@pytest.mark.parametrize("of", [0, 1])
def test_a_proposal_that_is_canceled_at_the_end_changes_nothing(an_editor, balls, a_volume_node, of):
    import SimpleITK as sitk

    volume = a_volume_node(picture(grid_of(an_editor.volume), *balls), "Other")
    node = new_segmentation("Other masks", volume)
    for structure in structures_of(an_editor.segmentation):
        put_structure(node, structure)
    other, (liver, spleen) = MaskEditor(volume, node, FloodPredictor), ids(an_editor)
    do(an_editor, an_editor.point(liver, at(an_editor, 10, 12, 6), True))
    do(other, other.point(spleen, at(other, 22, 12, 6), True))
    stages = []
    job = Job(lambda fraction, stage: stages.append(stage), lambda: "Proposing the clicks" in stages)
    other.propose(an_editor, [(liver, spleen)[of]], sitk.Transform(3, sitk.sitkIdentity))(job)
    assert job.canceled
    do(other, other.point(spleen, at(other, 21, 12, 6), True))
    assert other.prompts.structure(liver).prompts == ()
    assert len(other.prompts.structure(spleen).prompts) == 2
