"""Devices and packages: found without holding up the panel, and explained where something is missing."""

import os
import subprocess
import sys
import textwrap
import types
import zipfile
from pathlib import Path

import Host
import pytest
import slicer
import torch
from module_panel import MODULE, choose
from SAMRegistrationLib.environment import Device, Package
from SAMRegistrationLib.testing.driver import click, settle, wait

HOST = Path(Host.__file__).parents[1]
CARDS = [Device("cpu", "CPU (8 cores)", 12e9), Device("cuda:0", "Card A", 10e9), Device("cuda:1", "Card B", None)]


def items(combo):
    return [combo.itemText(index) for index in range(combo.count)]


@pytest.fixture
def two_cards(panel, monkeypatch):
    monkeypatch.setattr(panel.logic, "devices", lambda job=None: CARDS, raising=False)
    panel.deviceChoice.enter()
    settle(panel)
    yield panel
    panel.parameters().device = "auto"
    monkeypatch.undo()
    panel.deviceChoice.enter()
    settle(panel)


def test_every_device_can_be_chosen_by_its_name_with_its_free_memory(two_cards):
    combo = two_cards.ui.deviceCombo
    assert items(combo) == ["Automatic", "CPU (8 cores), 12.0 GB free", "Card A, 10.0 GB free", "Card B"]
    for index, device in enumerate(("auto", "cpu", "cuda:0", "cuda:1")):
        combo.setCurrentIndex(index)
        assert two_cards.parameters().device == device
    assert not two_cards.ui.deviceStatus.visible


def test_the_choice_is_kept_with_the_scene_and_a_missing_gpu_is_told(two_cards, tmp_path):
    two_cards.ui.deviceCombo.setCurrentIndex(3)
    scene = str(tmp_path / "scene.mrb")
    assert slicer.util.saveScene(scene)
    slicer.mrmlScene.Clear(0)
    two_cards.initializeParameterNode()
    assert two_cards.ui.deviceCombo.currentIndex == 0
    slicer.util.loadScene(scene)
    two_cards.initializeParameterNode()
    assert two_cards.ui.deviceCombo.currentText == "Card B"
    two_cards.deviceChoice._fill_known(CARDS[:1])
    assert items(two_cards.ui.deviceCombo)[-1] == "cuda:1 (not on this computer)"
    assert two_cards.ui.deviceCombo.currentIndex == 2
    assert "another one is taken automatically" in two_cards.ui.deviceStatus.text
    assert two_cards.parameters().device == "cuda:1"
    two_cards.ui.deviceCombo.setCurrentIndex(1)
    assert items(two_cards.ui.deviceCombo) == ["Automatic", "CPU (8 cores), 12.0 GB free"]
    assert two_cards.ui.deviceStatus.text == ""


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a computer without the GPU of the scene")
def test_a_registration_for_a_missing_gpu_is_done_elsewhere_and_says_so(panel, a_pair):
    choose(panel, a_pair)
    panel.parameters().device = "cuda:3"
    click(panel.ui.registerButton)
    wait(lambda: not panel.registerPanel.running)
    assert panel.parameters().resultTransform is not None
    assert "The device cuda:3 is not on this computer; CPU was used." in panel.ui.registerStatus.text


def test_what_is_missing_is_told_on_top_and_installed_on_request(panel, monkeypatch):
    there = {"torch": "2.5", "safetensors": None, "Pillow": None}
    asked = []
    monkeypatch.setattr(
        "SAMRegistrationLib.environment.packages", lambda: [Package(name, name, there[name]) for name in there]
    )
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *_args, **_more: asked.append(1))

    def pip_install(names):
        constraint = Path(os.environ["PIP_CONSTRAINT"][len("file://") :])
        asked.append((sorted(names), constraint.read_text(encoding="utf-8")))
        there.update(dict.fromkeys(names, "1.0"))

    monkeypatch.setattr(slicer.util, "pip_install", pip_install)
    panel.installationPanel.list_packages()
    panel.ui.advancedSection.collapsed = True
    assert panel.ui.noticeLabel.text == "Missing: safetensors, Pillow. Install it below."
    click(panel.ui.noticeButton)
    assert not panel.ui.advancedSection.collapsed
    assert panel.ui.installButton.text == "Install what is missing"
    click(panel.ui.installButton)
    assert asked == [(["Pillow", "safetensors"], "")]
    assert panel.ui.installStatus.text == "Installed."
    assert not panel.ui.noticeLabel.visible
    assert "safetensors: 1.0" in panel.ui.packagesLabel.text
    assert "PIP_CONSTRAINT" not in os.environ
    monkeypatch.undo()
    panel.installationPanel.list_packages()


