"""Errors of states of a result at the points that are known now, against motions whose errors are known."""

from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from SAMRegistrationLib.geometry.frames import flipped
from SAMRegistrationLib.scene.space import parent_to_world
from SAMRegistrationLib.scene.step_errors import point_errors
from SAMRegistrationLib.scene.tables import landmark_rows, without_landmarks
from SAMRegistrationLib.scene.transforms import oriented_grid, transform_grid

SHIFT = np.array([4.0, -3.0, 2.0])  # LPS mm
ANGLES = (0.06, -0.04, 0.05)


def nodes_of(**places):
    """Parameters with lists of points (RAS mm); those that are not given are None."""
    lists = dict.fromkeys(("fixedLandmarks", "movingLandmarks", "fixedHeldOut", "movingHeldOut"))
    for name, points in places.items():
        lists[name] = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
        for label, place in points.items():
            lists[name].AddControlPoint(*place, label)
    return SimpleNamespace(**lists)


@pytest.fixture
def states(oblique):
    """The identity, a shift, and a rotation around the volume's center with that shift, as grids on an oblique one."""
    nothing, shift, turn = sitk.Transform(), sitk.TranslationTransform(3, SHIFT.tolist()), sitk.Euler3DTransform()
    turn.SetCenter(oblique.center.tolist())
    turn.SetRotation(*ANGLES)
    turn.SetTranslation(SHIFT.tolist())
    composites = [sitk.CompositeTransform([sitk.Transform(part)]) for part in (nothing, shift, turn)]
    return [oriented_grid(composite, transform_grid(composite, oblique)) for composite in composites]


def turned(center, place):
    """The rotation with the shift at a place (LPS mm), by its matrices: ITK turns by z, then x, then y."""
    x, y, z = ANGLES
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    return about_z @ about_x @ about_y @ (np.asarray(place) - center) + center + SHIFT


def test_every_state_is_measured_in_millimeters_at_every_point(oblique, states, two_parents):
    here = {"a": oblique.index_to_physical([[4, 5, 2]])[0], "b": oblique.index_to_physical([[22.3, 17.6, 8.1]])[0]}
    there = {name: np.add(place, (1.0, 2.0, -2.0)) for name, place in here.items()}
    to_parent = np.linalg.inv(parent_to_world(two_parents) @ slicer.util.arrayFromTransformMatrix(two_parents))
    below = {name: (to_parent @ [*flipped(place), 1.0])[:3] for name, place in here.items()}
    parameters = nodes_of(
        fixedLandmarks=below,
        movingLandmarks={name: flipped(place) for name, place in reversed(there.items())},
        fixedHeldOut={"c": flipped(here["a"])},
        movingHeldOut={"c": flipped(here["a"] + SHIFT)},
    )
    parameters.fixedLandmarks.SetAndObserveTransformNodeID(two_parents.GetID())
    found = {entry["name"]: entry for entry in point_errors(parameters, states)}
    assert [found[name]["guides"] for name in "abc"] == [True, True, False]
    for name in "ab":
        by_hand = [there[name], there[name] - SHIFT, there[name] - turned(oblique.center, here[name]) + here[name]]
        expected = [np.linalg.norm(place - here[name]) for place in by_hand]
        assert found[name]["errors"] == pytest.approx(expected, abs=1e-3)
        assert found[name]["errors"][0] == pytest.approx(3.0, abs=1e-3)
    by_turning = np.linalg.norm(turned(oblique.center, here["a"]) - here["a"] - SHIFT)
    assert found["c"]["errors"] == pytest.approx([np.linalg.norm(SHIFT), 0.0, by_turning], abs=1e-3)


def test_lists_that_are_missing_empty_or_not_a_pair_give_nothing(states):
    assert point_errors(nodes_of(fixedLandmarks={"a": (0, 0, 0)}), states) == []
    assert point_errors(nodes_of(fixedLandmarks={}, movingLandmarks={}), states) == []
    odd = nodes_of(fixedLandmarks={"a": (0, 0, 0)}, movingLandmarks={"b": (0, 0, 0), "c": (1, 1, 1)})
    assert point_errors(odd, states) == []


def test_rows_of_landmarks_are_known_by_their_titles():
    entries = [{"name": "tip (left)", "guides": guides, "error_before": 2.0, "error_after": 1.0} for guides in (1, 0)]
    entries = [{**entry, "guides": bool(entry["guides"])} for entry in entries]
    summary, each = landmark_rows(entries)
    others = [("liver: Dice", "0.8", "0.9", "better"), ("SDlogJ", "", "0.1", ""), ("Landmark Hill: Dice", "1", "1", "")]
    assert len(summary) + len(each) == 6
    assert without_landmarks([*summary, *others, *each]) == others
