"""Volume files of many formats: read as nibabel and pynrrd read them, or refused with the reason."""

import gzip

import nibabel
import nrrd
import numpy as np
import pytest
import SimpleITK as sitk
from phantoms import oblique_grid
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.volumes import load_image, load_volume

ARRAY = (np.random.default_rng(0).random((10, 11, 12)) * 100).astype(np.int16)
TO_RAS = np.diag([-1.0, -1.0, 1.0])
C, S = np.cos(0.4), np.sin(0.4)
ROTATION = np.array([[C, -S, 0], [S, C, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, C, S], [0, -S, C]])
AFFINE = np.eye(4)
AFFINE[:3, :3], AFFINE[:3, 3] = ROTATION * [1.2, 0.9, 2.5], [-30, 20, 11]


def nifti(path, array=ARRAY, affine=AFFINE, codes=(1, 1), qform=None, units="mm", big=False):
    image = nibabel.Nifti1Image(array, affine, header=nibabel.Nifti1Header(endianness=">" if big else "<"))
    image.header.set_data_dtype(array.dtype)
    image.set_sform(affine, codes[0])
    image.set_qform(affine if qform is None else qform, codes[1])
    image.header.set_xyzt_units(units)
    nibabel.save(image, path)
    return path


def require_places(image, affine, tolerance=1e-3):
    """Every corner lies where a RAS affine puts it."""
    grid = Grid.of(image)
    corners = np.array([[i, j, k] for i in (0, 9) for j in (0, 10) for k in (0, 11)])
    expected = (TO_RAS @ (affine[:3, :3] @ corners.T + affine[:3, 3:])).T
    assert np.abs(grid.index_to_physical(corners) - expected).max() < tolerance


@pytest.mark.parametrize("name", ["v.nii", "v.nii.gz", "v.hdr", "V.NII.GZ"])
def test_oblique_nifti_files_lie_where_nibabel_puts_them(name, tmp_path):
    path = nifti(tmp_path / name.lower()).rename(tmp_path / name) if name == "V.NII.GZ" else tmp_path / name
    if name != "V.NII.GZ":
        kind = nibabel.Nifti1Pair if name == "v.hdr" else nibabel.Nifti1Image
        nibabel.save(kind(ARRAY, AFFINE), path)
    loaded = load_image(path)
    assert not loaded.notes
    require_places(loaded.image, AFFINE)
    assert np.array_equal(sitk.GetArrayFromImage(loaded.image).T, ARRAY)


def test_a_big_endian_file_and_mirrored_axes_are_read(tmp_path):
    mirrored = AFFINE @ np.diag([-1, 1, 1, 1])
    loaded = load_image(nifti(tmp_path / "v.nii", ARRAY.astype(">i2"), mirrored, big=True))
    require_places(loaded.image, mirrored)
    assert np.array_equal(sitk.GetArrayFromImage(loaded.image).T, ARRAY)


@pytest.mark.parametrize(("units", "factor"), [("micron", 1e-3), ("meter", 1e3), ("mm", 1.0)])
def test_units_of_the_header_are_followed(units, factor, tmp_path):
    affine = AFFINE.copy()
    affine[:3, 3] = 0
    image = load_image(nifti(tmp_path / "v.nii.gz", affine=affine, units=units)).image
    assert np.allclose(image.GetSpacing(), np.array([1.2, 0.9, 2.5]) * factor, rtol=1e-5)


def test_two_placements_that_disagree_are_noted_with_the_one_that_was_taken(tmp_path):
    shifted = AFFINE.copy()
    shifted[:3, 3] += [6, 0, 0]
    loaded = load_image(nifti(tmp_path / "v.nii.gz", affine=shifted, qform=AFFINE, codes=(1, 1)))
    assert len(loaded.notes) == 1
    taken = "sform" if "its sform was taken" in loaded.notes[0] else "qform"
    require_places(loaded.image, {"sform": shifted, "qform": AFFINE}[taken])


def test_a_file_without_placement_is_noted(tmp_path):
    assert "does not say how it lies" in load_image(nifti(tmp_path / "v.nii.gz", codes=(0, 0))).notes[0]


