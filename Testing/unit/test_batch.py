"""The command batch: many pairs by processes, resumed, in parts, with failures as rows."""

import csv
import json
import os
import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
import SimpleITK as sitk
from phantoms import Anatomy, oblique_grid, voxel_centers
from SAMRegistrationLib import engine
from SAMRegistrationLib.batch import Part, part_of, read_pairs
from SAMRegistrationLib.batch.resources import GIGABYTE, need_of
from SAMRegistrationLib.cli import main
from SAMRegistrationLib.errors import Canceled, InputError
from SAMRegistrationLib.job import Job

GRID = oblique_grid((26, 24, 12), (2.0, 2.2, 4.0))
SHIFT = np.array([3.0, -2.0, 1.0])
SETTINGS = ["--preset", "fast", "--prealign", "none", "--device", "cpu"]


def labels(center):
    near = np.linalg.norm(voxel_centers(GRID) - center, axis=1).reshape(GRID.shape) < 12
    return GRID.image(near.astype(np.uint8))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("pairs")
    anatomy = Anatomy(GRID.center, seed=3)
    sitk.WriteImage(anatomy.image(GRID), str(path / "fixed.nii.gz"))
    sitk.WriteImage(anatomy.image(GRID, lambda points: points - SHIFT), str(path / "moving.nii.gz"))
    sitk.WriteImage(labels(GRID.center), str(path / "fixed_labels.nii.gz"))
    sitk.WriteImage(labels(GRID.center + SHIFT), str(path / "moving_labels.nii.gz"))
    (path / "broken.nii.gz").write_bytes(b"no image")
    table = (
        "name,fixed,moving,fixed_labels,moving_labels\n"
        "good,fixed.nii.gz,moving.nii.gz,fixed_labels.nii.gz,moving_labels.nii.gz\n"
        "broken,fixed.nii.gz,broken.nii.gz,,\n"
        "missing,fixed.nii.gz,<nowhere>.nii.gz,,\n"
        "last,moving.nii.gz,fixed.nii.gz,,\n"
    )
    (path / "pairs.csv").write_text(table, encoding="utf-8")
    return path