def test_what_is_still_missing_after_the_installation_is_told(panel, monkeypatch):
    nothing = [Package("safetensors", "safetensors", None)]
    monkeypatch.setattr("SAMRegistrationLib.environment.packages", lambda: nothing)
    monkeypatch.setattr(slicer.util, "pip_install", lambda names: None)
    panel.installationPanel.list_packages()
    click(panel.ui.installButton)
    assert panel.ui.installStatus.text == "safetensors could not be installed; the application's log tells why."
    monkeypatch.undo()
    panel.installationPanel.list_packages()


def test_torch_comes_from_its_extension_and_numpy_and_simpleitk_stay(panel, monkeypatch):
    import numpy
    from SAMRegistrationLib.errors import InputError
    from SAMRegistrationLib.scene.install import install

    done = []

    class PyTorchUtilsLogic:
        def installTorch(self, askConfirmation=False, forceComputationBackend=None):
            done.append(Path(os.environ["PIP_CONSTRAINT"][len("file://") :]).read_text(encoding="utf-8"))

    monkeypatch.setattr(slicer.util, "pip_install", done.append)
    with pytest.raises(InputError, match="Install the extension PyTorch"):
        install(["torch", "safetensors"])
    assert done == []
    monkeypatch.setitem(sys.modules, "PyTorchUtils", types.SimpleNamespace(PyTorchUtilsLogic=PyTorchUtilsLogic))
    monkeypatch.setenv("PIP_CONSTRAINT", "of-the-user")
    install(["torch", "safetensors"])
    assert f"numpy=={numpy.__version__}" in done[0].splitlines()
    assert any(line.startswith("SimpleITK==") for line in done[0].splitlines())
    assert done[1:] == [["safetensors"]]
    assert os.environ["PIP_CONSTRAINT"] == "of-the-user"


def test_pip_takes_the_constraint_and_refuses_to_replace_numpy(tmp_path):
    """Asked of the real pip, without any network: a package that wants another numpy is not installed."""
    from SAMRegistrationLib.scene.install import _kept

    wheel = tmp_path / "greedy-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("greedy.py", "")
        file.writestr(
            "greedy-1.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: greedy\nVersion: 1.0\nRequires-Dist: numpy<1\n",
        )
        file.writestr("greedy-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("greedy-1.0.dist-info/RECORD", "")
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", str(wheel)]
    with _kept():
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if "No module named pip" in done.stderr:
        pytest.skip("needs pip")
    assert done.returncode != 0
    assert "constraint" in done.stdout + done.stderr


def test_without_torch_the_module_opens_and_says_what_to_do(tmp_path):
    script = textwrap.dedent(
        f"""
        import sys
        sys.path[:0] = [{str(MODULE.parent)!r}, {str(HOST)!r}]
        for name in ("torch", "PIL", "safetensors"):
            sys.modules[name] = None
        import Host
        application = Host.start(testing=True)
        import slicer, numpy
        Host.load_module({str(MODULE)!r})
        widget = slicer.modules.SAMRegistrationWidget
        volume = slicer.util.addVolumeFromArray(numpy.random.rand(8, 9, 10), name="A")
        widget.ui.fixedSelector.setCurrentNode(volume)
        widget.ui.movingSelector.setCurrentNode(slicer.util.addVolumeFromArray(numpy.random.rand(8, 9, 10), name="B"))
        widget.ui.addStructureButton.click()
        for _ in range(50):
            slicer.app.processEvents()
        print(widget.ui.registerButton.text, widget.ui.registerButton.enabled)
        print(widget.ui.noticeLabel.text)
        print(widget.ui.structuresTable.rowCount)
        print([widget.ui.deviceCombo.itemText(i).split(" (")[0] for i in range(widget.ui.deviceCombo.count)])
        widget.ui.plusButton.click()
        while widget.runner.busy:
            slicer.app.processEvents()
        application._shut_down()
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, encoding="utf-8", timeout=300, check=False
    )
    lines = done.stdout.splitlines()
    assert lines[-4:] == [
        "PyTorch is missing; install it in the section Advanced False",
        "Missing: torch, safetensors, Pillow. Install it below.",
        "1",
        "['Automatic', 'CPU']",
    ], done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