@pytest.mark.parametrize("kind", ["half.nii", "half.nii.gz", "short.nii", "trailer.nii.gz", "zeros.nii.gz"])
def test_files_that_are_not_whole_are_refused(kind, tmp_path):
    whole = nifti(tmp_path / "w.nii").read_bytes()
    if kind == "half.nii":
        data = whole[: len(whole) // 2]
    elif kind == "short.nii":
        data = whole[:200]
    elif kind == "zeros.nii.gz":
        data = gzip.compress(whole[: len(whole) // 2])
    else:
        packed = gzip.compress(whole)
        data = packed[: len(packed) // 2] if kind == "half.nii.gz" else packed[:-6]
    (tmp_path / kind).write_bytes(data)
    with pytest.raises(InputError, match="not whole"):
        load_image(tmp_path / kind)


def test_wrong_compression_for_the_name_is_told_or_read(tmp_path):
    whole = nifti(tmp_path / "w.nii").read_bytes()
    (tmp_path / "a.nii").write_bytes(gzip.compress(whole))
    with pytest.raises(InputError, match=r"rename it to end in \.nii\.gz"):
        load_image(tmp_path / "a.nii")
    (tmp_path / "b.nii.gz").write_bytes(whole)
    require_places(load_image(tmp_path / "b.nii.gz").image, AFFINE)


def test_a_sheared_sform_is_refused_with_the_reason(tmp_path):
    sheared = AFFINE.copy()
    sheared[:3, 1] += sheared[:3, 0]
    image = nibabel.Nifti1Image(ARRAY, None)
    image.set_qform(None, 0)
    image.set_sform(sheared, 1)
    nibabel.save(image, tmp_path / "v.nii.gz")
    with pytest.raises(InputError, match="not at right angles"):
        load_image(tmp_path / "v.nii.gz")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda a: a.astype(np.complex64), "complex"),
        (lambda a: np.stack([a] * 5, -1), "5 volumes"),
        (lambda a: a[:, :, 0], "not a 3D volume"),
        (lambda a: a[:, :, :1], "not a 3D volume"),
        (lambda a: np.stack([a] * 3, -1)[:, :, :, None, :], "not a 3D volume|values per voxel"),
    ],
)
def test_what_is_no_scalar_volume_is_refused_with_the_reason(change, sentence, tmp_path):
    with pytest.raises(InputError, match=sentence):
        load_image(nifti(tmp_path / "v.nii.gz", change(ARRAY)))


def test_color_is_refused(tmp_path):
    nifti(tmp_path / "v.nii.gz", np.zeros((10, 11, 12), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")]))
    with pytest.raises(InputError, match="3 values per voxel"):
        load_image(tmp_path / "v.nii.gz")


@pytest.mark.parametrize("frames", [(1,), (1, 1)])
def test_a_series_of_one_volume_is_that_volume(frames, tmp_path):
    image = load_image(nifti(tmp_path / "v.nii.gz", ARRAY.reshape(*ARRAY.shape, *frames))).image
    assert np.array_equal(sitk.GetArrayFromImage(image).T, ARRAY)
    require_places(image, AFFINE)


@pytest.mark.parametrize("slope", [np.nan, 0.0, 0.5])
def test_the_scale_of_a_nifti_file_is_followed_where_it_has_one(slope, tmp_path):
    data = bytearray(nifti(tmp_path / "w.nii").read_bytes())
    data[112:116], data[116:120] = np.float32(slope).tobytes(), np.float32(3 if slope == 0.5 else 0).tobytes()
    (tmp_path / "v.nii").write_bytes(data)
    expected = 0.5 * ARRAY + 3 if slope == 0.5 else ARRAY
    assert np.allclose(sitk.GetArrayFromImage(load_image(tmp_path / "v.nii").image).T, expected)


@pytest.mark.parametrize("space", ["left-posterior-superior", "right-anterior-superior"])
def test_nrrd_files_lie_where_their_space_says(space, tmp_path):
    axes, origin = AFFINE[:3, :3], AFFINE[:3, 3]
    header = {"space": space, "space directions": axes.T.tolist(), "space origin": origin.tolist()}
    nrrd.write(str(tmp_path / "v.nrrd"), ARRAY, header)
    sign = np.eye(3) if space.startswith("left") else TO_RAS
    grid = Grid.of(load_image(tmp_path / "v.nrrd").image)
    corner = np.array([9, 10, 11])
    assert np.allclose(grid.index_to_physical([corner])[0], sign @ (axes @ corner + origin), atol=1e-4)


@pytest.mark.parametrize("name", ["v.nhdr", "v.mhd", "v.hdr"])
def test_a_header_whose_voxel_file_is_missing_is_refused_with_the_reason(name, tmp_path):
    sitk.WriteImage(oblique_grid((12, 10, 8)).empty_image(), str(tmp_path / name))
    for path in tmp_path.iterdir():
        if path.name != name:
            path.unlink()
    with pytest.raises(InputError, match=r"cannot be read as an image: ."):
        load_image(tmp_path / name)


@pytest.mark.parametrize("ending", [".nrrd", ".mha", ".mhd"])
def test_other_formats_that_break_off_are_refused(ending, tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(ARRAY), str(tmp_path / f"v{ending}"))
    path = next((file for file in tmp_path.iterdir() if file.suffix in (".raw", ".zraw")), tmp_path / f"v{ending}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size - 600])
    with pytest.raises(InputError, match=r"cannot be read as an image: ."):
        load_image(tmp_path / f"v{ending}")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("v.mgz", b"x", "mri_convert"),
        ("v.mrb", b"x", "3D Slicer"),
        ("v.zip", b"x", "unpack"),
        ("v.nrrd", b"", "it is empty"),
        ("v.nii.gz", b"", "not whole"),
        ("v.nrrd", b"NRRD0004\nnonsense", "cannot be read as an image: ."),
        ("v.xyz", b"text", "no format that is known"),
        ("v", b"text", "no format that is known"),
    ],
)
def test_files_of_other_kinds_are_refused_with_what_to_do(name, content, sentence, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=sentence) as raised:
        load_image(tmp_path / name)
    assert "\n" not in str(raised.value)


def test_nifti_2_files_are_refused_by_name(tmp_path):
    nibabel.save(nibabel.Nifti2Image(ARRAY, AFFINE), tmp_path / "v.nii.gz")
    with pytest.raises(InputError, match="NIfTI-2"):
        load_image(tmp_path / "v.nii.gz")


@pytest.mark.parametrize("ending", [".mnc", ".gipl", ".vtk", ".mha"])
def test_formats_of_other_fields_are_read(ending, tmp_path):
    image = sitk.GetImageFromArray(ARRAY.astype(np.uint16))
    image.SetSpacing((1.0, 2.0, 3.0))
    sitk.WriteImage(image, str(tmp_path / f"v{ending}"))
    loaded = load_volume(tmp_path / f"v{ending}")
    assert np.array_equal(sitk.GetArrayFromImage(loaded.image), ARRAY)
    assert np.allclose(loaded.image.GetSpacing(), (1.0, 2.0, 3.0))


def test_a_stack_of_pictures_is_read_and_its_unknown_voxel_size_noted(tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(ARRAY.astype(np.uint16)), str(tmp_path / "v.tif"))
    assert "how large a voxel is" in load_volume(tmp_path / "v.tif").notes[0]
