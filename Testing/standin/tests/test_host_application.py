"""slicer.app and the command line of the host."""

import hashlib
import inspect
import logging
import os
import subprocess
import sys
from pathlib import Path

import Host
import numpy as np
import pytest
import slicer
from Host import record
from Host.qtshim.objects import VIRTUAL
from PySide6 import QtGui

SOURCE = Path(Host.__file__).resolve().parents[1]
SAMPLE = Path(__file__).resolve().parent / "sample" / "HostSample.py"


def wait(qt, milliseconds):
    loop = qt.QEventLoop()
    qt.QTimer.singleShot(milliseconds, loop.quit)
    loop.exec_()


def host(*arguments, code=None, **environment):
    """Run `python -m Host` (or `code`) in a process of its own, off screen."""
    command = [sys.executable, "-c", code] if code else [sys.executable, "-m", "Host", *map(str, arguments)]
    variables = {**os.environ, "PYTHONPATH": str(SOURCE), "QT_QPA_PLATFORM": "offscreen", **environment}
    return subprocess.run(command, env=variables, capture_output=True, encoding="utf-8", timeout=120)


def test_the_application_has_the_names_that_modules_read():
    app = slicer.app
    assert app.testingEnabled()
    assert app.applicationName == "Slicer"
    assert (app.majorVersion, app.minorVersion) == (5, 13)
    assert Path(app.temporaryPath).is_dir()
    assert app.mrmlScene() is slicer.mrmlScene
    assert slicer.util.mainWindow().objectName == "qSlicerMainWindow"
    assert slicer.app.applicationLogic().GetSelectionNode() is not None
    assert slicer.app.moduleLogic("Markups") is slicer.modules.markups.logic()


def test_what_the_application_lacks_is_missing_here_too():
    with pytest.raises(TypeError):
        slicer.app.applicationName()
    with pytest.raises(AttributeError):
        slicer.app.noSuchMember  # noqa: B018
    with pytest.raises(TypeError):
        slicer.app.layoutManager().layout()


def test_what_the_host_does_not_cover_is_said_in_a_sentence():
    with pytest.raises(AttributeError, match="exists in 3D Slicer and is not in its stand-in yet"):
        slicer.app.layoutManager().addMaximizedViewNode(None)


def test_settings_are_kept_during_the_run_in_a_folder_of_their_own(qt):
    qt.QSettings().setValue("Sample/Key", 7)
    assert slicer.util.settingsValue("Sample/Key", 0, converter=int) == 7
    assert int(slicer.app.userSettings().value("Sample/Key")) == 7
    assert qt.QSettings().fileName().startswith(slicer.app.temporaryPath)


def test_message_boxes_do_not_wait_and_are_logged_in_testing_mode(caplog):
    with caplog.at_level(logging.INFO):
        slicer.util.errorDisplay("Something failed.")
        slicer.util.confirmOkCancelDisplay("Go on?")
        slicer.util.infoDisplay("Done.")
    assert {"Something failed.", "Go on?", "Done."} <= {record.message for record in caplog.records}


def test_an_error_under_try_with_error_display_is_raised_and_restores_the_cursor(qt):
    seen = []

    def fail():
        with slicer.util.tryWithErrorDisplay("Failed.", waitCursor=True):
            seen.append(qt.QApplication.overrideCursor() is not None)
            raise ValueError("bad")

    with pytest.raises(ValueError, match="bad"):
        fail()
    assert seen == [True]
    assert qt.QApplication.overrideCursor() is None


def test_a_timer_fires_while_the_event_loop_runs(qt):
    ticks = []
    timer = qt.QTimer()
    timer.setInterval(10)
    timer.timeout.connect(lambda: ticks.append(1))
    timer.start()
    wait(qt, 200)
    timer.stop()
    assert len(ticks) >= 5


def test_a_status_message_is_shown_in_the_window():
    slicer.util.showStatusMessage("Working")
    assert slicer.util.mainWindow().statusBar().currentMessage() == "Working"


def test_sample_data_is_loaded_by_name_and_a_wrong_checksum_is_refused(tmp_path):
    import SampleData

    volume = slicer.util.addVolumeFromArray(np.arange(24.0).reshape(2, 3, 4), name="Source")
    path = tmp_path / "sample.nrrd"
    assert slicer.util.saveNode(volume, str(path))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    for name, checksum in (("Right", digest), ("Wrong", "0" * 64)):
        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category="Host",
            sampleName=name,
            uris=path.as_uri(),
            fileNames=f"{name}.nrrd",
            nodeNames=name,
            checksums=f"SHA256:{checksum}",
        )
    node = SampleData.downloadSample("Right")
    assert node.GetName() == "Right"
    assert np.array_equal(slicer.util.arrayFromVolume(node), slicer.util.arrayFromVolume(volume))
    with pytest.raises((RuntimeError, ValueError)):
        SampleData.downloadSample("Wrong")
    assert slicer.mrmlScene.GetFirstNodeByName("Wrong") is None


