"""Copies of segmentations whose ids say the same as their names, checked with Slicer's own reading of segments."""

import numpy as np
import pytest
import slicer
import vtk
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.scene import alignment, structure_segments
from SAMRegistrationLib.scene.alignment import aligned_copy, aligned_ids, follow_original, working_copy
from SAMRegistrationLib.scene.masks import masks_of, new_segmentation, on_grid
from SAMRegistrationLib.scene.structure_segments import PROMPTS, read_prompts, terminology_of, write_prompts
from SAMRegistrationLib.scene.volumes import grid_of
from SAMRegistrationLib.segmentation.prompts import Prompt, PromptSet, Structure
from scene.conftest import rigid
from scene.test_scene_masks import boxes

LIVER = "Segmentation category and type - DICOM master list~SCT^123037004^Anatomical Structure~SCT^10200004^Liver"


def named(**names):
    """A segmentation of empty segments: id=name."""
    node = new_segmentation("Masks")
    for segment_id, name in names.items():
        node.GetSegmentation().AddEmptySegment(segment_id, name)
    return node


def names_by_id(node):
    segmentation = node.GetSegmentation()
    return {segment_id: segmentation.GetSegment(segment_id).GetName() for segment_id in segmentation.GetSegmentIDs()}


@pytest.fixture
def organs(oblique, a_blob, a_volume_node, two_parents):
    """An oblique volume and its segmentation, spleen and liver overlapping, both under two parents."""
    volume = a_volume_node(a_blob(oblique), "After")
    node = new_segmentation("Organs", volume)
    segmentation, display = node.GetSegmentation(), node.GetDisplayNode()
    one, two = boxes(oblique)
    apart = np.roll(one, 5, 0) - np.roll(one, 5, 0) * two
    for number, (name, mask) in enumerate({"spleen": one, "Liver": two, "tumor": apart}.items(), start=1):
        segmentation.AddEmptySegment(f"Segment_{number}", name, (0.2 * number, 0.4, 0.6))
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, f"Segment_{number}", volume)
    segmentation.CollapseBinaryLabelmaps(False)
    segmentation.CreateRepresentation("Closed surface")
    segmentation.GetSegment("Segment_2").SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), LIVER)
    display.SetSegmentVisibility("Segment_1", False)
    display.SetSegmentOpacity2DFill("Segment_2", 0.3)
    display.SetOpacity2DFill(0.4)
    for moved in (volume, node):
        moved.SetAndObserveTransformNodeID(two_parents.GetID())
    return volume, node


def masks(node, volume):
    return [on_grid(mask, grid_of(volume)) for mask in masks_of(node)]


@pytest.mark.parametrize(
    ("own", "others", "expected"),
    [
        ({"a": "liver"}, {"a": "Liver "}, ["a"]),
        ({"a": "liver"}, {"b": "LIVER"}, ["b"]),
        ({"a": "liver", "b": "spleen"}, {"a": "spleen", "b": "liver"}, ["b", "a"]),
        ({"a": "liver"}, {"b": "spleen"}, ["a"]),
        ({"a": "node", "b": "node"}, {"b": "node", "a": "node"}, ["a", "b"]),
        ({"c": "node", "b": "node", "d": "node"}, {"a": "node", "b": "node"}, ["a", "b", "d"]),
    ],
)
def test_an_id_is_that_of_the_same_name_on_the_other_side_else_the_own_one(own, others, expected):
    assert list(aligned_ids(named(**own), named(**others)).values()) == expected


def test_an_id_that_another_structure_has_is_replaced_by_a_new_one():
    node, other = named(Segment_1="spleen", Segment_2="kidney"), named(Segment_1="liver", Segment_2="kidney")
    ids = aligned_ids(node, other)
    assert ids["Segment_2"] == "Segment_2"
    assert ids["Segment_1"] not in ("Segment_1", "Segment_2")
    copy = aligned_copy(node, other, "Copy")
    assert list(names_by_id(copy).values()) == ["spleen", "kidney"]
    assert aligned_copy(copy, other, "Copy") is None
    assert aligned_copy(other, copy, "Copy") is None


