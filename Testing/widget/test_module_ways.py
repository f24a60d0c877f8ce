"""Applications that lack something: a Python program for the background, views, a main window. All else works."""

import subprocess
import sys
import textwrap
import types
from pathlib import Path

import Host
import module_life
import pytest
import slicer
from module_panel import MODULE
from SAMRegistrationLib.testing.driver import settle

HOST = Path(Host.__file__).resolve().parents[1]
NO_PROGRAM = "There is no Python program to start in the background"


@pytest.fixture
def without_python(panel, monkeypatch, tmp_path):
    """Python embedded, as by an application that was started without its launcher; torch is not loaded yet."""
    from SAMRegistrationLib.widget import devices

    monkeypatch.setattr(sys, "executable", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("SLICER_HOME", "PYTHONHOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(devices, "sys", types.SimpleNamespace(modules={}))
    monkeypatch.setattr(panel.deviceChoice, "_asked", False)
    panel.ui.installStatus.setText("")


@pytest.fixture
def without_views(panel, application, monkeypatch):
    monkeypatch.setattr(application, "_layout_manager", None)


@pytest.fixture
def without_window(panel):
    """slicer.util.mainWindow() finds it by its name."""
    window = slicer.util.mainWindow()
    window.setObjectName("another")
    yield
    window.setObjectName("qSlicerMainWindow")


@pytest.mark.parametrize("lacking", ["without_python", "without_views", "without_window"])
def test_the_whole_life_of_the_module_in_an_application_that_lacks_something(
    lacking, panel, a_pair, quick_registration, tmp_path, request, capfd
):
    request.getfixturevalue(lacking)
    module_life.live(panel, a_pair, tmp_path)
    assert "Traceback" not in capfd.readouterr().err


def test_without_a_python_program_the_section_advanced_says_so(panel, a_pair, without_python, tmp_path):
    panel.parent.exit()
    panel.parent.enter()
    assert NO_PROGRAM in panel.ui.installStatus.text
    panel.ui.fixedSelector.setCurrentNode(a_pair[0][0])
    panel.ui.movingSelector.setCurrentNode(a_pair[1][0])
    panel.trainingPanel.add_pair(str(tmp_path))
    settle(panel)
    panel.parameters().trainingOutput = str(tmp_path / "out")
    panel.ui.trainButton.click()
    assert NO_PROGRAM in panel.ui.trainingStatus.text
    assert panel.ui.trainButton.enabled
    panel.parameters().trainingData = panel.parameters().trainingOutput = ""


def test_a_report_on_devices_that_fails_is_told_in_the_section_advanced(panel, monkeypatch):
    from SAMRegistrationLib.errors import SAMRegistrationError

    panel.ui.installStatus.setText("")
    monkeypatch.setattr(panel.deviceChoice, "_asked", False)
    from SAMRegistrationLib.widget import devices

    monkeypatch.setattr(devices, "sys", types.SimpleNamespace(modules={}))
    told = {}
    ended = types.SimpleNamespace(poll=lambda: None, running=False)
    monkeypatch.setattr(panel.logic, "startEnvironmentReport", lambda **kwargs: told.update(kwargs) or ended)
    panel.deviceChoice.enter()
    told["failed"](SAMRegistrationError("It ended at once."))
    assert panel.ui.installStatus.text == "GPUs are listed after the first click or registration. It ended at once."


def test_without_views_nothing_can_be_clicked_in_them_and_the_modules_own_test_says_so(
    panel, a_pair, without_views, monkeypatch
):
    panel.ui.fixedSelector.setCurrentNode(a_pair[0][0])
    panel.ui.addStructureButton.click()
    slicer.app.processEvents()
    assert not any(getattr(panel.ui, f"{name}Button").enabled for name in ("plus", "minus", "box"))
    shown = []
    own_test = sys.modules[type(panel).__module__].SAMRegistrationTest
    monkeypatch.setattr(own_test, "delayDisplay", lambda self, text, *_args, **_more: shown.append(text))
    own_test().runTest()
    assert shown == 4 * ["There are no slice views to click in; start the application with its main window."]


def test_without_a_main_window_there_are_no_shortcuts(panel, without_window):
    panel.parent.exit()
    panel.parent.enter()
    assert panel.clickPanel._shortcuts == []
    assert panel.clickPanel.entered


def test_the_module_lives_in_an_application_without_main_window_and_python_program(tmp_path):
    script = textwrap.dedent(
        f"""
        import os, pathlib, sys
        sys.path[:0] = [{str(MODULE.parent)!r}, {str(HOST)!r}, {str(Path(__file__).resolve().parent)!r}]
        sys.executable = ""
        os.environ["PATH"] = ""
        import Host
        application = Host.start(testing=True, main_window=False)
        import slicer
        Host.load_module({str(MODULE)!r})
        panel = slicer.modules.SAMRegistrationWidget
        print(slicer.app.layoutManager(), slicer.util.mainWindow(), panel.parent.isEntered)
        print(panel.ui.installStatus.text)
        import module_life
        from SAMRegistrationLib import engine
        engine.register = module_life.known_result
        module_life.live(panel, module_life.pair(), pathlib.Path({str(tmp_path)!r}))
        slicer.modules.SAMRegistrationInstance.runTest(msec=0)
        print("lived")
        application._shut_down()
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, encoding="utf-8", timeout=300, check=False
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "None None True", done.stdout + done.stderr
    assert NO_PROGRAM in lines[1]
    assert "lived" in lines, done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
