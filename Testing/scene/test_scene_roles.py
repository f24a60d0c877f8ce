"""Roles of structures: which masks guide, where nothing pulls, and what stays rigid, in the world."""

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from SAMRegistrationLib import engine
from SAMRegistrationLib.choices import CLICKED_TOLERANCE
from SAMRegistrationLib.registration import RegistrationOptions, RegistrationResult
from SAMRegistrationLib.scene.masks import new_segmentation
from SAMRegistrationLib.scene.roles import common_role, put_role, role_of
from SAMRegistrationLib.scene.run import compute, read
from SAMRegistrationLib.scene.structure_segments import write_prompts
from SAMRegistrationLib.scene.volumes import grid_of
from SAMRegistrationLib.segmentation.prompts import POSITIVE, Prompt, PromptSet, Structure
from SAMRegistrationLib.volumes import as_structures
from scene.test_scene_masks import boxes


@pytest.fixture
def asked(oblique, a_blob, a_volume_node, two_parents, monkeypatch):
    """A function: what a registration is asked for segments (name, role, box) of two volumes under two parents, its
    outcome, and the grid of the fixed volume in the world."""
    volumes = [a_volume_node(a_blob(oblique), name) for name in ("Before", "After")]
    asked_for = []

    def register(fixed, moving, *others):
        asked_for.append(others)
        nothing = sitk.CompositeTransform([sitk.Transform(3, sitk.sitkIdentity)])
        return RegistrationResult(nothing, nothing, nothing, fixed, moving)

    monkeypatch.setattr(engine, "register", register)

    def asked(fixed, moving, clicked=None):
        nodes = []
        for volume, segments in zip(volumes, (fixed, moving)):
            node = new_segmentation(f"{volume.GetName()} masks", volume)
            for name, role, box in segments:
                node.GetSegmentation().AddEmptySegment(name, name)
                slicer.util.updateSegmentBinaryLabelmapFromArray(boxes(oblique)[box], node, name, volume)
                put_role(node.GetSegmentation().GetSegment(name), role)
                if name == clicked:
                    click = Prompt(POSITIVE, (grid_of(volume).center,))
                    write_prompts(node, PromptSet((Structure(name, 1, prompts=(click,), id=name),)))
            for moved in (volume, node):
                moved.SetAndObserveTransformNodeID(two_parents.GetID())
            nodes.append(node)
        outcome = compute(read(*volumes, *nodes), RegistrationOptions())
        fixed_masks, moving_masks, _options, _job, guidance = asked_for[-1]
        return (fixed_masks, moving_masks), guidance, outcome, grid_of(volumes[0])

    asked.options = lambda: asked_for[-1][2]
    return asked


def names_of(masks):
    return None if masks is None else [structure.name for structure in masks.structures]


def marked(region, grid):
    """The voxels of `grid` that a region marks, at their places in the world."""
    return as_structures(region, "it").warped(sitk.Transform(3, sitk.sitkIdentity), grid).marked()


def test_ignored_and_rigid_structures_lie_where_their_segments_lie_in_the_world(asked, oblique):
    masks, guidance, outcome, grid = asked(
        [("tumor", "ignore", 0), ("bone", "rigid", 1)], [("tumor", "guide", 1), ("bone", "guide", 0)]
    )
    assert [names_of(side) for side in masks] == [["bone"], ["bone"]]
    for region, box in ((guidance.ignored_fixed, 0), (guidance.ignored_moving, 1), (guidance.rigid, 1)):
        assert np.array_equal(marked(region, grid), boxes(oblique)[box] > 0)
    assert [(row["name"], row["role"]) for row in outcome.measures] == [("tumor", "ignore"), ("bone", "rigid")]
    assert outcome.result.notes == []


def test_without_roles_nothing_but_masks_guides(asked):
    masks, guidance, outcome, _grid = asked([("liver", "guide", 0)], [("liver", "guide", 0)])
    assert [names_of(side) for side in masks] == [["liver"], ["liver"]]
    assert guidance is None
    assert outcome.measures[0]["role"] == "guide"


def test_what_only_one_image_shows_is_ignored_there_and_a_rigid_region_needs_a_fixed_mask(asked, oblique):
    masks, guidance, outcome, grid = asked([("liver", "guide", 1)], [("metal", "ignore", 0), ("rod", "rigid", 1)])
    assert masks == (None, None)
    assert guidance.ignored_fixed is None
    assert guidance.rigid is None
    assert np.array_equal(marked(guidance.ignored_moving, grid), boxes(oblique)[0] > 0)
    assert outcome.result.notes == [
        "Left out, as only one image has a mask of that name: liver.",
        "Not kept rigid, as the fixed image has no mask of that name: rod.",
    ]


def test_a_role_is_kept_with_its_segment_in_files(asked, tmp_path):
    node = new_segmentation("Masks")
    for name, role in (("a", "ignore"), ("b", "rigid"), ("c", "guide")):
        node.GetSegmentation().AddEmptySegment(name, name)
        slicer.util.updateSegmentBinaryLabelmapFromArray(
            np.ones((2, 2, 2), np.uint8), node, name, slicer.util.getNode("Before")
        )
        put_role(node.GetSegmentation().GetSegment(name), role)
    path = str(tmp_path / "masks.seg.nrrd")
    assert slicer.util.saveNode(node, path)
    segmentation = slicer.util.loadSegmentation(path).GetSegmentation()
    assert [role_of(segmentation.GetSegment(name)) for name in "abc"] == ["ignore", "rigid", "guide"]
    put_role(segmentation.GetSegment("a"), "guide")
    assert role_of(segmentation.GetSegment("a")) == "guide"


def test_a_role_that_is_not_known_guides():
    node = new_segmentation("Masks")
    node.GetSegmentation().AddEmptySegment("a", "a")
    node.GetSegmentation().GetSegment("a").SetTag("SAMRegistration.Role", "of a later version")
    assert role_of(node.GetSegmentation().GetSegment("a")) == "guide"
    assert [common_role("guide", "rigid"), common_role("ignore", "guide")] == ["rigid", "ignore"]


@pytest.mark.parametrize(("role", "tolerance"), [("guide", CLICKED_TOLERANCE), ("ignore", 0.0)])
def test_borders_of_clicked_structures_that_guide_may_be_off(asked, role, tolerance):
    asked([("a", role, 0), ("b", "guide", 1)], [("a", role, 1), ("b", "guide", 0)], clicked="a")
    assert asked.options().mask_tolerance == tolerance
