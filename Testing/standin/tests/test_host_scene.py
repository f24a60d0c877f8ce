"""Files, scenes, the subject hierarchy and tables in the host, checked with SimpleITK where a file leaves it."""

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk
from Host import gestures

IJK_TO_RAS = np.array([[0.0, 0.0, 2.5, -30.0], [1.25, 0.0, 0.0, 10.0], [0.0, 0.8, 0.0, 55.0], [0, 0, 0, 1]])
RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0])


@pytest.fixture
def a_volume():
    values = np.random.default_rng(7).normal(100, 30, (6, 8, 10)).astype(np.float32)
    node = slicer.util.addVolumeFromArray(values, ijkToRAS=IJK_TO_RAS, name="Image")
    node.CreateDefaultDisplayNodes()
    return node


@pytest.fixture
def a_segmentation(a_volume):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Organs")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(a_volume)
    for index, name in enumerate(("liver", "spleen")):
        identifier = node.GetSegmentation().AddEmptySegment(name, name, [1.0, 0.3 * index, 0.0])
        mask = np.zeros((6, 8, 10), np.uint8)
        mask[1:4, 2:5, 3 * index + 1 : 3 * index + 4] = 1
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, identifier, a_volume)
    return node


def children_of(item):
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    ids = vtk.vtkIdList()
    hierarchy.GetItemChildren(item, ids)
    return [hierarchy.GetItemName(ids.GetId(index)) for index in range(ids.GetNumberOfIds())]


@pytest.mark.parametrize("ending", [".nrrd", ".nii.gz", ".mha"])
def test_a_saved_volume_has_the_same_voxels_at_the_same_places_for_simpleitk(a_volume, tmp_path, ending):
    path = str(tmp_path / f"image{ending}")
    assert slicer.util.saveNode(a_volume, path)
    image = sitk.ReadImage(path)
    assert np.allclose(sitk.GetArrayFromImage(image), slicer.util.arrayFromVolume(a_volume))
    ras = (IJK_TO_RAS @ (9, 7, 5, 1))[:3]
    assert image.TransformIndexToPhysicalPoint((9, 7, 5)) == pytest.approx(RAS_TO_LPS @ ras, abs=1e-4)
    again = slicer.util.loadVolume(path, {"name": "Again"})
    assert again.GetName() == "Again"
    assert np.allclose(slicer.util.arrayFromVolume(again), slicer.util.arrayFromVolume(a_volume))
    matrix = vtk.vtkMatrix4x4()
    again.GetIJKToRASMatrix(matrix)
    assert np.allclose(slicer.util.arrayFromVTKMatrix(matrix), IJK_TO_RAS, atol=1e-5)


def test_a_loaded_volume_is_shown_in_the_slices_and_a_label_map_above_it(a_volume, tmp_path):
    image, labels = str(tmp_path / "image.nrrd"), str(tmp_path / "labels.nrrd")
    slicer.util.saveNode(a_volume, image)
    sitk.WriteImage(sitk.Cast(sitk.ReadImage(image) > 100, sitk.sitkUInt8), labels)
    volume = slicer.util.loadVolume(image)
    composite = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
    assert composite.GetBackgroundVolumeID() == volume.GetID()
    label = slicer.util.loadLabelVolume(labels)
    assert label.IsA("vtkMRMLLabelMapVolumeNode")
    assert composite.GetLabelVolumeID() == label.GetID()
    color = label.GetDisplayNode().GetColorNode()
    assert color is not None
    hidden = slicer.util.loadVolume(image, {"show": False})
    assert composite.GetBackgroundVolumeID() != hidden.GetID()