def test_the_command_line_loads_a_file_runs_a_script_and_the_tests_and_writes_a_picture(tmp_path):
    volume = slicer.util.addVolumeFromArray(np.full((10, 20, 20), 100.0), name="Gray")
    slicer.util.saveNode(volume, str(tmp_path / "gray.nrrd"))
    script, picture = tmp_path / "script.py", tmp_path / "window.png"
    script.write_text("import slicer\nprint('nodes:', slicer.util.getNode('gray').GetName())\n", encoding="utf-8")
    done = host(SAMPLE, "--scene", tmp_path / "gray.nrrd", "--exec", script, "--run-tests", "--screenshot", picture)
    assert done.returncode == 0, done.stderr
    assert "nodes: gray" in done.stdout
    assert "The tests of HostSample passed." in done.stdout
    image = QtGui.QImage(str(picture))
    assert (image.width(), image.height()) == (1400, 900)


def test_the_command_line_runs_a_module_without_a_main_window(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import slicer\nprint('window:', slicer.util.mainWindow(), slicer.app.layoutManager())\n", encoding="utf-8"
    )
    done = host(SAMPLE, "--no-main-window", "--exec", script, "--run-tests")
    assert done.returncode == 0, done.stderr
    assert "window: None None" in done.stdout
    assert "The tests of HostSample passed." in done.stdout
    done = host(SAMPLE, "--no-main-window", "--screenshot", tmp_path / "window.png")
    assert done.returncode == 2
    assert "there is no picture without the main window" in done.stderr


def test_failing_tests_of_a_module_end_with_an_error_status(tmp_path):
    (tmp_path / "Resources" / "UI").mkdir(parents=True)
    (tmp_path / "HostSample.py").write_text(
        SAMPLE.read_text(encoding="utf-8").replace("== 2 * 3 * 3", "== 0"), encoding="utf-8"
    )
    ui = SAMPLE.parent / "Resources" / "UI" / "HostSample.ui"
    (tmp_path / "Resources" / "UI" / "HostSample.ui").write_text(ui.read_text(encoding="utf-8"), encoding="utf-8")
    done = host(tmp_path / "HostSample.py", "--run-tests")
    assert done.returncode == 1
    assert "AssertionError" in done.stderr


def one_sentence(done):
    lines = [line for line in done.stderr.splitlines() if line.startswith("Host: ")]
    assert "Traceback" not in done.stderr
    assert len(lines) == 1
    return lines[0]


def test_a_missing_file_or_screen_is_told_in_one_sentence(tmp_path):
    done = host(SAMPLE, QT_QPA_PLATFORM="xcb", DISPLAY="", WAYLAND_DISPLAY="")
    assert done.returncode == 2
    assert "xvfb" in one_sentence(done)
    done = host(tmp_path / "Missing.py")
    assert done.returncode == 2
    assert "There is no file" in one_sentence(done)


@pytest.mark.parametrize(
    ("preparation", "sentence"),
    [
        ("sys.modules['slicer_core'] = None", "pip install slicer-core"),
        ("sys.modules['PySide6'] = None", "pip install PySide6-Essentials"),
        ("sys.version_info = (3, 8, 1)", "needs Python 3.10 or later"),
    ],
)
def test_what_is_not_installed_is_told_in_one_sentence_that_names_it(preparation, sentence):
    code = f"import sys\n{preparation}\nfrom Host.__main__ import main\nsys.exit(main([{str(SAMPLE)!r}]))"
    done = host(code=code)
    assert done.returncode == 2
    assert sentence in one_sentence(done)


TOLERATED = {"exec_", "raise_", "print_", "name", "staticMetaObject", "emit"}  # as PythonQt, or called by Qt itself
PARTS = {
    "slicer.app": lambda: slicer.app,
    "slicer.app.coreIOManager()": lambda: slicer.app.coreIOManager(),
    "slicer.app.moduleManager()": lambda: slicer.app.moduleManager(),
    "slicer.app.layoutManager()": lambda: slicer.app.layoutManager(),
    "sliceWidget": lambda: slicer.app.layoutManager().sliceWidget("Red"),
    "sliceView": lambda: slicer.app.layoutManager().sliceWidget("Red").sliceView(),
    "sliceController": lambda: slicer.app.layoutManager().sliceWidget("Red").sliceController(),
    "threeDWidget": lambda: slicer.app.layoutManager().threeDWidget(0),
    "threeDView": lambda: slicer.app.layoutManager().threeDWidget(0).threeDView(),
    "threeDController": lambda: slicer.app.layoutManager().threeDWidget(0).threeDController(),
}


@pytest.mark.parametrize("name", sorted(PARTS))
def test_a_part_of_the_application_offers_nothing_that_the_record_lacks_and_calls_what_is_called_there(name):
    part, members = PARTS[name](), record.complete(name)
    names = {key for key in dir(type(part)) if not key.startswith("_") and hasattr(part, key)}
    kinds = {key for key in names if isinstance(inspect.getattr_static(type(part), key), type)}
    assert sorted(names - kinds - record.allowed(name) - set(VIRTUAL.split()) - TOLERATED) == []
    own = {key for cls in type(part).__mro__ if cls.__module__.startswith("Host.") for key in vars(cls)}
    for key in own & set(members.properties):
        assert not callable(getattr(part, key)), f"{key} is a property in the application"
    for key in own & (members.callables - set(members.properties)):
        assert callable(getattr(part, key)), f"{key} is called in the application"


def test_a_worker_thread_runs_while_the_event_loop_waits(qt):
    import threading

    done = threading.Event()
    worker = threading.Thread(target=lambda: (sum(range(2_000_000)), done.set()))
    worker.start()
    wait(qt, 50)
    for _ in range(100):
        if done.is_set():
            break
        wait(qt, 20)
    worker.join(timeout=1)
    assert done.is_set()
