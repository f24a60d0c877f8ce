"""What other systems have, simulated: line ends, marks, encodings, long and odd paths, no home, no /proc, spawn."""

import builtins
import os
import pickle
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from phantoms import oblique_grid
from property.damage import readers
from recipes import TINY_TRAINING
from SAMRegistrationLib import environment
from SAMRegistrationLib.batch import read_pairs
from SAMRegistrationLib.batch.resources import memory, processors
from SAMRegistrationLib.files import whole_files
from SAMRegistrationLib.geometry.transforms import read_transform, write_transform
from SAMRegistrationLib.image_files import write_image
from SAMRegistrationLib.segmentation.prompts import Prompt, PromptSet, Structure
from SAMRegistrationLib.training.registration import memory as training_memory
from SAMRegistrationLib.training.registration.config import read_config
from SAMRegistrationLib.training.registration.synthetic import SyntheticPairs
from SAMRegistrationLib.training.registration.trainer import _Numbered
from SAMRegistrationLib.volumes import load_volume

LIBRARY = Path(__file__).resolve().parents[2] / "SAMRegistration"
GRID = oblique_grid((8, 7, 5), (3.0, 3.1, 4.2), (0.3, -0.2, 0.4))
TEXTS = ("points in CSV", "points in fcsv", "points in markups", "prompts", "data list")
SETTINGS = ("training", "click training", "evaluation")
NEVER_WHOLE = "published weights"  # whole ones have 350 MB
ODD_FOLDERS = ("with a space", "Gehörgang Ärzte", "\U0001f9e0 肝", "semi;colon, comma", "per%20cent %d", "#hash'quote")


@pytest.mark.parametrize("name", ODD_FOLDERS)
def test_every_reader_reads_files_in_folders_of_any_name(name, tmp_path):
    folder = tmp_path / name
    folder.mkdir()
    for kind, reader in readers(folder).items():
        if kind != NEVER_WHOLE:
            path = folder / reader.name
            path.write_bytes(reader.whole)
            reader.read(path)


@pytest.mark.parametrize("kind", TEXTS + SETTINGS)
def test_texts_are_read_alike_with_the_line_ends_and_the_mark_of_windows(kind, tmp_path):
    reader = readers(tmp_path)[kind]
    path = tmp_path / reader.name
    path.write_bytes(reader.whole)
    before = told(reader.read(path))
    lines = reader.whole.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    for data in (lines, b"\xef\xbb\xbf" + lines, b"\xef\xbb\xbf" + reader.whole):
        path.write_bytes(data)
        assert told(reader.read(path)) == before


def told(content) -> str:
    """All that a reader gave, as text without addresses."""
    return re.sub(r" at 0x\w+", "", repr(content))


