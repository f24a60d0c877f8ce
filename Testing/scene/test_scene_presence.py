"""Which segments have a mask is known at once after the first look, and again after every change."""

import numpy as np
import pytest
import slicer
from SAMRegistrationLib.scene import presence
from SAMRegistrationLib.scene.masks import labelmap, put_mask
from SAMRegistrationLib.scene.presence import Presence
from scene.test_scene_masks import a_segmentation, boxes


@pytest.fixture
def organs(oblique, a_blob, a_volume_node):
    """Segments that share a labelmap, of one voxel and of many, and an empty one."""
    one, _ = boxes(oblique)
    dot, last = np.zeros_like(one), np.zeros_like(one)
    dot[9, 21, 27] = 1
    last[11, 25, 29] = 1
    node = a_segmentation(a_volume_node(a_blob(oblique)), liver=one, nothing=one * 0, dot=dot, last=last)
    node.GetSegmentation().CollapseBinaryLabelmaps(False)
    assert node.GetSegmentation().GetNumberOfLayers() == 1
    return node


@pytest.fixture
def looks(monkeypatch):
    """How often labelmaps were looked into."""
    looks, voxels = [], presence.voxels
    monkeypatch.setattr(presence, "voxels", lambda data: looks.append(data) or voxels(data))
    return looks


def test_a_single_voxel_counts_and_an_empty_segment_does_not(organs):
    assert Presence().masked(organs) == {"liver", "dot", "last"}
    assert Presence().masked(None) == set()


def test_a_labelmap_that_did_not_change_is_not_searched_again(organs, looks):
    known = Presence()
    first = known.masked(organs)
    assert looks
    looks.clear()
    organs.GetSegmentation().GetSegment("liver").SetColor(1, 0, 0)
    organs.GetDisplayNode().SetSegmentVisibility("dot", False)
    assert known.masked(organs) == first
    assert not looks


def test_every_change_of_a_mask_is_seen(organs, oblique):
    known = Presence()
    known.masked(organs)
    put_mask(organs, "liver", labelmap(boxes(oblique)[0] * 0, oblique))
    assert known.masked(organs) == {"dot", "last"}
    put_mask(organs, "nothing", labelmap(boxes(oblique)[1], oblique))
    assert known.masked(organs) == {"dot", "last", "nothing"}
    slicer.util.arrayFromSegmentInternalBinaryLabelmap(organs, "dot")[...] = 0
    organs.GetSegmentation().GetSegment("dot").GetRepresentation("Binary labelmap").Modified()
    assert "dot" not in known.masked(organs)
    organs.GetSegmentation().RemoveSegment("last")
    assert "last" not in known.masked(organs)