def test_a_segmentation_comes_back_with_names_colors_and_voxels(a_segmentation, a_volume, tmp_path):
    path = str(tmp_path / "organs.seg.nrrd")
    assert slicer.util.saveNode(a_segmentation, path)
    again = slicer.util.loadSegmentation(path)
    assert again.IsA("vtkMRMLSegmentationNode")
    for identifier in ("liver", "spleen"):
        old, new = (node.GetSegmentation().GetSegment(identifier) for node in (a_segmentation, again))
        assert new.GetName() == old.GetName()
        assert new.GetColor() == pytest.approx(old.GetColor(), abs=0.01)
        masks = [
            slicer.util.arrayFromSegmentBinaryLabelmap(node, identifier, a_volume) for node in (a_segmentation, again)
        ]
        assert np.array_equal(*masks)


def test_a_grid_transform_file_moves_points_for_simpleitk_as_its_node_does(tmp_path):
    rng = np.random.default_rng(3)
    image = sitk.GetImageFromArray(rng.normal(0, 2, (7, 8, 9, 3)), isVector=True)
    image.SetSpacing((3.0, 4.0, 5.0))
    image.SetOrigin((-5.0, 7.0, 11.0))
    written, saved = str(tmp_path / "written.h5"), str(tmp_path / "saved.h5")
    sitk.WriteTransform(sitk.DisplacementFieldTransform(sitk.Image(image)), written)
    node = slicer.util.loadTransform(written)
    assert slicer.util.saveNode(node, saved)
    transform = sitk.ReadTransform(saved)
    node.GetTransformFromParentAs("vtkOrientedGridTransform").SetInterpolationModeToLinear()
    for point in rng.uniform((0, 12, 16), (15, 30, 35), (5, 3)):
        ras = node.GetTransformFromParent().TransformPoint(RAS_TO_LPS @ point)
        assert transform.TransformPoint(point) == pytest.approx(RAS_TO_LPS @ ras, abs=1e-4)


def test_markups_models_and_tables_come_back_from_their_files(tmp_path):
    points = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Points")
    points.AddControlPoint(1.5, -2.5, 3.5)
    sphere = vtk.vtkSphereSource()
    sphere.Update()
    model = slicer.modules.models.logic().AddModel(sphere.GetOutput())
    table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", "Metrics")
    slicer.util.updateTableFromArray(table, [np.array([0.5, 0.75])], ["Dice"])
    names = {points: "points.mrk.json", model: "model.vtk", table: "metrics.csv"}
    for node, name in names.items():
        assert slicer.util.saveNode(node, str(tmp_path / name))
    again = slicer.util.loadMarkups(str(tmp_path / "points.mrk.json"))
    assert again.GetNthControlPointPosition(0) == pytest.approx((1.5, -2.5, 3.5))
    bounds = slicer.util.loadModel(str(tmp_path / "model.vtk")).GetPolyData().GetBounds()
    assert bounds == pytest.approx(sphere.GetOutput().GetBounds(), abs=1e-4)
    assert list(slicer.util.arrayFromTableColumn(slicer.util.loadTable(str(tmp_path / "metrics.csv")), "Dice")) == [
        0.5,
        0.75,
    ]


