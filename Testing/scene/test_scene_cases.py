"""Pairs of the scene as files of a data list, in world coordinates."""

import json
import sys

import numpy as np
import pytest
import SimpleITK as sitk
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.job import Job
from SAMRegistrationLib.scene.cases import pair_writer
from SAMRegistrationLib.scene.volumes import grid_of
from SAMRegistrationLib.training.registration.check import check_data_list
from SAMRegistrationLib.training.registration.datalist import read_data_list
from scene.test_scene_masks import a_segmentation, boxes


@pytest.fixture
def a_pair(oblique, a_blob, a_volume_node, two_parents):
    """Fixed and moving volume with masks, the moving ones under a chain of two parents."""
    one, two = boxes(oblique)
    nodes = []
    for name, shift in (("Before", 0), ("After", 3)):
        volume = a_volume_node(a_blob(oblique, (shift, 0, 0)))
        volume.SetName(name)
        nodes += [volume, a_segmentation(volume, liver=one, spleen=two)]
    for node in nodes[2:]:
        node.SetAndObserveTransformNodeID(two_parents.GetID())
    return nodes[0], nodes[2], nodes[1], nodes[3]


def test_a_pair_is_written_where_the_world_has_it_and_the_nodes_stay_as_they_were(a_pair, tmp_path, two_parents):
    fixed, moving, *_ = a_pair
    path = pair_writer(tmp_path / "cases", "train", *a_pair)(Job())
    data = read_data_list(path)
    check_data_list(data)
    assert data.structures == {1: "Liver", 2: "Spleen"}
    assert [case.id for case in data.cases] == ["Before", "After"]
    assert {(f.id, m.id) for f, m in data.pairs_of("train")} == {("Before", "After"), ("After", "Before")}
    assert moving.GetTransformNodeID() == two_parents.GetID()
    for case, node in zip(data.cases, (fixed, moving)):
        image, labels = (sitk.ReadImage(str(file)) for file in (case.image, case.labels))
        assert Grid.of(image).matches(grid_of(node))
        assert Grid.of(labels).matches(grid_of(node))
        one, two = boxes(Grid.of(image))
        layers = np.moveaxis(sitk.GetArrayFromImage(labels), -1, 0)
        assert np.array_equal((layers == 1).any(0), one > 0)
        assert np.array_equal((layers == 2).any(0), two > 0)
        world_bounds = [0.0] * 6
        node.GetRASBounds(world_bounds)
        assert np.allclose(bounds_of(image), world_bounds, atol=1e-3)


def bounds_of(image):
    corners = Grid.of(image).crop((0, 0, 0), image.GetSize())
    size = np.asarray(image.GetSize())
    indices = [[i, j, k] * size - 0.5 for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    points = corners.index_to_physical(indices) * (-1, -1, 1)
    return np.stack([points.min(0), points.max(0)], 1).ravel()


def test_a_second_pair_joins_the_list_and_shares_volumes_and_labels(a_pair, a_blob, a_volume_node, oblique, tmp_path):
    fixed, _, fixed_masks, _ = a_pair
    pair_writer(tmp_path, "train", *a_pair)(Job())
    third = a_volume_node(a_blob(oblique, (0, 5, 0)))
    third.SetName("After")
    masks = a_segmentation(third, spleen=boxes(oblique)[1], kidney=boxes(oblique)[0])
    data = read_data_list(pair_writer(tmp_path, "train", fixed, third, fixed_masks, masks)(Job()))
    check_data_list(data)
    assert [case.id for case in data.cases] == ["Before", "After", "After#2"]
    assert data.structures == {1: "Liver", 2: "Spleen", 3: "Kidney"}
    assert ("After", "After#2") not in data.pairs["train"]
    assert len(data.pairs["train"]) == 4
    assert set(np.unique(sitk.GetArrayFromImage(sitk.ReadImage(str(data.cases[2].labels))))) == {0, 2, 3}
    again = read_data_list(pair_writer(tmp_path, "train", *a_pair)(Job()))
    assert again == data


def test_a_volume_in_two_splits_is_refused_and_nothing_is_added(a_pair, tmp_path):
    path = pair_writer(tmp_path, "train", *a_pair)(Job())
    before = path.read_text(encoding="utf-8")
    with pytest.raises(InputError, match='Before is used for "train"'):
        pair_writer(tmp_path, "test", *a_pair)(Job())
    assert path.read_text(encoding="utf-8") == before


def test_a_pair_without_masks_is_written_without_labels(a_pair, tmp_path):
    data = read_data_list(pair_writer(tmp_path, "test", *a_pair[:2])(Job()))
    check_data_list(data)
    assert [case.labels for case in data.cases] == [None, None]
    assert [(f.id, m.id) for f, m in data.pairs_of("test")] == [("Before", "After")]


def test_labels_go_by_names_not_by_ids_and_neither_case_nor_blanks_count(a_pair, oblique, tmp_path):
    segmentation = a_pair[3].GetSegmentation()
    for segment_id, name in (("liver", " SPLEEN"), ("spleen", "Kidney")):
        segmentation.GetSegment(segment_id).SetName(name)
    data = read_data_list(pair_writer(tmp_path, "test", *a_pair)(Job()))
    assert data.structures == {1: "Liver", 2: "Spleen", 3: "Kidney"}
    layers = np.moveaxis(sitk.GetArrayFromImage(sitk.ReadImage(str(data.cases[1].labels))), -1, 0)
    assert set(np.unique(layers)) == {0, 2, 3}
    one, _ = boxes(oblique)
    assert np.array_equal((layers == 2).any(0), one > 0)


def test_a_list_that_names_volumes_elsewhere_gets_nothing_written_there(a_pair, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    path = pair_writer(tmp_path / "elsewhere", "train", *a_pair[:2])(Job())
    before = sorted((tmp_path / "elsewhere").iterdir())
    content = json.loads(path.read_text(encoding="utf-8"))
    for case in content["cases"]:
        case["image"] = f"../elsewhere/{case['image']}"
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / path.name).write_text(json.dumps(content), encoding="utf-8")
    data = read_data_list(pair_writer(tmp_path / "results", "train", *a_pair)(Job()))
    check_data_list(data)
    assert sorted((tmp_path / "elsewhere").iterdir()) == before
    assert [case.image.parent.name for case in data.cases] == ["elsewhere"] * 2
    assert [case.labels.parent.name for case in data.cases] == ["results"] * 2
    assert sorted(file.name.split(".")[0] for file in (tmp_path / "results").iterdir()) == [
        "001-labels",
        "002-labels",
        "cases",
    ]


@pytest.mark.parametrize("name", ["../../out", "/tmp/out", "C:\\out", "CON", "a/b"])
def test_names_of_volumes_and_structures_name_no_file(name, a_pair, tmp_path):
    a_pair[0].SetName(name)
    a_pair[2].GetSegmentation().GetSegment("liver").SetName(name)
    data = read_data_list(pair_writer(tmp_path / "deep" / "results", "test", *a_pair)(Job()))
    assert data.cases[0].id == data.structures[1] == name
    files = {file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*") if file.is_file()}
    assert all(file.startswith("deep/results/0") or file == "deep/results/cases.json" for file in files)
    assert len(files) == 5


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
@pytest.mark.parametrize("name", ["001.nrrd", "001-labels.nrrd", "001-labels.seg.nrrd"])
def test_volumes_and_labels_are_written_through_no_link(name, a_pair, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="is a link"):
        pair_writer(tmp_path / "results", "train", *a_pair)(Job())
    assert not (tmp_path / "elsewhere").exists()
