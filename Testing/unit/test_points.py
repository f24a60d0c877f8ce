"""Point lists in CSV and Slicer markups files."""

import csv
import json

import numpy as np
import pytest
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.points import PointList, read_points, write_points

POINTS = np.array([[1.25, -2.5, 3.0], [1 / 3, 1e-9, -123456.789]])


def markups_file(path, system, positions, **point):
    points = [{"id": str(n), "label": f"L{n}", "position": list(p), **point} for n, p in enumerate(positions)]
    markup = {"type": "Fiducial", "controlPoints": points}
    if system:
        markup["coordinateSystem"] = system
    path.write_text(json.dumps({"markups": [markup]}), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["points.csv", "points.mrk.json"])
def test_written_points_are_read_back_exactly(tmp_path, name):
    write_points(tmp_path / name, PointList(POINTS, ["left, upper", "röntgen"]))
    found = read_points(tmp_path / name)
    np.testing.assert_array_equal(found.points, POINTS)
    assert found.names == ["left, upper", "röntgen"]


def test_a_written_csv_is_a_plain_table_for_other_programs(tmp_path):
    write_points(tmp_path / "p.csv", PointList(POINTS, ["a", "b"]))
    with open(tmp_path / "p.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == ["a", "b"]
    assert [float(rows[1][axis]) for axis in "xyz"] == POINTS[1].tolist()


def test_a_csv_without_header_and_names_is_read(tmp_path):
    (tmp_path / "p.csv").write_text("# made by hand\n1, 2, 3\n\n4,5,6.5\n", encoding="utf-8")
    found = read_points(tmp_path / "p.csv")
    assert found.points.tolist() == [[1, 2, 3], [4, 5, 6.5]]
    assert found.names == ["", ""]


def test_a_csv_header_decides_the_order_of_columns(tmp_path):
    (tmp_path / "p.csv").write_text("\ufeffLabel,Z,Y,X\ntip,3,2,1\n", encoding="utf-8")
    found = read_points(tmp_path / "p.csv")
    assert found.points.tolist() == [[1, 2, 3]]
    assert found.names == ["tip"]


def test_markups_in_ras_are_turned_into_lps(tmp_path):
    found = read_points(markups_file(tmp_path / "p.mrk.json", "RAS", [(1, 2, 3)]))
    assert found.points.tolist() == [[-1, -2, 3]]


@pytest.mark.parametrize("system", ["LPS", None])
def test_markups_in_lps_or_without_coordinate_system_stay(tmp_path, system):
    assert read_points(markups_file(tmp_path / "p.mrk.json", system, [(1, 2, 3)])).points.tolist() == [[1, 2, 3]]


def test_unplaced_control_points_are_left_out(tmp_path):
    path = markups_file(tmp_path / "p.mrk.json", "LPS", [(1, 2, 3)], positionStatus="undefined")
    with pytest.raises(InputError, match="holds no points"):
        read_points(path)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("p.csv", "", "holds no points"),
        ("p.csv", "x,y\n1,2\n", "needs the columns x, y, z"),
        ("p.csv", "1,2\n", "Point 1"),
        ("p.csv", "x,y,z\n1,2,3\n1,two,3\n", "Point 2"),
        ("p.csv", "1,2,nan\n", "not finite"),
        ("p.mrk.json", "{}", "not a Slicer markups file"),
        ("p.mrk.json", "[1, 2]", "not a Slicer markups file"),
        ("p.mrk.json", "{", "not a Slicer markups file"),
        ("p.mrk.json", '{"markups": [{"controlPoints": [{"position": [1, 2]}]}]}', "not a Slicer markups file"),
        ("p.mrk.json", '{"markups": [{"coordinateSystem": "IJK", "controlPoints": []}]}', "coordinate system IJK"),
        ("p.mrk.json", '{"markups": [{"coordinateUnits": "m", "controlPoints": []}]}', "not in millimeters"),
    ],
)
def test_an_unusable_point_list_is_refused_with_a_sentence(tmp_path, name, text, sentence):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=sentence):
        read_points(tmp_path / name)


def test_a_missing_or_binary_point_list_is_refused_with_a_sentence(tmp_path):
    with pytest.raises(InputError, match="There is no point list"):
        read_points(tmp_path / "none.csv")
    (tmp_path / "p.csv").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(InputError, match="cannot be read"):
        read_points(tmp_path / "p.csv")


def test_a_failed_write_keeps_the_old_file(tmp_path):
    (tmp_path / "p.csv").write_text("1,2,3\n", encoding="utf-8")
    broken = PointList(POINTS, ["a", "b"])
    broken.names[1] = object  # not a text: a csv can hold it, JSON cannot
    with pytest.raises(TypeError):
        write_points(tmp_path / "p.json", broken)
    assert [file.name for file in tmp_path.iterdir()] == ["p.csv"]


def test_a_number_of_names_other_than_of_points_is_an_error():
    with pytest.raises(ValueError, match="2 points"):
        PointList(POINTS, ["only one"])
