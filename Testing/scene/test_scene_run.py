"""Which segments of the two images are one structure in a registration."""

import pytest
import SimpleITK as sitk
from SAMRegistrationLib.registration import RegistrationResult
from SAMRegistrationLib.scene.masks import new_segmentation
from SAMRegistrationLib.scene.run import prepare, read
from scene.test_scene_masks import boxes


@pytest.fixture
def measured(oblique, a_blob, a_volume_node):
    """A function: names and Dice of the structures that segments (id, name, box) would guide."""
    import slicer

    volumes = [a_volume_node(a_blob(oblique), name) for name in ("Before", "After")]

    def measured(fixed, moving):
        nodes = []
        for volume, segments in zip(volumes, (fixed, moving)):
            node = new_segmentation(f"{volume.GetName()} masks", volume)
            for segment_id, name, box in segments:
                node.GetSegmentation().AddEmptySegment(segment_id, name)
                slicer.util.updateSegmentBinaryLabelmapFromArray(boxes(oblique)[box], node, segment_id, volume)
            nodes.append(node)
        inputs = read(*volumes, *nodes)
        nothing = sitk.CompositeTransform([sitk.Transform(3, sitk.sitkIdentity)])
        result = RegistrationResult(nothing, nothing, nothing, inputs.fixed, inputs.moving)
        return {row["name"]: round(row["dice_before"], 2) for row in prepare(inputs, result).measures}

    return measured


def test_segments_with_the_same_automatic_id_and_other_names_are_not_one_structure(measured):
    fixed = [("Segment_1", "liver", 0), ("Segment_2", "kidney", 1)]
    moving = [("Segment_1", "spleen", 0), ("Segment_2", "kidney", 1)]
    assert measured(fixed, moving) == {"kidney": 1.0}


def test_names_decide_where_ids_are_crossed_and_neither_case_nor_blanks_count(measured):
    fixed = [("Segment_1", "liver", 0), ("Segment_2", "spleen", 1)]
    moving = [("Segment_1", " Spleen", 1), ("Segment_2", "LIVER ", 0)]
    assert measured(fixed, moving) == {"liver": 1.0, "spleen": 1.0}


def test_a_name_that_occurs_several_times_is_matched_where_the_ids_agree_too(measured):
    fixed = [("a", "node", 0), ("b", "node", 1)]
    assert measured(fixed, [("b", "node", 1), ("c", "node", 0)]) == {"node": 1.0}
    assert measured(fixed, [("c", "node", 0)]) == {}
