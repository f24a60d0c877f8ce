"""The pure-Python parts: module base classes, translation, packaging, and what is said when something is missing."""

import subprocess
import sys
import textwrap
from pathlib import Path

import Host
import pytest

SOURCE = Path(Host.__file__).resolve().parents[1]


@pytest.fixture
def logic(application):
    from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

    class HostThingLogic(ScriptedLoadableModuleLogic):
        pass

    return HostThingLogic()


def test_the_parameter_node_is_a_singleton_with_the_recorded_attributes(logic):
    node = logic.getParameterNode()
    assert (node.GetClassName(), node.GetName(), node.GetSingletonTag()) == (
        "vtkMRMLScriptedModuleNode",
        "HostThing",
        "HostThing",
    )
    assert (node.GetAttribute("ModuleName"), node.GetHideFromEditors()) == ("HostThing", 1)
    assert logic.getParameterNode() is node
    assert logic.getAllParameterNodes() == [node]


def test_several_parameter_nodes_are_kept_when_the_logic_says_so(logic):
    import slicer

    logic.isSingletonParameterNode = False
    first = logic.getParameterNode()
    second = slicer.mrmlScene.AddNode(logic.createParameterNode())
    assert logic.getParameterNode() is first
    assert logic.getAllParameterNodes() == [first, second]


def test_the_test_class_runs_every_test_with_its_set_up(application):
    from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest

    calls = []

    class HostThingTest(ScriptedLoadableModuleTest):
        messageDelay = 1

        def setUp(self):
            calls.append("setUp")

        def tearDown(self):
            calls.append("tearDown")

        def test_one(self):
            calls.append("one")

        def test_two(self):
            calls.append("two")
            self.delayDisplay("done", 1)

    HostThingTest().runTest()
    assert [call for call in calls if call.startswith("set")] == ["setUp"] * len([c for c in calls if c == "tearDown"])
    assert calls[:3] == ["setUp", "one", "tearDown"]
    assert "two" in calls


def test_texts_are_translated_to_themselves(application):
    from slicer.i18n import getContext, tr, translate

    assert tr("{n} points").format(n=3) == "3 points"
    assert translate("Context", "text") == "text"
    assert getContext("/a/MyModule.py") == "MyModule"


def test_packaging_sees_what_is_installed(application):
    import slicer.packaging

    assert slicer.packaging.pip_check("numpy")
    assert slicer.packaging.pip_check(["numpy>=1.0", "vtk; python_version < '3'"])
    assert not slicer.packaging.pip_check("numpy<0.1")
    assert not slicer.packaging.pip_check("no-such-package-here")


def test_packaging_installs_nothing_and_says_what_to_run(application, monkeypatch):
    import slicer.packaging

    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("something was run"))
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("something was run"))
    with pytest.raises(RuntimeError, match="pip install no-such-package-here"):
        slicer.packaging.pip_install("no-such-package-here")
    with pytest.raises(RuntimeError, match="pip install no-such-package-here"):
        slicer.packaging.pip_ensure(["numpy", "no-such-package-here"], skip_in_testing=False)
    with pytest.raises(RuntimeError):
        slicer.packaging.pip_uninstall("numpy")
    assert slicer.packaging.pip_ensure("no-such-package-here") == []  # testing mode skips, as in the application


def test_requirements_are_read_from_files(application, tmp_path):
    import slicer.packaging

    (tmp_path / "requirements.txt").write_text("# comment\nnumpy>=1.0  # why\n\n-r other.txt\n", encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\ndependencies = ["scipy"]\n', encoding="utf-8")
    assert [str(r) for r in slicer.packaging.load_requirements(tmp_path / "requirements.txt")] == ["numpy>=1.0"]
    assert [str(r) for r in slicer.packaging.load_pyproject_dependencies(tmp_path / "pyproject.toml")] == ["scipy"]


def sentence_of(code):
    """What Host says in a fresh process in which some import fails."""
    script = f"import sys\nsys.path.insert(0, {str(SOURCE)!r})\n" + textwrap.dedent(code)
    script += "\nfrom Host.errors import HostError\nfrom Host.qtshim import environment\n"
    script += "try:\n    CALL()\nexcept HostError as error:\n    print(error)\n"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, encoding="utf-8", timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


BLOCK = """
import importlib.abc
class Block(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == {name!r}:
            raise {error}
sys.meta_path.insert(0, Block())
def CALL(): environment.{call}()
"""


@pytest.mark.parametrize(
    ("name", "error", "call", "sentence"),
    [
        (
            "PySide6",
            "ModuleNotFoundError(name, name='PySide6')",
            "require_qt",
            "PySide6-Essentials is not installed: run",
        ),
        (
            "slicer_core",
            "ModuleNotFoundError(name, name='slicer_core')",
            "require_slicer_core",
            "slicer-core is not installed: run",
        ),
        (
            "PySide6",
            "ImportError('libEGL.so.1: cannot open shared object file')",
            "require_qt",
            "apt-get install libegl1",
        ),
    ],
)
def test_a_missing_library_is_named_in_one_sentence(name, error, call, sentence):
    said = sentence_of(BLOCK.format(name=name, error=error, call=call))
    assert sentence in said
    assert "\n" not in said


def test_a_python_that_is_too_old_is_named_in_one_sentence():
    said = sentence_of("def CALL():\n    sys.version_info = (3, 8, 0)\n    environment.require_python()")
    assert (
        said == "slicer-core needs Python 3.10 or later, and this is 3.8: create the environment with another Python."
    )


def test_qt_imported_too_early_is_told():
    said = sentence_of(
        """
        import os
        os.environ.pop("PYSIDE6_OPTION_PYTHON_ENUM", None)
        import PySide6.QtCore
        def CALL(): environment.require_qt()
        """
    )
    assert said.startswith("PySide6 was imported before the stand-in application: import Host first")
