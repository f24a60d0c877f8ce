"""Landmarks of two markups lists: matched by label, read in the world, measured in millimeters."""

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.registration import RegistrationResult
from SAMRegistrationLib.scene.landmarks import landmarks_of
from SAMRegistrationLib.scene.run import prepare, read
from SAMRegistrationLib.scene.space import parent_to_world
from SAMRegistrationLib.scene.tables import landmark_rows

HERE = {"a": (3.0, -5.0, 8.0), "b": (-12.0, 4.0, 1.5), "c": (7.0, 9.0, -6.0)}
THERE = {"c": (9.0, 9.0, -6.0), "a": (3.0, -5.0, 4.0), "b": (-12.0, 7.0, 1.5)}


def markups(name, places, parent=None):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
    for label, place in places.items():
        node.AddControlPoint(*place, label)
    if parent is not None:
        node.SetAndObserveTransformNodeID(parent.GetID())
    return node


def in_world(places, parent):
    """Places (RAS) below a chain of transforms, in the world (LPS)."""
    matrix = parent_to_world(parent) @ slicer.util.arrayFromTransformMatrix(parent)
    return {name: (matrix @ [*place, 1.0])[:3] * (-1, -1, 1) for name, place in places.items()}


def test_points_are_matched_by_label_where_they_lie_under_their_parents(two_parents):
    found = landmarks_of(markups("Here", HERE, two_parents), markups("There", THERE))
    assert sorted(found.fixed.names) == sorted(found.moving.names) == ["a", "b", "c"]
    expected = in_world(HERE, two_parents)
    for name, point in zip(found.fixed.names, found.fixed.points):
        assert np.allclose(point, expected[name])
    for name, point in zip(found.moving.names, found.moving.points):
        assert np.allclose(point, np.multiply(THERE[name], (-1, -1, 1)))
    assert found.notes == ()


def test_what_has_no_single_counterpart_is_left_out_and_named():
    here, there = markups("Here", {**HERE, "d": (0, 0, 0)}), markups("There", {"a": (1, 1, 1), "b": (2, 2, 2)})
    here.AddControlPoint(5, 5, 5, "b")
    found = landmarks_of(here, there)
    assert (found.fixed.names, found.moving.names) == (["a"], ["a"])
    (note,) = found.notes
    assert note.endswith(": b, c, d.")


def test_points_that_are_not_placed_do_not_count():
    here = markups("Here", HERE)
    here.UnsetNthControlPointPosition(1)
    found = landmarks_of(here, markups("There", THERE))
    assert set(found.fixed.names) == set(found.moving.names) == {"a", "c"}


def test_without_labels_in_common_the_order_counts():
    here, there = (markups(name, {f"{name}-{n}": (n, 0, 0) for n in (1, 2)}) for name in ("Here", "There"))
    found = landmarks_of(here, there)
    assert (len(found.fixed), len(found.moving), found.notes) == (2, 2, ())
    there.AddControlPoint(3, 0, 0, "There-3")
    with pytest.raises(InputError, match="no labels in common and differ in length"):
        landmarks_of(here, there)


def test_an_empty_list_is_refused():
    with pytest.raises(InputError, match="There has no landmarks"):
        landmarks_of(markups("Here", HERE), markups("There", {}))


def test_errors_are_distances_in_the_world_of_those_that_guide_and_of_those_held_out(
    oblique, a_blob, a_volume_node, two_parents
):
    volumes = [a_volume_node(a_blob(oblique), name) for name in ("Before", "After")]
    nodes = [markups(name, places, two_parents) for name, places in (("Here", HERE), ("There", THERE))]
    held_out = [markups("Check", {"x": (1.0, 2.0, 3.0)}), markups("Checked", {"x": (1.0, 2.0, 9.0)})]
    inputs = read(*volumes, None, None, nodes, held_out)
    shift = (0.0, 0.0, 6.0)
    mapping = sitk.CompositeTransform([sitk.TranslationTransform(3, shift)])
    result = RegistrationResult(mapping, mapping, mapping, inputs.fixed.image, inputs.moving.image)
    rows = {(row["name"], row["guides"]): row for row in prepare(inputs, result).landmarks}
    here, there = in_world(HERE, two_parents), in_world(THERE, two_parents)
    assert set(rows) == {("a", True), ("b", True), ("c", True), ("x", False)}
    for name in "abc":
        row = rows[name, True]
        assert row["error_before"] == pytest.approx(np.linalg.norm(here[name] - there[name]))
        assert row["error_after"] == pytest.approx(np.linalg.norm(here[name] + shift - there[name]))
    assert rows["x", False]["error_before"] == pytest.approx(6.0)
    assert rows["x", False]["error_after"] == pytest.approx(0.0, abs=1e-6)


def test_the_table_has_mean_and_largest_error_and_each_one():
    landmarks = [
        {"name": "a", "guides": True, "error_before": 3.0, "error_after": 0.5},
        {"name": "b", "guides": True, "error_before": 5.0, "error_after": 0.1},
        {"name": "x", "guides": False, "error_before": 2.0, "error_after": 4.0},
    ]
    summary, each = landmark_rows(landmarks)
    assert summary == [
        ("Guiding landmarks (2): mean error (mm)", "4.00", "0.30", "better"),
        ("Guiding landmarks: largest error (mm)", "5.00", "0.50", "better"),
        ("Held-out landmarks (1): mean error (mm)", "2.00", "4.00", "worse"),
        ("Held-out landmarks: largest error (mm)", "2.00", "4.00", "worse"),
    ]
    assert [row[:3] for row in each] == [
        ("Landmark a, guiding: error (mm)", "3.00", "0.50"),
        ("Landmark b, guiding: error (mm)", "5.00", "0.10"),
        ("Landmark x, held out: error (mm)", "2.00", "4.00"),
    ]
    assert landmark_rows([]) == ([], [])