def test_exporting_under_a_transform_writes_world_coordinates_and_leaves_the_node_alone(a_volume, tmp_path):
    parent = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "Parent")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, 12.0)
    parent.SetMatrixTransformToParent(matrix)
    a_volume.SetAndObserveTransformNodeID(parent.GetID())
    path = str(tmp_path / "world.nrrd")
    assert slicer.util.exportNode(a_volume, path, {}, world=True)
    moved = IJK_TO_RAS[:3, 3] + np.array((12, 0, 0))
    assert sitk.ReadImage(path).GetOrigin() == pytest.approx(RAS_TO_LPS @ moved, abs=1e-4)
    assert a_volume.GetParentTransformNode() is parent
    assert a_volume.GetStorageNode().GetFileName() is None
    assert len(slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")) == 1


@pytest.mark.parametrize(
    ("name", "content"), [("missing.nrrd", None), ("broken.nrrd", b"no image"), ("broken.mrb", b"x"), ("odd.xyz", b"x")]
)
def test_a_file_that_can_not_be_loaded_raises_and_leaves_the_scene_as_it_was(tmp_path, name, content):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    before = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLDisplayableNode")
    with pytest.raises(RuntimeError, match=name):
        slicer.util.loadNodeFromFile(str(path))
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLDisplayableNode") == before


def test_a_node_is_not_saved_under_a_name_of_another_kind(a_volume, tmp_path):
    assert not slicer.util.saveNode(a_volume, str(tmp_path / "image.mrk.json"))
    assert not (tmp_path / "image.mrk.json").exists()


@pytest.mark.parametrize("name", ["Red", "Yellow", "Green"])
def test_a_loaded_scene_looks_as_it_did_when_it_was_saved(a_segmentation, a_volume, frame_of, tmp_path, name):
    slicer.util.setSliceViewerLayers(background=a_volume, fit=True)
    view = gestures.slice_view(name)
    before = frame_of(view)
    assert before.any()
    path = str(tmp_path / "scene.mrb")
    assert slicer.util.saveScene(path)
    slicer.mrmlScene.Clear(0)
    assert not frame_of(view).any()
    slicer.util.loadScene(path)
    after = frame_of(view).astype(int)
    assert np.abs(after - before).mean() < 1


def test_saving_into_a_folder_that_does_not_exist_fails_without_raising(a_volume, tmp_path):
    assert not slicer.util.saveScene(str(tmp_path / "no" / "scene.mrb"))


def test_every_data_node_has_an_item_in_the_subject_hierarchy_until_it_is_removed(a_volume, a_segmentation):
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    root = hierarchy.GetSceneItemID()
    assert {"Image", "Organs"} <= set(children_of(root))
    assert hierarchy.GetItemOwnerPluginName(hierarchy.GetItemByDataNode(a_volume)) == "Volumes"
    folder = hierarchy.CreateFolderItem(root, "Run 1")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(a_volume), folder)
    assert children_of(folder) == ["Image"]
    slicer.mrmlScene.RemoveNode(a_volume)
    assert children_of(folder) == []


def test_folders_of_the_subject_hierarchy_survive_a_scene_bundle(a_volume, tmp_path):
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "Run 1")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(a_volume), folder)
    path = str(tmp_path / "scene.mrb")
    assert slicer.util.saveScene(path)
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(path)
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    folder = hierarchy.GetItemByName("Run 1")
    assert folder
    assert children_of(folder) == ["Image"]


def test_a_hidden_node_gets_no_item(a_volume):
    node = slicer.vtkMRMLScalarVolumeNode()
    node.SetName("Hidden")
    node.HideFromEditorsOn()
    slicer.mrmlScene.AddNode(node)
    assert slicer.mrmlScene.GetSubjectHierarchyNode().GetItemByDataNode(node) == 0


def test_terminology_tags_of_segments_survive_a_file(a_segmentation, tmp_path):
    segment = a_segmentation.GetSegmentation().GetSegment("liver")
    entry = "Any list~SCT^123037004^Anatomical Structure~SCT^10200004^Liver~^^~Any regions~^^~^^"
    segment.SetTag(segment.GetTerminologyEntryTagName(), entry)
    path = str(tmp_path / "organs.seg.nrrd")
    assert slicer.util.saveNode(a_segmentation, path)
    again = slicer.util.loadSegmentation(path).GetSegmentation().GetSegment("liver")
    tag = vtk.reference("")
    assert again.GetTag(segment.GetTerminologyEntryTagName(), tag)
    assert "SCT^10200004^Liver" in str(tag)


def test_the_default_color_tables_are_there():
    for name in ("Grey", "Rainbow", "Labels"):
        assert slicer.util.getFirstNodeByClassByName("vtkMRMLColorTableNode", name) is not None
    logic = slicer.modules.colors.logic()
    assert slicer.mrmlScene.GetNodeByID(logic.GetDefaultLabelMapColorNodeID()).GetNumberOfColors() > 100
    assert slicer.mrmlScene.GetNodeByID(logic.GetDefaultVolumeColorNodeID()).GetName() == "Grey"