def rows(output):
    with open(output / "summary.csv", newline="", encoding="utf-8") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def output(folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("results") / "new"
    assert main(["batch", str(folder / "pairs.csv"), "-o", str(path), "--quiet", *SETTINGS]) == 0
    return path


def test_every_pair_is_a_row_and_a_failure_says_why(output):
    found = rows(output)
    assert {name: row["state"] for name, row in found.items()} == {
        "good": "done",
        "broken": "failed",
        "missing": "failed",
        "last": "done",
    }
    assert "broken.nii.gz" in found["broken"]["message"]
    assert "nowhere" in found["missing"]["message"]


def test_the_numbers_are_those_of_the_pair_alone(folder, output, tmp_path):
    pair = [str(folder / name) for name in ("fixed.nii.gz", "moving.nii.gz")]
    measured = [f"--{side}-labels={folder / side}_labels.nii.gz" for side in ("fixed", "moving")]
    assert main(["register", *pair, *measured, "-o", str(tmp_path), "--quiet", *SETTINGS]) == 0
    alone = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    row = rows(output)["good"]
    (structure,) = alone["after"]["structures"]
    assert float(row["dice_after"]) == pytest.approx(structure["dice"], abs=2e-3)
    assert float(row["dice_after"]) > float(row["dice_before"])
    assert float(row["sd_log_jacobian"]) == pytest.approx(alone["after"]["deformation"]["sd_log_jacobian"], abs=2e-3)
    assert (output / "good" / "report.html").exists()


def test_the_page_links_to_every_report_and_escapes_what_it_shows(output):
    page = (output / "summary.html").read_text(encoding="utf-8")
    links = []

    class Links(HTMLParser):
        def handle_starttag(self, tag, attrs):
            links.extend(value for name, value in attrs if tag == "a" and name == "href")

    Links().feed(page)
    assert links == ["good/report.html", "last/report.html"]
    assert all((output / link).exists() for link in links)
    assert "<nowhere>" not in page
    assert "&lt;nowhere&gt;" in page


class QuickCommand:
    """Stands for a process: it is done at the second look, with a measure that no other one has."""

    count = 0

    def __init__(self, arguments, done, failed, progress, environment):
        self.running, self._done, self._looks = True, done, 0

    def poll(self):
        self._looks += 1
        if self.running and self._looks == 2:
            self.running = False
            if self._done is not None:
                QuickCommand.count += 1
                self._done({"seconds": {"all": QuickCommand.count}})

    def abandon(self):
        self._done, self.running = None, False


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr("SAMRegistrationLib.batch.running.BackgroundCommand", QuickCommand)
    monkeypatch.setattr("SAMRegistrationLib.batch.running.PAUSE", 0.001)


def test_means_and_deviations_have_the_same_digits_and_nothing_that_is_not_there_is_counted(output):
    page = (output / "summary.html").read_text(encoding="utf-8")
    found = re.findall(r"(\d+\.\d+) \u00b1 (\d+\.\d+)", page)
    assert found
    assert all(len(mean.split(".")[1]) == len(spread.split(".")[1]) for mean, spread in found)
    assert "2 failed." in page


def test_what_is_done_is_not_done_again_unless_it_changed(quick, folder, tmp_path):
    pairs = read_pairs(folder / "pairs.csv")
    assert engine.run_batch(pairs, tmp_path) == {"done": 4, "failed": 0, "skipped": 0}
    first = rows(tmp_path)
    assert engine.run_batch(pairs, tmp_path) == {"done": 4, "failed": 0, "skipped": 4}
    assert rows(tmp_path) == first
    broken = folder / "broken.nii.gz"
    os.utime(broken, ns=(1, broken.stat().st_mtime_ns + 10**9))
    assert engine.run_batch(pairs, tmp_path)["skipped"] == 3
    changed = [name for name, row in rows(tmp_path).items() if row["seconds"] != first[name]["seconds"]]
    assert changed == ["broken"]
    assert engine.run_batch(pairs, tmp_path, ["--stiffness=2.0"])["skipped"] == 0


def test_parts_do_every_pair_once_and_the_summary_collects_them(quick, folder, tmp_path):
    pairs = read_pairs(folder / "pairs.csv")
    shares = [pair.name for number in (1, 2, 3) for pair in Part(number, 3).of(pairs)]
    assert sorted(shares) == sorted(pair.name for pair in pairs)
    arguments = ["batch", str(folder / "pairs.csv"), "-o", str(tmp_path), "--quiet"]
    assert main([*arguments, "--part", "2/4"]) == 0
    assert not (tmp_path / "summary.csv").exists()
    assert main([*arguments, "--collect"]) == 0
    assert [row["state"] for row in rows(tmp_path).values()] == ["not done", "done", "not done", "not done"]


@pytest.mark.parametrize("text", ["0/4", "5/4", "3", "a/b", "1/0", "-1/4"])
def test_a_part_that_does_not_exist_is_refused(text):
    with pytest.raises(InputError, match="no part"):
        part_of(text)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("fixed,moving\n", "holds no pairs"),
        ("fixed\na.nii\n", "lacks the columns"),
        ("fixed,moving,wish\na.nii,b.nii,c\n", "unknown columns wish"),
        ("fixed,moving\na.nii,\n", "names no moving volume"),
        ("name,fixed,moving\n../out,a.nii,b.nii\n", "cannot be the name of a folder"),
        ("name,fixed,moving\n/tmp/out,a.nii,b.nii\n", "cannot be the name of a folder"),
        ("name,fixed,moving\n..,a.nii,b.nii\n", "cannot be the name of a folder"),
        ("name,fixed,moving\na\\b,a.nii,b.nii\n", "cannot be the name of a folder"),
        ("name,fixed,moving\nCON,a.nii,b.nii\n", "cannot be the name of a folder"),
        ("name,fixed,moving\none,a.nii,b.nii\nOne,a.nii,b.nii\n", "Several rows"),
        ("fixed,moving,preset\na.nii,b.nii,--output=/tmp\n", "no preset"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_before_anything_is_done(table, sentence, tmp_path):
    (tmp_path / "pairs.csv").write_text(table, encoding="utf-8")
    with pytest.raises(InputError, match=sentence):
        read_pairs(tmp_path / "pairs.csv")


def test_paths_start_at_the_table_and_are_no_options(tmp_path):
    (tmp_path / "pairs.csv").write_text("fixed,moving,preset\n-o,sub/../b.nii,fast\n", encoding="utf-8")
    (pair,) = read_pairs(tmp_path / "pairs.csv")
    assert pair.name == "0001"
    assert pair.arguments() == [str(tmp_path / "-o"), str(tmp_path / "b.nii"), "--preset=fast"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_in_the_output_folder_is_not_followed(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "good").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="is a link"):
        engine.run_batch(read_pairs(folder / "pairs.csv"), tmp_path / "results")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_canceled_batch_keeps_what_is_done(quick, folder, tmp_path):
    told = []
    job = Job(lambda fraction, message: told.append(message), lambda: "1 of 4 pairs, 0 under way" in told)
    with pytest.raises(Canceled):
        engine.run_batch(read_pairs(folder / "pairs.csv"), tmp_path, (), 1, job=job)
    assert [path.parent.name for path in tmp_path.glob("*/batch.json")] == ["good"]


@pytest.mark.parametrize(("gigabytes", "jobs", "most"), [(0.5, 4, 1), (2.5, 4, 2), (16, 4, 4), (16, 3, 3)])
def test_memory_limits_how_many_pairs_are_under_way(quick, folder, tmp_path, gigabytes, jobs, most):
    pairs, told = read_pairs(folder / "pairs.csv"), []
    assert all(GIGABYTE <= need_of(pair) < 1.25 * GIGABYTE for pair in pairs)
    job = Job(lambda fraction, message: told.append(message))
    engine.run_batch(pairs, tmp_path, (), jobs, gigabytes * GIGABYTE, job=job)
    assert max(int(message.split()[4]) for message in told if message.endswith("under way")) == most
