"""What is said about packages and devices."""

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import torch
from SAMRegistrationLib import environment
from SAMRegistrationLib.cli import main

LIBRARY = Path(__file__).resolve().parents[2] / "SAMRegistration"


def test_the_packages_have_the_versions_that_pip_knows(monkeypatch):
    found = {package.name: package.version for package in environment.packages()}
    assert found["torch"] == metadata.version("torch")
    assert {"torch", "safetensors", "SimpleITK", "numpy", "Pillow", "Jinja2"} <= set(found)
    assert environment.missing_packages() == []


def test_a_package_that_is_not_there_is_missing(monkeypatch):
    def version(name):
        if name in ("torch", "SimpleITK"):
            raise metadata.PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr(environment, "_version_by_pip", version)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert environment.missing_packages() == ["torch"]  # SimpleITK can be imported, though pip does not know of it


def test_looking_at_the_packages_imports_none_of_them():
    script = (
        "import sys; from SAMRegistrationLib import environment; environment.packages(); environment.processor();"
        "print([name for name in ('torch', 'numpy', 'SimpleITK') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, encoding="utf-8", cwd=LIBRARY, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="compares with what Linux tells of its memory")
def test_the_processor_tells_cores_and_free_memory():
    device = environment.processor()
    assert f"{os.cpu_count()} cores" in device.name
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 < device.free < total


def test_every_gpu_is_listed_with_its_name_and_free_memory(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"Card {index}")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda index: (10 + index, 100))
    assert [device[:] for device in environment.devices()][1:] == [("cuda:0", "Card 0", 10), ("cuda:1", "Card 1", 11)]
    names = ("auto", "cpu", "cuda", "cuda:1", "cuda:2", "cuda:x")
    assert [environment.usable_device(name) for name in names] == ["auto", "cpu", "cuda", "cuda:1", "auto", "auto"]


def test_a_gpu_of_another_computer_is_not_usable_here(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert [environment.usable_device(name) for name in ("auto", "cpu", "cuda", "cuda:0")] == [
        "auto",
        "cpu",
        "auto",
        "auto",
    ]


def test_the_command_prints_packages_and_devices_for_people_and_programs(capsys):
    assert main(["environment", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["devices"][0]["id"] == "cpu"
    assert main(["environment"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split() == ["torch", metadata.version("torch")] for line in lines)


def test_without_torch_the_command_still_tells_what_is_missing(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["environment", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [device["id"] for device in found["devices"]] == ["cpu"]
    assert "torch" in found["problem"]


@pytest.mark.parametrize(
    ("version", "old"), [("1.13.1", True), ("2.0.1+cu118", True), ("2.1", False), ("2.13.0+cpu", False), ("?", False)]
)
def test_versions_are_compared_by_their_numbers(version, old):
    assert environment.Package("torch", "torch", version, "2.1").is_too_old == old


@pytest.mark.parametrize("absent", ["PIL", "jinja2", "torch", "safetensors"])
def test_a_command_without_a_package_says_what_to_install_and_nothing_else(absent, tmp_path):
    script = f"import sys; sys.modules[{absent!r}] = None; from SAMRegistrationLib.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", script, "register", "a.nii.gz", "b.nii.gz", "-o", "out"]
    paths = {**os.environ, "PYTHONPATH": str(LIBRARY)}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=tmp_path, env=paths, check=False)
    name = {"PIL": "Pillow", "jinja2": "Jinja2"}.get(absent, absent)
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1
    assert f"{name} is not installed; install it with: python -m pip install" in done.stderr


def test_an_old_torch_is_told_with_the_version_that_is_needed(monkeypatch, capsys):
    monkeypatch.setattr(environment, "_version_by_pip", lambda name: "1.13.1" if name == "torch" else "100")
    assert main(["metrics"]) == 3
    error = capsys.readouterr().err
    assert "torch 1.13.1 is older than 2.1" in error
    assert "Traceback" not in error


def test_an_import_that_fails_within_a_command_is_a_sentence(monkeypatch, capsys):
    def broken(options):
        raise ImportError("libsomething.so.5: cannot open shared object file", name="torch._C")

    monkeypatch.setattr("SAMRegistrationLib.cli.metrics.run", broken)
    assert main(["metrics"]) == 3
    error = capsys.readouterr().err
    assert "libsomething.so.5" in error
    assert len(error.splitlines()) == 1
