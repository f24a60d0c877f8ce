"""Image files: all their parts arrive, with voxels and geometry, or none of them."""

import ast
import os
from pathlib import Path

import numpy as np
import pytest
import SAMRegistrationLib
import SimpleITK as sitk
from phantoms import oblique_grid
from SAMRegistrationLib import files
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.image_files import ENDINGS, require_image_path, write_image

GRID = oblique_grid((12, 9, 7), (0.7, 1.1, 2.9), (0.4, -0.3, 0.2))


def volume(dtype=np.float32):
    return GRID.image((np.random.default_rng(0).random(GRID.shape) * 1000).astype(dtype))


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("dtype", [np.float32, np.int16, np.uint16, np.uint8, np.int32, np.uint32, np.int64])
def test_every_ending_keeps_voxels_type_and_oblique_geometry(ending, dtype, tmp_path):
    image = volume(dtype)
    write_image(image, tmp_path / f"w{ending}")
    read = sitk.ReadImage(str(tmp_path / f"w{ending}"))
    assert read.GetPixelID() == image.GetPixelID()
    assert np.array_equal(sitk.GetArrayFromImage(read), sitk.GetArrayFromImage(image))
    assert np.abs(Grid.of(read).corners() - GRID.corners()).max() < 1e-4


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_ending_keeps_the_vectors_of_a_displacement_field(ending, tmp_path):
    vectors = np.random.default_rng(1).random((*GRID.shape, 3)).astype(np.float32)
    write_image(GRID.image(vectors), tmp_path / f"field{ending}")
    read = sitk.ReadImage(str(tmp_path / f"field{ending}"))
    assert np.abs(sitk.GetArrayFromImage(read) - vectors).max() < 1e-6


def test_files_of_two_parts_replace_earlier_ones_together(tmp_path):
    write_image(volume(), tmp_path / "w.mhd")
    write_image(volume() * 2, tmp_path / "w.mhd")
    assert sorted(os.listdir(tmp_path)) == ["w.mhd", "w.zraw"]
    assert np.allclose(
        sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "w.mhd"))), 2 * sitk.GetArrayFromImage(volume())
    )


def test_where_one_part_cannot_be_moved_the_earlier_file_is_whole(tmp_path, monkeypatch):
    write_image(volume(), tmp_path / "w.mhd")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    move = os.replace

    def failing(source, target):
        if Path(target) == tmp_path / "w.mhd" and "before" not in str(source):
            raise OSError(28, "No space left on device")
        move(source, target)

    monkeypatch.setattr(files.os, "replace", failing)
    with pytest.raises(OSError, match="No space left"):
        write_image(volume() * 2, tmp_path / "w.mhd")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("name", ["w.unknown", "w", "w.gipl", "w.png", "w.tif", "w.NII.GZ", ".nii.gz", "w.dcm"])
def test_endings_of_formats_that_lose_the_geometry_are_refused(name, tmp_path):
    with pytest.raises(InputError, match=r"end its name in \.nrrd"):
        require_image_path(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_format_that_cannot_hold_sheared_axes_is_refused_and_others_keep_them(tmp_path):
    sheared = volume()
    sheared.SetDirection((1.0, 0.4, 0.0, 0.0, 0.9165151389911681, 0.0, 0.0, 0.0, 1.0))
    with pytest.raises(InputError, match="right angles"):
        write_image(sheared, tmp_path / "w.nii.gz")
    write_image(sheared, tmp_path / "w.nrrd")
    assert np.allclose(sitk.ReadImage(str(tmp_path / "w.nrrd")).GetDirection(), sheared.GetDirection())


def test_images_are_written_in_one_place_of_the_library():
    writing = []
    for path in Path(SAMRegistrationLib.__file__).parent.rglob("*.py"):
        calls = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
        writing += [
            path.name for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "WriteImage"
        ]
    # the page makes pictures, FSL's warps are files of four dimensions whose header is changed before they are whole
    assert set(writing) <= {"image_files.py", "page.py", "conventions.py"}
    assert "image_files.py" in writing