def test_the_table_of_a_batch_is_read_alike_with_the_line_ends_and_the_mark_of_windows(tmp_path):
    path, text = tmp_path / "pairs.csv", b"name,fixed,moving\none,a.nii,b.nii\ntwo,c.nii,d.nii\n"
    path.write_bytes(text)
    before = read_pairs(path)
    path.write_bytes(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"))
    assert read_pairs(path) == before


@pytest.mark.skipif(sys.platform == "win32", reason="needs long paths to be switched on there")
def test_paths_of_more_than_260_characters_are_written_and_read(tmp_path):
    folder = tmp_path / "/".join(["a folder of forty characters, or about"] * 9)
    assert len(str(folder)) > 300
    image = GRID.image(np.arange(8 * 7 * 5).reshape(GRID.shape).astype(np.float32))
    affine = sitk.AffineTransform(3)
    affine.Translate((1.0, 2.0, 3.0))
    with whole_files(folder) as staging:
        write_transform(affine, staging / "transform.h5")
        for ending in ("nrrd", "nii.gz", "mha"):
            write_image(image, staging / f"image.{ending}")
    for ending in ("nrrd", "nii.gz", "mha"):
        found = load_volume(folder / f"image.{ending}").image
        np.testing.assert_array_equal(sitk.GetArrayViewFromImage(found), sitk.GetArrayViewFromImage(image))
    assert read_transform(folder / "transform.h5").TransformPoint((0.0, 0.0, 0.0)) == (1.0, 2.0, 3.0)


def command(arguments, folder, **variables):
    """Run the command line with variables of its own; a variable that is None is not set."""
    given = {**os.environ, "PYTHONPATH": str(LIBRARY), **variables}
    given = {name: value for name, value in given.items() if value is not None}
    return subprocess.run(
        [sys.executable, "-m", "SAMRegistrationLib.cli", *arguments], cwd=folder, env=given, capture_output=True
    )


@pytest.mark.skipif(sys.platform == "win32", reason="the locale of Windows is no variable")
def test_a_locale_that_knows_ascii_only_segments_structures_of_any_name(tmp_path):
    image = GRID.image(np.random.default_rng(0).random(GRID.shape).astype(np.float32))
    sitk.WriteImage(image, str(tmp_path / "image.nrrd"))
    click = Prompt("positive", (tuple(GRID.center),), tuple(GRID.axes[:, 2] / GRID.spacing[2]))
    PromptSet((replace(Structure("Gehörgang 肝", 1), prompts=(click,)),)).save(tmp_path / "prompts.json")
    arguments = ["segment", "image.nrrd", "--prompts", "prompts.json", "--model", "geodesic", "-o", "masks.seg.nrrd"]
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": None}
    ended = command(arguments, tmp_path, **plain)
    assert ended.returncode == 0, ended.stderr
    assert b"Geh\\xf6rgang" in ended.stdout
    assert "Gehörgang 肝".encode() in (tmp_path / "masks.seg.nrrd").read_bytes()
    refused = command(["segment", "Gehör.nrrd", *arguments[2:]], tmp_path, **plain)
    assert (refused.returncode, refused.stderr.count(b"\n")) == (2, 1)


@pytest.mark.parametrize("home", ["/dev/null/home", "", None])
def test_a_home_that_is_not_there_or_cannot_be_written_does_not_matter(home, tmp_path):
    variables = {"HOME": home, "XDG_DATA_HOME": None, "XDG_CACHE_HOME": None, "SAMREGISTRATION_WEIGHTS": None}
    ended = command(["weights", "list"], tmp_path, **variables)
    assert ended.returncode == 0, ended.stderr
    assert b"sam-vit-b" in ended.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_system_without_proc_tells_no_memory_and_goes_on(monkeypatch):
    opened = builtins.open

    def without_proc(path, *arguments, **named):
        if str(path).startswith("/proc"):
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return opened(path, *arguments, **named)

    monkeypatch.setattr(builtins, "open", without_proc)
    monkeypatch.delenv("SLURM_MEM_PER_NODE", raising=False)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert environment.processor().free is None or sys.platform == "win32"
    assert memory() is None or sys.platform == "win32"
    assert processors() >= 1
    with training_memory.PeakMemory() as peak:
        pass
    assert peak.peak_mb is None or sys.platform == "win32"


def test_what_loads_training_pairs_can_be_started_by_spawn(tmp_path):
    (tmp_path / "t.toml").write_text(TINY_TRAINING.format(steps=2), encoding="utf-8")
    config = read_config(tmp_path / "t.toml")
    pairs = _Numbered(SyntheticPairs(config.synthetic, config.seed))
    number, pair = pickle.loads(pickle.dumps(pairs))[3]
    assert number == 3
    assert torch.equal(pair.fixed, pairs[3][1].fixed)


@pytest.mark.parametrize(("given", "expected"), [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")])
def test_threads_sleep_while_they_wait_unless_told_otherwise(given, expected):
    variables = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    code = "import os, SAMRegistrationLib, sys; assert 'torch' not in sys.modules; print(os.environ['OMP_WAIT_POLICY'])"
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={**variables, **given, "PYTHONPATH": str(LIBRARY)},
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    assert found.stdout.strip() == expected
