"""Segments to masks and back, compared with Slicer's own export of segments."""

import numpy as np
import SimpleITK as sitk
import slicer
from SAMRegistrationLib.scene.masks import (
    copy_segment,
    labelmap,
    masks_of,
    new_segmentation,
    on_grid,
    put_mask,
    structure_masks,
)


def a_segmentation(volume, **bodies):
    node = new_segmentation("Organs", volume)
    for name, mask in bodies.items():
        node.GetSegmentation().AddEmptySegment(name, name.title(), (0.2, 0.4, 0.6))
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype(np.uint8), node, name, volume)
    return node


def boxes(grid):
    one, two = (np.zeros(grid.shape, np.uint8) for _ in range(2))
    one[2:7, 5:15, 4:20] = 1
    two[4:9, 10:20, 15:25] = 1
    return one, two


def test_overlapping_segments_come_out_as_they_went_in(oblique, a_blob, a_volume_node):
    one, two = boxes(oblique)
    node = a_segmentation(a_volume_node(a_blob(oblique)), liver=one, spleen=two)
    masks = masks_of(node)
    assert [(mask.id, mask.name) for mask in masks] == [("liver", "Liver"), ("spleen", "Spleen")]
    assert np.array_equal(on_grid(masks[0], oblique), one)
    assert np.array_equal(on_grid(masks[1], oblique), two)


def test_a_segment_under_parents_lies_where_its_volume_under_the_same_parents_lies(
    oblique, a_blob, a_volume_node, two_parents
):
    from SAMRegistrationLib.scene.volumes import grid_of

    one, two = boxes(oblique)
    volume = a_volume_node(a_blob(oblique))
    node = a_segmentation(volume, liver=one, spleen=two)
    for moved in (volume, node):
        moved.SetAndObserveTransformNodeID(two_parents.GetID())
    for mask, expected in zip(masks_of(node), (one, two)):
        assert np.array_equal(on_grid(mask, grid_of(volume)), expected)


def test_a_mask_written_into_a_segment_under_parents_is_where_the_world_has_it(
    oblique, a_blob, a_volume_node, two_parents
):
    one, two = boxes(oblique)
    volume = a_volume_node(a_blob(oblique))
    node = a_segmentation(volume, liver=one, spleen=two)
    node.SetAndObserveTransformNodeID(two_parents.GetID())
    put_mask(node, "liver", labelmap(two, oblique))
    assert np.array_equal(on_grid(masks_of(node)[0], oblique), two)
    copy = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    copy.Copy(node)
    copy.HardenTransform()
    exported = slicer.util.arrayFromSegmentBinaryLabelmap(copy, "liver", volume)
    assert np.array_equal(exported, two)


def test_writing_one_segment_leaves_the_others_alone_even_where_they_overlap(oblique, a_blob, a_volume_node):
    one, two = boxes(oblique)
    volume = a_volume_node(a_blob(oblique))
    node = a_segmentation(volume, liver=one, spleen=two)
    put_mask(node, "spleen", labelmap(one, oblique))
    put_mask(node, "spleen", labelmap(np.zeros_like(one), oblique))
    assert np.array_equal(slicer.util.arrayFromSegmentBinaryLabelmap(node, "liver", volume), one)
    assert masks_of(node)[1].image is None


def test_segments_that_overlap_are_whole_structures_and_one_label_image_has_the_smaller_on_top(
    oblique, a_blob, a_volume_node
):
    one, two = boxes(oblique)
    masks = masks_of(a_segmentation(a_volume_node(a_blob(oblique)), liver=one, spleen=two))
    structures = structure_masks(masks, [7, 3], ["Liver", "Spleen"], oblique)
    assert [(s.label, s.name) for s in structures.structures] == [(3, "Spleen"), (7, "Liver")]
    assert np.array_equal(structures.inside(7), one > 0)
    assert np.array_equal(structures.inside(3), two > 0)
    assert structures.overlapping() == ((one > 0) & (two > 0)).sum() > 0
    labels = sitk.GetArrayFromImage(structures.label_image())
    assert one.sum() > two.sum()
    assert np.array_equal(labels == 3, two > 0)
    assert np.array_equal(labels == 7, (one > 0) & (two == 0))


def test_a_segment_that_is_only_a_surface_is_read_without_changing_the_node(oblique, a_blob, a_volume_node):
    ball = np.zeros(oblique.shape, np.uint8)
    ball[3:9, 6:20, 6:24] = 1
    node = a_segmentation(a_volume_node(a_blob(oblique)), liver=ball)
    segmentation = node.GetSegmentation()
    segmentation.CreateRepresentation("Closed surface")
    segmentation.SetSourceRepresentationName("Closed surface")
    segmentation.RemoveRepresentation("Binary labelmap")
    found = on_grid(masks_of(node)[0], oblique)
    assert not segmentation.ContainsRepresentation("Binary labelmap")
    assert 2 * (found & ball).sum() / (found.sum() + ball.sum()) > 0.85


def test_a_copied_segment_keeps_name_color_and_terminology(oblique, a_blob, a_volume_node):
    one, _ = boxes(oblique)
    source = a_segmentation(a_volume_node(a_blob(oblique)), liver=one)
    entry = "Segmentation category and type - DICOM master list~SCT^123037004^Anatomical Structure~SCT^10200004^Liver"
    source.GetSegmentation().GetSegment("liver").SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), entry)
    target = new_segmentation("Warped")
    copy_segment(source, "liver", target)
    segment = target.GetSegmentation().GetSegment("liver")
    assert segment.GetName() == "Liver"
    assert segment.GetColor() == (0.2, 0.4, 0.6)
    assert source.GetSegmentation().GetSegment("liver").GetName() == "Liver"
    import vtk

    text = vtk.reference("")
    assert segment.GetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), text)
    assert str(text) == entry


def test_a_mask_that_fills_its_box_is_warped_without_its_surroundings(oblique, a_blob, a_volume_node):
    from SAMRegistrationLib.geometry.resample import warp_mask

    volume = a_volume_node(a_blob(oblique))
    node = new_segmentation("Masks", volume)
    node.GetSegmentation().AddEmptySegment("box", "box")
    box = np.zeros(oblique.shape, np.uint8)
    box[4:9, 5:11, 6:10] = 1
    put_mask(node, "box", labelmap(box, oblique))
    (mask,) = masks_of(node)
    np.testing.assert_array_equal(warp_mask(mask.image, sitk.Transform(3, sitk.sitkIdentity), oblique), box)