def test_masks_of_the_copy_are_where_they_were_and_the_node_itself_is_untouched(organs):
    volume, node = organs
    before, names, transform = masks(node, volume), names_by_id(node), node.GetTransformNodeID()
    changed = node.GetSegmentation().GetMTime()
    copy = aligned_copy(node, named(Segment_1="liver", x="kidney"), "Organs (for Before)")
    assert list(names_by_id(copy).values()) == ["spleen", "Liver", "tumor"]
    assert names_by_id(copy)["Segment_1"] == "Liver"
    for found, expected in zip(masks(copy, volume), before):
        assert found.any()
        assert np.array_equal(found, expected)
    assert copy.GetTransformNodeID() == transform
    slicer.util.updateSegmentBinaryLabelmapFromArray(before[0], copy, "Segment_1", volume)
    assert names_by_id(node) == names
    assert node.GetSegmentation().GetMTime() == changed
    for found, expected in zip(masks(node, volume), before):
        assert np.array_equal(found, expected)


def test_colors_terminology_display_geometry_and_folder_go_with_the_copy(organs):
    volume, node = organs
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "Study")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(folder, node), folder)
    copy = aligned_copy(node, named(Segment_1="liver"), "Copy")
    spleen, liver, tumor = copy.GetSegmentation().GetSegmentIDs()
    segmentation, display = copy.GetSegmentation(), copy.GetDisplayNode()
    assert np.allclose([segmentation.GetSegment(i).GetColor()[0] for i in (spleen, liver, tumor)], [0.2, 0.4, 0.6])
    assert terminology_of(segmentation.GetSegment(liver)) == LIVER
    assert [display.GetSegmentVisibility(i) for i in (spleen, liver, tumor)] == [False, True, True]
    assert (display.GetSegmentOpacity2DFill(liver), display.GetOpacity2DFill()) == (0.3, 0.4)
    assert display is not node.GetDisplayNode()
    assert node.GetDisplayNode().GetVisibleSegmentIDs() == ("Segment_2", "Segment_3")
    assert segmentation.ContainsRepresentation("Closed surface")
    assert segmentation.GetNumberOfLayers() == node.GetSegmentation().GetNumberOfLayers() < 3
    geometry = "Reference image geometry"
    assert segmentation.GetConversionParameter(geometry) == node.GetSegmentation().GetConversionParameter(geometry)
    assert copy.GetNodeReference(copy.GetReferenceImageGeometryReferenceRole()) is volume
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(copy)) == folder


def test_prompts_go_with_their_structures_and_those_of_removed_segments_stay_behind(organs):
    _, node = organs
    spleen, liver, gone = (
        Structure(name, label, prompts=(Prompt("positive", ((label, 2.0, 3.0),)),), propagated=True, id=segment_id)
        for label, (segment_id, name) in enumerate(
            {"Segment_1": "spleen", "Segment_2": "Liver", "x": "removed"}.items(), start=1
        )
    )
    write_prompts(node, PromptSet((spleen, liver, gone)))
    kept = node.GetAttribute(PROMPTS)
    copy = aligned_copy(node, named(Segment_1="liver", x="kidney"), "Copy")
    new = copy.GetSegmentation().GetSegmentIDs()[0]
    prompts = read_prompts(copy)
    assert [structure.id for structure in prompts.structures] == [new, "Segment_1"]
    assert prompts.structure(new).prompts == spleen.prompts
    assert prompts.structure("Segment_1").prompts == liver.prompts
    assert prompts.structure("Segment_1").propagated
    assert node.GetAttribute(PROMPTS) == kept


def test_damaged_prompts_are_told_and_nothing_is_added():
    node = named(Segment_1="spleen")
    node.SetAttribute(PROMPTS, "{")
    other, before = named(Segment_1="liver"), slicer.mrmlScene.GetNumberOfNodes()
    with pytest.raises(InputError, match="damaged"):
        aligned_copy(node, other, "Copy")
    assert slicer.mrmlScene.GetNumberOfNodes() == before


def test_a_copy_lies_on_its_image_when_volume_and_original_are_put_under_a_transform_later(organs, a_parent):
    volume, node = organs
    copy = aligned_copy(node, named(Segment_1="liver", x="kidney"), "Copy")
    before = masks(node, volume)
    turn = a_parent(rigid(0.9, (12, 5, -40)))
    for moved in (volume, node):
        moved.SetAndObserveTransformNodeID(turn.GetID())
    follow_original(copy)
    for found, expected in zip(masks(copy, volume), before):
        assert np.array_equal(found, expected)

    copy.SetAndObserveTransformNodeID(None)
    follow_original(copy)
    assert copy.GetTransformNodeID() is None, "a copy that was moved itself is left alone"
    copy.SetAndObserveTransformNodeID(turn.GetID())

    for moved in (volume, node):
        moved.SetAndObserveTransformNodeID(None)
    follow_original(copy)
    assert copy.GetTransformNodeID() is None
    for found, expected in zip(masks(copy, volume), before):
        assert np.array_equal(found, expected)


