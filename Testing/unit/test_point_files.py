"""Point lists of other programs: names and frames of a file count, not the places of its columns."""

import json

import numpy as np
import pytest
import SimpleITK as sitk
from cases.points import IDS, NAMES, NUMBERED, POINTS, READABLE, UNCLEAR, fcsv
from SAMRegistrationLib.cli import main
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.points import read_points
from SAMRegistrationLib.segmentation.prompts import PromptSet

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", READABLE)
def test_points_and_names_are_read_in_lps_from_every_kind_of_list(name, encoding, tmp_path):
    (tmp_path / name).write_bytes(READABLE[name].encode(encoding))
    read = read_points(tmp_path / name)
    assert np.allclose(read.points, POINTS)
    assert read.names == NAMES


@pytest.mark.parametrize(("text", "names"), [(IDS, ["1", "2", "3"]), (NUMBERED, ["1", "2", "3"])])
def test_a_counted_column_is_the_name_and_no_coordinate(text, names, tmp_path):
    (tmp_path / "p.csv").write_text(text, encoding="utf-8")
    read = read_points(tmp_path / "p.csv")
    assert np.allclose(read.points, POINTS)
    assert read.names == names


def test_four_numbers_that_could_be_read_in_two_ways_are_refused(tmp_path):
    (tmp_path / "p.csv").write_text(UNCLEAR, encoding="utf-8")
    with pytest.raises(InputError, match="names of the columns"):
        read_points(tmp_path / "p.csv")


@pytest.mark.parametrize("system", ["2", "IJK", "XYZ"])
def test_other_frames_are_refused(system, tmp_path):
    (tmp_path / "p.fcsv").write_text(fcsv(system), encoding="utf-8")
    with pytest.raises(InputError, match="coordinate system"):
        read_points(tmp_path / "p.fcsv")


@pytest.mark.parametrize("kind", ["p.fcsv", "p.csv"])
def test_pairs_that_are_seven_millimeters_apart_have_an_error_of_seven_millimeters(kind, tmp_path, capsys):
    text = fcsv("LPS", "5.0") if kind == "p.fcsv" else IDS
    for side, shift in (("fixed", 0.0), ("moving", 7.0)):
        lines = [line.split(",") for line in text.splitlines() if not line.startswith("#")]
        moved = [",".join([cells[0], str(float(cells[1]) + shift), *cells[2:]]) for cells in lines]
        kept = [line for line in text.splitlines() if line.startswith("#")]
        (tmp_path / f"{side}-{kind}").write_text("\n".join([*kept, *moved]), encoding="utf-8")
    sides = [f"--{side}-landmarks={tmp_path / f'{side}-{kind}'}" for side in ("fixed", "moving")]
    assert main(["metrics", *sides, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["landmarks"]["errors_mm"] == pytest.approx([7.0, 7.0, 7.0])


@pytest.mark.parametrize("units", ["mm", ["mm", "UCUM", "millimeter"]])
def test_millimeters_are_known_in_both_spellings_of_markups(units, tmp_path):
    points = [{"label": name, "position": point} for name, point in zip(NAMES, POINTS)]
    markup = {"coordinateSystem": "LPS", "coordinateUnits": units, "controlPoints": points}
    (tmp_path / "p.mrk.json").write_text(json.dumps({"markups": [markup]}), encoding="utf-8")
    assert np.allclose(read_points(tmp_path / "p.mrk.json").points, POINTS)


def test_other_units_of_markups_are_refused(tmp_path):
    markup = {"coordinateUnits": ["um", "UCUM", "micrometer"], "controlPoints": [{"position": [1, 2, 3]}]}
    (tmp_path / "p.mrk.json").write_text(json.dumps({"markups": [markup]}), encoding="utf-8")
    with pytest.raises(InputError, match="not in millimeters"):
        read_points(tmp_path / "p.mrk.json")


def test_warp_moves_a_list_of_slicer(tmp_path):
    (tmp_path / "p.fcsv").write_text(fcsv("0", "4.10", (-1, -1, 1)), encoding="utf-8")
    (tmp_path / "result").mkdir()
    for name in ("transform", "inverse"):
        sign = 1 if name == "transform" else -1
        sitk.WriteTransform(
            sitk.TranslationTransform(3, (2.0 * sign, 3.0 * sign, 4.0 * sign)), str(tmp_path / "result" / f"{name}.h5")
        )
    places = ["-r", str(tmp_path / "result"), "-o", str(tmp_path / "warped.csv")]
    assert main(["warp", str(tmp_path / "p.fcsv"), *places, "--quiet"]) == 0
    warped = read_points(tmp_path / "warped.csv")
    assert np.allclose(warped.points, np.array(POINTS) - [2, 3, 4])
    assert warped.names == NAMES


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_prompts_are_read_with_a_byte_order_mark(encoding, tmp_path):
    PromptSet().save(tmp_path / "plain.json")
    (tmp_path / "p.json").write_bytes((tmp_path / "plain.json").read_text(encoding="utf-8").encode(encoding))
    assert PromptSet.load(tmp_path / "p.json") == PromptSet()


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x80abc", b"not json"])
def test_prompts_that_are_no_text_are_told_in_one_sentence(content, tmp_path):
    (tmp_path / "p.json").write_bytes(content)
    with pytest.raises(InputError):
        PromptSet.load(tmp_path / "p.json")