def test_a_copy_stays_on_its_image_when_the_transform_of_volume_and_original_is_hardened_or_removed(organs, a_parent):
    volume, node = organs
    copy = aligned_copy(node, named(Segment_1="liver", x="kidney"), "Copy")
    before = masks(node, volume)
    for moved in (volume, node):
        moved.HardenTransform()
    follow_original(copy)
    assert copy.GetTransformNodeID() is None
    for found, expected in zip(masks(copy, volume), before):
        assert np.array_equal(found, expected)

    turn = a_parent(rigid(-0.3, (2, 50, 10)))
    for moved in (volume, node):
        moved.SetAndObserveTransformNodeID(turn.GetID())
    follow_original(copy)
    node.HardenTransform()
    volume.HardenTransform()
    follow_original(copy)
    assert copy.GetTransformNodeID() is None
    slicer.mrmlScene.RemoveNode(turn)
    follow_original(copy)
    for found, expected in zip(masks(copy, volume), before):
        assert np.array_equal(found, expected)


def test_clicks_move_with_their_segmentation_and_not_when_its_transform_is_hardened(organs, two_parents, a_parent):
    volume, node = organs
    position, normal = (4.0, -3.0, 50.0), (0.0, 0.6, 0.8)
    structure = Structure("spleen", 1, prompts=(Prompt("positive", (position,), normal),), id="Segment_1")
    write_prompts(node, PromptSet((structure,)))
    assert read_prompts(node).structures == (structure,)
    index = grid_of(volume).physical_to_index([position])
    for turn in (a_parent(rigid(0.9, (12, 5, -40)), two_parents), None):
        for moved in (volume, node):
            moved.HardenTransform() if turn is None else moved.SetAndObserveTransformNodeID(turn.GetID())
        (moved_prompt,) = read_prompts(node).structures[0].prompts
        assert np.allclose(grid_of(volume).physical_to_index(moved_prompt.points), index, atol=1e-6)
        assert not np.allclose(moved_prompt.points, [position], atol=10)
        copy = aligned_copy(node, named(Segment_1="liver"), "Copy")
        assert np.allclose(read_prompts(copy).structures[0].prompts[0].points, moved_prompt.points)


def test_clicks_are_parsed_once_for_as_long_as_they_stay(organs, two_parents, a_parent, monkeypatch):
    _, node = organs
    parsed, moved, from_dict = [], [], PromptSet.from_dict
    monkeypatch.setattr(PromptSet, "from_dict", lambda data: parsed.append(data) or from_dict(data))
    monkeypatch.setattr(structure_segments, "_unit", lambda vector: moved.append(vector) or vector)
    usual, turned = node.GetTransformNodeID(), a_parent(rigid(0.9, (12, 5, -40)), two_parents).GetID()
    for number in (1, 2):
        node.SetAndObserveTransformNodeID(usual)
        prompt = Prompt("positive", ((4.0, -3.0, 50.0 + number),), (0.0, 0.6, 0.8))
        write_prompts(node, PromptSet((Structure("spleen", 1, prompts=(prompt,), id="Segment_1"),)))
        first = [read_prompts(node) for _ in range(5)][-1]
        assert first.structures[0].prompts == (prompt,)
        assert len(parsed) == number
        node.SetAndObserveTransformNodeID(turned)
        assert [read_prompts(node) for _ in range(5)][-1] != first
        assert (len(parsed), len(moved)) == (number, number)


def test_a_copy_of_many_segments_is_told_of_as_often_as_one_of_few(organs, monkeypatch):
    _, node = organs
    told = []

    def observed(name):
        made = new_segmentation(name)
        for one in (made, made.GetDisplayNode()):
            one.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_args: told.append(name))
        return made

    monkeypatch.setattr(alignment, "new_segmentation", observed)
    for name, more in (("few", 0), ("many", 40)):
        for number in range(more):
            node.GetSegmentation().AddEmptySegment(f"more{number}", f"organ {number}")
        ids = node.GetSegmentation().GetSegmentIDs()
        copy = working_copy(node, name, {one: f"copy of {one}" for one in ids})
        assert copy.GetSegmentation().GetNumberOfSegments() == len(ids)
    assert told.count("many") == told.count("few") > 0
